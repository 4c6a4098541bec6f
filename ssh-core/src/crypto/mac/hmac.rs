//! HMAC (RFC 2104) with SHA-2 (RFC 6668), SHA-1 and MD5 (RFC 4253 §6.4), and OpenSSH's encrypt-then-MAC forms of it.

use alloc::boxed::Box;
use core::marker::PhantomData;

use digest::{KeyInit, typenum::Unsigned};
use hmac::Hmac;
#[cfg(feature = "legacy")]
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use super::{KeyedMac, Mac};

/// Descriptors: of which hash function, the name, and how many bytes of the hash are the tag.
macro_rules! descriptors {
    ($($(#[$attribute:meta])* $constant:ident, $hash:ty, $name:literal, $tag:literal, $etm:literal;)*) => {
        $(
            #[doc = concat!("`", $name, "`")]
            $(#[$attribute])*
            pub static $constant: &dyn Mac = &HmacMac::<Hmac<$hash>> {
                name: $name,
                tag_length: $tag,
                encrypt_then_mac: $etm,
                marker: PhantomData,
            };
        )*
    };
}

descriptors! {
    HMAC_SHA2_256, Sha256, "hmac-sha2-256", 32, false;
    HMAC_SHA2_512, Sha512, "hmac-sha2-512", 64, false;
    HMAC_SHA2_256_ETM, Sha256, "hmac-sha2-256-etm@openssh.com", 32, true;
    HMAC_SHA2_512_ETM, Sha512, "hmac-sha2-512-etm@openssh.com", 64, true;
    HMAC_SHA1, Sha1, "hmac-sha1", 20, false;
    HMAC_SHA1_ETM, Sha1, "hmac-sha1-etm@openssh.com", 20, true;
    #[cfg(feature = "legacy")]
    HMAC_SHA1_96, Sha1, "hmac-sha1-96", 12, false;
    #[cfg(feature = "legacy")]
    HMAC_SHA1_96_ETM, Sha1, "hmac-sha1-96-etm@openssh.com", 12, true;
    #[cfg(feature = "legacy")]
    HMAC_MD5, Md5, "hmac-md5", 16, false;
    #[cfg(feature = "legacy")]
    HMAC_MD5_ETM, Md5, "hmac-md5-etm@openssh.com", 16, true;
    #[cfg(feature = "legacy")]
    HMAC_MD5_96, Md5, "hmac-md5-96", 12, false;
    #[cfg(feature = "legacy")]
    HMAC_MD5_96_ETM, Md5, "hmac-md5-96-etm@openssh.com", 12, true;
}

struct HmacMac<H> {
    name: &'static str,
    tag_length: usize,
    encrypt_then_mac: bool,
    marker: PhantomData<fn() -> H>,
}

impl<H: digest::Mac + KeyInit + Clone + Send + 'static> Mac for HmacMac<H> {
    fn name(&self) -> &'static str {
        self.name
    }

    /// The key is as long as the hash, also where the tag is shorter (RFC 4253 §6.4, RFC 6668 §2).
    fn key_length(&self) -> usize {
        H::OutputSize::USIZE
    }

    fn tag_length(&self) -> usize {
        self.tag_length
    }

    fn encrypt_then_mac(&self) -> bool {
        self.encrypt_then_mac
    }

    fn keyed(&self, key: &[u8]) -> Box<dyn KeyedMac> {
        let &Self { tag_length, encrypt_then_mac, .. } = self;
        Box::new(Keyed { hmac: H::new_from_slice(key).ok(), tag_length, encrypt_then_mac })
    }
}

/// HMAC after its key block: a copy of this state per packet saves hashing the key.
struct Keyed<H> {
    /// `None` would be a key that HMAC does not take. It takes all, and without one nothing would verify.
    hmac: Option<H>,
    tag_length: usize,
    encrypt_then_mac: bool,
}

impl<H: digest::Mac + Clone> Keyed<H> {
    fn over(&self, sequence_number: u32, data: &[u8]) -> Option<H> {
        Some(self.hmac.clone()?.chain_update(sequence_number.to_be_bytes()).chain_update(data))
    }
}

impl<H: digest::Mac + Clone + Send> KeyedMac for Keyed<H> {
    fn tag_length(&self) -> usize {
        self.tag_length
    }

    fn encrypt_then_mac(&self) -> bool {
        self.encrypt_then_mac
    }

    fn sign(&mut self, sequence_number: u32, data: &[u8], tag: &mut [u8]) {
        let Some(hmac) = self.over(sequence_number, data) else { return };
        tag.iter_mut().zip(hmac.finalize().into_bytes()).for_each(|(to, from)| *to = from);
    }

    fn verify(&mut self, sequence_number: u32, data: &[u8], tag: &[u8]) -> bool {
        let verify = |hmac: H| hmac.verify_truncated_left(tag).is_ok();
        tag.len() == self.tag_length && self.over(sequence_number, data).is_some_and(verify)
    }
}

#[cfg(test)]
mod tests;
