//! The benchmark of admission, as this machine runs it.

use tallystick_ports::Clock;
use tallystick_protocol::admission;
use tallystick_wire::worker::{Profile, Welcome};

/// Computes what a coordinator asked for and measures. Blocks for as long as it takes.
pub(crate) fn profile(welcome: &Welcome, memory_bytes: u64, clock: &dyn Clock) -> Profile {
    let started = clock.now();
    let checksum = admission::checksum(welcome.profile_seed, welcome.profile_rounds);
    let elapsed_ms = clock.now().get().saturating_sub(started.get());
    let largest_allocation_bytes = largest_allocation(memory_bytes);
    let work_units = welcome.profile_rounds;
    Profile { checksum, elapsed_ms, work_units, largest_allocation_bytes }
}

/// The largest block up to a limit that can be had and written, found by halving.
fn largest_allocation(most_bytes: u64) -> u64 {
    let mut bytes = most_bytes;
    while bytes > 0 {
        let mut block: Vec<u8> = Vec::new();
        let length = usize::try_from(bytes).unwrap_or(usize::MAX);
        if block.try_reserve_exact(length).is_ok() {
            block.resize(length, 1);
            if std::hint::black_box(&block).iter().step_by(4_096).all(|byte| *byte == 1) {
                return bytes;
            }
        }
        bytes /= 2;
    }
    0
}
