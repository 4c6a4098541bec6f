//! An allocator whose addresses depend on nothing but what is allocated.
//!
//! All are equally aligned, since what works on many bytes at a time treats the first and the last by themselves. And what is
//! measured has memory of its own, in which every call begins anew: compilers compare addresses to find out whether two
//! blocks overlap, and those of blocks that were freed before lie now this way and now that. What the allocator does itself
//! is left out of the count, by the names of this file's functions.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr::null_mut;

/// Every block is aligned to this and has a multiple of it.
const ALIGNMENT: usize = 64;
/// Block sizes: [`ALIGNMENT`] and its doubles.
const CLASSES: usize = 32;
/// Bytes for what is measured.
const ARENA: usize = 64 << 20;

#[repr(align(64))]
struct Arena(UnsafeCell<[u8; ARENA]>);

// SAFETY: the program has one thread.
unsafe impl Sync for Arena {}

/// Below all that the system gives.
static MEMORY: Arena = Arena(UnsafeCell::new([0; ARENA]));

struct State {
    /// Blocks of the system's that were freed, by size; the first bytes of each are the address of the next.
    free: [*mut u8; CLASSES],
    /// The same of the arena.
    free_in_arena: [*mut u8; CLASSES],
    /// Bytes of the arena that were ever handed out since it began anew.
    used: usize,
    /// Blocks of the arena that are in use.
    live: usize,
    is_measuring: bool,
}

struct Allocator(UnsafeCell<State>);

// SAFETY: the program has one thread.
unsafe impl Sync for Allocator {}

#[global_allocator]
static ALLOCATOR: Allocator = Allocator(UnsafeCell::new(State {
    free: [null_mut(); CLASSES],
    free_in_arena: [null_mut(); CLASSES],
    used: 0,
    live: 0,
    is_measuring: false,
}));

/// Does `operation` with memory that is as it was for the one before. What that one has kept must be gone.
pub fn with_fresh_memory(operation: impl FnOnce()) {
    let state = ALLOCATOR.0.get();
    // SAFETY: nobody else looks at the state now, and no block of the arena is in use.
    unsafe {
        assert_eq!((*state).live, 0, "the operation before has left something behind");
        (*state).free_in_arena = [null_mut(); CLASSES];
        (*state).used = 0;
        (*state).is_measuring = true;
    }
    operation();
    // SAFETY: nobody else looks at the state now.
    unsafe { (*state).is_measuring = false };
}

fn class(layout: Layout) -> usize {
    layout.size().div_ceil(ALIGNMENT).max(1).next_power_of_two().trailing_zeros() as usize
}

fn is_in_arena(block: *mut u8) -> bool {
    (block as usize).wrapping_sub(MEMORY.0.get() as usize) < ARENA
}

impl State {
    /// The list for a block of a class, of the arena or not.
    fn list(&mut self, class: usize, in_arena: bool) -> &mut *mut u8 {
        if in_arena { &mut self.free_in_arena[class] } else { &mut self.free[class] }
    }
}

// SAFETY: a block is at least as large and as aligned as its class says, and handed out once until it is freed.
unsafe impl GlobalAlloc for Allocator {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        assert!(layout.align() <= ALIGNMENT);
        let class = class(layout);
        let size = ALIGNMENT << class;
        // SAFETY: nobody else looks at the state now, what is in a list are free blocks, and what is behind `used` was not
        // handed out.
        unsafe {
            let state = &mut *self.0.get();
            let in_arena = state.is_measuring;
            state.live += usize::from(in_arena);
            let first = state.list(class, in_arena);
            if !(*first).is_null() {
                let block = *first;
                *first = *block.cast();
                return block;
            }
            if !in_arena {
                return System.alloc(Layout::from_size_align_unchecked(size, ALIGNMENT));
            }
            assert!(state.used + size <= ARENA);
            let block = MEMORY.0.get().cast::<u8>().add(state.used);
            state.used += size;
            block
        }
    }

    #[inline(never)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let in_arena = is_in_arena(block);
        // SAFETY: nobody else looks at the state now, and the block is free and has room for an address.
        unsafe {
            let state = &mut *self.0.get();
            state.live -= usize::from(in_arena);
            let first = state.list(class(layout), in_arena);
            *block.cast() = *first;
            *first = block;
        }
    }
}
