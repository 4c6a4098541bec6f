//! Every timer of a connection.

use core::time::Duration;

use super::core::Core;
use crate::config::{KeepAlive, Limits};
use crate::error::{Deadline, Error};
use crate::time::Timestamp;
use crate::transport::{KexPhase, Phase, rekey};

/// After so long without traffic, buffers that grew are given back.
const TRIM_AFTER: Duration = Duration::from_secs(5);

/// When something began that has a deadline.
#[derive(Clone, Copy)]
pub(super) enum Since {
    /// The clock may have been told long before: it begins when the clock is told next.
    WhenTold,
    At(Timestamp),
}

impl Since {
    fn tell(&mut self, now: Timestamp) {
        if matches!(self, Self::WhenTold) {
            *self = Self::At(now);
        }
    }

    /// The end of so long a time. As long as it is not known, the clock is to be told at once, and nothing is due.
    fn deadline(self, grace: Duration, now: Timestamp) -> Timestamp {
        match self {
            Self::WhenTold => now,
            Self::At(since) => since.saturating_add(grace),
        }
    }

    fn is_over(self, grace: Duration, now: Timestamp) -> bool {
        matches!(self, Self::At(since) if since.saturating_add(grace) <= now)
    }
}

/// When what began, as far as a deadline hangs on it.
pub(super) struct Timers {
    pub(super) now: Timestamp,
    started: Timestamp,
    pub(super) keys_since: Timestamp,
    /// Since when a key exchange after the first has been going on.
    pub(super) exchange_since: Option<Since>,
    /// Since when a server has been asked to prove keys.
    pub(super) proof_since: Option<Since>,
    keepalive: Option<KeepAliveTimer>,
    /// When buffers may be given back; `None`: they are small.
    trim_at: Option<Timestamp>,
    /// Since when the last output of a connection that is over has not moved.
    lingering_since: Since,
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
        Self {
            now,
            started: now,
            keys_since: now,
            exchange_since: None,
            proof_since: None,
            keepalive: None,
            trim_at: None,
            lingering_since: Since::WhenTold,
        }
    }

    pub(super) fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        self.tell();
    }

    /// The clock is exact now.
    fn tell(&mut self) {
        for since in [&mut self.exchange_since, &mut self.proof_since].into_iter().flatten() {
            since.tell(self.now);
        }
        self.lingering_since.tell(self.now);
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

    /// The last output of a connection that is over is on its way.
    pub(super) fn linger(&mut self) {
        self.lingering_since = Since::WhenTold;
    }

    fn linger_deadline(&self, limits: &Limits) -> Timestamp {
        self.lingering_since.deadline(limits.linger, self.now)
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
        self.exchange_since.map(|since| since.deadline(limits.rekey_grace, self.now))
    }

    pub(super) fn proof_deadline(&self, limits: &Limits) -> Option<Timestamp> {
        self.proof_since.map(|since| since.deadline(limits.proof_grace, self.now))
    }

    /// Whether a proof has taken too long. Said once.
    pub(super) fn take_late_proof(&mut self, limits: &Limits) -> bool {
        let now = self.now;
        self.proof_since.take_if(|since| since.is_over(limits.proof_grace, now)).is_some()
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

impl Core {
    pub(super) fn handle_timeout(&mut self, now: Timestamp) {
        self.timers.advance(now);
        if self.is_ending() {
            if self.timers.lingering_since.is_over(self.config.limits.linger, self.timers.now) {
                self.handle_write_closed();
            }
            return;
        }
        if let Err(error) = self.act_on_timers() {
            self.fail(error);
        }
        self.timers.tell();
    }

    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        if self.is_ending() {
            // Over, or not reported yet: whoever asks must not sleep on it.
            let waits = self.is_reported() && !self.is_finished();
            return Some(if waits { self.timers.linger_deadline(&self.config.limits) } else { self.timers.now });
        }
        if self.phase != Phase::Connection {
            return Some(self.timers.login_deadline(&self.config.limits));
        }
        let rekey = rekey::deadline(&self.config.rekey, self.timers.keys_since);
        let exchange = self.timers.exchange_deadline(&self.config.limits);
        let due = if exchange.is_some() { exchange } else { rekey };
        let proof = self.timers.proof_deadline(&self.config.limits);
        [due, proof, self.timers.keepalive_deadline(), self.timers.trim_deadline()].into_iter().flatten().min()
    }

    pub(super) fn rekey_if_due(&mut self) -> Result<(), Error> {
        rekey::check_hard_limit(&self.outbound, &self.receiver)?;
        let (Some(negotiated), KexPhase::Idle) = (self.transport.negotiated(), self.transport.phase()) else {
            return Ok(());
        };
        let age = self.timers.now.saturating_since(self.timers.keys_since);
        if rekey::is_due(&self.config.rekey, negotiated, &self.outbound, &self.receiver, age) {
            self.start_rekey()?;
        }
        Ok(())
    }

    pub(super) fn start_rekey(&mut self) -> Result<(), Error> {
        self.timers.exchange_since.get_or_insert(Since::WhenTold);
        self.transport.start(&mut self.outbound, &mut *self.random)
    }

    fn act_on_timers(&mut self) -> Result<(), Error> {
        let now = self.timers.now;
        if self.phase != Phase::Connection {
            if self.timers.login_deadline(&self.config.limits) <= now {
                return Err(Error::Timeout(Deadline::Login(self.stage())));
            }
            return Ok(());
        }
        if self.timers.exchange_since.is_some_and(|since| since.is_over(self.config.limits.rekey_grace, now)) {
            return Err(Error::Timeout(Deadline::Rekey));
        }
        self.rekey_if_due()?;
        if self.timers.take_late_proof(&self.config.limits) {
            self.give_up_proof();
        }
        if self.timers.take_trim() {
            self.empty_slot();
            self.receiver.shrink();
            self.outbound.sender.shrink();
        }
        match self.timers.keepalive_step() {
            KeepAliveStep::Wait => {}
            KeepAliveStep::Ask => {
                if let Some(connection) = &mut self.connection {
                    connection.ask_keepalive(&mut self.outbound);
                }
            }
            KeepAliveStep::GiveUp => return Err(Error::Timeout(Deadline::KeepAlive)),
        }
        Ok(())
    }
}
