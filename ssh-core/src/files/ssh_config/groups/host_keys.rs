//! Whom to trust.

use alloc::vec;

use super::group;
use crate::files::ssh_config::choices::{FingerprintFormat, StrictChecking, UpdateHostKeys, VerifyHostKeyDns};
use crate::files::ssh_config::commands::Command;
use crate::files::ssh_config::numbers::{Flag, RsaSize};
use crate::files::ssh_config::setting::Setting;
use crate::files::ssh_config::text::{Paths, Text};

group! {
    /// Whom to trust.
    HostKeys {
        /// What becomes of unknown and changed keys.
        strict: Setting<StrictChecking> = StrictChecking::Ask, "stricthostkeychecking";
        /// The user's files.
        user_files: Setting<Paths> = Paths(vec!["~/.ssh/known_hosts".into(), "~/.ssh/known_hosts2".into()]), "userknownhostsfile";
        /// The system's files.
        global_files: Setting<Paths> = Paths(vec!["/etc/ssh/ssh_known_hosts".into(), "/etc/ssh/ssh_known_hosts2".into()]), "globalknownhostsfile";
        /// A command that prints more.
        command: Setting<Command> = Command(None), "knownhostscommand";
        /// Keys that are revoked.
        revoked: Setting<Paths> = Paths(vec![]), "revokedhostkeys";
        /// The name under which keys are stored.
        alias: Setting<Text> = None, "hostkeyalias";
        /// Names are hashed.
        hash: Setting<Flag> = false, "hashknownhosts";
        /// Addresses are checked, too.
        check_host_ip: Setting<Flag> = false, "checkhostip";
        /// The loopback addresses need no key.
        no_authentication_for_localhost: Setting<Flag> = false, "nohostauthenticationforlocalhost";
        /// Whether further keys of the server are learnt.
        update: Setting<UpdateHostKeys> = UpdateHostKeys::Yes, "updatehostkeys";
        /// Fingerprints from DNS.
        verify_dns: Setting<VerifyHostKeyDns> = VerifyHostKeyDns::No, "verifyhostkeydns";
        /// A picture of the key is shown.
        visual: Setting<Flag> = false, "visualhostkey";
        /// How fingerprints are shown.
        fingerprint: Setting<FingerprintFormat> = FingerprintFormat::Sha256, "fingerprinthash";
        /// The smallest RSA key.
        required_rsa_size: Setting<RsaSize> = RsaSize(1024), "requiredrsasize";
    }
}
