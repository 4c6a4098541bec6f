//! Numbers: counts, ports, masks, classes of service, characters, devices.

use alloc::{format, string::String, string::ToString as _, vec, vec::Vec};

use super::line::Arguments;
use super::setting::{Fault, Value, unexpected};

/// Yes or no.
pub type Flag = bool;

impl Value for Flag {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let word = arguments.required()?;
        match word.to_ascii_lowercase().as_str() {
            "yes" | "true" => Ok(true),
            "no" | "false" => Ok(false),
            _ => Err(unexpected(&word, "yes or no")),
        }
    }

    fn show(&self) -> Vec<String> {
        vec![if *self { "yes" } else { "no" }.into()]
    }
}

/// A number of things.
pub type Count = u32;

impl Value for Count {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let word = arguments.required()?;
        count(&word).ok_or_else(|| unexpected(&word, "a number"))
    }

    fn show(&self) -> Vec<String> {
        vec![self.to_string()]
    }
}

fn count(word: &str) -> Option<u32> {
    word.trim_ascii_start().parse().ok().filter(|&number| number <= i32::MAX.unsigned_abs())
}

/// A port that can be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port(pub u16);

impl Value for Port {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let word = arguments.required()?;
        let port = port(&word).filter(|&port| port > 0);
        port.map(Self).ok_or_else(|| unexpected(&word, "a port: a number from 1 to 65535"))
    }

    fn show(&self) -> Vec<String> {
        vec![self.0.to_string()]
    }
}

/// A port, or the one service name known here.
pub(super) fn port(word: &str) -> Option<u16> {
    if word == "ssh" { Some(22) } else { word.trim_ascii_start().parse().ok() }
}

/// `CompressionLevel`: 1, the fastest, to 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(pub u8);

impl Value for Level {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let word = arguments.required()?;
        let level = word.parse().ok().filter(|level| (1..=9).contains(level));
        level.map(Self).ok_or_else(|| unexpected(&word, "a number from 1 to 9"))
    }

    fn show(&self) -> Vec<String> {
        vec![self.0.to_string()]
    }
}

/// `RequiredRSASize`: bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RsaSize(pub u32);

impl Value for RsaSize {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        Count::parse(arguments).map(Self)
    }

    fn show(&self) -> Vec<String> {
        vec![self.0.to_string()]
    }
}

/// `StreamLocalBindMask`: permissions that are taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindMask(pub u32);

impl Value for BindMask {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let word = arguments.required()?;
        let digits = word.strip_prefix(['+', '-']).unwrap_or(&word);
        let end = digits.find(|c: char| !c.is_digit(8)).unwrap_or(digits.len());
        // As in OpenSSH, what is no octal digit ends the number.
        let mask = digits.get(..end).and_then(|digits| u32::from_str_radix(digits, 8).ok());
        let mask = mask.filter(|&mask| mask == 0 || mask <= 0o777 && !word.starts_with('-'));
        mask.map(Self).ok_or_else(|| unexpected(&word, "an octal mask from 0 to 777"))
    }

    fn show(&self) -> Vec<String> {
        vec![format!("0{:o}", self.0)]
    }
}

/// `EscapeChar`; `None`: there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EscapeChar(pub Option<u8>);

impl Value for EscapeChar {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let word = arguments.required()?;
        match word.as_bytes() {
            b"none" => Ok(Self(None)),
            [character] => Ok(Self(Some(*character))),
            [b'^', character @ 64..=126] => Ok(Self(Some(character & 31))),
            _ => Err(unexpected(&word, "one character, ^ and a letter, or none")),
        }
    }

    fn show(&self) -> Vec<String> {
        vec![match self.0 {
            None => "none".into(),
            Some(control @ 0..=31) => format!("\\^{}", char::from(control | 64)),
            Some(character) => String::from(char::from(character)),
        }]
    }
}

/// `IPQoS`: the class of interactive sessions and of others; `None`: the operating system's default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpQos {
    /// With a terminal.
    pub interactive: Option<u8>,
    /// Without.
    pub bulk: Option<u8>,
}

/// Names of classes (RFC 2474, 2597, 3246, 8622).
const CLASSES: &[(&str, u8)] = &[
    ("af11", 0x28),
    ("af12", 0x30),
    ("af13", 0x38),
    ("af21", 0x48),
    ("af22", 0x50),
    ("af23", 0x58),
    ("af31", 0x68),
    ("af32", 0x70),
    ("af33", 0x78),
    ("af41", 0x88),
    ("af42", 0x90),
    ("af43", 0x98),
    ("cs0", 0x00),
    ("cs1", 0x20),
    ("cs2", 0x40),
    ("cs3", 0x60),
    ("cs4", 0x80),
    ("cs5", 0xa0),
    ("cs6", 0xc0),
    ("cs7", 0xe0),
    ("ef", 0xb8),
    ("le", 0x04),
];

/// Types of service that became obsolete with RFC 2474.
const OBSOLETE_CLASSES: &[&str] = &["lowdelay", "throughput", "reliability"];

impl IpQos {
    fn class(word: &str) -> Result<Option<u8>, Fault> {
        let lower = word.to_ascii_lowercase();
        if lower == "none" || OBSOLETE_CLASSES.contains(&lower.as_str()) {
            return Ok(None);
        }
        let named = CLASSES.iter().find(|(name, _)| *name == lower).map(|(_, class)| *class);
        let number = || word.trim_ascii_start().parse::<i16>().ok();
        let class = named.or_else(|| number().and_then(|number| u8::try_from(number).ok()));
        class.map(Some).ok_or_else(|| unexpected(word, "a class such as af21, cs0 or ef, a number to 255, or none"))
    }

    fn name(class: Option<u8>) -> String {
        let Some(class) = class else { return "none".into() };
        let named = CLASSES.iter().find(|(_, each)| *each == class);
        named.map_or_else(|| format!("0x{class:02x}"), |(name, _)| (*name).into())
    }
}

impl Value for IpQos {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let interactive = Self::class(&arguments.required()?)?;
        let bulk = arguments.next().map_or(Ok(interactive), |word| Self::class(&word))?;
        Ok(Self { interactive, bulk })
    }

    fn show(&self) -> Vec<String> {
        vec![format!("{} {}", Self::name(self.interactive), Self::name(self.bulk))]
    }
}

/// `TunnelDevice`: numbers of devices; `None`: any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TunnelDevice {
    /// Here.
    pub local: Option<u32>,
    /// At the server.
    pub remote: Option<u32>,
}

impl TunnelDevice {
    fn device(word: &str) -> Option<Option<u32>> {
        if word.eq_ignore_ascii_case("any") { Some(None) } else { count(word).map(Some) }
    }
}

impl Value for TunnelDevice {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let word = arguments.required()?;
        let (local, remote) = word.split_once(':').unwrap_or((&word, "any"));
        match (Self::device(local), Self::device(remote)) {
            (Some(local), Some(remote)) => Ok(Self { local, remote }),
            _ => Err(unexpected(&word, "a tunnel device: a number or any, or two of them with a colon")),
        }
    }

    fn show(&self) -> Vec<String> {
        let name = |device: Option<u32>| device.map_or_else(|| "any".into(), |device| device.to_string());
        vec![format!("{}:{}", name(self.local), name(self.remote))]
    }
}

/// Factors of a number's last letter.
pub struct Units;

impl Units {
    /// Bytes: a number, which may have decimals, and `K`, `M`, `G`, `T`, `P` or `E` for a power of 1024. What follows the letter
    /// counts no more if it is no letter or digit.
    pub fn bytes(text: &str) -> Option<u64> {
        let text = text.strip_prefix('+').unwrap_or(text);
        let (number, unit) =
            text.split_at_checked(text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len()))?;
        let mut unit = unit.chars();
        let shift = match unit.next().map(|c| c.to_ascii_uppercase()) {
            None | Some('B') => 0,
            Some('K') => 10,
            Some('M') => 20,
            Some('G') => 30,
            Some('T') => 40,
            Some('P') => 50,
            Some('E') => 60,
            Some(_) => return None,
        };
        let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
        if unit.next().is_some_and(|c| c.is_ascii_alphanumeric()) || decimals.contains('.') || text.is_empty() {
            return None;
        }
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let bytes = whole.checked_mul(1 << shift)?.checked_add(Self::part(decimals, shift))?;
        i64::try_from(bytes).is_ok().then_some(bytes)
    }

    /// What the digits behind the point are worth.
    fn part(decimals: &str, shift: u32) -> u64 {
        // More digits than these are less than a byte.
        let digits = decimals.get(..18).unwrap_or(decimals).bytes().rev();
        let part = digits.fold(0, |part, digit| (part + (u128::from(digit.saturating_sub(b'0')) << 64)) / 10);
        u64::try_from((part << shift) >> 64).unwrap_or_default()
    }

    /// Seconds, which may have decimals that do not count, or numbers with `s`, `m`, `h`, `d` or `w` that add up, such as
    /// `1h30m`.
    pub fn seconds(text: &str) -> Option<u32> {
        if let Some((whole, decimals)) = text.split_once('.') {
            let is_decimal = !decimals.is_empty() && decimals.bytes().all(|byte| byte.is_ascii_digit());
            let whole = if whole.is_empty() { "0" } else { whole };
            return is_decimal
                .then(|| whole.parse().ok())
                .flatten()
                .filter(|&seconds| seconds <= i32::MAX.unsigned_abs());
        }
        let mut seconds = 0_u64;
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (number, after) = rest.split_at_checked(digits)?;
            let mut unit = after.chars();
            let factor = match unit.next().map(|c| c.to_ascii_lowercase()) {
                None | Some('s') => 1,
                Some('m') => 60,
                Some('h') => 60 * 60,
                Some('d') => 24 * 60 * 60,
                Some('w') => 7 * 24 * 60 * 60,
                Some(_) => return None,
            };
            let number: u64 = number.parse().ok()?;
            seconds = number.checked_mul(factor).and_then(|more| seconds.checked_add(more))?;
            rest = unit.as_str();
        }
        u32::try_from(seconds).ok().filter(|&seconds| !text.is_empty() && seconds <= i32::MAX.unsigned_abs())
    }
}
