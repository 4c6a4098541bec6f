//! Keywords that choose one of a few words.

use alloc::{string::String, vec, vec::Vec};

use super::line::Arguments;
use super::setting::{Fault, Value, unexpected};

/// An enum with its words; of several, the first is shown.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident: $expected:literal, { $($(#[$each:meta])* $variant:ident = $shown:literal $(| $word:literal)*,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$each])* $variant,)*
        }

        impl $name {
            /// The word `ssh -G` prints.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $shown,)* }
            }
        }

        impl Value for $name {
            fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
                let word = arguments.required()?;
                $(if [$shown $(, $word)*].iter().any(|each| word.eq_ignore_ascii_case(each)) {
                    return Ok(Self::$variant);
                })*
                Err(unexpected(&word, $expected))
            }

            fn show(&self) -> Vec<String> {
                vec![self.name().into()]
            }
        }
    };
}

choice! {
    /// `AddressFamily`
    AddressFamily: "any, inet or inet6", {
        /// Both.
        Any = "any",
        /// IPv4.
        Inet = "inet",
        /// IPv6.
        Inet6 = "inet6",
    }
}

choice! {
    /// `CanonicalizeHostname`
    CanonicalizeHostname: "yes, no or always", {
        /// For connections without a proxy.
        Yes = "true" | "yes",
        /// Never.
        No = "false" | "no",
        /// Also through a proxy.
        Always = "always",
    }
}

choice! {
    /// `Compression`
    Compression: "yes or no", {
        /// Offered.
        Yes = "yes",
        /// Not offered.
        No = "no",
    }
}

choice! {
    /// `ControlMaster`
    ControlMaster: "yes, no, auto, ask or autoask", {
        /// Listens.
        Yes = "true" | "yes",
        /// Does not.
        No = "false" | "no",
        /// Uses one, or listens.
        Auto = "auto",
        /// Asks before each use.
        Ask = "ask",
        /// Uses one, or listens and asks.
        AutoAsk = "autoask",
    }
}

choice! {
    /// `FingerprintHash`. `bubblebabble` is Net::SSH::Perl's.
    FingerprintFormat: "md5, sha256 or bubblebabble", {
        /// SHA-256 in base64.
        Sha256 = "SHA256",
        /// MD5 in hexadecimal.
        Md5 = "MD5",
        /// Words that can be said.
        BubbleBabble = "bubblebabble",
    }
}

choice! {
    /// `LogLevel`
    LogLevel: "QUIET, FATAL, ERROR, INFO, VERBOSE, DEBUG, DEBUG1, DEBUG2 or DEBUG3", {
        /// Nothing.
        Quiet = "SILENT" | "QUIET",
        /// What ends the program.
        Fatal = "FATAL",
        /// Errors.
        Error = "ERROR",
        /// What a user wants to know.
        Info = "INFO",
        /// More.
        Verbose = "VERBOSE",
        /// What helps to find mistakes.
        Debug1 = "DEBUG" | "DEBUG1",
        /// More of it.
        Debug2 = "DEBUG2",
        /// All of it.
        Debug3 = "DEBUG3",
    }
}

choice! {
    /// `PubkeyAuthentication`
    PubkeyAuthentication: "yes, no, unbound or host-bound", {
        /// Tried, bound to the host key if the server can.
        Yes = "true" | "yes",
        /// Not tried.
        No = "false" | "no",
        /// Tried, never bound.
        Unbound = "unbound",
        /// Tried, always bound.
        HostBound = "host-bound",
    }
}

choice! {
    /// `RequestTTY`
    RequestTty: "yes, no, force or auto", {
        /// If standard input is one.
        Yes = "true" | "yes",
        /// Never.
        No = "false" | "no",
        /// Even if standard input is none.
        Force = "force",
        /// If standard input is one and a shell is started.
        Auto = "auto",
    }
}

choice! {
    /// `SessionType`
    SessionType: "none, subsystem or default", {
        /// Nothing is run.
        None = "none",
        /// The command is a subsystem's name.
        Subsystem = "subsystem",
        /// A shell or a command.
        Default = "default",
    }
}

choice! {
    /// `StrictHostKeyChecking`
    StrictChecking: "yes, ask, accept-new or no", {
        /// Only known keys.
        Yes = "true" | "yes",
        /// Every key.
        Off = "false" | "no" | "off",
        /// Known keys, and new ones after a question.
        Ask = "ask",
        /// Known keys, and new ones.
        AcceptNew = "accept-new",
    }
}

choice! {
    /// `TCPKeepAlive`
    TcpKeepAlive: "yes, no, transport or all", {
        /// On the connection.
        Transport = "true" | "yes" | "transport",
        /// Nowhere.
        No = "false" | "no",
        /// On every socket.
        All = "all",
    }
}

choice! {
    /// `Tunnel`
    Tunnel: "yes, no, point-to-point or ethernet", {
        /// Layer 2.
        Ethernet = "ethernet",
        /// Layer 3.
        PointToPoint = "point-to-point" | "true" | "yes",
        /// None.
        No = "false" | "no",
    }
}

choice! {
    /// `UpdateHostKeys`
    UpdateHostKeys: "yes, no or ask", {
        /// New keys of a known host are stored.
        Yes = "true" | "yes",
        /// They are not.
        No = "false" | "no",
        /// They are after a question.
        Ask = "ask",
    }
}

choice! {
    /// `VerifyHostKeyDNS`
    VerifyHostKeyDns: "yes, no or ask", {
        /// Secure fingerprints are trusted.
        Yes = "true" | "yes",
        /// None is looked up.
        No = "false" | "no",
        /// They are shown.
        Ask = "ask",
    }
}

choice! {
    /// `SyslogFacility`
    Facility: "DAEMON, USER, AUTH or LOCAL0 to LOCAL7", {
        /// Daemons.
        Daemon = "DAEMON",
        /// Programs of users.
        User = "USER",
        /// Logins.
        Auth = "AUTH",
        /// Logins, private.
        AuthPriv = "AUTHPRIV",
        /// The site's own.
        Local0 = "LOCAL0",
        /// The site's own.
        Local1 = "LOCAL1",
        /// The site's own.
        Local2 = "LOCAL2",
        /// The site's own.
        Local3 = "LOCAL3",
        /// The site's own.
        Local4 = "LOCAL4",
        /// The site's own.
        Local5 = "LOCAL5",
        /// The site's own.
        Local6 = "LOCAL6",
        /// The site's own.
        Local7 = "LOCAL7",
    }
}
