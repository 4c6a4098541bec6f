//! `known_hosts` managed as `ssh-keygen` and `ssh` do it.

mod editing;
mod rotation;
mod trust;
