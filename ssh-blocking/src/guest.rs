//! A client's place at a listener.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use ssh_core::admission::{Admission, Place, Refusal};
use ssh_core::random::OsRandom;
use ssh_core::{CloseReason, Timestamp};

use crate::sync::{Mutex, PoisonError};

/// Who is in, shared by a listener's threads.
#[derive(Clone)]
pub(crate) struct Door {
    admission: Arc<Mutex<Admission>>,
    epoch: Instant,
}

impl Door {
    pub(crate) fn new(admission: Admission) -> Self {
        Self { admission: Arc::new(Mutex::new(admission)), epoch: Instant::now() }
    }

    pub(crate) fn admit(&self, source: IpAddr) -> Result<Guest, Refusal> {
        let place = self.with(|admission, now| admission.admit(Some(source), now, &mut OsRandom))?;
        Ok(Guest { door: self.clone(), place })
    }

    pub(crate) fn with<T>(&self, action: impl FnOnce(&mut Admission, Timestamp) -> T) -> T {
        let now = Timestamp::from_micros(u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX));
        action(&mut self.admission.lock().unwrap_or_else(PoisonError::into_inner), now)
    }
}

/// A client that was let in. Its place is given back when it leaves, however it does.
pub(crate) struct Guest {
    door: Door,
    pub(crate) place: Place,
}

impl Guest {
    pub(crate) fn authenticated(&mut self) {
        self.door.with(|admission, _| admission.authenticated(&mut self.place));
    }

    pub(crate) fn leave(&mut self, reason: Option<&CloseReason>) {
        self.door.with(|admission, now| admission.leave(&mut self.place, reason, now));
    }
}

impl Drop for Guest {
    /// Without a reason that anybody knows: ours, not the client's.
    fn drop(&mut self) {
        self.leave(Some(&CloseReason::Local));
    }
}
