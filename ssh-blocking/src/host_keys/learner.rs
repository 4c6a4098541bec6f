//! Whoever keeps the known hosts hears of a host's other keys (OpenSSH's `PROTOCOL` §2.5).

use ssh_core::ClientRole;
use ssh_core::key::PublicKey;

use super::HostKeyPolicy;
use crate::driver::{Deadline, Driver};
use crate::error::Result;

/// A policy and the host it is about, until the host has announced its keys.
pub(crate) struct Learner {
    policy: Box<dyn HostKeyPolicy + Send>,
    host: String,
    port: u16,
}

impl Learner {
    pub(crate) fn new(policy: Box<dyn HostKeyPolicy + Send>, host: &str, port: u16) -> Self {
        Self { policy, host: host.into(), port }
    }

    /// Has the policy learn what it wants to.
    ///
    /// # Errors
    /// How the connection ended meanwhile. Nothing was learnt then.
    pub(crate) fn learn(mut self, driver: &Driver<ClientRole>, announced: &[PublicKey]) -> Result<()> {
        let Some(changes) = self.policy.host_key_changes(&self.host, self.port, announced) else { return Ok(()) };
        // How long the host may take is `Limits::proof_grace`.
        let deadline = Deadline::new("proof of host keys", None);
        if !changes.new.is_empty() {
            driver.wait(deadline, |state| state.inbox.prove_host_keys(&changes.new))??;
            if !driver.wait(deadline, |state| state.inbox.host_keys_proven())? {
                self.policy.host_keys_not_proven(&self.host, &changes);
                return Ok(());
            }
        }
        self.policy.replace_host_keys(&self.host, self.port, announced, &changes);
        Ok(())
    }
}
