//! Locks and threads, in one place, so that tests can put others in their stead.

pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
pub(crate) use std::thread;
