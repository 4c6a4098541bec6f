//! See `ssh_core::fuzz::revocation_lists`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ssh_core::fuzz::revocation_lists(data));
