//! The future that moves a connection's bytes.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_io::{AsyncRead, AsyncWrite};
use ssh_core::{ClientRole, CloseReason, Role, Timestamp};

use crate::runtime::Timer;
use crate::shared::{Shared, State, Topic};

/// Rounds of work in one poll; after them other tasks have their turn.
const ROUNDS: usize = 16;

/// Events worked through before output is written and input read.
const EVENTS: usize = 64;

/// Moves a connection's bytes until it is over: spawn it, or [`run`](Self::run) something beside it.
///
/// Nothing happens on a connection whose driver is not polled. Dropping the driver cuts the connection off; those who
/// wait for something on it get an error. It ends by itself once every [`Session`](crate::Session) and channel is
/// dropped.
#[must_use = "a connection is driven by polling this"]
pub struct Driver<S, R: Role = ClientRole> {
    shared: Arc<Shared<R>>,
    transport: S,
    pub(crate) after_read: fn(&S, usize),
    timer: Pin<Box<dyn Timer>>,
    armed: Option<Instant>,
    epoch: Instant,
    read_ended: bool,
    unflushed: bool,
    over: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Role> Driver<S, R> {
    /// The endpoint's clock must read zero now.
    pub(crate) fn new(shared: Arc<Shared<R>>, transport: S, timer: Pin<Box<dyn Timer>>) -> Self {
        Self {
            shared,
            transport,
            after_read: |_, _| {},
            timer,
            armed: None,
            epoch: Instant::now(),
            read_ended: false,
            unflushed: false,
            over: false,
        }
    }

    /// Drives the connection while `future` runs, both in one task.
    ///
    /// Cancel safe: dropping it drops both.
    pub async fn run<T>(mut self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let result = std::future::poll_fn(|cx| {
            let _ = self.poll_over(cx);
            let polled = future.as_mut().poll(cx);
            if polled.is_ready() {
                let _ = self.poll_over(cx);
            }
            polled
        })
        .await;
        if !self.over && self.shared.with(|state| state.inbox.closed().is_some()) {
            // What was said last gets a moment to leave.
            self.await;
        }
        result
    }

    /// Works until there is nothing to do; ready when the connection is over.
    pub(crate) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<CloseReason> {
        let shared = Arc::clone(&self.shared);
        for _ in 0..ROUNDS {
            let (progress, closed) = shared.with(|state| {
                state.driven_by(cx.waker());
                let progress = self.work(state, cx);
                (progress, state.inbox.closed().cloned().filter(|_| state.inbox.endpoint.is_finished()))
            });
            if let Some(reason) = closed {
                self.over = true;
                // Closing may take as long as it likes, if only the first try leaves.
                let _ = Pin::new(&mut self.transport).poll_close(cx);
                return Poll::Ready(reason);
            }
            if !progress && !self.timer_is_due(cx) {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn work(&mut self, state: &mut State<R>, cx: &mut Context<'_>) -> bool {
        state.inbox.endpoint.handle_timeout(self.now());
        let mut progress = false;
        for _ in 0..EVENTS {
            if !state.note_next_event() {
                break;
            }
            progress = true;
        }
        progress |= self.write_out(state, cx);
        progress |= self.read_in(state, cx);
        progress
    }

    fn read_in(&mut self, state: &mut State<R>, cx: &mut Context<'_>) -> bool {
        let endpoint = &mut state.inbox.endpoint;
        if self.read_ended || !endpoint.wants_input() {
            return false;
        }
        match Pin::new(&mut self.transport).poll_read(cx, endpoint.input_buffer()) {
            Poll::Pending => return false,
            Poll::Ready(Ok(0)) => self.end_reading(state),
            Poll::Ready(Ok(n)) => {
                endpoint.input_filled(n);
                (self.after_read)(&self.transport, n);
            }
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Poll::Ready(Err(error)) => {
                state.io_error.get_or_insert(error);
                endpoint.handle_write_closed();
                self.end_reading(state);
            }
        }
        true
    }

    /// Writes what the transport takes; says whether it took any.
    fn write_out(&mut self, state: &mut State<R>, cx: &mut Context<'_>) -> bool {
        let mut progress = false;
        loop {
            let output = state.inbox.endpoint.poll_output();
            if output.is_empty() {
                break;
            }
            match Pin::new(&mut self.transport).poll_write(cx, output) {
                Poll::Pending => break,
                Poll::Ready(Ok(n)) if n > 0 => {
                    state.inbox.endpoint.consume_output(n);
                    state.sent += u64::try_from(n).unwrap_or(u64::MAX);
                    self.unflushed = true;
                }
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                // The peer may have said why before it went: reading goes on.
                Poll::Ready(_) => state.inbox.endpoint.handle_write_closed(),
            }
            progress = true;
        }
        if self.unflushed {
            // A transport that fails says so at the next write.
            self.unflushed = Pin::new(&mut self.transport).poll_flush(cx).is_pending();
        }
        if progress {
            state.wake(Topic::Room, Topic::Room);
        }
        progress
    }

    fn end_reading(&mut self, state: &mut State<R>) {
        self.read_ended = true;
        state.inbox.endpoint.handle_eof();
    }

    /// Arms the timer for what is due next; says whether it is due already.
    fn timer_is_due(&mut self, cx: &mut Context<'_>) -> bool {
        let due = self.shared.with(|state| state.inbox.endpoint.poll_timeout());
        let Some(due) = due.map(|due| self.epoch + Duration::from_micros(due.as_micros())) else { return false };
        // A timer that is early is cheaper than one that is set anew with every packet.
        if self.armed.is_none_or(|armed| due < armed) {
            self.timer.as_mut().reset(due);
            self.armed = Some(due);
        }
        let elapsed = self.timer.as_mut().poll_elapsed(cx).is_ready();
        if elapsed {
            self.armed = None;
        }
        elapsed
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Role> Future for Driver<S, R> {
    /// How the connection ended.
    type Output = CloseReason;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CloseReason> {
        self.get_mut().poll_over(cx)
    }
}

impl<S, R: Role> Drop for Driver<S, R> {
    fn drop(&mut self) {
        if !self.over {
            self.shared.with(|state| {
                state.undriven = true;
                state.wake_everybody();
            });
        }
    }
}
