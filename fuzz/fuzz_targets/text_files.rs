//! See `ssh_core::fuzz::text_files`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ssh_core::fuzz::text_files(data));
