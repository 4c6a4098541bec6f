//! See `ssh_core::fuzz::packets_sealed`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ssh_core::fuzz::packets_sealed(data));
