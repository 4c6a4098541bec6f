//! Sorting in constant time, which is how a random order is drawn (§4.2 of the specification).

use core::cell::Cell;
use core::hint::black_box;

/// Sorts by Batcher's merge exchange (Knuth, volume 3, algorithm 5.2.2M): which numbers are compared depends on how many
/// there are alone.
pub(super) fn sort(numbers: &mut [u32]) {
    let numbers = Cell::from_mut(numbers).as_slice_of_cells();
    let top = numbers.len().next_power_of_two() >> 1;
    let mut p = top;
    while p > 0 {
        let (mut q, mut r, mut distance) = (top, 0, p);
        loop {
            let partners = numbers.iter().zip(numbers.iter().skip(distance)).enumerate();
            partners.filter(|(index, _)| index & p == r).for_each(|(_, (low, high))| exchange(low, high));
            if q == p {
                break;
            }
            (distance, q, r) = (q - p, q >> 1, p);
        }
        p >>= 1;
    }
}

/// Puts the smaller number first.
fn exchange(low: &Cell<u32>, high: &Cell<u32>) {
    let (a, b) = (low.get(), high.get());
    // All ones if b < a. The optimiser is not to know that there are two values alone.
    let borrow = (u64::from(b).wrapping_sub(u64::from(a)) >> 32) as u32;
    let change = black_box(borrow) & (a ^ b);
    low.set(a ^ change);
    high.set(b ^ change);
}
