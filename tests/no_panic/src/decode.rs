//! Messages, keys and files.

use alloc::string::ToString;
use alloc::vec;
use core::hint::black_box;

use ssh_core::admission::{Admission, AdmissionPolicy, Place};
use ssh_core::agent::{AgentClient, AgentConnection, AgentTime, Constraints, KeyToAdd, Keyring};
use ssh_core::crypto::signature::SecurityKeyUse;
use ssh_core::files::allowed_signers::AllowedSigners;
use ssh_core::files::authorized_keys::AuthorizedKeys;
use ssh_core::key::{
    CertificateBuilder, CertificateCheck, FingerprintHash, HostKeyProof, KeyEncryption, KeyFileFormat, MessageHash,
    MessageSignature, PrivateKey, PublicKey, PublicKeyFormat, PublicKeyLine, RevocationList, Ssh1PrivateKey,
};
use ssh_core::message::*;
use ssh_core::random::ChaChaRandom;
use ssh_core::{ByteProtocol as _, CloseReason, SecretBytes, TerminalModes, Timestamp, UnixTime, Untrusted};

use crate::consider;

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// Reads a body as every kind of message.
#[unsafe(no_mangle)]
pub extern "C" fn decode_messages(body: &&[u8]) {
    macro_rules! each {
        ($($message:ident,)*) => { $(consider($message::decode(body));)* };
    }
    each! {
        Disconnect, Ignore, Unimplemented, Debug, ServiceRequest, ServiceAccept, ExtInfo, KexInit, NewKeys, Ping, Pong,
        UserauthRequest, UserauthFailure, UserauthSuccess, UserauthBanner, UserauthPkOk, UserauthPasswdChangereq,
        UserauthInfoRequest, UserauthInfoResponse, GlobalRequest, RequestSuccess, RequestFailure, ChannelOpen,
        ChannelOpenConfirmation, ChannelOpenFailure, ChannelWindowAdjust, ChannelData, ChannelExtendedData, ChannelEof,
        ChannelClose, ChannelRequest, ChannelSuccess, ChannelFailure,
    }
    if let Ok(modes) = TerminalModes::decode(body) {
        consider(modes.encode());
    }
    let text = Untrusted::new(body);
    consider(text.as_plain_str());
    consider((text.to_string(), text.multi_line().to_string()));
}

/// Reads a file of keys, and uses what it holds.
#[unsafe(no_mangle)]
pub extern "C" fn decode_keys(file: &&[u8], passphrase: &&[u8], random: &mut ChaChaRandom) {
    if let Ok(key) = PublicKey::from_blob(file) {
        consider((key.bits(), key.signature_algorithms().count()));
        for hash in [FingerprintHash::Sha256, FingerprintHash::Sha512, FingerprintHash::Sha1, FingerprintHash::Md5] {
            let fingerprint = key.fingerprint(hash);
            consider((fingerprint.to_string(), fingerprint.bubble_babble(), key.randomart(hash)));
        }
        consider(key.to_string());
    }
    consider(PublicKeyLine::parse(file));
    match PublicKeyLine::read(file) {
        Ok(line) => {
            let formats =
                [PublicKeyFormat::OpenSsh, PublicKeyFormat::Rfc4716, PublicKeyFormat::Pkcs8, PublicKeyFormat::Pem];
            consider(formats.map(|format| line.write(format)));
        }
        Err(error) => consider(error.to_string()),
    }
    let passphrase = SecretBytes::copied_from(passphrase);
    match PrivateKey::read(file, Some(&passphrase)) {
        Ok(key) => {
            for algorithm in key.public_key().signature_algorithms() {
                consider(key.sign(algorithm, file, random));
            }
            let encryption = KeyEncryption::new(passphrase);
            for format in [
                KeyFileFormat::OpenSsh,
                KeyFileFormat::Pkcs8,
                KeyFileFormat::Pem,
                KeyFileFormat::Ppk3,
                KeyFileFormat::Ppk2,
            ] {
                consider(key.write(format, Some(&encryption), random));
                consider(key.write(format, None, random));
            }
            consider(MessageSignature::sign(&key, "file", MessageHash::Sha512, file, random));
        }
        Err(error) => consider(error.to_string()),
    }
    consider((PrivateKey::public_half(file), PrivateKey::is_encrypted(file), KeyFileFormat::of(file)));
}

/// Serves a client of an agent, and is one.
#[unsafe(no_mangle)]
pub extern "C" fn decode_agents(bytes: &&[u8], passphrase: &SecretBytes, random: &mut ChaChaRandom) {
    let Ok(key) = PrivateKey::read(bytes, Some(passphrase)) else { return };
    let time = AgentTime { now: Timestamp::from_micros(1), calendar: NOW };
    let (mut keyring, mut connection, mut client) = (Keyring::new(), AgentConnection::new(), AgentClient::new());
    consider(client.list());
    consider(client.sign(key.public_key(), "ssh-ed25519", bytes));
    consider(client.add(
        &key,
        None,
        "comment",
        &Constraints { lifetime: Some(1), confirm: true, destinations: vec![] },
    ));
    consider((client.lock(passphrase), client.unlock(passphrase), client.extension("query", bytes)));
    let proof =
        HostKeyProof { host_key: key.public_key().clone(), session_id: bytes.to_vec(), signature: bytes.to_vec() };
    consider((client.bind_session(&proof, true), client.remove(key.public_key()), client.remove_all()));
    consider(client.handle_input(bytes));
    match client.poll_reply() {
        Some(Err(error)) => consider(error.to_string()),
        reply => consider(reply),
    }
    let added = KeyToAdd { key, certificate: None, comment: "x".into(), constraints: Constraints::default() };
    consider(keyring.add(added, time.now));
    consider(connection.handle_input(bytes));
    if let Some(needed) = keyring.serve(&mut connection, time, random) {
        keyring.answer_consent(&mut connection, needed, true, time, random);
    }
    consider((connection.failure().cloned(), keyring.identities().count(), keyring.poll_timeout()));
    let sent = connection.handle_input(client.poll_output());
    client.consume_output(sent);
    let sent = connection.poll_output().len();
    connection.consume_output(sent);
}

/// Reads an identity of SSH-1, and writes it.
#[unsafe(no_mangle)]
pub extern "C" fn decode_ssh1(file: &&[u8], passphrase: &SecretBytes, random: &mut ChaChaRandom) {
    match Ssh1PrivateKey::read(file, Some(passphrase)) {
        Ok(key) => consider((key.write(Some(passphrase), random), key.bits())),
        Err(error) => consider(error.to_string()),
    }
}

/// Reads a signature of a message and the file that says whose it is.
#[unsafe(no_mangle)]
pub extern "C" fn decode_signatures(file: &&[u8], signers: &&[u8], name: &&str, offset: i32) {
    let signers = AllowedSigners::parse(signers, offset);
    match MessageSignature::read(file) {
        Ok(signature) => {
            if let Err(error) = signers.verify(&signature, name, name, file, NOW) {
                consider(error.to_string());
            }
            consider((signers.find_principals(&signature, NOW), signature.write()));
            if let Err(error) = signature.verify(name, file) {
                consider(error.to_string());
            }
            consider(MessageSignature::signed_data(name, signature.hash(), file));
            let again = MessageSignature::from_parts(
                signature.key().clone(),
                signature.namespace(),
                signature.hash(),
                file.to_vec(),
            );
            consider(again.with_certificate(signature.key().clone()));
        }
        Err(error) => consider(error.to_string()),
    }
    consider((signers.match_principals(name).count(), signers.skipped().iter().map(ToString::to_string).count()));
}

/// Reads a certificate and a list of what is revoked, judges, and issues one like it.
#[unsafe(no_mangle)]
pub extern "C" fn decode_certificates(
    file: &&[u8],
    name: &&str,
    source: &core::net::IpAddr,
    authority: &PrivateKey,
    random: &mut ChaChaRandom,
) {
    let Ok(key) = PublicKey::from_blob(file) else { return };
    let (plain, Some(certificate)) = (key.plain(), key.certificate()) else { return };
    let authorities = [certificate.signature_key().clone()];
    let revoked = match RevocationList::parse(file) {
        Ok(list) => list,
        Err(error) => {
            consider(error.to_string());
            RevocationList::default()
        }
    };
    consider((revoked.revokes(&key), revoked.revokes(&plain)));
    let used = Some(SecurityKeyUse::new(true, false, 1));
    let user = CertificateCheck::user(name, NOW, &authorities).from(*source).security_key(used).revoked(&revoked);
    for check in [&user, &CertificateCheck::host(name, NOW, &authorities)] {
        match certificate.check(check) {
            Ok(grant) => consider(grant),
            Err(error) => consider(error.to_string()),
        }
    }
    let lines = AuthorizedKeys::parse(file);
    for line in lines.find_authorities(&certificate) {
        consider(line.check_certificate(&certificate, user.clone()));
    }
    let validity = certificate.valid_after()..certificate.valid_before();
    let builder = CertificateBuilder::user(&plain, certificate.key_id(), validity).principal(name).permit_all();
    match builder.force_command(name).source_address(name).verify_required().sign(authority, random) {
        Ok(issued) => consider(issued),
        Err(error) => consider(error.to_string()),
    }
}

/// Lets a client in or not, and remembers how it went.
#[unsafe(no_mangle)]
pub extern "C" fn admission(
    policy: &AdmissionPolicy,
    source: &Option<core::net::IpAddr>,
    micros: u64,
    reason: &CloseReason,
    random: &mut ChaChaRandom,
) {
    let mut admission = black_box(Admission::new(*policy));
    let (mut places, now) = (alloc::vec::Vec::<Place>::new(), Timestamp::from_micros(micros));
    while let Ok(place) = admission.admit(*source, now, random) {
        places.push(place);
    }
    for mut place in places {
        admission.authenticated(&mut place);
        admission.leave(&mut place, Some(reason), now);
    }
    consider(admission.counters());
}
