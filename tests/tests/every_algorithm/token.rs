//! A login whose signature an agent makes, by the library alone: our `ssh` asks no agent.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;

use ssh_core::crypto::{Algorithms, Named};
use ssh_core::key::{PublicKey, PublicKeyLine};
use ssh_core::random::OsRandom;
use ssh_core::wire::{DataStream, DisconnectReason};
use ssh_core::{
    AuthMethod, ChannelEvent, ChannelId, ChannelRequest, ChannelType, Client, ClientConfig, ClientEvent, HostKeyAnswer,
    SignRequest, Timestamp,
};
use ssh_interop_tests::peer::user_name;
use ssh_interop_tests::{DEADLINE, Output};

use crate::noise;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Numbers of draft-ietf-sshm-ssh-agent.
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

/// Logs in at this port of 127.0.0.1 with the key or certificate of this file and the agent's signature, and runs `cat`.
pub(crate) fn run(port: u16, public: &Path, algorithm: &str, agent: &Path) -> Output {
    let (stdout, error) = match Login::new(public, algorithm, agent).and_then(|login| login.run(port)) {
        Ok(stdout) => (stdout, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let status = Some(ExitStatus::from_raw(if error.is_none() { 0 } else { 255 << 8 }));
    Output { stdout, stderr: error.unwrap_or_default().into_bytes(), status }
}

/// One login and one command.
struct Login {
    ssh: Client,
    key: PublicKey,
    agent: UnixStream,
    channel: Option<ChannelId>,
    input: Vec<u8>,
    sent: usize,
    output: Vec<u8>,
    tried: bool,
}

impl Login {
    fn new(public: &Path, algorithm: &str, agent: &Path) -> Result<Self> {
        let key = PublicKeyLine::parse(&std::fs::read(public)?)?.key;
        let mut config = ClientConfig::default();
        config.algorithms.public_key = Algorithms::all().public_key;
        config.algorithms.public_key.retain(|each| each.name() == algorithm);
        config.rekey.bytes = Some(600 * 1024);
        let ssh = Client::new(Arc::new(config), Box::new(OsRandom), Timestamp::ZERO)?;
        let agent = UnixStream::connect(agent)?;
        let (channel, input, output) = (None, Vec::new(), Vec::new());
        Ok(Self { ssh, key, agent, channel, input, sent: 0, output, tried: false })
    }

    /// What the command has returned.
    fn run(mut self, port: u16) -> Result<Vec<u8>> {
        let mut socket = TcpStream::connect(("127.0.0.1", port))?;
        socket.set_read_timeout(Some(DEADLINE))?;
        let mut buffer = vec![0; 65536];
        loop {
            while let Some(event) = self.ssh.poll_event() {
                self.handle(event)?;
            }
            let moved = self.move_data()?;
            while !self.ssh.poll_output().is_empty() {
                let sent = socket.write(self.ssh.poll_output())?;
                self.ssh.consume_output(sent);
            }
            if self.ssh.is_finished() {
                return Ok(self.output);
            }
            if !moved {
                let read = socket.read(&mut buffer)?;
                if read == 0 {
                    self.ssh.handle_eof();
                }
                let mut input = buffer.get(..read).unwrap_or_default();
                while !input.is_empty() {
                    let taken = self.ssh.handle_input(input);
                    input = input.get(taken..).unwrap_or_default();
                    while let Some(event) = self.ssh.poll_event() {
                        self.handle(event)?;
                    }
                    self.move_data()?;
                }
            }
        }
    }

    fn handle(&mut self, event: ClientEvent) -> Result<()> {
        match event {
            // Whose server this is, the test knows.
            ClientEvent::HostKey(request) => self.ssh.answer_host_key(request, HostKeyAnswer::Accept)?,
            ClientEvent::AuthNeeded(needed) if self.tried => return Err(format!("refused: {needed:?}").into()),
            ClientEvent::AuthNeeded(_) => {
                self.tried = true;
                self.ssh.authenticate(user_name(), AuthMethod::PublicKey(self.key.clone()))?;
            }
            ClientEvent::Sign(request) => {
                let signature = self.signature(&request)?;
                self.ssh.answer_signature(request, Some(&signature))?;
            }
            ClientEvent::Authenticated(_) => self.channel = Some(self.ssh.open_channel(&ChannelType::Session)?),
            ClientEvent::Channel(id, ChannelEvent::Opened) => {
                let mut channel = self.ssh.channel(id).ok_or("the channel is gone")?;
                channel.request(&ChannelRequest::Exec { command: b"cat".to_vec() }, true)?;
            }
            ClientEvent::Channel(_, ChannelEvent::Reply { success: true, .. }) => self.input = noise(),
            ClientEvent::Channel(_, ChannelEvent::Closed) => {
                self.ssh.disconnect(DisconnectReason::BY_APPLICATION, "done");
            }
            ClientEvent::Closed(reason) => {
                if let Some(error) = reason.error() {
                    return Err(error.to_string().into());
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Writes and reads what there is of the command's data. Says whether anything was written.
    fn move_data(&mut self) -> Result<bool> {
        let Some(mut channel) = self.channel.and_then(|id| self.ssh.channel(id)) else { return Ok(false) };
        let bytes = channel.readable(DataStream::STDOUT);
        let length = bytes.len();
        self.output.extend_from_slice(bytes);
        channel.consume(DataStream::STDOUT, length);
        if self.sent == self.input.len() || !channel.is_open() {
            return Ok(false);
        }
        let sent = channel.write(DataStream::STDOUT, self.input.get(self.sent..).unwrap_or_default())?;
        self.sent += sent;
        if self.sent == self.input.len() {
            channel.send_eof()?;
        }
        Ok(sent > 0)
    }

    fn signature(&mut self, request: &SignRequest) -> Result<Vec<u8>> {
        let mut message = vec![SIGN_REQUEST];
        for part in [request.key.blob(), &request.data] {
            message.extend(u32::try_from(part.len())?.to_be_bytes());
            message.extend(part);
        }
        message.extend([0; 4]);
        self.agent.write_all(&u32::try_from(message.len())?.to_be_bytes())?;
        self.agent.write_all(&message)?;
        let mut length = [0; 4];
        self.agent.read_exact(&mut length)?;
        let mut answer = vec![0; usize::try_from(u32::from_be_bytes(length))?];
        self.agent.read_exact(&mut answer)?;
        match answer.split_at_checked(5) {
            Some(([SIGN_RESPONSE, ..], signature)) => Ok(signature.to_vec()),
            _ => Err("the agent does not sign".into()),
        }
    }
}
