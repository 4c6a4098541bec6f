//! See `ssh_core::fuzz::payloads_compressed`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ssh_core::fuzz::payloads_compressed(data));
