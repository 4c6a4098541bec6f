//! An application that decides by dice, and watches what an endpoint promises.

use alloc::{format, string::String, vec, vec::Vec};

use super::fake::{key, signature};
use super::input::Dice;
use crate::auth::{AuthAnswer, AuthMethod, AuthRequest, Credential, KeyOffer, Prompt, Prompts};
use crate::config::Limits;
use crate::connection::{
    ChannelEvent, ChannelId, ChannelOpenRequest, ChannelRequest, ChannelType, GlobalRequestEvent, GlobalToken,
    PtyRequest, RequestToken,
};
use crate::endpoint::{
    ClientEvent, ClientRole, Endpoint, HostKeyAnswer, HostKeyRequest, Role, ServerEvent, ServerRole, SignRequest,
};
use crate::error::CloseReason;
use crate::wire::{ChannelOpenFailureReason, DataStream, DisconnectReason};

/// More rounds than any input has steps.
const MAX_ROUNDS: usize = 100_000;

/// A decision that is asked for.
#[derive(Debug)]
pub(super) enum Decision {
    HostKey(HostKeyRequest),
    AuthNeeded,
    Prompts(Prompts),
    Sign(SignRequest),
    KeyOffer(KeyOffer),
    Auth(AuthRequest),
    Open(ChannelOpenRequest),
    Reply(RequestToken),
    Global(GlobalToken),
}

/// One endpoint's application.
pub(super) struct Application {
    pub(super) dice: Dice,
    /// Whether decisions are put off instead of made at once.
    pub(super) hesitates: bool,
    pub(super) undecided: Vec<Decision>,
    pub(super) channels: Vec<ChannelId>,
    pub(super) closed: Option<CloseReason>,
    /// What happened, in words, and what was read.
    pub(super) log: Vec<String>,
    accepted_host_key: bool,
    wants_proof: bool,
    /// Whether the client named a user, or the server let one in.
    consented: bool,
    limits: Limits,
}

/// The part of a role that an application has to know.
pub(super) trait Played: Role {
    fn event(application: &mut Application, endpoint: &mut Endpoint<Self>, event: Self::Event);
    fn decide(application: &mut Application, endpoint: &mut Endpoint<Self>, decision: Decision);
}

impl Application {
    pub(super) fn new(dice: Dice, limits: Limits) -> Self {
        Self {
            dice,
            hesitates: false,
            undecided: Vec::new(),
            channels: Vec::new(),
            closed: None,
            log: Vec::new(),
            accepted_host_key: false,
            wants_proof: false,
            consented: false,
            limits,
        }
    }

    /// Takes all events, and all output if it is wanted.
    pub(super) fn settle<R: Played>(&mut self, endpoint: &mut Endpoint<R>, mut output: Option<&mut Vec<u8>>) {
        for _ in 0..MAX_ROUNDS {
            let mut moved = self.poll(endpoint);
            if let Some(output) = &mut output {
                let bytes = endpoint.poll_output();
                let n = bytes.len();
                output.extend_from_slice(bytes);
                endpoint.consume_output(n);
                moved |= n > 0;
            }
            if !moved {
                return;
            }
        }
        panic!("the endpoint never comes to rest");
    }

    /// Takes one event.
    pub(super) fn poll<R: Played>(&mut self, endpoint: &mut Endpoint<R>) -> bool {
        let event = endpoint.poll_event();
        let memory = endpoint.buffer_memory() as u64;
        assert!(memory <= self.limits.memory(0), "{memory} bytes of buffers");
        let Some(event) = event else { return false };
        assert!(self.closed.is_none(), "an event after the last");
        R::event(self, endpoint, event);
        true
    }

    /// Feeds bytes in pieces, taking events and output after each.
    pub(super) fn feed<R: Played>(
        &mut self,
        endpoint: &mut Endpoint<R>,
        bytes: &[u8],
        chunk: usize,
        output: &mut Vec<u8>,
    ) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = endpoint.handle_input(&rest[..chunk.min(rest.len())]);
            rest = &rest[taken..];
            self.settle(endpoint, Some(output));
            if taken == 0 && endpoint.handle_input(&rest[..1]) == 0 {
                assert!(!endpoint.wants_input(), "wants input and takes none");
                return;
            } else if taken == 0 {
                rest = &rest[1..];
            }
        }
    }

    fn ask<R: Played>(&mut self, endpoint: &mut Endpoint<R>, decision: Decision) {
        if self.hesitates {
            self.undecided.push(decision);
        } else {
            R::decide(self, endpoint, decision);
        }
    }

    /// Says no, sometimes.
    fn refuses(&mut self) -> bool {
        self.dice.roll(8) == 7
    }

    /// What happens in either role once the user is in.
    fn channel_event<R: Played>(&mut self, endpoint: &mut Endpoint<R>, id: ChannelId, event: ChannelEvent) {
        assert!(endpoint.is_authenticated(), "a channel before authentication");
        match event {
            ChannelEvent::Data(stream) => {
                let some = self.dice.roll(4);
                let mut channel = endpoint.channel(id).expect("a channel with data");
                let data = channel.readable(stream);
                assert!(!data.is_empty(), "data without data");
                let n = data.len() >> some;
                self.log.push(format!("{:02x?}", &data[..n]));
                channel.consume(stream, n);
            }
            ChannelEvent::Request(request) => {
                if let Some(token) = request.reply {
                    self.ask(endpoint, Decision::Reply(token));
                }
            }
            ChannelEvent::OpenFailed { .. } | ChannelEvent::Closed => self.channels.retain(|each| *each != id),
            ChannelEvent::Eof if self.dice.roll(2) == 1 => {
                endpoint.channel(id).into_iter().for_each(|mut channel| channel.close());
            }
            _ => {}
        }
    }

    fn global_event<R: Played>(&mut self, endpoint: &mut Endpoint<R>, event: GlobalRequestEvent) {
        assert!(endpoint.is_authenticated(), "a global request before authentication");
        if let GlobalRequestEvent::Request { reply: Some(token), .. } = event {
            self.ask(endpoint, Decision::Global(token));
        }
    }

    fn decide_in_connection<R: Played>(&mut self, endpoint: &mut Endpoint<R>, decision: Decision) {
        let no = self.refuses();
        // A token may be stale by now, or of another connection: an answer then is an error and nothing else.
        let _ = match decision {
            Decision::Open(request) if no => {
                endpoint.reject_channel(request, ChannelOpenFailureReason::CONNECT_FAILED, "no")
            }
            Decision::Open(request) => endpoint.accept_channel(request).map(|id| self.channels.push(id)),
            Decision::Reply(token) => endpoint.reply(token, !no),
            Decision::Global(token) => endpoint.answer_global(token, (!no).then_some(b"fields")),
            _ => Ok(()),
        };
    }

    /// Something an application may do at any time, whether it makes sense or not.
    pub(super) fn command<R: Played>(&mut self, endpoint: &mut Endpoint<R>, command: u8) {
        let argument = usize::from(command >> 4);
        let id = self.channels.get(argument % self.channels.len().max(1)).copied();
        let channel = id.and_then(|id| endpoint.channel(id));
        let stream = if argument % 3 == 2 { DataStream::STDERR } else { DataStream::STDOUT };
        match (command % 16, channel) {
            (0, _) => {
                let kind = if argument == 0 {
                    ChannelType::Session
                } else {
                    ChannelType::Other { name: vec![b'x'; argument], data: vec![0; argument] }
                };
                self.channels.extend(endpoint.open_channel(&kind));
            }
            (1, _) => drop(endpoint.rekey()),
            (2, _) => drop(endpoint.global_request(b"x@example.com", &vec![1; argument])),
            (3, None) => drop(endpoint.global_request(b"y@example.com", &vec![1; 255 * 1024 + argument])),
            (4, _) if argument == 15 => endpoint.disconnect(DisconnectReason::BY_APPLICATION, "over"),
            (5, Some(mut channel)) => drop(channel.write(stream, &vec![b'w'; 1 << argument])),
            (6, Some(mut channel)) => drop(channel.request(&ChannelRequest::Shell, argument % 2 == 0)),
            (7, Some(mut channel)) => drop(channel.request(&ChannelRequest::Pty(PtyRequest::default()), true)),
            (8, Some(mut channel)) => drop(channel.send_eof()),
            (9, Some(mut channel)) => channel.close(),
            (10, Some(channel)) if argument % 2 == 0 => channel.abandon(),
            (11, Some(mut channel)) => {
                let n = channel.readable(stream).len();
                channel.consume(stream, n.min(1 << argument));
            }
            (12, Some(mut channel)) => drop(channel.write_with(stream, 1 << argument, |room| room.len() + 1)),
            (13, Some(mut channel)) => channel.consume(stream, usize::MAX),
            (14, Some(mut channel)) => drop(channel.request(&ChannelRequest::ExitStatus(1), true)),
            _ => {}
        }
    }
}

impl Played for ClientRole {
    fn event(application: &mut Application, endpoint: &mut Endpoint<Self>, event: ClientEvent) {
        application.log.push(format!("{event:?}"));
        match event {
            ClientEvent::HostKey(request) => application.ask(endpoint, Decision::HostKey(request)),
            ClientEvent::AuthNeeded(_) | ClientEvent::PasswordChange(_) => {
                assert!(application.accepted_host_key, "a user is asked for before the host is known");
                application.ask(endpoint, Decision::AuthNeeded);
            }
            ClientEvent::Prompts(prompts) => application.ask(endpoint, Decision::Prompts(prompts)),
            ClientEvent::Sign(request) => application.ask(endpoint, Decision::Sign(request)),
            ClientEvent::Authenticated(_) => {
                assert!(application.accepted_host_key && application.consented, "in without having asked");
            }
            ClientEvent::ChannelOpen(request) => application.ask(endpoint, Decision::Open(request)),
            ClientEvent::Channel(id, event) => application.channel_event(endpoint, id, event),
            ClientEvent::Global(event) => application.global_event(endpoint, event),
            ClientEvent::HostKeys(keys) => {
                // Some have been asked about already, or the connection is over: an error and nothing else.
                application.wants_proof |= endpoint.prove_host_keys(&keys).is_ok();
            }
            ClientEvent::HostKeysProven(_) => assert!(application.wants_proof, "proof that nobody wants"),
            ClientEvent::Closed(reason) => application.closed = Some(reason),
            _ => {}
        }
    }

    fn decide(application: &mut Application, endpoint: &mut Endpoint<Self>, decision: Decision) {
        let no = application.refuses();
        let _ = match decision {
            Decision::HostKey(request) => {
                let answer = if no { HostKeyAnswer::Reject } else { HostKeyAnswer::Accept };
                let answered = endpoint.answer_host_key(request, answer);
                application.accepted_host_key |= answered.is_ok() && !no;
                answered
            }
            Decision::AuthNeeded => {
                application.consented = true;
                let method = match application.dice.roll(6) {
                    0 => AuthMethod::Password("secret".into()),
                    1 => AuthMethod::PublicKey(key()),
                    2 => AuthMethod::KeyboardInteractive { submethods: String::new() },
                    3 => AuthMethod::PasswordChange { old: "old".into(), new: "new".into() },
                    4 => AuthMethod::HostBased { key: key(), host_name: "here.".into(), user_name: "me".into() },
                    _ => AuthMethod::None,
                };
                endpoint.authenticate("user", method)
            }
            Decision::Prompts(prompts) => {
                let answers = prompts.prompts.len() + usize::from(no);
                let answers: Vec<_> = (0..answers).map(|_| "answer".into()).collect();
                endpoint.answer_prompts(&prompts, &answers)
            }
            Decision::Sign(request) => endpoint.answer_signature(request, (!no).then_some(&signature())),
            other => {
                application.decide_in_connection(endpoint, other);
                Ok(())
            }
        };
    }
}

impl Played for ServerRole {
    fn event(application: &mut Application, endpoint: &mut Endpoint<Self>, event: ServerEvent) {
        application.log.push(format!("{event:?}"));
        match event {
            ServerEvent::Sign(request) => application.ask(endpoint, Decision::Sign(request)),
            ServerEvent::KeyOffer(offer) => application.ask(endpoint, Decision::KeyOffer(offer)),
            ServerEvent::Auth(request) => application.ask(endpoint, Decision::Auth(request)),
            ServerEvent::Authenticated(identity) => {
                assert!(application.consented, "{identity:?} is in and nobody said so");
            }
            ServerEvent::ChannelOpen(request) => application.ask(endpoint, Decision::Open(request)),
            ServerEvent::Channel(id, event) => application.channel_event(endpoint, id, event),
            ServerEvent::Global(event) => application.global_event(endpoint, event),
            ServerEvent::Closed(reason) => application.closed = Some(reason),
            _ => {}
        }
    }

    fn decide(application: &mut Application, endpoint: &mut Endpoint<Self>, decision: Decision) {
        let no = application.refuses();
        let _ = match decision {
            Decision::Sign(request) => endpoint.answer_signature(request, (!no).then_some(&signature())),
            Decision::KeyOffer(offer) => endpoint.answer_key_offer(offer, !no),
            Decision::Auth(request) => {
                let answer = match (application.dice.roll(5), &request.credential) {
                    (1, _) => AuthAnswer::Partial { methods_that_can_continue: vec!["password".into()] },
                    (2, Credential::Password(_)) => AuthAnswer::ChangePassword { prompt: "old".into() },
                    (2 | 3, _) => {
                        let prompt = Prompt { prompt: "name".into(), echo: true };
                        AuthAnswer::Prompts { name: "n".into(), instruction: "i".into(), prompts: vec![prompt; 2] }
                    }
                    (4, _) => AuthAnswer::Reject,
                    _ => AuthAnswer::Accept,
                };
                application.consented |= answer == AuthAnswer::Accept;
                endpoint.answer_auth(request, answer)
            }
            other => {
                application.decide_in_connection(endpoint, other);
                Ok(())
            }
        };
    }
}
