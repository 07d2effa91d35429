//! Whole simulations.

use tallystick_sim::cast::Scene;
use tallystick_sim::situations::Situation;
use tallystick_sim::world::{Mode, World, simulate};

#[test]
fn three_honest_nodes_do_a_job_and_are_paid_by_the_contracts() {
    let outcome = simulate(&Scene::fair(1), Mode::Liveness, false).unwrap();
    assert_eq!(outcome.failure(), None);
    let seen = |situation| outcome.tally.situations.count(situation);
    assert_eq!(seen(Situation::JobSettled), 1);
    assert_eq!((seen(Situation::JobRefunded), seen(Situation::NodeQuarantined)), (0, 0));
    assert_eq!(seen(Situation::TaskVerified), 2);
}

#[test]
fn a_seed_tells_one_story_and_another_seed_another() {
    let told = |seed| simulate(&Scene::of(seed), Mode::Safety, true).unwrap();
    let (first, again, other) = (told(3), told(3), told(4));
    assert_eq!((first.audit, &first.trace), (again.audit, &again.trace));
    assert_ne!(first.audit, other.audit);
}

#[test]
fn a_few_seeds_of_each_mode_break_nothing_and_end() {
    for seed in 1..=6 {
        for mode in [Mode::Safety, Mode::Liveness] {
            let outcome = simulate(&Scene::of(seed), mode, false).unwrap();
            assert_eq!(outcome.failure(), None, "seed {seed}, {mode:?}");
        }
    }
}

/// A fault that no production disk may have: the oracles must notice it.
#[test]
fn disks_that_lie_about_syncing_are_noticed() {
    let noticed = (1..=40).any(|seed| {
        let world = World::new(&Scene::of(seed), Mode::Liveness, false).unwrap();
        world.let_disks_lie();
        world.run(seed).failure().is_some()
    });
    assert!(noticed, "forty seeds with disks that lie broke nothing");
}
