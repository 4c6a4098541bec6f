//! Both endpoints in the hands of applications that do anything at any time.

use alloc::vec::Vec;
use core::time::Duration;

use super::application::{Application, Decision, Played};
use super::input::{Dice, Input};
use super::session::{Pair, Start};
use crate::endpoint::Endpoint;
use crate::error::{CloseReason, Error};
use crate::time::Timestamp;
use crate::wire::DisconnectReason;

const MAX_INPUT: usize = 2 * 1024;

/// Sequences of operations: misuse is an error and nothing more, two endpoints of ours never accuse each other of
/// breaking the protocol, and a connection that is told to end ends.
pub fn operations(data: &[u8]) {
    let mut input = Input::new(data, MAX_INPUT);
    let start = if input.byte().is_multiple_of(2) { Start::Nothing } else { Start::OpenChannel };
    let (mut pair, _, _) = Pair::new(start, Dice::new(input.byte()));
    let mut now = Timestamp::ZERO;
    while !input.is_empty() {
        let (operation, argument) = (input.byte(), input.byte());
        let Pair { client, server, client_application, server_application } = &mut pair;
        match operation % 16 {
            0..=2 => drop(carry(client, server, usize::from(argument) * 16 + 1)),
            3..=5 => drop(carry(server, client, usize::from(argument) * 16 + 1)),
            6 => drop(client_application.poll(client)),
            7 => drop(server_application.poll(server)),
            8 => client_application.command(client, argument),
            9 => server_application.command(server, argument),
            10 => decide(client_application, client, argument),
            11 => decide(server_application, server, argument),
            12 => {
                client_application.hesitates = argument & 1 == 1;
                server_application.hesitates = argument & 2 == 2;
            }
            13 => {
                now = now.saturating_add(Duration::from_millis(u64::from(argument) * 16));
                client.handle_timeout(now);
                server.handle_timeout(now);
            }
            14 => swap(argument, &mut client_application.undecided, &mut server_application.undecided),
            _ => last_things(client, server, server_application, argument),
        }
    }
    finish(&mut pair);
}

fn carry<A: Played, B: Played>(from: &mut Endpoint<A>, to: &mut Endpoint<B>, most: usize) -> usize {
    let output = from.poll_output();
    let taken = to.handle_input(&output[..most.min(output.len())]);
    from.consume_output(taken);
    taken
}

/// A decision that was put off; with no such, one that nobody asked for.
fn decide<R: Played>(application: &mut Application, endpoint: &mut Endpoint<R>, argument: u8) {
    let n = application.undecided.len();
    let decision =
        if n == 0 { Decision::AuthNeeded } else { application.undecided.swap_remove(usize::from(argument) % n) };
    R::decide(application, endpoint, decision);
}

/// Hands a token to the wrong application. What only its own role can be asked stays, for it would just be dropped.
fn swap(argument: u8, one: &mut Vec<Decision>, other: &mut Vec<Decision>) {
    let (from, to) = if argument.is_multiple_of(2) { (one, other) } else { (other, one) };
    let common = |decision: &Decision| {
        matches!(decision, Decision::Sign(_) | Decision::Open(_) | Decision::Reply(_) | Decision::Global(_))
    };
    if let Some(at) = from.iter().position(common) {
        to.push(from.remove(at));
    }
}

fn last_things(
    client: &mut crate::endpoint::Client,
    server: &mut crate::endpoint::Server,
    application: &mut Application,
    argument: u8,
) {
    match argument {
        0..=9 => drop(server.send_banner("banner")),
        10..=19 => application.settle(server, None),
        20 => client.handle_eof(),
        21 => server.handle_eof(),
        22 => client.handle_write_closed(),
        23 => server.handle_write_closed(),
        24 => client.disconnect(DisconnectReason::BY_APPLICATION, "over"),
        _ => drop(client.input_buffer().len()),
    }
}

/// Lets everything arrive, ends both connections, and looks at how they ended.
fn finish(pair: &mut Pair) {
    for last in [false, true] {
        if last {
            pair.client.disconnect(DisconnectReason::BY_APPLICATION, "done");
            pair.server.disconnect(DisconnectReason::BY_APPLICATION, "done");
        }
        for round in 0.. {
            assert!(round < 10_000, "the pair never comes to rest");
            let mut moved = carry(&mut pair.client, &mut pair.server, usize::MAX) > 0;
            moved |= pair.server_application.poll(&mut pair.server);
            moved |= carry(&mut pair.server, &mut pair.client, usize::MAX) > 0;
            moved |= pair.client_application.poll(&mut pair.client);
            if !moved {
                break;
            }
        }
    }
    assert!(pair.client.is_finished() && pair.server.is_finished(), "told to end, and did not");
    for application in [&pair.client_application, &pair.server_application] {
        let reason = application.closed.as_ref().expect("a reason");
        assert!(!matches!(reason, CloseReason::Failed(Error::PeerMisbehaved(_) | Error::Integrity)), "{reason}");
    }
}
