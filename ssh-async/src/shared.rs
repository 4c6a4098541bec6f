//! What a driver and the handles of its connection share: one lock, and who waits for what.
//!
//! A handle asks the inbox for what it wants under the lock; if it has to wait it leaves its waker under a [`Topic`].
//! The driver moves bytes, sorts events, and wakes those whom they concern. Nobody is woken while the lock is held: a
//! waker may run any code.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use ssh_core::adapter::{Concern, Inbox, Interest, SessionError};
use ssh_core::wire::DisconnectReason;
use ssh_core::{ChannelId, Endpoint, Role};

use crate::sync::{Mutex, MutexGuard, PoisonError};
use crate::{Error, Result};

/// What one waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Topic {
    /// An event for whoever leads the connection.
    Leader,
    /// That the transport takes bytes, or a key exchange ends: whatever may end a shortage.
    Room,
    /// This on a channel; `None`: anything.
    Channel(ChannelId, Option<Interest>),
}

/// A connection that a driver and handles share.
pub(crate) struct Shared<R: Role> {
    state: Mutex<State<R>>,
}

/// What the lock protects.
pub(crate) struct State<R: Role> {
    pub(crate) inbox: Inbox<R>,
    /// Bytes the transport has taken.
    pub(crate) sent: u64,
    pub(crate) io_error: Option<io::Error>,
    /// Nobody moves bytes any more.
    pub(crate) undriven: bool,
    /// No channel is to be opened any more; the connection ends with the last.
    pub(crate) draining: bool,
    waiters: BTreeMap<(Topic, u64), Waker>,
    next_key: u64,
    driver: Option<Waker>,
    /// To be woken once the lock is free.
    woken: Vec<Waker>,
}

impl<R: Role> State<R> {
    /// Works through the input up to the next event; says whether there was one.
    pub(crate) fn note_next_event(&mut self) -> bool {
        let Some(concern) = self.inbox.poll() else { return false };
        match concern {
            Concern::Nobody => {}
            Concern::Leader => self.wake(Topic::Leader, Topic::Leader),
            Concern::Channel(id, interest) => {
                for topic in [Topic::Channel(id, Some(interest)), Topic::Channel(id, None)] {
                    self.wake(topic, topic);
                }
            }
            Concern::ChannelOver(id) => {
                self.wake(Topic::Channel(id, None), Topic::Channel(id, Some(Interest::Notice)));
                // Somebody may wait for a channel to become free.
                self.wake(Topic::Room, Topic::Room);
            }
            Concern::Everybody => self.wake_everybody(),
        }
        true
    }

    pub(crate) fn wake(&mut self, from: Topic, to: Topic) {
        // All wait for the same thing, and there are few of them.
        while let Some((&key, _)) = self.waiters.range((from, 0)..=(to, u64::MAX)).next() {
            self.woken.extend(self.waiters.remove(&key));
        }
    }

    pub(crate) fn wake_everybody(&mut self) {
        self.woken.extend(std::mem::take(&mut self.waiters).into_values());
    }

    /// How many bytes will have been sent once all that is queued now is.
    pub(crate) fn sent_by_then(&mut self) -> u64 {
        self.sent + u64::try_from(self.inbox.endpoint.poll_output().len()).unwrap_or(u64::MAX)
    }

    /// Notes who drives; the last to say so is woken when there is something to do.
    pub(crate) fn driven_by(&mut self, waker: &Waker) {
        match &mut self.driver {
            Some(driver) => driver.clone_from(waker),
            None => self.driver = Some(waker.clone()),
        }
    }

    /// Why nothing can be waited for any more.
    fn stopped(&mut self) -> Option<Error> {
        let lost =
            |reason: &ssh_core::CloseReason| matches!(reason.error(), Some(ssh_core::Error::ConnectionLost { .. }));
        match self.inbox.closed().cloned() {
            // The first to ask hears what happened to the transport, the others the protocol's view of it.
            Some(reason) if lost(&reason) && self.io_error.is_some() => self.io_error.take().map(Error::Io),
            Some(reason) => Some(SessionError::Closed(reason).into()),
            None if self.undriven => {
                Some(Error::Io(io::Error::new(io::ErrorKind::BrokenPipe, "the connection's driver was dropped")))
            }
            None => None,
        }
    }

    fn wait_under(&mut self, topic: Topic, key: &mut Option<u64>, waker: &Waker) {
        let key = *key.get_or_insert_with(|| {
            self.next_key += 1;
            self.next_key
        });
        self.waiters.insert((topic, key), waker.clone());
    }
}

impl<R: Role> Shared<R> {
    pub(crate) fn new(endpoint: Endpoint<R>) -> Self {
        let state = State {
            inbox: Inbox::new(endpoint),
            sent: 0,
            io_error: None,
            undriven: false,
            draining: false,
            waiters: BTreeMap::new(),
            next_key: 0,
            driver: None,
            woken: Vec::new(),
        };
        Self { state: Mutex::new(state) }
    }

    /// Does something at once, and wakes those whom it concerns; for the driver.
    pub(crate) fn with<T>(&self, action: impl FnOnce(&mut State<R>) -> T) -> T {
        let mut state: MutexGuard<'_, State<R>> = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = action(&mut state);
        let woken = std::mem::take(&mut state.woken);
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        result
    }

    /// Does something at once, and has the driver act on it.
    pub(crate) fn act<T>(&self, action: impl FnOnce(&mut State<R>) -> T) -> T {
        self.with(|state| {
            let result = action(state);
            state.woken.extend(state.driver.clone());
            result
        })
    }

    /// Asks `check`, and leaves a waker if it returns `None`: what it looks for is not there yet.
    pub(crate) fn poll_wait<T>(
        &self,
        topic: Topic,
        key: &mut Option<u64>,
        cx: &mut Context<'_>,
        check: impl FnOnce(&mut State<R>) -> Option<T>,
    ) -> Poll<Result<T>> {
        self.with(|state| {
            if let Some(found) = check(state) {
                state.woken.extend(state.driver.clone());
                return Poll::Ready(Ok(found));
            }
            if !state.inbox.endpoint.poll_output().is_empty() {
                // It has moved something all the same.
                state.woken.extend(state.driver.clone());
            }
            match state.stopped() {
                Some(error) => Poll::Ready(Err(error)),
                None => {
                    state.wait_under(topic, key, cx.waker());
                    Poll::Pending
                }
            }
        })
    }

    /// Waits until `check` finds what it looks for. Giving up has no effect.
    pub(crate) fn wait<T, F>(&self, topic: Topic, check: F) -> Wait<'_, R, F>
    where
        F: FnMut(&mut State<R>) -> Option<T> + Unpin,
    {
        Wait { shared: self, topic, key: None, check }
    }

    /// Nobody waits under this key any more.
    pub(crate) fn forget(&self, topic: Topic, key: Option<u64>) {
        if let Some(key) = key {
            self.with(|state| state.waiters.remove(&(topic, key)));
        }
    }
}

/// See [`Shared::wait`].
pub(crate) struct Wait<'a, R: Role, F> {
    shared: &'a Shared<R>,
    topic: Topic,
    key: Option<u64>,
    check: F,
}

impl<T, R: Role, F: FnMut(&mut State<R>) -> Option<T> + Unpin> Future for Wait<'_, R, F> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let this = self.get_mut();
        this.shared.poll_wait(this.topic, &mut this.key, cx, &mut this.check)
    }
}

impl<R: Role, F> Drop for Wait<'_, R, F> {
    fn drop(&mut self) {
        self.shared.forget(self.topic, self.key);
    }
}

/// What sessions and channels hold: when the last of them is dropped, the connection ends.
pub(crate) struct Handle<R: Role> {
    pub(crate) shared: Arc<Shared<R>>,
}

impl<R: Role> Handle<R> {
    pub(crate) fn new(shared: &Arc<Shared<R>>) -> Arc<Self> {
        Arc::new(Self { shared: Arc::clone(shared) })
    }

    pub(crate) fn disconnect(&self, description: &str) {
        self.shared.act(|state| state.inbox.endpoint.disconnect(DisconnectReason::BY_APPLICATION, description));
    }
}

impl<R: Role> Drop for Handle<R> {
    fn drop(&mut self) {
        self.disconnect("disconnected by user");
    }
}
