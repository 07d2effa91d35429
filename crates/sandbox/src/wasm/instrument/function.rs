//! Rewrites one function body.

use std::collections::BTreeMap;

use wasm_encoder::reencode::{Error as ReencodeError, Reencode, RoundtripReencoder};
use wasm_encoder::{BlockType, Function, ValType};
use wasmparser::{FunctionBody, Operator};

use super::super::cost;
use super::super::validate::Facts;
use super::nan::{self, Shape};
use super::region::{Region, regions};
use super::{Added, name_of};

const CANONICAL_F32: u32 = 0x7fc0_0000;
const CANONICAL_F64: u64 = 0x7ff8_0000_0000_0000;

/// Locals of the instrumentation, after those of the function.
#[derive(Clone, Copy)]
struct Scratch {
    units: u32,
    f32: u32,
    f64: u32,
    v128: u32,
}

struct Rewriter<'f> {
    added: Added,
    scratch: Scratch,
    operators: &'f [Operator<'f>],
    regions: BTreeMap<usize, Region>,
    /// Slots of the frame; `None` for a function that calls nothing.
    frame: Option<i64>,
    /// Open blocks of the original function.
    depth: u32,
}

/// One body with its charges.
pub(super) fn rewrite(
    body: &FunctionBody<'_>,
    facts: &Facts,
    number: usize,
    added: Added,
) -> Result<Function, ReencodeError> {
    let index = facts.imported + number as u32;
    let function_type = facts.function(index);
    let mut locals = Vec::new();
    let mut count = function_type.params().len() as u32;
    for group in body.get_locals_reader()? {
        let (many, ty) = group?;
        locals.push((many, RoundtripReencoder.val_type(ty)?));
        count += many;
    }
    let operators = body.get_operators_reader()?.into_iter().collect::<Result<Vec<_>, _>>()?;
    let scratch = Scratch { units: count, f32: count + 1, f64: count + 2, v128: count + 3 };
    locals.push((1, ValType::I64));
    let shapes: Vec<Shape> = operators.iter().filter_map(nan::made_by).collect();
    if !shapes.is_empty() {
        locals.push((1, ValType::F32));
        locals.push((1, ValType::F64));
    }
    if shapes.iter().any(|shape| matches!(shape, Shape::F32x4 | Shape::F64x2)) {
        locals.push((1, ValType::V128));
    }
    let slots = cost::FRAME + 2 * (u64::from(count) + u64::from(facts.heights[number]));
    let mut rewriter = Rewriter {
        added,
        scratch,
        regions: regions(&operators),
        frame: operators.iter().any(calls).then_some(slots as i64),
        operators: &operators,
        depth: 0,
    };
    let mut function = Function::new(locals);
    let block = match function_type.results() {
        [] => BlockType::Empty,
        [one] => BlockType::Result(RoundtripReencoder.val_type(*one)?),
        _ => BlockType::FunctionType(added.types + 1 + facts.functions[index as usize]),
    };
    rewriter.body(&mut function, block)?;
    Ok(function)
}

const fn calls(operator: &Operator<'_>) -> bool {
    matches!(operator, Operator::Call { .. } | Operator::CallIndirect { .. })
}

/// Operations whose price follows from the operand on top of the stack.
fn moves(operator: &Operator<'_>) -> bool {
    matches!(
        name_of(operator),
        "MemoryCopy"
            | "MemoryFill"
            | "MemoryInit"
            | "TableCopy"
            | "TableFill"
            | "TableInit"
            | "TableGrow"
    )
}

impl Rewriter<'_> {
    fn body(&mut self, function: &mut Function, block: BlockType) -> Result<(), ReencodeError> {
        if let Some(slots) = self.frame {
            let mut sink = function.instructions();
            sink.global_get(self.added.stack).i64_const(slots).i64_sub();
            sink.global_set(self.added.stack).global_get(self.added.stack);
            sink.i64_const(0).i64_lt_s().if_(BlockType::Empty).unreachable().end();
            sink.block(block);
        }
        self.reload(function);
        let operators = self.operators;
        for (index, operator) in operators.iter().enumerate() {
            self.charge(function, index);
            self.instruction(function, operator)?;
            if let Some(shape) = nan::made_by(operator)
                && !operators.get(index + 1).is_some_and(|next| nan::hidden_by(shape, next))
            {
                self.canonical(function, shape);
            }
        }
        if let Some(slots) = self.frame {
            let mut sink = function.instructions();
            sink.global_get(self.added.stack).i64_const(slots).i64_add();
            sink.global_set(self.added.stack).end();
        }
        Ok(())
    }

    fn instruction(
        &mut self,
        function: &mut Function,
        operator: &Operator<'_>,
    ) -> Result<(), ReencodeError> {
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => self.depth += 1,
            Operator::End => self.depth = self.depth.saturating_sub(1),
            Operator::Return if self.frame.is_some() => {
                function.instructions().br(self.depth);
                return Ok(());
            }
            Operator::MemoryGrow { .. } => {
                function.instructions().call(self.added.grow);
                self.reload(function);
                return Ok(());
            }
            _ => {}
        }
        let moved = moves(operator);
        if moved {
            function.instructions().call(self.added.moved);
        }
        function.instruction(&RoundtripReencoder.instruction(operator.clone())?);
        if moved || calls(operator) {
            self.reload(function);
        }
        Ok(())
    }

    /// The budget as the last call left it.
    fn reload(&self, function: &mut Function) {
        function.instructions().global_get(self.added.units).local_set(self.scratch.units);
    }

    /// Takes the price of the region that begins here. The local saves the load of the global.
    fn charge(&self, function: &mut Function, index: usize) {
        let Some(region) = self.regions.get(&index) else { return };
        if region.units == 0 {
            return;
        }
        let mut sink = function.instructions();
        sink.local_get(self.scratch.units).i64_const(region.units as i64).i64_sub();
        sink.local_tee(self.scratch.units).global_set(self.added.units);
        if region.checked {
            sink.local_get(self.scratch.units).i64_const(0).i64_lt_s();
            sink.if_(BlockType::Empty).unreachable().end();
        }
    }

    /// Replaces a NaN on top of the stack by the canonical one.
    fn canonical(&self, function: &mut Function, shape: Shape) {
        let Scratch { f32, f64, v128, .. } = self.scratch;
        let mut sink = function.instructions();
        match shape {
            Shape::F32 => {
                sink.local_tee(f32).f32_const(f32::from_bits(CANONICAL_F32).into());
                sink.local_get(f32).local_get(f32).f32_eq().select();
            }
            Shape::F64 => {
                sink.local_tee(f64).f64_const(f64::from_bits(CANONICAL_F64).into());
                sink.local_get(f64).local_get(f64).f64_eq().select();
            }
            Shape::F32x4 => {
                let lane = u128::from(CANONICAL_F32);
                let lanes = lane | lane << 32 | lane << 64 | lane << 96;
                sink.local_tee(v128).v128_const(lanes as i128);
                sink.local_get(v128).local_get(v128).f32x4_eq().v128_bitselect();
            }
            Shape::F64x2 => {
                let lane = u128::from(CANONICAL_F64);
                sink.local_tee(v128).v128_const((lane | lane << 64) as i128);
                sink.local_get(v128).local_get(v128).f64x2_eq().v128_bitselect();
            }
        }
    }
}
