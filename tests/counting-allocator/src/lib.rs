//! A global allocator that knows how many bytes the current thread holds.
//!
//! ```
//! #[global_allocator]
//! static ALLOCATOR: counting_allocator::Counting = counting_allocator::Counting;
//!
//! let before = counting_allocator::balance();
//! let bytes = vec![0_u8; 1000];
//! assert_eq!(counting_allocator::balance() - before, 1000);
//! # drop(bytes);
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, with a balance for every thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counting;

thread_local! {
    // Cells without destructors: a thread may free memory while it ends.
    static BALANCE: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

/// Bytes that this thread allocated less those it freed, whoever allocated them. 0 without [`Counting`].
pub fn balance() -> i64 {
    BALANCE.get()
}

/// The largest [`balance`] since [`reset_peak`].
pub fn peak() -> i64 {
    PEAK.get()
}

/// Begins to look for a new [`peak`].
pub fn reset_peak() {
    PEAK.set(BALANCE.get());
}

fn change(by: i64) {
    let balance = BALANCE.get() + by;
    BALANCE.set(balance);
    if balance > PEAK.get() {
        PEAK.set(balance);
    }
}

fn size(layout: Layout) -> i64 {
    // A layout is never larger than isize::MAX.
    layout.size() as i64
}

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        change(size(layout));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        change(size(layout));
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // Where a block is moved, both exist for a moment.
        change(new_size as i64);
        change(-size(layout));
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, new_size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        change(-size(layout));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}
