//! Signatures that are bound to host keys, and hosts that vouch for their users, with OpenSSH.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use ssh_blocking::ssh_core::key::PrivateKey;
use ssh_blocking::ssh_core::random::OsRandom;
use ssh_blocking::ssh_core::wire::DisconnectReason;
use ssh_blocking::ssh_core::{AuthMethod, Client, ClientConfig, ClientEvent, HostKeyAnswer, Timestamp};
use ssh_interop_tests::peer::openssh::{KeyType, Sshd, keygen, ssh_command, version};
use ssh_interop_tests::peer::ours::Ours;
use ssh_interop_tests::peer::{require_all, user_name};
use ssh_interop_tests::{DEADLINE, run_with_timeout, temp_dir};

const BOUND: &str = "publickey-hostbound-v00@openssh.com";

ssh_interop_tests::test_each_of_ours!(opensshs_client_binds_its_signature_for_our_server, ours_binds_it_for_opensshs);

fn opensshs_client_binds_its_signature_for_our_server(ours: Ours) {
    if !require_all(&["ssh", "ssh-keygen"]) || version() < (8, 9) {
        return;
    }
    let sshd = ours.sshd(&[KeyType::Ed25519, KeyType::EcdsaP256], &[]);
    for algorithm in ["ssh-ed25519", "ecdsa-sha2-nistp256"] {
        let only = format!("HostKeyAlgorithms={algorithm}");
        let mut ssh = ssh_command(sshd.port(), sshd.identity(), sshd.known_hosts(), &["LogLevel=DEBUG3", &only]);
        ssh.args([&sshd.destination(), "echo in"]);
        let output = run_with_timeout(ssh, b"", DEADLINE);
        assert!(output.success() && output.stdout == b"in\n", "{output}");
        let log = output.stderr_text();
        assert!(log.contains("publickey-hostbound@openssh.com=<0>"), "our announcement: {output}");
        assert!(log.contains(&format!("sign_and_send_pubkey: using {BOUND}")), "its method: {output}");
    }
}

fn ours_binds_it_for_opensshs(ours: Ours) {
    if !require_all(&["sshd", "ssh-keygen"]) || version() < (8, 9) {
        return;
    }
    let sshd = Sshd::builder().line("LogLevel DEBUG3").start();
    let mut ssh = ours.ssh_command(sshd.port(), sshd.identity(), sshd.known_hosts(), &[]);
    ssh.args([&sshd.destination(), "echo in"]);
    let output = run_with_timeout(ssh, b"", DEADLINE);
    assert!(output.success() && output.stdout == b"in\n", "{output}");
    let log = sshd.log();
    assert!(log.contains(&format!("method {BOUND}")), "{log}");
}

/// A host's word at a server of OpenSSH that trusts it, and at one that trusts another host's key.
#[test]
fn a_host_vouches_at_opensshs_server() {
    if !require_all(&["sshd", "ssh-keygen", "nss_wrapper"]) {
        return;
    }
    let directory = temp_dir();
    for kind in KeyType::ALL {
        let name = format!("host{}", fs::read_dir(directory.path()).expect("it is ours").count());
        let host = keygen(directory.path(), &name, kind, "");
        let other = keygen(directory.path(), &format!("{name}_other"), kind, "");
        let sshd = Sshd::builder()
            .line("HostbasedAuthentication yes")
            .line("HostbasedUsesNameFromPacketOnly yes")
            .line("IgnoreRhosts no")
            .line("IgnoreUserKnownHosts no")
            .start();
        let home = sshd.directory().join("home");
        let write = |name: &str, text: String| fs::write(home.join(name), text).expect("the directory is ours");
        write(".ssh/known_hosts", format!("client.example {}\n", host.public_line()));
        write(".shosts", "client.example visitor\n".into());
        let vouch = |key: &Path, host_name: &str, user_name: &str| {
            vouch(sshd.port(), key, host_name, user_name).unwrap_or_else(|error| panic!("{error}\n{}", sshd.log()))
        };
        assert!(vouch(&host.private, "client.example.", "visitor"), "{kind:?}: {}", sshd.log());
        assert!(!vouch(&other.private, "client.example.", "visitor"), "another key");
        assert!(!vouch(&host.private, "client.example.", "intruder"), "another user");
        assert!(!vouch(&host.private, "other.example.", "visitor"), "another host");
    }
}

/// Whether the server at this port lets the user in on the word of a host.
fn vouch(port: u16, key: &Path, host_name: &str, user: &str) -> Result<bool, Box<dyn std::error::Error>> {
    let key = PrivateKey::read(&fs::read(key)?, None)?;
    let mut client = Client::new(Arc::new(ClientConfig::default()), Box::new(OsRandom), Timestamp::ZERO)?;
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(DEADLINE))?;
    let (mut buffer, mut tried, mut verdict) = ([0; 4096], false, None);
    loop {
        while let Some(event) = client.poll_event() {
            match event {
                // Whose server this is, the test knows.
                ClientEvent::HostKey(request) => client.answer_host_key(request, HostKeyAnswer::Accept)?,
                ClientEvent::AuthNeeded(_) if tried => verdict = Some(false),
                ClientEvent::AuthNeeded(_) => {
                    tried = true;
                    let (host_name, user) = (host_name.into(), user.into());
                    let key = key.public_key().clone();
                    client.authenticate(user_name(), AuthMethod::HostBased { key, host_name, user_name: user })?;
                }
                ClientEvent::Sign(request) => {
                    let signature = key.sign(request.algorithm, &request.data, &mut OsRandom)?;
                    client.answer_signature(request, Some(&signature))?;
                }
                ClientEvent::Authenticated(method) => verdict = Some(method == "hostbased"),
                ClientEvent::Closed(reason) => return Err(format!("closed: {reason}").into()),
                _ => {}
            }
        }
        if let Some(verdict) = verdict {
            client.disconnect(DisconnectReason::BY_APPLICATION, "done");
            stream.write_all(client.poll_output())?;
            return Ok(verdict);
        }
        let output = client.poll_output().to_vec();
        stream.write_all(&output)?;
        client.consume_output(output.len());
        if output.is_empty() {
            let length = stream.read(&mut buffer)?;
            let mut rest = &buffer[..length];
            if rest.is_empty() {
                client.handle_eof();
            }
            while !rest.is_empty() {
                rest = &rest[client.handle_input(rest)..];
            }
        }
    }
}
