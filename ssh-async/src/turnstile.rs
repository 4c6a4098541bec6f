//! Logins take turns.
//!
//! A login costs about a millisecond of computation, an echo some microseconds. If a thousand clients knock at once, a
//! fair executor lets everybody who is in wait for all of them. So those who are not in go through a turnstile: only a
//! few are in the executor's queue at any time, and each hands its turn to the next after one step.

use std::collections::{BTreeSet, VecDeque};
use std::task::{Context, Poll, Waker};

use crate::sync::{Mutex, PoisonError};

pub(crate) struct Turnstile {
    state: Mutex<State>,
}

struct State {
    /// Turns that nobody has.
    free: usize,
    queue: VecDeque<(u64, Waker)>,
    /// Those who were called and have not come yet.
    called: BTreeSet<u64>,
    next: u64,
}

impl Turnstile {
    /// With so many turns at once.
    pub(crate) fn new(turns: usize) -> Self {
        let state = State { free: turns.max(1), queue: VecDeque::new(), called: BTreeSet::new(), next: 0 };
        Self { state: Mutex::new(state) }
    }

    /// Polls when it is the caller's turn; `ticket` is the caller's place between two calls.
    pub(crate) fn poll<T>(
        &self,
        ticket: &mut Option<u64>,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if !self.enter(ticket, cx.waker()) {
            return Poll::Pending;
        }
        let polled = poll(cx);
        self.pass_on();
        polled
    }

    /// Gives a place in the queue up.
    pub(crate) fn leave(&self, ticket: &mut Option<u64>) {
        let Some(ticket) = ticket.take() else { return };
        let called = self.with(|state| {
            state.queue.retain(|(queued, _)| *queued != ticket);
            state.called.remove(&ticket)
        });
        if called {
            self.pass_on();
        }
    }

    fn enter(&self, ticket: &mut Option<u64>, waker: &Waker) -> bool {
        self.with(|state| {
            if let Some(number) = *ticket {
                if state.called.remove(&number) {
                    *ticket = None;
                    return true;
                }
                if let Some((_, queued)) = state.queue.iter_mut().find(|(queued, _)| *queued == number) {
                    queued.clone_from(waker);
                }
                return false;
            }
            if state.free > 0 {
                state.free -= 1;
                return true;
            }
            state.next += 1;
            *ticket = Some(state.next);
            state.queue.push_back((state.next, waker.clone()));
            false
        })
    }

    fn pass_on(&self) {
        let next = self.with(|state| match state.queue.pop_front() {
            Some((number, waker)) => {
                state.called.insert(number);
                Some(waker)
            }
            None => {
                state.free += 1;
                None
            }
        });
        if let Some(waker) = next {
            waker.wake();
        }
    }

    fn with<T>(&self, action: impl FnOnce(&mut State) -> T) -> T {
        action(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
