//! Sessions under every cipher and every MAC that is built in, and from each to the next.

mod common;

use common::traffic::Traffic;
use common::{Pair, Setup};
use ssh_core::crypto::cipher::PacketKeys;
use ssh_core::crypto::{Algorithms, Named, cipher, mac};
use ssh_core::wire::DataStream;

const OUT: DataStream = DataStream::STDOUT;

fn suites() -> Vec<Algorithms> {
    let suite = |cipher, mac| Algorithms { ciphers: vec![cipher], macs: vec![mac], ..Algorithms::default() };
    let by_cipher = cipher::ALL.iter().zip(mac::ALL.iter().cycle().skip(3)).map(|(cipher, mac)| suite(*cipher, *mac));
    let others = cipher::ALL.iter().rev().filter(|cipher| !cipher.authenticates()).cycle();
    let by_mac = mac::ALL.iter().zip(others).map(|(mac, cipher)| suite(*cipher, *mac));
    by_cipher.chain(by_mac).collect()
}

fn setup(algorithms: &Algorithms) -> Setup {
    Setup::new(1).algorithms(|lists| {
        lists.ciphers = algorithms.ciphers.clone();
        lists.macs = algorithms.macs.clone();
    })
}

/// Data both ways, keys replaced in between, and the same again from the recordings.
#[test]
fn every_cipher_and_every_mac() {
    let mut seen = Vec::new();
    for suite in suites() {
        let mut pair = Pair::logged_in(setup(&suite));
        let negotiated = *pair.client.negotiated().unwrap();
        seen.push(negotiated.cipher_client_to_server.name());
        seen.extend(negotiated.mac_server_to_client.map(|mac| mac.name()));
        let mut traffic = Traffic::open(&mut pair, 1, 50_000);
        traffic.run(&mut pair, |pair, round| {
            if round == 1 {
                pair.client.rekey().unwrap();
            }
        });
        assert_eq!(traffic.rekeyed, (1, 1), "{negotiated:?}");
        pair.replay();
    }
    for name in cipher::ALL.iter().map(Named::name).chain(mac::ALL.iter().map(Named::name)) {
        assert!(seen.contains(&name), "{name}");
    }
}

/// Suites follow each other in one session, in any order: each direction goes on under the next one.
#[test]
fn from_each_suite_to_the_next() {
    let mut pair = Pair::logged_in(Setup::new(1).quick());
    let (client, server) = pair.open_exec("cat");
    let mut used = 0_u8;
    for suite in suites().iter().chain(suites().iter().rev().step_by(3)) {
        used = used.wrapping_add(1);
        let (cipher, mac) = (suite.ciphers[0], suite.macs[0]);
        let key = vec![used; cipher.key_length()];
        let iv = vec![!used; cipher.iv_length()];
        let keys = || {
            let mac = (!cipher.authenticates()).then(|| mac.keyed(&vec![used ^ 0x55; mac.key_length()]));
            PacketKeys { key: &key, iv: &iv, mac }
        };
        pair.client.test_hooks().set_outgoing_keys(cipher.sealer(keys()));
        pair.server.test_hooks().set_incoming_keys(cipher.opener(keys()));
        for length in [1, 15, 16, 17, 3000] {
            let data = vec![used; length];
            assert_eq!(pair.client.channel(client).unwrap().write(OUT, &data), Ok(length));
            pair.run();
            let mut channel = pair.server.channel(server).unwrap();
            assert_eq!(channel.readable(OUT), data, "{} {}", cipher.name(), mac.name());
            channel.consume(OUT, length);
        }
    }
}

/// What is broken must be named: whoever does not choose gets none of it.
#[test]
fn weak_ones_are_only_known_by_name() {
    let weak = |name: &str| ["cbc", "arcfour", "md5", "-96"].iter().any(|part| name.contains(part));
    let names = |algorithms: &Algorithms| -> Vec<&str> {
        let lists = [
            algorithms.ciphers.iter().map(Named::name).collect::<Vec<_>>(),
            algorithms.macs.iter().map(Named::name).collect(),
        ];
        lists.concat()
    };
    assert!(names(&Algorithms::all()).into_iter().filter(|name| weak(name)).count() >= 16);
    for preset in ["default", "hardened"].into_iter().filter_map(Algorithms::preset) {
        assert_eq!(names(&preset).into_iter().find(|name| weak(name)), None);
    }
}
