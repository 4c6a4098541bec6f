//! Nothing grows with use. The full numbers: `cargo run --release -p ssh-interop-tests --bin endurance`.

use ssh_interop_tests::endurance::{Couple, Growth, growth};

#[global_allocator]
static ALLOCATOR: counting_allocator::Counting = counting_allocator::Counting;

#[track_caller]
fn assert_flat(growth: Growth) {
    assert!(growth.warm > 0, "the allocator counts");
    assert_eq!(growth.warm, growth.end, "{growth:?}");
}

#[test]
fn channels_leave_nothing_behind() {
    assert_flat(growth(10_000, Couple::use_channel));
}

#[test]
fn exchanges_of_keys_leave_nothing_behind() {
    assert_flat(growth(400, Couple::rekey));
}
