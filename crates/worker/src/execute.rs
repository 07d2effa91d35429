//! Executing the slices of a task, one after another, from the store of blobs into it.

use tallystick_blobs::{BlobError, BlobStore, Pin, PinReason, PutOptions};
use tallystick_ports::{
    Cancellation, Clock, ExecutionError, ExecutionLimits, Executor, Run, RunUsage,
};
use tallystick_protocol::ledger::Failure;
use tallystick_protocol::output::TaskOutput;
use tallystick_protocol::specification::{Input, Slice, Specification, Work, slice_seed};
use tallystick_protocol::split::Splitter;
use tallystick_types::{BlobDigest, Usage};

use crate::agent::{Ran, RunFailure, RunOrder};

/// What a run needs of its machine.
#[derive(Debug)]
pub struct Bench<'a> {
    /// Programs, inputs and outputs.
    pub blobs: &'a BlobStore,
    /// Runs the program.
    pub executor: &'a dyn Executor,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Ends the run from outside.
    pub cancellation: &'a Cancellation,
}

/// Runs every slice and stores the output. `progress` hears how many slices are done. Blocks.
///
/// # Errors
///
/// Why there is no output, as the coordinator is told.
pub fn execute(
    order: &RunOrder,
    bench: &Bench<'_>,
    progress: impl Fn(u64),
) -> Result<Ran, RunFailure> {
    let specification = &*order.specification;
    let program = bench.blobs.get(BlobDigest::from(specification.program())).map_err(unreadable)?;
    let slices = slices(specification, bench.blobs)?;
    let job_slices = slices.len() as u64;
    let own = own_slices(order, &slices)?;
    let (mut outputs, mut usage) = (Vec::new(), Usage::default());
    for (number, slice) in (order.slices.first..).zip(own) {
        let input = read(slice, bench.blobs)?;
        let seed = slice_seed(order.assignment.job, number);
        let (output, used) = run(order, bench, &program, &input, seed)?;
        usage.bytes_in = usage.bytes_in.saturating_add(input.len() as u64);
        usage.bytes_out = usage.bytes_out.saturating_add(output.len() as u64);
        usage.memory_bytes = usage.memory_bytes.max(used.memory_bytes);
        if usage.bytes_out > order.most_output_bytes {
            let detail = "all outputs together are larger than the node allows for a task";
            return Err(failed(Failure::OutputTooLarge, detail));
        }
        outputs.push(output);
        progress(outputs.len() as u64);
    }
    usage.work_units = specification.work_units_per_slice.saturating_mul(order.slices.count);
    keep(order, bench.blobs, outputs, usage, job_slices)
}

/// All slices of the job. Only an input of lines is read for it.
fn slices(specification: &Specification, blobs: &BlobStore) -> Result<Vec<Slice>, RunFailure> {
    let whole = match &specification.input {
        Input::Blob { digest, splitter: Splitter::Lines { .. }, .. } => {
            Some(blobs.get(BlobDigest::from(*digest)).map_err(unreadable)?)
        }
        Input::Blob { digest, size, .. } => {
            if blobs.size(BlobDigest::from(*digest)) != Some(*size) {
                let detail = "the input does not have the size that the specification states";
                return Err(failed(Failure::InputUnavailable, detail));
            }
            None
        }
        Input::Blobs(_) | Input::Tiles { .. } => None,
    };
    let cut = specification.input.slices(whole.as_deref());
    cut.map_err(|error| failed(Failure::InputUnavailable, &error.to_string()))
}

/// The slices of the task, which must be a whole one of this job.
fn own_slices<'a>(order: &RunOrder, slices: &'a [Slice]) -> Result<&'a [Slice], RunFailure> {
    let (range, per_task) = (order.slices, order.specification.slices_per_task);
    let rest = (slices.len() as u64).saturating_sub(range.first);
    let first = usize::try_from(range.first).ok();
    let own = first.and_then(|first| slices.get(first..)).unwrap_or_default();
    let count = usize::try_from(range.count).unwrap_or(usize::MAX);
    match own.get(..count) {
        Some(own) if range.count == per_task.min(rest) => Ok(own),
        Some(_) | None => Err(failed(Failure::Refused, "the slices are not those of the task")),
    }
}

fn read(slice: &Slice, blobs: &BlobStore) -> Result<Vec<u8>, RunFailure> {
    match slice {
        Slice::Bytes { blob, range } => {
            blobs.range(*blob, range.start, range.length).map_err(unreadable)
        }
        Slice::Text(text) => Ok(text.clone().into_bytes()),
    }
}

fn run(
    order: &RunOrder,
    bench: &Bench<'_>,
    program: &[u8],
    input: &[u8],
    seed: [u8; 32],
) -> Result<(Vec<u8>, RunUsage), RunFailure> {
    let Work::Wasm { arguments, environment, units, memory_bytes, output_bytes, .. } =
        &order.specification.work;
    let wall_ms = order.deadline.get().saturating_sub(bench.clock.now().get());
    if wall_ms == 0 {
        return Err(failed(Failure::TimedOut, "the time for the task is over"));
    }
    let limits = ExecutionLimits {
        units: *units,
        memory_bytes: *memory_bytes,
        output_bytes: *output_bytes,
        wall_ms,
    };
    let run = Run { program, input, arguments, environment, seed, limits };
    match bench.executor.run(&run, bench.cancellation) {
        Ok(ran) if ran.output.len() as u64 > *output_bytes => {
            Err(failed(Failure::OutputTooLarge, "the output is larger than allowed"))
        }
        Ok(ran) => Ok((ran.output, ran.usage)),
        Err(error) => Err(failed(failure_of(&error), &error.to_string())),
    }
}

/// Stores the output, pinned for its job, before anything is said of it.
fn keep(
    order: &RunOrder,
    blobs: &BlobStore,
    outputs: Vec<Vec<u8>>,
    usage: Usage,
    job_slices: u64,
) -> Result<Ran, RunFailure> {
    let internal = |detail: String| RunFailure { failure: Failure::Internal, detail };
    let output =
        TaskOutput::new(order.slices, outputs).map_err(|error| internal(error.to_string()))?;
    let output_root = output.root().map_err(|error| internal(error.to_string()))?;
    let bytes = output.to_bytes();
    let pin = Some(Pin { reason: PinReason::Job(order.assignment.job), until: None });
    let size = Some(bytes.len() as u64);
    let options = PutOptions { size, pin, ..PutOptions::default() };
    let stored = blobs.put_with(&*bytes, options).map_err(|error| internal(error.to_string()))?;
    fail::fail_point!("worker.output.stored");
    let (output_blob, output_bytes) = (stored.digest, stored.size);
    Ok(Ran { output_root, output_blob, output_bytes, usage, job_slices })
}

const fn failure_of(error: &ExecutionError) -> Failure {
    match error {
        ExecutionError::ProgramRefused { .. } => Failure::ProgramRefused,
        ExecutionError::OutOfUnits => Failure::OutOfFuel,
        ExecutionError::OutOfMemory => Failure::OutOfMemory,
        ExecutionError::OutputTooLarge => Failure::OutputTooLarge,
        ExecutionError::Failed { .. } => Failure::Trap,
        ExecutionError::TimedOut => Failure::TimedOut,
        ExecutionError::Cancelled | ExecutionError::Machine { .. } => Failure::Internal,
    }
}

/// A blob that was here and cannot be read.
fn unreadable(error: BlobError) -> RunFailure {
    let failure = match error {
        BlobError::Missing { .. } | BlobError::Damaged { .. } | BlobError::OutOfRange { .. } => {
            Failure::InputUnavailable
        }
        _ => Failure::Internal,
    };
    failed(failure, &error.to_string())
}

fn failed(failure: Failure, detail: &str) -> RunFailure {
    RunFailure { failure, detail: detail.to_owned() }
}
