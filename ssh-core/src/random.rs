//! Randomness as the core sees it: a trait object that the caller hands in.

use alloc::boxed::Box;
use core::fmt;

use chacha20::ChaCha20Legacy;
use cipher::{KeyIvInit, StreamCipher};
use rand_core::{TryCryptoRng, TryRng};
use zeroize::Zeroizing;

/// A source of cryptographically secure random bytes.
///
/// Keys, cookies and nonces come straight from it. The core asks for some hundred bytes per key exchange, some thousand
/// for `sntrup761`, never per packet.
pub trait SecureRandom: Send {
    /// Fills `destination` with unpredictable bytes, or fails without having promised anything about its content.
    ///
    /// # Errors
    /// [`RandomError`] when no randomness is to be had. The connection that asked is closed.
    fn fill(&mut self, destination: &mut [u8]) -> Result<(), RandomError>;
}

impl<T: SecureRandom + ?Sized> SecureRandom for Box<T> {
    fn fill(&mut self, destination: &mut [u8]) -> Result<(), RandomError> {
        (**self).fill(destination)
    }
}

/// The source of randomness failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomError;

impl fmt::Display for RandomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the source of random bytes failed")
    }
}

impl core::error::Error for RandomError {}

/// The operating system's generator.
#[cfg(feature = "os-random")]
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

#[cfg(feature = "os-random")]
impl SecureRandom for OsRandom {
    fn fill(&mut self, destination: &mut [u8]) -> Result<(), RandomError> {
        getrandom::fill(destination).map_err(|_| RandomError)
    }
}

/// A ChaCha20 keystream: as secure as its seed is secret, and the same bytes for the same seed.
///
/// With a seed from the system it serves padding; with a fixed seed it makes a session replayable bit for bit. A fixed
/// seed in production gives every key away.
pub struct ChaChaRandom {
    stream: ChaCha20Legacy,
}

impl ChaChaRandom {
    /// A generator whose whole output is decided by `seed`.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self { stream: ChaCha20Legacy::new(seed.into(), &[0; 8].into()) }
    }

    /// A generator seeded from another source.
    ///
    /// # Errors
    /// When that source fails.
    pub fn seeded_by(source: &mut dyn SecureRandom) -> Result<Self, RandomError> {
        let mut seed = Zeroizing::new([0; 32]);
        source.fill(&mut *seed)?;
        Ok(Self::from_seed(&seed))
    }

    /// Fills `destination`; cannot fail. 2^70 bytes are the keystream's length.
    pub fn fill_bytes(&mut self, destination: &mut [u8]) {
        destination.fill(0);
        self.stream.apply_keystream(destination);
    }
}

impl SecureRandom for ChaChaRandom {
    fn fill(&mut self, destination: &mut [u8]) -> Result<(), RandomError> {
        self.fill_bytes(destination);
        Ok(())
    }
}

impl fmt::Debug for ChaChaRandom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChaChaRandom(..)")
    }
}

/// Lends a [`SecureRandom`] to crates that speak `rand_core`.
pub(crate) struct RandCore<'a>(pub(crate) &'a mut dyn SecureRandom);

impl TryRng for RandCore<'_> {
    type Error = RandomError;

    fn try_next_u32(&mut self) -> Result<u32, RandomError> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, RandomError> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), RandomError> {
        self.0.fill(destination)
    }
}

impl TryCryptoRng for RandCore<'_> {}

/// For functions that want a generator which cannot fail: it did what can fail when it was made.
#[cfg(any(feature = "rsa", feature = "pq"))]
pub(crate) struct Seeded(ChaChaRandom);

#[cfg(any(feature = "rsa", feature = "pq"))]
impl Seeded {
    pub(crate) fn by(random: &mut dyn SecureRandom) -> Result<Self, RandomError> {
        ChaChaRandom::seeded_by(random).map(Self)
    }
}

#[cfg(any(feature = "rsa", feature = "pq"))]
impl TryRng for Seeded {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.0.fill_bytes(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.0.fill_bytes(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Self::Error> {
        self.0.fill_bytes(destination);
        Ok(())
    }
}

#[cfg(any(feature = "rsa", feature = "pq"))]
impl TryCryptoRng for Seeded {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_bytes_in_any_chunking() {
        let mut whole = [0; 100];
        ChaChaRandom::from_seed(&[7; 32]).fill_bytes(&mut whole);
        let mut parts = [0; 100];
        let mut random = ChaChaRandom::from_seed(&[7; 32]);
        for part in parts.chunks_mut(9) {
            random.fill_bytes(part);
        }
        assert_eq!(whole, parts);
        let mut other = [0; 100];
        ChaChaRandom::from_seed(&[8; 32]).fill_bytes(&mut other);
        assert_ne!(whole, other);
    }

    /// Says the same to crates that speak `rand_core`: the source's bytes, numbers in little-endian order, its failures.
    #[test]
    fn lent_sources_give_their_own_bytes() {
        struct Counting(u8);

        impl SecureRandom for Counting {
            fn fill(&mut self, destination: &mut [u8]) -> Result<(), RandomError> {
                for byte in destination {
                    self.0 = self.0.checked_add(1).ok_or(RandomError)?;
                    *byte = self.0;
                }
                Ok(())
            }
        }

        let mut source = Counting(0);
        let mut lent = RandCore(&mut source);
        let mut bytes = [0; 3];
        assert_eq!(lent.try_next_u32(), Ok(0x0403_0201));
        assert_eq!(lent.try_next_u64(), Ok(0x0c0b_0a09_0807_0605));
        assert_eq!((lent.try_fill_bytes(&mut bytes), bytes), (Ok(()), [13, 14, 15]));
        source.0 = 252;
        let mut lent = RandCore(&mut source);
        assert_eq!(lent.try_next_u32(), Err(RandomError));
        assert_eq!(lent.try_next_u64(), Err(RandomError));
        assert_eq!(lent.try_fill_bytes(&mut bytes), Err(RandomError));
    }

    #[test]
    fn debug_shows_no_state() {
        assert_eq!(alloc::format!("{:?}", ChaChaRandom::from_seed(&[7; 32])), "ChaChaRandom(..)");
    }

    /// The generator that keys are made from is the keystream, in whatever pieces it is drawn.
    #[cfg(any(feature = "rsa", feature = "pq"))]
    #[test]
    fn the_seeded_stream_is_the_keystream() {
        let mut expected = [0; 20];
        ChaChaRandom::from_seed(&[3; 32]).fill_bytes(&mut expected);
        let mut stream = Seeded(ChaChaRandom::from_seed(&[3; 32]));
        let mut drawn = alloc::vec::Vec::new();
        let Ok(number) = stream.try_next_u32();
        drawn.extend_from_slice(&number.to_le_bytes());
        let Ok(number) = stream.try_next_u64();
        drawn.extend_from_slice(&number.to_le_bytes());
        let mut rest = [0; 8];
        let Ok(()) = stream.try_fill_bytes(&mut rest);
        drawn.extend_from_slice(&rest);
        assert_eq!(drawn, expected);
    }
}
