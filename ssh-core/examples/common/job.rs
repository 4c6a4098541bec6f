//! What every client example wants, whatever its loop: log in with a key, run one command, take its output.
//!
//! A loop hands in what [`Client::poll_event`] says and asks for the output. Without std, and without any I/O.

extern crate alloc;

use alloc::{boxed::Box, format, string::String, string::ToString, vec};

use ssh_core::files::known_hosts::{HostKeyVerdict, KnownHosts};
use ssh_core::key::{FingerprintHash, PrivateKey, PublicKey};
use ssh_core::login::{LoginPlan, LoginStep};
use ssh_core::random::SecureRandom;
use ssh_core::wire::{DataStream, DisconnectReason};
use ssh_core::{
    AuthMethod, AuthNeeded, Channel, ChannelEvent, ChannelId, ChannelRequest, ChannelType, Client, ClientConfig,
    ClientEvent, HostKeyAnswer, HostKeyRequest, IncomingRequest, SignRequest,
};

/// Where to log in, as whom, and what to run there.
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) command: String,
}

/// One login and one command.
pub(crate) struct Job {
    target: Target,
    key: PrivateKey,
    known_hosts: KnownHosts,
    random: Box<dyn SecureRandom>,
    plan: LoginPlan,
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
        let plan = LoginPlan::new(vec![key.public_key().clone()], 0, 0);
        Self {
            target,
            key,
            known_hosts,
            random,
            plan,
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
        config.algorithms.host_key.sort_by_key(|algorithm| !known.contains(&algorithm.key_type()));
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
            ClientEvent::AuthNeeded(needed) => self.authenticate(ssh, &needed),
            ClientEvent::Sign(request) => self.sign(ssh, request),
            ClientEvent::Authenticated(_) => {
                self.channel = Some(ssh.open_channel(&ChannelType::Session).map_err(text)?);
                Ok(())
            }
            ClientEvent::Channel(id, event) => self.handle_channel(ssh, id, event),
            ClientEvent::Closed(reason) => match reason.error() {
                Some(error) => Err(error.to_string()),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Only a key that the file has for this host will do.
    fn check_host_key(&mut self, ssh: &mut Client, request: HostKeyRequest) -> Result<(), String> {
        let Target { host, port, .. } = &self.target;
        let verdict = self.known_hosts.lookup(host, *port, &request.key);
        if let HostKeyVerdict::Trusted { .. } = verdict {
            return ssh.answer_host_key(request, HostKeyAnswer::Accept).map_err(text);
        }
        self.failure = Some(refusal(&verdict, host, &request.key));
        ssh.answer_host_key(request, HostKeyAnswer::Reject).map_err(text)
    }

    fn authenticate(&mut self, ssh: &mut Client, needed: &AuthNeeded) -> Result<(), String> {
        match self.plan.next(needed) {
            LoginStep::PublicKey(key) => ssh.authenticate(&self.target.user, AuthMethod::PublicKey(key)).map_err(text),
            _ => Err(format!("{}: the server does not let this key in", self.target.user)),
        }
    }

    fn sign(&mut self, ssh: &mut Client, request: SignRequest) -> Result<(), String> {
        let signature = self.key.sign(request.algorithm, &request.data, &mut *self.random).map_err(text)?;
        ssh.answer_signature(request, Some(&signature)).map_err(text)
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

fn refusal(verdict: &HostKeyVerdict, host: &str, key: &PublicKey) -> String {
    let fingerprint = key.fingerprint(FingerprintHash::Sha256);
    let why = match verdict {
        HostKeyVerdict::Changed { line, .. } => format!("is not the one in line {line} of the known_hosts file"),
        HostKeyVerdict::Revoked { line } => format!("is revoked in line {line} of the known_hosts file"),
        HostKeyVerdict::OtherTypes { .. } => "is of another type than those in the known_hosts file".into(),
        _ => "is not in the known_hosts file".into(),
    };
    format!("the host key of {host} {why}: {} {fingerprint}", key.key_type())
}

fn text(error: impl core::fmt::Display) -> String {
    error.to_string()
}
