//! Agents: OpenSSH's used by us, ours used by OpenSSH's `ssh` and `ssh-add`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ssh_blocking::ssh_core::SecretBytes;
use ssh_blocking::ssh_core::agent::{AgentError, ConsentNeeded, Constraints, Keyring};
use ssh_blocking::ssh_core::key::{KeyAlgorithm, PrivateKey, PublicKey, PublicKeyLine};
use ssh_blocking::ssh_core::random::OsRandom;
use ssh_blocking::{Agent, AgentListener, AgentService, Connector, Credentials, Error, KnownHostsPolicy, Session};
use ssh_interop_tests::peer::openssh::{KeyType, Sshd, keygen, ssh_command};
use ssh_interop_tests::peer::require_all;
use ssh_interop_tests::{DEADLINE, Output, Running, run_with_timeout, temp_dir};

/// OpenSSH's agent at a socket of its own.
struct SshAgent {
    _process: Running,
    socket: PathBuf,
}

impl SshAgent {
    fn start(directory: &Path) -> Self {
        let socket = directory.join("agent");
        let mut agent = Command::new("ssh-agent");
        agent.arg("-D").arg("-a").arg(&socket);
        let process = Running::start("ssh-agent", agent, &directory.join("agent.log"));
        process.wait_for_log("SSH_AUTH_SOCK", DEADLINE);
        Self { _process: process, socket }
    }

    fn connect(&self) -> Agent {
        Agent::connect(&self.socket).expect("ssh-agent runs")
    }
}

/// Our agent at a socket of its own. Its thread ends with the test.
fn our_agent(directory: &Path, service: AgentService) -> PathBuf {
    let socket = directory.join("ours");
    let listener = AgentListener::bind(&socket, service).expect("the directory is ours");
    std::thread::spawn(move || listener.run());
    socket
}

fn ssh_add(socket: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("ssh-add");
    command.args(arguments).env("SSH_AUTH_SOCK", socket).env("SSH_ASKPASS_REQUIRE", "never");
    run_with_timeout(command, b"", DEADLINE)
}

fn every_key() -> Vec<PrivateKey> {
    let algorithms = [
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::EcdsaNistp256,
        KeyAlgorithm::EcdsaNistp384,
        KeyAlgorithm::EcdsaNistp521,
        KeyAlgorithm::Rsa { bits: 2048 },
    ];
    algorithms.map(|algorithm| PrivateKey::generate(algorithm, &mut OsRandom).expect("randomness")).into()
}

fn connect(sshd: &Sshd) -> Session {
    let policy = KnownHostsPolicy::new(vec![sshd.known_hosts().into()]);
    Connector::new().host_keys(policy).connect("127.0.0.1", sshd.port()).expect("sshd runs")
}

fn log_in(sshd: &Sshd, agent: &mut Agent) -> ssh_blocking::Result<&'static str> {
    let session = connect(sshd);
    agent.bind(&session)?;
    let keys: Vec<_> = agent.identities()?.into_iter().map(|identity| identity.key).collect();
    session.login_with(sshd.user(), Credentials::none().agent_keys(keys), agent)
}

/// A certificate of `key` for the user of the test, by an authority that ssh-keygen uses.
fn certificate(directory: &Path, key: &PrivateKey, authority: &Path, user: &str) -> PublicKey {
    let public = directory.join("to-certify.pub");
    std::fs::write(&public, format!("{}\n", key.public_key())).expect("the directory is ours");
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-I", "test", "-n", user, "-s"]).arg(authority).arg(&public);
    run_with_timeout(command, b"", DEADLINE).expect_success();
    let text = std::fs::read(directory.join("to-certify-cert.pub")).expect("ssh-keygen made it");
    PublicKeyLine::parse(text.trim_ascii()).expect("a certificate").key
}

#[test]
fn openssh_agent_keeps_every_kind_of_key_for_us() {
    if !require_all(&["sshd", "ssh-keygen", "ssh-agent"]) {
        return;
    }
    let directory = temp_dir();
    let agent = SshAgent::start(directory.path());
    let authority = keygen(directory.path(), "authority", KeyType::Ed25519, "");
    let line = format!("cert-authority {}", authority.public_line());
    for key in every_key() {
        let kind = key.public_key().key_type().to_owned();
        let sshd = Sshd::builder().line("MaxAuthTries 3").start();
        let mut agent = agent.connect();
        let forever = Constraints::default();
        agent.add(&key, None, "plain", &forever).expect("it takes keys");
        let certificate = certificate(directory.path(), &key, &authority.private, sshd.user());
        agent.add(&key, Some(&certificate), "certified", &forever).expect("it takes certificates");
        let listed: Vec<_> = agent.identities().expect("a list").into_iter().map(|each| each.key).collect();
        assert_eq!(listed, [key.public_key().clone(), certificate.clone()], "{kind}");
        assert!(log_in(&sshd, &mut agent).is_err(), "{kind}: nothing is authorized yet");

        sshd.authorize(&line);
        assert_eq!(log_in(&sshd, &mut agent).expect("the authority is known"), "publickey", "{kind}");
        agent.remove(&certificate).expect("it is there");
        assert!(log_in(&sshd, &mut agent).is_err(), "{kind}: without its certificate the key is unknown");
        sshd.authorize(&key.public_key().to_string());
        assert_eq!(log_in(&sshd, &mut agent).expect("the key is authorized"), "publickey", "{kind}");
        agent.remove_all().expect("it forgets");
        assert_eq!(agent.identities().expect("a list"), [], "{kind}");
    }
}

#[test]
fn openssh_agent_locks_confirms_and_forgets_for_us() {
    if !require_all(&["ssh-agent", "ssh-add"]) {
        return;
    }
    let directory = temp_dir();
    let agent = SshAgent::start(directory.path());
    let mut ours = agent.connect();
    let key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut OsRandom).expect("randomness");
    let constraints = Constraints { lifetime: Some(1), ..Constraints::default() };
    ours.add(&key, None, "short", &constraints).expect("it takes lifetimes");
    let passphrase = SecretBytes::from("open sesame");
    ours.lock(&passphrase).expect("it locks");
    assert_eq!(ours.identities().expect("a list"), []);
    let refused = ours.sign(key.public_key(), "ssh-ed25519", b"x");
    assert!(matches!(refused, Err(Error::Agent(AgentError::Refused))), "{refused:?}");
    ours.unlock(&passphrase).expect("the passphrase is right");
    // It forgets within the second; how soon is its affair.
    let deadline = std::time::Instant::now() + DEADLINE;
    while !ours.identities().expect("a list").is_empty() {
        assert!(std::time::Instant::now() < deadline, "the key outlives its lifetime");
        std::thread::yield_now();
    }
    let confirmed = Constraints { confirm: true, ..Constraints::default() };
    ours.add(&key, None, "asks", &confirmed).expect("it takes the constraint");
    let refused = ours.sign(key.public_key(), "ssh-ed25519", b"x");
    assert!(matches!(refused, Err(Error::Agent(AgentError::Refused))), "nobody can consent: {refused:?}");
}

/// A key that OpenSSH's agent keeps for one host: our client says which host it is with, and proves it.
#[test]
fn openssh_agent_signs_for_certain_hosts_only() {
    if !require_all(&["sshd", "ssh-keygen", "ssh-agent", "ssh-add"]) {
        return;
    }
    let directory = temp_dir();
    let agent = SshAgent::start(directory.path());
    let (right, wrong) = (Sshd::builder().start(), Sshd::builder().start());
    let mine = keygen(directory.path(), "mine", KeyType::Ed25519, "");
    for sshd in [&right, &wrong] {
        sshd.authorize(&mine.public_line());
    }
    let host = format!("[127.0.0.1]:{}", right.port());
    let (known, file) = (right.known_hosts().display().to_string(), mine.private.display().to_string());
    ssh_add(&agent.socket, &["-q", "-H", &known, "-h", &host, &file]).expect_success();
    assert_eq!(log_in(&right, &mut agent.connect()).expect("the host is right"), "publickey");
    assert!(log_in(&wrong, &mut agent.connect()).is_err());
    let session = connect(&right);
    let mut unbound = agent.connect();
    let keys: Vec<_> = unbound.identities().expect("a list").into_iter().map(|each| each.key).collect();
    assert_eq!(keys.len(), 1, "beside the agent the key is seen");
    let credentials = Credentials::none().agent_keys(keys);
    assert!(session.login_with(right.user(), credentials, &mut unbound).is_err());
}

#[test]
fn our_agent_serves_ssh_add() {
    if !require_all(&["ssh-keygen", "ssh-add"]) {
        return;
    }
    let directory = temp_dir();
    let socket = our_agent(directory.path(), AgentService::new(Keyring::new()));
    let nothing = ssh_add(&socket, &["-l"]);
    assert!(!nothing.success() && nothing.stdout_text().contains("no identities"), "{nothing}");
    let mut expected = Vec::new();
    for key_type in KeyType::ALL {
        let pair = keygen(directory.path(), &format!("{key_type:?}"), key_type, "");
        ssh_add(&socket, &["-q", &pair.private.display().to_string()]).expect_success();
        expected.push(pair.public_line().split(' ').take(2).collect::<Vec<_>>().join(" "));
    }
    let listed = ssh_add(&socket, &["-L"]).expect_success().stdout_text();
    let listed: Vec<_> = listed.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(listed, expected);
    for key_type in KeyType::ALL {
        let public = directory.path().join(format!("{key_type:?}.pub")).display().to_string();
        // Signs with the key and verifies with its public half.
        ssh_add(&socket, &["-T", &public]).expect_success();
        ssh_add(&socket, &["-q", "-d", &public]).expect_success();
        assert!(!ssh_add(&socket, &["-T", &public]).success(), "{key_type:?} is gone");
    }
    let file = directory.path().join("Ed25519").display().to_string();
    ssh_add(&socket, &["-q", "-t", "1h", &file]).expect_success();
    ssh_add(&socket, &["-q", "-D"]).expect_success();
    assert!(!ssh_add(&socket, &["-l"]).success());
}

#[test]
fn our_agent_serves_ssh_with_plain_constrained_and_certified_keys() {
    if !require_all(&["sshd", "ssh", "ssh-keygen", "ssh-add"]) {
        return;
    }
    let directory = temp_dir();
    let (right, wrong) = (Sshd::builder().start(), Sshd::builder().start());
    let log_in = |sshd: &Sshd, socket: &Path, identity: &Path| {
        let options = [format!("IdentityAgent={}", socket.display())];
        let mut ssh = ssh_command(sshd.port(), identity, sshd.known_hosts(), &[&options[0]]);
        ssh.arg(sshd.destination()).arg("echo in");
        run_with_timeout(ssh, b"", DEADLINE)
    };
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let consent = move |needed: &ConsentNeeded| {
        assert!(needed.destination.is_some(), "ssh says where it logs in");
        counted.fetch_add(1, Ordering::SeqCst) == 0
    };
    let socket = our_agent(directory.path(), AgentService::new(Keyring::new()).consent(consent));
    for key_type in KeyType::ALL {
        let pair = keygen(directory.path(), &format!("{key_type:?}"), key_type, "");
        let (file, public) = (pair.private.display().to_string(), pair.private.with_extension("pub"));
        [&right, &wrong].iter().for_each(|sshd| sshd.authorize(&pair.public_line()));
        ssh_add(&socket, &["-q", &file]).expect_success();
        assert_eq!(log_in(&right, &socket, &public).expect_success().stdout, b"in\n", "{key_type:?}");
        ssh_add(&socket, &["-q", "-D"]).expect_success();
        assert!(!log_in(&right, &socket, &public).success(), "{key_type:?}: without its key nobody gets in");
    }
    let pair = keygen(directory.path(), "constrained", KeyType::Ed25519, "");
    let (file, public) = (pair.private.display().to_string(), pair.private.with_extension("pub"));
    [&right, &wrong].iter().for_each(|sshd| sshd.authorize(&pair.public_line()));
    let (known, host) = (right.known_hosts().display().to_string(), format!("[127.0.0.1]:{}", right.port()));
    ssh_add(&socket, &["-q", "-H", &known, "-h", &host, &file]).expect_success();
    log_in(&right, &socket, &public).expect_success();
    assert!(!log_in(&wrong, &socket, &public).success(), "the key is for another host");
    ssh_add(&socket, &["-q", "-D"]).expect_success();
    ssh_add(&socket, &["-q", "-c", &file]).expect_success();
    log_in(&right, &socket, &public).expect_success();
    assert!(!log_in(&right, &socket, &public).success(), "the second time nobody consents");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}
