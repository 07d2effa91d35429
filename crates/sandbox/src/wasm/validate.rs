//! Refuses modules outside of the profile: what, where, and what to do.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use wasmparser::{
    CompositeInnerType, Export, ExternalKind, FuncType, Import, Parser, Payload, TypeRef,
    ValidPayload, Validator,
};

use super::profile::Profile;
use super::wasi;

/// A module that is outside of the profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("at byte {offset:#x}: {reason}")]
pub struct Refusal {
    /// Where in the module, in bytes from its start.
    pub offset: usize,
    /// What is wrong and what to do.
    pub reason: RefusalReason,
}

/// What is wrong with a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum RefusalReason {
    /// Not Wasm, or Wasm with features that the profile leaves out.
    #[error("{message}; build for wasm32-wasip1 without threads, tail calls or relaxed SIMD")]
    Invalid {
        /// What the validator said.
        message: String,
    },
    /// Something is larger than the profile allows.
    #[error("{what}: {actual} where {limit} are allowed; make the module smaller")]
    TooLarge {
        /// What was counted.
        what: Cow<'static, str>,
        /// How many there are.
        actual: u64,
        /// How many may be.
        limit: u64,
    },
    /// An import that is not WASI preview 1.
    #[error("unknown import {module}.{name}; only functions of wasi_snapshot_preview1 are served")]
    UnknownImport {
        /// The module that it is imported from.
        module: String,
        /// Its name.
        name: String,
    },
    /// A WASI function with other parameters or results than the standard says.
    #[error("import {name} has another type than in WASI preview 1; use its standard header")]
    ImportType {
        /// Its name.
        name: String,
    },
    /// An export with a name that the instrumentation needs.
    #[error("export {name} begins with a reserved prefix; rename it")]
    ReservedExport {
        /// Its name.
        name: String,
    },
    /// Not a command.
    #[error("no function _start without parameters and results; build a command, not a library")]
    NoStart,
    /// A memory that is not exported as `memory`, which WASI requires.
    #[error("the memory is not exported as `memory`; export it")]
    HiddenMemory,
}

/// Refuses with a place.
pub(super) const fn refusal(offset: usize, reason: RefusalReason) -> Refusal {
    Refusal { offset, reason }
}

impl From<wasmparser::Error> for Refusal {
    fn from(error: wasmparser::Error) -> Self {
        refusal(error.offset(), RefusalReason::Invalid { message: error.message().to_owned() })
    }
}

/// Refuses a count above its limit.
fn within(offset: usize, what: &'static str, actual: u64, limit: u64) -> Result<(), Refusal> {
    if actual > limit {
        let what = Cow::Borrowed(what);
        return Err(refusal(offset, RefusalReason::TooLarge { what, actual, limit }));
    }
    Ok(())
}

/// What the instrumentation needs to know of a module.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Function types by index.
    pub(super) types: Vec<FuncType>,
    /// Type of every function, the imported first.
    pub(super) functions: Vec<u32>,
    /// How many of them are imported.
    pub(super) imported: u32,
    pub(super) globals: u32,
    /// Pages at the start; `None` without a memory.
    pub(super) initial_pages: Option<u32>,
    pub(super) start: Option<u32>,
    /// Largest operand stack of every defined function, in values.
    pub(super) heights: Vec<u32>,
    exports_memory: bool,
    exports_start: bool,
}

/// Checks a whole module without running or compiling anything of it.
///
/// # Errors
///
/// [`Refusal`]: where and how the module is outside of the profile.
pub fn check(module: &[u8]) -> Result<(), Refusal> {
    validate(module).map(drop)
}

/// Checks the whole module and gathers what the instrumentation needs.
pub(super) fn validate(module: &[u8]) -> Result<Facts, Refusal> {
    within(0, "bytes", module.len() as u64, Profile::MAXIMUM_MODULE_BYTES as u64)?;
    let mut validator = Validator::new_with_features(Profile::features());
    let mut facts = Facts::default();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        bounds(&payload)?;
        if let ValidPayload::Func(function, body) = validator.payload(&payload)? {
            let offset = body.range().start;
            within(offset, "bytes of a body", body.range().len() as u64, MAXIMUM_BODY)?;
            let mut function = function.into_validator(Default::default());
            let mut reader = body.get_binary_reader();
            function.read_locals(&mut reader)?;
            let locals = u64::from(function.len_locals());
            within(offset, "locals", locals, u64::from(Profile::MAXIMUM_LOCALS))?;
            reader.set_features(Profile::features());
            let mut height = 0;
            while !reader.eof() {
                let at = reader.original_position();
                reader.visit_operator(&mut function.visitor(at))??;
                height = height.max(function.operand_stack_height());
            }
            reader.finish_expression(&function.visitor(reader.original_position()))?;
            facts.heights.push(height);
        }
        facts.read(payload)?;
    }
    if !facts.exports_start {
        return Err(refusal(0, RefusalReason::NoStart));
    }
    if facts.initial_pages.is_some() && !facts.exports_memory {
        return Err(refusal(0, RefusalReason::HiddenMemory));
    }
    Ok(facts)
}

const MAXIMUM_BODY: u64 = Profile::MAXIMUM_BODY_BYTES as u64;

/// Limits on numbers, checked before the validator allocates for them.
fn bounds(payload: &Payload<'_>) -> Result<(), Refusal> {
    let (what, count, limit, offset) = match payload {
        Payload::TypeSection(it) => ("types", it.count(), Profile::MAXIMUM_TYPES, it.range().start),
        Payload::ImportSection(it) => {
            ("imports", it.count(), Profile::MAXIMUM_IMPORTS, it.range().start)
        }
        Payload::FunctionSection(it) => {
            ("functions", it.count(), Profile::MAXIMUM_FUNCTIONS, it.range().start)
        }
        Payload::GlobalSection(it) => {
            ("globals", it.count(), Profile::MAXIMUM_GLOBALS, it.range().start)
        }
        Payload::TableSection(it) => ("tables", it.count(), 1, it.range().start),
        Payload::MemorySection(it) => ("memories", it.count(), 1, it.range().start),
        Payload::DataSection(it) => {
            ("data segments", it.count(), Profile::MAXIMUM_SEGMENTS, it.range().start)
        }
        Payload::ElementSection(it) => {
            ("element segments", it.count(), Profile::MAXIMUM_SEGMENTS, it.range().start)
        }
        Payload::ExportSection(it) => {
            ("exports", it.count(), Profile::MAXIMUM_EXPORTS, it.range().start)
        }
        _ => return Ok(()),
    };
    within(offset, what, u64::from(count), u64::from(limit))
}

impl Facts {
    /// The type of a function.
    pub(super) fn function(&self, index: u32) -> &FuncType {
        &self.types[self.functions[index as usize] as usize]
    }

    fn read(&mut self, payload: Payload<'_>) -> Result<(), Refusal> {
        match payload {
            Payload::TypeSection(section) => {
                let offset = section.range().start;
                for group in section {
                    for sub in group?.into_types() {
                        if let CompositeInnerType::Func(function) = sub.composite_type.inner {
                            let results = function.results().len() as u64;
                            let limit = Profile::MAXIMUM_RESULTS as u64;
                            within(offset, "results", results, limit)?;
                            self.types.push(function);
                        }
                    }
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports_with_offsets() {
                    let (offset, import) = import?;
                    self.import(offset, import)?;
                }
            }
            Payload::FunctionSection(section) => {
                for index in section {
                    self.functions.push(index?);
                }
            }
            Payload::TableSection(section) => {
                for table in section.into_iter_with_offsets() {
                    let (offset, table) = table?;
                    let limit = Profile::MAXIMUM_TABLE_ENTRIES;
                    within(offset, "table entries", table.ty.initial, limit)?;
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    self.initial_pages = u32::try_from(memory?.initial).ok();
                }
            }
            Payload::GlobalSection(section) => self.globals += section.count(),
            Payload::ExportSection(section) => {
                for export in section.into_iter_with_offsets() {
                    let (offset, export) = export?;
                    self.export(offset, export)?;
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            _ => {}
        }
        Ok(())
    }

    fn import(&mut self, offset: usize, import: Import<'_>) -> Result<(), Refusal> {
        let unknown = || RefusalReason::UnknownImport {
            module: import.module.to_owned(),
            name: import.name.to_owned(),
        };
        let (wasi::MODULE, TypeRef::Func(index)) = (import.module, import.ty) else {
            return Err(refusal(offset, unknown()));
        };
        let Some(call) = wasi::Call::named(import.name) else {
            return Err(refusal(offset, unknown()));
        };
        if !call.has_type(&self.types[index as usize]) {
            let reason = RefusalReason::ImportType { name: import.name.to_owned() };
            return Err(refusal(offset, reason));
        }
        self.functions.push(index);
        self.imported += 1;
        Ok(())
    }

    fn export(&mut self, offset: usize, export: Export<'_>) -> Result<(), Refusal> {
        if export.name.starts_with(Profile::RESERVED_PREFIX) {
            let reason = RefusalReason::ReservedExport { name: export.name.to_owned() };
            return Err(refusal(offset, reason));
        }
        match (export.name, export.kind) {
            ("memory", ExternalKind::Memory) => self.exports_memory = true,
            ("_start", ExternalKind::Func) => {
                let function = self.function(export.index);
                self.exports_start = function.params().is_empty() && function.results().is_empty();
            }
            _ => {}
        }
        Ok(())
    }
}
