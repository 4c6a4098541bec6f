//! Identification strings and packets, whole and in pieces, in the clear and under every cipher.

use alloc::{boxed::Box, vec::Vec};

use super::fake::random;
use super::input::Input;
use crate::crypto::Algorithms;
use crate::crypto::cipher::{OpenPacket, PacketKeys};
use crate::error::Error;
use crate::packet::{IdentificationReader, Receiver, Sender};

const MAX_INPUT: usize = 16 * 1024;
const MAX_PACKET: u32 = 35_000;
const MAX_BUFFER: usize = 4096;

/// Identification strings: pieces of any size end as the whole does.
pub fn identification(data: &[u8]) {
    let mut input = Input::new(data, MAX_INPUT);
    let (from_server, chunk) = (input.byte() % 2 == 1, usize::from(input.byte()) + 1);
    let stream = input.rest();
    let whole = identify(stream, stream.len().max(1), from_server);
    assert_eq!(whole, identify(stream, chunk, from_server));
    assert_eq!(whole, identify(stream, 1, from_server));
}

/// The identification and how many bytes it took; of an error, its kind: what it quotes hangs on what had arrived.
fn identify(
    stream: &[u8],
    chunk: usize,
    from_server: bool,
) -> Result<Option<(usize, Vec<u8>)>, core::mem::Discriminant<Error>> {
    let mut reader = IdentificationReader::default();
    let (mut start, mut end) = (0, 0);
    while end < stream.len() {
        end = (end + chunk).min(stream.len());
        let (taken, version) =
            reader.read(&stream[start..end], from_server).map_err(|error| core::mem::discriminant(&error))?;
        start += taken;
        assert!(start <= end, "took more than there was");
        if let Some(version) = version {
            assert!(version.line.starts_with(b"SSH-") && version.line.len() <= 255);
            assert!(version.line.iter().all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f)));
            return Ok(Some((start, version.line)));
        }
    }
    Ok(None)
}

/// Packets in the clear: the same payloads and the same error, however the stream is cut and whatever is held.
pub fn packets_in_clear(data: &[u8]) {
    let mut input = Input::new(data, MAX_INPUT);
    let (chunk, hold) = (usize::from(input.byte()) + 1, usize::from(input.byte()));
    let stream = input.rest();
    let whole = receive(None, stream, stream.len().max(1), 0);
    assert_eq!(whole, receive(None, stream, chunk, hold));
    assert_eq!(whole, receive(None, stream, 1, 0));
}

/// Packets under each cipher and MAC: sealed, damaged, opened. What precedes the damage comes out as it went in, and
/// nothing after it does.
pub fn packets_sealed(data: &[u8]) {
    let mut input = Input::new(data, MAX_INPUT);
    let algorithms = Algorithms::all();
    let cipher = algorithms.ciphers[usize::from(input.byte()) % algorithms.ciphers.len()];
    let mac = algorithms.macs[usize::from(input.byte()) % algorithms.macs.len()];
    let chunk = usize::from(input.byte()) + 1;
    let bytes = [0x42; 64];
    let keys = || PacketKeys {
        key: &bytes[..cipher.key_length()],
        iv: &bytes[..cipher.iv_length()],
        mac: (!cipher.authenticates()).then(|| mac.keyed(&bytes[..mac.key_length()])),
    };
    let mut sender = Sender::new(random(1));
    sender.change_keys(cipher.sealer(keys()), false);
    let (mut payloads, mut ends) = (Vec::new(), Vec::new());
    for _ in 0..=input.byte() % 4 {
        let payload = [&[94], input.piece()].concat();
        sender.packet(|out| out.extend_from_slice(&payload));
        payloads.push(payload);
        ends.push(sender.output().len());
    }
    let mut stream = sender.output().to_vec();
    let untouched = stream.clone();
    for _ in 0..input.byte() % 8 {
        let at = input.number() % stream.len().max(1);
        match input.byte() % 4 {
            0 => stream.truncate(at),
            1 => stream.insert(at.min(stream.len()), input.byte()),
            2 if at < stream.len() => drop(stream.remove(at)),
            _ => {
                let flipped = input.byte();
                stream.get_mut(at).into_iter().for_each(|byte| *byte ^= flipped);
            }
        }
    }
    let same = stream.iter().zip(&untouched).take_while(|(one, other)| one == other).count();
    let whole = ends.iter().take_while(|end| **end <= same).count();
    let (opened, error) = receive(Some(cipher.opener(keys())), &stream, chunk, 0);
    assert_eq!(opened, payloads[..whole], "damaged packets came out, or whole ones did not");
    assert!(stream != untouched || error.is_none(), "{error:?}");
}

/// All payloads of a stream, and the error it ends with. Up to `hold` bytes of every other payload are held until the
/// next, and must not change meanwhile.
fn receive(
    opener: Option<Box<dyn OpenPacket>>,
    stream: &[u8],
    chunk: usize,
    hold: usize,
) -> (Vec<Vec<u8>>, Option<Error>) {
    let mut receiver = Receiver::new(MAX_PACKET, MAX_BUFFER);
    if let Some(opener) = opener {
        receiver.change_keys(opener, false);
    }
    let (mut payloads, mut held, mut rest) = (Vec::new(), Vec::new(), stream);
    loop {
        loop {
            match receiver.next_packet() {
                Ok(Some(packet)) => {
                    let payload = receiver.payload(&packet).to_vec();
                    assert!(!payload.is_empty());
                    assert_eq!(receiver.held(), held);
                    receiver.release();
                    held.clear();
                    if payloads.len() % 2 == 0 && hold > 0 {
                        held.extend_from_slice(&payload[payload.len().saturating_sub(hold)..]);
                        receiver.hold(&packet, held.len());
                    }
                    payloads.push(payload);
                }
                Ok(None) => break,
                Err(error) => return (payloads, Some(error)),
            }
        }
        assert_eq!(receiver.held(), held);
        assert!(receiver.buffer_size() <= MAX_BUFFER + 2 * MAX_PACKET as usize);
        if rest.is_empty() {
            return (payloads, None);
        }
        let taken = receiver.push(&rest[..chunk.min(rest.len())]);
        assert!(taken > 0, "neither a packet nor room for one");
        rest = &rest[taken..];
    }
}
