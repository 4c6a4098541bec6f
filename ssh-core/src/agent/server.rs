//! The agent's end of a conversation.

use super::error::AgentError;
use super::frame::{FrameQueue, FrameReader};
use super::message::{AgentAnswer, AgentRequest};
use crate::protocol::ByteProtocol;

/// An agent's end of one connection: requests out, answers in, one at a time.
///
/// It knows nothing of keys; [`Keyring`](super::Keyring) does, and so may a token or a vault. What nobody grants, keys on
/// smart cards and numbers that are not known, and what is malformed is refused here already.
#[derive(Default)]
pub struct AgentServer {
    input: FrameReader,
    output: FrameQueue,
    /// A request is being worked on.
    is_busy: bool,
    failed: Option<AgentError>,
}

impl AgentServer {
    /// An agent at the beginning of a conversation.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next request. The one after it comes once this one is [answered](Self::answer) and the answer was taken.
    pub fn poll_request(&mut self) -> Option<AgentRequest> {
        while !self.is_busy && self.output.is_empty() && self.failed.is_none() {
            let request = match self.input.frame()? {
                Ok(frame) => AgentRequest::read(frame),
                Err(error) => {
                    self.failed = Some(error);
                    return None;
                }
            };
            self.input.next();
            self.is_busy = true;
            match request {
                Ok(Some(request)) => return Some(request),
                Ok(None) | Err(_) => self.answer(&AgentAnswer::Failure),
            }
        }
        None
    }

    /// Answers the request that [`poll_request`](Self::poll_request) gave last. An answer that is too long for the
    /// protocol becomes a failure; one that nothing was asked for is dropped.
    pub fn answer(&mut self, answer: &AgentAnswer) {
        if !core::mem::take(&mut self.is_busy) {
            return;
        }
        let pushed = self.output.push(answer.room(), |writer| answer.write(writer));
        if pushed.is_err() {
            // One byte long: this one fits.
            let _fits = self.output.push(1, |writer| AgentAnswer::Failure.write(writer));
        }
    }

    /// Why the conversation is over, if it is: close the connection.
    pub const fn failure(&self) -> Option<&AgentError> {
        self.failed.as_ref()
    }
}

impl ByteProtocol for AgentServer {
    fn handle_input(&mut self, bytes: &[u8]) -> usize {
        if self.failed.is_some() { bytes.len() } else { self.input.handle_input(bytes) }
    }

    fn poll_output(&mut self) -> &[u8] {
        self.output.poll_output()
    }

    fn consume_output(&mut self, n: usize) {
        self.output.consume_output(n);
    }
}
