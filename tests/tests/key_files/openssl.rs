use std::path::Path;

use ssh_blocking::ssh_core::key::{KeyFileFormat, PublicKeyFormat, PublicKeyLine};
use ssh_blocking::ssh_core::random::OsRandom;
use ssh_interop_tests::peer::{command, require_all};
use ssh_interop_tests::temp_dir;

use crate::{PASSPHRASE, assert_signs, encryption, read_private, read_public, run, write};

#[track_caller]
fn openssl(arguments: &[&str], input: &Path, output: &Path) {
    let mut openssl = command("openssl");
    openssl.args(arguments).arg("-in").arg(input).arg("-out").arg(output);
    run(openssl);
}

/// Arguments of `openssl genpkey`.
const KINDS: [&[&str]; 5] = [
    &["-algorithm", "ED25519"],
    &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
];

/// Arguments of `openssl pkcs8 -topk8` that choose an encryption.
const ENCRYPTIONS: [&[&str]; 8] = [
    &[],
    &["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1"],
    &["-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA224"],
    &["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA384", "-iter", "10000"],
    &["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512"],
    &["-v2", "des3"],
    &["-scrypt"],
    &["-scrypt", "-scrypt_N", "1024", "-scrypt_r", "4", "-scrypt_p", "3"],
];

#[test]
fn its_files_are_read_and_ours_by_it() {
    if !require_all(&["openssl"]) {
        return;
    }
    let directory = temp_dir();
    let at = |name: &str| directory.path().join(name);
    let (plain, other, public) = (at("plain"), at("other"), at("public"));
    let (passin, passout) = (format!("pass:{PASSPHRASE}"), format!("pass:{PASSPHRASE}"));
    for kind in KINDS {
        let mut generate = command("openssl");
        generate.arg("genpkey").args(kind).arg("-out").arg(&plain);
        run(generate);
        openssl(&["pkey", "-pubout"], &plain, &public);
        let key = read_private(&plain, None);
        assert_signs(&key, &read_public(&public).key);
        for arguments in ENCRYPTIONS {
            openssl(&[&["pkcs8", "-topk8", "-passout", &passout], arguments].concat(), &plain, &other);
            assert_signs(&read_private(&other, Some(PASSPHRASE)), key.public_key());
        }
        if kind[1] != "ED25519" {
            openssl(&["pkey", "-traditional"], &plain, &other);
            assert_signs(&read_private(&other, None), key.public_key());
            for cipher in ["-aes128", "-aes192", "-aes256", "-des3"] {
                openssl(&["pkey", "-traditional", cipher, "-passout", &passout], &plain, &other);
                assert_signs(&read_private(&other, Some(PASSPHRASE)), key.public_key());
            }
        }

        let spki = std::fs::read_to_string(&public).expect("it was written");
        let line = PublicKeyLine { key: key.public_key().clone(), comment: String::new() };
        assert_eq!(line.write(PublicKeyFormat::Pkcs8).expect("the type has such a form"), spki);
        for format in [KeyFileFormat::Pkcs8, KeyFileFormat::Pem] {
            for passphrase in ["", PASSPHRASE] {
                let ours = match key.write(format, encryption(passphrase).as_ref(), &mut OsRandom) {
                    Ok(ours) => ours,
                    Err(error) => {
                        assert_eq!((kind[1], format), ("ED25519", KeyFileFormat::Pem), "{error}");
                        continue;
                    }
                };
                write(&other, ours.expose());
                let shown = at("shown");
                openssl(&["pkey", "-pubout", "-passin", &passin], &other, &shown);
                assert_eq!(std::fs::read_to_string(&shown).expect("it was written"), spki, "{kind:?} {format:?}");
            }
        }
    }
}

/// Points in compressed form, and the parameters of a curve before its key.
#[test]
fn its_other_forms_of_ec_keys() {
    if !require_all(&["openssl"]) {
        return;
    }
    let directory = temp_dir();
    let (plain, other) = (directory.path().join("plain"), directory.path().join("other"));
    for curve in ["prime256v1", "secp384r1", "secp521r1"] {
        let mut generate = command("openssl");
        generate.args(["ecparam", "-genkey", "-name", curve, "-out"]).arg(&plain);
        run(generate);
        let key = read_private(&plain, None);
        openssl(&["ec", "-conv_form", "compressed"], &plain, &other);
        assert_signs(&read_private(&other, None), key.public_key());
        openssl(&["ec", "-no_public"], &plain, &other);
        assert_signs(&read_private(&other, None), key.public_key());
    }
}
