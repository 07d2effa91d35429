use alloy_primitives::{B256, b256};

use super::{Demand, Measured, Rejection, Tier, checksum, judge};

const SEED: B256 = B256::repeat_byte(7);
const GIB: u64 = 1 << 30;

fn demand() -> Demand {
    Demand { seed: SEED, rounds: 4, speed: 100, memory_bytes: 1 << 20 }
}

fn measured() -> Measured {
    Measured {
        checksum: checksum(SEED, 4),
        work_units: 4,
        stated_ms: 2,
        observed_ms: 3,
        memory_bytes: 2 * GIB,
    }
}

#[test]
fn checksums_are_the_same_on_every_machine() {
    let pinned = [
        (B256::ZERO, 0, b256!("b9a02fbd62e87108c4ff2d0b3bd11be6f21f8486455a7f074cff977b078b5b38")),
        (B256::ZERO, 1, b256!("fd4fdffcff96b5e3e5b50bda1a2f69f7fcf855dabca693adb88c631130d74dc3")),
        (SEED, 1, b256!("bc54997a9f063236f5737e8d1ab0865425571e2a79c6c90c800a786a33e75baa")),
        (SEED, 5, b256!("4d491db76fec186657a22379c0b3e3de2e3c623de397eb76c8efa1bfa59c4895")),
    ];
    for (seed, rounds, expected) in pinned {
        assert_eq!(checksum(seed, rounds), expected, "{seed} {rounds}");
    }
}

#[test]
fn a_machine_that_worked_has_the_tier_of_its_speed() {
    assert_eq!(judge(&measured(), &demand()), Ok(Tier::Two));
    let slow = Measured { observed_ms: 10, ..measured() };
    assert_eq!(judge(&slow, &demand()), Ok(Tier::One));
}

#[test]
fn a_time_that_was_made_up_does_not_make_a_machine_faster() {
    let boasting = Measured { stated_ms: 0, observed_ms: 1_000, ..measured() };
    assert_eq!(boasting.speed(), 4);
    let refused = Err(Rejection::TooSlow { least: 100, actual: 4 });
    assert_eq!(judge(&boasting, &demand()), refused);
}

#[test]
fn work_that_was_not_done_is_noticed() {
    let other = [checksum(SEED, 3), checksum(B256::ZERO, 4), B256::ZERO];
    for checksum in other {
        let lying = Measured { checksum, ..measured() };
        assert_eq!(judge(&lying, &demand()), Err(Rejection::WrongChecksum));
    }
    let less = Measured { work_units: 3, ..measured() };
    assert_eq!(judge(&less, &demand()), Err(Rejection::OtherWork { asked: 4, done: 3 }));
}

#[test]
fn too_little_memory_is_refused_with_its_number() {
    let small = Measured { memory_bytes: 1, ..measured() };
    let refused = Err(Rejection::TooLittleMemory { least: 1 << 20, actual: 1 });
    assert_eq!(judge(&small, &demand()), refused);
}

#[test]
fn a_tier_needs_speed_and_memory() {
    assert_eq!(Tier::of(4_000, 4 * GIB).number(), 3);
    assert_eq!(Tier::of(3_999, 4 * GIB).number(), 2);
    assert_eq!(Tier::of(4_000, 4 * GIB - 1).number(), 2);
    assert_eq!(Tier::of(1_000, GIB - 1).number(), 1);
    assert_eq!(Tier::of(999, 64 * GIB).number(), 1);
}
