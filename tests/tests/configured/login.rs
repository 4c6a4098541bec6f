//! Logging in: keys, agents, certificates, passwords, and the ways to a host.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use ssh_blocking::{Config, Configured, Error, LoginError};
use ssh_interop_tests::peer::asyncssh;
use ssh_interop_tests::peer::openssh::{KeyPair, KeyType, Sshd, keygen};
use ssh_interop_tests::peer::require_all;
use ssh_interop_tests::{DEADLINE, run_with_timeout};

use crate::common::{Files, Person, both_get_in, generate, neither_gets_in, openssh, ours};

#[test]
fn an_alias_with_a_key_file() {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let (sshd, mut files) = (Sshd::builder().start(), Files::new());
    let pair = files.key("id", &sshd, "");
    let wrong = keygen(files.directory.path(), "wrong", KeyType::Ed25519, "");
    let identity = |pair: &KeyPair| format!("IdentityFile \"{}\"", pair.private.display());
    let only = "IdentitiesOnly yes".to_owned();
    files.host("works", &sshd, &[identity(&wrong), identity(&pair), only.clone()]);
    files.host("wrong-key", &sshd, &[identity(&wrong), only.clone()]);
    files.host("unknown-host", &sshd, &[identity(&pair), "HostKeyAlias nobody".into(), only]);
    let config = files.written();
    both_get_in(&config, "works");
    assert!(matches!(neither_gets_in(&config, "wrong-key"), Error::Login(LoginError::Refused { .. })));
    assert!(matches!(neither_gets_in(&config, "unknown-host"), Error::HostKey(_)));
}

#[test]
fn an_alias_by_match_exec_and_include() {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let (sshd, mut files) = (Sshd::builder().start(), Files::new());
    let pair = files.key("id", &sshd, "");
    let included = files.path("included");
    let text = format!("IdentityFile {}\nIdentitiesOnly yes\n", pair.private.display());
    std::fs::write(&included, text).expect("the directory is ours");
    writeln!(files.text, "Match originalhost work exec \"test %n = work -a -r {}\"", included.display()).unwrap();
    writeln!(files.text, " Include {}", included.display()).unwrap();
    writeln!(files.text, "Match exec \"exit 1\"\n User nobody-at-all").unwrap();
    files.host("work play", &sshd, &[]);
    writeln!(files.text, " IdentityFile {}", files.path("missing").display()).unwrap();
    let config = files.written();
    let theirs = openssh(&config, "work").expect_success();
    assert_eq!(ours(&config, "work", &Person::default()).expect("the command says yes"), theirs.stdout);
    neither_gets_in(&config, "play");
}

#[test]
fn an_alias_with_an_agent_that_has_too_many_keys() {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let (sshd, mut files) = (Sshd::builder().line("MaxAuthTries 3").start(), Files::new());
    let right = generate();
    sshd.authorize(&right.public_key().to_string());
    let others: Vec<_> = (0..8).map(|_| generate()).collect();
    let socket = files.agent(others.iter().chain([&right]));
    let named = files.path("right.pub");
    std::fs::write(&named, format!("{}\n", right.public_key())).expect("the directory is ours");
    let agent = format!("IdentityAgent {}", socket.display());
    let identity = format!("IdentityFile {}", named.display());
    files.host("only", &sshd, &[agent.clone(), identity.clone(), "IdentitiesOnly yes".into()]);
    files.host("first", &sshd, &[agent.clone(), identity]);
    files.host("lost", &sshd, &[agent, "IdentityFile none".into()]);
    files.host("without", &sshd, &["IdentityAgent none".into(), "IdentityFile none".into()]);
    let config = files.written();
    both_get_in(&config, "only");
    both_get_in(&config, "first");
    // Its path may have variables and tokens.
    let by_variable = Config::load().expect("a user").file(&config).variable("WHERE", files.path("").to_str().unwrap());
    let by_variable = by_variable.option("IdentityAgent=${WHERE}/agent");
    let host = Configured::new(&by_variable, "only").expect("no mistake");
    host.login(&host.connect().expect("it listens")).expect("the agent is found");
    // The server closes the door before the right key has its turn.
    neither_gets_in(&config, "lost");
    assert!(matches!(neither_gets_in(&config, "without"), Error::Login(LoginError::Refused { .. })));
}

#[test]
fn an_alias_behind_jump_hosts_and_behind_a_command() {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let (near, middle, far) = (Sshd::builder().start(), Sshd::builder().start(), Sshd::builder().start());
    let mut files = Files::new();
    let pair = files.key("id", &near, "");
    [&middle, &far].iter().for_each(|sshd| sshd.authorize(&pair.public_line()));
    let identity = format!("IdentityFile {}\n IdentitiesOnly yes", pair.private.display());
    files.host("near", &near, std::slice::from_ref(&identity));
    files.host("middle", &middle, std::slice::from_ref(&identity));
    files.host("far", &far, &[identity.clone(), "ProxyJump near".into()]);
    files.host("farther", &far, &[identity.clone(), "ProxyJump near,middle".into()]);
    files.host("nested", &far, &[identity.clone(), "ProxyJump through".into()]);
    files.host("through", &middle, &[identity.clone(), "ProxyJump near".into()]);
    files.host("circle", &far, &[identity.clone(), "ProxyJump circle".into()]);
    let config = files.path("config").display().to_string();
    let command = format!("ProxyCommand ssh -F {config} -W %h:%p -o BatchMode=yes near");
    files.host("command", &far, &[identity.clone(), command]);
    files.host("dead", &far, &[identity, "ProxyCommand exit 1".into()]);
    let config = files.written();
    for alias in ["far", "farther", "nested", "command"] {
        both_get_in(&config, alias);
    }
    let error = ours(&config, "circle", &Person::default()).expect_err("it never arrives");
    assert!(error.to_string().contains("circles"), "{error}");
    neither_gets_in(&config, "dead");
    // CVE-2023-51385: names are no commands.
    let text = std::fs::read_to_string(&config).unwrap() + "Host *\n ProxyCommand nc %h %p %r\n";
    std::fs::write(&config, text).unwrap();
    for target in ["$(touch injected)", "`touch injected`@host", "-oProxyCommand=touch"] {
        let error = ours(&config, target, &Person::default()).expect_err("it is no name of a host");
        assert!(error.to_string().contains("is not given to a command"), "{error}");
    }
    let nowhere = Configured::new(&Config::load().unwrap().file(&config).option("Port=1"), "far").unwrap();
    let error = nowhere.connect().err().expect("nobody listens at port 1 behind the jump host");
    assert!(matches!(error, Error::Session(_)), "{error}");
}

#[test]
fn an_alias_with_certificates_on_both_sides() {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let mut files = Files::new();
    let authority = keygen(files.directory.path(), "authority", KeyType::Ed25519, "");
    let sshd = Sshd::builder().line(&format!("TrustedUserCAKeys {}.pub", authority.private.display())).start();
    let pair = keygen(files.directory.path(), "id", KeyType::Ed25519, "");
    let mut sign = Command::new("ssh-keygen");
    sign.args(["-q", "-I", "test", "-n", sshd.user(), "-s"])
        .arg(&authority.private)
        .arg(pair.private.with_extension("pub"));
    run_with_timeout(sign, b"", DEADLINE).expect_success();
    let elsewhere = files.path("elsewhere");
    std::fs::copy(&pair.private, &elsewhere).expect("the directory is ours");
    let only = "IdentitiesOnly yes".to_owned();
    files.host("beside", &sshd, &[format!("IdentityFile {}", pair.private.display()), only.clone()]);
    let certificate = format!("CertificateFile {}", files.path("id-cert.pub").display());
    files.host("named", &sshd, &[format!("IdentityFile {}", elsewhere.display()), certificate, only.clone()]);
    files.host("without", &sshd, &[format!("IdentityFile {}", elsewhere.display()), only]);
    let config = files.written();
    both_get_in(&config, "beside");
    both_get_in(&config, "named");
    neither_gets_in(&config, "without");
}

#[test]
fn an_encrypted_key_asks_for_its_passphrase_when_the_server_would_take_it() {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let (sshd, mut files) = (Sshd::builder().start(), Files::new());
    let (refused, taken) = (
        keygen(files.directory.path(), "refused", KeyType::Ed25519, "open sesame"),
        files.key("taken", &sshd, "open sesame"),
    );
    let identity = |path: &Path| format!("IdentityFile {}", path.display());
    let only = "IdentitiesOnly yes".to_owned();
    files.host("encrypted", &sshd, &[identity(&refused.private), identity(&taken.private), only.clone()]);
    // In PKCS#8 nothing tells the public half, so the passphrase comes first.
    let hidden = keygen(files.directory.path(), "rsa", KeyType::Rsa(2048), "");
    sshd.authorize(&hidden.public_line());
    let mut convert = Command::new("ssh-keygen");
    convert.args(["-q", "-p", "-m", "PKCS8", "-P", "", "-N", "open sesame", "-f"]).arg(&hidden.private);
    run_with_timeout(convert, b"", DEADLINE).expect_success();
    let encrypted = files.path("hidden");
    std::fs::rename(&hidden.private, &encrypted).expect("the directory is ours");
    files.host("hidden", &sshd, &[identity(&encrypted), only]);
    let config = files.written();

    let person = Person { passphrase: Some("open sesame"), ..Person::default() };
    ours(&config, "encrypted", &person).expect("the passphrase is right");
    assert_eq!(person.asked(), ["passphrase of taken 0"], "the key that is refused needs none");
    let person = Person { passphrase: Some("open sesame"), ..Person::default() };
    ours(&config, "hidden", &person).expect("the passphrase is right");
    assert_eq!(person.asked(), ["passphrase of hidden 0"]);
    let person = Person { passphrase: Some("wrong"), ..Person::default() };
    ours(&config, "encrypted", &person).expect_err("the passphrase is wrong");
    let asked = person.asked();
    assert_eq!(asked[..3], ["passphrase of taken 0", "passphrase of taken 1", "passphrase of taken 2"]);
    assert!(asked[3].starts_with("warning: ") && asked.len() == 4, "{asked:?}");
    let person = Person::default();
    ours(&config, "encrypted", &person).expect_err("nobody answers");
    assert_eq!(person.asked(), ["passphrase of taken 0"]);
    let too_open = files.path("taken");
    std::fs::set_permissions(&too_open, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("it is ours");
    let person = Person { passphrase: Some("open sesame"), ..Person::default() };
    ours(&config, "encrypted", &person).expect_err("a key that others can read is not used");
    assert!(person.asked().iter().any(|text| text.contains("too open")), "{:?}", person.asked());
}

#[test]
fn passwords_and_two_factors_by_configuration() {
    if !require_all(&["sshd", "ssh-keygen", "nss_wrapper"]) {
        return;
    }
    let both = Sshd::builder().password("pass word").line("AuthenticationMethods publickey,password").start();
    let mut files = Files::new();
    let pair = files.key("id", &both, "");
    let identity = [format!("IdentityFile {}", pair.private.display()), "IdentitiesOnly yes".into()];
    files.host("both", &both, &identity);
    files.host("batch", &both, &[identity[0].clone(), "BatchMode yes".into()]);
    files.host("once", &both, &[identity[0].clone(), "NumberOfPasswordPrompts 1".into()]);
    let config = files.written();
    let person = Person { password: Some("pass word"), ..Person::default() };
    ours(&config, "both", &person).expect("both are right");
    assert_eq!(person.asked(), ["password 0"]);
    let person = Person { password: Some("wrong"), ..Person::default() };
    ours(&config, "both", &person).expect_err("one is wrong");
    assert_eq!(person.asked(), ["password 0", "password 1", "password 2"]);
    let person = Person { password: Some("wrong"), ..Person::default() };
    ours(&config, "once", &person).expect_err("one is wrong");
    assert_eq!(person.asked(), ["password 0"]);
    let person = Person { password: Some("pass word"), ..Person::default() };
    ours(&config, "batch", &person).expect_err("nobody may be asked");
    assert_eq!(person.asked(), Vec::<String>::new());
}

#[test]
fn questions_by_configuration() {
    if !require_all(&["ssh-keygen", "asyncssh"]) {
        return;
    }
    let server = asyncssh::Server::start(KeyType::Ed25519, Some("pass word"), asyncssh::Algorithms::default());
    let files = Files::new();
    let destination = server.destination();
    let (user, host) = destination.split_once('@').unwrap_or(("user", &destination));
    let text = format!(
        "Host questions\n HostName {host}\n Port {}\n User {user}\n UserKnownHostsFile {}\n IdentityFile none\n \
         IdentityAgent none\n PreferredAuthentications keyboard-interactive\n",
        server.port(),
        server.known_hosts().display()
    );
    std::fs::write(files.path("config"), text).expect("the directory is ours");
    let person = Person { password: Some("pass word"), ..Person::default() };
    let config = Config::load().expect("a user").file(files.path("config"));
    let host = Configured::new(&config, "questions").expect("no mistake").person(person.clone());
    let session = host.connect().expect("it listens");
    assert_eq!(host.login(&session).expect("the answer is right"), "keyboard-interactive");
    assert_eq!(person.asked()[0], "1 questions");
}
