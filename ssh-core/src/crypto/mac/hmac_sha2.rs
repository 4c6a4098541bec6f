//! HMAC with SHA-2 (RFC 2104, RFC 6668), and OpenSSH's encrypt-then-MAC forms of it.

use alloc::boxed::Box;
use core::marker::PhantomData;

use digest::{KeyInit, typenum::Unsigned};
use hmac::Hmac;
use sha2::{Sha256, Sha512};

use super::{KeyedMac, Mac};

/// `hmac-sha2-256`
pub static HMAC_SHA2_256: &dyn Mac =
    &HmacSha2::<Hmac<Sha256>> { name: "hmac-sha2-256", encrypt_then_mac: false, marker: PhantomData };
/// `hmac-sha2-512`
pub static HMAC_SHA2_512: &dyn Mac =
    &HmacSha2::<Hmac<Sha512>> { name: "hmac-sha2-512", encrypt_then_mac: false, marker: PhantomData };
/// `hmac-sha2-256-etm@openssh.com`
pub static HMAC_SHA2_256_ETM: &dyn Mac =
    &HmacSha2::<Hmac<Sha256>> { name: "hmac-sha2-256-etm@openssh.com", encrypt_then_mac: true, marker: PhantomData };
/// `hmac-sha2-512-etm@openssh.com`
pub static HMAC_SHA2_512_ETM: &dyn Mac =
    &HmacSha2::<Hmac<Sha512>> { name: "hmac-sha2-512-etm@openssh.com", encrypt_then_mac: true, marker: PhantomData };

struct HmacSha2<H> {
    name: &'static str,
    encrypt_then_mac: bool,
    marker: PhantomData<fn() -> H>,
}

impl<H: digest::Mac + KeyInit + Clone + Send + 'static> Mac for HmacSha2<H> {
    fn name(&self) -> &'static str {
        self.name
    }

    /// The key is as long as the tag (RFC 6668 §2).
    fn key_length(&self) -> usize {
        H::OutputSize::USIZE
    }

    fn tag_length(&self) -> usize {
        H::OutputSize::USIZE
    }

    fn encrypt_then_mac(&self) -> bool {
        self.encrypt_then_mac
    }

    fn keyed(&self, key: &[u8]) -> Box<dyn KeyedMac> {
        Box::new(Keyed { hmac: H::new_from_slice(key).ok(), encrypt_then_mac: self.encrypt_then_mac })
    }
}

/// HMAC after its key block: a copy of this state per packet saves hashing the key.
struct Keyed<H> {
    /// `None` would be a key that HMAC does not take. It takes all, and without one nothing would verify.
    hmac: Option<H>,
    encrypt_then_mac: bool,
}

impl<H: digest::Mac + Clone> Keyed<H> {
    fn over(&self, sequence_number: u32, data: &[u8]) -> Option<H> {
        Some(self.hmac.clone()?.chain_update(sequence_number.to_be_bytes()).chain_update(data))
    }
}

impl<H: digest::Mac + Clone + Send> KeyedMac for Keyed<H> {
    fn tag_length(&self) -> usize {
        H::OutputSize::USIZE
    }

    fn encrypt_then_mac(&self) -> bool {
        self.encrypt_then_mac
    }

    fn sign(&mut self, sequence_number: u32, data: &[u8], tag: &mut [u8]) {
        let Some(hmac) = self.over(sequence_number, data) else { return };
        tag.iter_mut().zip(hmac.finalize().into_bytes()).for_each(|(to, from)| *to = from);
    }

    fn verify(&mut self, sequence_number: u32, data: &[u8], tag: &[u8]) -> bool {
        self.over(sequence_number, data).is_some_and(|hmac| hmac.verify_slice(tag).is_ok())
    }
}

#[cfg(test)]
mod tests;
