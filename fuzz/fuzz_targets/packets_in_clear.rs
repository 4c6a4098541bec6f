//! See `ssh_core::fuzz::packets_in_clear`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ssh_core::fuzz::packets_in_clear(data));
