//! The cost table of the profile: units per instruction. The digest of the profile covers it.
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
//! | per vector of a read or write; per subscription of a poll; per random byte | 1; 16; 8 |

use wasmparser::Operator;

/// Units of one call of the world, paid in addition to the call.
pub(super) const WORLD_CALL: i64 = 256;
/// Units per vector of `fd_read` and `fd_write`.
pub(super) const VECTOR: i64 = 1;
/// Units per subscription of `poll_oneoff`.
pub(super) const SUBSCRIPTION: i64 = 16;
/// Units per byte of `random_get`: a hash for 32 bytes costs more than moving them.
pub(super) const RANDOM_BYTE: i64 = 8;
/// Bytes or table entries moved for one unit, as a power of two.
pub(super) const MOVED_SHIFT: u32 = 2;
/// Units per page of 64 KiB that `memory.grow` granted.
pub(super) const PAGE: i64 = 4_096;
/// Slots that every frame costs beside its locals and operands.
pub(super) const FRAME: u64 = 6;

/// The price of every instruction of the profile by name, in the order of the parser.
pub(super) fn table() -> impl Iterator<Item = (&'static str, u64)> {
    macro_rules! rows {
        ($( @$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident
            ($($ann:tt)*))*) => {
            [$( (stringify!($proposal), stringify!($op)) ),*]
        };
    }
    wasmparser::for_each_operator!(rows)
        .into_iter()
        .filter(|(proposal, _)| PROPOSALS.contains(proposal))
        .map(|(_, name)| (name, price(name)))
}

/// What the parser calls the features that bring the instructions of the profile.
const PROPOSALS: [&str; 6] =
    ["mvp", "sign_extension", "saturating_float_to_int", "bulk_memory", "reference_types", "simd"];

/// Units of one instruction, without what depends on its operands.
pub(super) fn units(operator: &Operator<'_>) -> u64 {
    macro_rules! prices {
        ($( @$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident
            ($($ann:tt)*))*) => {
            match operator {
                $( Operator::$op { .. } => const { price(stringify!($op)) }, )*
                // The validator refused what the parser does not list.
                _ => 1,
            }
        };
    }
    wasmparser::for_each_operator!(prices)
}

/// The price of an instruction by its name, as the parser spells it.
const fn price(name: &str) -> u64 {
    match name.as_bytes() {
        b"Block" | b"Loop" | b"End" | b"Else" | b"Nop" | b"Drop" | b"Unreachable" => 0,
        b"F32Const" | b"F64Const" | b"V128Const" => 1,
        b"GlobalGet" | b"GlobalSet" | b"TableGet" | b"TableSet" => 2,
        b"BrTable" => 4,
        b"Call" => 8,
        b"CallIndirect" => 14,
        b"I32DivS" | b"I32DivU" | b"I32RemS" | b"I32RemU" => 12,
        b"I64DivS" | b"I64DivU" | b"I64RemS" | b"I64RemU" => 12,
        b"F32Div" | b"F32Sqrt" | b"F64Div" | b"F64Sqrt" => 12,
        b"F32x4Div" | b"F32x4Sqrt" | b"F64x2Div" | b"F64x2Sqrt" => 12,
        b"MemoryGrow" => 64,
        b"MemoryCopy" | b"MemoryFill" | b"MemoryInit" => 16,
        b"TableCopy" | b"TableFill" | b"TableInit" => 16,
        b"TableGrow" | b"DataDrop" | b"ElemDrop" => 16,
        other if moves_a_scalar(other) => 2,
        other if is_vector_or_float(other) => 3,
        _ => 1,
    }
}

/// Loads and stores of one number: `I32Load8S`, `F64Store`.
const fn moves_a_scalar(name: &[u8]) -> bool {
    let [_, _, _, rest @ ..] = name else { return false };
    matches!(name, [b'I' | b'F', b'3', b'2', ..] | [b'I' | b'F', b'6', b'4', ..])
        && matches!(rest, [b'L', b'o', b'a', b'd', ..] | [b'S', b't', b'o', b'r', b'e', ..])
}

/// Names of vectors carry `V128` or a shape: `I8x16`, `F64x2`.
const fn is_vector_or_float(name: &[u8]) -> bool {
    if matches!(
        name,
        [b'F', b'3', b'2', ..] | [b'F', b'6', b'4', ..] | [b'V', b'1', b'2', b'8', ..]
    ) {
        return true;
    }
    let mut rest = name;
    while let [_, after @ ..] = rest {
        if let [b'8', b'x', b'1', b'6', ..]
        | [b'1', b'6', b'x', b'8', ..]
        | [b'3', b'2', b'x', b'4', ..]
        | [b'6', b'4', b'x', b'2', ..] = rest
        {
            return true;
        }
        rest = after;
    }
    false
}
