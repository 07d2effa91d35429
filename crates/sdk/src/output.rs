//! The output of a job: fetched in parts, and believed only where the receipt says the same.

use std::collections::BTreeMap;
use std::io;

use sha2::{Digest, Sha256};
use tallystick_protocol::commitment::job_output_root;
use tallystick_protocol::output::{OutputError, TaskOutput};
use tallystick_types::merkle::MerkleError;
use tallystick_types::{JobId, OutputDigest, OutputRoot, Receipt, SliceRange, TaskIndex};
use tallystick_wire::client::{ResultPart, ResultRequest, ResultResponse, v1};

use crate::blob::{DownloadError, Report};
use crate::client::{CallError, Client, Repeat};

/// Largest output of one task that is taken into memory, in bytes.
const MOST_PART_BYTES: u64 = 2 << 30;

/// Takes the outputs of slices in their order.
pub type SliceSink<'a> = dyn FnMut(u64, &[u8]) -> io::Result<()> + Send + 'a;

/// Roots of tasks as events told them; what is there is compared with what comes.
pub type TaskRoots = BTreeMap<TaskIndex, OutputRoot>;

/// Why an output is not the one of the receipt.
#[derive(Debug, thiserror::Error)]
pub enum AssemblyError {
    /// Tasks or slices are missing, twice or out of order.
    #[error(
        "task {task} with slice {slice} came where task {next_task} with slice {next_slice} \
         belongs; ask another coordinator"
    )]
    OutOfPlace {
        /// What came.
        task: TaskIndex,
        /// Its first slice.
        slice: u64,
        /// What should have come.
        next_task: TaskIndex,
        /// Its first slice.
        next_slice: u64,
    },
    /// A part is no output, or not the one that its nodes committed to.
    #[error("the output of task {task} is not what its nodes committed to; ask another one")]
    Part {
        /// The task.
        task: TaskIndex,
        /// What is wrong.
        #[source]
        source: OutputError,
    },
    /// Slices are missing at the end.
    #[error("{found} slices came, the receipt covers {expected}; wait for all tasks")]
    TooFew {
        /// In the receipt.
        expected: u64,
        /// That came.
        found: u64,
    },
    /// The parts make no tree.
    #[error("the parts make no tree")]
    Tree(#[from] MerkleError),
    /// Everything came and is something else.
    #[error("the output has the root {found}, the receipt says {expected}: it is forged")]
    OtherRoot {
        /// In the receipt.
        expected: OutputRoot,
        /// Of what came.
        found: OutputRoot,
    },
    /// The outputs together have another digest.
    #[error("the output has the SHA-256 {found}, the receipt says {expected}: it is forged")]
    OtherDigest {
        /// In the receipt.
        expected: OutputDigest,
        /// Of what came.
        found: OutputDigest,
    },
}

/// Why the output is not here.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// The coordinator did not answer, or has it not yet.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A part did not come.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// What came is not what the receipt says.
    #[error(transparent)]
    Assembly(#[from] AssemblyError),
    /// It cannot be kept here.
    #[error("the output cannot be written; check space and permissions")]
    Write(#[source] io::Error),
    /// Not every task has a verified result.
    #[error("not every task has a verified result yet; wait for the receipt")]
    Incomplete,
}

/// Puts the outputs of tasks together and compares them with a receipt.
#[derive(Clone, Debug)]
pub struct Assembly {
    output_root: OutputRoot,
    output: OutputDigest,
    slices: SliceRange,
    next_task: u32,
    next_slice: u64,
    roots: Vec<(TaskIndex, OutputRoot)>,
    hasher: Sha256,
}

impl Assembly {
    /// Begins with what a verified receipt says.
    pub fn new(receipt: &Receipt) -> Self {
        Self {
            output_root: receipt.output_root,
            output: receipt.output,
            slices: receipt.slices,
            next_task: 0,
            next_slice: receipt.slices.first,
            roots: Vec::new(),
            hasher: Sha256::new(),
        }
    }

    /// Takes the output of the next task.
    ///
    /// # Errors
    ///
    /// [`AssemblyError`].
    pub fn add(
        &mut self,
        task: TaskIndex,
        slices: SliceRange,
        bytes: &[u8],
        expected: Option<OutputRoot>,
    ) -> Result<TaskOutput, AssemblyError> {
        if task.get() != self.next_task || slices.first != self.next_slice {
            return Err(AssemblyError::OutOfPlace {
                task,
                slice: slices.first,
                next_task: TaskIndex::new(self.next_task),
                next_slice: self.next_slice,
            });
        }
        let wrong = |source| AssemblyError::Part { task, source };
        let output = match expected {
            Some(root) => TaskOutput::from_bytes(slices, bytes, root),
            None => TaskOutput::read(slices, bytes),
        };
        let output = output.map_err(wrong)?;
        self.roots.push((task, output.root().map_err(wrong)?));
        for slice in output.outputs() {
            self.hasher.update(slice);
        }
        self.next_task = self.next_task.saturating_add(1);
        self.next_slice = self.next_slice.saturating_add(slices.count);
        Ok(output)
    }

    /// Compares all of it with the receipt.
    ///
    /// # Errors
    ///
    /// [`AssemblyError`].
    pub fn finish(self) -> Result<(), AssemblyError> {
        let found = self.next_slice.saturating_sub(self.slices.first);
        if found != self.slices.count {
            return Err(AssemblyError::TooFew { expected: self.slices.count, found });
        }
        let (expected, found) = (self.output_root, job_output_root(self.roots)?);
        if found != expected {
            return Err(AssemblyError::OtherRoot { expected, found });
        }
        let found = OutputDigest::new(self.hasher.finalize().into());
        let expected = self.output;
        if found == expected { Ok(()) } else { Err(AssemblyError::OtherDigest { expected, found }) }
    }
}

impl Client {
    /// Where the verified parts of a job's output are, ascending by task.
    ///
    /// # Errors
    ///
    /// [`ResultError`].
    pub async fn parts(&self, job: JobId) -> Result<Vec<ResultPart>, ResultError> {
        let mut parts: Vec<ResultPart> = Vec::new();
        let mut first_task = TaskIndex::new(0);
        loop {
            let answer: ResultResponse = self
                .ask("Result", Repeat::Harmless, |mut service| async move {
                    let access = self.access(&mut service).await?;
                    let request = ResultRequest { job, first_task, access };
                    service.result(v1::ResultRequest::from(request)).await
                })
                .await?;
            if answer.output.is_none() {
                return Err(ResultError::Incomplete);
            }
            parts.extend(answer.parts.into_vec());
            match answer.next_task {
                Some(next) if next > first_task => first_task = next,
                Some(_) | None => return Ok(parts),
            }
        }
    }

    /// Fetches the output of a job slice by slice. Only after `Ok` is what the sink got the output
    /// of the receipt, which has to be verified before.
    ///
    /// # Errors
    ///
    /// [`ResultError`].
    pub async fn output(
        &self,
        receipt: &Receipt,
        roots: &TaskRoots,
        sink: &mut SliceSink<'_>,
        report: &Report,
    ) -> Result<(), ResultError> {
        let mut assembly = Assembly::new(receipt);
        for part in self.parts(receipt.job).await? {
            let mut bytes = Vec::new();
            let limit = part.size.min(MOST_PART_BYTES);
            self.download(part.blob, limit, &mut bytes, report).await?;
            let slices = SliceRange { first: part.first_slice, count: part.slice_count.get() };
            let expected = roots.get(&part.task).copied();
            let output = assembly.add(part.task, slices, &bytes, expected)?;
            for (slice, bytes) in (slices.first..).zip(output.outputs()) {
                sink(slice, bytes).map_err(ResultError::Write)?;
            }
        }
        Ok(assembly.finish()?)
    }
}
