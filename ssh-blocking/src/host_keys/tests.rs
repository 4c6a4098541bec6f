use super::*;
use std::fs;
use std::sync::{Arc, Mutex};

use ssh_core::key::{KeyAlgorithm, PrivateKey};

struct Desk(PathBuf);

impl Desk {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ssh-blocking-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn key() -> PublicKey {
    PrivateKey::generate(KeyAlgorithm::Ed25519, &mut OsRandom).unwrap().public_key().clone()
}

fn policy(file: &Path, mode: StrictHostKeyChecking) -> KnownHostsPolicy {
    KnownHostsPolicy::new(vec![file.into()]).mode(mode).check_address(true).warn(|_| ())
}

/// With the host, on its own where the host is known already, and never one of the loopback interface.
#[test]
fn addresses_are_learnt() {
    let (desk, key) = (Desk::new("learnt"), key());
    for (before, address, after) in [
        ("", "10.0.0.1", format!("[host]:2222,[10.0.0.1]:2222 {key}\n")),
        ("KNOWN", "10.0.0.1", format!("[host]:2222 {key}\n[10.0.0.1]:2222 {key}\n")),
        ("", "127.0.0.1", format!("[host]:2222 {key}\n")),
        ("", "::ffff:127.0.0.2", format!("[host]:2222 {key}\n")),
    ] {
        let file = desk.write("known_hosts", &before.replace("KNOWN", &format!("[host]:2222 {key}\n")));
        let mut policy = policy(&file, StrictHostKeyChecking::AcceptNew);
        policy.reached(address.parse().unwrap());
        policy.check("host", 2222, &key).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), after, "{before:?} {address}");
    }
    let file = desk.write("known_hosts", "");
    let mut policy = policy(&file, StrictHostKeyChecking::AcceptNew);
    policy.reached("fe80::1".parse().unwrap());
    policy.check("[fe80::1]", 22, &key).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("fe80::1 {key}\n"), "the address is the name");
}

#[test]
fn an_address_with_another_key_is_asked_about() {
    let (desk, other) = (Desk::new("asked"), key());
    let key = key();
    let text = format!("host {key}\n10.0.0.1 {other}\n");
    let file = desk.write("known_hosts", &text);
    for answer in [true, false] {
        let asked = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&asked);
        let mut policy = policy(&file, StrictHostKeyChecking::Ask).ask(move |question| {
            heard.lock().unwrap().push_str(question);
            answer
        });
        policy.reached("10.0.0.1".parse().unwrap());
        assert_eq!(policy.check("host", 22, &key).is_ok(), answer);
        assert!(asked.lock().unwrap().contains("differs from the key of its address 10.0.0.1"));
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
}

#[test]
fn revoked_keys_are_refused_and_so_is_every_key_if_nobody_knows() {
    let (desk, key) = (Desk::new("revoked"), key());
    let known = desk.write("known_hosts", &format!("host {key}\n"));
    let revoked = desk.write("revoked", &format!("{key}\n"));
    let others = desk.write("others", "# none\n");
    let nonsense = desk.write("nonsense", "no key\n");
    for (lists, words) in [
        (vec![others.clone()], None),
        (vec![others, revoked], Some("is revoked in")),
        (vec![nonsense], Some("nobody knows which keys are revoked")),
        (vec![desk.0.join("missing")], Some("missing")),
    ] {
        let checked = policy(&known, StrictHostKeyChecking::InsecureNo).revoked(lists).check("host", 22, &key);
        match (checked, words) {
            (Ok(()), None) => {}
            (Err(error), Some(words)) => assert!(error.to_string().contains(words), "{error}"),
            (checked, words) => panic!("{checked:?}, {words:?}"),
        }
    }
}
