//! Random modules: whatever they do, both engines say the same.

use proptest::prelude::*;
use tallystick_sandbox::wasm::{
    Cancellation, FailureKind, Sandbox, SandboxConfig, interpret, prepare,
};
use wasm_smith::{Config, Module};

use crate::guests::job;

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
        // wasmi 2.0.0 stops the process on some random vector code; the corpus has vectors.
        simd_enabled: false,
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

#[test]
fn random_modules_are_mostly_within_the_profile() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut accepted = 0;
    for _ in 0..100 {
        let seed: Vec<u8> = (0..4_096)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        let mut source = arbitrary::Unstructured::new(&seed);
        let module = match Module::new(config(), &mut source) {
            Ok(module) => module,
            Err(error) => {
                println!("{error}");
                continue;
            }
        };
        let bytes = command(&module.to_bytes()).unwrap_or_default();
        match prepare(&bytes) {
            Ok(_) => accepted += 1,
            Err(refusal) => println!("{refusal}"),
        }
    }
    assert!(accepted >= 50, "only {accepted} of 100: the property below would prove little");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn random_modules_end_alike_on_both_engines(
        seed in prop::collection::vec(any::<u8>(), 4_096),
    ) {
        let mut source = arbitrary::Unstructured::new(&seed);
        let Ok(module) = Module::new(config(), &mut source) else { return Ok(()) };
        let Some(bytes) = command(&module.to_bytes()) else { return Ok(()) };
        let Ok(program) = prepare(&bytes) else { return Ok(()) };
        let mut job = job(b"");
        job.limits.units = 300_000;
        let sandbox = SANDBOX.with(|sandbox| sandbox.run(&bytes, &job, &Cancellation::default()));
        let local = sandbox.as_ref().is_err_and(|it| matches!(it.kind, FailureKind::Local(_)));
        prop_assert!(!local, "{:?}", sandbox);
        prop_assert_eq!(sandbox, interpret(&program, &job));
    }
}

thread_local! {
    static SANDBOX: Sandbox = Sandbox::new(SandboxConfig::default()).expect("a supported machine");
}
