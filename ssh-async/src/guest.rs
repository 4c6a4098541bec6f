//! Clients of a listener: their places, and what is told of them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use ssh_core::admission::{Admission, Place, Refusal};
use ssh_core::random::OsRandom;
use ssh_core::{CloseReason, Timestamp};

use crate::listener::Metric;
use crate::server::Connection;
use crate::sync::{Mutex, PoisonError};
use crate::turnstile::Turnstile;

/// Tells somebody what happens.
pub(crate) type MetricHook = Arc<dyn Fn(&Metric) + Send + Sync>;

/// What a listener and its clients share.
pub(crate) struct Door {
    state: Mutex<DoorState>,
    epoch: Instant,
    pub(crate) turnstile: Turnstile,
}

pub(crate) struct DoorState {
    pub(crate) admission: Admission,
    pub(crate) metrics: MetricHook,
    /// When a shutdown stops waiting.
    pub(crate) shutdown: Option<Instant>,
    /// Whoever waits for a shutdown, or for its end.
    pub(crate) waiter: Option<Waker>,
    pub(crate) connections: BTreeMap<u64, Connection>,
    next_number: u64,
}

impl Door {
    pub(crate) fn new(admission: Admission, turns: usize) -> Self {
        let state = DoorState {
            admission,
            metrics: Arc::new(|_| {}),
            shutdown: None,
            waiter: None,
            connections: BTreeMap::new(),
            next_number: 0,
        };
        Self { state: Mutex::new(state), epoch: Instant::now(), turnstile: Turnstile::new(turns) }
    }

    pub(crate) fn with<T>(&self, action: impl FnOnce(&mut DoorState, Timestamp) -> T) -> T {
        let now = Timestamp::from_micros(u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX));
        action(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner), now)
    }

    pub(crate) fn admit(self: &Arc<Self>, peer: SocketAddr) -> Result<Guest, Refusal> {
        let (place, number) = self.with(|state, now| {
            let place = state.admission.admit(Some(peer.ip()), now, &mut OsRandom)?;
            state.next_number += 1;
            Ok((place, state.next_number))
        })?;
        let visit = Visit { door: Arc::clone(self), place, number, peer, since: Instant::now(), end: None };
        Ok(Guest { visit: Some(visit) })
    }
}

/// A client's view of the door; one that came without a listener has none.
#[derive(Default)]
pub(crate) struct Guest {
    visit: Option<Visit>,
}

struct Visit {
    door: Arc<Door>,
    place: Place,
    number: u64,
    peer: SocketAddr,
    since: Instant,
    end: Option<CloseReason>,
}

impl Guest {
    /// Lets a shutdown know of the connection.
    pub(crate) fn welcome(&self, connection: &Connection) {
        let Some(visit) = &self.visit else { return };
        let draining = visit.door.with(|state, _| {
            state.connections.insert(visit.number, connection.clone());
            state.admission.is_draining()
        });
        if draining {
            connection.drain();
        }
    }

    pub(crate) fn attempted(&mut self) {
        if let Some(visit) = &mut self.visit {
            visit.place.attempted();
        }
    }

    pub(crate) fn authenticated(&mut self) {
        let Some(visit) = &mut self.visit else { return };
        let metrics = visit.door.with(|state, _| {
            state.admission.authenticated(&mut visit.place);
            Arc::clone(&state.metrics)
        });
        metrics(&Metric::Authenticated { peer: visit.peer, after: visit.since.elapsed() });
    }

    pub(crate) fn note_end(&mut self, reason: &CloseReason) {
        if let Some(visit) = &mut self.visit {
            visit.end = Some(reason.clone());
        }
    }

    /// Its place among those who are not in yet.
    pub(crate) fn turn(&self) -> Turn {
        Turn { door: self.visit.as_ref().map(|visit| Arc::clone(&visit.door)), ticket: None }
    }
}

/// A client that waits for its turn until it is in.
pub(crate) struct Turn {
    door: Option<Arc<Door>>,
    ticket: Option<u64>,
}

impl Turn {
    pub(crate) fn poll<T>(
        &mut self,
        connection: &Connection,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if self.door.is_some() && connection.is_authenticated() {
            self.end();
        }
        match &self.door {
            Some(door) => door.turnstile.poll(&mut self.ticket, cx, poll),
            None => poll(cx),
        }
    }

    fn end(&mut self) {
        if let Some(door) = self.door.take() {
            door.turnstile.leave(&mut self.ticket);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.end();
    }
}

impl Drop for Visit {
    /// Gives the place back. Without a reason that anybody knows the end is ours, not the client's.
    fn drop(&mut self) {
        let reason = self.end.take().unwrap_or(CloseReason::Local);
        let (metrics, waiter, connection) = self.door.with(|state, now| {
            state.admission.leave(&mut self.place, Some(&reason), now);
            (Arc::clone(&state.metrics), state.waiter.take(), state.connections.remove(&self.number))
        });
        // Dropping its last handle ends a connection, which wakes people.
        drop(connection);
        metrics(&Metric::Closed { peer: self.peer, after: self.since.elapsed(), reason });
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }
}
