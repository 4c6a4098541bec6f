//! The command line.

/// What `--help` and mistakes show.
pub(crate) const USAGE: &str = "\
usage: ssh [-CnNqstTvx] [-F FILE] [-i IDENTITY] [-l USER] [-o KEYWORD=VALUE] [-p PORT] [USER@]HOST [COMMAND ..]
       ssh -Q kex|cipher|mac|key|sig|compression";

/// What the command line asks for.
pub(crate) enum Request {
    /// `--help`
    Help,
    /// `-Q KIND`
    Query(String),
    /// A connection.
    Connect(Box<Invocation>),
}

/// A connection to make.
pub(crate) struct Invocation {
    /// The host as typed.
    pub(crate) host: String,
    /// The command; empty: a shell.
    pub(crate) command: String,
    /// What the command line sets, which comes before all files: keywords with their values ..
    pub(crate) settings: Vec<(&'static str, String)>,
    /// .. and what `-o` says.
    pub(crate) options: Vec<String>,
    /// `-F`: the only configuration file.
    pub(crate) config_file: Option<String>,
}

/// Options as they are collected. `-o` comes after all others, whatever the order.
#[derive(Default)]
struct Collected {
    direct: Vec<(&'static str, String)>,
    by_keyword: Vec<String>,
    config_file: Option<String>,
    query: Option<String>,
    terminals: u32,
    verbose: u32,
    help: bool,
}

/// Reads the arguments that follow the program's name.
pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Request, String> {
    let mut arguments = arguments.peekable();
    let mut collected = Collected::default();
    // Options may stand before and after the host, as with OpenSSH; the command's own options are its own.
    read_options(&mut arguments, &mut collected)?;
    let host = if collected.help || collected.query.is_some() { None } else { arguments.next() };
    if host.is_some() {
        read_options(&mut arguments, &mut collected)?;
    }
    if collected.help {
        return Ok(Request::Help);
    }
    if let Some(kind) = collected.query {
        return Ok(Request::Query(kind));
    }
    let host = host.ok_or_else(|| format!("the host is missing\n{USAGE}"))?;
    let command = arguments.collect::<Vec<_>>().join(" ");
    collected.into_invocation(&host, command).map(|invocation| Request::Connect(Box::new(invocation)))
}

fn read_options(
    arguments: &mut std::iter::Peekable<impl Iterator<Item = String>>,
    collected: &mut Collected,
) -> Result<(), String> {
    while let Some(argument) = arguments.next_if(|argument| argument.len() > 1 && argument.starts_with('-')) {
        match argument.as_str() {
            "--" => break,
            "--help" => collected.help = true,
            _ => read_cluster(&argument, arguments, collected)?,
        }
    }
    Ok(())
}

/// One argument of options: `-vv`, `-p2222`, `-Np 22`.
fn read_cluster(
    argument: &str,
    arguments: &mut impl Iterator<Item = String>,
    collected: &mut Collected,
) -> Result<(), String> {
    let mut letters = argument.chars();
    letters.next();
    while let Some(letter) = letters.next() {
        if !"iloFpQ".contains(letter) {
            collected.flag(letter)?;
            continue;
        }
        let attached = letters.as_str();
        let value = if attached.is_empty() { arguments.next() } else { Some(attached.to_owned()) };
        let value = value.ok_or_else(|| format!("option -{letter} needs a value\n{USAGE}"))?;
        collected.value(letter, value);
        break;
    }
    Ok(())
}

impl Collected {
    fn flag(&mut self, letter: char) -> Result<(), String> {
        match letter {
            'C' => self.direct.push(("compression", "yes".into())),
            'n' => self.direct.push(("stdinnull", "yes".into())),
            'N' => self.direct.push(("sessiontype", "none".into())),
            'q' => self.direct.push(("loglevel", "QUIET".into())),
            's' => self.direct.push(("sessiontype", "subsystem".into())),
            't' => self.terminals += 1,
            'T' => self.direct.push(("requesttty", "no".into())),
            'v' => self.verbose += 1,
            // No X11 and no agent forwarding: there is none.
            'x' | 'a' => {}
            _ => return Err(format!("unknown option -{}\n{USAGE}", letter.escape_debug())),
        }
        Ok(())
    }

    fn value(&mut self, letter: char, value: String) {
        match letter {
            'i' => self.direct.push(("identityfile", value)),
            'l' => self.direct.push(("user", value)),
            'p' => self.direct.push(("port", value)),
            'o' => self.by_keyword.push(value),
            'F' => self.config_file = Some(value),
            _ => self.query = Some(value),
        }
    }

    fn into_invocation(self, host: &str, command: String) -> Result<Invocation, String> {
        let mut settings = self.direct;
        if self.verbose > 0 {
            settings.insert(0, ("loglevel", "DEBUG".into()));
        }
        match self.terminals {
            0 => {}
            1 => settings.insert(0, ("requesttty", "yes".into())),
            _ => settings.insert(0, ("requesttty", "force".into())),
        }
        // A user's name may hold an @, a host's may not.
        let host = match host.rsplit_once('@') {
            Some((user, host)) => {
                settings.push(("user", user.into()));
                host
            }
            None => host,
        };
        if host.is_empty() {
            return Err(format!("the host is missing\n{USAGE}"));
        }
        Ok(Invocation { host: host.into(), command, settings, options: self.by_keyword, config_file: self.config_file })
    }
}
