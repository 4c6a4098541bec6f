//! An allocator whose addresses are all equally aligned, since what works on many bytes at a time treats the first and the
//! last by themselves. What it does itself depends on what was freed before; the count leaves out this file's functions.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr::null_mut;

/// Every block is aligned to this and has a multiple of it.
const ALIGNMENT: usize = 64;
/// Block sizes: [`ALIGNMENT`] and its doubles.
const CLASSES: usize = 32;

/// Blocks that were freed, by size; the first bytes of each are the address of the next.
struct Allocator(UnsafeCell<[*mut u8; CLASSES]>);

// SAFETY: the program has one thread.
unsafe impl Sync for Allocator {}

#[global_allocator]
static ALLOCATOR: Allocator = Allocator(UnsafeCell::new([null_mut(); CLASSES]));

fn class(layout: Layout) -> usize {
    layout.size().div_ceil(ALIGNMENT).max(1).next_power_of_two().trailing_zeros() as usize
}

// SAFETY: a block is at least as large and as aligned as its class says, and handed out once until it is freed.
unsafe impl GlobalAlloc for Allocator {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        assert!(layout.align() <= ALIGNMENT);
        let class = class(layout);
        // SAFETY: nobody else looks at the list now, and what is in it are free blocks.
        unsafe {
            let first = &raw mut (*self.0.get())[class];
            if (*first).is_null() {
                return System.alloc(Layout::from_size_align_unchecked(ALIGNMENT << class, ALIGNMENT));
            }
            let block = *first;
            *first = *block.cast();
            block
        }
    }

    #[inline(never)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: nobody else looks at the list now, and the block is free and has room for an address.
        unsafe {
            let first = &raw mut (*self.0.get())[class(layout)];
            *block.cast() = *first;
            *first = block;
        }
    }
}
