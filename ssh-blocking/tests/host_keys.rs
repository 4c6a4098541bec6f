//! Whom the known_hosts policy trusts, and what it writes.

mod common;

use std::path::PathBuf;

use ssh_blocking::{Error, HostKeyPolicy, KnownHostsPolicy, StrictHostKeyChecking};

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
