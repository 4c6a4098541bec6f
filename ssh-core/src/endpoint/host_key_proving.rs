//! A server's keys after the login: announced, and proven to a client that wants to learn them (OpenSSH's `PROTOCOL` §2.5).

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::core::Core;
use super::event::{CoreEvent, SignRequest};
use crate::connection::{GlobalRequestEvent, GlobalToken};
use crate::crypto::signature::SignatureAlgorithm;
use crate::error::Misuse;
use crate::key::{
    ANNOUNCE_HOST_KEYS, PROVE_HOST_KEYS, PublicKey, host_key_proof_data, read_host_keys, write_host_keys,
};
use crate::wire::Writer;

/// A client's request for proof, while one signature after the other is made.
pub(super) struct HostKeyProving {
    reply: GlobalToken,
    /// Keys that have yet to sign; the first is asked.
    left: VecDeque<PublicKey>,
    turn: u64,
    signatures: Vec<u8>,
}

impl Core {
    /// Says which keys the server has. A client learns those that it does not know.
    pub(super) fn announce_host_keys(&mut self) {
        let fields = write_host_keys(self.announced_host_keys());
        if let Some(connection) = self.connection.as_ref().filter(|_| !fields.is_empty()) {
            connection.tell(ANNOUNCE_HOST_KEYS, &fields, &mut self.outbound);
        }
    }

    /// What becomes of a client's global request, or of its answer to one: requests for proof are dealt with here.
    pub(super) fn client_global_event(&mut self, event: GlobalRequestEvent) -> Option<CoreEvent> {
        match event {
            GlobalRequestEvent::Request { name, data, reply: Some(reply) }
                if name == PROVE_HOST_KEYS && self.announced_host_keys().next().is_some() =>
            {
                self.begin_proof(&data, reply)
            }
            event => Some(CoreEvent::Global(event)),
        }
    }

    /// Whether the proof waits for the signature of this turn.
    pub(super) fn proves_host_keys_in(&self, turn: u64) -> bool {
        !self.is_ending() && self.proving.as_ref().is_some_and(|proving| proving.turn == turn)
    }

    /// Takes a signature, and asks for the next or answers the client; `None`: it cannot be made, and nothing is proven.
    pub(super) fn go_on_proving(&mut self, signature: Option<&[u8]>) -> Result<(), Misuse> {
        let mut proving = self.proving.take().ok_or(Misuse::StaleToken)?;
        let Some(signature) = signature else { return self.answer_proof(&proving.reply, None) };
        Writer::new(&mut proving.signatures).string(signature);
        proving.left.pop_front();
        if proving.left.is_empty() {
            return self.answer_proof(&proving.reply, Some(&proving.signatures));
        }
        let event = self.ask_for_proof(proving);
        self.events.extend(event);
        Ok(())
    }

    /// One request at a time, and each key once: a client cannot have more signed than there are keys.
    fn begin_proof(&mut self, fields: &[u8], reply: GlobalToken) -> Option<CoreEvent> {
        let keys = read_host_keys(fields, &self.config.algorithms.host_key).unwrap_or_default();
        let are_ours = keys.iter().all(|key| self.announced_host_keys().any(|ours| ours == key));
        let are_all = write_host_keys(&keys) == fields;
        if keys.is_empty() || !are_ours || !are_all || self.proving.is_some() {
            // It may be answered already only if the connection is over.
            let _ = self.answer_proof(&reply, None);
            return None;
        }
        let turn = self.turn;
        self.ask_for_proof(HostKeyProving { reply, left: keys.into(), turn, signatures: Vec::new() })
    }

    /// Wants the next key's signature.
    fn ask_for_proof(&mut self, mut proving: HostKeyProving) -> Option<CoreEvent> {
        let key = proving.left.front()?.clone();
        let data = host_key_proof_data(&key, self.transport.session_id().unwrap_or_default());
        let algorithm = self.proof_algorithm(&key)?.name();
        proving.turn = self.next_turn();
        let turn = proving.turn;
        self.proving = Some(proving);
        Some(CoreEvent::Sign(SignRequest { key, algorithm, data, turn }))
    }

    fn answer_proof(&mut self, reply: &GlobalToken, signatures: Option<&[u8]>) -> Result<(), Misuse> {
        let connection = self.connection.as_mut().ok_or(Misuse::WrongPhase)?;
        connection.answer_global(reply, signatures, &mut self.outbound)
    }

    /// The plain keys of a server that announces them, each once.
    fn announced_host_keys(&self) -> impl Iterator<Item = &PublicKey> {
        let server = self.config.server.as_ref().filter(|server| server.announce_host_keys);
        let keys = server.map_or(&[][..], |server| &server.host_keys);
        let is_first = |place: usize, key: &PublicKey| !keys.iter().take(place).any(|before| before == key);
        let usable = |key: &PublicKey| key.certificate().is_none() && self.proof_algorithm(key).is_some();
        keys.iter().enumerate().filter(move |(place, key)| is_first(*place, key) && usable(key)).map(|(_, key)| key)
    }

    /// The most wanted of those that the client takes for a host key, too; if it takes none for keys of this type, ours.
    fn proof_algorithm(&self, key: &PublicKey) -> Option<&'static dyn SignatureAlgorithm> {
        let common = self.transport.common_host_key_algorithms().iter();
        let mut algorithms = common.chain(&self.config.algorithms.host_key).copied();
        algorithms.find(|algorithm| algorithm.plain().is_none() && algorithm.key_type() == key.key_type())
    }
}
