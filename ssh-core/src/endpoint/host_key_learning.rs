//! A client that learns its server's other keys (OpenSSH's `PROTOCOL` §2.5).

use alloc::vec::Vec;

use super::core::Core;
use super::event::CoreEvent;
use super::replay::write_count;
use super::timers::Since;
use crate::connection::{GlobalRequestEvent, RequestId};
use crate::crypto::signature::SignatureAlgorithm;
use crate::error::Misuse;
use crate::key::{
    ANNOUNCE_HOST_KEYS, PROVE_HOST_KEYS, PublicKey, host_keys_are_proven, read_host_keys, write_host_keys,
};
use crate::recorder::Kind;

/// Keys that a server was asked to prove.
pub(super) struct HostKeysToProve {
    request: RequestId,
    keys: Vec<PublicKey>,
    /// It took too long, and what the server answers is not heard any more.
    is_given_up: bool,
}

impl Core {
    /// What becomes of a server's global request, or of its answer to one. An announcement that makes no sense is a request
    /// as any other.
    pub(super) fn server_global_event(&mut self, event: GlobalRequestEvent) -> Option<CoreEvent> {
        Some(match event {
            GlobalRequestEvent::Request { name, data, reply: None } if name == ANNOUNCE_HOST_KEYS => {
                match read_host_keys(&data, &self.plain_host_key_algorithms()) {
                    Ok(keys) => CoreEvent::HostKeys(keys),
                    Err(_) => CoreEvent::Global(GlobalRequestEvent::Request { name, data, reply: None }),
                }
            }
            GlobalRequestEvent::Reply { request, response } => {
                match self.to_prove.take_if(|to_prove| to_prove.request == request) {
                    Some(HostKeysToProve { is_given_up: true, .. }) => return None,
                    Some(to_prove) => {
                        self.timers.proof_since = None;
                        CoreEvent::HostKeysProven(self.proven(to_prove, response))
                    }
                    None => CoreEvent::Global(GlobalRequestEvent::Reply { request, response }),
                }
            }
            event => CoreEvent::Global(event),
        })
    }

    /// Whoever waits for a proof does so for a while, not for ever.
    pub(super) fn give_up_proof(&mut self) {
        if let Some(to_prove) = &mut self.to_prove {
            to_prove.is_given_up = true;
            self.events.push_back(CoreEvent::HostKeysProven(None));
        }
    }

    pub(super) fn prove_host_keys(&mut self, keys: &[PublicKey]) -> Result<(), Misuse> {
        self.note(Kind::ProveHostKeys, |writer| {
            write_count(writer, keys.len());
            keys.iter().for_each(|key| writer.string(key.blob()));
        });
        let is_busy = self.to_prove.is_some();
        let (connection, outbound) = self.connection()?;
        if is_busy || !outbound.has_room() {
            return Err(Misuse::Busy);
        }
        let request = connection.global_request(PROVE_HOST_KEYS, &write_host_keys(keys), outbound)?;
        self.timers.proof_since = Some(Since::WhenTold);
        self.to_prove = Some(HostKeysToProve { request, keys: keys.to_vec(), is_given_up: false });
        Ok(())
    }

    /// The keys, if the server holds them all.
    fn proven(&self, to_prove: HostKeysToProve, response: Option<Vec<u8>>) -> Option<Vec<PublicKey>> {
        let session_id = self.transport.session_id()?;
        let algorithms = self.plain_host_key_algorithms();
        host_keys_are_proven(&response?, &to_prove.keys, session_id, &algorithms).then_some(to_prove.keys)
    }

    fn plain_host_key_algorithms(&self) -> Vec<&'static dyn SignatureAlgorithm> {
        self.config.algorithms.host_key.iter().copied().filter(|algorithm| algorithm.plain().is_none()).collect()
    }
}
