//! The gate in every cell: role × phase × key exchange × strict × 256 numbers, against verdicts written from the RFCs.

mod common;

use common::verdicts::expected;
use ssh_core::Side;
use ssh_core::gate::{KexPhase, Phase, Verdict, verdict};
use ssh_core::wire::MessageNumber;

const SIDES: [Side; 2] = [Side::Client, Side::Server];
const PHASES: [Phase; 5] =
    [Phase::KeyExchange, Phase::Service, Phase::Authentication, Phase::Connection, Phase::Closed];
const KEX_PHASES: [KexPhase; 4] = [KexPhase::Idle, KexPhase::OursSent, KexPhase::Exchanging, KexPhase::AwaitNewKeys];

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
