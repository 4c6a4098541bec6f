//! An application that answers every event and gives every command; what it answers is unknown to the optimiser.

use alloc::{string::ToString, vec, vec::Vec};
use core::hint::black_box;

use ssh_core::key::PrivateKey;
use ssh_core::random::ChaChaRandom;
use ssh_core::wire::*;
use ssh_core::*;

use crate::consider;

/// What decides, and what it decides with.
pub struct Application<'a> {
    pub key: &'a PrivateKey,
    pub random: &'a mut ChaChaRandom,
    pub text: &'a str,
    pub bytes: &'a [u8],
    pub request: &'a ChannelRequest,
    pub channel_type: &'a ChannelType,
    pub stream: DataStream,
    pub answer: AuthAnswer,
    pub method: Option<AuthMethod>,
    pub yes: bool,
    pub number: usize,
    pub channels: Vec<ChannelId>,
}

/// The part of a role that an application has to know.
pub(crate) trait Played: Role {
    fn react(application: &mut Application<'_>, endpoint: &mut Endpoint<Self>, event: Self::Event);
}

impl Application<'_> {
    fn sign(&mut self, request: &SignRequest) -> Option<Vec<u8>> {
        self.key.sign(request.algorithm, &request.data, self.random).ok()
    }

    /// Everything that may be done at any time.
    pub(crate) fn command<R: Role>(&mut self, endpoint: &mut Endpoint<R>) {
        self.channels.extend(endpoint.open_channel(self.channel_type));
        consider(endpoint.global_request(self.bytes, self.text.as_bytes()));
        for id in core::mem::take(&mut self.channels) {
            self.use_channel(endpoint, id);
        }
        consider(endpoint.rekey());
        if !self.yes {
            endpoint.disconnect(DisconnectReason::BY_APPLICATION, self.text);
        }
    }

    fn use_channel<R: Role>(&self, endpoint: &mut Endpoint<R>, id: ChannelId) {
        let Some(mut channel) = endpoint.channel(id) else { return };
        consider((channel.is_open(), channel.is_at_eof(), channel.writable()));
        consider(channel.request(self.request, self.yes));
        consider(channel.write(self.stream, self.bytes));
        let number = self.number;
        consider(channel.write_with(self.stream, number, |room| black_box(room).len().min(number)));
        consider(channel.readable(self.stream));
        channel.consume(self.stream, self.number);
        consider(channel.send_eof());
        if self.yes {
            channel.close();
        } else {
            channel.abandon();
        }
    }

    fn channel_event<R: Role>(&mut self, endpoint: &mut Endpoint<R>, id: ChannelId, event: ChannelEvent) {
        match event {
            ChannelEvent::Request(request) => {
                if let Some(token) = request.reply {
                    consider(endpoint.reply(token, self.yes));
                }
                consider(request.request.may_want_reply());
            }
            ChannelEvent::OpenFailed { description, .. } => consider(description.to_string()),
            event => consider(event),
        }
        self.use_channel(endpoint, id);
    }

    fn channel_open<R: Role>(&mut self, endpoint: &mut Endpoint<R>, request: ChannelOpenRequest) {
        if self.yes {
            self.channels.extend(endpoint.accept_channel(request));
        } else {
            let _ = endpoint.reject_channel(request, ChannelOpenFailureReason::CONNECT_FAILED, self.text);
        }
    }

    fn global_event<R: Role>(&mut self, endpoint: &mut Endpoint<R>, event: GlobalRequestEvent) {
        if let GlobalRequestEvent::Request { reply: Some(token), .. } = event {
            let _ = endpoint.answer_global(token, self.yes.then_some(self.bytes));
        }
    }
}

impl Played for ClientRole {
    fn react(application: &mut Application<'_>, client: &mut Client, event: ClientEvent) {
        let _ = match event {
            ClientEvent::HostKey(request) => {
                let answer = if application.yes { HostKeyAnswer::Accept } else { HostKeyAnswer::Reject };
                client.answer_host_key(request, answer)
            }
            ClientEvent::AuthNeeded(_) | ClientEvent::PasswordChange(_) => {
                let method = application.method.take().unwrap_or(AuthMethod::None);
                client.authenticate(application.text, method)
            }
            ClientEvent::Sign(request) => {
                let signature = application.sign(&request);
                client.answer_signature(request, signature.as_deref())
            }
            ClientEvent::Prompts(prompts) => {
                let answers = vec![SecretBytes::copied_from(application.bytes)];
                client.answer_prompts(&prompts, &answers)
            }
            ClientEvent::ChannelOpen(request) => {
                application.channel_open(client, request);
                Ok(())
            }
            ClientEvent::Channel(id, event) => {
                application.channel_event(client, id, event);
                Ok(())
            }
            ClientEvent::Global(event) => {
                application.global_event(client, event);
                Ok(())
            }
            ClientEvent::HostKeys(keys) => client.prove_host_keys(&keys),
            ClientEvent::Closed(reason) => {
                consider(reason.to_string());
                Ok(())
            }
            event => {
                consider(event);
                Ok(())
            }
        };
    }
}

impl Played for ServerRole {
    fn react(application: &mut Application<'_>, server: &mut Server, event: ServerEvent) {
        let _ = match event {
            ServerEvent::Sign(request) => {
                let signature = application.sign(&request);
                server.answer_signature(request, signature.as_deref())
            }
            ServerEvent::KeyOffer(offer) => server.answer_key_offer(offer, application.yes),
            ServerEvent::Auth(request) => {
                let _ = server.send_banner(application.text);
                if let Credential::Password(password) = &request.credential {
                    consider(password.constant_time_eq(application.bytes));
                }
                server.answer_auth(request, application.answer.clone())
            }
            ServerEvent::ChannelOpen(request) => {
                application.channel_open(server, request);
                Ok(())
            }
            ServerEvent::Channel(id, event) => {
                application.channel_event(server, id, event);
                Ok(())
            }
            ServerEvent::Global(event) => {
                application.global_event(server, event);
                Ok(())
            }
            ServerEvent::Closed(reason) => {
                consider(reason.to_string());
                Ok(())
            }
            event => {
                consider(event);
                Ok(())
            }
        };
    }
}
