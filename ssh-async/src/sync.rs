//! The one lock there is, in one place, so that tests can put another in its stead.

pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};
