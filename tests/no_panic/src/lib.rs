//! Everything that bytes of a peer or a file can reach, linked into a library without std, so that whatever panic is left
//! in it can be found in its machine code: `tests/no_panic/run`.
//!
//! Every exported function is opaque to the optimiser: it knows nothing about the arguments, as in a program that takes
//! them from a socket. What is not reachable from one of them is not linked.
//!
//! It is built without `ssh-core`'s feature `std`, which only gives the NIST curves larger tables.
#![no_std]

extern crate alloc;

mod adapter;
mod application;
mod decode;
mod endpoint;
mod files;

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_void;
use core::panic::PanicInfo;

/// Makes the optimiser believe that a value is looked at.
fn consider<T>(value: T) {
    drop(core::hint::black_box(value));
}

unsafe extern "C" {
    fn aligned_alloc(alignment: usize, size: usize) -> *mut u8;
    fn free(memory: *mut u8);
    /// Is defined nowhere: the library is built, never run.
    fn panicked(info: *const c_void) -> !;
}

/// The system's allocator.
struct System;

// SAFETY: both functions do what `GlobalAlloc` asks for.
unsafe impl GlobalAlloc for System {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: an alignment that does not suit it makes it return null.
        unsafe { aligned_alloc(layout.align(), layout.size()) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, _: Layout) {
        // SAFETY: it came from `alloc`.
        unsafe { free(memory) }
    }
}

#[global_allocator]
static ALLOCATOR: System = System;

/// Every panic ends here. It looks at the message and the place, so that two panics are never made one.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    // SAFETY: nobody calls it.
    unsafe { panicked((&raw const *info).cast()) }
}
