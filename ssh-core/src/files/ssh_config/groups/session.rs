//! What runs, and how it is shown.

use alloc::vec::Vec;

use super::group;
use crate::files::ssh_config::choices::{ControlMaster, Facility, LogLevel, RequestTty, SessionType};
use crate::files::ssh_config::commands::Command;
use crate::files::ssh_config::environment::{SendEnv, SetEnv};
use crate::files::ssh_config::intervals::{ChannelTimeouts, ControlPersist, ObscureKeystrokes};
use crate::files::ssh_config::numbers::{EscapeChar, Flag};
use crate::files::ssh_config::setting::Setting;
use crate::files::ssh_config::text::{Paths, Word};

group! {
    /// What runs, and how it is shown.
    Session {
        /// A shell or command, a subsystem, or nothing.
        kind: Setting<SessionType> = SessionType::Default, "sessiontype";
        /// Whether a terminal is asked for.
        request_tty: Setting<RequestTty> = RequestTty::Auto, "requesttty";
        /// What runs at the server.
        remote_command: Setting<Command> = Command(None), "remotecommand";
        /// What runs here once connected, unexpanded.
        local_command: Setting<Command> = Command(None), "localcommand";
        /// Whether it may.
        permit_local_command: Setting<Flag> = false, "permitlocalcommand";
        /// Variables to send.
        send_env: Setting<SendEnv> = SendEnv(Vec::new()), "sendenv";
        /// Variables to send, with their values.
        set_env: Setting<SetEnv> = SetEnv(Vec::new()), "setenv";
        /// Nothing is read from standard input.
        stdin_null: Setting<Flag> = false, "stdinnull";
        /// Goes to the background.
        fork: Setting<Flag> = false, "forkafterauthentication";
        /// The character that begins an escape.
        escape_char: Setting<EscapeChar> = EscapeChar(Some(b'~')), "escapechar";
        /// The command line among the escapes.
        escape_command_line: Setting<Flag> = false, "enableescapecommandline";
        /// Keystrokes are sent at fixed times.
        obscure_keystrokes: Setting<ObscureKeystrokes> = ObscureKeystrokes(Some(ObscureKeystrokes::USUAL)), "obscurekeystroketiming";
        /// When silent channels are closed.
        channel_timeouts: Setting<ChannelTimeouts> = ChannelTimeouts(Vec::new()), "channeltimeout";
        /// Shares the connection.
        control_master: Setting<ControlMaster> = ControlMaster::No, "controlmaster";
        /// By this socket.
        control_path: Setting<Word> = Word(None), "controlpath";
        /// How long it stays.
        control_persist: Setting<ControlPersist> = ControlPersist::No, "controlpersist";
        /// What is told.
        log_level: Setting<LogLevel> = LogLevel::Info, "loglevel";
        /// Of which source files more is told.
        log_verbose: Setting<Paths> = Paths(Vec::new()), "logverbose";
        /// Where it goes in the system's log.
        syslog_facility: Setting<Facility> = Facility::User, "syslogfacility";
    }
}
