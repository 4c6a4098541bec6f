//! `AddKeysToAgent`: a key that had to be read is the agent's from then on.

use ssh_core::agent::Constraints;
use ssh_core::files::ssh_config::{AddKeysToAgent, Resolved};
use ssh_core::login::UsedKeyFile;

use super::{Person, lock};
use crate::agent::Agent;

/// What becomes of keys that were used.
pub(super) struct Keeping {
    mode: AddKeysToAgent,
    /// Nobody is asked anything.
    is_batch: bool,
}

impl Keeping {
    pub(super) fn new(resolved: &Resolved) -> Self {
        Self { mode: resolved.identities.add_to_agent.value, is_batch: resolved.login.batch_mode.value }
    }

    /// Gives the key to the agent, if that is configured, a person who is asked consents, and the agent does not have it: what
    /// it was told of the key then is not taken back. A login does not depend on it.
    pub(super) fn keep(&self, used: UsedKeyFile, agent: &mut Agent, person: &Person) {
        let UsedKeyFile { name, key } = used;
        let comment = Some(key.comment()).filter(|comment| !comment.is_empty()).unwrap_or(&name);
        let (lifetime, confirm) = match self.mode {
            AddKeysToAgent::No => return,
            AddKeysToAgent::Yes(lifetime) => (lifetime, false),
            AddKeysToAgent::Confirm(lifetime) => (lifetime, true),
            AddKeysToAgent::Ask if self.is_batch => return,
            AddKeysToAgent::Ask => (None, false),
        };
        let has = agent.identities().is_ok_and(|all| all.iter().any(|each| each.key == *key.public_key()));
        let question = format!("Add key {} ({}) to agent?", name.escape_debug(), comment.escape_debug());
        if has || self.mode == AddKeysToAgent::Ask && !lock(person).confirm(&format!("{question} (yes/no)? ")) {
            return;
        }
        let constraints = Constraints { lifetime, confirm, ..Constraints::default() };
        if let Err(error) = agent.add(&key, None, comment, &constraints) {
            lock(person).warn(&format!("the agent does not take the key {}: {error}", name.escape_debug()));
        }
    }
}
