//! A policy hears of a host's other keys, and of proofs that are none.

mod common;

use std::sync::{Arc, Mutex};

use common::TestServer;
use ssh_async::ssh_core::ServerConfig;
use ssh_async::ssh_core::files::known_hosts::HostKeyChanges;
use ssh_async::ssh_core::key::{KeyAlgorithm, PrivateKey, PublicKey};
use ssh_async::ssh_core::random::OsRandom;
use ssh_async::{Adopt, Connector, HostKeyPolicy, Result, Runtime, Tokio};

/// Knows the first key of a host, wants all others, and writes down what it hears.
#[derive(Clone, Default)]
struct Curious(Arc<Mutex<Vec<String>>>);

impl Curious {
    fn note(&self, what: &str, changes: &HostKeyChanges) {
        self.0.lock().unwrap().push(format!("{what} {}", changes.new[0].key_type()));
    }
}

impl HostKeyPolicy for Curious {
    async fn check(&mut self, _: &str, _: u16, _: &PublicKey) -> Result<()> {
        Ok(())
    }

    async fn host_key_changes(&mut self, _: &str, _: u16, announced: &[PublicKey]) -> Option<HostKeyChanges> {
        let mut changes = HostKeyChanges::default();
        changes.new = announced[1..].to_vec();
        Some(changes)
    }

    async fn replace_host_keys(&mut self, host: &str, port: u16, announced: &[PublicKey], changes: &HostKeyChanges) {
        assert_eq!((host, port, announced.len()), ("duplex", 22, 2));
        self.note("learnt", changes);
    }

    async fn host_keys_not_proven(&mut self, _: &str, changes: &HostKeyChanges) {
        self.note("not proven", changes);
    }
}

/// What is heard from a server that announces two keys and holds so many of them.
async fn heard_from_one_that_holds(held: usize) -> Vec<String> {
    let keys = [common::host_key(), PrivateKey::generate(KeyAlgorithm::EcdsaNistp256, &mut OsRandom).unwrap()];
    let config = ServerConfig::new(keys.iter().map(|key| key.public_key().clone()).collect());
    let keys: Arc<[PrivateKey]> = keys.into_iter().take(held).collect();
    let (ours, theirs) = tokio::io::duplex(3000);
    tokio::spawn(async move {
        let (theirs, server) = (Tokio.adopt(theirs), TestServer::default());
        let _ = ssh_async::serve_connection(theirs, Tokio.timer(), "duplex", config.into(), &keys, &server).await;
    });
    let policy = Curious::default();
    let session = Connector::new().host_keys(policy.clone()).connect_over(Tokio, ours, "duplex", 22).await.unwrap();
    session.login("user", "secret").await.unwrap();
    for _ in 0..2 {
        assert_eq!(session.command("echo hello").output().await.unwrap().stdout, b"hello");
    }
    let heard = policy.0.lock().unwrap();
    heard.clone()
}

#[test]
fn other_keys_are_learnt_with_proof_alone() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        assert_eq!(heard_from_one_that_holds(2).await, ["learnt ecdsa-sha2-nistp256"]);
        assert_eq!(heard_from_one_that_holds(1).await, ["not proven ecdsa-sha2-nistp256"]);
    });
}
