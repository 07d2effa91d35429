//! Cuts a function into straight runs of instructions and prices each.

use std::collections::BTreeMap;

use wasmparser::Operator;

use super::super::cost;

/// A straight run: once entered, all of it is executed, unless it traps or leaves.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Region {
    /// Units of the whole run.
    pub(super) units: u64,
    /// Whether the budget is checked here: at entries of functions and heads of loops. Elsewhere
    /// it is only reduced, which bounds an overrun by the length of a function.
    pub(super) checked: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Block,
    Loop,
    If,
}

struct Frame {
    kind: Kind,
    targeted: bool,
}

struct Cutter {
    regions: BTreeMap<usize, Region>,
    current: Option<usize>,
    frames: Vec<Frame>,
}

/// The regions of a function, by the index of their first instruction.
pub(super) fn regions(operators: &[Operator<'_>]) -> BTreeMap<usize, Region> {
    let mut cutter = Cutter { regions: BTreeMap::new(), current: None, frames: Vec::new() };
    cutter.begin(0, true);
    cutter.frames.push(Frame { kind: Kind::Block, targeted: false });
    for (index, operator) in operators.iter().enumerate() {
        cutter.step(index, operator);
    }
    cutter.regions
}

impl Cutter {
    fn begin(&mut self, at: usize, checked: bool) {
        // The head of a loop costs one unit, so that an empty one ends as well.
        self.regions.insert(at, Region { units: u64::from(checked), checked });
        self.current = Some(at);
    }

    fn target(&mut self, depth: u32) {
        let place = self.frames.len().checked_sub(1 + depth as usize);
        if let Some(frame) = place.and_then(|place| self.frames.get_mut(place)) {
            frame.targeted = true;
        }
    }

    fn step(&mut self, index: usize, operator: &Operator<'_>) {
        if let Some(region) = self.current.and_then(|at| self.regions.get_mut(&at)) {
            region.units += cost::units(operator);
        }
        let next = index + 1;
        match operator {
            Operator::Block { .. } => {
                self.frames.push(Frame { kind: Kind::Block, targeted: false })
            }
            Operator::Loop { .. } => {
                self.frames.push(Frame { kind: Kind::Loop, targeted: false });
                self.begin(next, true);
            }
            Operator::If { .. } => {
                self.frames.push(Frame { kind: Kind::If, targeted: false });
                self.begin(next, false);
            }
            Operator::Else => self.begin(next, false),
            Operator::End => match self.frames.pop() {
                Some(Frame { kind: Kind::Loop, .. }) | None => {}
                Some(frame) if frame.targeted || frame.kind == Kind::If => self.begin(next, false),
                Some(_) => {}
            },
            Operator::Br { relative_depth } => {
                self.target(*relative_depth);
                self.current = None;
            }
            Operator::BrIf { relative_depth } => {
                self.target(*relative_depth);
                self.begin(next, false);
            }
            Operator::BrTable { targets } => {
                for depth in targets.targets().flatten().chain([targets.default()]) {
                    self.target(depth);
                }
                self.current = None;
            }
            Operator::Return | Operator::Unreachable => self.current = None,
            _ => {}
        }
    }
}
