//! Flow control is arithmetic (RFC 4254 §5.2), and all of it is here.

/// How many bytes we may still send on a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SendWindow {
    available: u32,
    /// The largest piece the peer takes.
    maximum_packet_size: u32,
}

impl SendWindow {
    pub(super) const fn new(initial_window_size: u32, maximum_packet_size: u32) -> Self {
        Self { available: initial_window_size, maximum_packet_size }
    }

    /// Bytes that may go in one message now.
    pub(super) fn sendable(self) -> usize {
        self.available.min(self.maximum_packet_size) as usize
    }

    pub(super) fn sent(&mut self, n: usize) {
        self.available = self.available.saturating_sub(u32::try_from(n).unwrap_or(u32::MAX));
    }

    /// The peer allows more; `None` if that is more than a window can be.
    pub(super) fn widen(&mut self, bytes_to_add: u32) -> Option<()> {
        self.available = self.available.checked_add(bytes_to_add)?;
        Some(())
    }
}

/// How many bytes the peer may still send us on a channel, and how many of those it sent were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecvWindow {
    /// The size the window is kept at.
    size: u32,
    /// What the peer may still send.
    available: u32,
    /// What the application consumed and the peer was not told of.
    consumed: u32,
}

impl RecvWindow {
    pub(super) const fn new(size: u32) -> Self {
        Self { size, available: size, consumed: 0 }
    }

    /// The size the window is kept at: what a peer can make us hold.
    pub(super) const fn size(self) -> u32 {
        self.size
    }

    /// The peer sent `n` bytes; `None` if it may not.
    pub(super) fn received(&mut self, n: usize) -> Option<()> {
        self.available = self.available.checked_sub(u32::try_from(n).ok()?)?;
        Some(())
    }

    /// The application consumed `n` bytes.
    pub(super) fn consume(&mut self, n: usize) {
        self.consumed = self.consumed.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
    }

    /// What to tell the peer now: nothing while little was consumed, so that adjusts stay rare; everything once it is a
    /// quarter of the window.
    pub(super) fn adjust(&mut self) -> Option<u32> {
        if self.consumed == 0 || self.consumed < self.size / 4 {
            return None;
        }
        let bytes_to_add = core::mem::take(&mut self.consumed);
        self.available = self.available.saturating_add(bytes_to_add);
        Some(bytes_to_add)
    }
}

/// The sum of all windows granted on a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ledger {
    left: u64,
}

impl Ledger {
    /// Into how many parts what is left is divided: with the default limits the first channel has its 2 MiB, and there
    /// is room for over 150.
    const SHARES: u64 = 32;

    pub(super) const fn new(total: u64) -> Self {
        Self { left: total }
    }

    /// A window of `wanted` bytes, or a smaller one of at least `least`; `None` if not even that is left.
    ///
    /// One channel gets a small part of what is left at most, so that the first few do not leave the rest with nothing.
    pub(super) fn grant(&mut self, wanted: u32, least: u32) -> Option<u32> {
        let share = u32::try_from(self.left / Self::SHARES).unwrap_or(u32::MAX);
        let granted = wanted.min(share.max(least));
        if granted < least || self.left < u64::from(granted) {
            return None;
        }
        self.left -= u64::from(granted);
        Some(granted)
    }

    pub(super) fn give_back(&mut self, size: u32) {
        self.left += u64::from(size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn windows_never_wrap() {
        let mut window = SendWindow::new(u32::MAX - 1, 10);
        assert_eq!(window.widen(1), Some(()));
        assert_eq!(window.widen(1), None);
        let mut window = RecvWindow::new(4);
        assert_eq!(window.received(4), Some(()));
        assert_eq!(window.received(1), None);
    }

    #[test]
    fn the_ledger_shrinks_windows_and_then_refuses() {
        let mut ledger = Ledger::new(3200);
        assert_eq!(ledger.grant(60, 10), Some(60));
        assert_eq!(ledger.grant(200, 10), Some(98));
        let mut granted = Vec::new();
        while let Some(window) = ledger.grant(200, 10) {
            granted.push(window);
        }
        assert!(granted.is_sorted_by(|a, b| a >= b) && granted.len() > 100, "{granted:?}");
        assert_eq!(ledger.grant(200, 10), None);
        ledger.give_back(60);
        assert_eq!(ledger.grant(60, 10), Some(10));
    }

    proptest! {
        /// Credit is conserved: what may be sent, what is unread and what was consumed always add up to the window.
        #[test]
        fn credit_is_conserved(size in 1_u32..1_000_000, steps in prop::collection::vec((0_usize..70_000, 0_usize..70_000), 0..50)) {
            let mut window = RecvWindow::new(size);
            let mut unread = 0_usize;
            for (receive, consume) in steps {
                let receive = receive.min(window.available as usize);
                prop_assert!(window.received(receive).is_some());
                unread += receive;
                let consume = consume.min(unread);
                window.consume(consume);
                unread -= consume;
                window.adjust();
                prop_assert_eq!(window.available as usize + window.consumed as usize + unread, size as usize);
            }
            window.consume(unread);
            window.adjust();
            prop_assert!(window.available as usize + (size as usize / 4) >= size as usize);
        }
    }
}
