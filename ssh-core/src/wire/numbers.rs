//! The number registries of RFC 4250 §4. Unknown values survive: a registry grows after the code was written.

macro_rules! registry {
    (
        $(#[$meta:meta])* $name:ident($int:ty) {
            $($(#[$constant_meta:meta])* $constant:ident = $value:literal,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $int);

        impl $name {
            $($(#[$constant_meta])* pub const $constant: Self = Self($value);)*

            /// The registered name, or `None` for a number that is not in the registry.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(stringify!($constant)),)*
                    _ => None,
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "number {}", self.0),
                }
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{}({})", self.name().unwrap_or("?"), self.0)
            }
        }
    };
}

pub(crate) use registry;

registry! {
    /// A message number (RFC 4250 §4.1), without the `SSH_MSG_` prefix.
    ///
    /// 30 to 49 belong to the key exchange method in use and 60 to 79 to the authentication method, so one number has
    /// several names there.
    MessageNumber(u8) {
        /// RFC 4253 §11.1
        DISCONNECT = 1,
        /// RFC 4253 §11.2
        IGNORE = 2,
        /// RFC 4253 §11.4
        UNIMPLEMENTED = 3,
        /// RFC 4253 §11.3
        DEBUG = 4,
        /// RFC 4253 §10
        SERVICE_REQUEST = 5,
        /// RFC 4253 §10
        SERVICE_ACCEPT = 6,
        /// RFC 8308 §2.3
        EXT_INFO = 7,
        /// RFC 4253 §7.1
        KEXINIT = 20,
        /// RFC 4253 §7.3
        NEWKEYS = 21,
        /// RFC 5656 §4: the client's public value; also `KEXDH_INIT` (RFC 4253 §8)
        KEX_ECDH_INIT = 30,
        /// RFC 5656 §4: the server's answer; also `KEXDH_REPLY` (RFC 4253 §8) and `KEX_DH_GEX_GROUP` (RFC 4419 §3)
        KEX_ECDH_REPLY = 31,
        /// RFC 4419 §3: the client's public value
        KEX_DH_GEX_INIT = 32,
        /// RFC 4419 §3: the server's public value
        KEX_DH_GEX_REPLY = 33,
        /// RFC 4419 §3: the sizes of group that the client takes
        KEX_DH_GEX_REQUEST = 34,
        /// RFC 4252 §5
        USERAUTH_REQUEST = 50,
        /// RFC 4252 §5.1
        USERAUTH_FAILURE = 51,
        /// RFC 4252 §5.1
        USERAUTH_SUCCESS = 52,
        /// RFC 4252 §5.4
        USERAUTH_BANNER = 53,
        /// 60: `PK_OK` (RFC 4252 §7), `PASSWD_CHANGEREQ` (§8) or `INFO_REQUEST` (RFC 4256 §3.2), by method
        USERAUTH_METHOD_60 = 60,
        /// 61: `INFO_RESPONSE` (RFC 4256 §3.4)
        USERAUTH_INFO_RESPONSE = 61,
        /// RFC 4254 §4
        GLOBAL_REQUEST = 80,
        /// RFC 4254 §4
        REQUEST_SUCCESS = 81,
        /// RFC 4254 §4
        REQUEST_FAILURE = 82,
        /// RFC 4254 §5.1
        CHANNEL_OPEN = 90,
        /// RFC 4254 §5.1
        CHANNEL_OPEN_CONFIRMATION = 91,
        /// RFC 4254 §5.1
        CHANNEL_OPEN_FAILURE = 92,
        /// RFC 4254 §5.2
        CHANNEL_WINDOW_ADJUST = 93,
        /// RFC 4254 §5.2
        CHANNEL_DATA = 94,
        /// RFC 4254 §5.2
        CHANNEL_EXTENDED_DATA = 95,
        /// RFC 4254 §5.3
        CHANNEL_EOF = 96,
        /// RFC 4254 §5.3
        CHANNEL_CLOSE = 97,
        /// RFC 4254 §5.4
        CHANNEL_REQUEST = 98,
        /// RFC 4254 §5.4
        CHANNEL_SUCCESS = 99,
        /// RFC 4254 §5.4
        CHANNEL_FAILURE = 100,
        /// `ping@openssh.com`, OpenSSH's PROTOCOL §1.10
        PING = 192,
        /// `ping@openssh.com`, OpenSSH's PROTOCOL §1.10
        PONG = 193,
    }
}

registry! {
    /// Why a side disconnects (RFC 4253 §11.1).
    DisconnectReason(u32) {
        /// The host is not allowed to connect.
        HOST_NOT_ALLOWED_TO_CONNECT = 1,
        /// A message broke the protocol.
        PROTOCOL_ERROR = 2,
        /// No common algorithm, or the exchange itself failed.
        KEY_EXCHANGE_FAILED = 3,
        /// Reserved by the RFC.
        RESERVED = 4,
        /// A packet failed its integrity check.
        MAC_ERROR = 5,
        /// Decompression failed.
        COMPRESSION_ERROR = 6,
        /// The requested service does not exist here.
        SERVICE_NOT_AVAILABLE = 7,
        /// The protocol version is not spoken here.
        PROTOCOL_VERSION_NOT_SUPPORTED = 8,
        /// The host key was not accepted.
        HOST_KEY_NOT_VERIFIABLE = 9,
        /// The connection is lost.
        CONNECTION_LOST = 10,
        /// The application ends the connection.
        BY_APPLICATION = 11,
        /// Too many connections.
        TOO_MANY_CONNECTIONS = 12,
        /// The user cancelled authentication.
        AUTH_CANCELLED_BY_USER = 13,
        /// No authentication method is left to try.
        NO_MORE_AUTH_METHODS_AVAILABLE = 14,
        /// The user name is not acceptable.
        ILLEGAL_USER_NAME = 15,
    }
}

registry! {
    /// Why a channel was not opened (RFC 4254 §5.1).
    ChannelOpenFailureReason(u32) {
        /// Policy forbids it.
        ADMINISTRATIVELY_PROHIBITED = 1,
        /// The target could not be reached.
        CONNECT_FAILED = 2,
        /// The channel type is not known.
        UNKNOWN_CHANNEL_TYPE = 3,
        /// Out of resources.
        RESOURCE_SHORTAGE = 4,
    }
}

registry! {
    /// A stream of a channel: the ordinary one, or an extended data type code (RFC 4254 §5.2).
    DataStream(u32) {
        /// `CHANNEL_DATA`: standard input towards a command, standard output from it.
        STDOUT = 0,
        /// `CHANNEL_EXTENDED_DATA` with `SSH_EXTENDED_DATA_STDERR`.
        STDERR = 1,
    }
}
