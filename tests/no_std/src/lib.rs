//! Links `ssh-core` into a static library that has no std: no operating system below it, only an allocator.
//!
//! If `ssh-core` or anything it depends on pulled std in, std's own panic handler would come with it, and the build
//! would fail with E0152, "found duplicate lang item `panic_impl`". So this needs no special target.
#![no_std]

extern crate ssh_core;

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;

/// An allocator that never has memory: this library is built, never run.
struct Empty;

// SAFETY: a null pointer is the allowed answer for "no memory"; so nothing is ever passed to `dealloc`.
unsafe impl GlobalAlloc for Empty {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Empty = Empty;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}
