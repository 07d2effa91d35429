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

/// Two kernels without imports: an integer recurrence with a store, and a float recurrence.
const KERNELS: [(&str, &str); 2] = [
    (
        "integer",
        "(module (memory (export \"memory\") 1) (func (export \"_start\") (local i32 i32)
           (loop $again
             (local.set 1 (i32.add (i32.mul (local.get 1) (i32.const 1664525)) (local.get 0)))
             (i32.store (i32.and (local.get 1) (i32.const 0xfff0)) (local.get 1))
             (local.set 0 (i32.add (local.get 0) (i32.const 1)))
             (br_if $again (i32.lt_u (local.get 0) (i32.const 50000000))))))",
    ),
    (
        "float",
        "(module (memory (export \"memory\") 1) (func (export \"_start\") (local i32 f64)
           (loop $again
             (local.set 1 (f64.add (f64.mul (local.get 1) (f64.const 0.5)) (f64.const 1.5)))
             (local.set 0 (i32.add (local.get 0) (i32.const 1)))
             (br_if $again (i32.lt_u (local.get 0) (i32.const 50000000))))
           (f64.store (i32.const 0) (local.get 1))))",
    ),
];

#[test]
fn metering_costs_less_than_a_factor_of_four_on_the_worst_kernel() {
    let sandbox = Sandbox::new(SandboxConfig::default()).unwrap();
    let engine = wasmtime::Engine::default();
    for (name, source) in KERNELS {
        let bytes = wat::parse_str(source).unwrap();
        sandbox.warm(&bytes).unwrap();
        let job = job(b"");
        let mut job = job;
        job.limits.units = 1 << 40;
        let (ours, metered) = timed(|| sandbox.run(&bytes, &job, &Cancellation::default()));
        let units = ours.unwrap().usage.units;
        let module = wasmtime::Module::new(&engine, &bytes).unwrap();
        let mut store = wasmtime::Store::new(&engine, ());
        let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
        let start = instance.get_typed_func::<(), ()>(&mut store, "_start").unwrap();
        let (raw, plain) = timed(|| start.call(&mut store, ()));
        raw.unwrap();
        let ratio = metered.as_secs_f64() / plain.as_secs_f64();
        let rate = units as f64 / metered.as_secs_f64() / 1e6;
        println!("{name}: plain {plain:?}, metered {metered:?}, x{ratio:.2}, {rate:.0} M units/s");
        assert!(ratio < 4.0, "{name}: {ratio}");
    }
}
