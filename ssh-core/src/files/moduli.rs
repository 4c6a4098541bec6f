//! `moduli`: the groups that a server has for `diffie-hellman-group-exchange-*` (moduli(5)).
//!
//! ```no_run
//! use ssh_core::ServerConfig;
//! use ssh_core::files::moduli::ModuliFile;
//!
//! # fn main() -> std::io::Result<()> {
//! # let mut config = ServerConfig::new(Vec::new());
//! let file = ModuliFile::parse(&std::fs::read("/etc/ssh/moduli")?);
//! config.kex.moduli = file.moduli();
//! # Ok(())
//! # }
//! ```

use alloc::vec::Vec;

use super::{SkipReason, SkippedLine, numbered_lines};
use crate::crypto::kex::{DhGroup, GroupFault, Moduli};

/// The content of one file.
#[derive(Clone, Debug, Default)]
pub struct ModuliFile {
    groups: Vec<DhGroup>,
    skipped: Vec<SkippedLine>,
}

impl ModuliFile {
    /// Reads a file. Lines that make no sense, and groups that were not tested or that [`DhGroup::new`] refuses, are left
    /// out and listed in [`skipped`](Self::skipped).
    pub fn parse(text: &[u8]) -> Self {
        let mut file = Self::default();
        for (line, content) in numbered_lines(text) {
            match parse_group(content) {
                Ok(group) => file.groups.push(group),
                Err(reason) => file.skipped.push(SkippedLine { line, reason }),
            }
        }
        file
    }

    /// The groups, in the file's order.
    pub fn groups(&self) -> &[DhGroup] {
        &self.groups
    }

    /// The groups, for [`KexSettings::moduli`](crate::crypto::kex::KexSettings::moduli).
    pub fn moduli(self) -> Moduli {
        Moduli::new(self.groups)
    }

    /// The lines that were left out.
    pub fn skipped(&self) -> &[SkippedLine] {
        &self.skipped
    }
}

/// `p` is a safe prime.
const SAFE: u32 = 2;
/// `p` was found to be composite.
const COMPOSITE: u32 = 1;

/// `time type tests tries size generator modulus`; the size is one less than the bits of the modulus.
fn parse_group(line: &[u8]) -> Result<DhGroup, SkipReason> {
    let mut fields = line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    let mut next = || fields.next().ok_or(SkipReason::Incomplete);
    let (_time, kind, tests, _tries, size) = (next()?, next()?, next()?, next()?, next()?);
    let (generator, modulus) = (next()?, next()?);
    if fields.next().is_some() {
        return Err(SkipReason::MalformedNumber);
    }
    let (kind, tests, size) = (decimal(kind)?, decimal(tests)?, decimal(size)?);
    if kind != SAFE || tests & COMPOSITE != 0 || tests == 0 {
        return Err(SkipReason::UntestedGroup);
    }
    let group = DhGroup::new(&hexadecimal(modulus)?, &hexadecimal(generator)?).map_err(SkipReason::Group)?;
    if size.checked_add(1) != Some(group.bits()) {
        return Err(SkipReason::Group(GroupFault::Size));
    }
    Ok(group)
}

fn decimal(field: &[u8]) -> Result<u32, SkipReason> {
    let digits = field.iter().all(u8::is_ascii_digit);
    let text = core::str::from_utf8(field).ok().filter(|_| digits);
    text.and_then(|text| text.parse().ok()).ok_or(SkipReason::MalformedNumber)
}

/// Big-endian bytes. An odd number of digits is as good as an even one.
fn hexadecimal(field: &[u8]) -> Result<Vec<u8>, SkipReason> {
    let digits = field.iter().map(|&digit| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok()));
    let digits: Vec<u8> = digits.collect::<Option<_>>().ok_or(SkipReason::MalformedNumber)?;
    Ok(digits.rchunks(2).rev().map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}
