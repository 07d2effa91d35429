//! Measurements. They are disturbed by whatever else runs, so that they run on demand alone:
//! `cargo test -p tallystick-sandbox --test it speed -- --ignored --nocapture --test-threads 1`

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
#[ignore = "a measurement"]
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
#[ignore = "a measurement"]
fn metering_costs_less_than_a_factor_of_four_on_the_worst_kernel() {
    let sandbox = Sandbox::new(SandboxConfig::default()).unwrap();
    let engine = wasmtime::Engine::default();
    for (name, source) in KERNELS {
        let bytes = wat::parse_str(source).unwrap();
        sandbox.warm(&bytes, &Cancellation::default()).unwrap();
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

/// The same kernels for the native compiler. It prints the nanoseconds of each.
const NATIVE: &str = "
use std::hint::black_box;
fn main() {
    let rounds: u32 = black_box(50_000_000);
    let start = std::time::Instant::now();
    let (mut memory, mut sum) = (vec![0_u8; 1 << 16], 0_u32);
    for index in 0..rounds {
        sum = sum.wrapping_mul(1_664_525).wrapping_add(index);
        let at = (sum & 0xfff0) as usize;
        memory[at..at + 4].copy_from_slice(&sum.to_le_bytes());
    }
    black_box(memory);
    println!(\"{}\", start.elapsed().as_nanos());
    let start = std::time::Instant::now();
    let mut value = 0_f64;
    for _ in 0..rounds {
        value = value * 0.5 + 1.5;
    }
    black_box(value);
    println!(\"{}\", start.elapsed().as_nanos());
}";

#[test]
#[ignore = "a measurement; it calls rustc"]
fn native_code_is_less_than_ten_times_as_fast() {
    use std::process::Command;
    let folder = tempfile::tempdir().unwrap();
    let (source, program) = (folder.path().join("native.rs"), folder.path().join("native"));
    std::fs::write(&source, NATIVE).unwrap();
    let built = Command::new("rustc").arg("-O").arg(&source).arg("-o").arg(&program).status();
    assert!(built.unwrap().success());
    let sandbox = Sandbox::new(SandboxConfig::default()).unwrap();
    let mut job = job(b"");
    job.limits.units = 1 << 40;
    let mut best = [(f64::MAX, f64::MAX); 2];
    for _ in 0..5 {
        let output = Command::new(&program).output().unwrap().stdout;
        let native = String::from_utf8(output).unwrap();
        for (((_, source), native), best) in KERNELS.iter().zip(native.lines()).zip(&mut best) {
            let bytes = wat::parse_str(source).unwrap();
            sandbox.warm(&bytes, &Cancellation::default()).unwrap();
            let (outcome, ours) = timed(|| sandbox.run(&bytes, &job, &Cancellation::default()));
            assert!(outcome.is_ok());
            best.0 = best.0.min(native.parse::<f64>().unwrap() / 1e9);
            best.1 = best.1.min(ours.as_secs_f64());
        }
    }
    for ((name, _), (native, ours)) in KERNELS.iter().zip(best) {
        let ratio = ours / native;
        println!("{name}: native {native:.3} s, sandbox {ours:.3} s, x{ratio:.2}");
        assert!(ratio < 10.0, "{name}: {ratio}");
    }
}
