//! Bounds on time that only a grave regression breaks; the figures are printed.

use std::time::Duration;

use tallystick_sandbox::wasm::{Cancellation, Sandbox, SandboxConfig};

use crate::guests::job;

#[expect(clippy::disallowed_methods, reason = "this measures real time")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = std::time::Instant::now();
    let value = work();
    (value, start.elapsed())
}

#[test]
fn a_warm_start_takes_less_than_a_millisecond() {
    let sandbox = Sandbox::new(SandboxConfig::default()).unwrap();
    let bytes = wat::parse_str(include_str!("../guests/echo.wat")).unwrap();
    let job = job(b"x");
    let (first, cold) = timed(|| sandbox.run(&bytes, &job, &Cancellation::default()));
    assert!(first.is_ok());
    let runs = 200;
    let ((), warm) = timed(|| {
        for _ in 0..runs {
            assert!(sandbox.run(&bytes, &job, &Cancellation::default()).is_ok());
        }
    });
    println!("cold {cold:?}, warm {:?}", warm / runs);
    assert!(warm / runs < Duration::from_millis(1), "{:?}", warm / runs);
}
