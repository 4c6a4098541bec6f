//! See `ssh_core::fuzz::signatures`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ssh_core::fuzz::signatures(data));
