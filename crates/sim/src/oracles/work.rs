//! What work leads to on a machine that does not lie.

use std::sync::Arc;

use tallystick_protocol::commitment::job_output_root;
use tallystick_protocol::output::TaskOutput;
use tallystick_protocol::specification::{Slice, Specification, slice_seed};
use tallystick_types::{JobId, OutputRoot, SliceRange, TaskIndex};

use super::Oracles;
use crate::executor::right;

/// The outputs of a job's slices.
#[derive(Clone, Debug)]
pub struct Expected {
    outputs: Vec<Vec<u8>>,
    per_task: u64,
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
        let per_task = specification.slices_per_task;
        Some(Self { outputs: outputs.collect::<Option<_>>()?, per_task })
    }

    /// The root over all tasks.
    fn whole(&self) -> Option<OutputRoot> {
        let slices = u64::try_from(self.outputs.len()).ok()?;
        let tasks = slices.div_ceil(self.per_task.max(1));
        let roots = (0..tasks).map(|task| {
            let first = task.checked_mul(self.per_task)?;
            let count = self.per_task.min(slices.checked_sub(first)?);
            let root = self.root(SliceRange { first, count })?;
            Some((TaskIndex::new(u32::try_from(task).ok()?), root))
        });
        job_output_root(roots.collect::<Option<Vec<_>>>()?).ok()
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
        let holds = right == Some(output_root) || self.may_be_wrong(job, task);
        self.check("a verified output is the right one", holds, || {
            format!("task {task} of job {job} was verified as {output_root}")
        });
    }

    /// A job was paid for an output.
    pub fn paid(&mut self, job: JobId, output_root: OutputRoot) {
        let right = self.expected.get(&job).and_then(Expected::whole);
        let holds = right == Some(output_root) || self.any_may_be_wrong(job);
        self.check("a settled output is the right one", holds, || {
            format!("job {job} was paid for {output_root}, right is {right:?}")
        });
    }
}
