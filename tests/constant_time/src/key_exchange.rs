//! Key exchanges: `sntrup761`, whose arithmetic is ours, and Diffie-Hellman modulo a prime.

use ssh_core::crypto::kex::{
    DIFFIE_HELLMAN_GROUP14_SHA256, KexExchange, KexOutcome, KexSettings, KexStep, KeyExchange, SNTRUP761X25519_SHA512,
};
use ssh_core::random::{ChaChaRandom, RandomError, SecureRandom};

use crate::measure::{Measure, bytes, random};

/// Numbers of sources that no other use has.
const OTHER_SIDE: u32 = 1 << 31;

pub fn sntrup761(measure: &Measure) {
    let method = SNTRUP761X25519_SHA512;
    let mut seeds = (0..).filter(|&number| needs_no_second_draw(number));
    let generate = |random: &mut ChaChaRandom| method.start_client(&KexSettings::default(), random).ok();
    measure.each("sntrup761 generates a key that needs no second draw", |_| random(seeds.next().unwrap()), generate);
    measure.each("sntrup761 encapsulates", |number| begin(method, number).1, take_turn);
    measure.each("sntrup761 decapsulates what is genuine and what is not", decapsulation, take_turn);
}

/// One side, the other's message, and the source it is handed.
type Turn = (Box<dyn KexExchange>, Vec<u8>, ChaChaRandom);

fn take_turn((side, message, random): &mut Turn) -> Option<KexStep> {
    side.handle(message, random).ok()
}

/// The client, and the server's turn.
fn begin(method: &dyn KeyExchange, number: u32) -> (Box<dyn KexExchange>, Turn) {
    let (init, client) = method.start_client(&KexSettings::default(), &mut random(number)).unwrap();
    let server = method.start_server(&KexSettings::default()).unwrap();
    (client, (server, init.body, random(number + OTHER_SIDE)))
}

/// Of five cipher texts two are genuine; one has another polynomial, one another confirmation, one is random.
fn decapsulation(number: u32) -> Turn {
    const POLYNOMIAL: usize = 1007;
    const CIPHERTEXT: usize = POLYNOMIAL + 32;
    let (client, mut turn) = begin(SNTRUP761X25519_SHA512, number);
    let mut value = outcome(take_turn(&mut turn)).reply.unwrap().server_value;
    let ciphertext = &mut value[4..][..CIPHERTEXT];
    match number % 5 {
        2 => ciphertext[number as usize % POLYNOMIAL] ^= 1,
        3 => ciphertext[CIPHERTEXT - 1] ^= 1,
        4 => ciphertext.copy_from_slice(&bytes(&mut turn.2, CIPHERTEXT)),
        _ => {}
    }
    (client, reply(&value), turn.2)
}

/// A polynomial that has no reciprocal is thrown away and another one is drawn (§4.2 of the specification of NTRU Prime).
/// How often tells nothing about the one that is kept. Without, the source is asked for two polynomials, for the bytes of
/// a rejection, and for the key of X25519.
fn needs_no_second_draw(number: u32) -> bool {
    struct Counted(ChaChaRandom, u32);
    impl SecureRandom for Counted {
        fn fill(&mut self, destination: &mut [u8]) -> Result<(), RandomError> {
            self.1 += 1;
            self.0.fill(destination)
        }
    }
    let mut counted = Counted(random(number), 0);
    SNTRUP761X25519_SHA512.start_client(&KexSettings::default(), &mut counted).unwrap();
    counted.1 == 4
}

/// The exponent of a client, in both of its powers.
///
/// `e` and `K` are an `mpint`, which is shorter where the number is: known, and the same in every implementation. Counted
/// are exponents that make both as long as they can be, a quarter of all.
pub fn diffie_hellman(measure: &Measure) {
    /// An `mpint` of 2048 bits, of which the first is 1.
    const LONGEST: usize = 4 + 1 + 256;
    let method = DIFFIE_HELLMAN_GROUP14_SHA256;
    let (_, mut turn) = begin(method, 0);
    let reply = reply(&outcome(take_turn(&mut turn)).reply.unwrap().server_value);
    let exchange = |randomness: &mut ChaChaRandom| {
        let (init, mut client) = method.start_client(&KexSettings::default(), randomness).ok()?;
        Some((init, client.handle(&reply, randomness).ok()?))
    };
    let mut seeds = (0..).filter(|&number| {
        let (init, client) = method.start_client(&KexSettings::default(), &mut random(number)).unwrap();
        let longest = |mut client: Box<dyn KexExchange>| {
            outcome(client.handle(&reply, &mut random(number)).ok()).shared_secret.len() == LONGEST
        };
        init.body.len() == LONGEST && longest(client)
    });
    measure.each("diffie-hellman-group14 with exponents of a client", |_| random(seeds.next().unwrap()), exchange);
}

fn outcome(step: Option<KexStep>) -> KexOutcome {
    match step {
        Some(KexStep::Done(outcome)) => outcome,
        _ => panic!("the exchange goes on"),
    }
}

/// The server's last message, without its number.
fn reply(server_value: &[u8]) -> Vec<u8> {
    [&[0, 0, 0, 3][..], b"key", server_value, &[0, 0, 0, 9], b"signature"].concat()
}
