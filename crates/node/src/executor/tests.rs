use tallystick_ports::ExecutionLimits;

use super::*;

const ECHO: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_read"
        (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write"
        (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "_start")
        (i32.store (i32.const 0) (i32.const 64))
        (i32.store (i32.const 4) (i32.const 1024))
        (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
        (i32.store (i32.const 4) (i32.load (i32.const 8)))
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12)))))"#;

fn run<'a>(program: &'a [u8], units: u64) -> Run<'a> {
    Run {
        program,
        input: b"a slice",
        arguments: &[],
        environment: &[],
        seed: [7; 32],
        limits: ExecutionLimits {
            units,
            memory_bytes: 16 * PAGE,
            output_bytes: 1 << 20,
            wall_ms: 20_000,
        },
    }
}

#[test]
fn programs_run_within_limits_and_their_failures_have_names() {
    let folder = tempfile::tempdir().unwrap();
    let executor = WasmExecutor::new(2, folder.path(), [1; 32], None).unwrap();
    let cancellation = Cancellation::default();
    let module = |text: &str| wat::parse_str(text).unwrap();
    let echo = module(ECHO);
    let ran = executor.run(&run(&echo, 1_000_000), &cancellation).unwrap();
    assert_eq!(ran.output, b"a slice");
    assert!(ran.usage.units > 0 && ran.usage.memory_bytes == PAGE);
    assert_eq!(executor.profile(), "tallystick.wasm.1");

    let forever = module(r#"(module (func (export "_start") (loop $l (br $l))))"#);
    assert_eq!(executor.run(&run(&forever, 1_000), &cancellation), Err(ExecutionError::OutOfUnits));
    let trap = module(r#"(module (func (export "_start") unreachable))"#);
    let failed = executor.run(&run(&trap, 1_000), &cancellation).unwrap_err();
    assert!(matches!(failed, ExecutionError::Failed { .. }), "{failed}");
    let refused = executor.run(&run(b"no module", 1_000), &cancellation).unwrap_err();
    assert!(matches!(refused, ExecutionError::ProgramRefused { .. }), "{refused}");
}

#[test]
fn a_run_that_is_cancelled_ends() {
    let folder = tempfile::tempdir().unwrap();
    let executor = WasmExecutor::new(1, folder.path(), [1; 32], None).unwrap();
    let forever = wat::parse_str(r#"(module (func (export "_start") (loop $l (br $l))))"#).unwrap();
    let cancellation = Cancellation::default();
    let ended = std::thread::scope(|scope| {
        let runs = scope.spawn(|| executor.run(&run(&forever, 1 << 59), &cancellation));
        std::thread::sleep(std::time::Duration::from_millis(100));
        cancellation.cancel();
        runs.join().unwrap()
    });
    assert_eq!(ended, Err(ExecutionError::Cancelled));
}
