//! A catalogue of attacks, faults and bad inputs, by subject. Tests tell the behaviour; the catalogue's id stands in the
//! comment.
//!
//! # Proven by the tests of advisories, `peer_cves`
//!
//! | id | test |
//! |---|---|
//! | SM-34 | `openssh::cve_2016_8858_…` |
//! | SM-35, SM-36 | `libssh::cve_2023_1667_…`, `libssh::cve_2025_8277_…` |
//! | SM-39, SM-41 | `others::cve_2023_46446_…`, `others::cve_2025_32433_…`, `others::cve_2018_7750_…` |
//! | SM-46 | `x_crypto::cve_2024_45337_…` |
//! | SM-48, SM-49 | `x_crypto::cve_2026_39828_…`, `russh::cve_2026_46705_…` |
//! | SM-59 | `openssh::a_host_key_proven_by_another`, `x_crypto::another_host_key_in_a_later_exchange` |
//! | SM-68, SM-70 | `openssh::cve_2025_26466_…`, `openssh::data_behind_a_kexinit_is_kept` |
//! | SM-75 | `libssh::cve_2021_3634_…` |
//! | PA-01, PA-02, PA-03 | `libssh2::cve_2019_3855_…`, `libssh2::cve_2026_55200_…`, `russh::legal_large_packets_are_refused` |
//! | PA-05, PA-10 | `x_crypto::cve_2026_46597_…`, `russh::cve_2026_42189_…`, `libssh2::cve_2026_55199_…` |
//! | PA-18, PA-19, PA-20 | `libssh2::an_identification_without_end`, `russh::ghsa_76r6_…`, `x_crypto::lines_before_…` |
//! | PA-28 | `x_crypto::rounds_of_bcrypt_without_bound`, `libssh::cve_2025_4878_…` |
//! | CH-01, CH-10 | `russh::cve_2025_54804_…`, `x_crypto::cve_2026_39830_…` |
//! | CR-14, CR-16 | `x_crypto::rsa_keys_of_1024_bits`, `others::rustsec_2022_0093_…` |
//! | RE-13, RE-16 | `openssh::cve_2016_6515_…`, `openssh::ignored_bytes_before_authentication` |
//! | SC-05 | `openssh::cve_2008_5161_…` |
//! | SC-06 | `openssh::cve_2016_6210_…`, `openssh::cve_2018_15473_…`, `others::cve_2018_15599_…` |
//! | SC-10 | `openssh::cve_2020_14145_…` |
//!
//! # Proven in other files of tests
//!
//! | id | file |
//! |---|---|
//! | the state machine cell by cell (SM-01, SM-03, SM-04, SM-15, SM-21, SM-24, SM-25, SM-32) | `cells.rs`, `gate.rs`, `hostile.rs` |
//! | SM-22, SM-23, SM-26, CR-18, CR-19, CR-25 | `man_in_the_middle.rs`, `misshapen.rs`, `sequence_numbers.rs` |
//! | SM-61, CR-17, FA-01, FA-04 | `sweeps.rs`, `faults.rs` |
//! | CH-04, CH-09 | `channel_cells.rs` |
//! | CH-18, CH-19, CH-21, RE-03, RE-10 | `flow.rs` |
//! | SM-06, SM-17, SM-69, RE-07 | `rekey.rs` |
//! | SM-63, RE-08 | `compression.rs`, `memory_compression.rs` |
//! | CR-04, CR-05 | `key_exchange.rs`, and beside the implementation of Diffie-Hellman |
//! | CR-20 | `late_failure.rs` |
//! | PA-30, AP-05 | beside the agents |
//! | SM-82 | `ssh_config.rs` |
//! | CR-30 | `peer_cves`, and beside the implementation of security keys |
//!
//! # Not applicable: feature absent
//!
//! AP-01 and AP-02 (SFTP, SCP), SC-08 (hiding of keystroke timing).

#[path = "../common/mod.rs"]
mod common;

mod authentication;
mod channels;
#[cfg(all(feature = "rsa", feature = "pq"))]
mod cryptography;
mod handshake;
mod negotiation;
mod parsing;
mod resources;
mod text;
