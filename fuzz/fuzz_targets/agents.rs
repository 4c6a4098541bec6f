//! See `ssh_core::fuzz::agents`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ssh_core::fuzz::agents(data));
