//! The gate in every cell: role × phase × key exchange × strict × 256 numbers, against verdicts written from the RFCs.

use ssh_core::Side;
use ssh_core::gate::{KexPhase, Phase, Verdict, verdict};
use ssh_core::wire::MessageNumber;

const SIDES: [Side; 2] = [Side::Client, Side::Server];
const PHASES: [Phase; 5] =
    [Phase::KeyExchange, Phase::Service, Phase::Authentication, Phase::Connection, Phase::Closed];
const KEX_PHASES: [KexPhase; 4] = [KexPhase::Idle, KexPhase::OursSent, KexPhase::Exchanging, KexPhase::AwaitNewKeys];

/// What `receiver` has to do with `number`, by the RFCs.
fn expected(receiver: Side, phase: Phase, kex: KexPhase, strict: bool, number: u8) -> Verdict {
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

#[test]
fn every_cell() {
    let mut cells = 0;
    for side in SIDES {
        for phase in PHASES {
            for kex in KEX_PHASES {
                for strict in [false, true] {
                    for number in 0..=255 {
                        let actual = verdict(side, phase, kex, strict, MessageNumber(number));
                        let expected = expected(side, phase, kex, strict, number);
                        let cell = format!("{side:?} {phase:?} {kex:?} strict={strict} {:?}", MessageNumber(number));
                        assert_eq!(actual, expected, "{cell}");
                        cells += 1;
                    }
                }
            }
        }
    }
    assert_eq!(cells, 2 * 5 * 4 * 2 * 256);
}

/// CVE-2018-10933, CVE-2018-7750, CVE-2025-32433 and their like in one line: nothing of the connection protocol is ever
/// handled for a user who is not authenticated, and no side takes what only itself may send.
#[test]
fn nobody_gets_in_by_a_message_in_the_wrong_place() {
    for side in SIDES {
        for phase in [Phase::KeyExchange, Phase::Service, Phase::Authentication] {
            for kex in KEX_PHASES {
                for number in 80..=127 {
                    assert_ne!(verdict(side, phase, kex, false, MessageNumber(number)), Verdict::Handle);
                }
            }
        }
    }
    for phase in PHASES {
        for kex in KEX_PHASES {
            for (side, numbers) in [(Side::Server, [6, 51, 52, 53, 60]), (Side::Client, [5, 50, 50, 61, 61])] {
                for number in numbers {
                    assert_eq!(verdict(side, phase, kex, false, MessageNumber(number)), Verdict::Disconnect);
                }
            }
        }
    }
}

/// The first exchange, strict, step by step: one number is handled beside DISCONNECT, and no other survives.
#[test]
fn a_strict_first_exchange_is_one_path() {
    for side in SIDES {
        for (kex, path) in [(KexPhase::Exchanging, 30..=49), (KexPhase::AwaitNewKeys, 21..=21)] {
            for number in 2..=255 {
                let expected = if path.contains(&number) { Verdict::Handle } else { Verdict::Disconnect };
                assert_eq!(verdict(side, Phase::KeyExchange, kex, true, MessageNumber(number)), expected);
            }
        }
    }
}
