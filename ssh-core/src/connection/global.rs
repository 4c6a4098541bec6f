//! Global requests and their ordered answers (RFC 4254 §4).

use alloc::{collections::VecDeque, vec::Vec};

use super::request::RequestId;
use crate::error::{Error, LimitKind, Misuse, PeerMisbehaved};
use crate::message::{self, DecodeMessage, Rest};
use crate::transport::Outbound;
use crate::wire::{DecodeError, MessageNumber};

/// The request OpenSSH asks with whether the peer is alive; every SSH implementation answers it, mostly with failure.
const KEEPALIVE: &[u8] = b"keepalive@openssh.com";

/// A global request of the peer, or the answer to one of ours.
#[derive(Debug)]
#[non_exhaustive]
pub enum GlobalRequestEvent {
    /// The peer asks for something. Refuse what is not known.
    Request {
        /// The request's name.
        name: Vec<u8>,
        /// Its own fields.
        data: Vec<u8>,
        /// Present if an answer is wanted; answers leave in the order of the requests, so every token must be answered.
        reply: Option<GlobalToken>,
    },
    /// The peer answered.
    Reply {
        /// Which of our requests.
        request: RequestId,
        /// The answer's fields; `None`: refused.
        response: Option<Vec<u8>>,
    },
}

/// The right to answer a global request.
#[derive(Debug)]
#[must_use = "a request that is never answered blocks the answers after it"]
pub struct GlobalToken {
    pub(crate) turn: u64,
}

/// Both directions' global requests.
pub(super) struct GlobalRequests {
    /// Ours that await an answer; `None` for keepalives.
    awaiting_reply: VecDeque<Option<RequestId>>,
    /// The peer's that await one; `answer` is set out of order and sent in order.
    unanswered: VecDeque<Unanswered>,
    turn: u64,
}

struct Unanswered {
    turn: u64,
    answer: Option<Option<Vec<u8>>>,
}

impl GlobalRequests {
    pub(super) fn new(turn: u64) -> Self {
        Self { awaiting_reply: VecDeque::new(), unanswered: VecDeque::new(), turn }
    }

    /// Asks something; `id` is `None` for a keepalive.
    pub(super) fn ask(&mut self, name: &[u8], data: &[u8], id: Option<RequestId>, outbound: &mut Outbound) {
        outbound.send(&message::GlobalRequest { request_name: name, want_reply: true, request_fields: Rest(data) });
        self.awaiting_reply.push_back(id);
    }

    /// Says something that wants no answer.
    pub(super) fn tell(name: &[u8], data: &[u8], outbound: &mut Outbound) {
        outbound.send(&message::GlobalRequest { request_name: name, want_reply: false, request_fields: Rest(data) });
    }

    pub(super) fn ask_keepalive(&mut self, outbound: &mut Outbound) {
        self.ask(KEEPALIVE, b"", None, outbound);
    }

    pub(super) fn handle(
        &mut self,
        number: MessageNumber,
        body: &[u8],
        max_unanswered: usize,
        outbound: &mut Outbound,
    ) -> Result<Option<GlobalRequestEvent>, Error> {
        let malformed = |error: DecodeError| PeerMisbehaved::MalformedMessage { number, error };
        match number {
            MessageNumber::GLOBAL_REQUEST => {
                let request = message::GlobalRequest::decode(body).map_err(malformed)?;
                self.handle_request(&request, max_unanswered, outbound)
            }
            MessageNumber::REQUEST_SUCCESS => {
                let response = message::RequestSuccess::decode(body).map_err(malformed)?.response_fields.0;
                self.handle_reply(Some(response.to_vec()))
            }
            _ => {
                message::RequestFailure::decode(body).map_err(malformed)?;
                self.handle_reply(None)
            }
        }
    }

    pub(super) fn answer(
        &mut self,
        token: &GlobalToken,
        response: Option<&[u8]>,
        outbound: &mut Outbound,
    ) -> Result<(), Misuse> {
        let waiting = self.unanswered.iter_mut().find(|each| each.turn == token.turn && each.answer.is_none());
        waiting.ok_or(Misuse::StaleToken)?.answer = Some(response.map(<[u8]>::to_vec));
        self.flush(outbound);
        Ok(())
    }

    fn handle_request(
        &mut self,
        request: &message::GlobalRequest<'_>,
        max_unanswered: usize,
        outbound: &mut Outbound,
    ) -> Result<Option<GlobalRequestEvent>, Error> {
        let keepalive = request.request_name == KEEPALIVE;
        let reply = if request.want_reply {
            if self.unanswered.len() >= max_unanswered {
                return Err(Error::LimitExceeded(LimitKind::UnansweredRequests));
            }
            self.turn = self.turn.wrapping_add(1);
            self.unanswered.push_back(Unanswered { turn: self.turn, answer: keepalive.then_some(None) });
            self.flush(outbound);
            Some(GlobalToken { turn: self.turn })
        } else {
            None
        };
        if keepalive {
            return Ok(None);
        }
        let (name, data) = (request.request_name.to_vec(), request.request_fields.0.to_vec());
        Ok(Some(GlobalRequestEvent::Request { name, data, reply }))
    }

    fn handle_reply(&mut self, response: Option<Vec<u8>>) -> Result<Option<GlobalRequestEvent>, Error> {
        let asked = self.awaiting_reply.pop_front().ok_or(PeerMisbehaved::UnsolicitedReply)?;
        Ok(asked.map(|request| GlobalRequestEvent::Reply { request, response }))
    }

    fn flush(&mut self, outbound: &mut Outbound) {
        while let Some(answer) = self.unanswered.front().and_then(|front| front.answer.clone()) {
            self.unanswered.pop_front();
            match answer {
                Some(response) => outbound.send(&message::RequestSuccess { response_fields: Rest(&response) }),
                None => outbound.send(&message::RequestFailure {}),
            }
        }
    }
}
