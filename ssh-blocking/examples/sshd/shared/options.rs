//! The command line.

use std::path::Path;

use ssh_core::files::ssh_config::parse_option;

use super::settings::Settings;
use super::values;

/// What `--help` and mistakes show.
pub(crate) const USAGE: &str = "\
usage: sshd -h HOSTKEYFILE [-dDei] [-f CONFIGFILE] [-h HOSTKEYFILE ..] [-o KEYWORD=VALUE ..] [-p PORT]

A demonstration server. It listens on 127.0.0.1 unless ListenAddress says otherwise, and everything it runs, it runs as
the user who started it. Only that user may log in, and whoever PasswordFile (lines \"user:password\") names.";

/// What the command line asks for.
pub(crate) enum Request {
    /// `--help`
    Help,
    /// To listen.
    Listen(Settings),
    /// `-i`: one connection on standard input and output.
    Inetd(Settings),
}

/// Reads the arguments that follow the program's name: what they set comes before `-o`, and that before `-f`.
pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Request, String> {
    let (mut direct, mut by_keyword, mut file) = (Vec::new(), Vec::new(), None);
    let (mut inetd, mut debug) = (false, false);
    while let Some(argument) = arguments.next() {
        if argument == "--help" {
            return Ok(Request::Help);
        }
        let mut letters = argument.strip_prefix('-').filter(|rest| !rest.is_empty()).unwrap_or("").chars();
        if letters.as_str().is_empty() {
            return Err(format!("unexpected argument \"{}\"\n{USAGE}", argument.escape_debug()));
        }
        while let Some(letter) = letters.next() {
            match letter {
                'd' => debug = true,
                'i' => inetd = true,
                // In the foreground, to standard error: there is no other way.
                'D' | 'e' => {}
                'p' | 'h' | 'f' | 'o' => {
                    let attached = letters.as_str();
                    let value = if attached.is_empty() { arguments.next() } else { Some(attached.to_owned()) };
                    let value = value.ok_or_else(|| format!("option -{letter} needs a value\n{USAGE}"))?;
                    match letter {
                        'p' => direct.push(("port", value)),
                        'h' => direct.push(("hostkey", value)),
                        'f' => file = Some(value),
                        _ => by_keyword.push(value),
                    }
                    break;
                }
                _ => return Err(format!("unknown option -{}\n{USAGE}", letter.escape_debug())),
            }
        }
    }
    if debug {
        super::log::show_debug();
    }
    let mut settings = Settings::default();
    for (keyword, value) in direct {
        settings.set(keyword, &[value])?;
    }
    for option in by_keyword {
        let (keyword, arguments) = parse_option(&option).map_err(|error| error.to_string())?;
        settings.set(&keyword, &arguments)?;
    }
    if let Some(path) = file {
        read_file(&values::path(&path), &mut settings)?;
    }
    Ok(if inetd { Request::Inetd(settings) } else { Request::Listen(settings) })
}

/// The grammar is that of `ssh_config`, line by line: keywords that add up there are not those that add up here.
fn read_file(path: &Path, settings: &mut Settings) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    for (number, line) in text.lines().enumerate() {
        let origin = || format!("{}, line {}", path.display(), number + 1);
        if line.trim().is_empty() || line.trim().starts_with('#') {
            continue;
        }
        let parsed = parse_option(line);
        let (keyword, arguments) = parsed.map_err(|error| format!("{}: {}", origin(), error.message))?;
        if matches!(keyword.as_str(), "match" | "include" | "host") {
            return Err(format!("{}: \"{keyword}\" is not supported", origin()));
        }
        settings.set(&keyword, &arguments).map_err(|error| format!("{}: {error}", origin()))?;
    }
    Ok(())
}
