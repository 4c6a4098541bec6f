//! What runs, here and there, and in which environment.

use std::fs;
use std::io::{Read as _, Write as _};

use futures_util::io::{AsyncReadExt as _, AsyncWriteExt as _};
use ssh_async::Smol;
use ssh_interop_tests::peer::openssh::Sshd;
use ssh_interop_tests::peer::require_all;

use crate::common::{
    Adapter, Files, Person, async_session, both_get_in, both_say, neither_gets_in, openssh_says, session,
};

#[test]
fn the_environment_is_sent_as_configured() {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let (sshd, mut files) = (Sshd::builder().line("AcceptEnv CARGO_* GREETING WHO").start(), Files::new());
    let pair = files.key("id", &sshd, "");
    let identity = format!("IdentityFile {}\n IdentitiesOnly yes", pair.private.display());
    let set = "SetEnv \"GREETING=hello there\" WHO=me".to_owned();
    files.host("set", &sshd, &[set.clone(), identity.clone()]);
    files.host("send", &sshd, &["SendEnv CARGO_PKG_N*".into(), identity.clone()]);
    files.host("both", &sshd, &["SendEnv CARGO_PKG_N*".into(), "SetEnv CARGO_PKG_NAME=another".into(), identity]);
    let config = files.written();
    let shown = "echo ${GREETING-none}, ${WHO-none}, ${CARGO_PKG_NAME-none}, ${CARGO_PKG_VERSION-none}";
    assert_eq!(both_say(&config, "set", shown), "hello there, me, none, none\n");
    assert_eq!(both_say(&config, "send", shown), "none, none, ssh-interop-tests, none\n");
    assert_eq!(both_say(&config, "both", shown), "none, none, another, none\n");
    // A shell has it, too.
    let session = session(&config, "set", &Person::default()).expect("the key is right");
    let mut shell = session.shell(None).expect("there is a shell");
    shell.write_all(format!("{shown}\nexit\n").as_bytes()).expect("it reads");
    let mut output = String::new();
    shell.read_to_string(&mut output).expect("it ends");
    assert!(output.contains("hello there, me, none"), "{output}");
    let output = smol::block_on(async {
        let session = async_session(Smol, &config, "set", &Person::default()).await?;
        let mut shell = session.shell(None).await?.into_stream();
        shell.write_all(format!("{shown}\nexit\n").as_bytes()).await?;
        let mut output = String::new();
        shell.read_to_string(&mut output).await?;
        ssh_async::Result::Ok(output)
    });
    let output = output.expect("there is a shell");
    assert!(output.contains("hello there, me, none"), "{output}");
}

#[test]
fn a_local_command_runs_after_the_login_if_it_may() {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let (sshd, mut files) = (Sshd::builder().start(), Files::new());
    let (pair, wrong) = (files.key("id", &sshd, ""), files.path("wrong"));
    let identity = format!("IdentityFile {}\n IdentitiesOnly yes", pair.private.display());
    let note = files.path("note");
    let command = format!("LocalCommand echo %n %h %p %r %T %% $((1 + 1)) >> {}; exit 3", note.display());
    let may = "PermitLocalCommand yes".to_owned();
    files.host("runs", &sshd, &[command.clone(), may.clone(), identity.clone()]);
    files.host("may-not", &sshd, &[command.clone(), identity]);
    files.host("not-in", &sshd, &[command, may, format!("IdentityFile {}\n IdentitiesOnly yes", wrong.display())]);
    let config = files.written();
    both_get_in(&config, "runs");
    let expected = format!("runs 127.0.0.1 {} {} NONE % 2\n", sshd.port(), sshd.user());
    assert_eq!(fs::read_to_string(&note).expect("it was written"), expected.repeat(1 + Adapter::ALL.len()));
    fs::remove_file(&note).expect("it is ours");
    both_get_in(&config, "may-not");
    neither_gets_in(&config, "not-in");
    assert!(!note.exists());
    // CVE-2023-51385: names are no commands.
    let evil =
        format!("Host *\n PermitLocalCommand yes\n LocalCommand echo %n >> {}\n HostName 127.0.0.1\n", note.display());
    fs::write(&config, evil).expect("the directory is ours");
    let target = format!("$(touch${{IFS}}{})", note.display());
    assert!(!openssh_says(&config, &target, "true").success());
    let error = session(&config, &target, &Person::default()).err().expect("it is no name of a host");
    assert!(error.to_string().contains("is not given to a command"), "{error}");
    assert!(!note.exists());
}
