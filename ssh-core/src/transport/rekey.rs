//! When keys are replaced (RFC 4253 §9, RFC 4344 §3).

use core::time::Duration;

use super::negotiate::Negotiated;
use super::outbound::Outbound;
use crate::config::RekeyPolicy;
use crate::error::{Error, LimitKind};
use crate::packet::Receiver;
use crate::time::Timestamp;

/// No key ever sees more packets: sequence numbers would repeat.
const MAX_PACKETS_PER_KEY: u64 = (1 << 32) - 1;

/// No policy lets a key see more packets before it is due to be replaced (RFC 4344 §3.1).
const MAX_POLICY_PACKETS: u64 = 1 << 31;

/// Least age of keys: a policy of no time at all would replace them without end.
const MIN_AGE: Duration = Duration::from_micros(1);

/// Whether the keys have served long enough. Keys that have served nobody are never due for it.
pub(crate) fn is_due(
    policy: &RekeyPolicy,
    negotiated: &Negotiated,
    outbound: &Outbound,
    receiver: &Receiver,
    age: Duration,
) -> bool {
    let limit = policy.bytes.unwrap_or_else(|| {
        negotiated
            .cipher_client_to_server
            .rekey_after_bytes()
            .min(negotiated.cipher_server_to_client.rekey_after_bytes())
    });
    outbound.sender.bytes().max(receiver.bytes()) >= limit.max(1)
        || outbound.sender.packets().max(receiver.packets()) >= policy.packets.clamp(1, MAX_POLICY_PACKETS)
        || policy.time.is_some_and(|time| age >= time.max(MIN_AGE))
}

/// When keys become too old; `None` if they do not.
pub(crate) fn deadline(policy: &RekeyPolicy, keys_since: Timestamp) -> Option<Timestamp> {
    policy.time.map(|time| keys_since.saturating_add(time.max(MIN_AGE)))
}

/// Ends the connection before a sequence number repeats under one key.
pub(crate) fn check_hard_limit(outbound: &Outbound, receiver: &Receiver) -> Result<(), Error> {
    if outbound.sender.packets().max(receiver.packets()) >= MAX_PACKETS_PER_KEY {
        return Err(Error::LimitExceeded(LimitKind::PacketsPerKey));
    }
    Ok(())
}
