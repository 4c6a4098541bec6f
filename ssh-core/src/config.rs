//! What an application decides before a connection begins.

use alloc::{string::String, vec, vec::Vec};
use core::fmt;
use core::time::Duration;

use crate::crypto::Algorithms;
use crate::crypto::compression::CompressionLevel;
use crate::crypto::kex::KexSettings;
use crate::crypto::signature::SignatureAlgorithm;
use crate::key::PublicKey;

/// What a client offers and endures.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientConfig {
    /// Algorithms, most wanted first. Put the host key algorithms of keys already known first, as OpenSSH does.
    pub algorithms: Algorithms,
    /// Signatures of this host that vouches for its user (`hostbased`), most wanted first; `None`: those of users,
    /// [`Algorithms::public_key`].
    pub host_based_algorithms: Option<Vec<&'static dyn SignatureAlgorithm>>,
    /// Bounds on memory, work and time.
    pub limits: Limits,
    /// When keys are replaced.
    pub rekey: RekeyPolicy,
    /// Whether and how often to ask if the peer is alive.
    pub keepalive: Option<KeepAlive>,
    /// How hard compression tries, where [`Algorithms::compression`] agrees on some.
    pub compression_level: CompressionLevel,
    /// How we name ourselves.
    pub identification: Identification,
    /// Refuse a peer without strict key exchange instead of going on without (CVE-2023-48795).
    pub require_strict_kex: bool,
    /// What key exchange methods leave to the application.
    pub kex: KexSettings,
    /// Send the first message of the first method right behind KEXINIT (RFC 4253 §7). It saves a round trip if the
    /// server's first method and first host key algorithm are ours, and is in vain otherwise.
    pub first_kex_packet_follows: bool,
    /// How many entries of a [`transcript`](crate::transcript) wait to be taken at most; later ones are counted and
    /// dropped. 0, the default: there is none. An entry takes some hundred bytes, that of a KEXINIT some KiB; they are no
    /// part of [`Limits`].
    pub transcript_entries: usize,
}

/// [`Algorithms::client`], and the defaults of everything else.
impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            algorithms: Algorithms::client(),
            host_based_algorithms: None,
            limits: Limits::default(),
            rekey: RekeyPolicy::default(),
            keepalive: None,
            compression_level: CompressionLevel::default(),
            identification: Identification::default(),
            require_strict_kex: false,
            kex: KexSettings::default(),
            first_kex_packet_follows: false,
            transcript_entries: 0,
        }
    }
}

/// What a server offers and endures.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerConfig {
    /// Algorithms, most wanted first.
    pub algorithms: Algorithms,
    /// Bounds on memory, work and time.
    pub limits: Limits,
    /// When keys are replaced.
    pub rekey: RekeyPolicy,
    /// Whether and how often to ask if the peer is alive.
    pub keepalive: Option<KeepAlive>,
    /// How hard compression tries, where [`Algorithms::compression`] agrees on some.
    pub compression_level: CompressionLevel,
    /// How we name ourselves.
    pub identification: Identification,
    /// Refuse a peer without strict key exchange instead of going on without (CVE-2023-48795).
    pub require_strict_kex: bool,
    /// What key exchange methods leave to the application.
    pub kex: KexSettings,
    /// Public halves of the host keys, and certificates of them. Signatures are asked for by
    /// [`ServerEvent::Sign`](crate::ServerEvent::Sign), so the private halves can be anywhere.
    pub host_keys: Vec<PublicKey>,
    /// Tell clients all host keys once they are logged in, and prove those that they ask about (OpenSSH's `PROTOCOL`
    /// §2.5): a new key can stand beside an old one until every client knows it. [`ServerEvent::Sign`] asks for the
    /// proofs, too. `true` by default.
    ///
    /// [`ServerEvent::Sign`]: crate::ServerEvent::Sign
    pub announce_host_keys: bool,
    /// Authentication methods offered: `publickey`, `password`, `keyboard-interactive`. `none` is always answered, as
    /// RFC 4252 §5.2 demands.
    pub auth_methods: Vec<String>,
    /// Failed attempts after which the connection ends. OpenSSH: 6.
    pub max_auth_attempts: u32,
    /// Let the application decide about signatures of security keys that nobody touched, instead of refusing them: with
    /// such keys, whoever has taken over the client's machine can log in unnoticed. `false` by default.
    pub security_keys_without_touch: bool,
    /// How many entries of a [`transcript`](crate::transcript) wait to be taken at most; later ones are counted and
    /// dropped. 0, the default: there is none. An entry takes some hundred bytes, that of a KEXINIT some KiB; they are no
    /// part of [`Limits`].
    pub transcript_entries: usize,
}

impl ServerConfig {
    /// A server with these host keys and otherwise the defaults: public key and password authentication, 6 attempts.
    pub fn new(host_keys: Vec<PublicKey>) -> Self {
        Self {
            algorithms: Algorithms::default(),
            limits: Limits::default(),
            rekey: RekeyPolicy::default(),
            keepalive: None,
            compression_level: CompressionLevel::default(),
            identification: Identification::default(),
            require_strict_kex: false,
            kex: KexSettings::default(),
            host_keys,
            announce_host_keys: true,
            auth_methods: vec!["publickey".into(), "password".into()],
            max_auth_attempts: 6,
            security_keys_without_touch: false,
            transcript_entries: 0,
        }
    }
}

/// The part of the identification string that names the software: `SSH-2.0-<software>[ <comment>]` (RFC 4253 §4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identification(String);

impl Identification {
    /// Names the software. 1 to 200 printable US-ASCII characters; the first word must not contain `-`.
    ///
    /// # Errors
    /// [`ConfigError::Identification`]
    pub fn new(software: &str) -> Result<Self, ConfigError> {
        let first_word = software.split(' ').next().unwrap_or_default();
        let printable = software.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if first_word.is_empty() || first_word.contains('-') || !printable || software.len() > 200 {
            return Err(ConfigError::Identification);
        }
        Ok(Self(software.into()))
    }

    /// The whole line without its line end.
    pub(crate) fn line(&self) -> String {
        ["SSH-2.0-", &self.0].concat()
    }
}

/// The whole line without its line end: `SSH-2.0-…`.
impl fmt::Display for Identification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line())
    }
}

impl Default for Identification {
    fn default() -> Self {
        Self(concat!("ssh_core_", env!("CARGO_PKG_VERSION")).into())
    }
}

/// When keys are replaced (RFC 4253 §9). Whichever comes first; the peer may always ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RekeyPolicy {
    /// After so many bytes in one direction; `None`: what the cipher's descriptor says
    /// ([`Cipher::rekey_after_bytes`](crate::crypto::cipher::Cipher::rekey_after_bytes)).
    pub bytes: Option<u64>,
    /// After so many packets in one direction, 2^31 at most, whatever is asked for (RFC 4344 §3.1).
    pub packets: u64,
    /// After so much time; `None`: never by time.
    pub time: Option<Duration>,
}

impl Default for RekeyPolicy {
    fn default() -> Self {
        Self { bytes: None, packets: 1 << 31, time: None }
    }
}

/// Asks an idle peer whether it is there, with `keepalive@openssh.com`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// After so long without a packet from the peer.
    pub interval: Duration,
    /// How many unanswered questions in a row end the connection.
    pub max_unanswered: u32,
}

/// Bounds on what a peer can make a connection hold, do or wait for.
///
/// [`memory_before_auth`](Self::memory_before_auth), [`memory`](Self::memory) and
/// [`memory_of_compression`](Self::memory_of_compression) say what they come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Largest `packet_length` accepted before authentication, in bytes. At least 35,000 (RFC 4253 §6.1).
    pub max_packet_before_auth: u32,
    /// Largest `packet_length` accepted after authentication, in bytes.
    pub max_packet: u32,
    /// Bytes accepted before authentication is complete.
    pub max_bytes_before_auth: u64,
    /// Time from the start until authentication is complete.
    pub login_grace: Duration,
    /// Time for a key exchange after the first.
    pub rekey_grace: Duration,
    /// Time for a server's proof that it holds other host keys ([`Client::prove_host_keys`](crate::Client::prove_host_keys)).
    pub proof_grace: Duration,
    /// How long the last output of a connection that is over may stand still before it is given up.
    pub linger: Duration,
    /// Receive window of a channel, in bytes.
    pub channel_window: u32,
    /// Largest data message accepted on a channel, in bytes.
    pub channel_packet: u32,
    /// Sum of the windows of all channels, in bytes: what a peer can make us hold.
    pub max_unread_bytes: u64,
    /// Channels open at once, both directions.
    pub max_channels: u32,
    /// Bytes of output at which channel data has to wait. Replies may go 64 KiB above it; then input waits too. Before
    /// authentication input waits at 16 KiB.
    pub max_output: usize,
    /// Messages and bytes held back while keys are exchanged.
    pub max_deferred_bytes: usize,
    /// Requests of the peer on one channel, or global ones, that await the application's answer.
    pub max_unanswered_requests: usize,
    /// Largest size of the input buffer, in bytes: what one read of the socket can take.
    pub input_buffer: usize,
    /// Authentication requests of any kind, successful queries included, after which the connection ends.
    pub max_auth_requests: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_packet_before_auth: 64 * 1024,
            max_packet: 256 * 1024,
            max_bytes_before_auth: 1024 * 1024,
            login_grace: Duration::from_secs(120),
            rekey_grace: Duration::from_secs(120),
            proof_grace: Duration::from_secs(10),
            linger: Duration::from_secs(5),
            channel_window: 2 * 1024 * 1024,
            channel_packet: 32 * 1024,
            max_unread_bytes: 64 * 1024 * 1024,
            max_channels: 1024,
            max_output: 256 * 1024,
            max_deferred_bytes: 256 * 1024,
            max_unanswered_requests: 128,
            input_buffer: 256 * 1024,
            max_auth_requests: 128,
        }
    }
}

/// A configuration that cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The identification is empty, too long, or holds a forbidden character.
    Identification,
    /// A list of algorithms is empty.
    NoAlgorithms,
    /// A server without a host key, or without one that its host key algorithms can use.
    NoHostKey,
    /// A limit is below what the protocol demands: packets of 35,000 bytes, channel packets of at least 256 bytes and
    /// no larger than a packet, at least one channel.
    Limits,
    /// The sizes of group that a client asks for are not `1024 ≤ min ≤ preferred ≤ max ≤ 8192`.
    GroupSizes,
    /// The source of randomness failed.
    Random,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identification => {
                "the identification must be 1 to 200 printable characters without '-' in its first word"
            }
            Self::NoAlgorithms => "a list of algorithms is empty",
            Self::NoHostKey => "no host key fits the host key algorithms",
            Self::Limits => "a limit is below what the protocol demands",
            Self::GroupSizes => "the sizes of group must be 1024 ≤ min ≤ preferred ≤ max ≤ 8192",
            Self::Random => "the source of random bytes failed",
        })
    }
}

impl core::error::Error for ConfigError {}

/// What no configuration changes: bounds of the protocol, or such as nobody honest comes near.
impl Limits {
    /// Bytes of an identification line, its end included (RFC 4253 §4.2).
    pub const IDENTIFICATION_LENGTH: usize = 255;
    /// Lines that a server may send before its identification; a client may send none. OpenSSH's bound.
    pub const LINES_BEFORE_IDENTIFICATION: usize = 1024;
    /// Key exchanges before authentication is complete, the first included: each costs more than a message should.
    pub const EXCHANGES_BEFORE_AUTH: u32 = 3;
    /// Bytes of a key exchange method's message behind its number. The largest are servers' replies, which hold a host key
    /// and its signature; what is longer than all that is known could only fill memory.
    pub const KEX_MESSAGE_LENGTH: usize = 32 * 1024;
    /// Entries of an EXT_INFO (RFC 8308 §2.3). OpenSSH's bound.
    pub const EXTENSIONS: u32 = 1024;
    /// Banners that a server may send (RFC 4252 §5.4).
    pub const BANNERS: u32 = 32;
    /// Bytes of a user's name.
    pub const USER_NAME_LENGTH: usize = 1024;
    /// Bytes of a password, or of an answer to a question: beyond it nothing is hashed (CVE-2016-6515).
    pub const PASSWORD_LENGTH: usize = 4096;
    /// Questions in one round of keyboard-interactive. OpenSSH's bound.
    pub const PROMPTS: usize = 100;
    /// Rounds of questions within one attempt.
    pub const PROMPT_ROUNDS: u32 = 32;
    /// Bytes of a request's name and fields that we send: more fits into no packet that a peer takes.
    pub const REQUEST_LENGTH: usize = 255 * 1024;
    /// Bytes by which replies may fill the output further than channel data may ([`max_output`](Self::max_output)).
    pub const REPLY_ROOM: usize = 64 * 1024;
    /// Bytes of output at which input waits before authentication is complete.
    pub const OUTPUT_BEFORE_AUTH: usize = 16 * 1024;
}

impl Limits {
    /// The most heap memory of a connection before authentication, in bytes:
    /// `2 × max_packet_before_auth + 64 KiB`, without [compression](Self::memory_of_compression).
    pub fn memory_before_auth(&self) -> u64 {
        2 * u64::from(self.max_packet_before_auth) + 64 * 1024
    }

    /// The most heap memory of a connection with so many channels, in bytes:
    /// `input_buffer + max_packet + 3 × (max_output + 64 KiB + max_packet) + 2 × (max_deferred_bytes + max_unread_bytes) +
    /// channel_window + channels × (4 KiB + 64 × max_unanswered_requests) + 16 KiB`, without
    /// [compression](Self::memory_of_compression).
    ///
    /// The last answer in a full output may be as long as a packet. A buffer that grows doubles, and is there twice while
    /// it moves. Most of it is there only while a peer makes the worst of everything at once; an idle connection holds
    /// some KiB.
    pub fn memory(&self, channels: u32) -> u64 {
        let bytes = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
        let packet = u64::from(self.max_packet);
        let output = bytes(self.max_output).saturating_add(64 * 1024 + packet);
        let queues = bytes(self.max_deferred_bytes).saturating_add(self.max_unread_bytes);
        let channel = bytes(self.max_unanswered_requests).saturating_mul(64).saturating_add(4096);
        bytes(self.input_buffer)
            .saturating_add(packet)
            .saturating_add(output.saturating_mul(3))
            .saturating_add(queues.saturating_mul(2))
            .saturating_add(u64::from(self.channel_window))
            .saturating_add(channel.saturating_mul(u64::from(channels)))
            .saturating_add(16 * 1024)
    }

    /// What compression in both directions adds to either, in bytes: `384 KiB + 4 × max_packet`, or
    /// `384 KiB + 4 × max_packet_before_auth` before authentication, for the state of zlib, the payload that is read, the
    /// one that waits for the application, and the one that is sent. Each direction begins a stream of its own with
    /// NEWKEYS or, by `zlib@openssh.com`, with the authenticated user.
    pub fn memory_of_compression(&self, authenticated: bool) -> u64 {
        let packet = if authenticated { self.max_packet } else { self.max_packet_before_auth };
        4 * u64::from(packet) + 384 * 1024
    }

    /// Smallest `max_packet*` that the protocol allows (RFC 4253 §6.1).
    const MIN_PACKET: u32 = 35_000;

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let packets = self.max_packet_before_auth.min(self.max_packet) >= Self::MIN_PACKET;
        let largest = self.max_packet.max(self.max_packet_before_auth) <= 1 << 24;
        let channel = (256..=self.max_packet.saturating_sub(1024)).contains(&self.channel_packet);
        let window = self.channel_window >= self.channel_packet && self.max_channels >= 1;
        let room = self.max_output >= 16 * 1024 && self.input_buffer >= 4096;
        if packets && largest && channel && window && room { Ok(()) } else { Err(ConfigError::Limits) }
    }
}

pub(crate) fn check_kex(settings: &KexSettings) -> Result<(), ConfigError> {
    if settings.group_sizes.are_in_order() { Ok(()) } else { Err(ConfigError::GroupSizes) }
}

pub(crate) fn check_algorithms(algorithms: &Algorithms) -> Result<(), ConfigError> {
    let needs_mac = algorithms.ciphers.iter().any(|cipher| !cipher.authenticates());
    let empty = algorithms.kex.is_empty()
        || algorithms.host_key.is_empty()
        || algorithms.ciphers.is_empty()
        || (needs_mac && algorithms.macs.is_empty())
        || algorithms.compression.is_empty();
    if empty { Err(ConfigError::NoAlgorithms) } else { Ok(()) }
}
