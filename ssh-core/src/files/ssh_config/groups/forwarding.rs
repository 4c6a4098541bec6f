//! What goes through the connection beside the session.

use alloc::vec::Vec;

use super::group;
use crate::files::ssh_config::choices::Tunnel;
use crate::files::ssh_config::destinations::{Dynamic, Forward, PermitRemoteOpen, Remote};
use crate::files::ssh_config::intervals::Seconds;
use crate::files::ssh_config::numbers::{BindMask, Flag, TunnelDevice};
use crate::files::ssh_config::setting::{List, Setting};
use crate::files::ssh_config::text::{ForwardAgent, Text};

group! {
    /// What goes through the connection beside the session.
    Forwarding {
        /// From here to there.
        local: List<Forward> = Vec::new(), "localforward";
        /// From there to here.
        remote: List<Remote> = Vec::new(), "remoteforward";
        /// By SOCKS from here.
        dynamic: List<Dynamic> = Vec::new(), "dynamicforward";
        /// Where SOCKS from there may lead.
        permit_remote_open: Setting<PermitRemoteOpen> = PermitRemoteOpen::Any, "permitremoteopen";
        /// All of them are dropped.
        clear_all: Setting<Flag> = false, "clearallforwardings";
        /// Without one of them there is no session.
        exit_on_failure: Setting<Flag> = false, "exitonforwardfailure";
        /// Other hosts may use those from here.
        gateway_ports: Setting<Flag> = false, "gatewayports";
        /// The agent.
        agent: Setting<ForwardAgent> = ForwardAgent::No, "forwardagent";
        /// X11.
        x11: Setting<Flag> = false, "forwardx11";
        /// With all rights.
        x11_trusted: Setting<Flag> = false, "forwardx11trusted";
        /// Seconds for which it works without.
        x11_timeout: Setting<Seconds> = Seconds::of(1200), "forwardx11timeout";
        /// The program that makes its cookies.
        xauth: Setting<Text> = Some("/usr/bin/xauth".into()), "xauthlocation";
        /// Sockets: permissions that are taken away.
        bind_mask: Setting<BindMask> = BindMask(0o177), "streamlocalbindmask";
        /// Sockets: one that is in the way is removed.
        bind_unlink: Setting<Flag> = false, "streamlocalbindunlink";
        /// Packets or frames.
        tunnel: Setting<Tunnel> = Tunnel::No, "tunnel";
        /// Their devices.
        tunnel_device: Setting<TunnelDevice> = TunnelDevice { local: None, remote: None }, "tunneldevice";
    }
}
