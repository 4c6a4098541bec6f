//! Endpoints, driven by a loop as a program has it.

use alloc::{boxed::Box, string::ToString, sync::Arc};
use core::hint::black_box;

use ssh_core::random::ChaChaRandom;
use ssh_core::recording::replay;
use ssh_core::{Client, ClientConfig, ClientRole, Endpoint, Role, Server, ServerConfig, ServerRole, Timestamp};

use crate::application::{Application, Played};
use crate::consider;

/// A client, to be driven by [`drive_client`].
#[unsafe(no_mangle)]
pub extern "C" fn new_client(seed: &[u8; 32], config: &Arc<ClientConfig>) -> Option<Box<Client>> {
    let random = Box::new(ChaChaRandom::from_seed(seed));
    Client::new(Arc::clone(config), random, Timestamp::ZERO).ok().map(Box::new)
}

/// A server, to be driven by [`drive_server`].
#[unsafe(no_mangle)]
pub extern "C" fn new_server(seed: &[u8; 32], config: &Arc<ServerConfig>) -> Option<Box<Server>> {
    let random = Box::new(ChaChaRandom::from_seed(seed));
    Server::new(Arc::clone(config), random, Timestamp::ZERO).ok().map(Box::new)
}

/// A turn of a client's loop.
#[unsafe(no_mangle)]
pub extern "C" fn drive_client(client: &mut Client, application: &mut Application<'_>, input: &&[u8], micros: u64) {
    drive(client, application, input, micros);
}

/// A turn of a server's loop.
#[unsafe(no_mangle)]
pub extern "C" fn drive_server(server: &mut Server, application: &mut Application<'_>, input: &&[u8], micros: u64) {
    drive(server, application, input, micros);
}

/// Plays a recording, whatever it holds.
#[unsafe(no_mangle)]
pub extern "C" fn play(recording: &&[u8], client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) {
    match replay::<ClientRole>(Arc::clone(client), recording) {
        Ok(played) => consider((played.events.len(), played.output)),
        Err(error) => consider(error.to_string()),
    }
    consider(replay::<ServerRole>(Arc::clone(server), recording).is_ok());
}

fn drive<R: Played>(endpoint: &mut Endpoint<R>, application: &mut Application<'_>, input: &[u8], micros: u64) {
    endpoint.handle_timeout(Timestamp::from_micros(micros));
    let taken = endpoint.handle_input(input);
    if taken < input.len() {
        let filled = fill(endpoint.input_buffer(), input.get(taken..).unwrap_or_default());
        endpoint.input_filled(filled);
    } else if input.is_empty() {
        endpoint.handle_eof();
    }
    while let Some(event) = endpoint.poll_event() {
        R::react(application, endpoint, event);
    }
    application.command(endpoint);
    let sent = black_box(endpoint.poll_output()).len();
    endpoint.consume_output(black_box(sent));
    if !black_box(endpoint.wants_input()) && black_box(endpoint.is_finished()) {
        endpoint.handle_write_closed();
    }
    while let Some(entry) = endpoint.poll_transcript() {
        consider(entry.to_string());
    }
    look(endpoint);
}

/// What can only be asked for.
fn look<R: Role>(endpoint: &Endpoint<R>) {
    consider((endpoint.poll_timeout(), endpoint.negotiated(), endpoint.session_id(), endpoint.is_authenticated()));
    consider(endpoint.buffer_memory());
    consider(endpoint.peer_identification().map(|text| text.to_string()));
}

fn fill(room: &mut [u8], bytes: &[u8]) -> usize {
    room.iter_mut().zip(bytes).map(|(to, from)| *to = *from).count()
}
