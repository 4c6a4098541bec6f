//! Keywords that OpenSSH does not have, or no longer: Net::SSH::Perl's, those of SSH-1, presets and lists of algorithms.

use super::group;
use crate::files::ssh_config::numbers::{Flag, Level};
use crate::files::ssh_config::setting::Setting;
use crate::files::ssh_config::text::{AlgorithmList, Text};

group! {
    /// Keywords that OpenSSH does not have, or no longer. `None`: not said.
    Older {
        /// Versions of the protocol: `1`, `2`, or both with a comma.
        protocol: Setting<Text> = None, "protocol";
        /// The cipher of SSH-1.
        cipher: Setting<Text> = None, "cipher";
        /// Methods of compression, in place of those that `Compression` stands for.
        compression_algorithms: Setting<AlgorithmList> = AlgorithmList(None), "compressionalgorithms";
        /// How hard compression tries.
        compression_level: Setting<Level> = Level(6), "compressionlevel";
        /// By RSA key (SSH-1).
        rsa: Setting<Flag> = true, "rsaauthentication";
        /// By the name of this host (SSH-1).
        rhosts: Setting<Flag> = false, "rhostsauthentication";
        /// By its name and key (SSH-1).
        rhosts_rsa: Setting<Flag> = false, "rhostsrsaauthentication";
        /// A local port below 1024.
        use_privileged_port: Setting<Flag> = false, "useprivilegedport";
        /// The question for a password names the host.
        password_prompt_host: Setting<Flag> = true, "passwordprompthost";
        /// It names the user.
        password_prompt_login: Setting<Flag> = true, "passwordpromptlogin";
        /// The preset that lists of algorithms change.
        algorithms: Setting<Text> = None, "algorithms";
    }
}
