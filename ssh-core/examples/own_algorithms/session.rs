//! A login and a message by a program's own algorithms, in memory.

use std::sync::Arc;

use ssh_core::crypto::mac::Mac;
use ssh_core::key::{KeyAlgorithm, PrivateKey};
use ssh_core::random::ChaChaRandom;
use ssh_core::wire::DataStream;
use ssh_core::{
    AuthAnswer, AuthMethod, ChannelEvent, ChannelId, ChannelType, Client, ClientConfig, ClientEvent, Credential,
    HostKeyAnswer, Server, ServerConfig, ServerEvent, Timestamp,
};

use super::algorithms::{own, token_key, token_signature};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The names of what was agreed, and what the server has read.
pub(crate) struct Outcome {
    pub(crate) agreed: Vec<&'static str>,
    pub(crate) received: Vec<u8>,
}

/// Both sides, with the keys that both of them have.
struct Both {
    client: Client,
    server: Server,
    key: PrivateKey,
    random: ChaChaRandom,
    message: Vec<u8>,
    channel: Option<ChannelId>,
    received: Vec<u8>,
}

/// Sends `message` from a client to a server.
pub(crate) fn send(message: &[u8]) -> Result<Outcome> {
    let mut random = ChaChaRandom::from_seed(&[1; 32]);
    let key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut random)?;
    let mut config = ServerConfig::new(vec![token_key(&key)?]);
    config.algorithms = own();
    let server = Server::new(Arc::new(config), Box::new(ChaChaRandom::from_seed(&[2; 32])), Timestamp::ZERO)?;
    let mut config = ClientConfig::default();
    config.algorithms = own();
    let client = Client::new(Arc::new(config), Box::new(ChaChaRandom::from_seed(&[3; 32])), Timestamp::ZERO)?;
    let (message, received) = (message.to_vec(), Vec::new());
    let mut both = Both { client, server, key, random, message, channel: None, received };
    while both.received.len() < both.message.len() {
        both.carry();
        while let Some(event) = both.client.poll_event() {
            both.handle_client(event)?;
        }
        while let Some(event) = both.server.poll_event() {
            both.handle_server(event)?;
        }
    }
    let negotiated = both.client.negotiated().ok_or("nothing is agreed")?;
    let mac = negotiated.mac_client_to_server.map(Mac::name);
    let names = [
        Some(negotiated.kex.name()),
        Some(negotiated.host_key.name()),
        Some(negotiated.cipher_client_to_server.name()),
        mac,
        Some(negotiated.compression_client_to_server.name()),
    ];
    let agreed = names.into_iter().flatten().collect();
    Ok(Outcome { agreed, received: both.received })
}

impl Both {
    /// The network.
    fn carry(&mut self) {
        let n = self.server.handle_input(self.client.poll_output());
        self.client.consume_output(n);
        let n = self.client.handle_input(self.server.poll_output());
        self.server.consume_output(n);
    }

    fn handle_client(&mut self, event: ClientEvent) -> Result<()> {
        match event {
            ClientEvent::HostKey(request) => {
                let known = request.key == token_key(&self.key)?;
                let answer = if known { HostKeyAnswer::Accept } else { HostKeyAnswer::Reject };
                self.client.answer_host_key(request, answer)?;
            }
            ClientEvent::AuthNeeded(_) => {
                self.client.authenticate("alice", AuthMethod::PublicKey(token_key(&self.key)?))?;
            }
            ClientEvent::Sign(request) => {
                let signature = token_signature(&self.key, &request.data, &mut self.random);
                self.client.answer_signature(request, signature.as_deref())?;
            }
            ClientEvent::Authenticated(_) => self.channel = Some(self.client.open_channel(&ChannelType::Session)?),
            ClientEvent::Channel(id, ChannelEvent::Opened) => {
                let mut channel = self.client.channel(id).ok_or("the channel is open")?;
                channel.write(DataStream::STDOUT, &self.message)?;
            }
            ClientEvent::Closed(reason) => return Err(reason.to_string().into()),
            _ => {}
        }
        Ok(())
    }

    fn handle_server(&mut self, event: ServerEvent) -> Result<()> {
        match event {
            ServerEvent::Sign(request) => {
                let signature = token_signature(&self.key, &request.data, &mut self.random);
                self.server.answer_signature(request, signature.as_deref())?;
            }
            ServerEvent::KeyOffer(offer) => {
                let known = offer.key == token_key(&self.key)?;
                self.server.answer_key_offer(offer, known)?;
            }
            ServerEvent::Auth(request) => {
                let expected = token_key(&self.key)?;
                let right = matches!(&request.credential, Credential::PublicKey { key, .. } if *key == expected);
                self.server.answer_auth(request, if right { AuthAnswer::Accept } else { AuthAnswer::Reject })?;
            }
            ServerEvent::ChannelOpen(request) => {
                self.server.accept_channel(request)?;
            }
            ServerEvent::Channel(id, ChannelEvent::Data(stream)) => {
                let mut channel = self.server.channel(id).ok_or("the channel is open")?;
                let data = channel.readable(stream);
                self.received.extend_from_slice(data);
                let n = data.len();
                channel.consume(stream, n);
            }
            ServerEvent::Closed(reason) => return Err(reason.to_string().into()),
            _ => {}
        }
        Ok(())
    }
}
