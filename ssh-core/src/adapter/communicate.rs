//! A command from its first byte of input to its last byte of output.

use alloc::vec::Vec;

use super::error::SessionError;
use super::exit::Output;
use super::inbox::Inbox;
use crate::connection::ChannelId;
use crate::endpoint::Role;
use crate::wire::DataStream;

/// Most output that is collected unless the caller says otherwise, in bytes.
pub const MAX_COLLECTED: usize = 256 * 1024 * 1024;

/// Feeds a command its input and collects what it writes, both at once, so that neither side waits for the other.
pub struct Communication<'a> {
    id: ChannelId,
    input: &'a [u8],
    sent_eof: bool,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    limit: usize,
}

impl<'a> Communication<'a> {
    /// With the command on channel `id`. More than `limit` bytes of output, both streams together, are an error.
    pub fn new(id: ChannelId, input: &'a [u8], limit: usize) -> Self {
        Self { id, input, sent_eof: false, stdout: Vec::new(), stderr: Vec::new(), limit }
    }

    /// Moves what can be moved; `None`: the command has not ended.
    pub fn advance<R: Role>(&mut self, inbox: &mut Inbox<R>) -> Option<Result<Output, SessionError>> {
        self.feed(inbox);
        if let Some(mut channel) = inbox.endpoint.channel(self.id) {
            for (stream, collected) in [(DataStream::STDOUT, &mut self.stdout), (DataStream::STDERR, &mut self.stderr)]
            {
                let data = channel.readable(stream);
                let n = data.len();
                collected.extend_from_slice(data);
                channel.consume(stream, n);
            }
        }
        if self.stdout.len().saturating_add(self.stderr.len()) > self.limit {
            return Some(Err(SessionError::TooMuchOutput { limit: self.limit }));
        }
        if inbox.endpoint.channel(self.id).is_some() {
            return None;
        }
        let exit = inbox.end(self.id)?;
        let (stdout, stderr) = (core::mem::take(&mut self.stdout), core::mem::take(&mut self.stderr));
        Some(Ok(Output { stdout, stderr, exit }))
    }

    fn feed<R: Role>(&mut self, inbox: &mut Inbox<R>) {
        if !self.input.is_empty() {
            match inbox.write(self.id, DataStream::STDOUT, self.input) {
                Some(Ok(n)) => self.input = self.input.get(n..).unwrap_or_default(),
                // It wants no more input; its output counts all the same.
                Some(Err(_)) => self.input = &[],
                None => {}
            }
        }
        if self.input.is_empty() && !core::mem::replace(&mut self.sent_eof, true) {
            inbox.send_eof(self.id);
        }
    }
}
