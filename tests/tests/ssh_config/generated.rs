//! Files made of lines of the corpus, by a seed.

use ssh_interop_tests::slips::Random;

use crate::corpus::{self, Case};
use crate::judge::Judge;

/// Keywords that count in OpenSSH even where their block does not apply, or after another has been said, which is a mistake of
/// it.
const ALWAYS_IN_FORCE: &[&str] = &["ForwardAgent", "StreamLocalBindMask", "SyslogFacility"];

/// The hash of the connection: that of 9.2 leaves out the jump.
const HASH: &str = "%C";

/// Lines that begin a block.
const BLOCKS: &[&str] = &[
    "Host foo",
    "Host *.example.com !bar.*",
    "Host * !foo",
    "Host FOO bar*",
    "Match host foo",
    "Match user alice",
    "Match !user alice host *.example.com",
    "Match originalhost foo,bar*",
    "Match localuser nobody,root",
    "Match all",
    "Match final",
    "Match canonical all",
    "Match exec true",
    "Match exec \"test %n = foo\"",
    "Match host * exec false",
];

/// The file of a seed: blocks with lines that are right by themselves.
pub(crate) fn case(seed: u64, judge: &Judge) -> Case {
    let lines: Vec<String> = corpus::lines()
        .into_iter()
        .filter(|case| !ALWAYS_IN_FORCE.iter().any(|keyword| case.text.starts_with(keyword)))
        .filter(|case| judge.is_new || !case.text.contains(HASH))
        .filter(|case| judge.knows(case) && judge.accepts(case) && case.text.matches('\n').count() == 1)
        .map(|case| case.text)
        .collect();
    let mut random = Random::new(seed);
    let mut text = String::new();
    for _ in 0..random.below(4) + 2 {
        text.push_str(BLOCKS[random.below(BLOCKS.len())]);
        text.push('\n');
        for _ in 0..random.below(8) + 1 {
            text.push_str(&["", "  ", "\t"][random.below(3)].repeat(random.below(2)));
            text.push_str(&lines[random.below(lines.len())]);
        }
    }
    Case::new(&format!("seed {seed}"), &text)
}

/// Words that get into a line by a slip of the hand.
const WORDS: &[&str] = &["%%", "%h", "${CORPUS}", "~/", "none", "yes"];

/// One line of the corpus with a few slips of the hand, by a seed.
pub(crate) fn slipped(seed: u64, judge: &Judge) -> Case {
    let lines: Vec<String> = corpus::lines()
        .into_iter()
        .filter(|case| judge.is_new || !case.text.contains(HASH))
        // What is run is what is meant.
        .filter(|case| judge.knows(case) && !case.text.to_lowercase().contains("exec"))
        .map(|case| case.text)
        .collect();
    let mut random = Random::new(seed);
    let line = random.one(&lines).clone();
    let text = random.slip(line.trim_end(), WORDS) + "\n";
    Case::new(&format!("slip {seed}"), if is_comparable(&text, judge) { &text } else { "Port 22\n" })
}

/// Whether we mean to mean the same (see the differences that `ssh_core::files::ssh_config` lists), and so does OpenSSH 9.2.
fn is_comparable(text: &str, judge: &Judge) -> bool {
    let lower = text.to_lowercase().replace('\t', " ");
    let begins =
        |keywords: &[&str]| lower.lines().any(|line| keywords.iter().any(|each| line.trim().starts_with(each)));
    let differs = begins(OF_OTHERS)
        || begins(WITHOUT_WILDCARDS) && lower.contains(['*', '?', '"', ','])
        || begins(&["hostname"]) && lower.contains(|c: char| c.is_ascii_digit())
        || begins(LISTS) && [",,", " ,", ",\n"].iter().any(|empty| lower.contains(empty))
        || begins(&["dynamicforward", "localforward", "remoteforward"]) && lower.contains('\\')
        || begins(&["logverbose"])
        || begins(&["match"]) && lower.contains("localnetwork")
        || begins(&["proxyjump"]) && lower.contains("[]")
        // Homes of others are not known here.
        || lower.contains("~~")
        || lower.split('~').skip(1).any(|rest| rest.starts_with(|c: char| c != '/' && !c.is_whitespace()));
    let is_newer = begins(NEWER) && lower.contains(['%', ' ', '#', '='])
        || begins(&["match"]) && lower.contains('=')
        || begins(TIMES) && lower.contains('.')
        || begins(&["ipqos"])
        || lower.contains('#');
    !differs && (judge.is_new || !is_newer)
}

/// Keywords that OpenSSH passes over, whatever follows.
const OF_OTHERS: &[&str] =
    &["cipher ", "compressionlevel", "passwordprompt", "protocol", "rhosts", "rsaauth", "useprivileged", "algorithms"];

const LISTS: &[&str] =
    &["casignature", "hostbasedaccepted", "hostbasedkeytypes", "hostkeyalgorithms", "pubkeyaccepted"];

const WITHOUT_WILDCARDS: &[&str] = &["ciphers", "kexalgorithms", "macs"];

/// What may have decimals since 9.2.
const TIMES: &[&str] = &["connecttimeout", "controlpersist", "forwardx11timeout", "rekeylimit", "serveraliveinterval"];

/// What takes tokens, several values, or all of the line, since 9.2.
const NEWER: &[&str] = &["forwardagent", "include", "proxyjump", "revokedhostkeys", "setenv", "user"];
