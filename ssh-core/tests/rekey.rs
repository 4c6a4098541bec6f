//! Fresh keys in the midst of everything (RFC 4253 §9): nothing is lost, reordered or noticed.

mod common;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::traffic::Traffic;
use common::{Chunking, Pair, Setup, key, random};
use ssh_core::crypto::hash::Hash;
use ssh_core::crypto::kex::{self, KexError, KexExchange, KexMessage, KexSettings, KexStep, KeyExchange};
use ssh_core::crypto::signature::{SignatureAlgorithm, SignatureError, Verified};
use ssh_core::crypto::{Algorithms, cipher, mac};
use ssh_core::key::KeyAlgorithm;
use ssh_core::random::SecureRandom;
use ssh_core::wire::{DataStream, MessageNumber};
use ssh_core::{
    ChannelEvent, ChannelRequest, ClientEvent, CloseReason, Deadline, Error, PeerMisbehaved, RekeyPolicy, ServerEvent,
};

const OUT: DataStream = DataStream::STDOUT;
const NEVER: RekeyPolicy = RekeyPolicy { bytes: Some(u64::MAX), packets: u64::MAX, time: None };

fn bytes(limit: u64) -> RekeyPolicy {
    RekeyPolicy { bytes: Some(limit), ..NEVER }
}

fn packets(limit: u64) -> RekeyPolicy {
    RekeyPolicy { packets: limit, ..NEVER }
}

#[test]
fn by_command_from_either_side_and_from_both() {
    for (client, server) in [(true, false), (false, true), (true, true)] {
        let mut pair = Pair::logged_in(Setup::new(1).rekey(NEVER));
        let session_id = pair.client.session_id().unwrap().to_vec();
        for _ in 0..3 {
            if client {
                pair.client.rekey().unwrap();
                pair.client.rekey().unwrap();
            }
            if server {
                pair.server.rekey().unwrap();
            }
            assert_eq!(pair.rekeyed(), (1, 1));
            assert_eq!(
                pair.client.session_id(),
                Some(&session_id[..]),
                "the first exchange names the session for ever"
            );
            assert_eq!(pair.server.session_id(), Some(&session_id[..]));
        }
        pair.open_exec("still works");
    }
}

#[test]
fn by_bytes_and_by_packets_on_the_side_that_counts() {
    for (policy, least, most) in [(bytes(10_000), 5, 30), (packets(10), 5, 40)] {
        for client_counts in [true, false] {
            let setup = Setup::new(2).quick().rekey(NEVER).configure(|client, server| {
                if client_counts {
                    client.rekey = policy;
                } else {
                    server.rekey = policy;
                }
            });
            let mut pair = Pair::logged_in(setup);
            let mut traffic = Traffic::open(&mut pair, 1, 100_000);
            traffic.gulp = 2000;
            traffic.run(&mut pair, |_, _| ());
            assert_eq!(traffic.rekeyed.0, traffic.rekeyed.1);
            assert!((least..=most * 5).contains(&traffic.rekeyed.0), "{policy:?}: {:?}", traffic.rekeyed);
        }
    }
}

#[test]
fn by_time() {
    let hour = RekeyPolicy { time: Some(Duration::from_secs(3600)), ..NEVER };
    let mut pair = Pair::logged_in(Setup::new(3).quick().rekey(NEVER).configure(|client, _| client.rekey = hour));
    for _ in 0..3 {
        let mut due = pair.client.poll_timeout().unwrap();
        while due.as_micros() - pair.now.as_micros() < 1_000_000_000 {
            // The timer that gives buffers back comes first.
            pair.pass(due.as_micros() - pair.now.as_micros());
            pair.run();
            due = pair.client.poll_timeout().unwrap();
        }
        pair.pass(due.as_micros() - pair.now.as_micros() - 1);
        assert_eq!(pair.rekeyed(), (0, 0));
        pair.pass(1);
        assert_eq!(pair.rekeyed(), (1, 1));
    }
}

/// Traffic both ways on many channels, in every cut, with both sides replacing keys all the time.
#[test]
fn under_full_traffic() {
    for seed in 0..10 {
        for chunking in [Chunking::Whole, Chunking::Fixed(997), Chunking::Random(300), Chunking::Random(40_000)] {
            let setup =
                Setup::new(seed).quick().rekey(bytes(16 * 1024)).chunking(chunking).configure(|client, server| {
                    for limits in [&mut client.limits, &mut server.limits] {
                        limits.channel_window = 8 * 1024;
                        limits.channel_packet = 2 * 1024;
                        limits.max_output = 16 * 1024;
                    }
                });
            let mut pair = Pair::logged_in(setup);
            let session_id = pair.client.session_id().unwrap().to_vec();
            let mut traffic = Traffic::open(&mut pair, 5, 20_000);
            traffic.run(&mut pair, |pair, round| match round % 97 {
                13 => pair.client.rekey().unwrap(),
                14 | 55 => pair.server.rekey().unwrap(),
                77 => {
                    pair.client.rekey().unwrap();
                    pair.server.rekey().unwrap();
                }
                _ => {}
            });
            assert_eq!(traffic.others, Vec::<String>::new(), "nothing but data");
            assert!(traffic.rekeyed.0 >= 5 && traffic.rekeyed.0.abs_diff(traffic.rekeyed.1) <= 1);
            assert_eq!(pair.client.session_id(), Some(&session_id[..]));
        }
    }
}

/// Limits that are reached at once still let something through between two exchanges, and rest when nothing is sent.
#[test]
fn absurd_limits_make_progress() {
    let now = RekeyPolicy { time: Some(Duration::ZERO), ..NEVER };
    for policy in [bytes(1), packets(1), bytes(0), packets(0), now] {
        for chunking in [Chunking::Whole, Chunking::Random(700)] {
            let mut pair = Pair::logged_in(Setup::new(4).quick().rekey(policy).chunking(chunking));
            let (client, server) = loop_open(&mut pair);
            let mut received = 0;
            let mut rounds = 0;
            while received < 3000 {
                rounds += 1;
                assert!(rounds < 10_000, "{policy:?} stands still");
                if let Ok(mut channel) = pair.client.channel(client).ok_or(()) {
                    channel.write(OUT, &[1; 100]).unwrap();
                }
                pair.step();
                let mut channel = pair.server.channel(server).unwrap();
                let n = channel.readable(OUT).len();
                channel.consume(OUT, n);
                received += n;
            }
            pair.run();
            assert!(pair.client_closed().is_none() && pair.server_closed().is_none());
        }
    }
}

/// `open_exec` where `Rekeyed` may come between any two events.
fn loop_open(pair: &mut Pair) -> (ssh_core::ChannelId, ssh_core::ChannelId) {
    let client = pair.client.open_channel(&ssh_core::ChannelType::Session).unwrap();
    loop {
        match pair.server_event() {
            ServerEvent::ChannelOpen(open) => {
                let server = pair.server.accept_channel(open).unwrap();
                pair.run();
                return (client, server);
            }
            ServerEvent::Rekeyed => {}
            other => panic!("{other:?}"),
        }
    }
}

/// One session told step by step; the log holds everything the applications see but `Rekeyed`.
fn story(mut pair: Pair, mut between: impl FnMut(&mut Pair, usize)) -> Vec<String> {
    let mut log = Vec::new();
    let (client, server) = loop_open(&mut pair);
    pair.client_events.clear();
    for step in 0..12 {
        between(&mut pair, step);
        match step {
            0 => drop(pair.client.channel(client).unwrap().request(&ChannelRequest::Shell, true).unwrap()),
            1 | 5 => drop(pair.client.channel(client).unwrap().write(OUT, b"input").unwrap()),
            2 => drop(pair.server.channel(server).unwrap().write(DataStream::STDERR, b"oops").unwrap()),
            3 => drop(pair.client.global_request(b"what@example.com", b"data").unwrap()),
            4 => drop(pair.server.open_channel(&ssh_core::ChannelType::Session).unwrap()),
            6 => drop(pair.server.channel(server).unwrap().request(&ChannelRequest::ExitStatus(3), false).unwrap()),
            7 => pair.client.channel(client).unwrap().send_eof().unwrap(),
            8 => drop(pair.server.channel(server).unwrap().write(OUT, &[3; 50_000]).unwrap()),
            9 => pair.server.channel(server).unwrap().close(),
            _ => {}
        }
        between(&mut pair, step + 100);
        pair.run();
        while let Some(event) = pair.server_events.pop_front() {
            match event {
                ServerEvent::Rekeyed => continue,
                ServerEvent::Channel(_, ChannelEvent::Request(request)) => {
                    log.push(format!("server {:?}", request.request));
                    pair.server.reply(request.reply.unwrap(), true).unwrap();
                    continue;
                }
                ServerEvent::Global(ssh_core::GlobalRequestEvent::Request { name, data, reply }) => {
                    log.push(format!("server {name:?} {data:?}"));
                    pair.server.answer_global(reply.unwrap(), Some(b"yes")).unwrap();
                    continue;
                }
                _ => {}
            }
            log.push(format!("server {event:?}"));
        }
        pair.run();
        while let Some(event) = pair.client_events.pop_front() {
            if !matches!(event, ClientEvent::Rekeyed) {
                log.push(format!("client {event:?}"));
            }
        }
        for (name, data) in [
            ("server in", pair.server.channel(server).map(|channel| channel.readable(OUT).to_vec())),
            ("client out", pair.client.channel(client).map(|channel| channel.readable(OUT).to_vec())),
            ("client err", pair.client.channel(client).map(|channel| channel.readable(DataStream::STDERR).to_vec())),
        ] {
            log.push(format!("{name} {data:?}"));
        }
    }
    log
}

/// The application sees the same session, whether and whenever keys are replaced.
#[test]
fn rekeying_is_invisible() {
    let setup = || Setup::new(5).quick().rekey(NEVER);
    let plain = story(Pair::logged_in(setup()), |_, _| ());
    assert!(plain.iter().any(|line| line.contains("Closed")) && plain.len() > 40, "{plain:#?}");
    for side in 0..3 {
        for complete in [true, false] {
            let with = story(Pair::logged_in(setup()), |pair, step| {
                // Before the step, so that it falls into a finished exchange, or into the midst of one. Data cannot be
                // written during one, so the steps that write get a finished one.
                let writes = matches!(step, 1 | 2 | 5 | 8);
                if step < 100 {
                    if side != 1 {
                        pair.client.rekey().unwrap();
                    }
                    if side != 0 {
                        pair.server.rekey().unwrap();
                    }
                    if complete || writes {
                        pair.run();
                    }
                }
            });
            assert_eq!(with, plain, "side {side} complete {complete}");
        }
    }
    for policy in [bytes(1), packets(1)] {
        let mut setup = setup();
        setup = setup.rekey(policy);
        assert_eq!(story(Pair::logged_in(setup), |pair, _| pair.run()), plain);
    }
}

/// What is said during an exchange waits, in its order.
#[test]
fn order_survives_the_exchange() {
    let mut pair = Pair::logged_in(Setup::new(6).rekey(NEVER));
    let (client, server) = pair.open_exec("x");
    pair.server.channel(server).unwrap().write(OUT, &[0; 600_000]).unwrap();
    pair.run();
    pair.client_events.clear();
    pair.client.rekey().unwrap();
    assert_eq!(pair.client.channel(client).unwrap().writable(), 0);
    assert_eq!(pair.client.channel(client).unwrap().write(OUT, b"x"), Ok(0));
    let quiet = pair.client.poll_output().len();
    let name = |n: usize| ChannelRequest::Other { name: format!("{n}@example.com").into(), data: Vec::new() };
    for n in 0..5 {
        pair.client.channel(client).unwrap().request(&name(n), false).unwrap();
    }
    pair.client.open_channel(&ssh_core::ChannelType::Session).unwrap();
    pair.client.channel(client).unwrap().consume(OUT, 600_000);
    pair.client.channel(client).unwrap().request(&name(5), false).unwrap();
    pair.client.channel(client).unwrap().send_eof().unwrap();
    pair.client.channel(client).unwrap().close();
    assert_eq!(pair.client.poll_output().len(), quiet, "nothing but the exchange goes out (RFC 4253 §7.1)");
    pair.run();
    let seen = pair.server_events.iter().map(|event| format!("{event:?}"));
    let seen: Vec<String> = seen.filter(|line| !line.contains("Writable") && line != "Rekeyed").collect();
    for (n, line) in seen.iter().take(5).enumerate() {
        assert!(line.contains("Request"), "{n}: {line}");
    }
    let at =
        |what: &str| seen.iter().position(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}: {seen:#?}"));
    assert!(at("ChannelOpen") > 4 && at("ChannelOpen") < at("Eof") && at("Eof") < at("Closed"));
    assert_eq!(seen.iter().filter(|line| line.contains("Request(Inc")).count(), 6);
}

#[test]
fn an_unanswered_exchange_times_out() {
    for client_asks in [true, false] {
        let mut pair = Pair::logged_in(Setup::new(7).quick().rekey(NEVER));
        if client_asks {
            pair.stall_to_server = true;
            pair.client.rekey().unwrap();
        } else {
            pair.stall_to_client = true;
            pair.server.rekey().unwrap();
        }
        pair.run();
        pair.pass(0);
        pair.pass(119_999_999);
        pair.run();
        assert!(pair.client_closed().is_none() && pair.server_closed().is_none());
        let due = if client_asks { pair.client.poll_timeout() } else { pair.server.poll_timeout() };
        assert_eq!(due.unwrap().as_micros(), 120_000_000);
        pair.pass(1);
        pair.run();
        let closed = if client_asks { pair.client_closed() } else { pair.server_closed() };
        assert_eq!(closed, Some(CloseReason::Failed(Error::Timeout(Deadline::Rekey))));
    }
}

/// A peer that asks on and on while it owes us its KEXINIT is cut off, not answered from memory for ever.
#[test]
fn held_back_answers_are_bounded() {
    let mut pair = Pair::logged_in(Setup::new(8).quick().rekey(NEVER).configure(|_, server| {
        server.limits.max_deferred_bytes = 4096;
    }));
    pair.server.rekey().unwrap();
    pair.stall_to_client = true;
    for _ in 0..100 {
        let _ = pair.client.global_request(b"keepalive@openssh.com", b"");
    }
    pair.run();
    assert_eq!(
        pair.server_closed(),
        Some(CloseReason::Failed(Error::LimitExceeded(ssh_core::LimitKind::DeferredMessages)))
    );
}

/// Every cipher and MAC, twice over: keys, counters and sequence numbers are replaced as one.
#[test]
fn every_cipher_survives_rekeying() {
    let all = Algorithms::default();
    for &cipher in &all.ciphers {
        for &mac in &all.macs {
            let setup = Setup::new(9).quick().rekey(bytes(4000)).algorithms(|lists| {
                lists.ciphers = vec![cipher];
                lists.macs = vec![mac];
            });
            let mut pair = Pair::logged_in(setup);
            let mut traffic = Traffic::open(&mut pair, 2, 10_000);
            traffic.gulp = 1000;
            traffic.run(&mut pair, |_, _| ());
            assert!(traffic.rekeyed.0 >= 2);
        }
    }
}

/// A program that writes and writes, and asks for events later, renews its keys all the same.
#[test]
fn keys_are_replaced_while_nobody_asks_for_events() {
    let mut pair = Pair::logged_in(Setup::new(14).quick().rekey(bytes(100_000)));
    let (id, _) = pair.open_exec("cat");
    pair.run();
    let mut sent = 0;
    loop {
        let taken = pair.client.channel(id).unwrap().write(OUT, &[7; 30_000]).unwrap();
        if taken == 0 {
            break;
        }
        sent += taken;
        assert!(sent < 200_000, "the keys are old");
        let output = pair.client.poll_output().to_vec();
        pair.client.consume_output(output.len());
        pair.server.handle_input(&output);
    }
    assert_eq!(sent, 120_000, "what would go under old keys waits for new ones");
    pair.client_events.clear();
    assert_eq!(pair.rekeyed(), (1, 1));
}

#[test]
fn before_authentication_nobody_may_ask() {
    let mut pair = Setup::new(10).build();
    assert!(pair.client.rekey().is_err() && pair.server.rekey().is_err());
    pair.accept_host_key();
    pair.expect_auth_needed();
    assert!(pair.client.rekey().is_err() && pair.server.rekey().is_err());
}

/// A signature by another key than the one shown proves nothing, first or later.
#[test]
fn a_signature_by_another_key_is_refused() {
    for later in [false, true] {
        let mut pair = if later { Pair::logged_in(Setup::new(11).quick()) } else { Setup::new(11).quick().build() };
        if later {
            pair.server.rekey().unwrap();
        }
        let other = key(KeyAlgorithm::Ed25519, 99);
        for _ in 0..4 {
            pair.deliver_to_server();
            while let Some(event) = pair.server.poll_event() {
                let ServerEvent::Sign(request) = event else { continue };
                let signature = other.sign(request.algorithm, &request.data, &mut random(1)).unwrap();
                pair.server.answer_signature(request, Some(&signature)).unwrap();
            }
            pair.deliver_to_client();
            pair.poll_client();
        }
        let expected = Error::PeerMisbehaved(PeerMisbehaved::HostKey(SignatureError::Invalid));
        assert_eq!(pair.client_closed(), Some(CloseReason::Failed(expected)));
        assert!(!pair.client_events.iter().any(|event| matches!(event, ClientEvent::HostKey(_))));
    }
}

/// Shows the client another host key from the second exchange on. It stands for a server that changes its mind.
struct Changing {
    exchanges: AtomicU32,
}

struct ChangingExchange {
    inner: Box<dyn KexExchange>,
    change: bool,
}

impl KeyExchange for Changing {
    fn name(&self) -> &'static str {
        kex::CURVE25519_SHA256.name()
    }
    fn hash(&self) -> Hash {
        kex::CURVE25519_SHA256.hash()
    }
    fn start_client(
        &self,
        settings: &KexSettings,
        random: &mut dyn SecureRandom,
    ) -> Result<(KexMessage, Box<dyn KexExchange>), KexError> {
        let (message, inner) = kex::CURVE25519_SHA256.start_client(settings, random)?;
        let change = self.exchanges.fetch_add(1, Ordering::Relaxed) > 0;
        Ok((message, Box::new(ChangingExchange { inner, change })))
    }
    fn start_server(&self, settings: &KexSettings) -> Result<Box<dyn KexExchange>, KexError> {
        kex::CURVE25519_SHA256.start_server(settings)
    }
}

impl KexExchange for ChangingExchange {
    fn expects(&self) -> MessageNumber {
        self.inner.expects()
    }
    fn handle(&mut self, body: &[u8], random: &mut dyn SecureRandom) -> Result<KexStep, KexError> {
        let mut step = self.inner.handle(body, random)?;
        if let (KexStep::Done(outcome), true) = (&mut step, self.change) {
            let proof = outcome.server_proof.as_mut().unwrap();
            proof.host_key = key(KeyAlgorithm::Ed25519, 98).public_key().blob().to_vec();
        }
        Ok(step)
    }
}

/// Believes every signature, so that the change of the key is all there is to notice.
struct Credulous;

impl SignatureAlgorithm for Credulous {
    fn name(&self) -> &'static str {
        "ssh-ed25519"
    }
    fn key_type(&self) -> &'static str {
        "ssh-ed25519"
    }
    fn verify(&self, _: &[u8], _: &[u8], _: &[u8]) -> Result<Verified, SignatureError> {
        Ok(Verified::default())
    }
    fn check_key(&self, _: &[u8]) -> Result<(), SignatureError> {
        Ok(())
    }
}

#[test]
fn another_host_key_ends_the_connection() {
    static CHANGING: Changing = Changing { exchanges: AtomicU32::new(0) };
    let setup = Setup::new(12).quick().configure(|client, _| {
        client.algorithms.kex = vec![&CHANGING];
        client.algorithms.host_key = vec![&Credulous];
        client.algorithms.ciphers = vec![cipher::AES128_GCM];
        client.algorithms.macs = vec![mac::HMAC_SHA2_256];
    });
    let mut pair = Pair::logged_in(setup);
    pair.server.rekey().unwrap();
    pair.run();
    assert_eq!(pair.client_closed(), Some(CloseReason::Failed(Error::HostKeyChanged)));
    assert!(pair.client_events.iter().all(|event| matches!(event, ClientEvent::Closed(_))), "and nobody is asked");
}
