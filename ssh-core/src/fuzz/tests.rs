//! Every body over its seeds, over sessions recorded between our own endpoints, and over mutations of both.

mod seeds;

use super::fake::random;
use super::handshake::{host_key, methods, real_client, real_server, settings};
use super::input::{Dice, Step};
use super::session::{Pair, Start, play_client, play_server};
use super::*;
use crate::crypto::kex::{KexStep, KeyExchange};
use crate::endpoint::ServerEvent;
use alloc::{format, string::String, vec, vec::Vec};
use std::path::{Path, PathBuf};

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target)
}

/// A stream of an identification and packets in the clear, as steps.
fn steps(stream: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = match stream.iter().position(|&byte| byte == b'\n') {
        Some(end) if stream.starts_with(b"SSH-") => {
            Step::Raw(&stream[..=end]).write(&mut out);
            &stream[end + 1..]
        }
        _ => stream,
    };
    while rest.len() > 5 {
        let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        Step::Packet(&rest[5..4 + length - usize::from(rest[4])]).write(&mut out);
        rest = &rest[4 + length..];
    }
    out
}

/// A session from the first byte to the last between two endpoints with algorithms that do nothing, as the client and as
/// the server saw it, each as a whole and from the login on.
fn recorded_session() -> [Vec<u8>; 4] {
    let (mut pair, mut to_client, mut to_server) = Pair::new(Start::Nothing, Dice::new(0));
    pair.exchange(&mut to_client, &mut to_server);
    let (mut client, mut server) = (steps(&to_client), steps(&to_server));
    let login = [client.len(), server.len()];
    for command in [0x00, 0x20, 0x06, 0x07, 0x52, 0x85, 0x75, 0x01, 0x15, 0x08, 0x09, 0x02, 0x0e, 0xf4] {
        for by_client in [true, false] {
            let marks = (to_client.len(), to_server.len());
            if by_client {
                Step::Command(command).write(&mut client);
                pair.client_application.command(&mut pair.client, command);
            } else {
                Step::Command(command).write(&mut server);
                pair.server_application.command(&mut pair.server, command);
            }
            pair.exchange(&mut to_client, &mut to_server);
            client.extend(steps(&to_client[marks.0..]));
            server.extend(steps(&to_server[marks.1..]));
        }
    }
    let after = [client[login[0]..].to_vec(), server[login[1]..].to_vec()];
    let [client_after, server_after] = after;
    [client, server, client_after, server_after]
}

/// The first key exchange of real endpoints: to the client, to the server.
fn recorded_handshake() -> [Vec<u8>; 2] {
    let (mut client, mut server) = (real_client(), real_server());
    let (mut to_client, mut to_server) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        to_server.extend_from_slice(client.poll_output());
        let n = server.handle_input(client.poll_output());
        client.consume_output(n);
        while let Some(event) = server.poll_event() {
            let ServerEvent::Sign(request) = event else { panic!("{event:?}") };
            let signature = host_key().sign(request.algorithm, &request.data, &mut random(3)).unwrap();
            server.answer_signature(request, Some(&signature)).unwrap();
        }
        // What follows NEWKEYS is encrypted, and no step.
        let output = server.poll_output().to_vec();
        let clear = if to_client.is_empty() { output.len() } else { first_packets(&output, 2) };
        to_client.extend_from_slice(&output[..clear]);
        let n = client.handle_input(&output[..clear]);
        server.consume_output(n);
        while client.poll_event().is_some() {}
    }
    [steps(&to_client), steps(&to_server)]
}

fn first_packets(stream: &[u8], count: usize) -> usize {
    (0..count).fold(0, |at, _| at + 4 + u32::from_be_bytes(stream[at..at + 4].try_into().unwrap()) as usize)
}

/// What a method's messages are for either side: the server's for the client, the client's for the server.
fn recorded_method(method: &dyn KeyExchange) -> [Vec<u8>; 2] {
    let piece = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
    let (mut offer, mut client) = method.start_client(&settings(), &mut random(1)).unwrap();
    let mut server = method.start_server(&settings()).unwrap();
    let (mut to_client, mut to_server) = (Vec::new(), Vec::new());
    let mut answer = server.handle(&offer.body, &mut random(2)).ok().unwrap();
    if let KexStep::Send(group) = answer {
        (to_client, to_server) = (piece(&group.body), piece(&offer.body));
        let Ok(KexStep::Send(init)) = client.handle(&group.body, &mut random(1)) else { panic!("a group is no end") };
        answer = server.handle(&init.body, &mut random(2)).ok().unwrap();
        offer = init;
    }
    let KexStep::Done(outcome) = answer else { panic!("{} does not fit itself", method.name()) };
    let string = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat();
    to_client.extend([string(b"key"), outcome.reply.unwrap().server_value, string(b"signature")].concat());
    to_server.extend(offer.body);
    [to_client, to_server]
}

/// Seeds made from what our own endpoints and files say.
fn recorded(target: &str) -> Vec<(String, Vec<u8>)> {
    let mut seeds: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: &str, bytes: Vec<u8>| seeds.push((name.into(), bytes));
    let with = |head: &[u8], body: &[u8]| [head, body].concat();
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/keys");
    let file = |name: &str| std::fs::read(keys.join(name)).unwrap_or_default();
    let [client, server, client_after, server_after] = recorded_session();
    match target {
        "identification" => {
            add("plain", with(&[0, 3], b"SSH-2.0-x comment\r\n"));
            add("lines", with(&[1, 3], b"hello\r\nworld\nSSH-1.99-x\r\n"));
        }
        "packets_in_clear" => {
            let packets = [&[94; 10][..], &[20; 300], &[2]].map(input::packet).concat();
            add("three", with(&[6, 9], &packets));
        }
        "packets_sealed" => {
            for cipher in 0..6 {
                add(
                    &format!("cipher{cipher}"),
                    vec![cipher, cipher % 4, 9, 2, 0, 3, 1, 2, 3, 0, 2, 5, 6, 0, 1, 0, 40, 3, 7],
                );
            }
        }
        "payloads_compressed" => {
            let text = b"\0\x02\0\x1cThe same words once or twice\0\xff\0\x01\0";
            add("genuine", with(&[1, 5, 255, 255], text));
            add("delayed", with(&[2, 0, 0, 40], text));
            // zlib's own, of which the second window is made up.
            let stream = b"\x01\0\0\x1e\x78\x9c\x0a\x0e\xf6\x88\xf7\x0d\x76\x8f\xf7\x74\xf7\xf3\x0f\x72\xd5\x51\xc8\x2f\x52\x28\xcf\x48\x2c\x49\x2d";
            add("made_up", with(&[1, 0, 2, 0], &stream.repeat(2)));
        }
        "messages" => {
            for session in [&client, &server] {
                let mut input = input::Input::new(session, usize::MAX);
                while let Some(step) = Step::read(&mut input) {
                    let Step::Packet([number, body @ ..]) = step else { continue };
                    add(&format!("message{number}"), body.to_vec());
                }
            }
        }
        "kex_client" | "kex_server" => {
            let side = usize::from(target == "kex_server");
            for (number, method) in methods().into_iter().enumerate() {
                add(method.name(), with(&[number as u8], &recorded_method(method)[side]));
            }
            add("endpoint", with(&[31], &recorded_handshake()[side]));
        }
        "signatures" => seeds::signatures().into_iter().for_each(|(name, bytes)| add(&name, bytes)),
        "certificates" => seeds::certificates().into_iter().for_each(|(name, bytes)| add(&name, bytes)),
        "revocation_lists" => seeds::revocation_lists().into_iter().for_each(|(name, bytes)| add(&name, bytes)),
        "session_client" | "session_server" => {
            let (all, after) = if target == "session_client" { (client, client_after) } else { (server, server_after) };
            add("whole", with(&[0, 0], &all));
            add("logged_in", with(&[2, 0], &after));
            add("channel", with(&[3, 5], &after));
        }
        "split_delivery" => {
            add("client", with(&[0, 0, 0, 7], &client));
            add("server", with(&[1, 0, 0, 7], &server));
        }
        "operations" => {
            add("login", [&[0, 0][..], &[0, 255, 7, 0, 7, 0, 3, 255, 6, 0, 6, 0].repeat(9)].concat());
            let talk = [8, 0x55, 8, 0x01, 0, 255, 7, 0, 9, 0x55, 3, 255, 6, 0, 8, 0x08, 8, 0x09, 12, 3, 10, 0, 11, 0];
            add("talk", with(&[1, 0], &talk.repeat(4)));
        }
        "key_files" => {
            for name in ["ed25519", "ecdsa256", "ecdsa521", "rsa2048", "ed25519.ctr", "ed25519.aes192-cbc"] {
                add(name, file(name));
            }
            for name in
                ["rsa2048.pkcs8", "rsa2048.pem", "ecdsa256.pem.compressed", "openssl25519.pkcs8", "dsa.pkcs8", "ssh1"]
            {
                add(name, file(name));
            }
            for name in ["ecdsa256.pkcs8.enc", "ecdsa256.pkcs8.scrypt", "ecdsa256.pem.enc", "ed25519.ppk3", "dsa.ppk2"]
            {
                add(name, file(name));
            }
            add("ed25519.ppk3.enc", file("ed25519.ppk3.enc"));
            for name in ["ecdsa256.pkcs8", "openssl25519.pkcs8", "rsa2048.pem", "dsa.pem", "dsa.pkcs8"] {
                add(&format!("{name}.der"), seeds::inside(&file(name)));
            }
            for name in ["ecdsa256.pkcs8.enc", "ecdsa256.pkcs8.scrypt", "dsa.spki", "rsa2048.pub.pem"] {
                add(&format!("{name}.der"), seeds::inside(&file(name)));
            }
        }
        "public_keys" => {
            for name in ["ed25519.pub", "ecdsa256.pub", "ecdsa384.pub", "ecdsa521.pub", "rsa2048.pub"] {
                add(name, file(name));
            }
            for name in ["rsa2048.rfc4716", "rsa2048.spki", "rsa2048.pub.pem", "ecdsa384.spki", "dsa.spki"] {
                add(name, file(name));
            }
            add("signature", file("../signatures/ed25519.sha512"));
        }
        "text_files" => seeds::text_files().into_iter().for_each(|(name, bytes)| add(&name, bytes)),
        "agents" => seeds::agents().into_iter().for_each(|(name, bytes)| add(&name, bytes)),
        _ => panic!("{target} has no seeds"),
    }
    seeds
}

fn mutate(seeds: &[Vec<u8>], random: &mut crate::random::ChaChaRandom) -> Vec<u8> {
    let mut roll = |below: usize| {
        let mut bytes = [0; 4];
        random.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes) as usize % below.max(1)
    };
    let mut input = seeds[roll(seeds.len())].clone();
    for _ in 0..=roll(4) {
        let (at, length) = (roll(input.len()), roll(24) + 1);
        let end = (at + length).min(input.len());
        match roll(8) {
            0 => input.truncate(at),
            1 => drop(input.drain(at..end)),
            2 => input.insert(at, [0, 1, 0x7f, 0x80, 0xff][roll(5)]),
            3 => {
                let copy = input[at..end].to_vec();
                let to = roll(input.len());
                input.splice(to..to, copy);
            }
            4 => {
                let other = &seeds[roll(seeds.len())];
                let from = roll(other.len());
                let piece = &other[from..(from + 4 * length).min(other.len())];
                input.splice(at..at, piece.iter().copied());
            }
            _ => input.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << roll(8)),
        }
    }
    input
}

/// How many mutations the target's cost allows.
fn play(target: &str, mutations: usize) {
    let body = TARGETS.iter().find(|(name, _)| *name == target).unwrap().1;
    let mut seeds: Vec<Vec<u8>> = recorded(target).into_iter().map(|(_, seed)| seed).collect();
    // A package without its repository has the recorded ones alone.
    if let Ok(files) = std::fs::read_dir(folder(target)) {
        let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        paths.sort();
        seeds.extend(paths.iter().map(|path| std::fs::read(path).unwrap()));
    }
    body(&[]);
    seeds.iter().for_each(|seed| body(seed));
    let mut random = random(target.len() as u8);
    for number in 0..mutations {
        let input = mutate(&seeds, &mut random);
        if std::panic::catch_unwind(|| body(&input)).is_err() {
            panic!("{target}, mutation {number}: {input:02x?}");
        }
    }
}

macro_rules! smoke {
    ($($target:ident: $mutations:literal,)*) => {
        mod smoke {
            $(#[test]
            fn $target() {
                super::play(stringify!($target), $mutations);
            })*
        }

        #[test]
        fn every_target_is_played() {
            let played = [$(stringify!($target)),*];
            assert!(TARGETS.iter().map(|(name, _)| *name).eq(played));
        }
    };
}

smoke! {
    identification: 20_000,
    packets_in_clear: 10_000,
    packets_sealed: 10_000,
    payloads_compressed: 1000,
    messages: 20_000,
    kex_client: 300,
    kex_server: 300,
    signatures: 300,
    session_client: 5000,
    session_server: 5000,
    split_delivery: 1000,
    operations: 5000,
    key_files: 1000,
    public_keys: 5000,
    text_files: 10_000,
    certificates: 2000,
    revocation_lists: 2000,
    agents: 3000,
}

/// A recording that leads nowhere would make a poor seed.
#[test]
fn recordings_get_far() {
    for (outcome, what) in [
        (play_client(&recorded("session_client")[0].1), "Authenticated(\"password\")"),
        (play_server(&recorded("session_server")[0].1), "Authenticated(Identity"),
    ] {
        for what in [what, "Channel(", "Rekeyed", "Global("] {
            assert!(outcome.0.iter().any(|line| line.contains(what)), "no {what} in {:#?}", outcome.0);
        }
    }
}

/// A fuzzer that begins with a right signature has all of the way to one behind it.
#[cfg(all(feature = "rsa", feature = "pq", feature = "legacy"))]
#[test]
fn seeds_of_signatures_are_right() {
    let mut right = 0;
    for (name, seed) in seeds::signatures().iter().filter(|(name, _)| name != "genuine") {
        let mut input = input::Input::new(seed, usize::MAX);
        let algorithm = crate::crypto::signature::ALL[usize::from(input.byte())];
        let (key, signature) = (input.piece(), input.piece());
        assert_eq!(algorithm.name(), name);
        assert!(algorithm.verify(key, input.rest(), signature).is_ok(), "{name}");
        right += 1;
    }
    assert_eq!(right, 21);
}

/// What fuzzers begin with is what [`recorded`] says. With `UPDATE_SEEDS=1` it is written.
#[cfg(all(feature = "rsa", feature = "pq"))]
#[test]
fn seeds_are_up_to_date() {
    /// Short ones leave a fuzzer more time.
    const MAX_SEED: usize = 8 * 1024;
    let update = std::env::var_os("UPDATE_SEEDS").is_some_and(|value| value == "1");
    for (target, _) in TARGETS {
        // Of several by one name, the last.
        let seeds: std::collections::BTreeMap<_, _> = recorded(target).into_iter().collect();
        for (name, bytes) in seeds {
            assert!(bytes.len() <= MAX_SEED, "{target}/{name} has {} bytes", bytes.len());
            let path = folder(target).join(name);
            if update {
                std::fs::create_dir_all(folder(target)).unwrap();
                std::fs::write(&path, &bytes).unwrap();
            }
            let stale = "is out of date: run this test with UPDATE_SEEDS=1";
            assert!(std::fs::read(&path).is_ok_and(|seed| seed == bytes), "{} {stale}", path.display());
        }
    }
}
