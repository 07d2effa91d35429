//! Random modules: whatever they do, both engines say the same.
//!
//! The seeds are numbers, so that every run of the suite sees the same modules. The second engine
//! runs in a child: if it dies, the test names the seed instead of dying with it. To search
//! further: `TALLYSTICK_RANDOM_SEEDS=200..9000 cargo test -p tallystick-sandbox random_modules`.

use std::io::Write as _;
use std::ops::Range;
use std::path::Path;
use std::process::{Command, Stdio};

use tallystick_sandbox::wasm::{
    Cancellation, Failure, FailureKind, Job, LocalFault, Sandbox, SandboxConfig, Success,
    interpret, prepare,
};
use wasm_smith::{Config, Module};

use crate::guests::job;

/// The seeds of the suite.
const SEEDS: Range<u64> = 0..200;
/// Other seeds, as `from..to`.
const SEEDS_VARIABLE: &str = "TALLYSTICK_RANDOM_SEEDS";
/// Where the child writes one line per seed.
const ANSWERS_VARIABLE: &str = "TALLYSTICK_RANDOM_ANSWERS";

fn config() -> Config {
    Config {
        available_imports: None,
        max_imports: 0,
        min_funcs: 1,
        max_funcs: 6,
        max_memories: 1,
        min_memories: 1,
        max_memory32_bytes: 1 << 22,
        max_tables: 1,
        max_table_elements: 100,
        bulk_memory_enabled: true,
        reference_types_enabled: false,
        min_types: 1,
        simd_enabled: true,
        relaxed_simd_enabled: false,
        threads_enabled: false,
        tail_call_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        custom_page_sizes_enabled: false,
        memory64_enabled: false,
        wide_arithmetic_enabled: false,
        extended_const_enabled: false,
        shared_everything_threads_enabled: false,
        allow_start_export: true,
        export_everything: false,
        max_exports: 0,
        max_instructions: 200,
        allow_invalid_funcs: false,
        ..Config::default()
    }
}

/// A command around a random module: its memory and one function are exported as WASI wants.
fn command(module: &[u8]) -> Option<Vec<u8>> {
    use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
    use wasmparser::{Parser, Payload};
    let mut out = wasm_encoder::Module::new();
    let mut exports = wasm_encoder::ExportSection::new();
    exports.export("memory", wasm_encoder::ExportKind::Memory, 0);
    let plain = &mut RoundtripReencoder;
    let (mut types, mut functions) = (Vec::new(), Vec::new());
    let mut entry_type = None;
    let mut bodies = wasm_encoder::CodeSection::new();
    let mut placed = false;
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload.ok()?;
        match &payload {
            Payload::TypeSection(section) => {
                types =
                    section.clone().into_iter_err_on_gc_types().collect::<Result<_, _>>().ok()?;
                let mut copy = wasm_encoder::TypeSection::new();
                plain.parse_type_section(&mut copy, section.clone()).ok()?;
                entry_type = Some(copy.len());
                copy.ty().function([], []);
                out.section(&copy);
                continue;
            }
            Payload::FunctionSection(section) => {
                functions = section.clone().into_iter().collect::<Result<Vec<_>, _>>().ok()?;
                let mut copy = wasm_encoder::FunctionSection::new();
                plain.parse_function_section(&mut copy, section.clone()).ok()?;
                copy.function(entry_type?);
                exports.export("_start", wasm_encoder::ExportKind::Func, functions.len() as u32);
                out.section(&copy);
                continue;
            }
            Payload::StartSection { .. }
            | Payload::ElementSection(_)
            | Payload::DataCountSection { .. }
            | Payload::CodeSectionStart { .. }
                if !placed =>
            {
                out.section(&exports);
                placed = true;
            }
            Payload::ExportSection(_) | Payload::CustomSection(_) => continue,
            _ => {}
        }
        if let Payload::CodeSectionEntry(body) = &payload {
            plain.parse_function_body(&mut bodies, body.clone()).ok()?;
            if bodies.len() as usize == functions.len() {
                bodies.function(&entry(&types, &functions));
                out.section(&bodies);
            }
        } else if !matches!(payload, Payload::CodeSectionStart { .. })
            && let Some((id, range)) = payload.as_section()
        {
            out.section(&wasm_encoder::RawSection { id, data: &module[range] });
        }
    }
    Some(out.finish())
}

/// Calls every function with small numbers.
fn entry(types: &[wasmparser::FuncType], functions: &[u32]) -> wasm_encoder::Function {
    use wasmparser::ValType;
    let mut function = wasm_encoder::Function::new([]);
    let mut sink = function.instructions();
    for (index, ty) in functions.iter().enumerate() {
        let ty = &types[*ty as usize];
        for param in ty.params() {
            match param {
                ValType::I32 => sink.i32_const(3),
                ValType::I64 => sink.i64_const(-5),
                ValType::F32 => sink.f32_const(f32::NAN.into()),
                ValType::F64 => sink.f64_const((-0.5).into()),
                ValType::V128 => sink.v128_const(0x0102_0304),
                ValType::Ref(_) => sink.ref_null(wasm_encoder::HeapType::FUNC),
            };
        }
        sink.call(index as u32);
        for _ in ty.results() {
            sink.drop();
        }
    }
    sink.end();
    function
}

/// The command of a seed, or nothing where the bytes make no module of the profile.
fn random_command(seed: u64) -> Option<Vec<u8>> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let bytes: Vec<u8> = (0..4_096)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect();
    let module = Module::new(config(), &mut arbitrary::Unstructured::new(&bytes)).ok()?;
    command(&module.to_bytes()).filter(|command| prepare(command).is_ok())
}

fn small_job() -> Job {
    let mut job = job(b"");
    job.limits.units = 300_000;
    job
}

fn line(seed: u64, outcome: &Result<Success, Failure>) -> String {
    format!("{seed} {outcome:?}")
}

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var(SEEDS_VARIABLE) else { return SEEDS };
    let (from, to) = text.split_once("..").expect("seeds are written from..to");
    from.parse().expect("a number")..to.parse().expect("a number")
}

#[test]
fn random_modules_are_mostly_within_the_profile() {
    let accepted = (0..100).filter(|seed| random_command(*seed).is_some()).count();
    assert!(accepted >= 50, "only {accepted} of 100: the test below would prove little");
}

/// The child of the test below: the second engine, one line per seed, written before the next
/// begins.
#[test]
#[ignore = "a child process of the next test"]
fn the_second_engine_answers_in_a_child() {
    let path = std::env::var_os(ANSWERS_VARIABLE).expect("the parent names a file");
    let mut answers = std::fs::File::create(path).unwrap();
    for seed in seeds() {
        let Some(bytes) = random_command(seed) else { continue };
        let outcome = interpret(&prepare(&bytes).unwrap(), &small_job());
        writeln!(answers, "{}", line(seed, &outcome)).unwrap();
    }
}

fn answers_of_the_second_engine(folder: &Path) -> (String, std::process::ExitStatus) {
    let path = folder.join("answers");
    let Range { start, end } = seeds();
    let status = Command::new(std::env::current_exe().expect("this test binary"))
        .args(["random::the_second_engine_answers_in_a_child", "--exact", "--ignored"])
        .env(ANSWERS_VARIABLE, &path)
        .env(SEEDS_VARIABLE, format!("{start}..{end}"))
        .stdout(Stdio::null())
        .status()
        .expect("a child of this test binary");
    (std::fs::read_to_string(&path).unwrap_or_default(), status)
}

#[test]
fn random_modules_end_alike_on_both_engines() {
    let sandbox = Sandbox::new(SandboxConfig::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (answers, status) = answers_of_the_second_engine(folder.path());
    let mut answers = answers.lines();
    let (mut compared, mut skipped) = (0, 0);
    for seed in seeds() {
        let Some(bytes) = random_command(seed) else { continue };
        let outcome = sandbox.run(&bytes, &small_job(), &Cancellation::default());
        let local = outcome.as_ref().is_err_and(|it| matches!(it.kind, FailureKind::Local(_)));
        assert!(!local, "seed {seed}: {outcome:?}");
        let Some(other) = answers.next() else {
            panic!("the second engine ended at seed {seed}: {status}");
        };
        if other == line(seed, &Err(LocalFault::SecondEngine.into())) {
            skipped += 1;
            continue;
        }
        compared += 1;
        assert_eq!(line(seed, &outcome), other);
    }
    assert!(status.success(), "{status}");
    // About one module in ten holds the instructions that the second engine cannot take.
    assert!(
        skipped * 4 < compared,
        "{skipped} skipped, {compared} compared: too few to prove much"
    );
}
