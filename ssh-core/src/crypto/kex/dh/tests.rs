use super::group::DhSecret;
use super::numbered::{GROUP_14, GROUP_15, GROUP_16, GROUP_17, GROUP_18};
use super::*;
use crate::crypto::kex::{ALL, KexSettings};
use crate::random::{ChaChaRandom, RandomError};
use crate::wire::DecodeError;
use alloc::vec;

fn settings() -> KexSettings {
    KexSettings::default()
}

fn random(seed: u8) -> ChaChaRandom {
    ChaChaRandom::from_seed(&[seed; 32])
}

fn numbered() -> Vec<DhGroup> {
    [&GROUP_14[..], &GROUP_15, &GROUP_16, &GROUP_17, &GROUP_18].map(DhGroup::numbered).to_vec()
}

fn methods() -> Vec<&'static dyn KeyExchange> {
    ALL.iter().copied().filter(|method| method.name().starts_with("diffie-hellman-")).collect()
}

/// Those that need no second in a debug build.
fn quick_methods() -> Vec<&'static dyn KeyExchange> {
    methods()
        .into_iter()
        .filter(|method| !method.name().contains("group17") && !method.name().contains("group18"))
        .collect()
}

fn sent(step: Result<KexStep, KexError>) -> KexMessage {
    match step.unwrap_or_else(|error| panic!("{error}")) {
        KexStep::Send(message) => message,
        KexStep::Done(_) => panic!("done"),
    }
}

fn finished(step: Result<KexStep, KexError>) -> Result<KexOutcome, KexError> {
    match step? {
        KexStep::Done(outcome) => Ok(outcome),
        KexStep::Send(message) => panic!("{message:?}"),
    }
}

/// Two sides before `e` and `f`, the messages so far, and the message with `e`.
struct Halfway {
    client: Box<dyn KexExchange>,
    server: Box<dyn KexExchange>,
    before: Vec<u8>,
    init: KexMessage,
}

fn halfway(method: &'static dyn KeyExchange) -> Halfway {
    let (first, mut client) = method.start_client(&settings(), &mut random(1)).unwrap();
    let mut server = method.start_server(&settings()).unwrap();
    assert_eq!(server.expects(), first.number, "{method:?}");
    if !method.name().contains("exchange") {
        return Halfway { client, server, before: Vec::new(), init: first };
    }
    assert_eq!(first.number.0, 34);
    let group = sent(server.handle(&first.body, &mut random(2)));
    assert_eq!((group.number.0, client.expects().0), (31, 31));
    let init = sent(client.handle(&group.body, &mut random(1)));
    Halfway { client, server, before: [first.body, group.body].concat(), init }
}

/// The client after the server's value became another.
fn reply_with(halfway: &mut Halfway, value: &[u8]) -> Result<KexOutcome, KexError> {
    let mut body = Vec::new();
    let mut writer = Writer::new(&mut body);
    writer.string(b"host key");
    writer.bytes(value);
    writer.string(b"signature");
    finished(halfway.client.handle(&body, &mut random(1)))
}

#[test]
fn client_and_server_agree() {
    for method in methods() {
        let mut both = halfway(method);
        assert_eq!(both.server.expects(), both.init.number);
        let server = finished(both.server.handle(&both.init.body, &mut random(2))).unwrap();
        let reply = server.reply.as_ref().unwrap();
        assert_eq!((reply.number, both.client.expects()), (both.client.expects(), reply.number), "{method:?}");
        let client = reply_with(&mut both, &reply.server_value).unwrap();
        assert_eq!(client.shared_secret.expose(), server.shared_secret.expose(), "{method:?}");
        assert_eq!(client.exchange_values, server.exchange_values, "{method:?}");
        let expected = [&both.before[..], &both.init.body, &reply.server_value].concat();
        assert_eq!(client.exchange_values, expected, "{method:?}");
        let proof = ServerProof { host_key: b"host key".to_vec(), signature: b"signature".to_vec() };
        assert_eq!((client.server_proof, server.server_proof), (Some(proof), None));
        assert!(client.reply.is_none());
    }
}

#[test]
fn the_numbers_of_group_exchange() {
    let both = halfway(DIFFIE_HELLMAN_GROUP_EXCHANGE_SHA256);
    assert_eq!((both.init.number.0, both.client.expects().0, both.server.expects().0), (32, 33, 32));
    let both = halfway(DIFFIE_HELLMAN_GROUP14_SHA256);
    assert_eq!((both.init.number.0, both.client.expects().0, both.server.expects().0), (30, 31, 30));
}

#[test]
fn every_exchange_has_fresh_keys() {
    for method in quick_methods() {
        let (first, second) = (halfway(method), halfway(method));
        assert_eq!(first.init.body, second.init.body, "the same seed");
        let mut random = random(3);
        let mut client_value = || match method.start_client(&settings(), &mut random).unwrap().0 {
            message if message.number.0 == 34 => None,
            message => Some(message.body),
        };
        assert!(client_value().is_none_or(|first| Some(first) != client_value()), "{method:?}");
    }
}

/// 0, 1, `p - 1`, `p` and more, which make the secret known: both sides.
#[test]
fn values_outside_of_the_group_are_refused_by_both_sides() {
    for method in quick_methods() {
        let sizes: &[(&str, &[u64])] = &[
            ("group14", &GROUP_14),
            ("group15", &GROUP_15),
            ("group16", &GROUP_16),
            #[cfg(feature = "legacy")]
            ("group1-", &numbered::GROUP_1),
            ("exchange", &GROUP_15),
        ];
        let (_, words) = sizes.iter().find(|(part, _)| method.name().contains(part)).unwrap();
        let p = DhGroup::numbered(words).modulus();
        let plus = |number: i8| {
            let mut changed = p.clone();
            *changed.last_mut().unwrap() = p.last().unwrap().wrapping_add_signed(number);
            changed
        };
        // The last byte of every one of these primes is 0xff.
        let above = [[&[1][..], &vec![0; p.len()]].concat(), vec![0xff; p.len()], vec![0xff; 2 * p.len()]];
        for bad in [vec![], vec![1], plus(-1), plus(0)].into_iter().chain(above) {
            let bad = mpints(&[Mpint::from_magnitude(&bad)]);
            let mut both = halfway(method);
            let refused = finished(both.server.handle(&bad, &mut random(2)));
            assert_eq!(refused.err(), Some(KexError::InvalidPublicValue), "{method:?}");
            assert_eq!(reply_with(&mut both, &bad).err(), Some(KexError::InvalidPublicValue), "{method:?}");
        }
        for good in [vec![2], plus(-2)] {
            let good = mpints(&[Mpint::from_magnitude(&good)]);
            let mut both = halfway(method);
            assert!(finished(both.server.handle(&good, &mut random(2))).is_ok(), "{method:?}");
            assert!(reply_with(&mut both, &good).is_ok(), "{method:?}");
        }
    }
}

#[test]
fn malformed_messages_are_refused() {
    for method in quick_methods() {
        let handle = |body: &[u8]| finished(halfway(method).server.handle(body, &mut random(2))).err();
        let init = halfway(method).init.body;
        assert_eq!(handle(&[]), Some(KexError::Decode(DecodeError::Truncated)));
        assert_eq!(handle(&init[..init.len() - 1]), Some(KexError::Decode(DecodeError::Truncated)));
        assert_eq!(handle(&[&init[..], &[0]].concat()), Some(KexError::Decode(DecodeError::TrailingBytes)));
        assert_eq!(handle(&[0, 0, 0, 1, 0x80]), Some(KexError::Decode(DecodeError::InvalidMpint)), "negative");
        assert_eq!(handle(&[0, 0, 0, 2, 0, 2]), Some(KexError::Decode(DecodeError::InvalidMpint)), "not minimal");
        let too_long = [&[0, 0, 8, 1][..], &[1; 2049]].concat();
        assert_eq!(handle(&too_long), Some(KexError::Decode(DecodeError::InvalidMpint)));
        let answered = reply_with(&mut halfway(method), &[]);
        assert_eq!(answered.err(), Some(KexError::Decode(DecodeError::Truncated)));
    }
}

/// Gives so many fills, then fails.
struct FailingAfter(usize);

impl SecureRandom for FailingAfter {
    fn fill(&mut self, destination: &mut [u8]) -> Result<(), RandomError> {
        self.0 = self.0.checked_sub(1).ok_or(RandomError)?;
        random(9).fill(destination)
    }
}

#[test]
fn a_failing_random_source_fails_the_exchange() {
    for method in quick_methods() {
        let mut both = halfway(method);
        let answered = finished(both.server.handle(&both.init.body, &mut FailingAfter(0)));
        assert_eq!(answered.err(), Some(KexError::Random(RandomError)), "{method:?}");
    }
    let (method, settings) = (DIFFIE_HELLMAN_GROUP14_SHA256, settings());
    let started = method.start_client(&settings, &mut FailingAfter(0));
    assert_eq!(started.err(), Some(KexError::Random(RandomError)));
    let (method, request) = (DIFFIE_HELLMAN_GROUP_EXCHANGE_SHA256, [[0, 0, 8, 0]; 3].concat());
    let chosen = method.start_server(&settings).unwrap().handle(&request, &mut FailingAfter(0));
    assert_eq!(chosen.err(), Some(KexError::Random(RandomError)));
    let group = mpints(&[Mpint::from_magnitude(&numbered()[0].modulus()), Mpint::from_magnitude(&[2])]);
    let (_, mut client) = method.start_client(&settings, &mut random(1)).unwrap();
    assert_eq!(client.handle(&group, &mut FailingAfter(0)).err(), Some(KexError::Random(RandomError)));
}

/// A source stuck at zeros makes no exponent that is 0: the value is no 1.
#[test]
fn a_stuck_random_source_makes_no_trivial_value() {
    struct Zeros;
    impl SecureRandom for Zeros {
        fn fill(&mut self, destination: &mut [u8]) -> Result<(), RandomError> {
            destination.fill(0);
            Ok(())
        }
    }
    let secret = DhSecret::generate(numbered()[0].clone(), &mut Zeros).unwrap();
    assert!(secret.public_value().bits() > 2000);
}

/// In a group without a prime there are elements whose powers are 0 or 1 or themselves; whoever took it on trust does not
/// take the secret.
#[test]
fn secrets_that_anybody_knows_are_refused() {
    // A number with these bits, of 1032.
    let number = |bits: &[usize]| {
        bits.iter().fold(vec![0_u8; 129], |mut bytes, bit| {
            bytes[128 - bit / 8] |= 1 << (bit % 8);
            bytes
        })
    };
    // 3a², 3a, whose square is 0, and a² + 1, whose square is 1, with a = 2^512 + 1.
    let group = DhGroup::new(&number(&[1025, 1024, 514, 513, 1, 0]), &[2]).unwrap();
    let (vanishes, is_its_reciprocal) = (number(&[513, 512, 1, 0]), number(&[1024, 513, 1]));
    let mut even = 0;
    for seed in 0..8 {
        let secret = DhSecret::generate(group.clone(), &mut random(seed)).unwrap();
        let agree = |value: &[u8]| secret.agree(Mpint::from_magnitude(value)).map(|_| ());
        assert_eq!(agree(&vanishes), Err(KexError::WeakSharedSecret));
        if let Err(error) = agree(&is_its_reciprocal) {
            assert_eq!(error, KexError::WeakSharedSecret);
            even += 1;
        }
    }
    assert!((1..8).contains(&even), "half of the exponents are even: {even}");
}

/// RFC 3526 gives them by a formula, `2^n - 2^(n-64) - 1 + 2^64 · (⌊2^(n-130) π⌋ + c)`: the digits in the middle are the
/// same in all but for `c`, so that each can be held against the longest.
#[test]
fn primes_follow_their_formula() {
    let digits = |words: &[u64]| words[1..words.len() - 1].to_vec();
    let longest = digits(&GROUP_18);
    let mut primes: Vec<(&[u64], u64)> =
        vec![(&GROUP_14, 124_476), (&GROUP_15, 1_690_314), (&GROUP_16, 240_904), (&GROUP_17, 929_484)];
    #[cfg(feature = "legacy")]
    primes.push((&numbered::GROUP_1, 129_093));
    primes.push((&GROUP_18, 4_743_158));
    for (prime, c) in primes {
        assert_eq!((prime[0], prime[prime.len() - 1]), (u64::MAX, u64::MAX));
        let middle = digits(prime);
        let (last, head) = middle.split_last().unwrap();
        assert_eq!(head, &longest[..head.len()]);
        if middle.len() < longest.len() {
            // Taking 1 from the lowest word, which is 0, takes 1 from this one.
            assert_eq!((last + 1).wrapping_sub(c), longest[head.len()]);
        }
    }
}

#[test]
fn the_groups_with_a_number_have_safe_primes() {
    for group in numbered() {
        assert!(group.has_safe_prime(&mut random(1)).unwrap(), "{}", group.bits());
    }
    #[cfg(feature = "legacy")]
    assert!(DhGroup::numbered(&numbered::GROUP_1).has_safe_prime(&mut random(1)).unwrap());
}

/// What a client gets for a group with these numbers.
fn offered(modulus: &[u8], generator: &[u8]) -> Result<KexStep, KexError> {
    let (_, mut client) = DIFFIE_HELLMAN_GROUP_EXCHANGE_SHA256.start_client(&settings(), &mut random(1)).unwrap();
    client.handle(&mpints(&[Mpint::from_magnitude(modulus), Mpint::from_magnitude(generator)]), &mut random(1))
}

#[test]
fn a_client_takes_no_group_of_another_size() {
    let settings = KexSettings { group_sizes: GroupSizes { min: 3072, preferred: 3072, max: 4096 }, ..settings() };
    for (group, taken) in numbered().into_iter().zip([false, true, true, false, false]) {
        let (_, mut client) = DIFFIE_HELLMAN_GROUP_EXCHANGE_SHA256.start_client(&settings, &mut random(1)).unwrap();
        let message = mpints(&[Mpint::from_magnitude(&group.modulus()), Mpint::from_magnitude(&group.generator())]);
        let refused = client.handle(&message, &mut random(1)).err();
        assert_eq!(refused, (!taken).then_some(KexError::Group(GroupFault::Size)), "{}", group.bits());
    }
    for modulus in [vec![], vec![1], vec![0x7f; 256], vec![0x81; 1025], vec![0xff; 2048]] {
        assert_eq!(offered(&modulus, &[2]).err(), Some(KexError::Group(GroupFault::Size)));
    }
}

/// Even numbers, composite ones, a prime whose half is none, and one that is none but for its half: all of the right size.
#[test]
fn a_client_takes_no_group_without_a_safe_prime() {
    let p = numbered()[0].modulus();
    // 2^2047 + 2^1000 + number
    let plus = |number: u16| {
        let mut sum = vec![0; 256];
        (sum[0], sum[130]) = (0x80, 1);
        sum[254..].copy_from_slice(&number.to_be_bytes());
        sum
    };
    let (prime, half_of_it_prime) = (plus(1315), plus(1779));
    let mut even = p.clone();
    *even.last_mut().unwrap() = 0xfe;
    let mut half_even = p.clone();
    *half_even.last_mut().unwrap() = 0xfd;
    for modulus in [even, half_even, plus(3), plus(7), vec![0xff; 256], prime, half_of_it_prime] {
        assert_eq!(offered(&modulus, &[2]).err(), Some(KexError::Group(GroupFault::NotSafePrime)));
    }
}

#[test]
fn a_client_takes_no_generator_that_generates_nothing() {
    let p = numbered()[0].modulus();
    let mut top = p.clone();
    *top.last_mut().unwrap() = 0xfe;
    for generator in [vec![], vec![1], top, p.clone(), vec![0xff; 256], vec![1; 257]] {
        assert_eq!(offered(&p, &generator).err(), Some(KexError::Group(GroupFault::Generator)));
    }
    assert!(offered(&p, &[2]).is_ok());
    assert!(offered(&p, &[5]).is_ok(), "not one of ours, but sound");
}

#[test]
fn a_malformed_group_is_refused() {
    let p = mpints(&[Mpint::from_magnitude(&numbered()[0].modulus())]);
    let handle = |body: &[u8]| {
        let (_, mut client) = DIFFIE_HELLMAN_GROUP_EXCHANGE_SHA256.start_client(&settings(), &mut random(1)).unwrap();
        client.handle(body, &mut random(1)).err()
    };
    assert_eq!(handle(&[]), Some(KexError::Decode(DecodeError::Truncated)));
    assert_eq!(handle(&p), Some(KexError::Decode(DecodeError::Truncated)));
    let trailing = [&p[..], &[0, 0, 0, 1, 2, 0]].concat();
    assert_eq!(handle(&trailing), Some(KexError::Decode(DecodeError::TrailingBytes)));
}

fn chosen(moduli: &Moduli, (min, preferred, max): (u32, u32, u32), seed: u8) -> Result<DhGroup, KexError> {
    moduli.choose(GroupSizes { min, preferred, max }, &mut random(seed)).cloned()
}

/// The smallest that is large enough, or else the largest; never below 2048 bits.
#[test]
fn a_server_chooses_by_size() {
    let moduli = Moduli::default();
    let sizes = [
        ((2048, 2048, 8192), 2048),
        ((1024, 1024, 8192), 2048),
        ((0, 0, u32::MAX), 2048),
        ((2048, 2049, 8192), 3072),
        ((2048, 3072, 8192), 3072),
        ((2048, 7680, 8192), 8192),
        ((2048, 8192, 8192), 8192),
        ((2048, 7680, 7680), 6144),
        ((2048, 8193, 16384), 8192),
        ((2048, u32::MAX, u32::MAX), 8192),
    ];
    for (asked, size) in sizes {
        assert_eq!(chosen(&moduli, asked, 1).unwrap().bits(), size, "{asked:?}");
    }
    for none in [(1024, 1024, 2047), (2049, 2050, 3071), (8193, 8193, 8193), (0, 0, 0), (u32::MAX, u32::MAX, u32::MAX)]
    {
        assert_eq!(chosen(&moduli, none, 1).err(), Some(KexError::NoGroup), "{none:?}");
    }
    for disorder in [(3072, 2048, 8192), (2048, 8192, 3072), (8192, 2048, 2048), (1, 0, 0)] {
        assert_eq!(chosen(&moduli, disorder, 1).err(), Some(KexError::GroupSizes), "{disorder:?}");
    }
    assert_eq!(chosen(&Moduli::new(Vec::new()), (2048, 2048, 8192), 1).err(), Some(KexError::NoGroup));
}

/// Of several groups of one size, each gets its turn.
#[test]
fn a_server_chooses_by_lot() {
    let p = numbered()[0].modulus();
    let groups: Vec<_> = [2, 5, 7].iter().map(|&generator| DhGroup::new(&p, &[generator]).unwrap()).collect();
    let moduli = Moduli::new(groups.iter().cloned().chain(numbered().into_iter().skip(1)).collect());
    let mut counts = [0; 3];
    for seed in 0..60 {
        let group = chosen(&moduli, (2048, 2048, 8192), seed).unwrap();
        counts[groups.iter().position(|each| *each == group).unwrap()] += 1;
    }
    assert!(counts.iter().all(|&count| count > 8), "{counts:?}");
}

#[test]
fn a_malformed_request_is_refused() {
    let handle = |body: &[u8]| {
        let mut server = DIFFIE_HELLMAN_GROUP_EXCHANGE_SHA256.start_server(&settings()).unwrap();
        server.handle(body, &mut random(2)).err()
    };
    let request = [[0, 0, 8, 0], [0, 0, 12, 0], [0, 0, 32, 0]].concat();
    assert_eq!(handle(&request), None);
    assert_eq!(handle(&request[..11]), Some(KexError::Decode(DecodeError::Truncated)));
    assert_eq!(handle(&[&request[..], &[0]].concat()), Some(KexError::Decode(DecodeError::TrailingBytes)));
}

#[test]
fn groups_by_their_numbers() {
    let p = numbered()[0].modulus();
    let group = DhGroup::new(&[&[0, 0][..], &p].concat(), &[0, 2]).unwrap();
    assert_eq!((&group, group.bits()), (&numbered()[0], 2048));
    assert_eq!(DhGroup::new(&p[1..], &[2]), Ok(DhGroup::new(&p[1..], &[2]).unwrap()));
    assert_eq!(DhGroup::new(&p[..127], &[2]), Err(GroupFault::Size));
    assert_eq!(DhGroup::new(&[&[1][..], &[0xff; 1024]].concat(), &[2]), Err(GroupFault::Size));
    assert_eq!(DhGroup::new(&p, &[1]), Err(GroupFault::Generator));
    assert_eq!(DhGroup::new(&[0xfd; 256], &[2]), Err(GroupFault::NotSafePrime));
}

#[test]
fn descriptors() {
    let described: Vec<_> = methods().iter().map(|method| (method.name(), method.hash())).collect();
    let expected = [
        ("diffie-hellman-group14-sha256", Hash::Sha256),
        ("diffie-hellman-group15-sha512", Hash::Sha512),
        ("diffie-hellman-group16-sha512", Hash::Sha512),
        ("diffie-hellman-group17-sha512", Hash::Sha512),
        ("diffie-hellman-group18-sha512", Hash::Sha512),
        ("diffie-hellman-group-exchange-sha256", Hash::Sha256),
        #[cfg(feature = "legacy")]
        ("diffie-hellman-group14-sha1", Hash::Sha1),
        #[cfg(feature = "legacy")]
        ("diffie-hellman-group-exchange-sha1", Hash::Sha1),
        #[cfg(feature = "legacy")]
        ("diffie-hellman-group1-sha1", Hash::Sha1),
    ];
    assert_eq!(described, expected);
}
