//! Who answers during a login by configuration.

use ssh_core::login::{AgentSignature, UsedKeyFile};
use ssh_core::{PasswordChangeNeeded, Prompts, SecretBytes, Untrusted};

use super::keys_to_agent::Keeping;
use super::{Person, lock};
use crate::agent::Agent;
use crate::login::Interaction;

/// The agent signs, the person answers everything else.
pub struct AgentAndPerson {
    pub(super) agent: Option<Agent>,
    pub(super) person: Person,
    pub(super) keeping: Keeping,
}

impl Interaction for AgentAndPerson {
    fn password(&mut self, attempt: u32) -> Option<SecretBytes> {
        lock(&self.person).password(attempt)
    }

    fn new_password(&mut self, needed: &PasswordChangeNeeded) -> Option<SecretBytes> {
        lock(&self.person).new_password(needed)
    }

    fn answers(&mut self, prompts: &Prompts) -> Option<Vec<SecretBytes>> {
        lock(&self.person).answers(prompts)
    }

    fn passphrase(&mut self, file: &str, attempt: u32) -> Option<SecretBytes> {
        lock(&self.person).passphrase(file, attempt)
    }

    fn confirm(&mut self, question: &str) -> bool {
        lock(&self.person).confirm(question)
    }

    fn warn(&mut self, text: &str) {
        lock(&self.person).warn(text);
    }

    fn agent_signature(&mut self, wanted: &AgentSignature) -> Option<Vec<u8>> {
        self.agent.as_mut()?.agent_signature(wanted)
    }

    fn key_used(&mut self, used: UsedKeyFile) {
        if let Some(agent) = &mut self.agent {
            self.keeping.keep(used, agent, &self.person);
        }
    }

    fn banner(&mut self, text: &Untrusted) {
        lock(&self.person).banner(text);
    }
}
