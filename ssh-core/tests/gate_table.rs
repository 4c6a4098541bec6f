//! The gate's table as a table: nothing in it is idle, and the documentation prints what it says.

use ssh_core::Side;
use ssh_core::gate::{GATE, GateRow, KexPhase, Phase, Sender, Verdict, verdict_by};
use ssh_core::wire::MessageNumber;

const VERDICTS: [Verdict; 4] = [Verdict::Handle, Verdict::Ignore, Verdict::Unimplemented, Verdict::Disconnect];
const PHASES: [Phase; 5] =
    [Phase::KeyExchange, Phase::Service, Phase::Authentication, Phase::Connection, Phase::Closed];
const KEX_PHASES: [KexPhase; 4] = [KexPhase::Idle, KexPhase::OursSent, KexPhase::Exchanging, KexPhase::AwaitNewKeys];

/// The verdict in every cell.
fn verdicts(table: &[GateRow]) -> Vec<Verdict> {
    let mut all = Vec::new();
    for side in [Side::Client, Side::Server] {
        for phase in PHASES {
            for kex in KEX_PHASES {
                for strict in [false, true] {
                    all.extend((0..=255).map(|n| verdict_by(table, side, phase, kex, strict, MessageNumber(n))));
                }
            }
        }
    }
    all
}

/// `gate.rs` holds every cell against the RFCs; so a row that can go, or say something else, without a cell that
/// changes is one that no test holds.
#[test]
fn every_row_counts() {
    let whole = verdicts(GATE);
    for at in 0..GATE.len() {
        let mut without = GATE.to_vec();
        let row = without.remove(at);
        assert!(verdicts(&without) != whole, "idle: {row:?}");
        for verdict in VERDICTS.into_iter().filter(|&verdict| verdict != row.verdict) {
            let mut changed = GATE.to_vec();
            changed[at].verdict = verdict;
            assert!(verdicts(&changed) != whole, "{verdict:?} would do as well: {row:?}");
        }
    }
}

/// Without a row nothing is legal.
#[test]
fn the_default_is_the_end() {
    assert!(verdicts(&[]).iter().all(|&verdict| verdict == Verdict::Disconnect));
}

/// The table in the documentation of `GATE` is what this prints when it fails.
#[test]
fn the_documentation_prints_the_table() {
    let source = include_str!("../src/transport/gate.rs");
    let (head, _) = source.split_once("pub static GATE").expect("the table");
    let documented: Vec<&str> = head.lines().filter_map(|line| line.strip_prefix("/// |")).collect();
    let rows: Vec<String> = GATE.iter().map(markdown).collect();
    let mut expected =
        vec![" numbers | sender | phase | key exchange | strict | verdict |", "---|---|---|---|---|---|"];
    expected.extend(rows.iter().map(String::as_str));
    let lines: Vec<String> = expected.iter().map(|line| format!("/// |{line}")).collect();
    assert!(documented == expected, "the documentation is stale; it should be:\n{}", lines.join("\n"));
}

fn markdown(row: &GateRow) -> String {
    let sender = match row.sender {
        Sender::Either => "either",
        Sender::Client => "client",
        Sender::Server => "server",
    };
    let phases = match row.phases.len() {
        4 => "any".into(),
        _ => listed(row.phases, PHASES.len()),
    };
    let strict = match row.strict {
        None => "any",
        Some(true) => "yes",
        Some(false) => "no",
    };
    let kex = listed(row.kex, KEX_PHASES.len());
    format!(" {} | {sender} | {phases} | {kex} | {strict} | {:?} |", numbers(row), row.verdict)
}

/// `Service, Authentication`, or `any` for all there are.
fn listed<T: std::fmt::Debug>(some: &[T], all: usize) -> String {
    let names: Vec<String> = some.iter().map(|each| format!("{each:?}")).collect();
    if names.len() == all { "any".into() } else { names.join(", ") }
}

/// `KEXINIT`, or `30–49`.
fn numbers(row: &GateRow) -> String {
    let (first, last) = row.numbers;
    if first == last { MessageNumber(first).to_string() } else { format!("{first}–{last}") }
}
