//! What to do with a message, by the RFCs. Nothing here asks the code under test.

use ssh_core::Side;
use ssh_core::gate::{KexPhase, Phase, Verdict};

/// What `receiver` has to do with `number`, by the RFCs.
pub fn expected(receiver: Side, phase: Phase, kex: KexPhase, strict: bool, number: u8) -> Verdict {
    // RFC 4253 §11.1: nothing is accepted once the connection is over. §12: number 0 is reserved.
    if phase == Phase::Closed || number == 0 {
        return Verdict::Disconnect;
    }
    // RFC 4253 §11.1: DISCONNECT is legal at any time.
    if number == 1 {
        return Verdict::Handle;
    }
    let first_exchange = phase == Phase::KeyExchange;
    // The peer's KEXINIT has come and its NEWKEYS has not.
    match kex {
        KexPhase::Exchanging => during_exchange(first_exchange, strict, number, (30..=49).contains(&number)),
        KexPhase::AwaitNewKeys => during_exchange(first_exchange, strict, number, number == 21),
        KexPhase::Idle | KexPhase::OursSent if first_exchange => before_first_kexinit(number),
        KexPhase::Idle | KexPhase::OursSent => encrypted(receiver, phase, kex == KexPhase::Idle, number),
    }
}

/// RFC 4253 §7.1: after KEXINIT only 1 to 19 without the service messages, and the method's own. OpenSSH PROTOCOL §1.9:
/// a strict first exchange has only what it needs.
fn during_exchange(first: bool, strict: bool, number: u8, wanted: bool) -> Verdict {
    match number {
        _ if wanted => Verdict::Handle,
        2..=4 if first && strict => Verdict::Disconnect,
        2 | 4 => Verdict::Ignore,
        // What was not implemented can only be one of our messages under keys that exist.
        3 if first => Verdict::Ignore,
        3 => Verdict::Handle,
        _ => Verdict::Disconnect,
    }
}

/// In the clear, before the peer's KEXINIT: nothing else has any business. What may be ignored is judged when KEXINIT
/// says whether the exchange is strict.
fn before_first_kexinit(number: u8) -> Verdict {
    match number {
        20 => Verdict::Handle,
        2..=4 => Verdict::Ignore,
        _ => Verdict::Disconnect,
    }
}

/// Keys are in use and the peer has not begun to replace them. `quiet`: neither have we.
fn encrypted(receiver: Side, phase: Phase, quiet: bool, number: u8) -> Verdict {
    let from_client = receiver == Side::Server;
    let only = |legal: bool| if legal { Verdict::Handle } else { Verdict::Disconnect };
    match number {
        // RFC 4253 §11.2, §11.3.
        2 | 4 => Verdict::Ignore,
        3 => Verdict::Handle,
        // RFC 4253 §10: the client asks, the server grants, once.
        5 => only(phase == Phase::Service && from_client),
        6 => only(phase == Phase::Service && !from_client),
        // RFC 8308 §2.4: after the first NEWKEYS, or from the server before USERAUTH_SUCCESS.
        7 => only(phase == Phase::Service || (phase == Phase::Authentication && !from_client)),
        // RFC 4253 §9: a new exchange may begin at any time; its messages need a KEXINIT first.
        20 => Verdict::Handle,
        21 | 30..=49 => Verdict::Disconnect,
        // RFC 4252 §5.3: requests after success are silently ignored.
        50 if from_client && phase == Phase::Connection => Verdict::Ignore,
        50 | 61 => only(from_client && phase == Phase::Authentication),
        // A banner may cross the client's request; after success it is of no use (RFC 4252 §5.4).
        53 if !from_client && phase == Phase::Connection => Verdict::Ignore,
        51..=53 | 60 => only(!from_client && phase == Phase::Authentication),
        54..=59 | 62..=79 => Verdict::Disconnect,
        // RFC 4254: channels only for a user who is authenticated. 83 to 89 are not assigned.
        80..=82 | 90..=100 => only(phase == Phase::Connection),
        83..=89 => Verdict::Disconnect,
        // OpenSSH PROTOCOL §1.10: no answers before authentication or during an exchange (CVE-2025-26466).
        192 if phase == Phase::Connection && quiet => Verdict::Handle,
        192 | 193 => Verdict::Ignore,
        // RFC 4253 §11.4.
        8..=19 | 22..=29 | 101..=255 => Verdict::Unimplemented,
        0 | 1 => unreachable!("decided above"),
    }
}
