//! What the tests share: a configuration in a file, a person, and the two programs beside each other.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use ssh_async::{Runtime, Smol, Tokio};
use ssh_blocking::ssh_core::SecretBytes;
use ssh_blocking::ssh_core::key::{KeyAlgorithm, PrivateKey};
use ssh_blocking::ssh_core::random::OsRandom;
use ssh_blocking::{Agent, AgentListener, AgentService, Config, Configured, Error, Interaction, Session};
use ssh_core::adapter;
use ssh_core::agent::{Constraints, Keyring};
use ssh_core::{Prompts, Untrusted};
use ssh_interop_tests::peer::command;
use ssh_interop_tests::peer::openssh::{KeyPair, KeyType, Sshd, keygen};
use ssh_interop_tests::{DEADLINE, Output, run_with_timeout, temp_dir};

/// What is asked of a person, and what they say.
#[derive(Clone, Default)]
pub(crate) struct Person {
    pub(crate) passphrase: Option<&'static str>,
    pub(crate) password: Option<&'static str>,
    /// Whether the answer to a question is yes.
    pub(crate) consents: bool,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Person {
    pub(crate) fn note(&self, question: impl Into<String>) {
        self.asked.lock().expect("no panic").push(question.into());
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

impl Interaction for Person {
    fn password(&mut self, attempt: u32) -> Option<SecretBytes> {
        self.note(format!("password {attempt}"));
        self.password.map(SecretBytes::from)
    }

    fn passphrase(&mut self, file: &str, attempt: u32) -> Option<SecretBytes> {
        let name = Path::new(file).file_name().expect("a file").to_string_lossy();
        self.note(format!("passphrase of {name} {attempt}"));
        self.passphrase.map(SecretBytes::from)
    }

    fn answers(&mut self, prompts: &Prompts) -> Option<Vec<SecretBytes>> {
        self.note(format!("{} questions", prompts.prompts.len()));
        prompts.prompts.iter().map(|_| self.password.map(SecretBytes::from)).collect()
    }

    fn confirm(&mut self, question: &str) -> bool {
        self.note(format!("question: {question}"));
        self.consents
    }

    fn warn(&mut self, text: &str) {
        self.note(format!("warning: {text}"));
    }

    fn banner(&mut self, _text: &Untrusted) {}
}

/// What `ssh -F FILE alias` says of the command.
pub(crate) fn openssh(config: &Path, alias: &str) -> Output {
    openssh_says(config, alias, "echo in as $0")
}

/// What `ssh -F FILE alias COMMAND` prints.
pub(crate) fn openssh_says(config: &Path, alias: &str, wanted: &str) -> Output {
    let mut ssh = command("ssh");
    ssh.arg("-F").arg(config).args(["-o", "BatchMode=yes", alias, wanted]).env_remove("SSH_AUTH_SOCK");
    run_with_timeout(ssh, b"", DEADLINE)
}

/// What `ssh -F FILE alias` says of the command if a person gives this password.
pub(crate) fn openssh_with_password(files: &Files, config: &Path, alias: &str, password: &str) -> Output {
    let askpass = files.path("askpass");
    std::fs::write(&askpass, format!("#!/bin/sh\necho '{password}'\n")).expect("the directory is ours");
    std::fs::set_permissions(&askpass, PermissionsExt::from_mode(0o700)).expect("it is ours");
    let mut ssh = command("ssh");
    ssh.arg("-F").arg(config).args([alias, "echo in as $0"]).env_remove("SSH_AUTH_SOCK");
    ssh.env("SSH_ASKPASS", askpass).env("SSH_ASKPASS_REQUIRE", "force");
    run_with_timeout(ssh, b"", DEADLINE)
}

/// Our session with the host, logged in.
pub(crate) fn session(config: &Path, alias: &str, person: &Person) -> ssh_blocking::Result<Session> {
    let config = Config::load()?.file(config);
    let host = Configured::new(&config, alias)?.person(person.clone());
    let session = host.connect()?;
    host.login(&session)?;
    Ok(session)
}

/// How we do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adapter {
    Blocking,
    Tokio,
    Smol,
}

impl Adapter {
    pub(crate) const ALL: [Self; 3] = [Self::Blocking, Self::Tokio, Self::Smol];

    /// What we say of the command.
    pub(crate) fn ours(self, config: &Path, alias: &str, person: &Person) -> ssh_blocking::Result<Vec<u8>> {
        self.says(config, alias, person, "echo in as $0; exit 3").map(|output| {
            assert_eq!(output.exit.code(), 3);
            output.stdout
        })
    }

    fn says(self, config: &Path, alias: &str, person: &Person, command: &str) -> ssh_blocking::Result<adapter::Output> {
        match self {
            Self::Blocking => session(config, alias, person)?.cmd(command, None),
            Self::Tokio => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(async {
                    async_session(Tokio, config, alias, person).await?.command(command).output().await
                })
            }
            Self::Smol => smol::block_on(async {
                async_session(Smol, config, alias, person).await?.command(command).output().await
            }),
        }
    }
}

/// The same as [`session`], asynchronously.
pub(crate) async fn async_session<T: Runtime>(
    runtime: T,
    config: &Path,
    alias: &str,
    person: &Person,
) -> ssh_async::Result<ssh_async::Session> {
    let config = Config::load()?.file(config);
    let host = ssh_async::Configured::new(&config, alias).await?.person(person.clone());
    let session = host.connect(runtime).await?;
    session.login_as_configured().await?;
    Ok(session)
}

/// What all of our adapters do, which is the same.
#[track_caller]
pub(crate) fn agreed<T: std::fmt::Debug + PartialEq>(
    person: &Person,
    run: impl Fn(Adapter, &Person) -> ssh_blocking::Result<T>,
) -> ssh_blocking::Result<T> {
    let result = run(Adapter::Blocking, person);
    for adapter in [Adapter::Tokio, Adapter::Smol] {
        let other = Person { asked: Arc::default(), ..person.clone() };
        match (&run(adapter, &other), &result) {
            (Ok(theirs), Ok(ours)) => assert_eq!(theirs, ours, "{adapter:?}"),
            (Err(theirs), Err(ours)) => assert_eq!(theirs.to_string(), ours.to_string(), "{adapter:?}"),
            (theirs, ours) => panic!("{adapter:?}: {theirs:?}, but blocking: {ours:?}; {:?}", other.asked()),
        }
        assert_eq!(other.asked(), person.asked(), "{adapter:?}");
    }
    result
}

/// What we say of it, whichever adapter.
#[track_caller]
pub(crate) fn ours(config: &Path, alias: &str, person: &Person) -> ssh_blocking::Result<Vec<u8>> {
    agreed(person, |adapter, person| adapter.ours(config, alias, person))
}

/// A configuration in a file of its own.
pub(crate) struct Files {
    pub(crate) directory: ssh_interop_tests::TempDir,
    pub(crate) text: String,
}

impl Files {
    pub(crate) fn new() -> Self {
        Self { directory: temp_dir(), text: String::new() }
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    /// `Host alias`, with these lines, which come first and count, and what every test needs.
    pub(crate) fn host(&mut self, alias: &str, sshd: &Sshd, lines: &[String]) {
        let known = sshd.known_hosts().display();
        writeln!(self.text, "Host {alias}").unwrap();
        lines.iter().for_each(|line| writeln!(self.text, " {line}").unwrap());
        writeln!(self.text, " HostName 127.0.0.1\n Port {}\n User {}", sshd.port(), sshd.user()).unwrap();
        writeln!(self.text, " UserKnownHostsFile {known}\n GlobalKnownHostsFile none\n StrictHostKeyChecking yes")
            .unwrap();
    }

    pub(crate) fn written(&self) -> std::path::PathBuf {
        let path = self.path("config");
        std::fs::write(&path, &self.text).expect("the directory is ours");
        path
    }

    /// A key that `sshd` lets in.
    pub(crate) fn key(&self, name: &str, sshd: &Sshd, passphrase: &str) -> KeyPair {
        let pair = keygen(self.directory.path(), name, KeyType::Ed25519, passphrase);
        sshd.authorize(&pair.public_line());
        pair
    }

    /// An agent with these keys.
    pub(crate) fn agent<'a>(&self, keys: impl IntoIterator<Item = &'a PrivateKey>) -> std::path::PathBuf {
        let socket = self.path("agent");
        let listener = AgentListener::bind(&socket, AgentService::new(Keyring::new())).expect("the directory is ours");
        std::thread::spawn(move || listener.run());
        let mut agent = Agent::connect(&socket).expect("it listens");
        for key in keys {
            agent.add(key, None, "", &Constraints::default()).expect("it takes keys");
        }
        socket
    }
}

/// `ssh` and we both get in, and to the same.
#[track_caller]
pub(crate) fn both_get_in(config: &Path, alias: &str) {
    let theirs = openssh(config, alias).expect_success();
    let person = Person::default();
    let got = ours(config, alias, &person).unwrap_or_else(|error| panic!("{alias}: {error}; {:?}", person.asked()));
    assert_eq!(got, theirs.stdout, "{alias}");
    assert_eq!(person.asked(), Vec::<String>::new(), "{alias}: nobody has to be asked");
}

/// `ssh` and we both get in, and the command prints the same.
#[track_caller]
pub(crate) fn both_say(config: &Path, alias: &str, wanted: &str) -> String {
    let theirs = openssh_says(config, alias, wanted).expect_success().stdout_text();
    let ours = agreed(&Person::default(), |adapter, person| Ok(adapter.says(config, alias, person, wanted)?.stdout));
    let ours = ours.unwrap_or_else(|error| panic!("{alias}: {error}"));
    assert_eq!(String::from_utf8_lossy(&ours), theirs, "{alias}: {wanted}");
    theirs
}

#[track_caller]
pub(crate) fn neither_gets_in(config: &Path, alias: &str) -> Error {
    let theirs = openssh(config, alias);
    assert!(!theirs.success(), "{alias}: {theirs}");
    ours(config, alias, &Person::default()).expect_err("ssh does not get in either")
}

pub(crate) fn generate() -> PrivateKey {
    PrivateKey::generate(KeyAlgorithm::Ed25519, &mut OsRandom).expect("randomness")
}
