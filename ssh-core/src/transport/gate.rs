//! The gate: whether a message number is legal *now*, before anything else looks at it.
//!
//! Every serious hole of the "message in the wrong state" kind is a missing row here, so there is one table, it is
//! data, and what it does not list ends the connection.

use crate::wire::MessageNumber;

/// The side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Opened the connection.
    Client,
    /// Accepted it.
    Server,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// How far a connection is, key exchanges after the first aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The first key exchange, from the identification strings to both NEWKEYS.
    KeyExchange,
    /// Encrypted; the authentication service is not granted yet.
    Service,
    /// The user is being authenticated.
    Authentication,
    /// The user is authenticated.
    Connection,
    /// Over.
    Closed,
}

/// How far the current key exchange is, as far as messages *from the peer* are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KexPhase {
    /// None is going on.
    Idle,
    /// Our KEXINIT is out, the peer's has not come: what it sent before it saw ours may still arrive.
    OursSent,
    /// The peer's KEXINIT has come: only the method's messages may follow (RFC 4253 §7.1).
    Exchanging,
    /// The method is done: only NEWKEYS may follow.
    AwaitNewKeys,
}

/// What to do with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Hand it to the layer it belongs to.
    Handle,
    /// Drop it.
    Ignore,
    /// Answer UNIMPLEMENTED (RFC 4253 §11.4).
    Unimplemented,
    /// End the connection.
    Disconnect,
}

/// Who may send a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sender {
    /// Both sides.
    Either,
    /// The client alone.
    Client,
    /// The server alone.
    Server,
}

/// One row: for these numbers from this sender, in these phases, this is the verdict.
#[derive(Clone, Copy, Debug)]
pub struct GateRow {
    /// First and last message number.
    pub numbers: (u8, u8),
    /// Who may send it.
    pub sender: Sender,
    /// In which phases.
    pub phases: &'static [Phase],
    /// In which states of the key exchange.
    pub kex: &'static [KexPhase],
    /// `Some`: only where strict key exchange was agreed, or was not. Counts during the first key exchange alone.
    pub strict: Option<bool>,
    /// What to do.
    pub verdict: Verdict,
}

use KexPhase::{AwaitNewKeys, Exchanging, Idle, OursSent};
use Phase::{Authentication, Connection, KeyExchange, Service};
use Verdict::{Handle, Ignore, Unimplemented};

/// Every phase but the end.
const OPEN: &[Phase] = &[KeyExchange, Service, Authentication, Connection];
/// Encrypted.
const ENCRYPTED: &[Phase] = &[Service, Authentication, Connection];
/// Every state of a key exchange.
const ANY: &[KexPhase] = &[Idle, OursSent, Exchanging, AwaitNewKeys];
/// The peer has not begun a key exchange: messages of the upper layers are legal.
const QUIET: &[KexPhase] = &[Idle, OursSent];
/// The peer has begun one.
const BUSY: &[KexPhase] = &[Exchanging, AwaitNewKeys];

const fn row(
    numbers: (u8, u8),
    sender: Sender,
    phases: &'static [Phase],
    kex: &'static [KexPhase],
    verdict: Verdict,
) -> GateRow {
    GateRow { numbers, sender, phases, kex, strict: None, verdict }
}

const fn one(number: MessageNumber) -> (u8, u8) {
    (number.0, number.0)
}

/// The table. The first row that fits decides; where none fits, the connection ends.
///
/// | numbers | sender | phase | key exchange | strict | verdict |
/// |---|---|---|---|---|---|
/// | DISCONNECT | either | any | any | any | Handle |
/// | 2–4 | either | KeyExchange | Exchanging, AwaitNewKeys | no | Ignore |
/// | 2–4 | either | KeyExchange | Idle, OursSent | any | Ignore |
/// | IGNORE | either | Service, Authentication, Connection | any | any | Ignore |
/// | DEBUG | either | Service, Authentication, Connection | any | any | Ignore |
/// | UNIMPLEMENTED | either | Service, Authentication, Connection | any | any | Handle |
/// | KEXINIT | either | any | Idle, OursSent | any | Handle |
/// | 30–49 | either | any | Exchanging | any | Handle |
/// | NEWKEYS | either | any | AwaitNewKeys | any | Handle |
/// | EXT_INFO | either | Service | Idle, OursSent | any | Handle |
/// | EXT_INFO | server | Authentication | Idle, OursSent | any | Handle |
/// | SERVICE_REQUEST | client | Service | Idle, OursSent | any | Handle |
/// | SERVICE_ACCEPT | server | Service | Idle, OursSent | any | Handle |
/// | USERAUTH_REQUEST | client | Authentication | Idle, OursSent | any | Handle |
/// | USERAUTH_REQUEST | client | Connection | Idle, OursSent | any | Ignore |
/// | USERAUTH_INFO_RESPONSE | client | Authentication | Idle, OursSent | any | Handle |
/// | 51–53 | server | Authentication | Idle, OursSent | any | Handle |
/// | USERAUTH_METHOD_60 | server | Authentication | Idle, OursSent | any | Handle |
/// | USERAUTH_BANNER | server | Connection | Idle, OursSent | any | Ignore |
/// | 80–82 | either | Connection | Idle, OursSent | any | Handle |
/// | 90–100 | either | Connection | Idle, OursSent | any | Handle |
/// | PING | either | Connection | Idle | any | Handle |
/// | PING | either | Service, Authentication, Connection | Idle, OursSent | any | Ignore |
/// | PONG | either | Service, Authentication, Connection | Idle, OursSent | any | Ignore |
/// | 8–19 | either | Service, Authentication, Connection | Idle, OursSent | any | Unimplemented |
/// | 22–29 | either | Service, Authentication, Connection | Idle, OursSent | any | Unimplemented |
/// | 101–191 | either | Service, Authentication, Connection | Idle, OursSent | any | Unimplemented |
/// | 194–255 | either | Service, Authentication, Connection | Idle, OursSent | any | Unimplemented |
///
/// "any" phase is any but [`Phase::Closed`], where nothing is legal. Where a row says `strict`, it is about the first key
/// exchange; what came before the peer's KEXINIT is judged when that says whether the exchange is strict.
///
/// Two rules need more than a row and stand where the messages are handled: EXT_INFO is legal only as the first message
/// after NEWKEYS or right before USERAUTH_SUCCESS (RFC 8308 §2.4), and PING is answered in quiet times alone
/// (CVE-2025-26466). USERAUTH_REQUEST after success is ignored by RFC 4252 §5.3.
pub static GATE: &[GateRow] = &[
    row(one(MessageNumber::DISCONNECT), Sender::Either, OPEN, ANY, Handle),
    GateRow { strict: Some(false), ..row((2, 4), Sender::Either, &[KeyExchange], BUSY, Ignore) },
    row((2, 4), Sender::Either, &[KeyExchange], QUIET, Ignore),
    row(one(MessageNumber::IGNORE), Sender::Either, ENCRYPTED, ANY, Ignore),
    row(one(MessageNumber::DEBUG), Sender::Either, ENCRYPTED, ANY, Ignore),
    row(one(MessageNumber::UNIMPLEMENTED), Sender::Either, ENCRYPTED, ANY, Handle),
    row(one(MessageNumber::KEXINIT), Sender::Either, OPEN, QUIET, Handle),
    row((30, 49), Sender::Either, OPEN, &[Exchanging], Handle),
    row(one(MessageNumber::NEWKEYS), Sender::Either, OPEN, &[AwaitNewKeys], Handle),
    row(one(MessageNumber::EXT_INFO), Sender::Either, &[Service], QUIET, Handle),
    row(one(MessageNumber::EXT_INFO), Sender::Server, &[Authentication], QUIET, Handle),
    row(one(MessageNumber::SERVICE_REQUEST), Sender::Client, &[Service], QUIET, Handle),
    row(one(MessageNumber::SERVICE_ACCEPT), Sender::Server, &[Service], QUIET, Handle),
    row(one(MessageNumber::USERAUTH_REQUEST), Sender::Client, &[Authentication], QUIET, Handle),
    row(one(MessageNumber::USERAUTH_REQUEST), Sender::Client, &[Connection], QUIET, Ignore),
    row(one(MessageNumber::USERAUTH_INFO_RESPONSE), Sender::Client, &[Authentication], QUIET, Handle),
    row((51, 53), Sender::Server, &[Authentication], QUIET, Handle),
    row(one(MessageNumber::USERAUTH_METHOD_60), Sender::Server, &[Authentication], QUIET, Handle),
    row(one(MessageNumber::USERAUTH_BANNER), Sender::Server, &[Connection], QUIET, Ignore),
    row((80, 82), Sender::Either, &[Connection], QUIET, Handle),
    row((90, 100), Sender::Either, &[Connection], QUIET, Handle),
    row(one(MessageNumber::PING), Sender::Either, &[Connection], &[Idle], Handle),
    row(one(MessageNumber::PING), Sender::Either, ENCRYPTED, QUIET, Ignore),
    row(one(MessageNumber::PONG), Sender::Either, ENCRYPTED, QUIET, Ignore),
    row((8, 19), Sender::Either, ENCRYPTED, QUIET, Unimplemented),
    row((22, 29), Sender::Either, ENCRYPTED, QUIET, Unimplemented),
    row((101, 191), Sender::Either, ENCRYPTED, QUIET, Unimplemented),
    row((194, 255), Sender::Either, ENCRYPTED, QUIET, Unimplemented),
];

/// What `receiver` does with message `number` now.
///
/// `strict` says whether strict key exchange was agreed; it matters during the first key exchange alone.
pub fn verdict(receiver: Side, phase: Phase, kex: KexPhase, strict: bool, number: MessageNumber) -> Verdict {
    verdict_by(GATE, receiver, phase, kex, strict, number)
}

/// As [`verdict`], by a table of the caller's: for a tool that asks what a row is for.
pub fn verdict_by(
    table: &[GateRow],
    receiver: Side,
    phase: Phase,
    kex: KexPhase,
    strict: bool,
    number: MessageNumber,
) -> Verdict {
    let fits = |row: &&GateRow| {
        (row.numbers.0..=row.numbers.1).contains(&number.0)
            && match row.sender {
                Sender::Either => true,
                Sender::Client => receiver == Side::Server,
                Sender::Server => receiver == Side::Client,
            }
            && row.phases.contains(&phase)
            && row.kex.contains(&kex)
            && row.strict.is_none_or(|wanted| wanted == strict)
    };
    table.iter().find(fits).map_or(Verdict::Disconnect, |row| row.verdict)
}
