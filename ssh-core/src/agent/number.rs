//! The message numbers of the agent protocol.

use crate::wire::registry;

registry! {
    /// A message number of the agent protocol (draft-ietf-sshm-ssh-agent §6.1), without `SSH_AGENT_` and `SSH_AGENTC_`.
    AgentMessageNumber(u8) {
        /// The request failed.
        FAILURE = 5,
        /// The request succeeded, and there is nothing more to say.
        SUCCESS = 6,
        /// Which keys are there?
        REQUEST_IDENTITIES = 11,
        /// These keys are there.
        IDENTITIES_ANSWER = 12,
        /// Sign this.
        SIGN_REQUEST = 13,
        /// The signature.
        SIGN_RESPONSE = 14,
        /// Keep this key.
        ADD_IDENTITY = 17,
        /// Forget this key.
        REMOVE_IDENTITY = 18,
        /// Forget all keys.
        REMOVE_ALL_IDENTITIES = 19,
        /// Keep the keys of a token.
        ADD_SMARTCARD_KEY = 20,
        /// Forget the keys of a token.
        REMOVE_SMARTCARD_KEY = 21,
        /// Lock yourself with a passphrase.
        LOCK = 22,
        /// Unlock yourself.
        UNLOCK = 23,
        /// Keep this key, under constraints.
        ADD_ID_CONSTRAINED = 25,
        /// Keep the keys of a token, under constraints.
        ADD_SMARTCARD_KEY_CONSTRAINED = 26,
        /// A request with a name.
        EXTENSION = 27,
        /// A request with a name failed.
        EXTENSION_FAILURE = 28,
        /// The answer to a request with a name.
        EXTENSION_RESPONSE = 29,
    }
}
