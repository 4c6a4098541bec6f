//! Whoever keeps the known hosts hears of a host's other keys (OpenSSH's `PROTOCOL` §2.5).

use std::future::Future;
use std::pin::Pin;

use ssh_core::ClientRole;
use ssh_core::key::PublicKey;

use crate::Result;
use crate::host_keys::HostKeyPolicy;
use crate::shared::{Shared, Topic};

/// A [`Learner`] of any policy.
pub(crate) trait Learn: Send {
    /// Has the policy learn what it wants to.
    ///
    /// # Errors
    /// How the connection ended meanwhile. Nothing was learnt then.
    fn learn<'a>(
        self: Box<Self>,
        shared: &'a Shared<ClientRole>,
        announced: &'a [PublicKey],
    ) -> Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>
    where
        Self: 'a;
}

/// A policy and the host it is about, until the host has announced its keys.
pub(crate) struct Learner<P> {
    pub(crate) policy: P,
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl<P: HostKeyPolicy> Learn for Learner<P> {
    fn learn<'a>(
        mut self: Box<Self>,
        shared: &'a Shared<ClientRole>,
        announced: &'a [PublicKey],
    ) -> Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>
    where
        Self: 'a,
    {
        Box::pin(async move {
            let Self { policy, host, port } = &mut *self;
            let Some(changes) = policy.host_key_changes(host, *port, announced).await else { return Ok(()) };
            if !changes.new.is_empty() {
                shared.wait(Topic::Room, |state| state.inbox.prove_host_keys(&changes.new)).await??;
                if !shared.wait(Topic::Leader, |state| state.inbox.host_keys_proven()).await? {
                    policy.host_keys_not_proven(host, &changes).await;
                    return Ok(());
                }
            }
            policy.replace_host_keys(host, *port, announced, &changes).await;
            Ok(())
        })
    }
}
