//! What compression adds to what an endpoint holds: bytes of the heap against [`Limits::memory_of_compression`].
#![cfg(feature = "zlib")]

mod common;

use std::sync::Arc;

use common::{Pair, Setup};
use counting_allocator::{balance, peak, reset_peak};
use ssh_core::crypto::compression::{Compression, CompressionLevel, NONE, ZLIB, ZLIB_OPENSSH};
use ssh_core::wire::DataStream;
use ssh_core::{ChannelType, Limits, Server, ServerEvent, Timestamp};

#[global_allocator]
static ALLOCATOR: counting_allocator::Counting = counting_allocator::Counting;

const KIB: u64 = 1024;
const OUT: DataStream = DataStream::STDOUT;

/// So small that nothing else makes room for what is not counted.
fn least(limits: &mut Limits) {
    limits.max_packet = 40_000;
    limits.max_packet_before_auth = 40_000;
    limits.channel_packet = 32 * 1024;
    limits.channel_window = 64 * 1024;
    limits.max_unread_bytes = 64 * 1024;
    limits.max_channels = 1;
    limits.max_output = 16 * 1024;
    limits.max_deferred_bytes = 4096;
    limits.max_unanswered_requests = 1;
    limits.input_buffer = 4096;
}

fn pair(method: &'static dyn Compression) -> Pair {
    let setup = Setup::new(1).quick().algorithms(|lists| lists.compression = vec![method]);
    let setup = setup.configure(|client, server| {
        least(&mut server.limits);
        for level in [&mut client.compression_level, &mut server.compression_level] {
            *level = CompressionLevel::new(9).unwrap();
        }
    });
    // One that writes down nothing.
    let config = Arc::new(setup.server.clone());
    let mut pair = setup.build();
    pair.server = Server::new(config, Box::new(common::random(2)), Timestamp::ZERO).unwrap();
    pair
}

/// Bytes of the heap that the server holds.
fn weight(pair: Pair) -> u64 {
    let Pair { server, .. } = pair;
    let before = balance();
    drop(server);
    u64::try_from(before - balance()).unwrap()
}

fn logged_in(method: &'static dyn Compression) -> Pair {
    let mut pair = pair(method);
    pair.log_in();
    pair
}

/// Both streams of a direction are there only where they are in use.
#[test]
fn streams_weigh_what_is_said() {
    let early = |method| {
        let mut pair = pair(method);
        pair.accept_host_key();
        pair.expect_auth_needed();
        weight(pair)
    };
    let mut bounds = Limits::default();
    least(&mut bounds);
    let [plain, delayed, immediate] = [NONE, ZLIB_OPENSSH, ZLIB].map(early);
    assert!(delayed < plain + KIB, "nothing for strangers: {plain} {delayed}");
    assert!((200 * KIB..bounds.memory_of_compression(false)).contains(&(immediate - plain)), "{plain} {immediate}");
    let [plain, delayed, immediate] = [NONE, ZLIB_OPENSSH, ZLIB].map(|method| weight(logged_in(method)));
    assert!((200 * KIB..384 * KIB).contains(&(delayed - plain)), "{plain} {delayed}");
    assert!(delayed.abs_diff(immediate) < 64 * KIB, "{delayed} {immediate}");
}

/// Data that inflates to as much as may be, unread or read late, answers that cannot be made smaller, and new keys.
#[test]
fn the_bound_holds() {
    let mut bounds = Limits::default();
    least(&mut bounds);
    let bound = bounds.memory(1) + bounds.memory_of_compression(true);
    let mut noise = vec![0; 32 * 1024];
    common::random(9).fill_bytes(&mut noise);
    let mut pair = logged_in(ZLIB_OPENSSH);
    let mut held = i64::try_from(weight(logged_in(ZLIB_OPENSSH))).unwrap();
    let mut most = held;
    let mut measured = |action: &mut dyn FnMut()| {
        let before = balance();
        reset_peak();
        action();
        most = most.max(held + peak() - before);
        held += balance() - before;
    };
    let id = pair.client.open_channel(&ChannelType::Session).unwrap();
    let (mut waiting, mut sent) = (Vec::new(), 0);
    for round in 0..300_usize {
        // Until there is a channel, and while keys are exchanged, there is nothing to say.
        sent += pair.client.channel(id).unwrap().write(OUT, &vec![round as u8; 32 * 1024]).unwrap_or(0);
        let mut said = pair.client.poll_output().to_vec();
        pair.client.consume_output(said.len());
        said.splice(..0, waiting.drain(..));
        let mut taken = 0;
        let mut answered = Vec::with_capacity(1 << 20);
        measured(&mut || {
            taken = pair.server.handle_input(&said);
            while let Some(event) = pair.server.poll_event() {
                match event {
                    ServerEvent::ChannelOpen(request) => drop(pair.server.accept_channel(request).unwrap()),
                    ServerEvent::Sign(request) => {
                        let signature =
                            pair.host_keys[0].sign(request.algorithm, &request.data, &mut common::random(7));
                        pair.server.answer_signature(request, Some(&signature.unwrap())).unwrap();
                    }
                    ServerEvent::Closed(reason) => panic!("{reason}"),
                    _ => {}
                }
            }
            if let Some(mut channel) = pair.server.channel(id) {
                if round % 5 == 4 {
                    channel.consume(OUT, 50_000);
                }
                let _ = channel.write(OUT, &noise);
            }
            if round % 50 == 49 {
                pair.server.rekey().unwrap();
            }
            let output = pair.server.poll_output();
            answered.clear();
            if round % 3 == 2 {
                answered.extend_from_slice(output);
            }
            let read = answered.len();
            pair.server.consume_output(read);
        });
        waiting = said.split_off(taken);
        pair.client.handle_input(&answered);
        while let Some(event) = pair.client.poll_event() {
            drop(event);
        }
        let mut channel = pair.client.channel(id).unwrap();
        let n = channel.readable(OUT).len();
        channel.consume(OUT, n);
    }
    assert!(sent > 1 << 20, "{sent}");
    let most = u64::try_from(most).unwrap();
    assert!(most <= bound, "{most} bytes, bound {bound}");
    assert!(most > 400 * KIB, "the streams and a packet each way: {most}");
}
