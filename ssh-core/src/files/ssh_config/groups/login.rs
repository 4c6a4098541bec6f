//! Who to be.

use alloc::string::String;
use alloc::vec::Vec;

use super::group;
use crate::files::ssh_config::choices::PubkeyAuthentication;
use crate::files::ssh_config::intervals::AddKeysToAgent;
use crate::files::ssh_config::numbers::{Count, Flag};
use crate::files::ssh_config::setting::{List, Setting};
use crate::files::ssh_config::text::{AgentSocket, Text, Word};

group! {
    /// Logging in.
    Login {
        /// Who logs in.
        user: Setting<Text> = None, "user";
        /// Nobody is asked.
        batch_mode: Setting<Flag> = false, "batchmode";
        /// The order of methods.
        preferred: Setting<Text> = None, "preferredauthentications";
        /// By password.
        password: Setting<Flag> = true, "passwordauthentication";
        /// How often it is asked for.
        password_prompts: Setting<Count> = 3, "numberofpasswordprompts";
        /// By question and answer.
        keyboard_interactive: Setting<Flag> = true, "kbdinteractiveauthentication" | "challengeresponseauthentication" | "skeyauthentication" | "tisauthentication";
        /// Devices for it.
        keyboard_interactive_devices: Setting<Text> = None, "kbdinteractivedevices";
        /// By key.
        public_key: Setting<PubkeyAuthentication> = PubkeyAuthentication::Yes, "pubkeyauthentication" | "dsaauthentication";
        /// By the key of this host.
        host_based: Setting<Flag> = false, "hostbasedauthentication";
        /// The helper that signs with it.
        enable_ssh_keysign: Setting<Flag> = false, "enablesshkeysign";
    }
}

group! {
    /// Keys to log in with.
    Identities {
        /// Files of keys, unexpanded; empty: the usual ones.
        files: List<String> = Vec::new(), "identityfile" | "identityfile2";
        /// Files of certificates, unexpanded.
        certificates: List<String> = Vec::new(), "certificatefile";
        /// Keys only an agent has are not used.
        only_these: Setting<Flag> = false, "identitiesonly";
        /// The agent.
        agent: Setting<Option<AgentSocket>> = None, "identityagent";
        /// Whether keys that were read go to the agent.
        add_to_agent: Setting<AddKeysToAgent> = AddKeysToAgent::No, "addkeystoagent";
        /// A library for PKCS#11 tokens.
        pkcs11_provider: Setting<Word> = Word(None), "pkcs11provider" | "smartcarddevice";
        /// A library for FIDO authenticators.
        security_key_provider: Setting<Word> = Word(Some("internal".into())), "securitykeyprovider";
    }
}
