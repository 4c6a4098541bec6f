//! Public keys in the formats of others.

use ssh_blocking::ssh_core::key::PublicKeyFormat;

use crate::files;
use crate::options::Options;

/// Prints a public key in another format.
pub(crate) fn export(options: &Options) -> Result<(), String> {
    let path = options.required('f', &options.file)?;
    let name = options.format.as_deref().unwrap_or("RFC4716");
    let format = match name.to_ascii_uppercase().as_str() {
        "RFC4716" => PublicKeyFormat::Rfc4716,
        #[cfg(feature = "pkcs8")]
        "PKCS8" => PublicKeyFormat::Pkcs8,
        #[cfg(feature = "pkcs8")]
        "PEM" => PublicKeyFormat::Pem,
        _ => return Err(format!("there is no format \"{}\"; take RFC4716, PKCS8 or PEM", name.escape_debug())),
    };
    let line = files::read_public(path, options)?;
    print!("{}", line.write(format).map_err(|error| files::failed(path, error))?);
    Ok(())
}

/// Prints a public key of any format as a line.
pub(crate) fn import(options: &Options) -> Result<(), String> {
    let path = options.required('f', &options.file)?;
    println!("{}", files::read_public(path, options)?);
    Ok(())
}
