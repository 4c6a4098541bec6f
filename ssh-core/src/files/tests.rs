use alloc::{format, string::String, string::ToString, vec, vec::Vec};

use proptest::prelude::*;

use super::algorithm_list::apply;
use super::authorized_keys::AuthorizedKeys;
use super::known_hosts::{FormatEntryError, HostKeyVerdict, KnownHosts, edit};
use super::{SkipReason, SkippedLine};
use crate::crypto::Named;
use crate::key::{PublicKey, PublicKeyLine};
use crate::pattern;
use crate::random::{ChaChaRandom, RandomError, SecureRandom};
use crate::time::UnixTime;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn key(text: &[u8]) -> PublicKey {
    PublicKeyLine::parse(text).unwrap().key
}

fn ed25519() -> PublicKey {
    key(include_bytes!("../../tests/data/keys/ed25519.pub"))
}

fn p256() -> PublicKey {
    key(include_bytes!("../../tests/data/keys/ecdsa256.pub"))
}

/// Another Ed25519 key than [`ed25519`]'s.
fn other() -> PublicKey {
    key(b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGzEVq2h5CSo7gQGQseeySuO4dj4Kb6HQ3fV5oz+iCUT")
}

mod patterns {
    use super::*;

    #[test]
    fn wildcards() {
        let matches = |pattern: &str, text: &str| pattern::matches(pattern.as_bytes(), text.as_bytes());
        for (pattern, text) in
            [("", ""), ("*", ""), ("*", "a"), ("a*c", "abbc"), ("a*c", "ac"), ("?", "x"), ("**a", "a"), ("*ab", "aab")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("?", ""), ("a*c", "acb"), ("*.example.com", "example.com"), ("a", "A")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let pattern = "a*".repeat(2000) + "b";
        assert!(!pattern::matches(pattern.as_bytes(), "a".repeat(4000).as_bytes()));
    }
}

mod known_hosts {
    use super::*;

    fn lookup(text: &str, host: &str, port: u16, key: &PublicKey) -> HostKeyVerdict {
        KnownHosts::parse(text.as_bytes()).lookup(host, port, key, NOW)
    }

    #[test]
    fn verdicts() {
        let (a, b, c) = (ed25519(), other(), p256());
        let trusted = HostKeyVerdict::Trusted { line: 1 };
        let unknown = HostKeyVerdict::Unknown;
        let file = format!("Host,10.0.0.? {a} comment\n");
        assert_eq!(lookup(&file, "HOST", 22, &a), trusted);
        assert_eq!(lookup(&file, "10.0.0.7", 22, &a), trusted);
        assert_eq!(lookup(&file, "10.0.0.77", 22, &a), unknown);
        assert_eq!(lookup(&file, "host", 2222, &a), unknown);
        let changed = HostKeyVerdict::Changed { line: 1, expected: vec![(1, a.clone())] };
        assert_eq!(lookup(&file, "host", 22, &b), changed);
        let other_types = HostKeyVerdict::OtherTypes { expected: vec![(1, a.clone())] };
        assert_eq!(lookup(&file, "host", 22, &c), other_types);
        // one of several keys is enough
        assert_eq!(lookup(&format!("h {b}\nh {a}"), "h", 22, &a), HostKeyVerdict::Trusted { line: 2 });
        assert_eq!(lookup(&format!("*.example.com,!bad.example.com {a}"), "x.example.com", 22, &a), trusted);
        assert_eq!(lookup(&format!("*.example.com,!bad.example.com {a}"), "bad.example.com", 22, &a), unknown);
        assert_eq!(lookup(&format!("!x {a}"), "y", 22, &a), unknown);
        let port = format!("[h]:2222,[fe80::1]:2222 {a}");
        assert_eq!(lookup(&port, "h", 2222, &a), trusted);
        assert_eq!(lookup(&port, "fe80::1", 2222, &a), trusted);
        assert_eq!(lookup(&port, "[fe80::1]", 2222, &a), trusted);
        assert_eq!(lookup(&port, "h", 22, &a), unknown);
    }

    #[test]
    fn markers() {
        let (a, b) = (ed25519(), other());
        // wherever the mark stands, it wins
        for file in [format!("h {a}\n@revoked * {a}"), format!("@revoked\t* {a}\nh {a}")] {
            assert!(matches!(lookup(&file, "h", 22, &a), HostKeyVerdict::Revoked { .. }));
        }
        assert_eq!(lookup(&format!("h {a}\n@revoked h {b}"), "h", 22, &a), HostKeyVerdict::Trusted { line: 1 });
        assert_eq!(lookup(&format!("@revoked h {b}"), "h", 22, &a), HostKeyVerdict::Unknown);
        assert_eq!(lookup(&format!("@cert-authority * {a}"), "h", 22, &a), HostKeyVerdict::Unknown);
        assert_eq!(lookup(&format!("@trusted h {a}"), "h", 22, &a), HostKeyVerdict::Unknown);
    }

    #[test]
    fn hashed_by_ssh_keygen() {
        let file = KnownHosts::parse(include_bytes!("../../tests/data/keys/known_hosts.hashed"));
        assert!(file.skipped().is_empty());
        assert_eq!(file.lookup("host.example.com", 22, &ed25519(), NOW), HostKeyVerdict::Trusted { line: 1 });
        assert_eq!(file.lookup("Host.Example.Com", 22, &ed25519(), NOW), HostKeyVerdict::Trusted { line: 1 });
        assert_eq!(file.lookup("10.0.0.1", 22, &ed25519(), NOW), HostKeyVerdict::Trusted { line: 2 });
        assert_eq!(file.lookup("other.example.com", 2222, &p256(), NOW), HostKeyVerdict::Trusted { line: 3 });
        assert_eq!(file.lookup("other.example.com", 22, &p256(), NOW), HostKeyVerdict::Unknown);
        assert!(matches!(file.lookup("10.0.0.1", 22, &other(), NOW), HostKeyVerdict::Changed { line: 2, .. }));
        assert_eq!(file.known_key_types("other.example.com", 2222), ["ecdsa-sha2-nistp256"]);
    }

    #[test]
    fn what_makes_no_sense_is_skipped() {
        let a = ed25519();
        let text =
            format!("# comment\n\nonlyhost\nh ssh-ed25519 AAAA\n@new h {a}\n|1|AA==|AA== {a}\n|2|x {a}\r\nh {a}\r\n");
        let file = KnownHosts::parse(text.as_bytes());
        let lines: Vec<_> = file.skipped().iter().map(|skipped| skipped.line).collect();
        assert_eq!(lines, [3, 4, 5, 6, 7]);
        assert_eq!(file.skipped()[2].reason, SkipReason::UnknownMarker);
        assert_eq!(file.lookup("h", 22, &a, NOW), HostKeyVerdict::Trusted { line: 8 });
    }

    /// What a person reads about the lines that count for nothing.
    #[test]
    fn skipped_lines_in_words() {
        let a = ed25519();
        let text = format!("onlyhost\n@new h {a}\n|1|AA==|AA== {a}\nh ssh-ed25519 ####\n");
        let said: Vec<_> = KnownHosts::parse(text.as_bytes()).skipped().iter().map(|line| format!("{line}")).collect();
        assert_eq!(
            said,
            [
                "line 1 is ignored: it is incomplete",
                "line 2 is ignored: its marker is unknown",
                "line 3 is ignored: its hashed host name is malformed",
                "line 4 is ignored: the public key's base64 data is malformed",
            ]
        );
        let file = AuthorizedKeys::parse(format!("new-option\u{7f} {a}\n").as_bytes());
        let said: Vec<_> = file.skipped().iter().map(|line| format!("{line}")).collect();
        assert_eq!(said, ["line 1 is ignored: its option \"new-option\\u{7f}\" is malformed or unknown"]);
    }

    #[test]
    fn lines_that_cannot_be_made_in_words() {
        struct Failing;

        impl SecureRandom for Failing {
            fn fill(&mut self, _destination: &mut [u8]) -> Result<(), RandomError> {
                Err(RandomError)
            }
        }

        let error = KnownHosts::format_entry("a b", 22, &ed25519(), None).unwrap_err();
        assert_eq!(format!("{error}"), "the host name cannot stand in a known_hosts file");
        let error = KnownHosts::format_entry("host", 22, &ed25519(), Some(&mut Failing)).unwrap_err();
        assert_eq!(format!("{error}"), "the known_hosts line could not be made: the source of random bytes failed");
    }

    #[test]
    fn new_entries_are_found_again() {
        let mut random = ChaChaRandom::from_seed(&[1; 32]);
        let a = ed25519();
        for (host, port) in [("Example.com", 22), ("example.com", 2222), ("fe80::1", 22), ("::1", 8022)] {
            let plain = KnownHosts::format_entry(host, port, &a, None).unwrap();
            let hashed = KnownHosts::format_entry(host, port, &a, Some(&mut random)).unwrap();
            assert!(hashed.starts_with("|1|") && !hashed.contains(host));
            for line in [plain, hashed] {
                assert!(line.ends_with('\n'));
                assert_eq!(lookup(&line, host, port, &a), HostKeyVerdict::Trusted { line: 1 });
            }
        }
        for host in ["", "a b", "a\nb", "a,b", "*", "h?", "!h", "|1|", "@revoked", "#"] {
            let result = KnownHosts::format_entry(host, 22, &a, Some(&mut random));
            assert_eq!(result, Err(FormatEntryError::HostName), "{host}");
        }
    }

    fn text(edited: &edit::Edited) -> &str {
        core::str::from_utf8(&edited.text).unwrap()
    }

    #[test]
    fn hosts_are_found_and_removed_and_all_else_stays() {
        let (a, b) = (ed25519(), other());
        let file = format!(
            "# host\r\n\n host,x {a} me\n@revoked host {b}\nno sense\nother {a}\r\n*.org,!host.org {b}\n|1|AA|AA {a}\nHOST {b}"
        );
        let lines = |name| edit::find(file.as_bytes(), name).iter().map(|found| found.line).collect::<Vec<_>>();
        assert_eq!(
            [lines("host"), lines("X"), lines("a.org"), lines("host.org")],
            [vec![3, 4, 9], vec![3], vec![7], vec![]]
        );
        let removed = edit::remove(file.as_bytes(), "Host");
        assert_eq!((&removed.changed, &removed.invalid), (&vec![3, 9], &vec![5, 8]));
        let kept = format!("# host\r\n\n@revoked host {b}\nno sense\nother {a}\r\n*.org,!host.org {b}\n|1|AA|AA {a}\n");
        assert_eq!(text(&removed), kept);
        assert_eq!(text(&edit::remove(kept.as_bytes(), "host")), kept);
    }

    #[test]
    fn names_are_hashed_each_on_its_line() {
        let (a, b) = (ed25519(), other());
        let file = format!("# c\nHost,[host]:2222 {a} me\n*.org {b}\n@revoked host {b}\nno sense\nlast {b}");
        let edited = edit::hash(file.as_bytes(), &mut ChaChaRandom::from_seed(&[2; 32])).unwrap();
        assert_eq!((&edited.changed, &edited.patterns, &edited.invalid), (&vec![2, 6], &vec![3], &vec![5]));
        let lines: Vec<_> = text(&edited).split_inclusive('\n').collect();
        assert_eq!([lines[0], lines[3]], ["# c\n".into(), format!("*.org {b}\n")]);
        assert_eq!([lines[4], lines[5]], [format!("@revoked host {b}\n").as_str(), "no sense\n"]);
        assert!(lines[1].starts_with("|1|") && lines[1].ends_with(&format!(" {a} me\n")), "{}", lines[1]);
        assert!(lines[6].starts_with("|1|") && lines[6].ends_with(&format!(" {b}")), "{}", lines[6]);
        for (host, port, line) in [("host", 22, 2), ("host", 2222, 3)] {
            assert_eq!(lookup(text(&edited), host, port, &a), HostKeyVerdict::Trusted { line });
        }
        let again = edit::hash(&edited.text, &mut ChaChaRandom::from_seed(&[3; 32])).unwrap();
        assert_eq!((text(&again), again.changed.len()), (text(&edited), 0));
    }

    #[test]
    fn keys_are_added_and_replaced() {
        let (a, b, c) = (ed25519(), other(), p256());
        let mut random = ChaChaRandom::from_seed(&[4; 32]);
        let added = edit::add(b"# unfinished", &["Host", "10.0.0.1"], &a, None).unwrap();
        assert_eq!(added, format!("# unfinished\nhost,10.0.0.1 {a}\n").into_bytes());
        let hashed = edit::add(b"", &["Host", "10.0.0.1"], &a, Some(&mut random)).unwrap();
        assert_eq!(edit::find(&hashed, "host").iter().map(|found| found.line).collect::<Vec<_>>(), [1]);
        assert_eq!(edit::find(&hashed, "10.0.0.1").iter().map(|found| found.line).collect::<Vec<_>>(), [2]);
        assert_eq!(edit::add(b"", &[], &a, None), Err(FormatEntryError::HostName));

        let file = format!("# c\nhost {a} me\nhost {b}\n10.0.0.1 {b}\n@revoked host {b}\nother {b}\nno sense\n");
        let names = ["host", "10.0.0.1"];
        let replaced = edit::replace(file.as_bytes(), &names, &[a.clone(), c.clone()], None).unwrap();
        assert_eq!((&replaced.changed, replaced.added, &replaced.invalid), (&vec![3, 4], 2, &vec![7]));
        assert_eq!(
            text(&replaced),
            format!("# c\nhost {a} me\n@revoked host {b}\nother {b}\nno sense\n10.0.0.1 {a}\nhost,10.0.0.1 {c}\n")
        );
        let again = edit::replace(&replaced.text, &names, &[a, c], Some(&mut random)).unwrap();
        assert_eq!((text(&again), again.changed.len(), again.added), (text(&replaced), 0, 0));
    }
}

mod authorized_keys {
    use super::*;

    #[test]
    fn lines_and_options() {
        let (a, b) = (ed25519(), other());
        let text = format!(
            "# comment\n{a} me@here\n  restrict,Command=\"echo \\\"a, b\\\" c\",environment=\"A=1\" {b} you\nno-pty {a}\n"
        );
        let file = AuthorizedKeys::parse(text.as_bytes());
        assert!(file.skipped().is_empty(), "{:?}", file.skipped());
        let first = file.find(&a).unwrap();
        assert_eq!((first.line, first.comment.as_str(), first.options.len()), (2, "me@here", 0));
        assert_eq!(file.find_all(&a).map(|line| line.line).collect::<Vec<_>>(), [2, 4]);
        let second = file.find(&b).unwrap();
        assert!(second.has_option("restrict"));
        let options: Vec<_> = second.options.iter().map(|option| (option.name, option.value.as_deref())).collect();
        assert_eq!(options, [("restrict", None), ("command", Some("echo \"a, b\" c")), ("environment", Some("A=1"))]);
        assert_eq!(file.find(&p256()), None);
    }

    #[test]
    fn what_is_not_understood_grants_nothing() {
        let a = ed25519();
        for options in [
            "new-restriction",
            "command",
            "command=echo",
            "command=\"a",
            "command=\"a\"b\"",
            "restrict=\"x\"",
            "from=\"\\\"",
            "-",
        ] {
            let file = AuthorizedKeys::parse(format!("{options} {a}").as_bytes());
            assert_eq!((file.find(&a), file.skipped().len()), (None, 1), "{options}");
        }
        let authority = AuthorizedKeys::parse(format!("cert-authority,principals=\"x\" {a}").as_bytes());
        assert_eq!((authority.find(&a), authority.keys().len()), (None, 1));
    }
}

mod algorithm_lists {
    use super::*;

    #[derive(Clone, Copy)]
    struct Name(&'static str);

    impl Named for Name {
        fn name(&self) -> &'static str {
            self.0
        }
    }

    fn list(spec: &str) -> Result<String, String> {
        let known = ["a1", "a2", "b1", "b2"].map(Name);
        let names = |list: Vec<Name>| list.iter().map(Named::name).collect::<Vec<_>>().join(",");
        apply(spec, &known[..3], &known).map(names).map_err(|error| error.name)
    }

    #[test]
    fn operators() {
        for (spec, expected) in [
            ("b2,a1", "b2,a1"),
            ("b2,b2", "b2"),
            ("+b2", "a1,a2,b1,b2"),
            ("+a1", "a1,a2,b1"),
            ("-a2", "a1,b1"),
            ("-a*,zz", "b1"),
            ("^b2,b1", "b2,b1,a1,a2"),
            ("^b?", "b1,b2,a1,a2"),
            ("*", "a1,a2,b1,b2"),
        ] {
            assert_eq!(list(spec).as_deref(), Ok(expected), "{spec}");
        }
    }

    #[test]
    fn errors() {
        for (spec, name) in
            [("x", "x"), ("a1,x", "x"), ("+x", "x"), ("^x*", "x*"), ("", ""), ("-*", "-*"), (",", ","), ("A1", "A1")]
        {
            assert_eq!(list(spec).as_ref().map_err(String::as_str), Err(name), "{spec}");
        }
    }
}

mod moduli {
    use super::super::moduli::ModuliFile;
    use super::*;
    use crate::crypto::kex::{DhGroup, GroupFault, Moduli};

    /// A group of 2048 bits, in the file's digits.
    fn modulus() -> String {
        hexadecimal(&Moduli::default().groups()[0].modulus())
    }

    fn hexadecimal(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02X}")).collect()
    }

    fn skipped(line: &str) -> Option<SkipReason> {
        let file = ModuliFile::parse(line.as_bytes());
        assert_eq!(file.groups().len() + file.skipped().len(), 1, "{line}");
        file.skipped().first().map(|skipped| skipped.reason.clone())
    }

    #[test]
    fn groups_in_order() {
        let p = modulus();
        let text = format!(
            "# Time Type Tests Tries Size Generator Modulus\n\
             20220714110357 2 6 100 2047 2 {p}\n\n\
             20220714110357\t2 4 100  2047 0005 {}\r\n\
             0 2 2 0 3071 2 {p}\n",
            p.to_ascii_lowercase(),
        );
        let file = ModuliFile::parse(text.as_bytes());
        let bytes = Moduli::default().groups()[0].modulus();
        let expected = [2, 5].map(|generator| DhGroup::new(&bytes, &[generator]).unwrap());
        assert_eq!(file.groups(), expected);
        let lines: Vec<_> = file.skipped().iter().map(|skipped| skipped.line).collect();
        assert_eq!(lines, [5]);
        assert_eq!(file.clone().moduli(), Moduli::new(expected.to_vec()));
        assert_eq!(
            file.skipped()[0].to_string(),
            "line 5 is ignored: its group is unfit: its modulus is too short or too long"
        );
    }

    #[test]
    fn what_makes_no_sense_is_skipped() {
        let p = modulus();
        let even = format!("{}E", &p[..p.len() - 1]);
        let small = hexadecimal(&[0xff; 127]);
        let large = hexadecimal(&[0xff; 1025]);
        for (line, reason) in [
            (format!("0 2 6 100 2047 2 {p}"), None),
            ("x".into(), Some(SkipReason::Incomplete)),
            ("0 2 6 100 2047 2".into(), Some(SkipReason::Incomplete)),
            (format!("0 2 6 100 2047 2 {p} 1"), Some(SkipReason::MalformedNumber)),
            (format!("0 two 6 100 2047 2 {p}"), Some(SkipReason::MalformedNumber)),
            (format!("0 +2 6 100 2047 2 {p}"), Some(SkipReason::MalformedNumber)),
            (format!("0 2 6 100 99999999999 2 {p}"), Some(SkipReason::MalformedNumber)),
            (format!("0 2 6 100 2047 x {p}"), Some(SkipReason::MalformedNumber)),
            (format!("0 2 6 100 2047 2 {p}g"), Some(SkipReason::MalformedNumber)),
            (format!("0 2 6 100 2047 2 0x{p}"), Some(SkipReason::MalformedNumber)),
            (format!("0 4 6 100 2047 2 {p}"), Some(SkipReason::UntestedGroup)),
            (format!("0 0 6 100 2047 2 {p}"), Some(SkipReason::UntestedGroup)),
            (format!("0 2 0 100 2047 2 {p}"), Some(SkipReason::UntestedGroup)),
            (format!("0 2 7 100 2047 2 {p}"), Some(SkipReason::UntestedGroup)),
            (format!("0 2 6 100 2048 2 {p}"), Some(SkipReason::Group(GroupFault::Size))),
            (format!("0 2 6 100 4294967295 2 {p}"), Some(SkipReason::Group(GroupFault::Size))),
            (format!("0 2 6 100 1015 2 {small}"), Some(SkipReason::Group(GroupFault::Size))),
            (format!("0 2 6 100 8199 2 {large}"), Some(SkipReason::Group(GroupFault::Size))),
            (format!("0 2 6 100 2047 1 {p}"), Some(SkipReason::Group(GroupFault::Generator))),
            (format!("0 2 6 100 2047 {even} {p}"), Some(SkipReason::Group(GroupFault::Generator))),
            (format!("0 2 6 100 2047 2 {even}"), Some(SkipReason::Group(GroupFault::NotSafePrime))),
        ] {
            assert_eq!(skipped(&line), reason, "{line}");
        }
    }

    #[test]
    fn reasons_in_words() {
        for (reason, words) in [
            (SkipReason::MalformedNumber, "line 7 is ignored: a number of it is malformed"),
            (SkipReason::UntestedGroup, "line 7 is ignored: its group was not tested or did not pass"),
            (
                SkipReason::Group(GroupFault::NotSafePrime),
                "line 7 is ignored: its group is unfit: its modulus is no safe prime",
            ),
            (
                SkipReason::Group(GroupFault::Generator),
                "line 7 is ignored: its group is unfit: its generator generates nothing",
            ),
        ] {
            assert_eq!(SkippedLine { line: 7, reason }.to_string(), words);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "[ -~\n\"\\\\=#|!*,@]{0,200}") {
        for input in [&bytes[..], text.as_bytes()] {
            let _ = KnownHosts::parse(input).lookup("host", 22, &ed25519(), NOW);
            let _ = AuthorizedKeys::parse(input).find(&ed25519());
        }
    }
}
