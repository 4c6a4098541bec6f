use ssh_blocking::ssh_core::key::PublicKeyFormat;
use ssh_interop_tests::peer::require_all;
use ssh_interop_tests::temp_dir;

use crate::{TYPES, key_of, keygens, public_of, read_public, write};

const FORMATS: [(&str, PublicKeyFormat); 3] =
    [("RFC4716", PublicKeyFormat::Rfc4716), ("PKCS8", PublicKeyFormat::Pkcs8), ("PEM", PublicKeyFormat::Pem)];

#[test]
fn exported_by_it_and_imported_by_us_and_the_other_way() {
    if !require_all(&["ssh-keygen", "ssh"]) {
        return;
    }
    let directory = temp_dir();
    for keygen in keygens() {
        for (kind, bits) in TYPES {
            let path = directory.path().join(format!("{keygen:?}-{kind}{bits}"));
            if !keygen.make((kind, bits), &["-N", ""], &path) {
                continue;
            }
            let line = read_public(&public_of(&path));
            for (name, format) in FORMATS {
                // It has no Ed25519 in OpenSSL's forms.
                if kind == "ed25519" && format != PublicKeyFormat::Rfc4716 {
                    continue;
                }
                let exported = directory.path().join("exported");
                write(&exported, keygen.run(&["-e", "-m", name], &public_of(&path)).as_bytes());
                assert_eq!(read_public(&exported).key, line.key, "{kind}{bits} {name}");

                // It exports what it does not import.
                if format == PublicKeyFormat::Pem && kind != "rsa" {
                    continue;
                }
                write(&exported, line.write(format).expect("the type has such a form").as_bytes());
                let imported = keygen.run(&["-i", "-m", name], &exported);
                assert_eq!(key_of(&imported), line.key.to_string(), "{kind}{bits} {name}");
            }
        }
    }
}
