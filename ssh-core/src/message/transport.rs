//! Messages of the transport layer (RFC 4253, RFC 8308, `ping@openssh.com`).

use super::{Rest, messages};
use crate::wire::NameList;

messages! {
    /// Ends the connection (RFC 4253 §11.1).
    Disconnect<'a> = DISCONNECT {
        /// A [`DisconnectReason`](crate::wire::DisconnectReason).
        reason_code: u32,
        /// Text for a person.
        description: &'a [u8],
        /// RFC 3066 tag of the text's language; usually empty.
        language_tag: &'a [u8],
    }

    /// Carries nothing (RFC 4253 §11.2).
    Ignore<'a> = IGNORE {
        /// Arbitrary bytes.
        data: &'a [u8],
    }

    /// Answers a message whose number is not known (RFC 4253 §11.4).
    Unimplemented = UNIMPLEMENTED {
        /// The sequence number of the packet that was not understood.
        packet_sequence_number: u32,
    }

    /// Text for whoever debugs the peer (RFC 4253 §11.3).
    Debug<'a> = DEBUG {
        /// Whether it should be shown even where debugging was not asked for.
        always_display: bool,
        /// The text.
        message: &'a [u8],
        /// RFC 3066 tag of the text's language; usually empty.
        language_tag: &'a [u8],
    }

    /// Asks for a service (RFC 4253 §10).
    ServiceRequest<'a> = SERVICE_REQUEST {
        /// `ssh-userauth`, say.
        service_name: &'a [u8],
    }

    /// Grants a service (RFC 4253 §10).
    ServiceAccept<'a> = SERVICE_ACCEPT {
        /// The name that was asked for.
        service_name: &'a [u8],
    }

    /// Names extensions the sender has (RFC 8308 §2.3).
    ExtInfo<'a> = EXT_INFO {
        /// How many pairs follow.
        nr_extensions: u32,
        /// Pairs of `string extension-name` and `string extension-value`.
        extensions: Rest<'a>,
    }

    /// Begins a key exchange (RFC 4253 §7.1).
    KexInit<'a> = KEXINIT {
        /// Random bytes that keep either side from choosing the whole exchange hash.
        cookie: [u8; 16],
        /// Key exchange methods.
        kex_algorithms: NameList<'a>,
        /// Algorithms for the server's host key.
        server_host_key_algorithms: NameList<'a>,
        /// Ciphers from client to server.
        encryption_algorithms_client_to_server: NameList<'a>,
        /// Ciphers from server to client.
        encryption_algorithms_server_to_client: NameList<'a>,
        /// MACs from client to server.
        mac_algorithms_client_to_server: NameList<'a>,
        /// MACs from server to client.
        mac_algorithms_server_to_client: NameList<'a>,
        /// Compression from client to server.
        compression_algorithms_client_to_server: NameList<'a>,
        /// Compression from server to client.
        compression_algorithms_server_to_client: NameList<'a>,
        /// Languages from client to server.
        languages_client_to_server: NameList<'a>,
        /// Languages from server to client.
        languages_server_to_client: NameList<'a>,
        /// Whether the sender's guess at the first message of the method follows at once.
        first_kex_packet_follows: bool,
        /// 0.
        reserved: u32,
    }

    /// From here on the sender uses the new keys (RFC 4253 §7.3).
    NewKeys = NEWKEYS {}

    /// Asks for a [`Pong`] (OpenSSH PROTOCOL §1.10).
    Ping<'a> = PING {
        /// Comes back unchanged.
        data: &'a [u8],
    }

    /// Answers a [`Ping`].
    Pong<'a> = PONG {
        /// What the ping carried.
        data: &'a [u8],
    }
}
