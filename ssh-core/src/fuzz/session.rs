//! Whole sessions with algorithms that do nothing: a peer that may say anything at any point.

use alloc::{string::String, vec::Vec};
use core::time::Duration;

use super::application::{Application, Played};
use super::fake::{boxed_random, client_config, server_config};
use super::input::{Dice, Input, Step, packet};
use crate::endpoint::{Client, Endpoint, Server};
use crate::message::{DecodeMessage, Disconnect};
use crate::packet::Receiver;
use crate::time::Timestamp;
use crate::wire::{DisconnectReason, MessageNumber};

const MAX_INPUT: usize = 8 * 1024;

/// What an application saw, in words, and what was sent.
type Outcome = (Vec<String>, Vec<u8>);

/// A whole session against the client.
pub fn session_client(data: &[u8]) {
    play_client(data);
}

pub(super) fn play_client(data: &[u8]) -> Outcome {
    let mut input = Input::new(data, MAX_INPUT);
    let (start, dice) = (Start::read(&mut input), Dice::new(input.byte()));
    let (pair, _, to_server) = Pair::new(start, dice);
    Session::new(pair.client, pair.client_application, to_server).play(input, usize::MAX)
}

/// A whole session against the server.
pub fn session_server(data: &[u8]) {
    play_server(data);
}

pub(super) fn play_server(data: &[u8]) -> Outcome {
    let mut input = Input::new(data, MAX_INPUT);
    let (start, dice) = (Start::read(&mut input), Dice::new(input.byte()));
    let (pair, to_client, _) = Pair::new(start, dice);
    Session::new(pair.server, pair.server_application, to_client).play(input, usize::MAX)
}

/// Two equal endpoints that get the same bytes in different pieces say and see the same.
pub fn split_delivery(data: &[u8]) {
    let mut input = Input::new(data, MAX_INPUT / 2);
    let (side, start, dice) = (input.byte() % 2, Start::read(&mut input), Dice::new(input.byte()));
    let chunk = usize::from(input.byte()) + 2;
    let play = |chunk| {
        let (pair, to_client, to_server) = Pair::new(start, dice.clone());
        if side == 0 {
            Session::new(pair.client, pair.client_application, to_server).play(input, chunk)
        } else {
            Session::new(pair.server, pair.server_application, to_client).play(input, chunk)
        }
    };
    let play = |chunk| {
        let (mut log, output) = play(chunk);
        // How much of what is no identification had arrived when that was noticed hangs on the pieces.
        log.iter_mut().filter(|line| line.contains("NotSsh")).for_each(String::clear);
        (log, output)
    };
    let whole = play(usize::MAX);
    assert_eq!(whole, play(1));
    assert_eq!(whole, play(chunk));
}

/// From where on the peer is arbitrary.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Nothing,
    Identification,
    LoggedIn,
    OpenChannel,
}

impl Start {
    fn read(input: &mut Input<'_>) -> Self {
        [Self::Nothing, Self::Identification, Self::LoggedIn, Self::OpenChannel][usize::from(input.byte() % 4)]
    }
}

/// Two endpoints of our own, which bring each other to the start.
pub(super) struct Pair {
    pub(super) client: Client,
    pub(super) server: Server,
    pub(super) client_application: Application,
    pub(super) server_application: Application,
}

impl Pair {
    /// The pair and what was sent to the client and to the server.
    pub(super) fn new(start: Start, dice: Dice) -> (Self, Vec<u8>, Vec<u8>) {
        let (client_config, server_config) = (client_config(), server_config());
        let consent = Dice::new(0);
        let mut pair = Self {
            client_application: Application::new(consent.clone(), client_config.limits),
            server_application: Application::new(consent, server_config.limits),
            client: Client::new(client_config, boxed_random(1), Timestamp::ZERO).expect("a client"),
            server: Server::new(server_config, boxed_random(2), Timestamp::ZERO).expect("a server"),
        };
        let (mut to_client, mut to_server) = (Vec::new(), Vec::new());
        match start {
            Start::Nothing => {}
            Start::Identification => {
                pair.client.handle_input(b"SSH-2.0-x\r\n");
                pair.server.handle_input(b"SSH-2.0-x\r\n");
            }
            Start::LoggedIn | Start::OpenChannel => {
                pair.exchange(&mut to_client, &mut to_server);
                assert!(pair.client.is_authenticated() && pair.server.is_authenticated());
                if start == Start::OpenChannel {
                    pair.client_application.command(&mut pair.client, 0);
                    pair.exchange(&mut to_client, &mut to_server);
                    assert_eq!(
                        (pair.client_application.channels.len(), pair.server_application.channels.len()),
                        (1, 1)
                    );
                }
            }
        }
        pair.client_application.dice = dice.clone();
        pair.server_application.dice = dice;
        (pair, to_client, to_server)
    }

    /// Carries bytes until nothing moves.
    pub(super) fn exchange(&mut self, to_client: &mut Vec<u8>, to_server: &mut Vec<u8>) {
        loop {
            let (client_end, server_end) = (to_client.len(), to_server.len());
            self.client_application.settle(&mut self.client, Some(to_server));
            let n = self.server.handle_input(&to_server[server_end..]);
            assert_eq!(n, to_server.len() - server_end);
            self.server_application.settle(&mut self.server, Some(to_client));
            let n = self.client.handle_input(&to_client[client_end..]);
            assert_eq!(n, to_client.len() - client_end);
            if (client_end, server_end) == (to_client.len(), to_server.len()) {
                return;
            }
        }
    }
}

/// An endpoint with its application, and everything it sent.
struct Session<R: Played> {
    endpoint: Endpoint<R>,
    application: Application,
    output: Vec<u8>,
}

impl<R: Played> Session<R> {
    fn new(endpoint: Endpoint<R>, application: Application, output: Vec<u8>) -> Self {
        Self { endpoint, application, output }
    }

    /// Plays the rest of an input, then lets the peer fall silent; says what happened and what was sent.
    fn play(mut self, mut input: Input<'_>, chunk: usize) -> Outcome {
        let mut now = Timestamp::ZERO;
        while let Some(step) = Step::read(&mut input) {
            match step {
                Step::Packet(payload) => self.feed(&packet(payload), chunk),
                Step::Raw(bytes) => self.feed(bytes, chunk),
                Step::Time(millis) => {
                    now = now.saturating_add(Duration::from_millis(millis));
                    self.endpoint.handle_timeout(now);
                }
                Step::Command(command) => self.application.command(&mut self.endpoint, command),
                Step::Eof => self.endpoint.handle_eof(),
            }
            self.application.settle(&mut self.endpoint, Some(&mut self.output));
        }
        self.endpoint.handle_eof();
        self.application.settle(&mut self.endpoint, Some(&mut self.output));
        self.endpoint.disconnect(DisconnectReason::BY_APPLICATION, "done");
        self.application.settle(&mut self.endpoint, Some(&mut self.output));
        assert!(self.application.closed.is_some() && self.endpoint.is_finished(), "over, and does not say so");
        check_output(&self.output);
        (self.application.log, self.output)
    }

    fn feed(&mut self, bytes: &[u8], chunk: usize) {
        self.application.feed(&mut self.endpoint, bytes, chunk, &mut self.output);
    }
}

/// What we send is an identification and well-formed packets; nothing follows a DISCONNECT.
fn check_output(output: &[u8]) {
    let start = output.iter().position(|&byte| byte == b'\n').expect("an identification") + 1;
    let mut receiver = Receiver::new(35_000, 4096);
    let (mut rest, mut over) = (&output[start..], false);
    while !rest.is_empty() {
        let taken = receiver.push(rest);
        rest = &rest[taken..];
        while let Some(packet) = receiver.next_packet().expect("a packet that can be read") {
            assert!(!over, "something after DISCONNECT");
            let payload = receiver.payload(&packet);
            if payload[0] == MessageNumber::DISCONNECT.0 {
                over = Disconnect::decode(&payload[1..]).is_ok();
                assert!(over);
            }
        }
    }
    assert!(receiver.unread().is_empty(), "half a packet");
}
