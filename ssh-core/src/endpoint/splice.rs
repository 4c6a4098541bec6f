//! Protocols beside the stack: bytes in, bytes out.

use super::{Endpoint, Role};
use crate::connection::Channel;
use crate::protocol::ByteProtocol;
use crate::wire::DataStream;

impl<R: Role> ByteProtocol for Endpoint<R> {
    fn handle_input(&mut self, bytes: &[u8]) -> usize {
        Self::handle_input(self, bytes)
    }

    fn poll_output(&mut self) -> &[u8] {
        Self::poll_output(self)
    }

    fn consume_output(&mut self, n: usize) {
        Self::consume_output(self, n);
    }
}

/// Moves bytes between a channel and a protocol that runs over it, as many as both sides take; says whether any moved.
///
/// An endpoint over a channel of another endpoint is a jump host; n hops are n splices. Nothing is buffered in between,
/// so back-pressure reaches from end to end.
pub fn splice(channel: &mut Channel<'_>, inner: &mut impl ByteProtocol) -> bool {
    let mut moved = false;
    loop {
        let taken = inner.handle_input(channel.readable(DataStream::STDOUT));
        if taken == 0 {
            break;
        }
        channel.consume(DataStream::STDOUT, taken);
        moved = true;
    }
    while let Ok(written @ 1..) = channel.write(DataStream::STDOUT, inner.poll_output()) {
        inner.consume_output(written);
        moved = true;
    }
    moved
}
