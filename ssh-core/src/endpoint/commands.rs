//! What an application tells the core: answers and commands.

use super::client::HostKeyAnswer;
use super::core::{Auth, Core, server_auth_config};
use super::replay::{write_auth_answer, write_count, write_method, write_optional};
use crate::auth::{AuthAnswer, AuthMethod};
use crate::connection::{
    Channel, ChannelId, ChannelOpenRequest, ChannelType, Connection, GlobalToken, RequestId, RequestToken,
};
use crate::error::{Error, Misuse};
use crate::key::HostKeyProof;
use crate::recorder::Kind;
use crate::secret::SecretBytes;
use crate::transport::{Negotiated, Outbound, Phase, Side};
use crate::untrusted::Untrusted;
use crate::wire::ChannelOpenFailureReason;

impl Core {
    pub(super) fn answer_host_key(&mut self, turn: u64, answer: HostKeyAnswer) -> Result<(), Misuse> {
        self.note(Kind::AnswerHostKey, |writer| {
            writer.uint64(turn);
            writer.boolean(answer == HostKeyAnswer::Accept);
        });
        self.check_turn(turn)?;
        match answer {
            HostKeyAnswer::Accept => self.transport.accept_host_key(&mut self.outbound),
            HostKeyAnswer::Reject => {
                self.fail(Error::HostKeyRejected);
                Ok(())
            }
        }
    }

    pub(super) fn answer_host_signature(&mut self, turn: u64, signature: Option<&[u8]>) -> Result<(), Misuse> {
        self.note_signature(turn, signature);
        if self.proves_host_keys_in(turn) {
            return self.go_on_proving(signature);
        }
        self.check_turn(turn)?;
        match signature {
            Some(signature) => self.transport.provide_signature(signature, &mut self.outbound),
            None => {
                self.fail(Error::SigningFailed);
                Ok(())
            }
        }
    }

    pub(super) fn answer_user_signature(&mut self, turn: u64, signature: Option<&[u8]>) -> Result<(), Misuse> {
        self.note_signature(turn, signature);
        self.check_turn(turn)?;
        let Some(Auth::Client(auth)) = &mut self.auth else { return Err(Misuse::StaleToken) };
        if let Some(event) = auth.answer_signature(signature, &mut self.outbound)? {
            let event = self.client_auth_event(event);
            self.events.push_back(event);
        }
        Ok(())
    }

    pub(super) fn authenticate(&mut self, user: &[u8], method: AuthMethod) -> Result<(), Misuse> {
        self.note(Kind::Authenticate, |writer| {
            writer.string(user);
            write_method(writer, &method);
        });
        self.check_alive()?;
        let Some(Auth::Client(auth)) = &mut self.auth else { return Err(Misuse::WrongPhase) };
        let session_id = self.transport.session_id().unwrap_or_default();
        let algorithms = match (&method, &self.config.host_based_algorithms) {
            (AuthMethod::HostBased { .. }, Some(algorithms)) => algorithms,
            _ => &self.config.algorithms.public_key,
        };
        if let Some(event) = auth.authenticate(user, method, session_id, algorithms, &mut self.outbound)? {
            let event = self.client_auth_event(event);
            self.events.push_back(event);
        }
        Ok(())
    }

    pub(super) fn answer_prompts(&mut self, turn: u64, answers: &[SecretBytes]) -> Result<(), Misuse> {
        self.note(Kind::AnswerPrompts, |writer| {
            writer.uint64(turn);
            write_count(writer, answers.len());
            answers.iter().for_each(|answer| writer.string(answer.expose()));
        });
        self.check_alive()?;
        let Some(Auth::Client(auth)) = &mut self.auth else { return Err(Misuse::StaleToken) };
        auth.answer_prompts(turn, answers, &mut self.outbound)
    }

    pub(super) fn answer_key_offer(&mut self, turn: u64, would_do: bool) -> Result<(), Misuse> {
        self.note(Kind::AnswerKeyOffer, |writer| {
            writer.uint64(turn);
            writer.boolean(would_do);
        });
        self.check_alive()?;
        let config = server_auth_config(&self.config);
        let Some(Auth::Server(auth)) = &mut self.auth else { return Err(Misuse::StaleToken) };
        if let Err(error) = auth.answer_offer(turn, would_do, config, &mut self.outbound)? {
            self.fail(error);
        }
        Ok(())
    }

    pub(super) fn answer_auth(&mut self, turn: u64, answer: AuthAnswer) -> Result<(), Misuse> {
        self.note(Kind::AnswerAuth, |writer| {
            writer.uint64(turn);
            write_auth_answer(writer, &answer);
        });
        self.check_alive()?;
        let config = server_auth_config(&self.config);
        let Some(Auth::Server(auth)) = &mut self.auth else { return Err(Misuse::StaleToken) };
        match auth.answer_request(turn, answer, config, &mut self.outbound)? {
            Ok(Some(event)) => {
                let event = self.server_auth_event(event);
                self.events.push_back(event);
            }
            Ok(None) => {}
            Err(error) => self.fail(error),
        }
        Ok(())
    }

    pub(super) fn send_banner(&mut self, text: &str) -> Result<(), Misuse> {
        self.note(Kind::SendBanner, |writer| writer.string(text.as_bytes()));
        self.check_alive()?;
        let Some(Auth::Server(auth)) = &self.auth else { return Err(Misuse::WrongPhase) };
        auth.send_banner(text, &mut self.outbound)
    }

    pub(super) fn channel(&mut self, id: ChannelId) -> Option<Channel<'_>> {
        let recorder = self.recorder.as_deref_mut();
        Channel::new(id, self.connection.as_mut()?, &mut self.receiver, &mut self.outbound, recorder)
    }

    pub(super) fn open_channel(&mut self, channel_type: &ChannelType) -> Result<ChannelId, Misuse> {
        self.note(Kind::OpenChannel, |writer| {
            writer.string(channel_type.name());
            writer.string(channel_type.data());
        });
        let (connection, outbound) = self.connection()?;
        if !outbound.has_room() {
            return Err(Misuse::Busy);
        }
        connection.open(channel_type, outbound)
    }

    pub(super) fn accept_channel(&mut self, request: &ChannelOpenRequest) -> Result<ChannelId, Misuse> {
        self.note(Kind::AcceptChannel, |writer| writer.uint32(request.id.0));
        let (connection, outbound) = self.connection()?;
        connection.accept(request, outbound)
    }

    pub(super) fn reject_channel(
        &mut self,
        request: &ChannelOpenRequest,
        reason: ChannelOpenFailureReason,
        description: &str,
    ) -> Result<(), Misuse> {
        self.note(Kind::RejectChannel, |writer| {
            writer.uint32(request.id.0);
            writer.uint32(reason.0);
            writer.string(description.as_bytes());
        });
        let (connection, outbound) = self.connection()?;
        connection.reject(request, reason, crate::untrusted::cut(description, 1024), outbound)
    }

    pub(super) fn reply(&mut self, token: &RequestToken, success: bool) -> Result<(), Misuse> {
        self.note(Kind::Reply, |writer| {
            writer.uint32(token.channel.0);
            writer.uint64(token.turn);
            writer.boolean(success);
        });
        let (connection, outbound) = self.connection()?;
        connection.reply(token, success, outbound)
    }

    pub(super) fn global_request(&mut self, name: &[u8], data: &[u8]) -> Result<RequestId, Misuse> {
        self.note(Kind::GlobalRequest, |writer| {
            writer.string(name);
            writer.string(data);
        });
        let (connection, outbound) = self.connection()?;
        if !outbound.has_room() {
            return Err(Misuse::Busy);
        }
        connection.global_request(name, data, outbound)
    }

    pub(super) fn answer_global(&mut self, token: &GlobalToken, response: Option<&[u8]>) -> Result<(), Misuse> {
        self.note(Kind::AnswerGlobal, |writer| {
            writer.uint64(token.turn);
            write_optional(writer, response);
        });
        let (connection, outbound) = self.connection()?;
        connection.answer_global(token, response, outbound)
    }

    pub(super) fn rekey(&mut self) -> Result<(), Misuse> {
        self.note(Kind::Rekey, |_| ());
        self.connection()?;
        if let Err(error) = self.start_rekey() {
            self.fail(error);
        }
        Ok(())
    }

    pub(super) fn negotiated(&self) -> Option<&Negotiated> {
        self.transport.negotiated()
    }

    pub(super) fn session_id(&self) -> Option<&[u8]> {
        self.transport.session_id()
    }

    pub(super) fn host_key_proof(&self) -> Option<HostKeyProof> {
        self.transport.host_key_proof()
    }

    pub(super) fn peer_identification(&self) -> Option<Untrusted> {
        let line = self.transport.identification(self.config.side.peer());
        (!line.is_empty()).then(|| Untrusted::new(line))
    }

    pub(super) fn is_authenticated(&self) -> bool {
        self.phase == Phase::Connection
    }

    pub(super) fn side(&self) -> Side {
        self.config.side
    }

    fn note_signature(&mut self, turn: u64, signature: Option<&[u8]>) {
        self.note(Kind::AnswerSignature, |writer| {
            writer.uint64(turn);
            write_optional(writer, signature);
        });
    }

    pub(super) fn connection(&mut self) -> Result<(&mut Connection, &mut Outbound), Misuse> {
        if self.phase != Phase::Connection {
            return Err(Misuse::WrongPhase);
        }
        Ok((self.connection.as_mut().ok_or(Misuse::WrongPhase)?, &mut self.outbound))
    }

    fn check_alive(&self) -> Result<(), Misuse> {
        if self.is_ending() { Err(Misuse::WrongPhase) } else { Ok(()) }
    }

    /// Whether a decision is still the one that is asked for.
    fn check_turn(&self, turn: u64) -> Result<(), Misuse> {
        if self.is_ending() || turn != self.awaited { Err(Misuse::StaleToken) } else { Ok(()) }
    }
}
