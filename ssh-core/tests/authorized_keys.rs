//! What the options of `authorized_keys` and `AuthorizedPrincipalsFile` leave to a login (sshd(8), sshd_config(5)).

mod common;

use common::{key, random};
use ssh_core::UnixTime;
use ssh_core::crypto::signature::SecurityKeyUse;
use ssh_core::files::authorized_keys::{AuthorizedKey, AuthorizedKeys, Login, LoginRefused, Permissions, Tunnel};
use ssh_core::files::authorized_principals::AuthorizedPrincipals;
use ssh_core::key::{CertificateBuilder, CertificateCheck, KeyAlgorithm, PublicKey};

/// 2027-01-15, 08:00 UTC.
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn user() -> PublicKey {
    key(KeyAlgorithm::Ed25519, 10).public_key().clone()
}

fn line(options: &str) -> Option<AuthorizedKey> {
    let file = AuthorizedKeys::parse(format!("{options} {}\n", user()).as_bytes());
    assert_eq!(file.keys().len() + file.skipped().len(), 1, "{options}");
    file.keys().first().cloned()
}

fn login() -> Login<'static> {
    Login::new(NOW).from("192.0.2.7".parse().unwrap())
}

#[track_caller]
fn permissions(options: &str) -> Permissions {
    line(options).unwrap().permissions(&login()).unwrap()
}

/// Later options overrule earlier ones, so that `restrict` can be taken back in part.
#[test]
fn flags_in_their_order() {
    let flags = |options: &str| {
        let p = permissions(options);
        [p.agent_forwarding, p.port_forwarding, p.pty, p.user_rc, p.x11_forwarding].map(u8::from)
    };
    for (options, expected) in [
        ("no-touch-required", [1, 1, 1, 1, 1]),
        ("restrict", [0, 0, 0, 0, 0]),
        ("restrict,pty", [0, 0, 1, 0, 0]),
        ("pty,restrict", [0, 0, 0, 0, 0]),
        ("restrict,Agent-Forwarding,port-forwarding,user-rc,X11-forwarding", [1, 1, 0, 1, 1]),
        ("no-agent-forwarding", [0, 1, 1, 1, 1]),
        ("no-port-forwarding", [1, 0, 1, 1, 1]),
        ("no-pty", [1, 1, 0, 1, 1]),
        ("no-user-rc", [1, 1, 1, 0, 1]),
        ("no-X11-forwarding", [1, 1, 1, 1, 0]),
        ("no-pty,pty", [1, 1, 1, 1, 1]),
        (",restrict,,pty,", [0, 0, 1, 0, 0]),
    ] {
        assert_eq!(flags(options), expected, "{options}");
    }
}

#[test]
fn values() {
    let all = permissions(
        "command=\"a \\\"b\\\"\",environment=\"A=1\",environment=\"B=x=y\",environment=\"A=2\",tunnel=\"3\"",
    );
    assert_eq!(all.command.as_deref(), Some("a \"b\""));
    assert_eq!(all.environment, [("A".into(), "1".into()), ("B".into(), "x=y".into())], "the first value counts");
    assert_eq!(all.tunnel, Some(Tunnel::Number(3)));
    assert_eq!(permissions("tunnel=\"any\"").tunnel, Some(Tunnel::Any));
}

#[test]
fn forwarding_to_and_from_addresses() {
    let some =
        permissions("permitopen=\"a:80\",permitopen=\"*:22\",permitopen=\"[2001:db8::1]:*\",permitlisten=\"8080\"");
    for (host, port, expected) in [
        ("a", 80, true),
        ("a", 81, false),
        ("b", 80, false),
        ("b", 22, true),
        ("2001:db8::1", 9, true),
        ("A", 80, false),
    ] {
        assert_eq!(some.allows_open(host, port), expected, "{host} {port}");
    }
    assert!(some.allows_listen("localhost", 8080) && some.allows_listen("", 8080) && !some.allows_listen("", 8081));
    let none = permissions("permitopen=\"a:80\",no-port-forwarding");
    assert!(!none.allows_open("a", 80) && !none.allows_listen("", 80));
    let free = permissions("pty");
    assert!(free.allows_open("anything", 1) && free.allows_listen("anything", 1));
}

/// What cannot be understood, or is there once too often, makes its line grant nothing.
#[test]
fn malformed_values() {
    for options in [
        "command=\"a\",command=\"a\"",
        "from=\"a\",from=\"a\"",
        "principals=\"a\",principals=\"a\"",
        "expiry-time=\"\"",
        "expiry-time=\"2027\"",
        "expiry-time=\"20270229\"",
        "expiry-time=\"20270115Y\"",
        "environment=\"A\"",
        "environment=\"=1\"",
        "environment=\"A-B=1\"",
        "environment=\"A B=1\"",
        "permitopen=\"80\"",
        "permitopen=\"a\"",
        "permitopen=\"a:\"",
        "permitopen=\"a:0\"",
        "permitopen=\"a:65536\"",
        "permitopen=\"a:+80\"",
        "permitopen=\":80\"",
        "permitopen=\"2001:db8::1:80\"",
        "permitopen=\"[::1]80\"",
        "permitopen=\"[::1:80\"",
        "permitlisten=\"a\"",
        "permitlisten=\"\"",
        "tunnel=\"\"",
        "tunnel=\"x\"",
        "tunnel=\"-1\"",
        "tunnel=\"2147483647\"",
        "no-restrict",
        "no-cert-authority",
    ] {
        assert_eq!(line(options), None, "{options}");
    }
    let mut many = vec!["environment=\"A=1\",environment=\"B=1\""; 512];
    assert!(line(&many.join(",")).is_some());
    let distinct: Vec<_> = (0..1025).map(|n| format!("environment=\"A{n}=1\"")).collect();
    assert!(line(&distinct[..1024].join(",")).is_some());
    assert_eq!(line(&distinct.join(",")), None);
    many = vec!["permitopen=\"a:80\""; 4096];
    assert!(line(&many.join(",")).is_some());
    many.push("permitopen=\"a:80\"");
    assert_eq!(line(&many.join(",")), None);
}

/// Patterns of addresses, networks and names. What excludes wins wherever it stands.
#[test]
fn sources() {
    for (list, source, name, expected) in [
        ("192.0.2.7", "192.0.2.7", None, true),
        ("192.0.2.7", "192.0.2.8", None, false),
        ("192.0.2.*", "192.0.2.8", None, true),
        ("192.0.2.?", "192.0.2.18", None, false),
        ("192.0.2.0/24", "192.0.2.8", None, true),
        ("192.0.2.0/24", "::ffff:192.0.2.8", None, true),
        ("192.0.2.0/24", "192.0.3.8", None, false),
        ("192.0.2.0/24,!192.0.2.8", "192.0.2.8", None, false),
        ("!192.0.2.8,192.0.2.0/24", "192.0.2.8", None, false),
        ("!192.0.2.8,192.0.2.0/24", "192.0.2.9", None, true),
        ("!192.0.2.8", "192.0.2.9", None, false),
        ("192.0.2.0/24,!192.0.2.1*", "192.0.2.10", None, false),
        ("2001:db8::/32", "2001:db8::1", None, true),
        ("2001:db8:*", "2001:db8::1", None, true),
        ("2001:db8::/32", "2001:db9::1", None, false),
        ("192.0.2.8/24,192.0.2.*", "192.0.2.7", None, false),
        ("192.0.2.7/33,192.0.2.7", "192.0.2.7", None, false),
        ("192.0.2.7/,192.0.2.7", "192.0.2.7", None, true),
        ("192.0.2.7,", "192.0.2.8", None, false),
        ("*.example.com", "192.0.2.7", None, false),
        ("*.example.com", "192.0.2.7", Some("A.Example.com"), true),
        ("*.EXAMPLE.com,!a.*", "192.0.2.7", Some("a.example.com"), false),
        ("*.example.com,!192.0.2.7", "192.0.2.7", Some("a.example.com"), false),
        ("192.0.2.7,!a.example.com", "192.0.2.7", Some("a.example.com"), false),
        ("0.0.0.0/0", "192.0.2.7", None, true),
        ("0.0.0.0/0", "2001:db8::1", None, false),
    ] {
        let line = line(&format!("from=\"{list}\"")).unwrap();
        let source = source.parse().unwrap();
        let login = Login::new(NOW).from(source);
        let login = name.map_or(login, |name| login.host_name(name));
        assert_eq!(line.permissions(&login).is_ok(), expected, "{list} {source} {name:?}");
        assert_eq!(line.permissions(&Login::new(NOW)), Err(LoginRefused::Source { source: None }), "{list}");
    }
}

/// The last second still counts; local times are the caller's; of several times the earliest counts.
#[test]
fn expiry() {
    for (options, offset, expected) in [
        ("expiry-time=\"20270115080000Z\"", 0, true),
        ("expiry-time=\"20270115075959Z\"", 0, false),
        ("expiry-time=\"202701150800Z\"", 3600, true),
        ("expiry-time=\"20270116\"", 0, true),
        ("expiry-time=\"20270115\"", 0, false),
        ("expiry-time=\"202701150830\"", 0, true),
        ("expiry-time=\"202701150830\"", 3600, false),
        ("expiry-time=\"202701150730\"", -3600, true),
        ("expiry-time=\"20280101Z\",expiry-time=\"20260101Z\"", 0, false),
    ] {
        let outcome = line(options).unwrap().permissions(&login().utc_offset(offset));
        assert_eq!(outcome.is_ok(), expected, "{options} {offset}");
        assert!(expected || outcome == Err(LoginRefused::Expired));
    }
}

#[test]
fn security_keys() {
    for (options, present, verified, expected) in [
        ("pty", true, false, Ok(())),
        ("pty", false, false, Err(LoginRefused::TouchRequired)),
        ("no-touch-required", false, false, Ok(())),
        ("no-touch-required,touch-required", false, false, Err(LoginRefused::TouchRequired)),
        ("verify-required", true, false, Err(LoginRefused::VerificationRequired)),
        ("verify-required", true, true, Ok(())),
        ("verify-required,no-verify-required", true, false, Ok(())),
    ] {
        let login = login().security_key(Some(SecurityKeyUse::new(present, verified, 1)));
        assert_eq!(line(options).unwrap().permissions(&login).map(drop), expected, "{options}");
    }
    let without = line("verify-required").unwrap().permissions(&login());
    assert_eq!(without, Err(LoginRefused::VerificationRequired), "a key that is none cannot verify anybody");
}

#[test]
fn authorities_and_principals_on_keys_own_lines() {
    let refused = |options: &str| line(options).unwrap().permissions(&login()).unwrap_err();
    assert_eq!(refused("cert-authority"), LoginRefused::Authority);
    assert_eq!(refused("principals=\"user\""), LoginRefused::PrincipalsWithoutAuthority);
}

/// A certificate for `principals`, by the key [`user`] is, with a forced command if there is one.
fn certificate(principals: &[&str], command: Option<&str>) -> PublicKey {
    let authority = key(KeyAlgorithm::Ed25519, 10);
    let subject = key(KeyAlgorithm::Ed25519, 11);
    let validity = UnixTime::from_secs(0)..UnixTime::from_secs(4_000_000_000);
    let mut builder = CertificateBuilder::user(subject.public_key(), "id", validity).permit_all();
    for principal in principals {
        builder = builder.principal(principal);
    }
    if let Some(command) = command {
        builder = builder.force_command(command);
    }
    builder.sign(&authority, &mut random(3)).unwrap()
}

/// Line and certificate together: what either forbids is forbidden.
#[test]
fn a_line_and_a_certificate() {
    let check = || CertificateCheck::user("user", NOW, &[]);
    let outcome = |options: &str, principals: &[&str], command| {
        let certificate = certificate(principals, command).certificate().unwrap();
        line(options).unwrap().certificate_permissions(&certificate, check(), &login())
    };
    let both = outcome("cert-authority,command=\"a\",no-pty", &["user"], Some("a")).unwrap();
    assert_eq!((both.command.as_deref(), both.pty), (Some("a"), false));
    assert_eq!(outcome("cert-authority,command=\"a\"", &["user"], Some("b")), Err(LoginRefused::CommandsDiffer));
    assert!(matches!(outcome("cert-authority", &["other"], None), Err(LoginRefused::Certificate(_))));
    assert!(outcome("cert-authority,principals=\"x,other\"", &["other"], None).is_ok());
    let elsewhere = outcome("cert-authority,from=\"198.51.100.0/24\"", &["user"], None);
    assert!(matches!(elsewhere, Err(LoginRefused::Source { source: Some(_) })));
    assert_eq!(outcome("cert-authority,expiry-time=\"20200101Z\"", &["user"], None), Err(LoginRefused::Expired));
}

/// The first line that names a principal of the certificate counts, with its options.
#[test]
fn principals_of_a_file() {
    let authorities = [user()];
    let outcome = |text: &str, principals: &[&str]| {
        let certificate = certificate(principals, None).certificate().unwrap();
        let check = CertificateCheck::user("nobody", NOW, &authorities);
        AuthorizedPrincipals::parse(text.as_bytes()).permissions(&certificate, check, &login())
    };
    let text = "# people\n\nops # on duty\n  command=\"a b\",no-pty guest\nfrom=\"198.51.100.1\" ops\n";
    assert!(outcome(text, &["ops"]).unwrap().command.is_none());
    let guest = outcome(text, &["guest"]).unwrap();
    assert_eq!((guest.command.as_deref(), guest.pty), (Some("a b"), false));
    assert!(outcome(text, &["other", "guest"]).is_ok());
    assert!(outcome("no-pty\tguest", &["guest"]).is_ok_and(|permissions| !permissions.pty));
    assert!(outcome("no-pty \tguest", &["guest"]).is_ok_and(|permissions| !permissions.pty));
    assert_eq!(outcome("command=\"a b\"\tguest", &["guest"]), Err(LoginRefused::Principal));
    assert_eq!(outcome(text, &["people"]), Err(LoginRefused::Principal));
    assert_eq!(outcome("", &["ops"]), Err(LoginRefused::Principal));
    assert!(matches!(outcome("from=\"198.51.100.1\" ops\nops\n", &["ops"]), Err(LoginRefused::Source { .. })));
    assert_eq!(outcome("cert-authority ops", &["ops"]), Err(LoginRefused::Authority));
    assert_eq!(outcome("principals=\"ops\" ops", &["ops"]), Err(LoginRefused::PrincipalsWithoutAuthority));
    for skipped in ["unknown ops", "command=\"a ops", "a b ops"] {
        let file = AuthorizedPrincipals::parse(skipped.as_bytes());
        assert_eq!((file.principals().len(), file.skipped().len()), (0, 1), "{skipped}");
    }
    let stranger = [key(KeyAlgorithm::Ed25519, 12).public_key().clone()];
    let certificate = certificate(&["ops"], None).certificate().unwrap();
    let check = CertificateCheck::user("nobody", NOW, &stranger);
    let outcome = AuthorizedPrincipals::parse(b"ops").permissions(&certificate, check, &login());
    assert!(matches!(outcome, Err(LoginRefused::Certificate(_))), "the authority still has to be trusted");
}

/// What an earlier step of a login restricted, no later step gives back, and the other way round.
#[test]
fn restrictions_survive_later_steps() {
    let mut forced = Permissions::default();
    (forced.command, forced.pty) = (Some("only this".into()), false);
    let free = Permissions::default();
    assert_eq!(forced.clone().and(free.clone()), Ok(forced.clone()));
    assert_eq!(free.and(forced.clone()), Ok(forced.clone()));
    let mut other = Permissions::default();
    other.command = Some("only that".into());
    assert!(forced.and(other).is_err(), "two commands cannot both be the only one");
}
