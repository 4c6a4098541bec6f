//! What every client example wants, whatever its loop: log in with a key, run one command, take its output.
//!
//! A loop hands in what [`Client::poll_event`] says and asks for the output. Without std, and without any I/O.

extern crate alloc;

use alloc::{boxed::Box, format, string::String, string::ToString};

use ssh_core::files::known_hosts::KnownHosts;
use ssh_core::key::PrivateKey;
use ssh_core::login::{Conversation, Credentials, HostKeyDecision, Step, StrictHostKeyChecking, judge_host_key};
use ssh_core::random::SecureRandom;
use ssh_core::wire::{DataStream, DisconnectReason};
use ssh_core::{
    Channel, ChannelEvent, ChannelId, ChannelRequest, ChannelType, Client, ClientConfig, ClientEvent, HostKeyAnswer,
    HostKeyRequest, IncomingRequest, UnixTime,
};

/// Where to log in, as whom, and what to run there.
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) command: String,
    /// What a certificate of the host is judged by.
    pub(crate) now: UnixTime,
}

/// One login and one command.
pub(crate) struct Job {
    target: Target,
    known_hosts: KnownHosts,
    random: Box<dyn SecureRandom>,
    conversation: Conversation,
    /// Whether the loop feeds the command; else its input is empty.
    pub(crate) feeds_input: bool,
    channel: Option<ChannelId>,
    is_running: bool,
    has_ended: bool,
    status: Option<u8>,
    failure: Option<String>,
}

impl Job {
    /// `random` is for signatures.
    pub(crate) fn new(target: Target, key: PrivateKey, known_hosts: KnownHosts, random: Box<dyn SecureRandom>) -> Self {
        let conversation = Conversation::new(&target.user, Credentials::from(key));
        Self {
            target,
            known_hosts,
            random,
            conversation,
            feeds_input: false,
            channel: None,
            is_running: false,
            has_ended: false,
            status: None,
            failure: None,
        }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// The defaults, but a known host is asked for a key of a type that is known first, or it would seem to have
    /// changed.
    pub(crate) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::default();
        let known = self.known_hosts.known_key_types(&self.target.host, self.target.port);
        config.algorithms.prefer_host_keys(&known);
        config
    }

    /// Answers an event. What goes wrong ends the connection and is kept for [`result`](Self::result).
    pub(crate) fn handle_event(&mut self, ssh: &mut Client, event: ClientEvent) {
        if let Err(failure) = self.answer(ssh, event) {
            self.fail(ssh, failure);
        }
    }

    /// Ends the connection; the first reason is what [`result`](Self::result) tells.
    pub(crate) fn fail(&mut self, ssh: &mut Client, failure: String) {
        self.failure.get_or_insert(failure);
        ssh.disconnect(DisconnectReason::BY_APPLICATION, "giving up");
    }

    /// Offers all output there is to `sink`, which says how many bytes it took; what it did not take stays in the
    /// channel, and in time the server has to wait. Says goodbye after the last byte.
    pub(crate) fn take_output(&mut self, ssh: &mut Client, mut sink: impl FnMut(DataStream, &[u8]) -> usize) {
        let Some(id) = self.channel else { return };
        for stream in [DataStream::STDOUT, DataStream::STDERR] {
            while let Some(mut channel) = ssh.channel(id) {
                let taken = match channel.readable(stream) {
                    [] => break,
                    bytes => sink(stream, bytes),
                };
                if taken == 0 {
                    break;
                }
                channel.consume(stream, taken);
            }
        }
        if self.has_ended && !self.has_output(ssh) {
            ssh.disconnect(DisconnectReason::BY_APPLICATION, "disconnected by user");
        }
    }

    /// Whether nothing is left to do: the connection is over, and so is its output.
    pub(crate) fn is_over(&self, ssh: &mut Client) -> bool {
        ssh.is_finished() && !self.has_output(ssh)
    }

    /// The command's channel while input can be written to it.
    pub(crate) fn input<'a>(&self, ssh: &'a mut Client) -> Option<Channel<'a>> {
        let id = self.channel.filter(|_| self.is_running)?;
        ssh.channel(id).filter(Channel::is_open)
    }

    /// The command's exit status, or what went wrong.
    pub(crate) fn result(self) -> Result<u8, String> {
        match (self.failure, self.status) {
            (Some(failure), _) => Err(failure),
            (None, Some(status)) => Ok(status),
            (None, None) => Err("the command ended without an exit status".into()),
        }
    }

    fn has_output(&self, ssh: &mut Client) -> bool {
        let Some(channel) = self.channel.and_then(|id| ssh.channel(id)) else { return false };
        [DataStream::STDOUT, DataStream::STDERR].iter().any(|&stream| !channel.readable(stream).is_empty())
    }

    fn answer(&mut self, ssh: &mut Client, event: ClientEvent) -> Result<(), String> {
        match event {
            ClientEvent::HostKey(request) => self.check_host_key(ssh, request),
            ClientEvent::Channel(id, event) => self.handle_channel(ssh, id, event),
            ClientEvent::Closed(reason) => match reason.error() {
                Some(error) => Err(error.to_string()),
                None => Ok(()),
            },
            event => self.log_in(ssh, event),
        }
    }

    /// Only a key that the file has for this host will do.
    fn check_host_key(&mut self, ssh: &mut Client, request: HostKeyRequest) -> Result<(), String> {
        let files = [("known_hosts", &self.known_hosts)];
        let Target { host, port, .. } = &self.target;
        match judge_host_key(StrictHostKeyChecking::Yes, files, host, *port, &request.key, self.target.now) {
            HostKeyDecision::Accept => ssh.answer_host_key(request, HostKeyAnswer::Accept).map_err(text),
            HostKeyDecision::Refuse(why) => {
                self.failure = Some(why);
                ssh.answer_host_key(request, HostKeyAnswer::Reject).map_err(text)
            }
            _ => Err("nobody can be asked about the host key".into()),
        }
    }

    fn log_in(&mut self, ssh: &mut Client, event: ClientEvent) -> Result<(), String> {
        match self.conversation.handle(ssh, &mut *self.random, event) {
            Step::Done(_) => {
                self.channel = Some(ssh.open_channel(&ChannelType::Session).map_err(text)?);
                Ok(())
            }
            Step::Failed(error) => Err(error.to_string()),
            // There is nobody to ask and nothing to show.
            _ => Ok(()),
        }
    }

    fn handle_channel(&mut self, ssh: &mut Client, id: ChannelId, event: ChannelEvent) -> Result<(), String> {
        match event {
            ChannelEvent::Opened => {
                let Some(mut channel) = ssh.channel(id) else { return Ok(()) };
                let command = self.target.command.clone().into_bytes();
                channel.request(&ChannelRequest::Exec { command }, true).map_err(text)?;
                if self.feeds_input { Ok(()) } else { channel.send_eof().map_err(text) }
            }
            ChannelEvent::OpenFailed { description, .. } => Err(format!("no channel: {description}")),
            ChannelEvent::Reply { success: true, .. } => {
                self.is_running = true;
                Ok(())
            }
            ChannelEvent::Reply { success: false, .. } => Err("the server does not run the command".into()),
            ChannelEvent::Request(incoming) => self.handle_request(ssh, incoming),
            ChannelEvent::Closed => {
                self.has_ended = true;
                Ok(())
            }
            // Data and room for data: the loop looks for them by itself.
            _ => Ok(()),
        }
    }

    fn handle_request(&mut self, ssh: &mut Client, incoming: IncomingRequest) -> Result<(), String> {
        match incoming.request {
            ChannelRequest::ExitStatus(status) => self.status = Some(u8::try_from(status).unwrap_or(255)),
            ChannelRequest::ExitSignal { signal, .. } => {
                self.failure = Some(format!("the command was killed by signal {signal}"));
            }
            _ => {}
        }
        match incoming.reply {
            Some(token) => ssh.reply(token, false).map_err(text),
            None => Ok(()),
        }
    }
}

fn text(error: impl core::fmt::Display) -> String {
    error.to_string()
}
