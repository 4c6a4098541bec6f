//! Text files, and what is asked of them.

use alloc::string::ToString;
use alloc::vec;
use core::net::IpAddr;

use ssh_core::crypto::Algorithms;
use ssh_core::crypto::signature::SecurityKeyUse;
use ssh_core::files::algorithm_list;
use ssh_core::files::authorized_keys::{AuthorizedKeys, Login, LoginRefused, Permissions};
use ssh_core::files::authorized_principals::AuthorizedPrincipals;
use ssh_core::files::known_hosts::{KnownHosts, edit, host_name};
use ssh_core::files::moduli::ModuliFile;
use ssh_core::files::ssh_config::{
    AlgorithmNames, ConfigError, ConfigFile, HostLookup, Lookup, LookupPurpose, Request, Resolved, Resolver, Step,
    parse_option,
};
use ssh_core::key::{CertificateCheck, PublicKey, RevocationList};
use ssh_core::login::configured::{
    authority_algorithms, client_config, credentials, environment, host_based_algorithms, host_key_order_is_fixed,
    strict_host_key_checking,
};
use ssh_core::login::{
    StrictHostKeyChecking, host_key_update_question, judge_host_key, judge_host_key_and_address, refuse_revoked,
};
use ssh_core::random::ChaChaRandom;

use crate::consider;
use crate::decode::NOW;

const MODES: [StrictHostKeyChecking; 4] = [
    StrictHostKeyChecking::Yes,
    StrictHostKeyChecking::Ask,
    StrictHostKeyChecking::AcceptNew,
    StrictHostKeyChecking::InsecureNo,
];

/// Reads the keys of hosts, judges one, and edits the file.
#[unsafe(no_mangle)]
pub extern "C" fn decode_known_hosts(
    file: &&[u8],
    name: &&str,
    port: u16,
    key: &PublicKey,
    revoked: &RevocationList,
    random: &mut ChaChaRandom,
) {
    let hosts = KnownHosts::parse(file);
    consider((hosts.lookup(name, port, key, NOW), hosts.known_key_types(name, port), hosts.skipped()));
    for mode in MODES {
        consider(judge_host_key(mode, [(*name, &hosts)], name, port, key, NOW));
        consider(judge_host_key_and_address(mode, [(*name, &hosts)], name, name, port, key, NOW));
    }
    consider(refuse_revoked([(*name, revoked)], name, key));
    if let Err(error) = KnownHosts::format_entry(name, port, key, Some(random)) {
        consider(error.to_string());
    }
    let stored = host_name(name, port);
    let (names, keys) = ([stored.as_str(), *name], [key.clone()]);
    let changes = KnownHosts::host_key_changes([&hosts], name, Some(name), port, &keys);
    if let Ok(changes) = &changes {
        consider(host_key_update_question(name, changes));
    }
    consider(changes);
    consider(edit::find(file, name));
    consider(edit::remove(file, name));
    consider(edit::hash(file, random));
    consider((edit::add(file, &names, key, None), edit::add(file, &names, key, Some(random))));
    consider((edit::replace(file, &names, &keys, None), edit::replace(file, &names, &keys, Some(random))));
}

/// Reads who may log in, and lets somebody in or not.
#[unsafe(no_mangle)]
pub extern "C" fn decode_authorized(
    file: &&[u8],
    name: &&str,
    port: u16,
    key: &PublicKey,
    source: &IpAddr,
    offset: i32,
    used: Option<&SecurityKeyUse>,
) {
    let (keys, principals) = (AuthorizedKeys::parse(file), AuthorizedPrincipals::parse(file));
    consider((keys.find(key).map(|found| found.has_option(name)), keys.find_all(key).count()));
    let skipped = keys.skipped().iter().chain(principals.skipped());
    consider(skipped.map(ToString::to_string).count());
    let login = Login::new(NOW).utc_offset(offset).from(*source).host_name(name).security_key(used.copied());
    let mut permissions = Permissions::default();
    let mut take = |granted: Result<Permissions, LoginRefused>| match granted {
        Ok(granted) => match permissions.clone().and(granted) {
            Ok(both) => permissions = both,
            Err(error) => consider(error.to_string()),
        },
        Err(error) => consider(error.to_string()),
    };
    for line in keys.keys() {
        take(line.permissions(&login));
    }
    if let Some(certificate) = key.certificate() {
        let authorities = [certificate.signature_key().clone()];
        let check = CertificateCheck::user(name, NOW, &authorities).from(*source).security_key(used.copied());
        for line in keys.find_authorities(&certificate) {
            take(line.certificate_permissions(&certificate, check.clone(), &login));
        }
        take(principals.permissions(&certificate, check, &login));
    }
    consider((permissions.allows_open(name, port), permissions.allows_listen(name, port)));
}

/// Reads groups for key exchange, and lists of algorithms.
#[unsafe(no_mangle)]
pub extern "C" fn decode_algorithms(file: &&[u8]) {
    let groups = ModuliFile::parse(file);
    consider((groups.groups().len(), groups.skipped().iter().map(ToString::to_string).count()));
    consider(groups.moduli());
    let Ok(text) = core::str::from_utf8(file) else { return };
    consider((Algorithms::preset(text), Algorithms::all()));
    let known = Algorithms::default().ciphers;
    if let Err(error) = algorithm_list::apply(text, &known, &known) {
        consider(error.to_string());
    }
}

/// Resolves a configuration on a machine of which nothing is known, and asks for all that it says.
#[unsafe(no_mangle)]
pub extern "C" fn decode_config(file: &&[u8], request: &Request, text: &&str, key: Option<&PublicKey>) {
    consider(parse_option(text).map_err(|error| error.to_string()));
    match resolve_config(file, request.clone()) {
        Ok(Some(resolved)) => use_config(&resolved, text, key),
        Ok(None) => {}
        Err(error) => consider(error.to_string()),
    }
}

/// Every question of a resolver is answered as the file says.
fn resolve_config(file: &[u8], request: Request) -> Result<Option<Resolved>, ConfigError> {
    let mut resolver = Resolver::new(request)?;
    for turn in 0..64 {
        match resolver.step()? {
            Step::Read(read) => {
                resolver.answer_files(vec![ConfigFile { name: read.pattern, text: file.to_vec() }]);
            }
            Step::Run { command } => resolver.answer_run(command.len() % 2 == 0),
            Step::LookUp { host } => {
                resolver.answer_look_up((turn > 8).then_some(Lookup { canonical_name: Some(host) }));
            }
            Step::LocalAddresses => resolver.answer_addresses(vec![[127, 0, 0, 1].into()]),
            Step::Done(resolved) => return Ok(Some(*resolved)),
        }
    }
    Ok(None)
}

fn use_config(resolved: &Resolved, text: &str, key: Option<&PublicKey>) {
    for paths in [resolved.identity_files(), resolved.certificate_files()] {
        consider(paths.map_err(|error| error.to_string()));
    }
    consider((resolved.proxy_command(), resolved.local_command(), resolved.expand(text)));
    for purpose in [LookupPurpose::Order, LookupPurpose::HostName, LookupPurpose::Address] {
        consider(resolved.known_hosts_command(&HostLookup { name: text, purpose, key }));
    }
    consider((
        host_key_order_is_fixed(resolved),
        host_based_algorithms(resolved).map(drop),
        authority_algorithms(resolved),
    ));
    consider(environment(resolved, [(text.into(), text.into())]));
    consider((resolved.lines(&AlgorithmNames::default()), resolved.lines(&AlgorithmNames::built_in())));
    consider((resolved.older_lines(), resolved.warnings.len()));
    consider(resolved.session.send_env.value.covers(text.as_bytes()));
    consider((client_config(resolved).map(drop), strict_host_key_checking(resolved), credentials(resolved)));
}
