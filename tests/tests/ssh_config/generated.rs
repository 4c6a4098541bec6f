//! Files made of lines of the corpus, by a seed.

use crate::corpus::{self, Case};
use crate::judge::Judge;

/// Keywords that count in OpenSSH even where their block does not apply, which is a mistake of it.
const ALWAYS_IN_FORCE: &[&str] = &["StreamLocalBindMask", "SyslogFacility"];

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
    let mut random = Random(seed);
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

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}
