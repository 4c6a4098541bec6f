//! Keywords whose value is a list of algorithms.

use ssh_core::crypto::{Algorithms, Named, UnknownAlgorithm};
use ssh_core::files::algorithm_list;

/// Applies `keyword spec` to `algorithms`; says whether `keyword` is about algorithms at all.
///
/// `+`, `-` and `^` are relative to the built-in lists, not to what `algorithms` holds: every keyword counts once.
pub(crate) fn apply(algorithms: &mut Algorithms, keyword: &str, spec: &str) -> Result<bool, UnknownAlgorithm> {
    let built_in = Algorithms::default();
    match keyword {
        "kexalgorithms" => algorithms.kex = list(spec, &built_in.kex)?,
        "hostkeyalgorithms" => algorithms.host_key = list(spec, &built_in.host_key)?,
        "pubkeyacceptedalgorithms" | "pubkeyacceptedkeytypes" => {
            algorithms.public_key = list(spec, &built_in.public_key)?;
        }
        "ciphers" => algorithms.ciphers = list(spec, &built_in.ciphers)?,
        "macs" => algorithms.macs = list(spec, &built_in.macs)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn list<T: Named + Copy>(spec: &str, built_in: &[T]) -> Result<Vec<T>, UnknownAlgorithm> {
    algorithm_list::apply(spec, built_in, built_in)
}
