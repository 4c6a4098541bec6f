//! `known_hosts` managed as `ssh-keygen` and `ssh` do it.

mod authorities;
mod editing;
mod rotation;
mod scene;
mod trust;
