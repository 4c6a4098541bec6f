//! Values of configuration files: times, sizes, ports (ssh_config(5), sshd_config(5)).

use std::path::{Path, PathBuf};
use std::time::Duration;

use ssh_core::RekeyPolicy;
use ssh_core::crypto::compression::CompressionLevel;

/// A time: seconds, or numbers with `s`, `m`, `h`, `d` or `w` that add up, such as `1h30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("\"{}\" is not a time; write seconds, or 90s, 5m, 1h, 1d", text.escape_debug());
    let mut seconds = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let mut unit = after.chars();
        let factor = match unit.next().map(|c| c.to_ascii_lowercase()) {
            None | Some('s') => 1,
            Some('m') => 60,
            Some('h') => 60 * 60,
            Some('d') => 24 * 60 * 60,
            Some('w') => 7 * 24 * 60 * 60,
            Some(_) => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        seconds = number.checked_mul(factor).and_then(|more| seconds.checked_add(more)).ok_or_else(wrong)?;
        rest = unit.as_str();
    }
    if text.is_empty() { Err(wrong()) } else { Ok(Duration::from_secs(seconds)) }
}

/// `CompressionLevel`: 1, the fastest, to 9.
pub(crate) fn compression_level(text: &str) -> Result<CompressionLevel, String> {
    let level = text.parse().ok().and_then(CompressionLevel::new);
    level.ok_or_else(|| format!("\"{}\" is not a number from 1 to 9", text.escape_debug()))
}

/// A number of bytes, with `K`, `M` or `G` for powers of 1024.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("\"{}\" is not a size; write bytes, or 64K, 16M, 1G", text.escape_debug());
    let (number, shift) = match text.chars().last().map(|c| c.to_ascii_uppercase()) {
        Some('K') => (text.get(..text.len() - 1), 10),
        Some('M') => (text.get(..text.len() - 1), 20),
        Some('G') => (text.get(..text.len() - 1), 30),
        _ => (Some(text), 0),
    };
    let number: u64 = number.and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

/// `RekeyLimit BYTES [TIME]`: `default` is what the cipher demands, `none` never by time.
pub(crate) fn rekey_limit(arguments: &[String]) -> Result<RekeyPolicy, String> {
    let mut policy = RekeyPolicy::default();
    match arguments.first().map(String::as_str) {
        None | Some("default" | "none") => {}
        Some(bytes) => policy.bytes = Some(size(bytes)?).filter(|&bytes| bytes > 0),
    }
    if policy.bytes.is_some_and(|bytes| bytes < 16) {
        return Err("a rekey limit of less than 16 bytes is too small".into());
    }
    match arguments.get(1).map(String::as_str) {
        None | Some("none") => {}
        Some(time) => policy.time = Some(duration(time)?).filter(|time| !time.is_zero()),
    }
    Ok(policy)
}

/// A port, of 0 to 65535.
pub(crate) fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| format!("\"{}\" is not a port: it is a number from 0 to 65535", text.escape_debug()))
}

/// Whether something is to be.
pub(crate) fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("\"{}\" is neither yes nor no", text.escape_debug())),
    }
}

/// A count.
pub(crate) fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("\"{}\" is not a number", text.escape_debug()))
}

/// A path with `~` and `%d` for the home directory and `%%` for a percent sign.
pub(crate) fn path(text: &str) -> PathBuf {
    let home = std::env::home_dir().unwrap_or_else(|| PathBuf::from("/"));
    match text.strip_prefix('~') {
        Some("") => return home,
        Some(rest) if rest.starts_with('/') => return home.join(rest.trim_start_matches('/')),
        _ => {}
    }
    PathBuf::from(text.replace("%d", &home.to_string_lossy()).replace("%%", "%"))
}

/// A file of a user: `%u` is the user, `%h` and `~` the home directory, `%%` a percent sign, and what is relative is in the
/// home directory (sshd_config(5), TOKENS).
pub(crate) fn user_path(pattern: &str, user: &str, home: &Path) -> PathBuf {
    let home_text = home.to_string_lossy();
    let mut path = String::new();
    let mut rest = pattern.strip_prefix("~/").unwrap_or(pattern);
    while let Some((before, after)) = rest.split_once('%') {
        path.push_str(before);
        let mut after = after.chars();
        match after.next() {
            Some('u') => path.push_str(user),
            Some('h' | 'd') => path.push_str(&home_text),
            Some('%') => path.push('%'),
            other => path.extend(['%'].into_iter().chain(other)),
        }
        rest = after.as_str();
    }
    path.push_str(rest);
    home.join(path)
}
