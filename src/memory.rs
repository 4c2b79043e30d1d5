//! Free memory goes back to the system. The allocator does that for a thread only when the same thread frees something later,
//! and whoever has worked hard may then wait for hours. Never a promise: what is not free stays.

use std::time::Duration;

/// How long the allocator keeps what is free before it may give it back (mimalloc's `purge_delay` is 10 ms).
pub const KEPT: Duration = Duration::from_millis(50);
/// Enough for pages of its own in the allocator.
const BYTES: usize = 512 * 1024;

/// Lets the allocator give back what this thread freed longer than [`KEPT`] ago.
pub fn give_back() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(BYTES)));
}
