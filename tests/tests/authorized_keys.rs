//! `authorized_keys` and `AuthorizedPrincipalsFile` as OpenSSH's server takes them: with the same file and the same client,
//! our server does what it does.

use std::fs;
use std::path::Path;

use ssh_interop_tests::peer::openssh::{KeyPair, KeyType, Sshd, keygen, ssh_command};
use ssh_interop_tests::peer::ours::{OurSshd, Ours};
use ssh_interop_tests::peer::{command, require_all, user_name};
use ssh_interop_tests::{DEADLINE, TempDir, run_with_timeout, temp_dir};

/// Says whether there is a terminal, and what a line may have set.
const COMMAND: &str = "test -t 0 && echo terminal; echo \"$A $B\"";

/// Both servers over the same files.
struct Servers {
    directory: TempDir,
    authority: KeyPair,
    user: KeyPair,
    theirs: Sshd,
    ours: OurSshd,
}

impl Servers {
    fn start(ours: Ours) -> Self {
        let directory = temp_dir();
        let path = directory.path();
        let authority = keygen(path, "authority", KeyType::Ed25519, "");
        let user = keygen(path, "user", KeyType::Ed25519, "");
        let in_directory = |name: &str| path.join(name).display().to_string();
        let settings = [
            ("AuthorizedKeysFile", format!("{} {}", in_directory("missing"), in_directory("keys_%u%%"))),
            ("AuthorizedPrincipalsFile", in_directory("principals_%u")),
            ("TrustedUserCAKeys", authority.public.display().to_string()),
            ("PermitUserEnvironment", "A*".into()),
        ];
        let theirs = settings
            .iter()
            .fold(Sshd::builder(), |builder, (keyword, value)| builder.line(&format!("{keyword} {value}")));
        let options: Vec<_> = settings.iter().map(|(keyword, value)| format!("{keyword}={value}")).collect();
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        let ours = ours.sshd(&[KeyType::Ed25519], &options);
        Self { authority, user, theirs: theirs.start(), ours, directory }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.directory.path().join(name), text).expect("the directory is ours");
    }

    fn authorize(&self, lines: &str) {
        self.write(&format!("keys_{}%", user_name()), lines);
    }

    /// What the client says of both servers: `None`, or what was printed. They have to agree.
    #[track_caller]
    fn outcome(&self, what: &str) -> Option<String> {
        let outcomes = [
            outcome(self.theirs.port(), &self.user.private, self.theirs.known_hosts(), &self.theirs.destination()),
            outcome(self.ours.port(), &self.user.private, self.ours.known_hosts(), &self.ours.destination()),
        ];
        assert_eq!(outcomes[0], outcomes[1], "{what}: OpenSSH's server, and ours");
        outcomes.into_iter().next().flatten()
    }
}

fn outcome(port: u16, identity: &Path, known_hosts: &Path, destination: &str) -> Option<String> {
    let mut ssh = ssh_command(port, identity, known_hosts, &["RequestTTY=force"]);
    ssh.args([destination, COMMAND]);
    let output = run_with_timeout(ssh, b"", DEADLINE);
    let denied = output.stderr_text().contains("Permission denied");
    if output.stderr_text().contains("PTY allocation request failed") {
        // After which this client gives up.
        return Some("no terminal\n".into());
    }
    assert!(denied || output.success(), "neither in nor refused: {output}");
    (!denied).then(|| output.stdout_text().replace('\r', ""))
}

ssh_interop_tests::test_each_of_ours!(lines, certificates_and_principals);

fn lines(ours: Ours) {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let servers = Servers::start(ours);
    let terminal = Some("terminal\n \n");
    let plain = Some("no terminal\n");
    for (options, expected) in [
        ("", terminal),
        ("no-pty ", plain),
        ("restrict ", plain),
        ("restrict,pty ", terminal),
        ("pty,restrict ", plain),
        ("no-port-forwarding,no-agent-forwarding,no-X11-forwarding,no-user-rc ", terminal),
        ("command=\"echo \\\"a, b\\\"\" ", Some("a, b\n")),
        ("command=\"echo 1\",command=\"echo 1\" ", None),
        ("environment=\"A=1\",environment=\"A=2\",environment=\"B=3\" ", Some("terminal\n1 \n")),
        ("environment=\"A-=1\" ", None),
        ("environment=\"A\" ", None),
        ("from=\"127.0.0.1\" ", terminal),
        ("from=\"127.0.0.0/8\" ", terminal),
        ("from=\"127.*\" ", terminal),
        ("from=\"10.0.0.0/8,127.0.0.?\" ", terminal),
        ("from=\"!127.0.0.1,*\" ", None),
        ("from=\"*,!127.0.0.0/24\" ", None),
        ("from=\"!10.0.0.1\" ", None),
        ("from=\"10.0.0.0/8\" ", None),
        ("from=\"127.0.0.1/8\" ", None),
        ("from=\"127.0.0.1,10.0.0.1/8\" ", None),
        ("from=\"127.0.0.1/33,127.0.0.1\" ", None),
        ("from=\"127.0.0.1,\" ", None),
        ("from=\"127.0.0.1\",from=\"127.0.0.1\" ", None),
        ("expiry-time=\"20200101Z\" ", None),
        ("expiry-time=\"202001010000\" ", None),
        ("expiry-time=\"29990101\" ", terminal),
        ("expiry-time=\"29990101000000Z\",expiry-time=\"20200101\" ", None),
        ("expiry-time=\"2999\" ", None),
        ("permitopen=\"localhost:80\",permitlisten=\"8080\",permitopen=\"[::1]:*\" ", terminal),
        ("permitopen=\"80\" ", None),
        ("permitopen=\"localhost:0\" ", None),
        ("permitopen=\"::1:80\" ", None),
        ("permitlisten=\"x\" ", None),
        ("tunnel=\"0\" ", terminal),
        ("tunnel=\"any\" ", terminal),
        ("tunnel=\"x\" ", None),
        ("no-touch-required ", terminal),
        ("touch-required,no-verify-required ", terminal),
        ("cert-authority ", None),
        ("principals=\"x\" ", None),
        ("PTY,No-PTY ", plain),
        ("unknown ", None),
        (",pty ", terminal),
        ("pty,,no-pty, ", plain),
        ("pty=\"x\" ", None),
        ("command=echo ", None),
        ("no-restrict ", None),
    ] {
        servers.authorize(&format!("# a comment\n{options}{}\n", servers.user.public_line()));
        assert_eq!(servers.outcome(options).as_deref(), expected, "{options}");
    }
    let key = servers.user.public_line();
    servers.authorize(&format!("from=\"10.0.0.1\" {key}\nno-pty {key}\n"));
    assert_eq!(servers.outcome("where one line refuses, another grants").as_deref(), plain);
}

fn certificates_and_principals(ours: Ours) {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let servers = Servers::start(ours);
    let principals = format!("principals_{}", user_name());
    let mut number = 0;
    let mut certify = |arguments: &[&str]| {
        number += 1;
        let mut keygen = command("ssh-keygen");
        keygen.args(["-q", "-I", &format!("id{number}"), "-s"]).arg(&servers.authority.private);
        keygen.args(arguments).arg(&servers.user.public);
        run_with_timeout(keygen, b"", DEADLINE).expect_success();
    };
    certify(&["-n", "ops,guest"]);
    let terminal = Some("terminal\n \n");
    for (text, expected) in [
        ("ops\n", terminal),
        ("# ops\n", None),
        ("\n  guest # the second\n", terminal),
        ("other\n", None),
        ("no-pty ops\n", Some("no terminal\n")),
        ("command=\"echo a b\" ops\n", Some("a b\n")),
        ("command=\"echo a b\"\tops\n", None),
        ("no-pty\tops\n", Some("no terminal\n")),
        ("from=\"10.0.0.1\" ops\n", None),
        ("from=\"10.0.0.1\" ops\nops\n", None),
        ("expiry-time=\"20200101Z\" guest\n", None),
        ("unknown ops\nguest\n", terminal),
        ("cert-authority ops\n", None),
        ("environment=\"A=x\" ops\n", Some("terminal\nx \n")),
        ("", None),
    ] {
        servers.write(&principals, text);
        assert_eq!(servers.outcome(text).as_deref(), expected, "{text}");
    }
    // The user's own name is none of the file's.
    certify(&["-n", user_name()]);
    servers.write(&principals, "ops\n");
    assert_eq!(servers.outcome("the user's name"), None);

    fs::remove_file(servers.directory.path().join(&principals)).expect("it is there");
    let authority = servers.authority.public_line();
    for (options, arguments, expected) in [
        ("cert-authority", &["-n", user_name()][..], terminal),
        ("cert-authority,no-pty", &["-n", user_name()], Some("no terminal\n")),
        ("cert-authority,principals=\"a,b\"", &["-n", "b"], terminal),
        ("cert-authority,principals=\"a,b\"", &["-n", user_name()], None),
        ("cert-authority,command=\"echo 1\"", &["-n", user_name(), "-O", "force-command=echo 1"], Some("1\n")),
        ("cert-authority,command=\"echo 1\"", &["-n", user_name(), "-O", "force-command=echo 2"], None),
        ("cert-authority,from=\"10.0.0.0/8\"", &["-n", user_name()], None),
        ("cert-authority,expiry-time=\"20200101Z\"", &["-n", user_name()], None),
        ("cert-authority", &["-n", user_name(), "-O", "no-pty"], Some("no terminal\n")),
    ] {
        certify(arguments);
        servers.authorize(&format!("{options} {authority}\n"));
        assert_eq!(servers.outcome(options).as_deref(), expected, "{options} {arguments:?}");
    }
}
