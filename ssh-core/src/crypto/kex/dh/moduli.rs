//! Which groups a server has, and how large a group a client wants (RFC 4419 §3, RFC 8270).

use alloc::{sync::Arc, vec::Vec};
use core::num::NonZeroUsize;

use super::group::DhGroup;
use super::numbered::{GROUP_14, GROUP_15, GROUP_16, GROUP_17, GROUP_18};
use crate::crypto::kex::KexError;
use crate::random::SecureRandom;

/// Sizes of a group's modulus in bits, as a client asks for them: `min ≤ preferred ≤ max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupSizes {
    /// `min`: a smaller group is refused.
    pub min: u32,
    /// `n`: the server is to choose the smallest group that is not smaller than this.
    pub preferred: u32,
    /// `max`: a larger group is refused.
    pub max: u32,
}

/// 2048, 3072 and 8192: RFC 8270's lower bound, and what keys of 128 bits need.
impl Default for GroupSizes {
    fn default() -> Self {
        Self { min: 2048, preferred: 3072, max: DhGroup::MAX_BITS }
    }
}

impl GroupSizes {
    /// Whether a client may ask for them.
    pub(crate) fn are_in_order(self) -> bool {
        DhGroup::MIN_BITS <= self.min
            && self.min <= self.preferred
            && self.preferred <= self.max
            && self.max <= DhGroup::MAX_BITS
    }

    pub(super) fn contain(self, bits: usize) -> bool {
        u32::try_from(bits).is_ok_and(|bits| (self.min..=self.max).contains(&bits))
    }
}

/// The groups that a server chooses from.
///
/// By default these are the five of RFC 3526 with 2048 bits and more. With groups of one's own, which
/// [`files::moduli`](crate::files::moduli) reads, what somebody may have computed about the usual ones is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moduli(Arc<[DhGroup]>);

impl Default for Moduli {
    fn default() -> Self {
        let numbered: [&[u64]; 5] = [&GROUP_14, &GROUP_15, &GROUP_16, &GROUP_17, &GROUP_18];
        Self(numbered.into_iter().map(DhGroup::numbered).collect())
    }
}

impl Moduli {
    /// These groups. Without any, no client that wants to exchange groups is served.
    pub fn new(groups: Vec<DhGroup>) -> Self {
        Self(groups.into())
    }

    /// The groups.
    pub fn groups(&self) -> &[DhGroup] {
        &self.0
    }

    pub(super) fn contains(&self, group: &DhGroup) -> bool {
        self.0.contains(group)
    }

    /// One of the groups of the smallest size that is not below what is preferred, or else of the largest there is, by
    /// lot. Nothing below RFC 8270's 2048 bits is chosen, whatever a client asks for.
    pub(super) fn choose(&self, asked: GroupSizes, random: &mut dyn SecureRandom) -> Result<&DhGroup, KexError> {
        if asked.min > asked.preferred || asked.preferred > asked.max {
            return Err(KexError::GroupSizes);
        }
        let min = asked.min.max(GroupSizes::default().min);
        let preferred = asked.preferred.clamp(min.min(DhGroup::MAX_BITS), DhGroup::MAX_BITS);
        let sizes = || self.0.iter().map(DhGroup::bits).filter(|size| (min..=asked.max).contains(size));
        let large_enough = sizes().filter(|&size| size >= preferred).min();
        let size = large_enough.or_else(|| sizes().max()).ok_or(KexError::NoGroup)?;
        let of_that_size: Vec<_> = self.0.iter().filter(|group| group.bits() == size).collect();
        let count = NonZeroUsize::new(of_that_size.len()).ok_or(KexError::NoGroup)?;
        let mut lot = [0; 4];
        random.fill(&mut lot)?;
        let lot = u32::from_le_bytes(lot) as usize % count;
        of_that_size.get(lot).copied().ok_or(KexError::NoGroup)
    }
}
