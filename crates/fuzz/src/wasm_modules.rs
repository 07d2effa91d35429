//! Programs of strangers: valid modules, made from the bytes of an input.

use arbitrary::Unstructured;
use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{CodeSection, ExportKind, ExportSection, FunctionSection, TypeSection};
use wasm_smith::{Config, Module};
use wasmparser::{Parser, Payload};

/// Reads one input, the choices of wasm-smith. The module becomes a command and is treated as any
/// other program; without the empty ones, nearly all are admitted.
pub fn read(bytes: &[u8]) {
    let Ok(module) = Module::new(config(), &mut Unstructured::new(bytes)) else { return };
    if let Some(command) = command(&module.to_bytes()) {
        crate::wasm_bytes::read(&command);
    }
}

/// What the profile allows.
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

/// A command around a module: its memory and an empty entry are exported as WASI wants.
fn command(module: &[u8]) -> Option<Vec<u8>> {
    let mut out = wasm_encoder::Module::new();
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0);
    let mut plain = RoundtripReencoder;
    let (mut entry_type, mut functions) = (0, 0);
    let (mut bodies, mut placed) = (CodeSection::new(), false);
    for payload in Parser::new(0).parse_all(module) {
        match payload.ok()? {
            Payload::TypeSection(section) => {
                let mut copy = TypeSection::new();
                plain.parse_type_section(&mut copy, section).ok()?;
                entry_type = copy.len();
                copy.ty().function([], []);
                out.section(&copy);
            }
            Payload::FunctionSection(section) => {
                functions = section.count();
                let mut copy = FunctionSection::new();
                plain.parse_function_section(&mut copy, section).ok()?;
                copy.function(entry_type);
                exports.export("_start", ExportKind::Func, functions);
                out.section(&copy);
            }
            Payload::ExportSection(_) | Payload::CustomSection(_) => {}
            Payload::CodeSectionEntry(body) => {
                plain.parse_function_body(&mut bodies, body).ok()?;
                if bodies.len() == functions {
                    let mut entry = wasm_encoder::Function::new([]);
                    entry.instructions().end();
                    bodies.function(&entry);
                    out.section(&bodies);
                }
            }
            payload => {
                let later = matches!(
                    payload,
                    Payload::StartSection { .. }
                        | Payload::ElementSection(_)
                        | Payload::DataCountSection { .. }
                        | Payload::CodeSectionStart { .. }
                );
                if later && !placed {
                    out.section(&exports);
                    placed = true;
                }
                if !matches!(payload, Payload::CodeSectionStart { .. })
                    && let Some((id, range)) = payload.as_section()
                {
                    out.section(&wasm_encoder::RawSection { id, data: module.get(range)? });
                }
            }
        }
    }
    Some(out.finish())
}
