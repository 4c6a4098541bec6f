//! See `ssh_core::fuzz::split_delivery`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ssh_core::fuzz::split_delivery(data));
