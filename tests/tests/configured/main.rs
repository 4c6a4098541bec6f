//! By the user's files, we do what `ssh` does: reach the same host, trust it for the same reason, log in with the same key,
//! run the same.

mod common;
mod host_based;
mod host_keys;
mod keys_to_agent;
mod login;
mod reaching;
mod sessions;
