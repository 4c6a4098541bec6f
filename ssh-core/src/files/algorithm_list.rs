//! Lists of algorithms as users write them (ssh_config(5), `Ciphers`).

use alloc::vec::Vec;

use crate::crypto::{Named, UnknownAlgorithm};
use crate::pattern;

/// Applies a list to the built-in algorithms.
///
/// A plain list replaces `default`, `+list` is appended to it, `^list` put before it, and `-list` removed from it. Names
/// may hold the wildcards `*` and `?`. Every algorithm is taken once, at its first place. Removing what is not there is
/// no error, so that a list works for programs that know more algorithms.
///
/// ```
/// use ssh_core::crypto::{Algorithms, signature};
/// use ssh_core::files::algorithm_list;
///
/// let default = Algorithms::default().host_key;
/// let list = algorithm_list::apply("-ecdsa-*", &default, &default)?;
/// assert!(list.iter().all(|algorithm| !algorithm.name().starts_with("ecdsa")));
/// # Ok::<(), ssh_core::crypto::UnknownAlgorithm>(())
/// ```
///
/// # Errors
/// [`UnknownAlgorithm`] with the name or wildcard that stands for none of `known`, or with the whole of `spec` if no
/// algorithm would be left.
pub fn apply<T: Named + Copy>(spec: &str, default: &[T], known: &[T]) -> Result<Vec<T>, UnknownAlgorithm> {
    let spec = spec.trim();
    let unknown = |name: &str| UnknownAlgorithm { name: name.into(), known: known.iter().map(Named::name).collect() };
    let mut list: Vec<T> = Vec::new();
    let mut add = |algorithms: &mut dyn Iterator<Item = T>| {
        for algorithm in algorithms {
            if !list.iter().any(|each| each.name() == algorithm.name()) {
                list.push(algorithm);
            }
        }
    };
    if let Some(removed) = spec.strip_prefix('-') {
        let stays = |algorithm: &T| !names(removed).any(|name| fits(name, *algorithm));
        add(&mut default.iter().copied().filter(stays));
    } else {
        let (operator, wanted) = match spec.split_at_checked(1) {
            Some((operator @ ("+" | "^"), wanted)) => (operator, wanted),
            _ => ("", spec),
        };
        if operator == "+" {
            add(&mut default.iter().copied());
        }
        for name in names(wanted) {
            let mut found = known.iter().copied().filter(|algorithm| fits(name, *algorithm)).peekable();
            if found.peek().is_none() {
                return Err(unknown(name));
            }
            add(&mut found);
        }
        if operator == "^" {
            add(&mut default.iter().copied());
        }
    }
    if list.is_empty() { Err(unknown(spec)) } else { Ok(list) }
}

fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty())
}

fn fits<T: Named>(name: &str, algorithm: T) -> bool {
    if pattern::is_pattern(name) {
        pattern::matches(name.as_bytes(), algorithm.name().as_bytes())
    } else {
        name == algorithm.name()
    }
}
