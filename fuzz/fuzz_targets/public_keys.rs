//! See `ssh_core::fuzz::public_keys`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ssh_core::fuzz::public_keys(data));
