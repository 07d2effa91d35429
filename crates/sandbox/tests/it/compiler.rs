//! Compilation in a child process: the same code, and limits that spare the host.

use std::process::ExitCode;

use tallystick_sandbox::wasm::{
    CacheConfig, Cancellation, Compilation, CompilerLimits, CompilerProcess, Failure, FailureKind,
    LocalFault, RefusalReason, Sandbox, SandboxConfig, compiler_main, prepare,
};
use wasm_encoder::{
    CodeSection, ExportKind, ExportSection, Function, FunctionSection, Module, TypeSection, ValType,
};

use crate::guests::job;

/// The child: this test binary, asked for this one test. Run by hand it finds no socket and fails
/// as it should.
#[test]
#[ignore = "the child process of the other tests"]
fn the_compiler_of_these_tests() {
    let code = compiler_main();
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
}

fn process(limits: CompilerLimits) -> CompilerProcess {
    let arguments = ["compiler::the_compiler_of_these_tests", "--exact", "--ignored"];
    CompilerProcess {
        program: std::env::current_exe().expect("this test binary"),
        arguments: arguments.map(Into::into).to_vec(),
        limits,
    }
}

fn sandbox(process: CompilerProcess) -> Sandbox {
    let compilation = Compilation::InChild(process);
    Sandbox::new(SandboxConfig { compilation, ..SandboxConfig::default() })
        .expect("a supported machine")
}

fn echo() -> Vec<u8> {
    wat::parse_str(include_str!("../guests/echo.wat")).expect("valid text")
}

/// Functions of many branches over many locals, which keep a register allocator busy.
fn bomb(functions: u32, additions: u32) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], [ValType::I32]);
    types.ty().function([], []);
    let mut body = Function::new([(64, ValType::I32)]);
    let mut sink = body.instructions();
    for step in 0..additions {
        sink.local_get(step % 65).local_get((step * 7 + 1) % 65).i32_mul();
        sink.i32_const(step as i32).i32_add().local_set((step * 3 + 2) % 65);
        sink.local_get(step % 65).if_(wasm_encoder::BlockType::Empty);
        sink.local_get(0).local_set((step * 5 + 3) % 65).end();
    }
    sink.local_get(3).end();
    let mut start = Function::new([]);
    start.instructions().end();
    let mut section = FunctionSection::new();
    let mut code = CodeSection::new();
    for _ in 0..functions {
        section.function(0);
        code.function(&body);
    }
    section.function(1);
    code.function(&start);
    let mut exports = ExportSection::new();
    exports.export("_start", ExportKind::Func, functions);
    let mut module = Module::new();
    module.section(&types).section(&section).section(&exports).section(&code);
    module.finish()
}

fn fault(outcome: Result<impl std::fmt::Debug, Failure>) -> FailureKind {
    outcome.expect_err("beyond a limit").kind
}

#[test]
fn a_child_compiles_what_this_process_would_and_its_work_is_cached() {
    let folder = tempfile::tempdir().unwrap();
    let disk_cache =
        Some(CacheConfig { folder: folder.path().to_owned(), most_bytes: 1 << 30, key: [1; 32] });
    let config = |compilation| SandboxConfig {
        disk_cache: disk_cache.clone(),
        compilation,
        ..SandboxConfig::default()
    };
    let child = Compilation::InChild(process(CompilerLimits::default()));
    let first = Sandbox::new(config(child)).unwrap();
    let success = first.run(&echo(), &job(b"x"), &Cancellation::default()).unwrap();
    assert_eq!(success.stdout, b"x");
    assert_eq!(first.cache_counts().compiled, 1);
    let second = Sandbox::new(config(Compilation::InProcess)).unwrap();
    let again = second.run(&echo(), &job(b"x"), &Cancellation::default()).unwrap();
    assert_eq!((success, second.cache_counts().disk_hits), (again, 1));
}

#[test]
fn a_refusal_comes_back_from_the_child_as_it_would_from_here() {
    let sandbox = sandbox(process(CompilerLimits::default()));
    let body: Vec<u8> = vec![0; 100_001];
    let sources = [
        wat::parse_str(include_str!("../guests/unknown_import.wat")).unwrap(),
        wat::parse_str("(module (table 100001 funcref) (func (export \"_start\")))").unwrap(),
        body,
    ];
    for module in sources {
        let refusal = prepare(&module).unwrap_err();
        let FailureKind::InvalidModule(told) =
            fault(sandbox.warm(&module, &Cancellation::default()))
        else {
            panic!("{refusal}");
        };
        assert_eq!(told, refusal);
        assert!(!matches!(told.reason, RefusalReason::NoStart));
    }
}

#[test]
fn a_compile_bomb_ends_at_the_limit_of_real_time_and_the_host_goes_on() {
    let limits = CompilerLimits { wall_ms: 300, ..CompilerLimits::default() };
    let impatient = sandbox(process(limits));
    let outcome = impatient.warm(&bomb(3_000, 300), &Cancellation::default());
    assert_eq!(fault(outcome), FailureKind::Local(LocalFault::CompilationLimit));
    assert!(
        sandbox(process(CompilerLimits::default()))
            .run(&echo(), &job(b"x"), &Cancellation::default())
            .is_ok()
    );
}

#[test]
fn a_compile_bomb_ends_at_the_limit_of_processor_time() {
    let limits = CompilerLimits { cpu_seconds: 1, ..CompilerLimits::default() };
    let outcome = sandbox(process(limits)).warm(&bomb(3_000, 300), &Cancellation::default());
    assert_eq!(fault(outcome), FailureKind::Local(LocalFault::CompilationLimit));
}

#[test]
fn a_compile_bomb_ends_at_the_limit_of_address_space() {
    let limits = CompilerLimits { address_bytes: 160 << 20, ..CompilerLimits::default() };
    let limited = sandbox(process(limits));
    let outcome = limited.run(&echo(), &job(b"x"), &Cancellation::default());
    assert!(outcome.is_ok(), "a small module fits: {outcome:?}");
    let outcome = limited.warm(&bomb(1, 20_000), &Cancellation::default());
    assert_eq!(fault(outcome), FailureKind::Local(LocalFault::CompilationLimit));
}

#[test]
fn compiled_code_above_its_limit_is_not_taken() {
    let limits = CompilerLimits { artifact_bytes: 1_000, ..CompilerLimits::default() };
    let outcome = sandbox(process(limits)).warm(&echo(), &Cancellation::default());
    assert_eq!(fault(outcome), FailureKind::Local(LocalFault::CompilationLimit));
}

#[test]
fn a_compilation_is_cancelled_from_another_thread() {
    let sandbox = sandbox(process(CompilerLimits::default()));
    let module = bomb(3_000, 300);
    let cancellation = Cancellation::default();
    let outcome = std::thread::scope(|scope| {
        let run = scope.spawn(|| sandbox.warm(&module, &cancellation));
        std::thread::sleep(std::time::Duration::from_millis(100));
        cancellation.cancel();
        run.join().unwrap()
    });
    assert_eq!(fault(outcome), FailureKind::Local(LocalFault::Cancelled));
}

#[test]
fn a_command_that_is_no_compiler_is_named_as_such() {
    for program in ["/bin/true", "/bin/cat", "/does/not/exist"] {
        let limits = CompilerLimits::default();
        let process = CompilerProcess { program: program.into(), arguments: Vec::new(), limits };
        let outcome = sandbox(process).warm(&echo(), &Cancellation::default());
        assert_eq!(fault(outcome), FailureKind::Local(LocalFault::Compiler), "{program}");
    }
}

#[test]
fn threads_that_want_the_same_new_module_compile_it_once() {
    let sandbox = sandbox(process(CompilerLimits { at_once: 1, ..CompilerLimits::default() }));
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| sandbox.run(&echo(), &job(b"x"), &Cancellation::default())))
            .collect();
        assert!(runs.into_iter().all(|run| run.join().unwrap().is_ok()));
    });
    assert_eq!(sandbox.cache_counts().compiled, 1);
}
