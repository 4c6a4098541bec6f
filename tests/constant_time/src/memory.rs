//! The functions of the C library that the compiler calls to copy, fill and compare. That library's take other ways for
//! other addresses; these take as many instructions as bytes, and a comparison ends at the first difference.

use std::arch::asm;
use std::ffi::c_int;

/// Copies `n` bytes.
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    // SAFETY: the caller has that many bytes at both places.
    unsafe { asm!("rep movsb", inout("rdi") to => _, inout("rsi") from => _, inout("rcx") n => _) };
    to
}

/// Copies `n` bytes between places that may overlap.
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    if to.addr().wrapping_sub(from.addr()) >= n {
        // SAFETY: no byte is overwritten before it is read.
        return unsafe { memcpy(to, from, n) };
    }
    let (last_to, last_from) = (to.wrapping_add(n).wrapping_sub(1), from.wrapping_add(n).wrapping_sub(1));
    // SAFETY: the caller has that many bytes at both places, and the last are copied first.
    unsafe {
        asm!("std", "rep movsb", "cld", inout("rdi") last_to => _, inout("rsi") last_from => _, inout("rcx") n => _);
    }
    to
}

/// Fills `n` bytes.
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: c_int, n: usize) -> *mut u8 {
    // SAFETY: the caller has that many bytes there.
    unsafe { asm!("rep stosb", inout("rdi") to => _, in("al") byte as u8, inout("rcx") n => _) };
    to
}

/// The difference of the first bytes that are not the same, or 0.
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, n: usize) -> c_int {
    let (mut above, mut below): (u8, u8);
    // SAFETY: the caller has that many bytes at both places. Of none the comparison of `rcx` with itself remains.
    unsafe {
        asm!(
            "cmp rcx, rcx", "repe cmpsb", "seta {above}", "setb {below}",
            above = out(reg_byte) above, below = out(reg_byte) below,
            inout("rdi") other => _, inout("rsi") one => _, inout("rcx") n => _,
        );
    }
    c_int::from(above) - c_int::from(below)
}

/// 0 if there is no difference.
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(one: *const u8, other: *const u8, n: usize) -> c_int {
    // SAFETY: the caller's.
    unsafe { memcmp(one, other, n) }
}
