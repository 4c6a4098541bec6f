//! A user's security key.

use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;

use ssh_core::key::PublicKey;
use ssh_core::random::OsRandom;
use ssh_core::wire::{DataStream, DisconnectReason};
use ssh_core::{
    AuthMethod, ChannelEvent, ChannelId, ChannelRequest, ChannelType, Client, ClientConfig, ClientEvent, ClientRole,
    HostKeyAnswer, Timestamp,
};
use ssh_interop_tests::Output;
use ssh_interop_tests::peer::user_name;

use super::{Application, REKEY_BYTES, Result, converse, only, read_key, signature};
use crate::noise;

/// Logs in at this port of 127.0.0.1 with the key or certificate of this file and the agent's signature, and runs `cat`.
pub(crate) fn log_in(port: u16, public: &Path, algorithm: &str, agent: &Path) -> Output {
    let run = || {
        let mut login = Login::new(public, algorithm, agent)?;
        converse(&mut login, TcpStream::connect(("127.0.0.1", port))?)?;
        Ok(login.output)
    };
    let result: Result<Vec<u8>> = run();
    let status = Some(ExitStatus::from_raw(if result.is_ok() { 0 } else { 255 << 8 }));
    let (stdout, stderr) =
        result.map_or_else(|error| (Vec::new(), error.to_string()), |output| (output, String::new()));
    Output { stdout, stderr: stderr.into_bytes(), status }
}

/// One login and one command.
struct Login {
    ssh: Client,
    key: PublicKey,
    agent: UnixStream,
    tried: bool,
    channel: Option<ChannelId>,
    input: Vec<u8>,
    sent: usize,
    output: Vec<u8>,
}

impl Login {
    fn new(public: &Path, algorithm: &str, agent: &Path) -> Result<Self> {
        let mut config = ClientConfig::default();
        config.algorithms.public_key = only(algorithm);
        config.rekey.bytes = Some(REKEY_BYTES);
        let ssh = Client::new(Arc::new(config), Box::new(OsRandom), Timestamp::ZERO)?;
        let (key, agent) = (read_key(public)?, UnixStream::connect(agent)?);
        let (input, output) = (Vec::new(), Vec::new());
        Ok(Self { ssh, key, agent, tried: false, channel: None, input, sent: 0, output })
    }
}

impl Application for Login {
    type Role = ClientRole;

    fn ssh(&mut self) -> &mut Client {
        &mut self.ssh
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
                let signature = signature(&mut self.agent, &request)?;
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

    fn move_data(&mut self) -> Result<bool> {
        let Some(mut channel) = self.channel.and_then(|id| self.ssh.channel(id)) else { return Ok(false) };
        let bytes = channel.readable(DataStream::STDOUT);
        let length = bytes.len();
        self.output.extend_from_slice(bytes);
        channel.consume(DataStream::STDOUT, length);
        let rest = self.input.get(self.sent..).unwrap_or_default();
        if rest.is_empty() || !channel.is_open() {
            return Ok(false);
        }
        let sent = channel.write(DataStream::STDOUT, rest)?;
        self.sent += sent;
        if sent == rest.len() {
            channel.send_eof()?;
        }
        Ok(sent > 0)
    }
}
