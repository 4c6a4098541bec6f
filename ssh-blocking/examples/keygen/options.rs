//! The command line.

use std::path::PathBuf;

use ssh_blocking::ssh_core::SecretBytes;
use ssh_blocking::ssh_core::key::{FingerprintHash, KeyEncryption, KeyFileCipher};

pub(crate) const USAGE: &str = "\
keygen [-q] [-t TYPE] [-b BITS] [-C COMMENT] [-N PASSPHRASE] [-f FILE] [-m FORMAT] [-a ROUNDS] [-Z CIPHER]
keygen -p [-P OLD] [-N NEW] [-f FILE] [-o FILE] [-m FORMAT] [-a ROUNDS] [-Z CIPHER]
keygen -c [-P PASSPHRASE] [-C COMMENT] [-f FILE]
keygen -y [-P PASSPHRASE] [-f FILE]
keygen -l [-v] [-E HASH] [-f FILE]
keygen -B [-f FILE]
keygen -e [-m RFC4716|PKCS8|PEM] [-f FILE]
keygen -i [-f FILE]
keygen -F HOST [-l [-E HASH]] [-H] [-f KNOWN_HOSTS]
keygen -R HOST [-f KNOWN_HOSTS]
keygen -H [-f KNOWN_HOSTS]
keygen -Y sign -f KEY -n NAMESPACE [-O hashalg=HASH] [FILE ..]
keygen -Y verify -f ALLOWED_SIGNERS -I PRINCIPAL -n NAMESPACE -s SIGNATURE < FILE
keygen -Y check-novalidate -n NAMESPACE -s SIGNATURE < FILE
keygen -Y find-principals -f ALLOWED_SIGNERS -s SIGNATURE
keygen -Y match-principals -f ALLOWED_SIGNERS -I PRINCIPAL
FORMAT of private keys: RFC4716 (OpenSSH's own), PKCS8, PEM, PPK, PPK2";

/// Options that take a value.
const WITH_VALUE: &str = "tbfoNPCmEZaYFRnsIO";

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Help,
    Generate,
    ChangePassphrase,
    ChangeComment,
    ShowPublic,
    ShowFingerprint,
    ShowBubbleBabble,
    Export,
    Import,
    Signature,
}

/// All of the command line; each action takes what is its own.
pub(crate) struct Options {
    pub(crate) action: Action,
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
    pub(crate) hash_hosts: bool,
    pub(crate) find: Option<String>,
    pub(crate) forget: Option<String>,
    pub(crate) key_type: Option<String>,
    pub(crate) bits: Option<u32>,
    pub(crate) file: Option<PathBuf>,
    pub(crate) output: Option<PathBuf>,
    pub(crate) new_passphrase: Option<SecretBytes>,
    pub(crate) passphrase: Option<SecretBytes>,
    pub(crate) comment: Option<String>,
    pub(crate) format: Option<String>,
    pub(crate) hash: FingerprintHash,
    pub(crate) cipher: KeyFileCipher,
    pub(crate) rounds: u32,
    pub(crate) operation: String,
    pub(crate) namespace: Option<String>,
    pub(crate) signature: Option<PathBuf>,
    pub(crate) principal: Option<String>,
    pub(crate) further: Vec<String>,
    pub(crate) arguments: Vec<PathBuf>,
}

impl Options {
    fn new() -> Self {
        Self {
            action: Action::Generate,
            quiet: false,
            verbose: false,
            hash_hosts: false,
            find: None,
            forget: None,
            key_type: None,
            bits: None,
            file: None,
            output: None,
            new_passphrase: None,
            passphrase: None,
            comment: None,
            format: None,
            hash: FingerprintHash::Sha256,
            cipher: KeyFileCipher::default(),
            rounds: KeyEncryption::DEFAULT_ROUNDS,
            operation: String::new(),
            namespace: None,
            signature: None,
            principal: None,
            further: Vec::new(),
            arguments: Vec::new(),
        }
    }

    /// Reads the arguments as getopt(3) does: letters may stand together, and a value may follow its letter at once.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::new();
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            let letters = match argument.strip_prefix('-') {
                Some("-help") => {
                    options.action = Action::Help;
                    return Ok(options);
                }
                Some("-") => {
                    options.arguments.extend(arguments.map(PathBuf::from));
                    return Ok(options);
                }
                Some(letters) if !letters.is_empty() => letters.to_owned(),
                _ => {
                    options.arguments.push(argument.into());
                    continue;
                }
            };
            for (position, letter) in letters.char_indices() {
                if options.flag(letter)? {
                    continue;
                }
                if !WITH_VALUE.contains(letter) {
                    return Err(format!("there is no option -{letter}; try --help"));
                }
                let rest = &letters[position + letter.len_utf8()..];
                let next = if rest.is_empty() { arguments.next() } else { Some(rest.to_owned()) };
                let value = next.ok_or_else(|| format!("option -{letter} needs a value; try --help"))?;
                options.value(letter, value)?;
                break;
            }
        }
        Ok(options)
    }

    /// Takes a letter without a value; false if it has one.
    fn flag(&mut self, letter: char) -> Result<bool, String> {
        let action = match letter {
            'q' => {
                self.quiet = true;
                return Ok(true);
            }
            'v' => {
                self.verbose = true;
                return Ok(true);
            }
            'H' => {
                self.hash_hosts = true;
                return Ok(true);
            }
            'h' => Action::Help,
            'p' => Action::ChangePassphrase,
            'c' => Action::ChangeComment,
            'y' => Action::ShowPublic,
            'l' => Action::ShowFingerprint,
            'B' => Action::ShowBubbleBabble,
            'e' => Action::Export,
            'i' => Action::Import,
            _ => return Ok(false),
        };
        self.act(action)?;
        Ok(true)
    }

    fn act(&mut self, action: Action) -> Result<(), String> {
        if self.action != Action::Generate && self.action != action {
            return Err("only one of -p, -c, -y, -l, -B, -e, -i and -Y can be given; try --help".into());
        }
        self.action = action;
        Ok(())
    }

    fn value(&mut self, letter: char, value: String) -> Result<(), String> {
        match letter {
            't' => self.key_type = Some(value),
            'b' => self.bits = Some(number(letter, &value)?),
            'f' => self.file = Some(value.into()),
            'o' => self.output = Some(value.into()),
            'N' => self.new_passphrase = Some(value.into()),
            'P' => self.passphrase = Some(value.into()),
            'C' => self.comment = Some(value),
            'm' => self.format = Some(value),
            'E' => self.hash = hash(&value)?,
            'Z' => self.cipher = cipher(&value)?,
            'a' => self.rounds = number(letter, &value)?,
            'Y' => {
                self.act(Action::Signature)?;
                self.operation = value;
            }
            'F' => self.find = Some(value),
            'R' => self.forget = Some(value),
            'n' => self.namespace = Some(value),
            's' => self.signature = Some(value.into()),
            'I' => self.principal = Some(value),
            'O' => self.further.push(value),
            _ => return Err(format!("there is no option -{letter}; try --help")),
        }
        Ok(())
    }

    /// A value without which the action makes no sense.
    pub(crate) fn required<'a, T>(&self, letter: char, value: &'a Option<T>) -> Result<&'a T, String> {
        value.as_ref().ok_or_else(|| format!("option -{letter} is missing; try --help"))
    }
}

fn number(letter: char, value: &str) -> Result<u32, String> {
    value.parse().map_err(|_| format!("option -{letter} needs a number, not \"{}\"", value.escape_debug()))
}

fn hash(name: &str) -> Result<FingerprintHash, String> {
    let known = [
        FingerprintHash::Sha256,
        FingerprintHash::Sha512,
        FingerprintHash::Sha1,
        #[cfg(feature = "legacy")]
        FingerprintHash::Md5,
    ];
    let found = known.into_iter().find(|hash| hash.name().eq_ignore_ascii_case(name));
    found.ok_or_else(|| format!("there is no fingerprint hash \"{}\"; take sha256 or sha512", name.escape_debug()))
}

fn cipher(name: &str) -> Result<KeyFileCipher, String> {
    let names = || KeyFileCipher::ALL.iter().map(|cipher| cipher.name()).collect::<Vec<_>>().join(", ");
    KeyFileCipher::by_name(name)
        .ok_or_else(|| format!("there is no cipher \"{}\" for key files; take one of {}", name.escape_debug(), names()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split(' ').map(String::from))
    }

    #[test]
    fn letters_and_values_as_getopt_reads_them() {
        let options = parse("-lvf key -Esha512").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((options.action, options.verbose), (Action::ShowFingerprint, true));
        assert_eq!((options.file, options.hash), (Some("key".into()), FingerprintHash::Sha512));
        let options = parse("-Y sign -n file -- -l").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((options.action, options.arguments), (Action::Signature, vec!["-l".into()]));
        assert_eq!(options.operation, "sign");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, words) in [
            ("-l -y", "only one of"),
            ("-X", "no option -X"),
            ("-f", "option -f needs a value"),
            ("-b many", "needs a number, not \"many\""),
            ("-E md4", "no fingerprint hash \"md4\""),
            ("-Z none", "aes256-ctr"),
        ] {
            let error = parse(line).err().unwrap_or_default();
            assert!(error.contains(words), "{line}: {error}");
        }
    }
}
