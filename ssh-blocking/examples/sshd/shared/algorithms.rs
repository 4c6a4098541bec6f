//! Keywords whose value is a list of algorithms, `Compression`, whose value may be one, and `Algorithms`, whose value is
//! the name of a preset for all of them.

use ssh_core::crypto::{Algorithms, Named, PRESETS, UnknownAlgorithm};
use ssh_core::files::algorithm_list;

/// What the keywords have said so far, in any order.
///
/// `+`, `-` and `^` are relative to the preset, wherever it was named.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    /// The preset `default`: a client's is not a server's.
    default: Algorithms,
    lists: Vec<(String, String)>,
    /// The preset, or the default, changed by the lists.
    resolved: Algorithms,
}

impl Choice {
    /// Nothing is said yet.
    pub(crate) fn new(default: Algorithms) -> Self {
        Self { resolved: default.clone(), default, lists: Vec::new() }
    }

    /// Takes `keyword spec`; says whether `keyword` is about algorithms at all.
    pub(crate) fn set(&mut self, keyword: &str, spec: &str) -> Result<bool, UnknownAlgorithm> {
        if keyword != "algorithms" {
            let known = apply(&mut self.resolved, keyword, spec)?;
            if known {
                self.lists.push((keyword.into(), spec.into()));
            }
            return Ok(known);
        }
        let unknown = || UnknownAlgorithm { name: spec.into(), known: PRESETS.to_vec() };
        self.resolved = match spec {
            "default" => self.default.clone(),
            name => Algorithms::preset(name).ok_or_else(unknown)?,
        };
        for (keyword, spec) in &self.lists {
            apply(&mut self.resolved, keyword, spec)?;
        }
        Ok(true)
    }

    /// What to offer.
    pub(crate) fn algorithms(&self) -> &Algorithms {
        &self.resolved
    }
}

fn apply(algorithms: &mut Algorithms, keyword: &str, spec: &str) -> Result<bool, UnknownAlgorithm> {
    let built_in = Algorithms::all();
    match keyword {
        "kexalgorithms" => change(&mut algorithms.kex, spec, &built_in.kex)?,
        "hostkeyalgorithms" => change(&mut algorithms.host_key, spec, &built_in.host_key)?,
        "pubkeyacceptedalgorithms" | "pubkeyacceptedkeytypes" => {
            change(&mut algorithms.public_key, spec, &built_in.public_key)?;
        }
        "ciphers" => change(&mut algorithms.ciphers, spec, &built_in.ciphers)?,
        "macs" => change(&mut algorithms.macs, spec, &built_in.macs)?,
        "compression" => {
            let spec = match spec {
                "yes" | "true" | "delayed" => "zlib@openssh.com,none",
                "no" | "false" => "none",
                list => list,
            };
            change(&mut algorithms.compression, spec, &built_in.compression)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn change<T: Named + Copy>(list: &mut Vec<T>, spec: &str, known: &[T]) -> Result<(), UnknownAlgorithm> {
    *list = algorithm_list::apply(spec, list, known)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Algorithms, Choice, Named};

    #[test]
    fn lists_change_the_preset_in_any_order() {
        let settings = [("ciphers", "+chacha20-poly1305@openssh.com"), ("algorithms", "hardened")];
        let mut lists = Vec::new();
        for order in [[0, 1], [1, 0]] {
            let mut choice = Choice::new(Algorithms::default());
            for at in order {
                let (keyword, spec) = settings[at];
                assert!(choice.set(keyword, spec).is_ok_and(|known| known));
            }
            let names: Vec<_> = choice.algorithms().ciphers.iter().map(Named::name).collect();
            assert_eq!(names.last(), Some(&"chacha20-poly1305@openssh.com"));
            assert_eq!(names.first(), Some(&"aes256-gcm@openssh.com"));
            lists.push(names);
        }
        assert_eq!(lists[0], lists[1]);
    }

    #[cfg(feature = "zlib")]
    #[test]
    fn compression_is_yes_no_or_a_list() {
        for (spec, expected) in [
            ("yes", &["zlib@openssh.com", "none"][..]),
            ("delayed", &["zlib@openssh.com", "none"]),
            ("no", &["none"]),
            ("zlib,none", &["zlib", "none"]),
            ("^zlib", &["zlib", "none"]),
        ] {
            let mut choice = Choice::new(Algorithms::default());
            assert!(choice.set("compression", spec).is_ok_and(|known| known));
            let names: Vec<_> = choice.algorithms().compression.iter().map(Named::name).collect();
            assert_eq!(names, expected, "{spec}");
        }
        assert!(Choice::new(Algorithms::default()).set("compression", "maybe").is_err());
    }

    #[test]
    fn unknown_preset_names_those_there_are() {
        let error =
            Choice::new(Algorithms::default()).set("algorithms", "strongest").expect_err("there is none of this name");
        assert!(error.to_string().contains("hardened"), "{error}");
    }
}
