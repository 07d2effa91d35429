//! Every guest of the table, on both engines.

use tallystick_sandbox::wasm::{
    Cancellation, FailureKind, LocalFault, Reach, Sandbox, SandboxConfig, interpret, prepare,
};

use crate::guests::{Expected, all, job};

fn module(source: &str) -> Vec<u8> {
    wat::parse_str(source).expect("the corpus is valid text")
}

#[test]
fn both_engines_agree_with_the_table_and_with_each_other() {
    let sandbox = Sandbox::new(SandboxConfig::default()).unwrap();
    for guest in all() {
        let bytes = module(guest.source);
        let job = job(guest.stdin);
        let first = sandbox.run(&bytes, &job, &Cancellation::default());
        match prepare(&bytes) {
            Ok(program) => assert_eq!(first, interpret(&program, &job), "{}", guest.name),
            Err(refusal) => {
                let kind = FailureKind::InvalidModule(refusal);
                assert_eq!(first.as_ref().map_err(|failure| &failure.kind), Err(&kind));
            }
        }
        match (&guest.expected, &first) {
            (Expected::Output(bytes), Ok(success)) => {
                assert_eq!(&success.stdout, bytes, "{}", guest.name);
            }
            (Expected::Success, Ok(_)) => {}
            (Expected::Fails(kind), Err(failure)) => {
                assert_eq!(&failure.kind, kind, "{}", guest.name);
                assert_eq!(failure.reach(), Reach::Deterministic);
            }
            (Expected::Refused(part), Err(failure)) => {
                let text = failure.to_string();
                assert!(text.contains(part), "{}: {text}", guest.name);
            }
            (_, outcome) => panic!("{}: {outcome:?}", guest.name),
        }
    }
}

#[test]
fn a_module_that_would_abort_the_second_engine_runs_on_the_first_alone() {
    let sandbox = Sandbox::new(SandboxConfig::default()).unwrap();
    let bytes = module(include_str!("../guests/vector_lanes.wat"));
    let success = sandbox.run(&bytes, &job(b""), &Cancellation::default()).unwrap();
    assert_eq!(success.stdout, [4, 0, 3, 4]);
    let other = interpret(&prepare(&bytes).unwrap(), &job(b"")).unwrap_err();
    assert_eq!(other.kind, FailureKind::Local(LocalFault::SecondEngine));
}

#[test]
fn a_run_is_repeated_to_the_unit() {
    let sandbox = Sandbox::new(SandboxConfig::default()).unwrap();
    for guest in all() {
        let bytes = module(guest.source);
        let once = sandbox.run(&bytes, &job(guest.stdin), &Cancellation::default());
        let twice = sandbox.run(&bytes, &job(guest.stdin), &Cancellation::default());
        assert_eq!(once, twice, "{}", guest.name);
    }
}

#[test]
fn one_unit_less_than_needed_fails_and_exactly_enough_succeeds() {
    let sandbox = Sandbox::new(SandboxConfig::default()).unwrap();
    for guest in all() {
        let bytes = module(guest.source);
        let mut job = job(guest.stdin);
        let Ok(success) = sandbox.run(&bytes, &job, &Cancellation::default()) else { continue };
        if guest.name == "clock_and_random" {
            continue;
        }
        job.limits.units = success.usage.units;
        let enough = sandbox.run(&bytes, &job, &Cancellation::default());
        assert_eq!(enough.as_ref(), Ok(&success), "{}", guest.name);
        job.limits.units -= 1;
        let short = sandbox.run(&bytes, &job, &Cancellation::default()).unwrap_err();
        assert_eq!(short.kind, FailureKind::OutOfUnits, "{}", guest.name);
        assert_eq!(short.usage.units, job.limits.units, "{}", guest.name);
        let program = prepare(&bytes).unwrap();
        assert_eq!(interpret(&program, &job), Err(short), "{}", guest.name);
    }
}

#[test]
fn another_seed_draws_other_bytes() {
    let sandbox = Sandbox::new(SandboxConfig::default()).unwrap();
    let bytes = module(include_str!("../guests/clock_and_random.wat"));
    let mut job = job(b"");
    let one = sandbox.run(&bytes, &job, &Cancellation::default()).unwrap();
    job.seed = [8; 32];
    let other = sandbox.run(&bytes, &job, &Cancellation::default()).unwrap();
    assert_eq!(one.stdout[..16], other.stdout[..16], "the clock does not follow the seed");
    assert_ne!(one.stdout[16..], other.stdout[16..]);
}

#[test]
fn the_backstop_of_real_time_is_a_local_failure() {
    let sandbox = Sandbox::new(SandboxConfig::default()).unwrap();
    let bytes = module(include_str!("../guests/infinite_loop.wat"));
    let mut job = job(b"");
    (job.limits.units, job.limits.wall_ms) = (1 << 60, 50);
    let failure = sandbox.run(&bytes, &job, &Cancellation::default()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Local(LocalFault::TimedOut));
    assert_eq!(failure.reach(), Reach::Local);
}

#[test]
fn a_run_is_cancelled_from_another_thread() {
    let sandbox = Sandbox::new(SandboxConfig::default()).unwrap();
    let bytes = module(include_str!("../guests/infinite_loop.wat"));
    let mut job = job(b"");
    job.limits.units = 1 << 60;
    let cancellation = Cancellation::default();
    let failure = std::thread::scope(|scope| {
        let run = scope.spawn(|| sandbox.run(&bytes, &job, &cancellation));
        std::thread::sleep(std::time::Duration::from_millis(30));
        cancellation.cancel();
        run.join().unwrap().unwrap_err()
    });
    assert_eq!(failure.kind, FailureKind::Local(LocalFault::Cancelled));
}

#[test]
fn limits_above_the_profile_are_refused_before_anything_runs() {
    let sandbox = Sandbox::new(SandboxConfig::default()).unwrap();
    let bytes = module(include_str!("../guests/echo.wat"));
    let mut job = job(b"");
    job.limits.pages = 1 << 16;
    let failure = sandbox.run(&bytes, &job, &Cancellation::default()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::ImpossibleLimits);
    job.limits.pages = 3;
    let failure = sandbox.run(&bytes, &job, &Cancellation::default()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::MemoryLimit, "the module begins with four pages");
}

#[test]
fn more_runs_than_slots_wait_for_their_turn() {
    let config = SandboxConfig { slots: 2, ..SandboxConfig::default() };
    let sandbox = Sandbox::new(config).unwrap();
    let bytes = module(include_str!("../guests/mandelbrot.wat"));
    let job = job(b"");
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| sandbox.run(&bytes, &job, &Cancellation::default())))
            .collect();
        let mut outcomes = runs.into_iter().map(|run| run.join().unwrap());
        let first = outcomes.next().unwrap();
        assert!(first.is_ok());
        assert!(outcomes.all(|outcome| outcome == first));
    });
}
