//! Whom a server lets in: bounds on connections, random early drop, and penalties for sources that misbehave.
//!
//! A server that takes every connection falls to the first flood. [`Admission`] answers one question, at once and before
//! anything is spent on a client: may this one in? It knows no sockets and no clock; adapters share it between listeners.
//!
//! ```
//! use ssh_core::admission::{Admission, AdmissionPolicy, Refusal};
//! use ssh_core::random::ChaChaRandom;
//! use ssh_core::Timestamp;
//!
//! let mut random = ChaChaRandom::from_seed(&[1; 32]);
//! let mut policy = AdmissionPolicy::default();
//! policy.max_connections = 1;
//! let mut admission = Admission::new(policy);
//! let source = Some("192.0.2.7".parse().unwrap());
//! let mut place = admission.admit(source, Timestamp::ZERO, &mut random).unwrap();
//! assert_eq!(admission.admit(source, Timestamp::ZERO, &mut random).unwrap_err(), Refusal::Full);
//! admission.leave(&mut place, None, Timestamp::ZERO);
//! assert!(admission.admit(source, Timestamp::ZERO, &mut random).is_ok());
//! ```

use alloc::{collections::BTreeMap, vec::Vec};
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use crate::error::{CloseReason, Deadline, Error};
use crate::random::SecureRandom;
use crate::time::Timestamp;

/// Bounds on what comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdmissionPolicy {
    /// Connections at once, logged in or not.
    pub max_connections: usize,
    /// Connections at once from one source.
    pub max_per_source: usize,
    /// Connections that have not logged in yet (`MaxStartups`).
    pub startups: Startups,
    /// What misbehaviour costs; `None`: nothing (`PerSourcePenalties no`).
    pub penalties: Option<Penalties>,
    /// How many leading bits of an address make a source (`PerSourceNetBlockSize`): IPv4, IPv6.
    pub source_bits: (u8, u8),
}

impl Default for AdmissionPolicy {
    /// 20,000 connections, no bound for a source, [`Startups`]' and [`Penalties`]' defaults, sources of 32 and 64 bits.
    fn default() -> Self {
        Self {
            max_connections: 20_000,
            max_per_source: usize::MAX,
            startups: Startups::default(),
            penalties: Some(Penalties::default()),
            source_bits: (32, 64),
        }
    }
}

/// Random early drop of connections that have not logged in: none below `start`, `rate_percent` of them from `start`
/// on, more and more up to `full`, and there all of them (sshd_config(5), `MaxStartups`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Startups {
    /// So many are always let in.
    pub start: usize,
    /// How many of a hundred are refused at `start`.
    pub rate_percent: u32,
    /// So many and no more.
    pub full: usize,
}

impl Default for Startups {
    /// OpenSSH's: 10:30:100.
    fn default() -> Self {
        Self { start: 10, rate_percent: 30, full: 100 }
    }
}

impl Startups {
    /// How many of a hundred are refused while `waiting` have not logged in.
    fn refused_percent(&self, waiting: usize) -> u64 {
        if waiting >= self.full {
            return 100;
        }
        if waiting < self.start {
            return 0;
        }
        let rate = u64::from(self.rate_percent.min(100));
        let beyond = u64::try_from(waiting - self.start).unwrap_or(u64::MAX);
        let span = u64::try_from(self.full.saturating_sub(self.start)).unwrap_or(u64::MAX).max(1);
        rate + (100 - rate).saturating_mul(beyond) / span
    }
}

/// For how long a source is kept out (sshd_config(5), `PerSourcePenalties`). Penalties of one source add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Penalties {
    /// For an attempt to log in that failed, and for breaking the protocol.
    pub failed: Duration,
    /// For leaving without an attempt.
    pub no_attempt: Duration,
    /// For not logging in in time.
    pub grace_exceeded: Duration,
    /// A source is kept out once its penalties reach this.
    pub threshold: Duration,
    /// A source's penalties never exceed this.
    pub most: Duration,
    /// How many sources with penalties are remembered; beyond it the eighth whose penalties end first is
    /// forgotten.
    pub max_sources: usize,
}

impl Default for Penalties {
    /// OpenSSH's: 5 s, 1 s, 10 s; kept out from 15 s on, 10 minutes at most, 65,536 sources.
    fn default() -> Self {
        Self {
            failed: Duration::from_secs(5),
            no_attempt: Duration::from_secs(1),
            grace_exceeded: Duration::from_secs(10),
            threshold: Duration::from_secs(15),
            most: Duration::from_secs(600),
            max_sources: 65_536,
        }
    }
}

/// Why a client is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// There are as many connections as may be.
    Full,
    /// Its source has as many connections as may be.
    SourceFull,
    /// Too many clients have not logged in: refused by chance, or all are.
    Startups,
    /// Its source is kept out.
    Penalty,
    /// The server is shutting down.
    Draining,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "there are too many connections",
            Self::SourceFull => "there are too many connections from this address",
            Self::Startups => "too many clients are logging in",
            Self::Penalty => "this address misbehaved before",
            Self::Draining => "the server is shutting down",
        })
    }
}

impl core::error::Error for Refusal {}

/// How a connection ended, as far as admission cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Conduct {
    Good,
    Failed,
    NoAttempt,
    GraceExceeded,
}

/// A connection's place. To be given back by [`Admission::leave`].
#[derive(Debug)]
#[must_use = "a place that is not given back stays taken"]
pub struct Place {
    source: Option<Source>,
    authenticated: bool,
    attempted: bool,
    given_back: bool,
}

impl Place {
    /// Notes that the client tried to log in, with whatever success.
    pub fn attempted(&mut self) {
        self.attempted = true;
    }
}

/// The leading bits of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Source(IpAddr);

#[derive(Default)]
struct SourceState {
    connections: usize,
    penalty_until: Option<Timestamp>,
}

/// What came in so far, and what is there now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Connections that are open.
    pub open: usize,
    /// Those of them that have not logged in.
    pub starting: usize,
    /// Connections let in since the beginning.
    pub admitted: u64,
    /// Connections refused since the beginning, whatever the reason.
    pub refused: u64,
    /// Logins since the beginning.
    pub authenticated: u64,
}

/// Who is in, and who is kept out.
pub struct Admission {
    policy: AdmissionPolicy,
    counters: Counters,
    sources: BTreeMap<Source, SourceState>,
    draining: bool,
}

impl Admission {
    /// Nobody is in yet.
    pub fn new(policy: AdmissionPolicy) -> Self {
        Self { policy, counters: Counters::default(), sources: BTreeMap::new(), draining: false }
    }

    /// Asks whether a client may come in. `source` is its address; without one it has no source to be known by.
    ///
    /// # Errors
    /// [`Refusal`]: close its connection without a word.
    pub fn admit(
        &mut self,
        source: Option<IpAddr>,
        now: Timestamp,
        random: &mut dyn SecureRandom,
    ) -> Result<Place, Refusal> {
        let source = source.map(|address| self.source(address));
        if let Err(refusal) = self.check(source, now, random) {
            self.counters.refused += 1;
            return Err(refusal);
        }
        if let Some(source) = source {
            self.sources.entry(source).or_default().connections += 1;
        }
        self.counters.open += 1;
        self.counters.starting += 1;
        self.counters.admitted += 1;
        Ok(Place { source, authenticated: false, attempted: false, given_back: false })
    }

    /// The client at this place has logged in.
    pub fn authenticated(&mut self, place: &mut Place) {
        place.attempted = true;
        if !core::mem::replace(&mut place.authenticated, true) {
            self.counters.starting = self.counters.starting.saturating_sub(1);
            self.counters.authenticated += 1;
        }
    }

    /// The connection at this place is over; `reason`: how, if anybody knows. A place is given back once.
    pub fn leave(&mut self, place: &mut Place, reason: Option<&CloseReason>, now: Timestamp) {
        if core::mem::replace(&mut place.given_back, true) {
            return;
        }
        self.counters.open = self.counters.open.saturating_sub(1);
        if !place.authenticated {
            self.counters.starting = self.counters.starting.saturating_sub(1);
        }
        let Some(source) = place.source else { return };
        let penalty = self.penalty(conduct(place, reason));
        let Some(state) = self.sources.get_mut(&source) else { return };
        state.connections = state.connections.saturating_sub(1);
        if let Some((penalty, most)) = penalty {
            let from = state.penalty_until.filter(|until| *until > now).unwrap_or(now);
            let until = from.saturating_add(penalty).min(now.saturating_add(most));
            state.penalty_until = Some(until);
        }
        self.forget(source, now);
    }

    /// Lets nobody in any more.
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// Whether nobody is let in any more.
    pub fn is_draining(&self) -> bool {
        self.draining
    }

    /// What came in so far, and what is there now.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn check(&mut self, source: Option<Source>, now: Timestamp, random: &mut dyn SecureRandom) -> Result<(), Refusal> {
        if self.draining {
            return Err(Refusal::Draining);
        }
        if self.counters.open >= self.policy.max_connections {
            return Err(Refusal::Full);
        }
        if let Some(state) = source.and_then(|source| self.sources.get(&source)) {
            let owed = state.penalty_until.map_or(Duration::ZERO, |until| until.saturating_since(now));
            if self.policy.penalties.is_some_and(|penalties| !owed.is_zero() && owed >= penalties.threshold) {
                return Err(Refusal::Penalty);
            }
            if state.connections >= self.policy.max_per_source {
                return Err(Refusal::SourceFull);
            }
        }
        let percent = self.policy.startups.refused_percent(self.counters.starting);
        if percent > 0 && draw_percent(random) < percent {
            return Err(Refusal::Startups);
        }
        Ok(())
    }

    fn penalty(&self, conduct: Conduct) -> Option<(Duration, Duration)> {
        let penalties = self.policy.penalties?;
        let penalty = match conduct {
            Conduct::Good => return None,
            Conduct::Failed => penalties.failed,
            Conduct::NoAttempt => penalties.no_attempt,
            Conduct::GraceExceeded => penalties.grace_exceeded,
        };
        Some((penalty, penalties.most))
    }

    /// Drops what need not be remembered of a source, and the least penalties if there are too many.
    fn forget(&mut self, source: Source, now: Timestamp) {
        let idle = |state: &SourceState| state.connections == 0 && state.penalty_until.is_none_or(|until| until <= now);
        if self.sources.get(&source).is_some_and(idle) {
            self.sources.remove(&source);
        }
        let most = self.policy.penalties.map_or(0, |penalties| penalties.max_sources);
        if self.sources.len().saturating_sub(self.counters.open) > most {
            self.sources.retain(|_, state| !idle(state));
            let remembered = self.sources.values().filter(|state| state.connections == 0);
            let mut ends: Vec<_> = remembered.filter_map(|state| state.penalty_until).collect();
            ends.sort_unstable();
            // An eighth at once, so that the next thousands need no search.
            if let Some(&last) = ends.get(ends.len() / 8) {
                self.sources
                    .retain(|_, state| state.connections > 0 || state.penalty_until.is_some_and(|until| until > last));
            }
        }
    }

    fn source(&self, address: IpAddr) -> Source {
        let (bits4, bits6) = self.policy.source_bits;
        Source(match address.to_canonical() {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(bits4.min(32))).unwrap_or(0);
                Ipv4Addr::from_bits(address.to_bits() & mask).into()
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(bits6.min(128))).unwrap_or(0);
                Ipv6Addr::from_bits(address.to_bits() & mask).into()
            }
        })
    }
}

fn conduct(place: &Place, reason: Option<&CloseReason>) -> Conduct {
    match reason.and_then(CloseReason::error) {
        _ if place.authenticated => Conduct::Good,
        Some(Error::Timeout(Deadline::Login(_))) => Conduct::GraceExceeded,
        Some(Error::ConnectionLost { .. } | Error::Disconnected { .. }) | None if !place.attempted => {
            // Ending it ourselves is nobody's fault.
            if matches!(reason, Some(CloseReason::Local)) { Conduct::Good } else { Conduct::NoAttempt }
        }
        Some(Error::SigningFailed | Error::Random) => Conduct::Good,
        None if matches!(reason, Some(CloseReason::Local)) => Conduct::Good,
        _ => Conduct::Failed,
    }
}

/// 0 to 99, each as likely as the other; 0 if there is no randomness, which refuses.
fn draw_percent(random: &mut dyn SecureRandom) -> u64 {
    let mut bytes = [0; 8];
    if random.fill(&mut bytes).is_err() {
        return 0;
    }
    u64::from_le_bytes(bytes) % 100
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Stage;
    use crate::random::ChaChaRandom;

    const LOST: CloseReason = CloseReason::Failed(Error::ConnectionLost { during: Stage::Authentication });

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)))
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn early_drop_grows_from_rate_to_all() {
        let startups = Startups { start: 10, rate_percent: 30, full: 100 };
        let percents: Vec<u64> = [0, 9, 10, 55, 99, 100, 1000].map(|waiting| startups.refused_percent(waiting)).into();
        assert_eq!(percents, [0, 0, 30, 65, 99, 100, 100]);
        let odd = Startups { start: 5, rate_percent: 200, full: 5 };
        assert_eq!([4, 5].map(|waiting| odd.refused_percent(waiting)), [0, 100]);
    }

    #[test]
    fn startups_are_dropped_by_chance_and_make_room_by_logging_in() {
        let mut random = ChaChaRandom::from_seed(&[5; 32]);
        let mut admission = Admission::new(AdmissionPolicy::default());
        let mut places = Vec::new();
        let mut refused = 0;
        for _ in 0..2000 {
            match admission.admit(None, at(0), &mut random) {
                Ok(place) => places.push(place),
                Err(refusal) => {
                    assert_eq!(refusal, Refusal::Startups);
                    refused += 1;
                }
            }
        }
        assert_eq!((places.len(), refused), (100, 1900), "no more than `full`");
        for place in &mut places {
            admission.authenticated(place);
            admission.authenticated(place);
        }
        assert_eq!(admission.counters().starting, 0);
        assert!((0..10).all(|_| admission.admit(None, at(0), &mut random).is_ok()), "below `start` nobody is dropped");
        let counters = admission.counters();
        assert_eq!((counters.open, counters.admitted, counters.authenticated), (110, 110, 100));
    }

    #[test]
    fn penalties_add_up_end_and_are_capped() {
        let mut random = ChaChaRandom::from_seed(&[6; 32]);
        let mut admission = Admission::new(AdmissionPolicy::default());
        let mut fail = |admission: &mut Admission, now| {
            let mut place = admission.admit(address(1), now, &mut random)?;
            place.attempted();
            admission.leave(&mut place, Some(&LOST), now);
            Ok::<_, Refusal>(())
        };
        assert_eq!((0..3).map(|_| fail(&mut admission, at(0))).collect::<Result<Vec<_>, _>>(), Ok(std::vec![(); 3]));
        assert_eq!(fail(&mut admission, at(0)), Err(Refusal::Penalty), "three failures are 15 s");
        assert_eq!(fail(&mut admission, at(1)), Ok(()), "14 s are below the threshold");
        assert_eq!(fail(&mut admission, at(2)), Err(Refusal::Penalty));
        assert_eq!(fail(&mut admission, at(1000)), Ok(()));
        let mut other = ChaChaRandom::from_seed(&[7; 32]);
        assert!(admission.admit(address(2), at(2), &mut other).is_ok(), "another source is another matter");
    }

    #[test]
    fn conduct_decides() {
        let place = |authenticated, attempted| Place { source: None, authenticated, attempted, given_back: false };
        let grace = CloseReason::Failed(Error::Timeout(Deadline::Login(Stage::Authentication)));
        let broken = CloseReason::Failed(Error::Integrity);
        assert_eq!(conduct(&place(true, true), Some(&broken)), Conduct::Good);
        assert_eq!(conduct(&place(false, false), Some(&LOST)), Conduct::NoAttempt);
        assert_eq!(conduct(&place(false, false), None), Conduct::NoAttempt);
        assert_eq!(conduct(&place(false, true), Some(&LOST)), Conduct::Failed);
        assert_eq!(conduct(&place(false, true), Some(&CloseReason::Peer)), Conduct::Failed);
        assert_eq!(conduct(&place(false, false), Some(&grace)), Conduct::GraceExceeded);
        assert_eq!(conduct(&place(false, false), Some(&broken)), Conduct::Failed);
        for attempted in [false, true] {
            assert_eq!(conduct(&place(false, attempted), Some(&CloseReason::Local)), Conduct::Good);
        }
    }

    #[test]
    fn sources_are_blocks_and_are_forgotten() {
        let mut random = ChaChaRandom::from_seed(&[8; 32]);
        let policy = AdmissionPolicy { max_per_source: 1, source_bits: (24, 64), ..AdmissionPolicy::default() };
        let mut admission = Admission::new(policy);
        let mut place = admission.admit(address(1), at(0), &mut random).expect("the first");
        let mapped = "::ffff:192.0.2.9".parse().ok();
        for same in [address(2), mapped] {
            assert_eq!(admission.admit(same, at(0), &mut random).unwrap_err(), Refusal::SourceFull);
        }
        assert!(admission.admit("2001:db8::1".parse().ok(), at(0), &mut random).is_ok());
        admission.leave(&mut place, Some(&CloseReason::Local), at(0));
        assert_eq!(admission.sources.len(), 1, "a source without connections and penalties is forgotten");
    }

    /// Memory is bounded whoever knocks.
    #[test]
    fn remembered_sources_are_bounded() {
        let mut random = ChaChaRandom::from_seed(&[9; 32]);
        let penalties = Penalties { max_sources: 16, ..Penalties::default() };
        let policy = AdmissionPolicy { penalties: Some(penalties), ..AdmissionPolicy::default() };
        let mut admission = Admission::new(policy);
        for last in 0..=255 {
            let mut place = admission.admit(address(last), at(0), &mut random).expect("a place");
            admission.leave(&mut place, None, at(u64::from(last) / 64));
            assert!(admission.sources.len() <= 17);
        }
    }

    #[test]
    fn draining_lets_nobody_in() {
        let mut random = ChaChaRandom::from_seed(&[1; 32]);
        let mut admission = Admission::new(AdmissionPolicy::default());
        admission.drain();
        assert_eq!(admission.admit(None, at(0), &mut random).unwrap_err(), Refusal::Draining);
        assert!(admission.is_draining());
    }

    /// No more than the policy allows, and room again as soon as one leaves, which it does once.
    #[test]
    fn connections_are_bounded_and_counted_once() {
        let mut random = ChaChaRandom::from_seed(&[2; 32]);
        let mut admission = Admission::new(AdmissionPolicy { max_connections: 2, ..AdmissionPolicy::default() });
        let mut places: Vec<_> = (0..2).map(|_| admission.admit(None, at(0), &mut random).expect("a place")).collect();
        assert_eq!(admission.admit(None, at(0), &mut random).unwrap_err(), Refusal::Full);
        let first = places.first_mut().expect("one");
        admission.leave(first, None, at(0));
        admission.leave(first, None, at(0));
        assert_eq!((admission.counters().open, admission.counters().starting, admission.counters().refused), (1, 1, 1));
        assert!(admission.admit(None, at(0), &mut random).is_ok());
        assert_eq!(admission.admit(None, at(0), &mut random).unwrap_err(), Refusal::Full);
    }

    /// Who does not log in in time pays more than who leaves at once; what is our own fault costs nothing.
    #[test]
    fn penalties_by_conduct() {
        let grace = CloseReason::Failed(Error::Timeout(Deadline::Login(Stage::Authentication)));
        let ours = [Error::SigningFailed, Error::Random].map(CloseReason::Failed);
        for (reason, seconds) in [(Some(&grace), 10), (Some(&LOST), 1), (None, 1), (ours.first(), 0), (ours.last(), 0)]
        {
            let mut random = ChaChaRandom::from_seed(&[3; 32]);
            let threshold = Duration::from_secs(1);
            let penalties = Penalties { threshold, ..Penalties::default() };
            let startups = Startups { start: 100, rate_percent: 30, full: 100 };
            let policy = AdmissionPolicy { startups, penalties: Some(penalties), ..AdmissionPolicy::default() };
            let mut admission = Admission::new(policy);
            let mut place = admission.admit(address(1), at(0), &mut random).expect("a place");
            admission.leave(&mut place, reason, at(0));
            let refused = (0..20).filter(|&now| admission.admit(address(1), at(now), &mut random).is_err()).count();
            assert_eq!(refused, seconds, "{reason:?}");
        }
    }

    /// Where some are refused by chance, a source of chance that fails refuses.
    #[test]
    fn without_randomness_nobody_is_lucky() {
        struct Dry;

        impl SecureRandom for Dry {
            fn fill(&mut self, destination: &mut [u8]) -> Result<(), crate::random::RandomError> {
                destination.fill(0xff);
                Err(crate::random::RandomError)
            }
        }

        let startups = Startups { start: 1, rate_percent: 1, full: 100 };
        let mut admission = Admission::new(AdmissionPolicy { startups, ..AdmissionPolicy::default() });
        assert!(admission.admit(None, at(0), &mut Dry).is_ok(), "below `start` nothing is drawn");
        assert_eq!(admission.admit(None, at(0), &mut Dry).unwrap_err(), Refusal::Startups);
    }
}
