//! Reaching the server and agreeing on algorithms.

use alloc::vec::Vec;

use super::group;
use crate::files::ssh_config::choices::{AddressFamily, CanonicalizeHostname, Compression, TcpKeepAlive};
use crate::files::ssh_config::commands::Line;
use crate::files::ssh_config::intervals::{RekeyLimit, Seconds, WarnWeakCrypto};
use crate::files::ssh_config::numbers::{Count, Flag, IpQos, Port};
use crate::files::ssh_config::setting::Setting;
use crate::files::ssh_config::text::{AlgorithmList, CnameRules, Domains, Text};

group! {
    /// Reaching the server and keeping the connection.
    Connection {
        /// The host's real name, with `%h` for the one typed.
        host_name: Setting<Text> = None, "hostname";
        /// The port.
        port: Setting<Port> = Port(22), "port";
        /// IPv4, IPv6 or both.
        address_family: Setting<AddressFamily> = AddressFamily::Any, "addressfamily";
        /// The local address.
        bind_address: Setting<Text> = None, "bindaddress";
        /// The local interface.
        bind_interface: Setting<Text> = None, "bindinterface";
        /// How often to try.
        connection_attempts: Setting<Count> = 1, "connectionattempts";
        /// How long to try.
        connect_timeout: Setting<Seconds> = Seconds::NONE, "connecttimeout" | "setuptimeout";
        /// Keepalive of TCP.
        tcp_keep_alive: Setting<TcpKeepAlive> = TcpKeepAlive::Transport, "tcpkeepalive" | "keepalive";
        /// Seconds of silence before a question to the server; 0: never.
        server_alive_interval: Setting<Seconds> = Seconds::of(0), "serveraliveinterval" | "protocolkeepalives";
        /// Questions that may stay unanswered.
        server_alive_count_max: Setting<Count> = 3, "serveralivecountmax";
        /// Classes of service.
        ip_qos: Setting<IpQos> = IpQos { interactive: Some(0xb8), bulk: Some(0) }, "ipqos";
        /// The command passes a connected socket.
        proxy_use_fdpass: Setting<Flag> = false, "proxyusefdpass";
        /// Whether a short name is looked up in domains.
        canonicalize_hostname: Setting<CanonicalizeHostname> = CanonicalizeHostname::No, "canonicalizehostname";
        /// Those domains.
        canonical_domains: Setting<Domains> = Domains(Vec::new()), "canonicaldomains";
        /// How many dots a short name may have.
        canonicalize_max_dots: Setting<Count> = 1, "canonicalizemaxdots";
        /// A name found in no domain is left to the system.
        canonicalize_fallback_local: Setting<Flag> = true, "canonicalizefallbacklocal";
        /// Aliases that may be followed.
        canonicalize_permitted_cnames: Setting<CnameRules> = CnameRules(Vec::new()), "canonicalizepermittedcnames";
        /// What the identification says after the version.
        version_addendum: Setting<Line> = Line(None), "versionaddendum";
        /// A name for `Match tagged`.
        tag: Setting<Text> = None, "tag";
        /// Patterns of keywords that need not be known.
        ignore_unknown: Setting<Text> = None, "ignoreunknown";
        /// Why not to connect at all.
        refuse_connection: Setting<Text> = None, "refuseconnection";
    }
}

group! {
    /// Lists of algorithms as they were written, and what belongs to them.
    AlgorithmLists {
        /// Key exchange.
        kex: Setting<AlgorithmList> = AlgorithmList(None), "kexalgorithms";
        /// Host keys.
        host_key: Setting<AlgorithmList> = AlgorithmList(None), "hostkeyalgorithms";
        /// Signatures of users.
        public_key: Setting<AlgorithmList> = AlgorithmList(None), "pubkeyacceptedalgorithms" | "pubkeyacceptedkeytypes";
        /// Signatures of hosts that vouch for users.
        host_based: Setting<AlgorithmList> = AlgorithmList(None), "hostbasedacceptedalgorithms" | "hostbasedkeytypes";
        /// Signatures of authorities.
        ca_signature: Setting<AlgorithmList> = AlgorithmList(None), "casignaturealgorithms";
        /// Ciphers.
        ciphers: Setting<AlgorithmList> = AlgorithmList(None), "ciphers";
        /// Message authentication.
        macs: Setting<AlgorithmList> = AlgorithmList(None), "macs";
        /// Compression.
        compression: Setting<Compression> = Compression::No, "compression";
        /// When keys are renewed.
        rekey_limit: Setting<RekeyLimit> = RekeyLimit { bytes: 0, seconds: None }, "rekeylimit";
        /// What to warn of.
        warn_weak_crypto: Setting<WarnWeakCrypto> = WarnWeakCrypto { any: true, key_exchange: true }, "warnweakcrypto";
    }
}
