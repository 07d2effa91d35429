//! The cost table of the profile: units per instruction, about one per nanosecond of old hardware.
//!
//! | what | units |
//! |---|---|
//! | block, loop, end, else, nop, drop, unreachable | 0 |
//! | constants, locals, integer arithmetic, comparisons, branches, select | 1 |
//! | globals, loads, stores | 2 |
//! | float arithmetic, SIMD | 3 |
//! | integer division and remainder, float division and square root | 12 |
//! | `br_table` | 4 |
//! | call; indirect call | 8; 14 |
//! | bulk operation on memory or table; per byte or entry | 16; 1/4 |
//! | `memory.grow`; per page granted | 64; 4,096 |
//! | call of the world; per byte moved | 256; 1/4 |

use wasmparser::Operator;

/// Units of one call of the world, paid in addition to the call.
pub(super) const WORLD_CALL: i64 = 256;
/// Bytes or table entries moved for one unit, as a power of two.
pub(super) const MOVED_SHIFT: u32 = 2;
/// Units per page of 64 KiB that `memory.grow` granted.
pub(super) const PAGE: i64 = 4_096;
/// Slots that every frame costs beside its locals and operands.
pub(super) const FRAME: u64 = 6;

/// Units of one instruction, without what depends on its operands.
pub(super) fn units(operator: &Operator<'_>) -> u64 {
    use Operator as O;
    match operator {
        O::Block { .. } | O::Loop { .. } | O::End | O::Else | O::Nop | O::Drop => 0,
        O::Unreachable => 0,
        O::F32Const { .. } | O::F64Const { .. } | O::V128Const { .. } => 1,
        O::GlobalGet { .. } | O::GlobalSet { .. } => 2,
        O::BrTable { .. } => 4,
        O::Call { .. } => 8,
        O::CallIndirect { .. } => 14,
        O::I32DivS | O::I32DivU | O::I32RemS | O::I32RemU => 12,
        O::I64DivS | O::I64DivU | O::I64RemS | O::I64RemU => 12,
        O::F32Div | O::F32Sqrt | O::F64Div | O::F64Sqrt => 12,
        O::F32x4Div | O::F32x4Sqrt | O::F64x2Div | O::F64x2Sqrt => 12,
        O::MemoryGrow { .. } => 64,
        O::MemoryCopy { .. } | O::MemoryFill { .. } | O::MemoryInit { .. } => 16,
        O::TableCopy { .. } | O::TableFill { .. } | O::TableInit { .. } => 16,
        O::TableGrow { .. } | O::DataDrop { .. } | O::ElemDrop { .. } => 16,
        other if touches_memory(other) => 2,
        other if is_simd_or_float(other) => 3,
        _ => 1,
    }
}

/// Loads and stores of one value.
const fn touches_memory(operator: &Operator<'_>) -> bool {
    use Operator as O;
    matches!(
        operator,
        O::I32Load { .. }
            | O::I64Load { .. }
            | O::F32Load { .. }
            | O::F64Load { .. }
            | O::I32Load8S { .. }
            | O::I32Load8U { .. }
            | O::I32Load16S { .. }
            | O::I32Load16U { .. }
            | O::I64Load8S { .. }
            | O::I64Load8U { .. }
            | O::I64Load16S { .. }
            | O::I64Load16U { .. }
            | O::I64Load32S { .. }
            | O::I64Load32U { .. }
            | O::I32Store { .. }
            | O::I64Store { .. }
            | O::F32Store { .. }
            | O::F64Store { .. }
            | O::I32Store8 { .. }
            | O::I32Store16 { .. }
            | O::I64Store8 { .. }
            | O::I64Store16 { .. }
            | O::I64Store32 { .. }
            | O::TableGet { .. }
            | O::TableSet { .. }
    )
}

/// Whether an instruction works on vectors or scalar floats; read off its name, as the lists of
/// both are long and regular.
fn is_simd_or_float(operator: &Operator<'_>) -> bool {
    let name = super::instrument::name_of(operator);
    is_vector(name)
        || name.starts_with("F32")
        || name.starts_with("F64")
        || name.starts_with("V128")
}

/// Names of vectors carry a shape: `I8x16`, `F64x2`.
fn is_vector(name: &str) -> bool {
    ["8x16", "16x8", "32x4", "64x2"].iter().any(|shape| name.contains(shape))
}
