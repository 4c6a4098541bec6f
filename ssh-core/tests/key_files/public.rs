use ssh_core::key::{KeyError, PublicKeyFormat, PublicKeyLine};

use crate::{KEYS, file, files, public, random};

#[test]
fn public_files_of_the_tools() {
    let mut read = 0;
    for key in KEYS.into_iter().chain(["openssl25519"]) {
        for name in files(key, &["pub", "spki", "pub.pem", "rfc4716"]) {
            let text = file(&name);
            let line = PublicKeyLine::read(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(line.key, public(key), "{name}");
            let crlf = String::from_utf8(text).unwrap().replace('\n', "\r\n");
            assert_eq!(PublicKeyLine::read(crlf.as_bytes()), Ok(line), "{name}");
            read += 1;
        }
    }
    assert_eq!(read, 20, "every file was found");
}

/// There is one way to write OpenSSL's forms, and it is that of the tools.
#[test]
fn what_is_written_is_what_the_tools_write() {
    for key in KEYS.into_iter().chain(["openssl25519"]) {
        let line = PublicKeyLine { key: public(key), comment: "a comment".into() };
        for (suffix, format) in [("spki", PublicKeyFormat::Pkcs8), ("pub.pem", PublicKeyFormat::Pem)] {
            for name in files(key, &[suffix]) {
                assert_eq!(line.write(format).unwrap().as_bytes(), file(&name), "{name}");
            }
        }
        for format in [PublicKeyFormat::OpenSsh, PublicKeyFormat::Rfc4716] {
            assert_eq!(PublicKeyLine::read(line.write(format).unwrap().as_bytes()), Ok(line.clone()));
        }
    }
}

/// The body of `ssh-keygen`'s blocks is ours; only its comment is made up from the key's size.
#[test]
fn the_body_of_rfc_4716_blocks() {
    for key in KEYS {
        for name in files(key, &["rfc4716"]) {
            let ours =
                PublicKeyLine { key: public(key), comment: String::new() }.write(PublicKeyFormat::Rfc4716).unwrap();
            let theirs = String::from_utf8(file(&name)).unwrap();
            let theirs: String =
                theirs.lines().filter(|line| !line.contains(':')).flat_map(|line| [line, "\n"]).collect();
            assert_eq!(ours, theirs, "{name}");
        }
    }
}

/// RFC 4716 §3.6's examples, of what a header can be.
#[test]
fn headers_go_on_behind_a_backslash() {
    let base64 = public("rsa2048").to_string().split(' ').nth(1).unwrap().to_owned();
    let block =
        |headers: &str| format!("---- BEGIN SSH2 PUBLIC KEY ----\n{headers}{base64}\n---- END SSH2 PUBLIC KEY ----\n");
    for (headers, comment) in [
        ("", ""),
        (
            "Comment: This is my public key for use on \\\nservers which I don't like.\n",
            "This is my public key for use on servers which I don't like.",
        ),
        ("Subject: me\nComment: DSA Public Key for use with MyIsp\n", "DSA Public Key for use with MyIsp"),
        (
            "comment: \"1024-bit RSA, converted from OpenSSH by me@example.com\"\nx-command: /home/me/bin/lock-in-guest.sh\n",
            "1024-bit RSA, converted from OpenSSH by me@example.com",
        ),
        ("Comment: \"a\\\nb\\\nc\"\n", "abc"),
    ] {
        let line = PublicKeyLine::read(block(headers).as_bytes()).unwrap();
        assert_eq!((line.key, line.comment.as_str()), (public("rsa2048"), comment));
    }
    let long = PublicKeyLine { key: public("ed25519"), comment: "word ".repeat(100).trim_end().into() };
    let text = long.write(PublicKeyFormat::Rfc4716).unwrap();
    assert!(text.lines().all(|line| line.len() <= 72), "{text}");
    assert_eq!(PublicKeyLine::read(text.as_bytes()), Ok(long));
}

#[test]
fn what_is_no_public_key_file() {
    let private = PublicKeyLine::read(&file("ed25519"));
    assert_eq!(private, Err(KeyError::UnsupportedFormat { label: "OPENSSH PRIVATE KEY".into() }));
    for name in ["ecdsa256.spki", "rsa2048.pub.pem", "dsa.spki", "ed25519.rfc4716", "rsa2048.rfc4716"] {
        let text = file(name);
        for length in 0..text.len() - 1 {
            assert!(PublicKeyLine::read(&text[..length]).is_err(), "{name} {length}");
        }
        let middle = text.len() / 2;
        for byte in [0, b'\\', b'='] {
            let mut changed = text.clone();
            changed[middle] = byte;
            assert!(PublicKeyLine::read(&changed).is_err(), "{name} {byte}");
        }
    }
    assert_eq!(PublicKeyLine::read(b"# only\n\n"), Err(KeyError::NotAKeyLine));
    assert_eq!(PublicKeyLine::read(&vec![b' '; 1 << 21]), Err(KeyError::TooLong));
    let line = [b"# a comment\n\n", file("ed25519.pub").as_slice()].concat();
    assert_eq!(PublicKeyLine::read(&line).unwrap().key, public("ed25519"));
}

#[test]
fn faults_in_words() {
    let words = |text: &[u8]| PublicKeyLine::read(text).unwrap_err().to_string();
    assert_eq!(words(&file("ed25519")), "the file holds no public key but \"OPENSSH PRIVATE KEY\"");
    let cut = &file("ed25519.rfc4716")[..60];
    assert_eq!(words(cut), "the public key file is damaged: its base64 text or its END line is wrong");
    let other = ssh_core::key::PublicKey::from_blob(b"\0\0\0\x07ssh-new").unwrap();
    let line = PublicKeyLine { key: other, comment: String::new() };
    let error = line.write(PublicKeyFormat::Pkcs8).unwrap_err();
    assert_eq!(error.to_string(), "a key of type ssh-new cannot be written as PKCS#8");
    assert_eq!(line.write(PublicKeyFormat::OpenSsh).as_deref(), Ok("ssh-new AAAAB3NzaC1uZXc=\n"));
}

/// Blocks of every form that are cut off, have no base64 in them, or hold something else.
#[test]
fn damaged_blocks() {
    for (key, suffix) in [("rsa2048", "rfc4716"), ("rsa2048", "spki"), ("ecdsa384", "spki"), ("rsa2048", "pub.pem")] {
        for name in files(key, &[suffix]) {
            let text = String::from_utf8(file(&name)).unwrap();
            let lines: Vec<_> = text.lines().collect();
            for length in 1..lines.len() {
                let cut = lines[..length].join("\n");
                assert_eq!(PublicKeyLine::read(cut.as_bytes()), Err(KeyError::Armor), "{name}: {length} lines");
            }
            let middle = lines.len() / 2;
            let odd = text.replacen(lines[middle], "*", 1);
            assert_eq!(PublicKeyLine::read(odd.as_bytes()), Err(KeyError::Armor), "{name}");
            let without = text.replacen(lines[middle], "", 1);
            assert!(PublicKeyLine::read(without.as_bytes()).is_err(), "{name}");
        }
    }
}

/// OpenSSL's forms have no place for certificates and keys of its own making.
#[cfg(feature = "pkcs8")]
#[test]
fn keys_that_a_format_has_no_place_for() {
    use ssh_core::UnixTime;
    use ssh_core::key::{CertificateBuilder, PrivateKey};
    let authority = PrivateKey::read(&file("ed25519"), None).unwrap();
    let hour = UnixTime::from_secs(0)..UnixTime::from_secs(3600);
    let certificate = CertificateBuilder::user(authority.public_key(), "id", hour).principal("alice");
    let key = certificate.sign(&authority, &mut random()).unwrap();
    let line = PublicKeyLine { key, comment: String::new() };
    // PEM is PKCS#8 for all but RSA.
    let refused = KeyError::NotInFormat { key_type: "ssh-ed25519-cert-v01@openssh.com".into(), format: "PKCS#8" };
    for format in [PublicKeyFormat::Pkcs8, PublicKeyFormat::Pem] {
        assert_eq!(line.write(format), Err(refused.clone()), "{format:?}");
    }
}

/// A comment that does not fit into a header (RFC 4716 §3.3) is cut; what it ends with then does not make it go on.
#[test]
fn long_comments_in_a_block() {
    let key = public("ed25519");
    for (length, end) in (900..1100).flat_map(|length| ["", "\\", "\\\\\\", "\u{fffd}\\"].map(|end| (length, end))) {
        for letter in ["x", "\\", "\u{fffd}"] {
            let comment = letter.repeat(length / letter.len()) + end + &"\\".repeat(length % 3) + "y";
            let text =
                PublicKeyLine { key: key.clone(), comment: comment.clone() }.write(PublicKeyFormat::Rfc4716).unwrap();
            assert!(text.lines().all(|line| line.len() <= 72), "{text}");
            let again =
                PublicKeyLine::read(text.as_bytes()).unwrap_or_else(|error| panic!("{length} {end:?}: {error}"));
            assert_eq!(again.key, key);
            assert!(comment.starts_with(&again.comment) && again.comment.len() >= length.min(1000), "{comment}");
        }
    }
}
