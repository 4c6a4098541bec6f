//! A host's security key.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use ssh_core::random::OsRandom;
use ssh_core::wire::DataStream;
use ssh_core::{
    AuthAnswer, ChannelEvent, ChannelId, ChannelRequest, GlobalRequestEvent, Server, ServerConfig, ServerEvent,
    ServerRole, Timestamp,
};

use super::{Application, REKEY_BYTES, Result, converse, only, read_key, signature};

/// A server for one connection. It lets everybody in, and whatever is to be run returns its input.
pub(crate) struct Host {
    port: u16,
    thread: JoinHandle<std::result::Result<(), String>>,
}

impl Host {
    /// Starts one whose host key, or certificate, is in this file, and in this agent.
    pub(crate) fn start(public: &Path, algorithm: &str, agent: &Path) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let mut session = Session::new(public, algorithm, agent).expect("the files are the test's");
        let serve = move || {
            let (socket, _) = listener.accept().map_err(|error| error.to_string())?;
            converse(&mut session, socket).map_err(|error| error.to_string())
        };
        Self { port, thread: thread::spawn(serve) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Waits for the end of the connection, and says what went wrong.
    pub(crate) fn finish(self) -> std::result::Result<(), String> {
        self.thread.join().unwrap_or_else(|_| Err("it panicked".into()))
    }
}

struct Session {
    ssh: Server,
    agent: UnixStream,
    channel: Option<ChannelId>,
    input_ended: bool,
    has_ended: bool,
}

impl Session {
    fn new(public: &Path, algorithm: &str, agent: &Path) -> Result<Self> {
        let mut config = ServerConfig::new(vec![read_key(public)?]);
        config.algorithms.host_key = only(algorithm);
        config.rekey.bytes = Some(REKEY_BYTES);
        let ssh = Server::new(Arc::new(config), Box::new(OsRandom), Timestamp::ZERO)?;
        let agent = UnixStream::connect(agent)?;
        Ok(Self { ssh, agent, channel: None, input_ended: false, has_ended: false })
    }
}

impl Application for Session {
    type Role = ServerRole;

    fn ssh(&mut self) -> &mut Server {
        &mut self.ssh
    }

    fn handle(&mut self, event: ServerEvent) -> Result<()> {
        match event {
            ServerEvent::Sign(request) => {
                let signature = signature(&mut self.agent, &request)?;
                self.ssh.answer_signature(request, Some(&signature))?;
            }
            ServerEvent::KeyOffer(offer) => self.ssh.answer_key_offer(offer, true)?,
            ServerEvent::Auth(request) => self.ssh.answer_auth(request, AuthAnswer::Accept)?,
            ServerEvent::ChannelOpen(request) => self.channel = Some(self.ssh.accept_channel(request)?),
            ServerEvent::Channel(_, ChannelEvent::Request(incoming)) => {
                let granted = matches!(incoming.request, ChannelRequest::Exec { .. });
                if let Some(token) = incoming.reply {
                    self.ssh.reply(token, granted)?;
                }
            }
            ServerEvent::Channel(_, ChannelEvent::Eof) => self.input_ended = true,
            ServerEvent::Global(GlobalRequestEvent::Request { reply: Some(token), .. }) => {
                self.ssh.answer_global(token, None)?;
            }
            ServerEvent::Closed(reason) => {
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
        if self.has_ended || !channel.is_open() {
            return Ok(false);
        }
        let bytes = channel.readable(DataStream::STDOUT).to_vec();
        let sent = channel.write(DataStream::STDOUT, &bytes)?;
        channel.consume(DataStream::STDOUT, sent);
        if self.input_ended && sent == bytes.len() {
            self.has_ended = true;
            channel.request(&ChannelRequest::ExitStatus(0), false)?;
            channel.send_eof()?;
            channel.close();
        }
        Ok(sent > 0)
    }
}
