//! What a configuration of OpenSSH means for a connection and a login.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use super::{Credentials, StrictHostKeyChecking};
use crate::config::{ClientConfig, KeepAlive, RekeyPolicy};
use crate::crypto::compression::CompressionLevel;
use crate::crypto::signature::SignatureAlgorithm;
use crate::crypto::{Algorithms, Named, PRESETS, UnknownAlgorithm};
use crate::files::algorithm_list;
use crate::files::ssh_config::{
    AlgorithmList, Compression, ConfigError, PubkeyAuthentication, Resolved, Setting, StrictChecking,
};

/// Methods in the order they are tried if nothing else is said.
const METHODS: &str = "hostbased,publickey,keyboard-interactive,password";

/// The configuration of a connection: algorithms, rekeying, keepalives, compression.
///
/// # Errors
/// [`ConfigError`] names the line with an algorithm that is not built in.
pub fn client_config(resolved: &Resolved) -> Result<ClientConfig, ConfigError> {
    let mut config = ClientConfig::default();
    config.algorithms = algorithms(resolved, config.algorithms)?;
    config.host_based_algorithms = Some(host_based_algorithms(resolved)?);
    config.rekey = rekey(resolved, config.rekey);
    config.compression_level = CompressionLevel::new(resolved.older.compression_level.value.0).unwrap_or_default();
    let interval = resolved.connection.server_alive_interval.value.seconds.unwrap_or_default();
    config.keepalive = (interval > 0).then(|| KeepAlive {
        interval: Duration::from_secs(interval.into()),
        max_unanswered: resolved.connection.server_alive_count_max.value,
    });
    Ok(config)
}

/// What this host may sign with to vouch for its user, most wanted first.
///
/// # Errors
/// As [`client_config`].
pub fn host_based_algorithms(resolved: &Resolved) -> Result<Vec<&'static dyn SignatureAlgorithm>, ConfigError> {
    let (mut list, known) = (Algorithms::client().public_key, Algorithms::all().public_key);
    change(&mut list, &resolved.algorithms.host_based, "hostbasedacceptedalgorithms", &known)?;
    Ok(list)
}

/// How an authority may have signed a host's certificate (`CASignatureAlgorithms`): names of algorithms.
///
/// # Errors
/// As [`client_config`].
pub fn authority_algorithms(resolved: &Resolved) -> Result<Vec<&'static str>, ConfigError> {
    let (mut list, known) = (Algorithms::client().host_key, Algorithms::all().host_key);
    list.retain(|algorithm| algorithm.plain().is_none());
    change(&mut list, &resolved.algorithms.ca_signature, "casignaturealgorithms", &known)?;
    Ok(list.iter().map(|algorithm| algorithm.name()).collect())
}

/// Whether the order of `HostKeyAlgorithms` is the user's own: then the keys that a host is known by do not come first. A list
/// to which some are only added, or from which some are taken away, has no order of its own.
pub fn host_key_order_is_fixed(resolved: &Resolved) -> bool {
    resolved.algorithms.host_key.value.0.as_ref().is_some_and(|list| !list.starts_with(['+', '-']))
}

/// What becomes of hosts that nobody knows. With `BatchMode` there is nobody to ask.
pub fn strict_host_key_checking(resolved: &Resolved) -> StrictHostKeyChecking {
    match resolved.host_keys.strict.value {
        StrictChecking::Ask if resolved.login.batch_mode.value => StrictHostKeyChecking::Yes,
        StrictChecking::Ask => StrictHostKeyChecking::Ask,
        StrictChecking::Yes => StrictHostKeyChecking::Yes,
        StrictChecking::AcceptNew => StrictHostKeyChecking::AcceptNew,
        StrictChecking::Off => StrictHostKeyChecking::InsecureNo,
    }
}

/// Methods in the order they are to be tried, without those that are switched off.
pub fn methods(resolved: &Resolved) -> Vec<String> {
    let login = &resolved.login;
    let is_on = |method: &&str| match *method {
        "publickey" => login.public_key.value != PubkeyAuthentication::No,
        "keyboard-interactive" => login.keyboard_interactive.value && !login.batch_mode.value,
        "password" => login.password.value && !login.batch_mode.value,
        "hostbased" => login.host_based.value,
        _ => false,
    };
    let preferred = login.preferred.value.as_deref().unwrap_or(METHODS);
    preferred.split(',').map(str::trim).filter(is_on).map(String::from).collect()
}

/// Credentials without a key yet: how often somebody is asked, which methods are tried, and whether an agent's other keys
/// are used.
pub fn credentials(resolved: &Resolved) -> Credentials {
    let prompts = if resolved.login.batch_mode.value { 0 } else { resolved.login.password_prompts.value };
    let credentials = Credentials::none().prompts(prompts).preferred(methods(resolved));
    credentials.identities_only(resolved.identities.only_these.value)
}

/// The variables that go to the server: those of `own` that `SendEnv` names, unless `SetEnv` sets them, then what that sets.
pub fn environment(resolved: &Resolved, own: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (send, set) = (&resolved.session.send_env.value, &resolved.session.set_env.value.0);
    let is_set = |name: &[u8]| set.iter().any(|(each, _)| each.as_bytes() == name);
    let sent = own.into_iter().filter(|(name, _)| send.covers(name) && !is_set(name));
    let set = set.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
    sent.chain(set).collect()
}

/// The preset, or the default, changed by the lists.
fn algorithms(resolved: &Resolved, default: Algorithms) -> Result<Algorithms, ConfigError> {
    let built_in = Algorithms::all();
    let mut chosen = match &resolved.older.algorithms {
        Setting { value: Some(name), .. } if name != "default" => Algorithms::preset(name).ok_or_else(|| {
            let error = UnknownAlgorithm { name: name.clone(), known: PRESETS.to_vec() };
            failed(&resolved.older.algorithms, "algorithms", &error)
        })?,
        _ => default,
    };
    let lists = &resolved.algorithms;
    change(&mut chosen.kex, &lists.kex, "kexalgorithms", &built_in.kex)?;
    change(&mut chosen.host_key, &lists.host_key, "hostkeyalgorithms", &built_in.host_key)?;
    change(&mut chosen.public_key, &lists.public_key, "pubkeyacceptedalgorithms", &built_in.public_key)?;
    change(&mut chosen.ciphers, &lists.ciphers, "ciphers", &built_in.ciphers)?;
    change(&mut chosen.macs, &lists.macs, "macs", &built_in.macs)?;
    if lists.compression.is_set() {
        let list = if lists.compression.value == Compression::Yes { "zlib@openssh.com,none" } else { "none" };
        let list = Setting { value: AlgorithmList(Some(list.into())), origin: lists.compression.origin.clone() };
        change(&mut chosen.compression, &list, "compression", &built_in.compression)?;
    }
    let compression = &resolved.older.compression_algorithms;
    change(&mut chosen.compression, compression, "compressionalgorithms", &built_in.compression)?;
    Ok(chosen)
}

fn change<T: Named + Copy>(
    list: &mut Vec<T>,
    setting: &Setting<AlgorithmList>,
    keyword: &str,
    known: &[T],
) -> Result<(), ConfigError> {
    if let Some(spec) = &setting.value.0 {
        *list = algorithm_list::apply(spec, list, known).map_err(|error| failed(setting, keyword, &error))?;
    }
    Ok(())
}

fn failed<T>(setting: &Setting<T>, keyword: &str, error: &UnknownAlgorithm) -> ConfigError {
    ConfigError { origin: setting.origin.clone(), keyword: keyword.into(), message: error.to_string() }
}

fn rekey(resolved: &Resolved, mut policy: RekeyPolicy) -> RekeyPolicy {
    let limit = resolved.algorithms.rekey_limit.value;
    if limit.bytes > 0 {
        policy.bytes = Some(limit.bytes);
    }
    let seconds = limit.seconds.filter(|&seconds| seconds > 0);
    policy.time = seconds.map(|seconds| Duration::from_secs(seconds.into())).or(policy.time);
    policy
}
