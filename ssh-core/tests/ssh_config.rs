//! `ssh_config` without files: the resolver's questions, and what its answers lead to.

use ssh_core::files::ssh_config::{
    AlgorithmNames, ConfigError, ConfigFile, Files, HostLookup, LocalFacts, Lookup, LookupPurpose, MAX_DEPTH,
    MAX_FILES, MAX_LINE, Origin, Proxy, Request, Resolved, Resolver, Step, WarningKind,
};

/// A world in which questions are answered, and written down.
#[derive(Default)]
struct World {
    files: Vec<(&'static str, String)>,
    hosts: Vec<(&'static str, Option<&'static str>)>,
    asked: Vec<String>,
}

impl World {
    fn with(config: &str) -> Self {
        Self { files: vec![("config", config.into())], ..Self::default() }
    }

    fn resolve(&mut self, request: Request) -> Result<Resolved, ConfigError> {
        let mut resolver = Resolver::new(request)?;
        loop {
            match resolver.step()? {
                Step::Read(read) => {
                    self.asked.push(format!("read {}", read.pattern));
                    let found = self.files.iter().filter(|(name, _)| *name == read.pattern);
                    let file = |(name, text): &(&str, String)| ConfigFile {
                        name: (*name).into(),
                        text: text.clone().into_bytes(),
                    };
                    resolver.answer_files(found.map(file).collect());
                }
                Step::Run { command } => {
                    resolver.answer_run(command == "yes");
                    self.asked.push(format!("run {command}"));
                }
                Step::LookUp { host } => {
                    let found = self.hosts.iter().find(|(name, _)| *name == host);
                    let found = found.map(|(_, alias)| Lookup { canonical_name: alias.map(String::from) });
                    resolver.answer_look_up(found);
                    self.asked.push(format!("look up {host}"));
                }
                Step::LocalAddresses => {
                    resolver.answer_addresses(vec![[10, 1, 2, 3].into()]);
                    self.asked.push("addresses".into());
                }
                Step::Done(resolved) => return Ok(*resolved),
            }
        }
    }
}

fn request(host: &str) -> Request {
    let local = LocalFacts {
        user: "me".into(),
        uid: 1000,
        home: "/home/me".into(),
        host_name: "here.example.com".into(),
        environment: vec![("DIRECTORY".into(), "/from/env".into())],
        version: "OpenSSH_10.0".into(),
    };
    Request { host: host.into(), files: Files::Only("config".into()), local, ..Request::default() }
}

fn resolve(config: &str, host: &str) -> Result<Resolved, ConfigError> {
    World::with(config).resolve(request(host))
}

fn line(number: usize) -> Origin {
    Origin::File { name: "config".into(), line: number }
}

#[test]
fn every_value_knows_where_it_was_said() {
    let config = "Port 1\n\nHost web\n  User joe\n  IdentityFile a\nHost *\n  IdentityFile ~/b-%h\n  Port 2\n";
    let mut request = request("web");
    request.options.push("Compression=yes".into());
    request.settings.push(("BindAddress".into(), "with blanks and \"".into()));
    let resolved = World::with(config).resolve(request).unwrap();
    assert_eq!((resolved.connection.port.value.0, &resolved.connection.port.origin), (1, &line(1)));
    assert_eq!((resolved.user.as_str(), &resolved.login.user.origin), ("joe", &line(4)));
    let origins: Vec<_> = resolved.identities.files.values.iter().map(|file| file.origin.clone()).collect();
    assert_eq!(origins, [line(5), line(7)]);
    assert_eq!(resolved.identity_files().unwrap(), ["a", "/home/me/b-web"]);
    assert_eq!(resolved.algorithms.compression.origin, Origin::CommandLine);
    assert_eq!(resolved.connection.bind_address.value.as_deref(), Some("with blanks and \""));
    assert_eq!(resolved.host_keys.hash.origin, Origin::Default);
    let lines = resolved.lines(&AlgorithmNames::built_in()).unwrap();
    assert!(lines.contains(&("port", "1".into(), line(1))), "{lines:?}");
}

#[test]
fn both_usual_files_are_read_in_order() {
    let mut world = World {
        files: vec![
            ("~/.ssh/config", "Port 1\nInclude more ~/x /abs\n".into()),
            ("/etc/ssh/ssh_config", "Port 2\nUser system\nInclude conf.d/*\n".into()),
        ],
        ..World::default()
    };
    let resolved = world.resolve(Request { files: Files::Usual, ..request("h") }).unwrap();
    assert_eq!((resolved.connection.port.value.0, resolved.user.as_str()), (1, "system"));
    let expected = ["~/.ssh/config", "~/.ssh/more", "~/x", "/abs", "/etc/ssh/ssh_config", "/etc/ssh/conf.d/*"];
    assert_eq!(world.asked, expected.map(|name| format!("read {name}")));
    let none = World::default().resolve(Request { files: Files::None, ..request("h") }).unwrap();
    assert_eq!((none.connection.port.value.0, none.user.as_str()), (22, "me"));
}

#[test]
fn files_of_the_system_include_none_of_a_user() {
    let mut world = World { files: vec![("/etc/ssh/ssh_config", "Include ~/x\n".into())], ..World::default() };
    let error = world.resolve(Request { files: Files::Usual, ..request("h") }).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/etc/ssh/ssh_config, line 1: include: a file of the system cannot include one of a user"
    );
}

#[test]
fn a_question_is_repeated_until_it_is_answered() {
    let mut resolver = Resolver::new(request("h")).unwrap();
    for _ in 0..3 {
        assert!(matches!(resolver.step(), Ok(Step::Read(read)) if read.pattern == "config" && read.must_exist));
    }
    // Answers to what was not asked change nothing.
    resolver.answer_run(true);
    resolver.answer_look_up(None);
    resolver.answer_addresses(Vec::new());
    assert!(matches!(resolver.step(), Ok(Step::Read(_))));
    resolver
        .answer_files(vec![ConfigFile { name: "config".into(), text: b"Match exec \"a b\" exec c\nPort 5".to_vec() }]);
    assert!(matches!(resolver.step(), Ok(Step::Run { command }) if command == "a b"));
    resolver.answer_files(Vec::new());
    resolver.answer_run(true);
    assert!(matches!(resolver.step(), Ok(Step::Run { command }) if command == "c"));
    resolver.answer_run(true);
    let Ok(Step::Done(resolved)) = resolver.step() else { panic!("all is answered") };
    assert_eq!(resolved.connection.port.value.0, 5);
    assert!(matches!(resolver.step(), Ok(Step::Done(_))));
}

#[test]
fn commands_run_only_if_all_before_them_holds() {
    let config = "Match host other exec never\nMatch exec yes exec no exec after\nMatch !exec no exec yes\nPort 7\n";
    let mut world = World::with(config);
    assert_eq!(world.resolve(request("h")).unwrap().connection.port.value.0, 7);
    assert_eq!(world.asked, ["read config", "run yes", "run no", "run no", "run yes"]);
}

#[test]
fn addresses_are_asked_for_once() {
    let config = "Match localnetwork 10.1.0.0/16\nPort 5\nMatch localnetwork 192.0.2.0/24,2001:db8::/32\nPort 6\n\
        Match !localnetwork 0.0.0.0/0\nUser nobody\nMatch localnetwork 10.1.2.3\nCompression yes\n";
    let mut world = World::with(config);
    let resolved = world.resolve(request("h")).unwrap();
    assert_eq!((resolved.connection.port.value.0, resolved.user.as_str()), (5, "me"));
    assert_eq!(resolved.algorithms.compression.origin, line(8));
    assert_eq!(world.asked, ["read config", "addresses"]);
}

#[test]
fn short_names_become_long_ones() {
    let config = "CanonicalizeHostname yes\nCanonicalDomains one.example two.example\n\
        CanonicalizePermittedCNAMEs *.two.example:*.cdn.example\n\
        Match canonical host web.two.example\nPort 1\nHost *.cdn.example\nPort 2\n";
    let hosts = |alias| vec![("web.two.example.", alias)];
    for (host, hosts, expected, port, looked_up) in [
        ("web", hosts(None), "web.two.example", 1, 2),
        ("WEB", hosts(None), "web.two.example", 1, 2),
        ("web", hosts(Some("Edge.cdn.example.")), "edge.cdn.example", 2, 2),
        ("web", hosts(Some("elsewhere.example")), "web.two.example", 1, 2),
        ("web", Vec::new(), "web", 22, 2),
        ("web.two.example.", hosts(None), "web.two.example", 1, 1),
        ("a.b.c", Vec::new(), "a.b.c", 22, 1),
        ("10.0.0.1", Vec::new(), "10.0.0.1", 22, 0),
    ] {
        let mut world = World { hosts, ..World::with(config) };
        let resolved = world.resolve(request(host)).unwrap();
        assert_eq!((resolved.host_name.as_str(), resolved.connection.port.value.0), (expected, port), "{host}");
        assert_eq!(resolved.host, host);
        let count = world.asked.iter().filter(|asked| asked.starts_with("look up")).count();
        assert_eq!(count, looked_up, "{host}: {:?}", world.asked);
    }
    let strict = format!("CanonicalizeFallbackLocal no\n{config}");
    let error = resolve(&strict, "web").unwrap_err();
    assert_eq!(
        error.to_string(),
        "config, line 2: canonicalizehostname: the host \"web\" is in none of the canonical domains"
    );
    // Behind a proxy only "always" looks anything up.
    for (mode, looked_up) in [("yes", 0), ("always", 2)] {
        let text = format!("ProxyJump j\nCanonicalizeHostname {mode}\nCanonicalDomains a.example b.example\n");
        let mut world = World::with(&text);
        world.resolve(request("web")).unwrap();
        assert_eq!(world.asked.iter().filter(|asked| asked.starts_with("look up")).count(), looked_up);
    }
}

#[test]
fn mistakes_name_file_line_and_keyword() {
    for (config, expected) in [
        ("Port 1\nUser", "config, line 2: user: there is no argument"),
        ("User \"a", "config, line 1: user: a quote is not closed"),
        ("\n\nPort x", "config, line 3: port: \"x\" is not a port: a number from 1 to 65535"),
        ("Port 1 2", "config, line 1: port: \"2\" is one argument too many"),
        ("Nonsense 1", "config, line 1: nonsense: there is no such keyword"),
        ("Host nobody\nBatchMode maybe", "config, line 2: batchmode: \"maybe\" is not yes or no"),
        ("Match frobs x", "config, line 1: match: \"frobs\" is not a criterion of Match"),
        ("Match host", "config, line 1: match: \"host\" needs a value"),
        (
            "Host h\nRefuseConnection \"go away\"",
            "config, line 2: refuseconnection: the connection is refused: go away",
        ),
        ("User a\nControlPath %z", "config, line 2: controlpath: \"%z\": %z has no meaning here"),
        ("IdentityAgent ${NOT_SET}", "config, line 1: identityagent: \"${NOT_SET}\": the variable NOT_SET is not set"),
        ("User \u{1b}[31m extra\u{7}", "config, line 1: user: \"extra\\u{7}\" is one argument too many"),
    ] {
        assert_eq!(resolve(config, "h").unwrap_err().to_string(), expected, "{config}");
    }
    let on_command_line = |option: &str| {
        Resolver::new(Request { options: vec![option.into()], ..request("h") }).map(drop).unwrap_err().to_string()
    };
    assert_eq!(on_command_line("Port=0"), "command line: port: \"0\" is not a port: a number from 1 to 65535");
    assert_eq!(on_command_line("Include=/x"), "command line: include: it has no place on the command line");
    let mut resolver = Resolver::new(request("h")).unwrap();
    resolver.step().unwrap();
    let text = b"# caf\xe9\nUser caf\xe9\n".to_vec();
    resolver.answer_files(vec![ConfigFile { name: "a\nb".into(), text }]);
    assert_eq!(resolver.step().unwrap_err().to_string(), "a\\nb, line 2: the line is not valid UTF-8");
}

#[test]
fn length_depth_and_number_are_bounded() {
    let long = format!("User {}\n", "x".repeat(MAX_LINE));
    assert!(resolve(&long, "h").unwrap_err().message.contains("bytes"));
    let files = vec![("config", "Include /loop\n".into()), ("/loop", "Include /loop\n".into())];
    let error = World { files, ..World::default() }.resolve(request("h")).unwrap_err();
    assert_eq!(error.message, format!("files are nested more than {MAX_DEPTH} deep"));
    let mut resolver = Resolver::new(request("h")).unwrap();
    resolver.step().unwrap();
    resolver.answer_files(vec![ConfigFile { name: "config".into(), text: b"Include /many".to_vec() }]);
    resolver.step().unwrap();
    let many = (0..=MAX_FILES).map(|n| ConfigFile { name: n.to_string(), text: Vec::new() });
    resolver.answer_files(many.collect());
    assert_eq!(resolver.step().unwrap_err().message, format!("there are more than {MAX_FILES} files"));
}

#[test]
fn what_has_no_effect_is_told() {
    let config = "UseRsh no\nGSSAPIAuthentication yes\nIgnoreUnknown x*\nXyzzy 1 2\nRSAAuthentication no\n";
    let resolved = resolve(config, "h").unwrap();
    let told: Vec<_> = resolved.warnings.iter().map(|each| (each.keyword.as_str(), each.kind)).collect();
    let expected = [
        ("usersh", WarningKind::Deprecated),
        ("gssapiauthentication", WarningKind::Unsupported),
        ("xyzzy", WarningKind::Ignored),
    ];
    assert_eq!(told, expected);
    assert_eq!(resolved.warnings[2].arguments, ["1", "2"]);
    assert!(!resolved.older.rsa.value);
    assert_eq!(resolved.older_lines(), [("rsaauthentication", "no".into(), line(5))]);
}

#[test]
fn keywords_of_net_ssh_perl() {
    let config = "PasswordPromptHost no\nPasswordPromptLogin yes\nFingerprintHash bubblebabble\nCompressionLevel 9\n\
        UsePrivilegedPort yes\nProtocol 2,1\nCipher idea\nChallengeResponseAuthentication no\n";
    let resolved = resolve(config, "h").unwrap();
    let older = &resolved.older;
    assert!(!older.password_prompt_host.value && older.password_prompt_login.value && older.use_privileged_port.value);
    assert_eq!((older.compression_level.value.0, older.cipher.value.as_deref()), (9, Some("idea")));
    assert_eq!(older.protocol.value.as_deref(), Some("2,1"));
    assert_eq!(resolved.host_keys.fingerprint.value.name(), "bubblebabble");
    assert!(!resolved.login.keyboard_interactive.value);
    assert_eq!(resolve("CompressionLevel 0", "h").unwrap_err().message, "\"0\" is not a number from 1 to 9");
}

#[test]
fn jumps_are_taken_apart() {
    let resolved = resolve("ProxyJump me@one:1,[::2]:2,ssh://three", "h").unwrap();
    let Proxy::Jump(jump) = &resolved.proxy.value else { panic!("{:?}", resolved.proxy) };
    let hosts: Vec<_> = jump.hosts.iter().map(|each| (each.user.as_deref(), each.host.as_str(), each.port)).collect();
    assert_eq!(hosts, [(Some("me"), "one", Some(1)), (None, "::2", Some(2)), (None, "three", None)]);
}

#[test]
fn none_means_no_file() {
    let resolved = resolve("IdentityFile a\nIdentityFile none\nCertificateFile none\nUserKnownHostsFile none", "h");
    let resolved = resolved.unwrap();
    assert!(resolved.identity_files().unwrap().is_empty() && resolved.certificate_files().unwrap().is_empty());
    assert!(resolved.host_keys.user_files.value.0.is_empty());
    assert!(resolve("", "h").unwrap().identity_files().unwrap().contains(&"/home/me/.ssh/id_ed25519".into()));
}

/// CVE-2023-51385, CVE-2025-61984: whoever makes up a name of a host or a user, a link or a repository, must not have
/// commands run here.
#[test]
fn names_are_no_commands() {
    for name in ["$(touch x)", "`x`", "a;b", "a b", "-oProxyCommand=x", "a\nb", "a|b", "'"] {
        let by_exec = World::with("Match exec \"test %n\"\n Port 1\n").resolve(request(name));
        assert!(by_exec.is_err_and(|error| error.to_string().contains("not given to a command")), "{name:?}");
        let proxy = "Host *\n HostName safe\n ProxyCommand nc %h %p %r %n\n";
        let by_proxy = World::with(proxy).resolve(request(name)).expect("the file is right").proxy_command();
        assert!(by_proxy.is_err_and(|error| error.to_string().contains("not given to a command")), "{name:?}");
        let as_user = Request { settings: vec![("user".into(), name.into())], ..request("host") };
        if let Ok(resolved) = World::with(proxy).resolve(as_user) {
            assert!(resolved.proxy_command().is_err(), "{name:?}");
        }
    }
    // Where no command hears of a name, it may be what it likes.
    let unheard = World::with("Match exec \"yes %p\"\n HostName safe\n ProxyCommand nc %h %p\n")
        .resolve(Request { settings: vec![("user".into(), "a b".into())], ..request("$(x)") });
    assert!(unheard.is_ok_and(|resolved| resolved.proxy_command().is_ok()));
    let resolved = resolve("Port 7\nUser me\nProxyCommand nc -x%% %h %p %r %n\n", "web.example.com").unwrap();
    let command = resolved.proxy_command().unwrap();
    assert_eq!(command.as_deref(), Some("nc -x% web.example.com 7 me web.example.com"));
}

/// Words are made before tokens are put in, and what is put in is not looked at again.
#[test]
fn no_shell_sees_the_command_that_knows_hosts() {
    let command = |text: &str, purpose| {
        let resolved = resolve(&format!("KnownHostsCommand {text}\n"), "$(touch x) 'y").unwrap();
        let lookup = HostLookup { name: "a b", purpose, key: None };
        resolved.known_hosts_command(&lookup).map(Option::unwrap_or_default).map_err(|error| error.to_string())
    };
    let words = command("/bin/%h/x %n '%H %I' \"${DIRECTORY}\" %%h %K%f%t #", LookupPurpose::HostName).unwrap();
    let expected =
        ["/bin/%h/x", "$(touch x) 'y", "a b HOSTNAME", "/from/env", "%h", "NONENONENONE", "#"].map(String::from);
    assert_eq!(words, expected);
    assert_eq!(command("x %I", LookupPurpose::Order).unwrap(), ["x", "ORDER"]);
    assert_eq!(command("x %I", LookupPurpose::Address).unwrap(), ["x", "ADDRESS"]);
    assert_eq!(command("none", LookupPurpose::Order).unwrap(), Vec::<String>::new());
    assert!(command("x %T", LookupPurpose::Order).is_err_and(|error| error.contains("%T has no meaning here")));
}

#[test]
fn a_local_command_is_expanded_if_it_may_run() {
    let command = "LocalCommand echo %h %T ${DIRECTORY} %%\n";
    assert_eq!(resolve(command, "web").unwrap().local_command(), Ok(None));
    let permitted = resolve(&format!("PermitLocalCommand yes\n{command}"), "web").unwrap();
    assert_eq!(
        permitted.local_command(),
        Ok(Some("echo web NONE ${DIRECTORY} %".into())),
        "a shell knows its variables"
    );
    let dangerous = resolve(&format!("PermitLocalCommand yes\n{command}"), "$(touch x)").unwrap();
    assert!(dangerous.local_command().is_err_and(|error| error.to_string().contains("not given to a command")));
}
