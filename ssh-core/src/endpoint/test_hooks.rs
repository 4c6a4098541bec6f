//! What a test may set that no peer can within its lifetime: sequence numbers, volumes and keys.

use alloc::boxed::Box;

use super::{Endpoint, Role};
use crate::crypto::cipher::{OpenPacket, SealPacket};
use crate::packet::Counters;

/// A hand on what an endpoint counts and on its keys, by [`Endpoint::test_hooks`]. Only with the feature `test-hooks`,
/// which is for tests: whoever sets a key or a sequence number has given up what it protects.
///
/// ```
/// use std::sync::Arc;
///
/// use ssh_core::random::ChaChaRandom;
/// use ssh_core::{Client, ClientConfig, Timestamp};
///
/// let random = Box::new(ChaChaRandom::from_seed(&[7; 32]));
/// let mut client = Client::new(Arc::new(ClientConfig::default()), random, Timestamp::ZERO)?;
/// let mut hooks = client.test_hooks();
/// // The next packet is the last before the sequence number begins anew.
/// let mut counters = hooks.outgoing();
/// counters.sequence_number = u32::MAX;
/// hooks.set_outgoing(counters);
/// # Ok::<(), ssh_core::ConfigError>(())
/// ```
pub struct TestHooks<'a, R: Role> {
    endpoint: &'a mut Endpoint<R>,
}

impl<R: Role> Endpoint<R> {
    /// What only a test may set.
    pub fn test_hooks(&mut self) -> TestHooks<'_, R> {
        TestHooks { endpoint: self }
    }
}

impl<R: Role> TestHooks<'_, R> {
    /// What is counted of the packets that go out.
    pub fn outgoing(&self) -> Counters {
        self.endpoint.core.outbound.sender.counters()
    }

    /// What is counted of the packets that come in.
    pub fn incoming(&self) -> Counters {
        self.endpoint.core.receiver.counters()
    }

    /// Sets what is counted of the packets that go out.
    pub fn set_outgoing(&mut self, counters: Counters) {
        self.endpoint.core.outbound.sender.set_counters(counters);
    }

    /// Sets what is counted of the packets that come in.
    pub fn set_incoming(&mut self, counters: Counters) {
        self.endpoint.core.receiver.set_counters(counters);
    }

    /// Seals what goes out from here on with `sealer`, which a [`Cipher`](crate::crypto::cipher::Cipher) makes of a key.
    /// Volumes begin at 0; the sequence number goes on.
    pub fn set_outgoing_keys(&mut self, sealer: Box<dyn SealPacket>) {
        self.endpoint.core.outbound.sender.change_keys(sealer, false);
    }

    /// Opens what comes in from here on with `opener`, which a [`Cipher`](crate::crypto::cipher::Cipher) makes of a key.
    /// Volumes begin at 0; the sequence number goes on.
    pub fn set_incoming_keys(&mut self, opener: Box<dyn OpenPacket>) {
        self.endpoint.core.receiver.change_keys(opener, false);
    }
}
