//! Whom the known_hosts policy trusts, and what it writes.

mod common;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use ssh_blocking::{
    Connector, Error, HostKeyPolicy, KnownHostsPolicy, StrictHostKeyChecking, UpdateHostKeys, serve_connection,
};
use ssh_core::ServerConfig;
use ssh_core::key::{KeyAlgorithm, PrivateKey};
use ssh_core::random::OsRandom;

/// A file of its own for each test; removed with the directory.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("ssh-blocking-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("the temporary directory can be written");
        Self(directory.join("known_hosts"))
    }

    fn policy(&self, mode: StrictHostKeyChecking) -> KnownHostsPolicy {
        KnownHostsPolicy::new(vec![self.0.clone()]).mode(mode).warn(|_| ())
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.0.parent().expect("it lies in a directory"));
    }
}

#[test]
fn unknown_hosts_are_refused_unless_somebody_says_yes() {
    let file = File::new("unknown");
    let key = common::host_key();
    let key = key.public_key();
    assert!(matches!(file.policy(StrictHostKeyChecking::Yes).check("h", 22, key), Err(Error::HostKey(_))));
    assert!(matches!(file.policy(StrictHostKeyChecking::Ask).check("h", 22, key), Err(Error::HostKey(_))));
    let mut no = file.policy(StrictHostKeyChecking::Ask).ask(|_| false);
    assert!(no.check("h", 22, key).is_err());
    assert!(!file.0.exists(), "a refused key was remembered");
    let fingerprint = key.fingerprint(Default::default()).to_string();
    let mut yes = file.policy(StrictHostKeyChecking::Ask).ask(move |question| question.contains(&fingerprint));
    yes.check("h", 22, key).expect("yes was said");
    file.policy(StrictHostKeyChecking::Yes).check("h", 22, key).expect("it is known now");
    assert!(file.policy(StrictHostKeyChecking::Yes).check("h", 23, key).is_err(), "another port is another server");
}

#[test]
fn new_keys_are_added_at_the_end_and_nothing_else_changes() {
    let file = File::new("append");
    std::fs::write(&file.0, "# a comment without an end of line").expect("the directory is ours");
    let key = common::host_key();
    file.policy(StrictHostKeyChecking::AcceptNew).check("one", 22, key.public_key()).expect("new");
    let mut hashed = file.policy(StrictHostKeyChecking::AcceptNew).hash_names(true);
    hashed.check("two.example", 2222, key.public_key()).expect("new");
    let text = std::fs::read_to_string(&file.0).expect("it was written");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "# a comment without an end of line");
    assert_eq!(lines[1], format!("one {}", key.public_key()));
    assert!(lines[2].starts_with("|1|") && !text.contains("two.example"), "{text}");
    for (host, port) in [("one", 22), ("two.example", 2222)] {
        file.policy(StrictHostKeyChecking::Yes).check(host, port, key.public_key()).expect("known");
    }
}

#[test]
fn changed_and_revoked_keys() {
    let file = File::new("changed");
    let (old, new) = (common::host_key(), common::host_key());
    std::fs::write(&file.0, format!("\nh {}\n", old.public_key())).expect("the directory is ours");
    for mode in [StrictHostKeyChecking::Yes, StrictHostKeyChecking::AcceptNew] {
        match file.policy(mode).check("h", 22, new.public_key()) {
            Err(Error::HostKey(text)) => assert!(text.contains("changed") && text.contains("known_hosts:2"), "{text}"),
            other => panic!("{other:?}"),
        }
    }
    let insecure = file.policy(StrictHostKeyChecking::InsecureNo).check("h", 22, new.public_key());
    insecure.expect("asked for by that name");
    std::fs::write(&file.0, format!("@revoked h {}\n", new.public_key())).expect("the directory is ours");
    match file.policy(StrictHostKeyChecking::InsecureNo).check("h", 22, new.public_key()) {
        Err(Error::HostKey(text)) => assert!(text.contains("revoked"), "{text}"),
        other => panic!("{other:?}"),
    }
}

/// Runs a command on a server that announces two keys and holds `held` of them; says what was warned of.
fn command_on_two_keys(file: &File, held: usize, update: UpdateHostKeys) -> String {
    let keys = [common::host_key(), PrivateKey::generate(KeyAlgorithm::EcdsaNistp256, &mut OsRandom).expect("a key")];
    let public: Vec<_> = keys.iter().map(|key| key.public_key().clone()).collect();
    std::fs::write(&file.0, format!("test {}\ntest {STALE}\n", public[0])).expect("the directory is ours");
    let (ours, theirs) = common::memory::memory_pair(64 * 1024);
    let (config, keys) = (Arc::new(ServerConfig::new(public)), keys.into_iter().take(held).collect());
    let served =
        std::thread::spawn(move || serve_connection(theirs, "memory", config, keys, &Arc::new(common::TestServer)));
    let warned = Arc::new(Mutex::new(String::new()));
    let heard = Arc::clone(&warned);
    let policy = file.policy(StrictHostKeyChecking::Yes).update_host_keys(update);
    let policy = policy.warn(move |text| heard.lock().expect("nobody panics").push_str(text));
    let session = Connector::new().host_keys(policy).connect_over(ours, "test", 22).expect("the key is known");
    session.login("user", "secret").expect("it is the password");
    for _ in 0..2 {
        assert_eq!(session.cmd("echo hello", None).expect("it runs").stdout, b"hello");
    }
    session.disconnect();
    served.join().expect("no panic").expect("it was served");
    let warned = warned.lock().expect("nobody panics");
    warned.clone()
}

const STALE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDcRKyaxoI7UXxj6n3LK1fEpZOah470EHpdpNz5FiSoK";

fn lines(file: &File) -> Vec<String> {
    let text = std::fs::read_to_string(&file.0).expect("it is there");
    text.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn other_keys_of_the_host_are_learnt() {
    let file = File::new("learnt");
    assert_eq!(command_on_two_keys(&file, 2, UpdateHostKeys::Yes), "");
    assert_eq!(lines(&file), ["test ssh-ed25519", "test ecdsa-sha2-nistp256"]);
    assert!(!std::fs::read_to_string(&file.0).expect("it is there").contains(STALE), "the old key is gone");
    for update in [UpdateHostKeys::No, UpdateHostKeys::Ask] {
        assert_eq!(command_on_two_keys(&file, 2, update), "", "and nobody says yes");
        assert_eq!(lines(&file), ["test ssh-ed25519", "test ssh-ed25519"]);
    }
}

#[test]
fn keys_that_are_not_proven_change_nothing() {
    let file = File::new("unproven");
    let warned = command_on_two_keys(&file, 1, UpdateHostKeys::Yes);
    assert!(warned.contains("test has announced host keys and failed to prove them"), "{warned}");
    assert_eq!(lines(&file), ["test ssh-ed25519", "test ssh-ed25519"]);
    assert!(std::fs::read_to_string(&file.0).expect("it is there").contains(STALE), "the old key stays");
}

#[test]
fn a_file_that_cannot_be_written_is_told() {
    let file = File::new("unwritable");
    // Whoever writes begins with a new file of this name.
    std::fs::create_dir(format!("{}.{}.new", file.0.display(), std::process::id())).expect("the directory is ours");
    let warned = command_on_two_keys(&file, 2, UpdateHostKeys::Yes);
    assert!(warned.contains("the new host keys of test could not be stored"), "{warned}");
    assert_eq!(lines(&file), ["test ssh-ed25519", "test ssh-ed25519"]);
}
