//! What a run is to be: everything that a seed decides before anything happens.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ssh_core::crypto::{kex, mac};
use ssh_core::key::{KeyAlgorithm, PrivateKey};
use ssh_core::{ClientConfig, KeepAlive, Limits, RekeyPolicy, ServerConfig};

use super::clock::Jump;
use super::dice::{Dice, random};
use super::pipe::Harm;
use super::tap;

/// Microseconds.
pub(super) const MILLISECOND: u64 = 1000;
pub(super) const SECOND: u64 = 1_000_000;

/// One connection of a run.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) starts: u64,
    pub(super) client: Arc<ClientConfig>,
    pub(super) server: Arc<ServerConfig>,
    pub(super) host_key: &'static PrivateKey,
    pub(super) login: LoginPlan,
    /// From the client, and from the server.
    pub(super) pipes: [PipePlan; 2],
    pub(super) sides: [SidePlan; 2],
    pub(super) channels: Vec<ChannelPlan>,
    pub(super) fault: Fault,
    pub(super) ending: Ending,
    /// How long both sides idle before the end.
    pub(super) rest: u64,
}

/// How the client logs in.
#[derive(Clone, Debug)]
pub(super) struct LoginPlan {
    pub(super) user: String,
    /// One after the other; the last is right.
    pub(super) attempts: Vec<Attempt>,
    /// The server wants two methods: the last two attempts are right.
    pub(super) two_steps: bool,
    pub(super) banner: bool,
    pub(super) expired: bool,
    pub(super) rounds: u32,
}

/// One attempt to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    None,
    WrongPassword,
    Password,
    /// A key the server does not know.
    WrongKey,
    /// A key the server takes, but no signature is made.
    UnsignedKey(KeyAlgorithm),
    Key(KeyAlgorithm),
    WrongAnswers,
    Answers,
}

/// One direction of the network.
#[derive(Clone, Debug)]
pub(super) struct PipePlan {
    pub(super) latency: u64,
    pub(super) jitter: u64,
    pub(super) bytes_per_second: u64,
    pub(super) capacity: usize,
}

/// One side's habits.
#[derive(Clone, Debug)]
pub(super) struct SidePlan {
    /// Most bytes read, and written, at once.
    pub(super) reads: usize,
    pub(super) writes: usize,
    /// How long decisions take.
    pub(super) thinks: u64,
    /// When, after the start, no event is polled: from, to.
    pub(super) naps: Vec<(u64, u64)>,
    /// When, after the login, fresh keys are asked for.
    pub(super) rekeys: Vec<u64>,
    /// Global requests after the login.
    pub(super) globals: u32,
    pub(super) jumps: Vec<(u64, Jump)>,
}

/// One channel.
#[derive(Clone, Debug)]
pub(super) struct ChannelPlan {
    /// 0: the client opens it.
    pub(super) opener: usize,
    /// A session with a command; else a channel of another type.
    pub(super) session: bool,
    pub(super) accepted: bool,
    /// After the login.
    pub(super) opens: u64,
    /// The server sends back what it gets.
    pub(super) echo: bool,
    pub(super) ends: [EndPlan; 2],
}

/// What one side does on a channel.
#[derive(Clone, Debug)]
pub(super) struct EndPlan {
    /// Bytes to send on either stream.
    pub(super) totals: [u64; 2],
    /// Most bytes written, and consumed, at once, and the pause after it.
    pub(super) gulp: usize,
    pub(super) sip: usize,
    pub(super) pause: u64,
    /// When, after the opening, nothing is consumed: from, to.
    pub(super) stall: (u64, u64),
    pub(super) requests: u32,
    pub(super) leave: Leave,
}

/// How a side leaves a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// EOF after the last byte; close when the other side's EOF has come.
    Orderly,
    /// Close after the last byte, without EOF.
    Abrupt,
    /// Close so long after the opening, whatever is left.
    Close(u64),
    /// Abandon so long after the opening; before it is open, if that comes first.
    Abandon(u64),
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// At this byte of what the side sends.
    Pipe {
        side: usize,
        at: u64,
        harm: Harm,
    },
    /// A side disconnects so long after the start, whatever is left.
    Disconnect {
        side: usize,
        at: u64,
        orderly: bool,
    },
    /// A clock leaps so far that timers may run out.
    Leap,
}

/// How a connection without fault ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// This side disconnects.
    Disconnect(usize),
    /// Both do.
    Both,
    /// This side closes its direction without a word.
    Silent(usize),
}

const KEYS: [KeyAlgorithm; 5] = [
    KeyAlgorithm::Ed25519,
    KeyAlgorithm::EcdsaNistp256,
    KeyAlgorithm::EcdsaNistp384,
    KeyAlgorithm::EcdsaNistp521,
    KeyAlgorithm::Rsa { bits: 2048 },
];

/// The same keys in every run: making them costs more than using them.
pub(super) fn key(algorithm: KeyAlgorithm) -> &'static PrivateKey {
    static MADE: [OnceLock<PrivateKey>; KEYS.len()] = [const { OnceLock::new() }; KEYS.len()];
    let index = KEYS.iter().position(|each| *each == algorithm).expect("a known kind of key");
    MADE[index].get_or_init(|| {
        PrivateKey::generate(algorithm, &mut random(1, index as u64)).expect("a seeded generator never fails")
    })
}

/// A key that no server knows.
pub(super) fn stranger() -> &'static PrivateKey {
    static MADE: OnceLock<PrivateKey> = OnceLock::new();
    MADE.get_or_init(|| {
        PrivateKey::generate(KeyAlgorithm::Ed25519, &mut random(1, 99)).expect("a seeded generator never fails")
    })
}

fn some_key(dice: &mut Dice) -> KeyAlgorithm {
    KEYS[[0, 0, 0, 0, 1, 1, 2, 3, 4][dice.below(9)]]
}

impl Plan {
    /// Connection `number` of a run.
    pub(super) fn new(seed: u64, number: u64) -> Self {
        let dice = &mut Dice::new(seed, 1000 + number);
        let host_key = key(some_key(dice));
        let fault = fault(dice);
        let mut client = ClientConfig::default();
        let mut server = ServerConfig::new(vec![host_key.public_key().clone()]);
        server.auth_methods.push("keyboard-interactive".into());
        for (algorithms, limits) in
            [(&mut client.algorithms, &mut client.limits), (&mut server.algorithms, &mut server.limits)]
        {
            algorithms.ciphers = tap::CIPHERS.to_vec();
            *limits = some_limits(dice);
        }
        let lists = &mut client.algorithms;
        let cheap = dice.percent(75);
        lists.kex.retain(|method| !cheap || ["curve25519-sha256", "mlkem768x25519-sha256"].contains(&method.name()));
        let first = dice.below(lists.kex.len());
        lists.kex.rotate_left(first);
        let first = dice.below(lists.ciphers.len());
        lists.ciphers.rotate_left(first);
        let first = dice.below(lists.macs.len());
        lists.macs.rotate_left(first);
        let strict = dice.percent(30);
        client.require_strict_kex = strict;
        let silence = matches!(fault, Fault::Pipe { harm: Harm::Silence, .. });
        if silence || dice.percent(30) {
            let keepalive = || KeepAlive { interval: Duration::from_secs(20), max_unanswered: 3 };
            client.keepalive = Some(keepalive());
            server.keepalive = Some(keepalive());
        }
        let login = some_login(dice, number);
        let slow = dice.percent(10);
        let most = if slow { 4_000 } else { dice.pick(&[2_000, 40_000, 40_000, 400_000]) };
        let count = dice.range(0, 6) as usize;
        let channels: Vec<ChannelPlan> = (0..count).map(|_| some_channel(dice, most)).collect();
        let total = channels.iter().flat_map(|channel| &channel.ends).flat_map(|end| end.totals).sum();
        client.rekey = some_rekeys(dice, total);
        server.rekey = some_rekeys(dice, total);
        let sides = [some_side(dice, slow, fault), some_side(dice, slow, fault)];
        Self {
            starts: dice.range(0, SECOND),
            client: Arc::new(client),
            server: Arc::new(server),
            host_key,
            login,
            pipes: [some_pipe(dice), some_pipe(dice)],
            sides,
            channels,
            fault,
            ending: match dice.below(5) {
                0 => Ending::Both,
                1 => Ending::Silent(dice.below(2)),
                _ => Ending::Disconnect(dice.below(2)),
            },
            rest: dice.pick(&[0, 10 * SECOND]),
        }
    }

    /// One of a crowd: a password, a rest, an echo, an end.
    pub(super) fn one_of_a_crowd(number: u64, configs: &(Arc<ClientConfig>, Arc<ServerConfig>), opens: u64) -> Self {
        let pipe = PipePlan { latency: 5 * MILLISECOND, jitter: 0, bytes_per_second: 10_000_000, capacity: 64 * 1024 };
        let side = SidePlan {
            reads: 64 * 1024,
            writes: 64 * 1024,
            thinks: 0,
            naps: Vec::new(),
            rekeys: Vec::new(),
            globals: 0,
            jumps: Vec::new(),
        };
        let end = EndPlan {
            totals: [1000, 0],
            gulp: 4096,
            sip: 4096,
            pause: 0,
            stall: (0, 0),
            requests: 0,
            leave: Leave::Orderly,
        };
        let channel =
            ChannelPlan { opener: 0, session: true, accepted: true, opens, echo: true, ends: [end.clone(), end] };
        let attempts = vec![Attempt::Password];
        let login =
            LoginPlan { user: "alice".into(), attempts, two_steps: false, banner: false, expired: false, rounds: 1 };
        Self {
            starts: number * 100,
            client: Arc::clone(&configs.0),
            server: Arc::clone(&configs.1),
            host_key: key(KeyAlgorithm::Ed25519),
            login,
            pipes: [pipe.clone(), pipe],
            sides: [side.clone(), side],
            channels: vec![channel],
            fault: Fault::None,
            ending: Ending::Disconnect(0),
            rest: 0,
        }
    }

    /// What every client and server of a crowd is configured with.
    pub(super) fn configs_of_a_crowd() -> (Arc<ClientConfig>, Arc<ServerConfig>) {
        let mut client = ClientConfig::default();
        client.algorithms.kex = vec![kex::CURVE25519_SHA256];
        client.algorithms.macs = vec![mac::HMAC_SHA2_256_ETM];
        let mut server = ServerConfig::new(vec![key(KeyAlgorithm::Ed25519).public_key().clone()]);
        // A crowd that comes all at once is served as fast as the machine can, whatever the clock shows.
        server.limits.login_grace = Duration::from_secs(3600);
        client.limits.login_grace = server.limits.login_grace;
        (Arc::new(client), Arc::new(server))
    }

    pub(super) fn fault_is_silence(&self) -> bool {
        matches!(self.fault, Fault::Pipe { harm: Harm::Silence, .. })
    }

    /// Whether everything must come to a good end.
    pub(super) fn is_faultless(&self) -> bool {
        self.fault == Fault::None
    }
}

fn fault(dice: &mut Dice) -> Fault {
    let side = dice.below(2);
    // As likely in the middle of a session as in its first words.
    let place = |dice: &mut Dice, most| if dice.percent(30) { dice.spread(1, 4000) } else { dice.range(2000, most) };
    match dice.below(20) {
        0..=2 => Fault::Pipe { side, at: place(dice, 200_000), harm: Harm::Cut },
        3 => Fault::Pipe { side, at: place(dice, 100_000), harm: Harm::Silence },
        4 | 5 => Fault::Pipe { side, at: place(dice, 100_000), harm: Harm::HalfClose },
        6 | 7 => Fault::Pipe { side, at: place(dice, 50_000), harm: Harm::Flip },
        8 => Fault::Disconnect { side, at: dice.spread(MILLISECOND, 20 * SECOND), orderly: dice.percent(50) },
        9 => Fault::Leap,
        _ => Fault::None,
    }
}

fn some_limits(dice: &mut Dice) -> Limits {
    let mut limits = Limits::default();
    if dice.percent(30) {
        return limits;
    }
    limits.channel_packet = dice.spread(256, 32 * 1024) as u32;
    limits.channel_window = limits.channel_packet * dice.spread(1, 8) as u32;
    limits.max_packet = dice.pick(&[35_000, 64 * 1024, 256 * 1024]);
    limits.max_packet_before_auth = dice.pick(&[35_000, 64 * 1024]);
    limits.max_output = dice.spread(16 * 1024, 256 * 1024) as usize;
    limits.input_buffer = dice.spread(4096, 256 * 1024) as usize;
    // Room for at least two channels; others are refused.
    let least = 64 * u64::from(limits.channel_packet);
    limits.max_unread_bytes = dice.spread(least, (64 << 20).max(least));
    limits.max_channels = dice.pick(&[2, 8, 1024]);
    limits
}

/// Fresh keys as often as can be, but not so often that a run of `total` bytes does little else.
fn some_rekeys(dice: &mut Dice, total: u64) -> RekeyPolicy {
    let mut policy = RekeyPolicy::default();
    match dice.below(6) {
        0 => policy.bytes = Some(dice.spread(1000, 100_000) + total / 40),
        1 => policy.packets = dice.spread(10, 300) + total / 2000,
        2 => policy.time = Some(Duration::from_millis(dice.spread(200, 60_000) + total / 100)),
        _ => {}
    }
    policy
}

fn some_login(dice: &mut Dice, number: u64) -> LoginPlan {
    let mut attempts = Vec::new();
    for _ in 0..dice.range(0, 3) {
        attempts.push(match dice.below(5) {
            0 => Attempt::None,
            1 => Attempt::WrongPassword,
            2 => Attempt::WrongKey,
            3 => Attempt::UnsignedKey(some_key(dice)),
            _ => Attempt::WrongAnswers,
        });
    }
    let two_steps = dice.percent(15);
    let last = match dice.below(3) {
        0 => Attempt::Key(some_key(dice)),
        1 => Attempt::Answers,
        _ => Attempt::Password,
    };
    if two_steps {
        let first = if matches!(last, Attempt::Key(_)) { Attempt::Password } else { Attempt::Key(some_key(dice)) };
        attempts.push(first);
    }
    attempts.push(last);
    let user = format!("user{number}");
    LoginPlan {
        user,
        attempts,
        two_steps,
        banner: dice.percent(20),
        expired: dice.percent(10),
        rounds: dice.range(1, 3) as u32,
    }
}

fn some_pipe(dice: &mut Dice) -> PipePlan {
    let latency = dice.spread(10, 300 * MILLISECOND);
    let jitter = dice.pick(&[0, MILLISECOND, 50 * MILLISECOND]);
    // What is under way counts: less room would make the pipe slower than any patience.
    let least = (latency + jitter) as usize / 10;
    PipePlan {
        latency,
        jitter,
        bytes_per_second: dice.pick(&[100_000, 1_000_000, 100_000_000]),
        capacity: least + dice.spread(100, 256 * 1024) as usize,
    }
}

fn some_side(dice: &mut Dice, slow: bool, fault: Fault) -> SidePlan {
    let size = |dice: &mut Dice| match slow {
        true => dice.pick(&[1, 7]),
        false => dice.pick(&[30, 1000, 64 * 1024, 1 << 20]),
    };
    let mut jumps = Vec::new();
    if fault == Fault::Leap {
        for _ in 0..dice.range(1, 3) {
            let length = dice.spread(SECOND, 10_000 * SECOND);
            let jump = dice.pick(&[Jump::Ahead(length), Jump::Back(length), Jump::Stop(length)]);
            jumps.push((dice.spread(MILLISECOND, 60 * SECOND), jump));
        }
    } else if dice.percent(20) {
        // Too little to make a timer run out.
        let length = dice.spread(MILLISECOND, 10 * SECOND);
        let jump = dice.pick(&[Jump::Ahead(length), Jump::Back(1000 * length), Jump::Stop(length)]);
        jumps.push((dice.spread(MILLISECOND, 60 * SECOND), jump));
    }
    let nap = |dice: &mut Dice| {
        let from = dice.spread(MILLISECOND, 20 * SECOND);
        (from, from + dice.spread(MILLISECOND, 4 * SECOND))
    };
    let rekeys = if dice.percent(40) { dice.range(1, 4) } else { 0 };
    let mut rekeys: Vec<u64> = (0..rekeys).map(|_| dice.spread(1, 10 * SECOND)).collect();
    rekeys.sort_unstable();
    SidePlan {
        reads: size(dice),
        writes: size(dice),
        thinks: dice.pick(&[0, 0, MILLISECOND, 500 * MILLISECOND]),
        naps: (0..dice.range(0, 2)).map(|_| nap(dice)).collect(),
        rekeys,
        globals: dice.pick(&[0, 0, 1, 5]),
        jumps,
    }
}

fn some_channel(dice: &mut Dice, most: u64) -> ChannelPlan {
    let opener = usize::from(dice.percent(20));
    let session = opener == 0 && dice.percent(70);
    ChannelPlan {
        opener,
        session,
        accepted: session || dice.percent(80),
        opens: dice.spread(1, 5 * SECOND),
        echo: dice.percent(30),
        ends: [some_end(dice, most), some_end(dice, most)],
    }
}

fn some_end(dice: &mut Dice, most: u64) -> EndPlan {
    let total = |dice: &mut Dice| if dice.percent(25) { 0 } else { dice.spread(1, most) };
    let stall = dice.spread(1, 5 * SECOND);
    let sip = dice.pick(&[100, 5000, 1 << 20]).max(most as usize / 200);
    EndPlan {
        totals: [total(dice), total(dice)],
        gulp: dice.pick(&[100, 5000, 50_000]).max(most as usize / 200),
        sip,
        pause: dice.pick(&[0, 0, MILLISECOND, 20 * MILLISECOND]),
        stall: if dice.percent(30) { (stall, stall + dice.spread(MILLISECOND, 10 * SECOND)) } else { (0, 0) },
        requests: dice.pick(&[0, 0, 1, 3, 10]),
        leave: match dice.below(10) {
            0 => Leave::Abrupt,
            1 => Leave::Close(dice.spread(1, 5 * SECOND)),
            2 => Leave::Abandon(dice.spread(1, 5 * SECOND)),
            _ => Leave::Orderly,
        },
    }
}
