//! What the server examples do, whatever their loop: let in whoever has an authorized key, and run small commands.
//!
//! A loop hands in what [`Server::poll_event`] says and lets the commands go on. Nothing here waits.

use std::collections::BTreeMap;
use std::sync::Arc;

use ssh_core::files::authorized_keys::AuthorizedKeys;
use ssh_core::key::{PrivateKey, PublicKey};
use ssh_core::random::OsRandom;
use ssh_core::wire::{ChannelOpenFailureReason, DataStream};
use ssh_core::{
    AuthAnswer, Channel, ChannelEvent, ChannelId, ChannelRequest, ChannelType, Credential, GlobalRequestEvent,
    IncomingRequest, Misuse, Server, ServerEvent, WriteError,
};

/// What all connections share.
pub(crate) struct Access {
    pub(crate) host_key: PrivateKey,
    pub(crate) authorized_keys: AuthorizedKeys,
}

impl Access {
    /// A line with options grants less than everything; how much is not known here, so it grants nothing.
    fn lets_in(&self, key: &PublicKey) -> bool {
        self.authorized_keys.find_all(key).any(|line| line.options.is_empty())
    }
}

/// One connection's side of it.
pub(crate) struct Service {
    access: Arc<Access>,
    commands: BTreeMap<ChannelId, Command>,
}

impl Service {
    pub(crate) fn new(access: Arc<Access>) -> Self {
        Self { access, commands: BTreeMap::new() }
    }

    pub(crate) fn handle_event(&mut self, ssh: &mut Server, event: ServerEvent) {
        // An answer is refused only if the connection or the channel ended meanwhile, which is no fault.
        let _ = self.answer(ssh, event);
    }

    fn answer(&mut self, ssh: &mut Server, event: ServerEvent) -> Result<(), Misuse> {
        match event {
            ServerEvent::Sign(request) => {
                let signature = self.access.host_key.sign(request.algorithm, &request.data, &mut OsRandom).ok();
                ssh.answer_signature(request, signature.as_deref())
            }
            ServerEvent::KeyOffer(offer) => {
                let would_do = self.access.lets_in(&offer.key);
                ssh.answer_key_offer(offer, would_do)
            }
            ServerEvent::Auth(request) => {
                let accept =
                    matches!(&request.credential, Credential::PublicKey { key, .. } if self.access.lets_in(key));
                ssh.answer_auth(request, if accept { AuthAnswer::Accept } else { AuthAnswer::Reject })
            }
            ServerEvent::ChannelOpen(request) if request.channel_type == ChannelType::Session => {
                ssh.accept_channel(request).map(drop)
            }
            ServerEvent::ChannelOpen(request) => {
                ssh.reject_channel(request, ChannelOpenFailureReason::UNKNOWN_CHANNEL_TYPE, "only sessions")
            }
            ServerEvent::Channel(id, ChannelEvent::Request(request)) => self.handle_request(ssh, id, request),
            ServerEvent::Channel(id, ChannelEvent::Closed) => {
                self.commands.remove(&id);
                Ok(())
            }
            ServerEvent::Global(GlobalRequestEvent::Request { reply: Some(token), .. }) => {
                ssh.answer_global(token, None)
            }
            _ => Ok(()),
        }
    }

    /// One command per channel (RFC 4254 §6.5).
    fn handle_request(&mut self, ssh: &mut Server, id: ChannelId, incoming: IncomingRequest) -> Result<(), Misuse> {
        let command = match incoming.request {
            ChannelRequest::Exec { command } if !self.commands.contains_key(&id) => Some(Command::parse(&command)),
            _ => None,
        };
        let granted = command.is_some();
        self.commands.extend(command.map(|command| (id, command)));
        incoming.reply.map_or(Ok(()), |token| ssh.reply(token, granted))
    }

    /// Lets every command do what it can do now.
    pub(crate) fn run_commands(&mut self, ssh: &mut Server) {
        for (&id, command) in &mut self.commands {
            if let Some(mut channel) = ssh.channel(id) {
                // An error is that the client closed the channel, which comes as an event, or that a key exchange is
                // in the way, after which the next turn goes on.
                let _ = command.run(&mut channel);
            }
        }
    }
}

/// A command that runs inside the server.
struct Command {
    stream: DataStream,
    /// What is still to be written.
    pending: Vec<u8>,
    /// Whether its input goes back in upper case.
    upper: bool,
    status: u32,
    is_done: bool,
}

impl Command {
    fn parse(line: &[u8]) -> Self {
        let line = String::from_utf8_lossy(line);
        let words: Vec<&str> = line.split_whitespace().collect();
        let prints = |stream, text: String, status| Self {
            stream,
            pending: text.into_bytes(),
            upper: false,
            status,
            is_done: false,
        };
        match words.as_slice() {
            ["echo", words @ ..] => prints(DataStream::STDOUT, words.join(" ") + "\n", 0),
            ["upper"] => Self { upper: true, ..prints(DataStream::STDOUT, String::new(), 0) },
            ["exit", status] if status.parse::<u8>().is_ok() => {
                prints(DataStream::STDOUT, String::new(), status.parse().unwrap_or(255))
            }
            _ => prints(DataStream::STDERR, "commands: echo WORDS, upper, exit N\n".into(), 127),
        }
    }

    fn run(&mut self, channel: &mut Channel<'_>) -> Result<(), WriteError> {
        if self.is_done {
            return Ok(());
        }
        let written = channel.write(self.stream, &self.pending)?;
        self.pending.drain(..written);
        if !self.pending.is_empty() || (self.upper && !copy_in_upper_case(channel)?) {
            return Ok(());
        }
        channel.request(&ChannelRequest::ExitStatus(self.status), false)?;
        self.is_done = true;
        channel.send_eof()?;
        channel.close();
        Ok(())
    }
}

/// Copies while there is input and room for output; says whether that was all. Input that is not consumed yet stays in
/// the channel, and in time the client has to wait: nothing grows here.
fn copy_in_upper_case(channel: &mut Channel<'_>) -> Result<bool, WriteError> {
    const PIECE: usize = 32 * 1024;
    loop {
        let input = channel.readable(DataStream::STDOUT);
        let piece = input.get(..PIECE).unwrap_or(input).to_ascii_uppercase();
        if piece.is_empty() {
            return Ok(channel.is_at_eof());
        }
        let written = channel.write(DataStream::STDOUT, &piece)?;
        channel.consume(DataStream::STDOUT, written);
        if written < piece.len() {
            return Ok(false);
        }
    }
}
