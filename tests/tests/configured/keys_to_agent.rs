//! `AddKeysToAgent`: what an agent is told of keys that were used.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ssh_blocking::ssh_core::key::PrivateKey;
use ssh_interop_tests::peer::openssh::{KeyType, Sshd, keygen};
use ssh_interop_tests::peer::{command, require_all};
use ssh_interop_tests::{DEADLINE, run_with_timeout};

use crate::common::{Adapter, Files, Person, openssh, ours};

// Messages of an agent (draft-ietf-sshm-ssh-agent §7.1).
const FAILURE: u8 = 5;
const SUCCESS: u8 = 6;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const ADD_IDENTITY: u8 = 17;
const ADD_ID_CONSTRAINED: u8 = 25;

/// An agent without keys that takes what it is given, and tells.
struct Recorder {
    socket: PathBuf,
    added: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Recorder {
    fn start(files: &Files) -> Self {
        let (socket, added) = (files.path("recorder"), Arc::new(Mutex::new(Vec::new())));
        let listener = UnixListener::bind(&socket).expect("the directory is ours");
        let told = Arc::clone(&added);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let told = Arc::clone(&told);
                std::thread::spawn(move || serve(stream, &told));
            }
        });
        Self { socket, added }
    }

    /// What it was given since it was asked last.
    fn added(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.added.lock().expect("no panic"))
    }
}

fn serve(mut stream: UnixStream, added: &Mutex<Vec<Vec<u8>>>) {
    let mut length = [0; 4];
    while stream.read_exact(&mut length).is_ok() {
        let mut message = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut message).expect("a whole message");
        let reply: &[u8] = match message[0] {
            REQUEST_IDENTITIES => &[0, 0, 0, 5, IDENTITIES_ANSWER, 0, 0, 0, 0],
            ADD_IDENTITY | ADD_ID_CONSTRAINED => {
                added.lock().expect("no panic").push(message);
                &[0, 0, 0, 1, SUCCESS]
            }
            _ => &[0, 0, 0, 1, FAILURE],
        };
        // Whoever asked may be gone.
        let _ = stream.write_all(reply);
    }
}

#[test]
fn a_key_that_was_read_goes_to_the_agent_as_configured() {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let (sshd, mut files) = (Sshd::builder().start(), Files::new());
    let pair = files.key("id", &sshd, "");
    let refused = keygen(files.directory.path(), "refused", KeyType::EcdsaP256, "");
    let recorder = Recorder::start(&files);
    let common = format!(
        "IdentityAgent {}\n IdentityFile {}\n IdentityFile {}\n IdentitiesOnly yes",
        recorder.socket.display(),
        refused.private.display(),
        pair.private.display()
    );
    let modes = [("no", false), ("yes", true), ("90s", true), ("confirm", true), ("confirm 2h", true)];
    for (number, (mode, _)) in modes.iter().enumerate() {
        files.host(&format!("mode{number}"), &sshd, &[format!("AddKeysToAgent {mode}"), common.clone()]);
    }
    let config = files.written();
    for (number, (mode, is_added)) in modes.iter().enumerate() {
        let alias = format!("mode{number}");
        openssh(&config, &alias).expect_success();
        let theirs = recorder.added();
        assert_eq!(theirs.len(), usize::from(*is_added), "{mode}");
        for adapter in Adapter::ALL {
            let person = Person::default();
            adapter.ours(&config, &alias, &person).expect("the key is right");
            assert_eq!(recorder.added(), theirs, "{mode}, {adapter:?}");
            assert_eq!(person.asked(), Vec::<String>::new());
        }
    }
}

#[test]
fn a_person_is_asked_before_a_key_goes_to_the_agent() {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let (sshd, mut files) = (Sshd::builder().start(), Files::new());
    let pair = files.key("id", &sshd, "open sesame");
    let recorder = Recorder::start(&files);
    let (agent, identity) = (recorder.socket.display(), pair.private.display());
    let common = format!("IdentityAgent {agent}\n IdentityFile {identity}\n IdentitiesOnly yes\n AddKeysToAgent ask");
    files.host("ask", &sshd, std::slice::from_ref(&common));
    files.host("batch", &sshd, &[common, "BatchMode yes".into()]);
    let config = files.written();
    for consents in [true, false] {
        let theirs = with_askpass(&files, &config, consents);
        assert_eq!(theirs, Some(0));
        let told = recorder.added();
        assert_eq!(told.len(), usize::from(consents));
        for adapter in Adapter::ALL {
            let person = Person { passphrase: Some("open sesame"), consents, ..Person::default() };
            adapter.ours(&config, "ask", &person).expect("the passphrase is right");
            assert_eq!(recorder.added(), told, "{adapter:?}");
            let question = format!("question: Add key {identity} (interop) to agent? (yes/no)? ");
            assert_eq!(person.asked(), ["passphrase of id 0".into(), question]);
        }
    }
    // Nobody may be asked, also if no passphrase is needed.
    let text = fs::read(&pair.private).expect("it is ours");
    let key = PrivateKey::read(&text, Some(&"open sesame".into())).expect("the passphrase is right");
    let open = key.write(ssh_core::key::KeyFileFormat::OpenSsh, None, &mut ssh_core::random::OsRandom);
    fs::write(&pair.private, open.expect("a key file").expose()).expect("it is ours");
    let person = Person { consents: true, ..Person::default() };
    ours(&config, "batch", &person).expect("the key is right");
    assert_eq!((recorder.added().len(), person.asked().len()), (0, 0));
}

/// The status of `ssh` if whoever is asked gives the passphrase and then consents or not.
fn with_askpass(files: &Files, config: &Path, consents: bool) -> Option<i32> {
    let askpass = files.path("askpass");
    let script =
        format!("#!/bin/sh\ncase \"$1\" in *assphrase*) echo 'open sesame';; *) exit {};; esac\n", u8::from(!consents));
    fs::write(&askpass, script).expect("the directory is ours");
    fs::set_permissions(&askpass, fs::Permissions::from_mode(0o700)).expect("it is ours");
    let mut ssh = command("ssh");
    ssh.arg("-F").arg(config).args(["ask", "true"]).env_remove("SSH_AUTH_SOCK");
    ssh.env("SSH_ASKPASS", askpass).env("SSH_ASKPASS_REQUIRE", "force");
    run_with_timeout(ssh, b"", DEADLINE).code()
}
