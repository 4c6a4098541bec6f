//! What is true of a connection, whoever knows it: one side writes it, the other side's claims are held against it.

use ssh_core::CloseReason;

/// One side of one channel.
#[derive(Clone, Debug, Default)]
pub(super) struct End {
    pub(super) written: [u64; 2],
    pub(super) received: [u64; 2],
    pub(super) eof_sent: bool,
    pub(super) eof_seen: bool,
    pub(super) closed_seen: bool,
    /// It closed or abandoned before it had everything.
    pub(super) left: bool,
    pub(super) requests_sent: u32,
    pub(super) requests_seen: u32,
    pub(super) replies_seen: u32,
    pub(super) replies_wanted: u32,
}

/// One connection.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) channels: Vec<[End; 2]>,
    pub(super) logged_in: [bool; 2],
    pub(super) closed: [Option<CloseReason>; 2],
    /// It called `disconnect`, or ended its direction at will.
    pub(super) ended_it: [bool; 2],
    pub(super) rekeyed: [u64; 2],
    /// Applications that have nothing left to do.
    pub(super) done: [bool; 2],
    /// When anything last happened that an application noticed.
    pub(super) progress: u64,
    /// Bytes of channel data that were read.
    pub(super) data: u64,
    /// A fault came.
    pub(super) harmed: bool,
}

impl Facts {
    pub(super) fn new(channels: usize) -> Self {
        Self { channels: vec![Default::default(); channels], ..Self::default() }
    }
}
