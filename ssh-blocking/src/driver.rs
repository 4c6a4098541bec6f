//! Who drives a connection: whoever waits.
//!
//! There is no background thread. A thread that waits for something first works through what has arrived; if that is
//! not enough and nobody else does, it becomes the driver: it sleeps on the transport *without the lock*, moves bytes,
//! and looks again. The others sleep on a condition variable and take over when the driver leaves.
//!
//! ```text
//!   wait ─► satisfied? ──yes──► hand over, return
//!    ▲          │ no
//!    │     events buffered? ──yes──► note them, look again
//!    │          │ no
//!    │     somebody drives? ──yes──► sleep on `changed`
//!    │          │ no
//!    └─── drive: unlock, sleep on the transport, lock, move bytes
//! ```

use std::io;
use std::time::{Duration, Instant};

use ssh_core::adapter::{Inbox, SessionError};
use ssh_core::wire::DisconnectReason;
use ssh_core::{Endpoint, Role, Timestamp};

use crate::error::{Error, Result};
use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use crate::transport::{Interest, Transport};

/// How long the last words may take.
pub(crate) const GOODBYE: Duration = Duration::from_secs(1);

/// A connection that several threads share.
pub(crate) struct Driver<R: Role> {
    state: Mutex<State<R>>,
    changed: Condvar,
    transport: Box<dyn Transport>,
    epoch: Instant,
}

/// What the lock protects.
pub(crate) struct State<R: Role> {
    pub(crate) inbox: Inbox<R>,
    /// A thread sleeps on the transport.
    driving: bool,
    /// .. and will notice that there is room to write.
    driver_writes: bool,
    /// Threads that sleep on the condition variable.
    waiting: usize,
    /// Something happened that one of them may wait for.
    news: bool,
    read_ended: bool,
    io_error: Option<io::Error>,
}

/// How long to wait, and for what as far as people are concerned.
#[derive(Clone, Copy)]
pub(crate) struct Deadline {
    what: &'static str,
    after: Duration,
    at: Option<Instant>,
}

impl Deadline {
    pub(crate) fn new(what: &'static str, after: Option<Duration>) -> Self {
        Self { what, after: after.unwrap_or_default(), at: after.map(|after| Instant::now() + after) }
    }

    /// Time that was not spent waiting does not count.
    pub(crate) fn extend(&mut self, by: Duration) {
        self.at = self.at.map(|at| at + by);
    }

    pub(crate) fn left(&self) -> Option<Duration> {
        self.at.map(|at| at.saturating_duration_since(Instant::now()))
    }
}

impl<R: Role> Driver<R> {
    /// `start` makes the endpoint; it is given the time, so that clock and endpoint agree.
    pub(crate) fn new(
        transport: Box<dyn Transport>,
        start: impl FnOnce(Timestamp) -> Result<Endpoint<R>>,
    ) -> Result<Self> {
        let state = State {
            inbox: Inbox::new(start(Timestamp::ZERO)?),
            driving: false,
            driver_writes: false,
            waiting: 0,
            news: false,
            read_ended: false,
            io_error: None,
        };
        Ok(Self { state: Mutex::new(state), changed: Condvar::new(), transport, epoch: Instant::now() })
    }

    /// Waits until `check` finds what it looks for. It is called with the lock held, again after everything that
    /// happens, and must not block.
    pub(crate) fn wait<T>(&self, deadline: Deadline, mut check: impl FnMut(&mut State<R>) -> Option<T>) -> Result<T> {
        let mut state = self.lock();
        loop {
            if let Some(found) = check(&mut state) {
                self.leave(state);
                return Ok(found);
            }
            if state.note_next_event() {
                continue;
            }
            // What was written may be what is waited for.
            if self.write_out(&mut state) {
                state.news = true;
                continue;
            }
            if let Some(stopped) = state.stopped() {
                self.leave(state);
                return Err(stopped);
            }
            if deadline.left().is_some_and(|left| left.is_zero()) {
                self.leave(state);
                return Err(Error::Timeout { what: deadline.what, after: deadline.after });
            }
            state = if state.driving { self.follow(state, deadline) } else { self.drive(state, deadline) };
        }
    }

    /// Does something at once, and sends what that leads to.
    pub(crate) fn act<T>(&self, action: impl FnOnce(&mut State<R>) -> T) -> T {
        let mut state = self.lock();
        let result = action(&mut state);
        self.leave(state);
        result
    }

    /// As [`Transport::set_traffic_class`].
    pub(crate) fn set_traffic_class(&self, class: u8) {
        self.transport.set_traffic_class(class);
    }

    /// Makes everybody who waits look again.
    #[cfg(unix)]
    pub(crate) fn wake(&self) {
        let mut state = self.lock();
        state.news = true;
        if state.driving {
            self.transport.wake();
        }
        self.leave(state);
    }

    /// Waits until the transport has taken everything that is queued.
    pub(crate) fn flush(&self, deadline: Deadline) -> Result<()> {
        self.wait(deadline, |state| {
            if self.write_out(state) {
                state.news = true;
            }
            state.inbox.endpoint.poll_output().is_empty().then_some(())
        })
    }

    /// Ends the connection and gives the peer a moment to hear of it.
    pub(crate) fn disconnect(&self, description: &str) {
        self.act(|state| state.inbox.endpoint.disconnect(DisconnectReason::BY_APPLICATION, description));
        let _ = self.flush(Deadline::new("saying goodbye", Some(GOODBYE)));
        self.transport.shutdown();
        self.transport.wake();
    }

    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what is queued, tells the others, and lets one of them drive.
    fn leave(&self, mut state: MutexGuard<'_, State<R>>) {
        if self.write_out(&mut state) {
            state.news = true;
        }
        self.wake_for_output(&mut state);
        if state.waiting > 0 && (state.news || !state.driving) {
            state.news = false;
            self.changed.notify_all();
        }
    }

    /// A driver that sleeps without looking for room to write must look again once there is output that did not fit.
    fn wake_for_output(&self, state: &mut State<R>) {
        let unsent = !state.inbox.endpoint.poll_output().is_empty();
        if unsent && state.driving && !state.driver_writes {
            state.driver_writes = true;
            self.transport.wake();
        }
    }

    fn follow<'a>(&'a self, mut state: MutexGuard<'a, State<R>>, deadline: Deadline) -> MutexGuard<'a, State<R>> {
        self.wake_for_output(&mut state);
        state.waiting += 1;
        let mut state = match deadline.left() {
            Some(left) => self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
        };
        state.waiting -= 1;
        state
    }

    /// Sleeps on the transport without the lock, then moves bytes.
    fn drive<'a>(&'a self, mut state: MutexGuard<'a, State<R>>, deadline: Deadline) -> MutexGuard<'a, State<R>> {
        let interest = Interest {
            read: !state.read_ended && state.inbox.endpoint.wants_input(),
            write: !state.inbox.endpoint.poll_output().is_empty(),
        };
        let timeout = self.sleep_time(&state, deadline);
        state.driving = true;
        state.driver_writes = interest.write;
        if state.news && state.waiting > 0 {
            state.news = false;
            self.changed.notify_all();
        }
        drop(state);
        let waited = self.transport.wait(interest, timeout);
        let mut state = self.lock();
        state.driving = false;
        state.inbox.endpoint.handle_timeout(self.now());
        if let Err(error) = waited {
            state.break_off(error);
        }
        if interest.read {
            self.read_in(&mut state);
        }
        if self.write_out(&mut state) {
            state.news = true;
        }
        state
    }

    fn sleep_time(&self, state: &State<R>, deadline: Deadline) -> Option<Duration> {
        let timer = state.inbox.endpoint.poll_timeout().map(|at| at.saturating_since(self.now()));
        [deadline.left(), timer].into_iter().flatten().min()
    }

    fn read_in(&self, state: &mut State<R>) {
        if state.read_ended || !state.inbox.endpoint.wants_input() {
            return;
        }
        match self.transport.try_read(state.inbox.endpoint.input_buffer()) {
            Ok(0) => state.end_reading(),
            Ok(n) => state.inbox.endpoint.input_filled(n),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => state.break_off(error),
        }
    }

    /// Writes what the transport takes; says whether it took any.
    fn write_out(&self, state: &mut State<R>) -> bool {
        let mut progress = false;
        loop {
            let output = state.inbox.endpoint.poll_output();
            if output.is_empty() {
                break;
            }
            match self.transport.try_write(output) {
                Ok(n) => {
                    progress |= n > 0;
                    state.inbox.endpoint.consume_output(n);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // The peer may have said why before it went: reading goes on.
                Err(_) => {
                    state.inbox.endpoint.handle_write_closed();
                    progress = true;
                }
            }
        }
        progress
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}

impl<R: Role> Drop for Driver<R> {
    /// The last user is gone: says goodbye as far as that goes without waiting.
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.inbox.endpoint.disconnect(DisconnectReason::BY_APPLICATION, "disconnected by user");
        loop {
            let output = state.inbox.endpoint.poll_output();
            match self.transport.try_write(output) {
                Ok(n @ 1..) => state.inbox.endpoint.consume_output(n),
                _ => break,
            }
        }
        self.transport.shutdown();
    }
}

impl<R: Role> State<R> {
    /// Works through the input up to the next event and notes it; says whether there was one.
    fn note_next_event(&mut self) -> bool {
        let noted = self.inbox.poll().is_some();
        self.news |= noted;
        noted
    }

    fn stopped(&mut self) -> Option<Error> {
        let reason = self.inbox.closed()?.clone();
        match self.io_error.take() {
            Some(error) if matches!(reason.error(), Some(ssh_core::Error::ConnectionLost { .. })) => {
                // Every later wait gets the protocol's view of it.
                Some(Error::Io(error))
            }
            _ => Some(SessionError::Closed(reason).into()),
        }
    }

    fn end_reading(&mut self) {
        self.read_ended = true;
        self.inbox.endpoint.handle_eof();
    }

    fn break_off(&mut self, error: io::Error) {
        self.io_error.get_or_insert(error);
        self.inbox.endpoint.handle_write_closed();
        self.end_reading();
    }
}
