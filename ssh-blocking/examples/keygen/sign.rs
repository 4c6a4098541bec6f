//! Signatures of files (`-Y`).

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use ssh_blocking::ssh_core::UnixTime;
use ssh_blocking::ssh_core::files::allowed_signers::AllowedSigners;
use ssh_blocking::ssh_core::key::{
    FingerprintHash, MessageHash, MessageSignature, PrivateKey, PublicKey, PublicKeyLine,
};
use ssh_blocking::ssh_core::random::OsRandom;

use crate::files;
use crate::options::Options;

pub(crate) fn run(options: &Options) -> Result<(), String> {
    match options.operation.as_str() {
        "sign" => sign(options),
        "verify" => verify(options),
        "check-novalidate" => check(options),
        "find-principals" => find_principals(options),
        "match-principals" => match_principals(options),
        other => Err(format!(
            "there is no -Y {}; take sign, verify, check-novalidate, find-principals or match-principals",
            other.escape_debug()
        )),
    }
}

/// Signs each file into another one with `.sig` behind its name, or standard input to standard output.
fn sign(options: &Options) -> Result<(), String> {
    let (key, certificate) = signer(options.required('f', &options.file)?, options)?;
    let namespace = options.required('n', &options.namespace)?;
    let hash = hash(options)?;
    let sign = |message: &[u8]| {
        let signature = MessageSignature::sign(&key, namespace, hash, message, &mut OsRandom);
        let signature = match &certificate {
            Some(certificate) => signature.and_then(|signature| signature.with_certificate(certificate.clone())),
            None => signature,
        };
        signature.map(|signature| signature.write()).map_err(|error| error.to_string())
    };
    if options.arguments.is_empty() {
        let text = sign(&standard_input()?)?;
        return std::io::stdout().write_all(text.as_bytes()).map_err(|error| format!("cannot write: {error}"));
    }
    for path in &options.arguments {
        let message = std::fs::read(path).map_err(|error| files::failed(path, error))?;
        let mut name = path.as_os_str().to_owned();
        name.push(".sig");
        let output = PathBuf::from(name);
        files::replace(&output, sign(&message)?.as_bytes(), 0o644)?;
        if !options.quiet {
            eprintln!("Signed {}; the signature is in {}", path.display(), output.display());
        }
    }
    Ok(())
}

/// The private key to sign with. A public file or a certificate stands for the private key beside it.
fn signer(path: &Path, options: &Options) -> Result<(PrivateKey, Option<PublicKey>), String> {
    let passphrase = options.passphrase.as_ref();
    let text = files::read(path)?;
    let Ok(public) = PublicKeyLine::read(text.expose()) else {
        return Ok((files::read_private(path, passphrase)?, None));
    };
    let name = path.to_string_lossy();
    let private = name.strip_suffix("-cert.pub").or_else(|| name.strip_suffix(".pub"));
    let private =
        private.ok_or_else(|| files::failed(path, "it is no private key; give the file of the private one"))?;
    let certificate = public.key.certificate().map(|_| public.key.clone());
    Ok((files::read_private(Path::new(private), passphrase)?, certificate))
}

fn verify(options: &Options) -> Result<(), String> {
    let allowed = allowed_signers(options)?;
    let principal = options.required('I', &options.principal)?;
    let namespace = options.required('n', &options.namespace)?;
    let signature = signature(options)?;
    let message = standard_input()?;
    let verified = allowed.verify(&signature, principal, namespace, &message, verify_time(options)?);
    let _ = verified.map_err(|error| format!("could not verify the signature: {error}"))?;
    if !options.quiet {
        println!("{} for {}", good(&signature), principal.escape_debug());
    }
    Ok(())
}

fn check(options: &Options) -> Result<(), String> {
    let namespace = options.required('n', &options.namespace)?;
    let signature = signature(options)?;
    let verified = signature.verify(namespace, &standard_input()?);
    let _ = verified.map_err(|error| format!("could not verify the signature: {error}"))?;
    if !options.quiet {
        println!("{}", good(&signature));
    }
    Ok(())
}

fn good(signature: &MessageSignature) -> String {
    let key = signature.key();
    let fingerprint = key.fingerprint(FingerprintHash::Sha256);
    format!("Good \"{}\" signature with {} key {fingerprint}", signature.namespace().escape_debug(), key.kind())
}

fn find_principals(options: &Options) -> Result<(), String> {
    let found = allowed_signers(options)?.find_principals(&signature(options)?, verify_time(options)?);
    print_all(found.iter().map(String::as_str), "no principal is allowed to have made the signature")
}

fn match_principals(options: &Options) -> Result<(), String> {
    let allowed = allowed_signers(options)?;
    let principal = options.required('I', &options.principal)?;
    print_all(allowed.match_principals(principal), "no line names the principal")
}

fn print_all<'a>(found: impl Iterator<Item = &'a str>, none: &str) -> Result<(), String> {
    let mut any = false;
    for principal in found {
        any = true;
        println!("{principal}");
    }
    if any { Ok(()) } else { Err(none.into()) }
}

fn allowed_signers(options: &Options) -> Result<AllowedSigners, String> {
    let path = options.required('f', &options.file)?;
    let text = std::fs::read(path).map_err(|error| files::failed(path, error))?;
    // The standard library knows no time zones: times without a Z are taken as UTC.
    let file = AllowedSigners::parse(&text, 0);
    for skipped in file.skipped() {
        eprintln!("keygen: {}: {skipped}", path.display());
    }
    Ok(file)
}

fn signature(options: &Options) -> Result<MessageSignature, String> {
    let path = options.required('s', &options.signature)?;
    let text = files::read(path)?;
    MessageSignature::read(text.expose()).map_err(|error| files::failed(path, error))
}

fn hash(options: &Options) -> Result<MessageHash, String> {
    let Some(name) = options.further.iter().find_map(|option| option.strip_prefix("hashalg=")) else {
        return Ok(MessageHash::default());
    };
    let unknown = || format!("there is no hash \"{}\" for signatures; take sha512 or sha256", name.escape_debug());
    MessageHash::by_name(name).ok_or_else(unknown)
}

/// When the signature is claimed to have been made: `-O verify-time=SECONDS` since 1970, or now.
fn verify_time(options: &Options) -> Result<UnixTime, String> {
    let seconds = match options.further.iter().find_map(|option| option.strip_prefix("verify-time=")) {
        Some(seconds) => seconds.parse().map_err(|_| "verify-time needs seconds since 1970".to_owned())?,
        None => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
    };
    Ok(UnixTime::from_secs(seconds))
}

fn standard_input() -> Result<Vec<u8>, String> {
    let mut message = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut message)
        .map_err(|error| format!("cannot read standard input: {error}"))?;
    Ok(message)
}
