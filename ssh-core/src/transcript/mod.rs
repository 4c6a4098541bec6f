//! What was said, message by message, fit to be shown: for people who look at a connection, or compare two.
//!
//! [`ClientConfig::transcript_entries`](crate::ClientConfig::transcript_entries) turns it on, and
//! [`Endpoint::poll_transcript`](crate::Endpoint::poll_transcript) hands the entries out. An entry is one message in either
//! direction, with its fields under the RFCs' names. `Display` makes it one line that is the same for the same message,
//! so that two transcripts can be compared with `diff`; the time is beside it, not in it:
//!
//! ```text
//! > 3 NEWKEYS
//! < 5 USERAUTH_FAILURE authentications_that_can_continue="publickey,password" partial_success=false
//! > 6 USERAUTH_REQUEST user_name="alice" service_name="ssh-connection" method_name="password" password=(hidden)
//! > 9 CHANNEL_REQUEST recipient_channel=0 request_type="exec" want_reply=true command=(12 bytes)
//! ```
//!
//! What a person typed and a program said is never shown, nor how long a secret is: passwords and answers are `(hidden)`;
//! commands, values of variables, data, keys and signatures are a number of bytes. Text of the peer is escaped.

mod describe;
mod value;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;

pub use value::Value;

use crate::time::Timestamp;
use crate::wire::MessageNumber;

/// Which way a message went, as seen from the endpoint that kept the transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To the peer. Shown as `>`.
    Sent,
    /// From the peer. Shown as `<`.
    Received,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// When the endpoint was last told the time.
    pub time: Timestamp,
    /// Which way.
    pub direction: Direction,
    /// Of the packet it came in (RFC 4253 §6.4).
    pub sequence_number: u32,
    /// Its number.
    pub number: MessageNumber,
    /// Its name without `SSH_MSG_`; where a number has several, the one that is meant. `?` for a number without a name.
    pub name: &'static str,
    /// Its fields, in order.
    pub fields: Vec<(&'static str, Value)>,
    /// How many messages before it are missing, because too many entries were waiting to be taken.
    pub missed: u64,
}

/// `> 3 NEWKEYS`, without the time.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = match self.direction {
            Direction::Sent => '>',
            Direction::Received => '<',
        };
        write!(f, "{arrow} {} ", self.sequence_number)?;
        match self.name {
            "?" => write!(f, "{}", self.number)?,
            name => f.write_str(name)?,
        }
        self.fields.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

/// Entries that wait to be taken.
pub(crate) struct Transcript {
    entries: VecDeque<Entry>,
    max_entries: usize,
    missed: u64,
    now: Timestamp,
    context: describe::Context,
}

impl Transcript {
    pub(crate) fn new(max_entries: usize, now: Timestamp) -> Self {
        Self { entries: VecDeque::new(), max_entries, missed: 0, now, context: describe::Context::default() }
    }

    pub(crate) fn set_time(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Notes a message; `payload` is the whole of it.
    pub(crate) fn note(&mut self, direction: Direction, sequence_number: u32, payload: &[u8]) {
        let Some((&number, body)) = payload.split_first() else { return };
        let number = MessageNumber(number);
        // Also where the entry is dropped: later ones are read in its light.
        let description = self.context.describe(number, body);
        if self.entries.len() >= self.max_entries {
            self.missed += 1;
            return;
        }
        self.entries.push_back(Entry {
            time: self.now,
            direction,
            sequence_number,
            number,
            name: description.name,
            fields: description.fields,
            missed: core::mem::take(&mut self.missed),
        });
    }

    pub(crate) fn take(&mut self) -> Option<Entry> {
        self.entries.pop_front()
    }
}

#[cfg(test)]
mod tests;
