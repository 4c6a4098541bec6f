//! The clock of one side, which need not agree with the world's.

use ssh_core::Timestamp;

/// What a side's clock does at a moment of the world's time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Jump {
    /// Leaps so many microseconds ahead.
    Ahead(u64),
    /// Falls so many microseconds back.
    Back(u64),
    /// Stands still for so many microseconds.
    Stop(u64),
}

/// A side's clock.
pub(super) struct Clock {
    jumps: Vec<(u64, Jump)>,
}

/// Where clocks begin: far enough from zero to fall back.
const START: u64 = 100_000_000_000;

impl Clock {
    pub(super) fn new(jumps: Vec<(u64, Jump)>) -> Self {
        Self { jumps }
    }

    /// What the clock shows when the world's time is `now`.
    pub(super) fn local(&self, now: u64) -> Timestamp {
        let mut local = START + now;
        for &(at, jump) in self.jumps.iter().filter(|(at, _)| *at <= now) {
            match jump {
                Jump::Ahead(by) => local = local.saturating_add(by),
                Jump::Back(by) => local = local.saturating_sub(by),
                Jump::Stop(length) => local = local.saturating_sub(length.min(now - at)),
            }
        }
        Timestamp::from_micros(local)
    }

    /// The world's time at which to look again whether the clock shows `deadline`.
    pub(super) fn world(&self, now: u64, deadline: Timestamp) -> u64 {
        let missing = deadline.as_micros().saturating_sub(self.local(now).as_micros());
        let straight = now.saturating_add(missing.max(1));
        let turns = self.jumps.iter().flat_map(|&(at, jump)| match jump {
            Jump::Stop(length) => [at, at + length],
            Jump::Ahead(_) | Jump::Back(_) => [at, at],
        });
        turns.filter(|at| *at > now).fold(straight, u64::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_leaps_falls_and_stands() {
        let clock = Clock::new(vec![(10, Jump::Ahead(100)), (20, Jump::Stop(5)), (40, Jump::Back(50))]);
        let shown = |now| clock.local(now).as_micros() - START;
        assert_eq!([9, 10, 20, 23, 25, 30, 40].map(shown), [9, 110, 120, 120, 120, 125, 85]);
        assert_eq!(clock.world(0, Timestamp::from_micros(START + 5)), 5);
        assert_eq!(clock.world(0, Timestamp::from_micros(START + 50)), 10);
        assert_eq!(clock.world(21, Timestamp::from_micros(START + 130)), 25);
    }
}
