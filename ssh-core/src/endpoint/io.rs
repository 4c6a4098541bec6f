//! What the loop moves: bytes in and out, and what is known of either end. Everything that comes in is noted.

use super::core::Core;
use crate::recorder::Kind;
use crate::transport::Phase;
use crate::wire::Writer;

impl Core {
    /// Notes an entry of the recording, if there is one.
    pub(super) fn note(&mut self, kind: Kind, fields: impl FnOnce(&mut Writer<'_>)) {
        if let Some(recorder) = &mut self.recorder {
            recorder.note(kind, fields);
        }
    }

    pub(super) fn handle_input(&mut self, bytes: &[u8]) -> usize {
        let taken = if self.is_ending() { bytes.len() } else { self.receiver.push(bytes) };
        self.note(Kind::Input, |writer| writer.string(bytes.get(..taken).unwrap_or_default()));
        taken
    }

    pub(super) fn input_buffer(&mut self) -> &mut [u8] {
        if self.is_ending() { &mut [] } else { self.receiver.input_buffer() }
    }

    pub(super) fn input_filled(&mut self, n: usize) {
        if let Some(recorder) = &mut self.recorder {
            let room = self.receiver.room();
            recorder.note(Kind::Input, |writer| writer.string(room.get(..n).unwrap_or(room)));
        }
        self.receiver.input_filled(n);
    }

    pub(super) fn handle_eof(&mut self) {
        self.note(Kind::EndOfInput, |_| ());
        self.receiver.set_end_of_stream();
    }

    pub(super) fn handle_write_closed(&mut self) {
        self.note(Kind::WriteClosed, |_| ());
        self.write_closed = true;
        self.drop_output();
    }

    pub(super) fn poll_output(&mut self) -> &[u8] {
        self.drop_output();
        self.outbound.sender.output()
    }

    pub(super) fn consume_output(&mut self, n: usize) {
        if let Some(recorder) = &mut self.recorder {
            let output = self.outbound.sender.output();
            recorder.note_output(output.get(..n).unwrap_or(output));
        }
        self.outbound.sender.consume(n);
        if n == 0 {
            return;
        }
        if self.is_ending() {
            self.timers.linger();
        } else if self.phase == Phase::Connection {
            // Whoever writes and writes may ask for events much later.
            if let Err(error) = self.rekey_if_due() {
                self.fail(error);
            }
        }
    }

    /// What cannot be written must not pile up.
    fn drop_output(&mut self) {
        if self.write_closed {
            let queued = self.outbound.sender.queued();
            self.outbound.sender.consume(queued);
        }
    }

    pub(super) fn wants_input(&self) -> bool {
        !self.is_ending() && self.receiver.has_room()
    }

    pub(super) fn is_finished(&self) -> bool {
        self.reported && (self.write_closed || self.outbound.sender.queued() == 0)
    }

    pub(super) fn is_reported(&self) -> bool {
        self.reported
    }

    pub(super) fn is_ending(&self) -> bool {
        self.phase == Phase::Closed
    }
}
