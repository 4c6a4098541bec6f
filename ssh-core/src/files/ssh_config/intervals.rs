//! Times, and what may hold one.

use alloc::{format, string::String, string::ToString as _, vec, vec::Vec};

use super::line::Arguments;
use super::numbers::{Flag, Units};
use super::setting::{Fault, Value, unexpected};

/// What a time is.
const TIME: &str = "a time: seconds, or 90s, 5m, 1h30m, 1d, 2w";

/// A time in seconds; `None`: none. Saying `none` is to say nothing: the default stays, or a later line counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds {
    /// The time.
    pub seconds: Option<u32>,
}

impl Seconds {
    /// No time.
    pub(super) const NONE: Self = Self { seconds: None };

    /// A time.
    pub(super) const fn of(seconds: u32) -> Self {
        Self { seconds: Some(seconds) }
    }
}

impl Value for Seconds {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let word = arguments.required()?;
        match word.as_str() {
            "none" => Ok(Self::NONE),
            _ => Units::seconds(&word).map(Self::of).ok_or_else(|| unexpected(&word, TIME)),
        }
    }

    fn show(&self) -> Vec<String> {
        vec![self.seconds.map_or_else(|| "none".into(), |seconds| seconds.to_string())]
    }

    fn says_nothing(&self) -> bool {
        self.seconds.is_none()
    }
}

/// `RekeyLimit`; 0 bytes: what the cipher demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RekeyLimit {
    /// Bytes.
    pub bytes: u64,
    /// Seconds; `None`: never by time, and a later line may say so.
    pub seconds: Option<u32>,
}

impl Value for RekeyLimit {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let size = arguments.required()?;
        let bytes = match size.as_str() {
            "default" => 0,
            _ => Units::bytes(&size).ok_or_else(|| unexpected(&size, "a size: bytes, or 64K, 16M, 1G, or default"))?,
        };
        if (1..16).contains(&bytes) {
            return Err("a limit of less than 16 bytes is too small".into());
        }
        let seconds = match arguments.next() {
            None => None,
            Some(none) if none == "none" => None,
            Some(time) => Some(Units::seconds(&time).ok_or_else(|| unexpected(&time, TIME))?),
        };
        Ok(Self { bytes, seconds })
    }

    fn show(&self) -> Vec<String> {
        vec![format!("{} {}", self.bytes, self.seconds.unwrap_or_default())]
    }

    fn add(&mut self, later: Self) {
        self.seconds = self.seconds.or(later.seconds);
    }
}

/// `ControlPersist`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlPersist {
    /// The master ends with the first session.
    No,
    /// It stays.
    Forever,
    /// It stays for so many seconds without sessions.
    For(u32),
}

impl Value for ControlPersist {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let word = arguments.required()?;
        match word.as_str() {
            "no" | "false" => Ok(Self::No),
            "yes" | "true" => Ok(Self::Forever),
            _ => match Units::seconds(&word) {
                Some(0) => Ok(Self::Forever),
                Some(seconds) => Ok(Self::For(seconds)),
                None => Err(unexpected(&word, "yes, no or a time")),
            },
        }
    }

    fn show(&self) -> Vec<String> {
        vec![match self {
            Self::No => "no".into(),
            Self::Forever => "yes".into(),
            Self::For(seconds) => seconds.to_string(),
        }]
    }
}

/// `AddKeysToAgent`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddKeysToAgent {
    /// They are not added.
    No,
    /// They are, for so many seconds; `None`: for good.
    Yes(Option<u32>),
    /// They are after a question.
    Ask,
    /// They are, and each use has to be confirmed; for so many seconds.
    Confirm(Option<u32>),
}

impl Value for AddKeysToAgent {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let word = arguments.required()?;
        let lower = word.to_ascii_lowercase();
        let time = |word: &str| Units::seconds(word).map(|seconds| Some(seconds).filter(|&seconds| seconds > 0));
        let wrong = || unexpected(&word, "yes, no, ask, confirm or a time");
        Ok(match lower.as_str() {
            "no" | "false" => Self::No,
            "yes" | "true" => Self::Yes(None),
            "ask" => Self::Ask,
            "confirm" => match arguments.next() {
                Some(lifetime) => Self::Confirm(time(&lifetime).ok_or_else(|| unexpected(&lifetime, TIME))?),
                None => Self::Confirm(None),
            },
            _ => Self::Yes(time(&word).ok_or_else(wrong)?),
        })
    }

    fn show(&self) -> Vec<String> {
        vec![match self {
            Self::No => "false".into(),
            Self::Yes(None) => "true".into(),
            Self::Yes(Some(seconds)) => seconds.to_string(),
            Self::Ask => "ask".into(),
            Self::Confirm(None) => "confirm".into(),
            Self::Confirm(Some(seconds)) => format!("confirm {seconds}"),
        }]
    }
}

/// `ObscureKeystrokeTiming`: the interval in milliseconds; `None`: not obscured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObscureKeystrokes(pub Option<u16>);

impl ObscureKeystrokes {
    /// The interval of `yes`.
    pub(super) const USUAL: u16 = 20;
}

impl Value for ObscureKeystrokes {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let word = arguments.required()?;
        let wrong = || unexpected(&word, "yes, no or interval: and 1 to 1000 milliseconds");
        match word.as_str() {
            "yes" | "true" => Ok(Self(Some(Self::USUAL))),
            "no" | "false" => Ok(Self(None)),
            _ => {
                let number = word.strip_prefix("interval:").and_then(|number| number.parse().ok());
                number.filter(|number| (1..=1000).contains(number)).map(|number| Self(Some(number))).ok_or_else(wrong)
            }
        }
    }

    fn show(&self) -> Vec<String> {
        vec![match self.0 {
            None => "no".into(),
            Some(Self::USUAL) => "yes".into(),
            Some(interval) => interval.to_string(),
        }]
    }
}

/// `ChannelTimeout`: types of channels, with wildcards, and the seconds of silence after which one is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelTimeouts(pub Vec<(String, String, u32)>);

impl Value for ChannelTimeouts {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let words = arguments.some()?;
        if let [none] = words.as_slice()
            && none == "none"
        {
            return Ok(Self(Vec::new()));
        }
        let read = |word: &String| {
            let parts = word.split_once('=').filter(|(kind, _)| !kind.is_empty());
            let timeout = parts.and_then(|(kind, time)| Some((kind.into(), time.into(), Units::seconds(time)?)));
            timeout.ok_or_else(|| unexpected(word, "TYPE=TIME, or none by itself"))
        };
        words.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    fn show(&self) -> Vec<String> {
        let shown: Vec<String> = self.0.iter().map(|(kind, time, _)| format!("{kind}={time}")).collect();
        vec![if shown.is_empty() { "none".into() } else { shown.join(" ") }]
    }
}

/// `WarnWeakCrypto`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WarnWeakCrypto {
    /// About everything that is weak.
    pub any: bool,
    /// About key exchange that a quantum computer breaks.
    pub key_exchange: bool,
}

impl Value for WarnWeakCrypto {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let word = arguments.required()?;
        match word.as_str() {
            "yes" | "true" => Ok(Self { any: true, key_exchange: true }),
            "no" | "false" => Ok(Self { any: false, key_exchange: false }),
            "no-pq-kex" => Ok(Self { any: true, key_exchange: false }),
            _ => Err(unexpected(&word, "yes, no or no-pq-kex")),
        }
    }

    fn show(&self) -> Vec<String> {
        Flag::show(&(self.any && self.key_exchange))
    }
}
