//! The table `tests/ALGORITHMS.md`: the plan, for people.

use std::fmt::Write;
use std::path::Path;

use crate::plan::{Kind, Role};

const HEAD: &str = "\
# Every algorithm with a real peer

Each algorithm is allowed alone on our side, by `ssh` in the first column of peers and by `sshd` in the second. 1 MiB goes
there and comes back through `cat`, with a new key exchange under way. The peer must have made it, too, or the test fails:
`tests/tests/every_algorithm`, whose plan this table is. It is written by

    UPDATE_ALGORITHMS=1 cargo test -p ssh-interop-tests --test every_algorithm table

OpenSSH is the installed one (9.2 in Debian 12), and where it does not know a name, the test says `NOT RUN`; so it does for
OpenSSH 10.6, which `tests/run` unpacks where it can. AsyncSSH is told that `rijndael-cbc@lysator.liu.se` is its
`aes256-cbc`.
";

fn text() -> String {
    let mut text = String::from(HEAD);
    for kind in Kind::ALL {
        let _ =
            write!(text, "\n## {}\n\n| algorithm | our client with | our server with |\n|---|---|---|\n", kind.shown());
        for cell in kind.plan() {
            let [client, server] = [Role::Client, Role::Server].map(|role| cell.peer(role).shown(role));
            let _ = writeln!(text, "| `{}` | {client} | {server} |", cell.algorithm);
        }
    }
    text
}

#[test]
fn the_table_is_the_plan() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("ALGORITHMS.md");
    let text = text();
    if std::env::var_os("UPDATE_ALGORITHMS").is_some() {
        std::fs::write(&path, text).expect("the table can be written");
        return;
    }
    let found = std::fs::read_to_string(&path).expect("the table is there");
    assert_eq!(found, text, "the table is stale; it says how it is written");
}

#[test]
fn whatever_is_built_in_has_its_cells() {
    for kind in Kind::ALL {
        let planned: Vec<_> = kind.plan().iter().map(|cell| cell.algorithm).collect();
        assert_eq!(planned, kind.built_in(), "{}", kind.shown());
    }
}
