//! Our reading of `ssh_config` against that of `ssh -G`: the same lines for the same file, and a refusal where it refuses.
//!
//! The files are in `lines.txt`, one line of which is a file of a few lines; in `files.txt`, with `===` between them; and
//! drawn from the keywords and values of the first by `generated.rs`, which also lets the hand slip on them.

mod corpus;
mod generated;
mod judge;

use std::fmt::Write as _;

use ssh_interop_tests::peer;

use corpus::Case;
use judge::Judge;

/// What a run has found.
#[derive(Default)]
struct Tally {
    agreed: usize,
    refused: usize,
    wrong: String,
}

impl Tally {
    fn judge(&mut self, judge: &Judge, case: &Case, arguments: &str) {
        match judge.compare(case, arguments) {
            Ok(true) => self.agreed += 1,
            Ok(false) => self.refused += 1,
            Err(difference) => {
                write!(self.wrong, "\n--- {} ({arguments})\n{}\n{difference}", case.name, case.text).expect("text");
            }
        }
    }

    /// Nothing may differ, and there must have been enough of both.
    fn finish(self, agreed: usize, refused: usize) {
        let (wrong, cases) = (&self.wrong, self.agreed + self.refused);
        assert!(wrong.is_empty(), "{} of {cases} others differ:{wrong}", wrong.matches("\n--- ").count());
        assert!(self.agreed >= agreed && self.refused >= refused, "{} agreed, {} refused", self.agreed, self.refused);
    }
}

fn judges() -> Vec<Judge> {
    if !peer::require("ssh") {
        return Vec::new();
    }
    let installed = Judge::new(peer::command("ssh"));
    let newer = peer::newer_openssh::directory().map(|_| Judge::new(peer::newer_openssh::command("ssh")));
    if newer.is_none() {
        peer::say_not_run("SSH_INTEROP_OPENSSH_NEW names no newer OpenSSH, whose ssh_config has more keywords");
    }
    [installed].into_iter().chain(newer).collect()
}

#[test]
fn every_feature_means_what_it_means_to_ssh() {
    for judge in judges() {
        let mut tally = Tally::default();
        for case in corpus::lines().iter().chain(&corpus::files()).filter(|case| judge.knows(case)) {
            for arguments in case.arguments() {
                tally.judge(&judge, case, arguments);
            }
        }
        tally.finish(500, 150);
    }
}

#[test]
fn generated_files_mean_what_they_mean_to_ssh() {
    for judge in judges() {
        let mut tally = Tally::default();
        for seed in 0..200 {
            let case = generated::case(seed, &judge);
            for arguments in case.arguments() {
                tally.judge(&judge, &case, arguments);
            }
        }
        tally.finish(200, 0);
    }
}

#[test]
fn slips_of_the_hand_mean_what_they_mean_to_ssh() {
    for judge in judges() {
        let mut tally = Tally::default();
        for seed in 0..1500 {
            tally.judge(&judge, &generated::slipped(seed, &judge), "bar.example.com");
        }
        tally.finish(200, 200);
    }
}

#[test]
fn options_of_the_command_line_come_first() {
    for judge in judges() {
        let mut tally = Tally::default();
        let case =
            Case::new("options", "Host foo\nPort 1\nUser a\nIdentityFile x\nCompression yes\nSendEnv A\nTunnel yes\n");
        for arguments in [
            "-o Port=22 foo",
            "-o Port=22 -o Port=23 foo",
            "-p 24 foo",
            "-l bob foo",
            "bob@foo",
            "-o User=bob -o IdentityFile=y foo",
            "-o Compression=no foo",
            "-o SendEnv=B foo",
            "-o Tunnel=maybe foo",
            "-o Nonsense=1 foo",
            "-o Host=foo foo",
            "-o Match=all foo",
            "-o Include=/etc/passwd foo",
            "-o IgnoreUnknown=Non* -o Nonsense=1 foo",
            "-o HostName=%h.example.com foo",
            "-o Port= foo",
        ] {
            tally.judge(&judge, &case, arguments);
        }
        tally.finish(10, 5);
    }
}
