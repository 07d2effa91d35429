//! Which instructions may make a NaN, and which hide its bits again.

use wasmparser::Operator;

/// The type of a result that may be a NaN of any bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    F32,
    F64,
    F32x4,
    F64x2,
}

/// The shape of a result whose NaN bits an engine may choose.
pub(super) const fn made_by(operator: &Operator<'_>) -> Option<Shape> {
    use Operator as O;
    Some(match operator {
        O::F32Ceil | O::F32Floor | O::F32Trunc | O::F32Nearest | O::F32Sqrt => Shape::F32,
        O::F32Add | O::F32Sub | O::F32Mul | O::F32Div | O::F32Min | O::F32Max => Shape::F32,
        O::F32DemoteF64 => Shape::F32,
        O::F64Ceil | O::F64Floor | O::F64Trunc | O::F64Nearest | O::F64Sqrt => Shape::F64,
        O::F64Add | O::F64Sub | O::F64Mul | O::F64Div | O::F64Min | O::F64Max => Shape::F64,
        O::F64PromoteF32 => Shape::F64,
        O::F32x4Ceil | O::F32x4Floor | O::F32x4Trunc | O::F32x4Nearest => Shape::F32x4,
        O::F32x4Sqrt | O::F32x4Add | O::F32x4Sub | O::F32x4Mul | O::F32x4Div => Shape::F32x4,
        O::F32x4Min | O::F32x4Max | O::F32x4DemoteF64x2Zero => Shape::F32x4,
        O::F64x2Ceil | O::F64x2Floor | O::F64x2Trunc | O::F64x2Nearest => Shape::F64x2,
        O::F64x2Sqrt | O::F64x2Add | O::F64x2Sub | O::F64x2Mul | O::F64x2Div => Shape::F64x2,
        O::F64x2Min | O::F64x2Max | O::F64x2PromoteLowF32x4 => Shape::F64x2,
        _ => return None,
    })
}

/// Whether an instruction that follows directly shows nothing of the bits: arithmetic makes a NaN
/// of any NaN and is made canonical itself, a comparison or conversion sees only that it is one.
pub(super) const fn hidden_by(shape: Shape, next: &Operator<'_>) -> bool {
    use Operator as O;
    match (shape, next) {
        (Shape::F32, O::F64PromoteF32) | (Shape::F64, O::F32DemoteF64) => true,
        (Shape::F32, O::F32Eq | O::F32Ne | O::F32Lt | O::F32Gt | O::F32Le | O::F32Ge) => true,
        (Shape::F64, O::F64Eq | O::F64Ne | O::F64Lt | O::F64Gt | O::F64Le | O::F64Ge) => true,
        (Shape::F32, O::F32DemoteF64) | (Shape::F64, O::F64PromoteF32) => false,
        (Shape::F32, next) => matches!(made_by(next), Some(Shape::F32)),
        (Shape::F64, next) => matches!(made_by(next), Some(Shape::F64)),
        (Shape::F32x4 | Shape::F64x2, _) => false,
    }
}
