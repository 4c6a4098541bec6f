//! See `ssh_core::fuzz::kex_server`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ssh_core::fuzz::kex_server(data));
