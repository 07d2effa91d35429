//! What work leads to on a machine that does not lie.

use std::sync::Arc;

use tallystick_protocol::output::TaskOutput;
use tallystick_protocol::specification::{Slice, Specification, slice_seed};
use tallystick_types::{JobId, OutputRoot, SliceRange, TaskIndex};

use super::Oracles;
use crate::executor::right;

/// The outputs of a job's slices.
#[derive(Clone, Debug)]
pub struct Expected {
    outputs: Vec<Vec<u8>>,
}

impl Expected {
    /// Computes them. `bytes` are the program and the input.
    pub fn of(job: JobId, specification: &Specification, bytes: &[Arc<[u8]>]) -> Option<Self> {
        let [program, input] = bytes else { return None };
        let slices = specification.input.slices(Some(input)).ok()?;
        let outputs = (0..).zip(&slices).map(|(number, slice)| {
            let part = match slice {
                Slice::Bytes { range, .. } => {
                    let start = usize::try_from(range.start).ok()?;
                    let end = start.checked_add(usize::try_from(range.length).ok()?)?;
                    input.get(start..end)?.to_vec()
                }
                Slice::Text(text) => text.clone().into_bytes(),
            };
            Some(right(program, &part, slice_seed(job, number)))
        });
        Some(Self { outputs: outputs.collect::<Option<_>>()? })
    }

    fn root(&self, slices: SliceRange) -> Option<OutputRoot> {
        let start = usize::try_from(slices.first).ok()?;
        let end = start.checked_add(usize::try_from(slices.count).ok()?)?;
        let outputs = self.outputs.get(start..end)?.to_vec();
        TaskOutput::new(slices, outputs).ok()?.root().ok()
    }
}

impl Oracles {
    /// A client ordered something.
    pub fn ordered(&mut self, job: JobId, specification: &Specification, bytes: &[Arc<[u8]>]) {
        let expected = Expected::of(job, specification, bytes);
        self.expected.extend(expected.map(|expected| (job, expected)));
    }

    /// Enough nodes agreed on a task.
    pub fn verified(
        &mut self,
        job: JobId,
        task: TaskIndex,
        slices: SliceRange,
        output_root: OutputRoot,
    ) {
        let right = self.expected.get(&job).and_then(|expected| expected.root(slices));
        let holds = self.outnumbered || right == Some(output_root);
        self.check("a verified output is the right one", holds, || {
            format!("task {task} of job {job} was verified as {output_root}")
        });
    }
}
