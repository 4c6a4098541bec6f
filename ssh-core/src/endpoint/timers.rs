//! Every timer of a connection.

use core::time::Duration;

use crate::config::{KeepAlive, Limits};
use crate::time::Timestamp;

/// After so long without traffic, buffers that grew are given back.
const TRIM_AFTER: Duration = Duration::from_secs(5);

/// When what began, as far as a deadline hangs on it.
pub(super) struct Timers {
    pub(super) now: Timestamp,
    started: Timestamp,
    pub(super) keys_since: Timestamp,
    /// Since when a key exchange after the first has been going on.
    pub(super) exchange_since: Option<Timestamp>,
    keepalive: Option<KeepAliveTimer>,
    /// When buffers may be given back; `None`: they are small.
    trim_at: Option<Timestamp>,
}

struct KeepAliveTimer {
    config: KeepAlive,
    due: Timestamp,
    unanswered: u32,
}

/// What a keepalive timer wants.
pub(super) enum KeepAliveStep {
    Wait,
    Ask,
    GiveUp,
}

impl Timers {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { now, started: now, keys_since: now, exchange_since: None, keepalive: None, trim_at: None }
    }

    pub(super) fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    pub(super) fn start_keepalive(&mut self, config: KeepAlive) {
        let due = self.now.saturating_add(config.interval);
        self.keepalive = Some(KeepAliveTimer { config, due, unanswered: 0 });
    }

    /// The peer lives.
    pub(super) fn packet_received(&mut self) {
        if let Some(timer) = &mut self.keepalive {
            timer.unanswered = 0;
            timer.due = self.now.saturating_add(timer.config.interval);
        }
        self.trim_at = None;
    }

    pub(super) fn keepalive_step(&mut self) -> KeepAliveStep {
        let Some(timer) = self.keepalive.as_mut().filter(|timer| timer.due <= self.now) else {
            return KeepAliveStep::Wait;
        };
        if timer.unanswered >= timer.config.max_unanswered {
            return KeepAliveStep::GiveUp;
        }
        timer.unanswered += 1;
        timer.due = self.now.saturating_add(timer.config.interval);
        KeepAliveStep::Ask
    }

    pub(super) fn login_deadline(&self, limits: &Limits) -> Timestamp {
        self.started.saturating_add(limits.login_grace)
    }

    pub(super) fn exchange_deadline(&self, limits: &Limits) -> Option<Timestamp> {
        self.exchange_since.map(|since| since.saturating_add(limits.rekey_grace))
    }

    pub(super) fn keepalive_deadline(&self) -> Option<Timestamp> {
        self.keepalive.as_ref().map(|timer| timer.due)
    }

    /// Nothing is going on and buffers are large: give them back in a while.
    pub(super) fn plan_trim(&mut self) {
        let at = self.now.saturating_add(TRIM_AFTER);
        self.trim_at.get_or_insert(at);
    }

    pub(super) fn trim_deadline(&self) -> Option<Timestamp> {
        self.trim_at
    }

    /// Whether it is time to give buffers back.
    pub(super) fn take_trim(&mut self) -> bool {
        let due = self.trim_at.is_some_and(|at| at <= self.now);
        if due {
            self.trim_at = None;
        }
        due
    }
}
