//! Rewrites a module so that every engine counts alike.
//!
//! What is added: four globals (`tally:units`, `tally:stack`, `tally:pages`, `tally:refused`), two
//! functions (moving bytes for units, growing memory within the limit), a charge per straight run
//! of
//! instructions, a frame count around functions that call, and canonical NaNs. The start function
//! becomes the export `tally:start`, so that it runs after the budget is set. Custom sections are
//! dropped. Indices of the module stay as they are: everything new comes after them.

mod function;
mod nan;
mod region;

use wasm_encoder::reencode::{Error as ReencodeError, Reencode, RoundtripReencoder};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection, ExportKind,
    ExportSection, Function, FunctionSection, GlobalSection, GlobalType, ImportSection,
    MemorySection, Module, TableSection, TypeSection, ValType,
};
use wasmparser::{Operator, Parser, Payload};

use super::cost;
use super::profile::{Digest, Profile, digest};
use super::validate::{Facts, Refusal, RefusalReason, refusal, validate};

/// Export of the units that are left.
pub(super) const UNITS: &str = "tally:units";
/// Export of the slots that are left.
pub(super) const STACK: &str = "tally:stack";
/// Export of the limit of pages.
pub(super) const PAGES: &str = "tally:pages";
/// Export of the number that says whether a growth was refused.
pub(super) const REFUSED: &str = "tally:refused";
/// Export of the start function.
pub(super) const START: &str = "tally:start";

/// A module that was validated and instrumented: the only thing that engines see.
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) bytes: Vec<u8>,
    pub(super) initial_pages: u32,
    digest: Digest,
}

impl Program {
    /// SHA-256 of the original module.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The instrumented module, which is valid Wasm.
    #[must_use]
    pub fn instrumented(&self) -> &[u8] {
        &self.bytes
    }
}

/// The name of an instruction as the parser spells it.
pub(super) fn name_of(operator: &Operator<'_>) -> &'static str {
    macro_rules! names {
        ($( @$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident
            ($($ann:tt)*))*) => {
            match operator {
                $( Operator::$op { .. } => stringify!($op), )*
                _ => "",
            }
        };
    }
    wasmparser::for_each_operator!(names)
}

/// Indices of what the instrumentation adds.
#[derive(Clone, Copy)]
struct Added {
    units: u32,
    stack: u32,
    pages: u32,
    refused: u32,
    /// Function `(amount) -> amount` that charges for bytes or entries moved.
    moved: u32,
    /// Function that replaces `memory.grow`.
    grow: u32,
    /// First of the added types.
    types: u32,
}

/// Validates and instruments a module.
///
/// # Errors
///
/// A [`Refusal`] when the module is outside of the profile; every honest machine says the same.
pub fn prepare(module: &[u8]) -> Result<Program, Refusal> {
    let facts = validate(module)?;
    let defined = facts.functions.len() as u32;
    let added = Added {
        units: facts.globals,
        stack: facts.globals + 1,
        pages: facts.globals + 2,
        refused: facts.globals + 3,
        moved: defined,
        grow: defined + 1,
        types: facts.types.len() as u32,
    };
    let mut sections = Sections::default();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        sections.copy(payload, &facts, added).map_err(unencodable)?;
    }
    sections.add(&facts, added);
    Ok(Program {
        bytes: sections.assemble(&facts),
        initial_pages: facts.initial_pages.unwrap_or(0),
        digest: digest(&[module]),
    })
}

/// The validator accepted what the encoder cannot write: still a refusal, never a crash.
fn unencodable(error: ReencodeError) -> Refusal {
    refusal(0, RefusalReason::Invalid { message: error.to_string() })
}

#[derive(Default)]
struct Sections {
    types: TypeSection,
    imports: ImportSection,
    functions: FunctionSection,
    tables: TableSection,
    memories: MemorySection,
    globals: GlobalSection,
    exports: ExportSection,
    elements: ElementSection,
    data_count: Option<u32>,
    code: CodeSection,
    data: DataSection,
    bodies: usize,
}

impl Sections {
    fn copy(
        &mut self,
        payload: Payload<'_>,
        facts: &Facts,
        added: Added,
    ) -> Result<(), ReencodeError> {
        let mut plain = RoundtripReencoder;
        match payload {
            Payload::TypeSection(it) => plain.parse_type_section(&mut self.types, it),
            Payload::ImportSection(it) => plain.parse_import_section(&mut self.imports, it),
            Payload::FunctionSection(it) => plain.parse_function_section(&mut self.functions, it),
            Payload::TableSection(it) => {
                for table in it {
                    let mut table = plain.table_type(table?.ty)?;
                    let limit = Profile::MAXIMUM_TABLE_ENTRIES;
                    table.maximum = Some(table.maximum.map_or(limit, |most| most.min(limit)));
                    self.tables.table(table);
                }
                Ok(())
            }
            Payload::MemorySection(it) => {
                for memory in it {
                    let mut memory = plain.memory_type(memory?)?;
                    let limit = u64::from(Profile::MAXIMUM_PAGES).max(memory.minimum);
                    memory.maximum = Some(memory.maximum.map_or(limit, |most| most.min(limit)));
                    self.memories.memory(memory);
                }
                Ok(())
            }
            Payload::GlobalSection(it) => plain.parse_global_section(&mut self.globals, it),
            Payload::ExportSection(it) => plain.parse_export_section(&mut self.exports, it),
            Payload::ElementSection(it) => plain.parse_element_section(&mut self.elements, it),
            Payload::DataCountSection { count, .. } => {
                self.data_count = Some(count);
                Ok(())
            }
            Payload::DataSection(it) => plain.parse_data_section(&mut self.data, it),
            Payload::CodeSectionEntry(body) => {
                let function = function::rewrite(&body, facts, self.bodies, added)?;
                self.bodies += 1;
                self.code.function(&function);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn add(&mut self, facts: &Facts, added: Added) {
        self.types.ty().function([ValType::I32], [ValType::I32]);
        for function in &facts.types {
            // A block with several results needs a type of its own; one per type keeps it simple.
            let results = function
                .results()
                .iter()
                .map(|one| RoundtripReencoder.val_type(*one))
                .collect::<Result<Vec<_>, _>>()
                .unwrap_or_default();
            self.types.ty().function([], results);
        }
        self.functions.function(added.types);
        self.code.function(&moved(added));
        if facts.initial_pages.is_some() {
            self.functions.function(added.types);
            self.code.function(&grow(added));
        }
        let counter = |val_type| GlobalType { val_type, mutable: true, shared: false };
        self.globals.global(counter(ValType::I64), &ConstExpr::i64_const(0));
        self.globals.global(counter(ValType::I64), &ConstExpr::i64_const(0));
        self.globals.global(counter(ValType::I32), &ConstExpr::i32_const(0));
        self.globals.global(counter(ValType::I32), &ConstExpr::i32_const(0));
        self.exports.export(UNITS, ExportKind::Global, added.units);
        self.exports.export(STACK, ExportKind::Global, added.stack);
        self.exports.export(PAGES, ExportKind::Global, added.pages);
        self.exports.export(REFUSED, ExportKind::Global, added.refused);
        if let Some(start) = facts.start {
            self.exports.export(START, ExportKind::Func, start);
        }
    }

    fn assemble(self, facts: &Facts) -> Vec<u8> {
        let mut module = Module::new();
        module.section(&self.types).section(&self.imports).section(&self.functions);
        module.section(&self.tables).section(&self.memories).section(&self.globals);
        module.section(&self.exports).section(&self.elements);
        if let Some(count) = self.data_count {
            module.section(&DataCountSection { count });
        }
        module.section(&self.code);
        if facts.initial_pages.is_some() || !self.data.is_empty() {
            module.section(&self.data);
        }
        module.finish()
    }
}

/// `(amount) -> amount`: charges for what a bulk operation is about to move.
fn moved(added: Added) -> Function {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    code.global_get(added.units).local_get(0).i64_extend_i32_u();
    code.i64_const(i64::from(cost::MOVED_SHIFT)).i64_shr_u().i64_sub().global_set(added.units);
    code.global_get(added.units).i64_const(0).i64_lt_s();
    code.if_(BlockType::Empty).unreachable().end().local_get(0).end();
    function
}

/// `memory.grow` within the limit of the job, paid by the page.
fn grow(added: Added) -> Function {
    let mut function = Function::new([(1, ValType::I32)]);
    let mut code = function.instructions();
    code.memory_size(0).i64_extend_i32_u().local_get(0).i64_extend_i32_u().i64_add();
    code.global_get(added.pages).i64_extend_i32_u().i64_gt_u();
    code.if_(BlockType::Empty).i32_const(1).global_set(added.refused);
    code.i32_const(-1).return_().end();
    code.local_get(0).memory_grow(0).local_tee(1).i32_const(-1).i32_ne();
    code.if_(BlockType::Empty).global_get(added.units).local_get(0).i64_extend_i32_u();
    code.i64_const(cost::PAGE).i64_mul().i64_sub().global_set(added.units).end();
    code.local_get(1).end();
    function
}
