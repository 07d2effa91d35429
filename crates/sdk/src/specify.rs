//! From files and words to a canonical specification.

mod source;

#[cfg(test)]
mod tests;

use std::num::NonZeroU64;
use std::path::PathBuf;

use tallystick_protocol::ledger::{Limits, Queueing};
use tallystick_protocol::specification::{Input, InputBlob, Specification, Work};
use tallystick_protocol::split::{self, Splitter};
use tallystick_types::{EngineProfile, InputDigest, Policy, Privacy, ProgramDigest};

pub use source::{Source, Split, SplitTextError, TileGrid};

/// Metered units of one slice unless set otherwise: some seconds of work.
pub const UNITS: u64 = 10_000_000_000;

/// Memory of one run unless set otherwise, in bytes.
pub const MEMORY_BYTES: u64 = 256 << 20;

/// Output of one slice unless set otherwise, in bytes.
pub const OUTPUT_BYTES: u64 = 16 << 20;

/// The engine that executes Wasm, with the settings that shape results.
pub const WASM_ENGINE: &str = "tallystick.wasm.1";

/// Fewest and most tasks that the choice of slices per task aims at.
const TASKS: (u64, u64) = (4, 64);

/// What a job reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputSource {
    /// One file, cut by a split.
    File(PathBuf),
    /// Every file of a folder, in the order of their names; each is one slice.
    Folder(PathBuf),
    /// These bytes, cut by a split.
    Bytes(Vec<u8>),
    /// A picture that is computed.
    Tiles(TileGrid),
}

/// What is to be done, in the words of people. [`Draft::prepare`] makes a specification of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The module.
    pub program: Source,
    /// Arguments after the name of the program.
    pub arguments: Vec<String>,
    /// Environment, in this order.
    pub environment: Vec<(String, String)>,
    /// What it reads.
    pub input: InputSource,
    /// How a file is cut; whole lines, one per slice, unless said.
    pub split: Option<Split>,
    /// Most metered units of one slice.
    pub units: u64,
    /// Most memory of one run, in bytes.
    pub memory_bytes: u64,
    /// Most output of one slice, in bytes.
    pub output_bytes: u64,
    /// Slices of one task; chosen so that there are 4 to 64 tasks unless said.
    pub slices_per_task: Option<NonZeroU64>,
    /// Declared complexity of one slice in work units; zero where it is not known.
    pub work_units_per_slice: u64,
    /// How nodes are chosen.
    pub policy: Policy,
    /// Who may see the work.
    pub privacy: Privacy,
    /// What happens while no node is free.
    pub queueing: Queueing,
    /// Time limits and counts.
    pub limits: Limits,
}

/// A blob that a job needs, and where its bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// Its address.
    pub digest: tallystick_types::BlobDigest,
    /// Its size in bytes.
    pub size: u64,
    /// Where its bytes are.
    pub source: Source,
}

/// A specification with all that has to be uploaded for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// What is to be done.
    pub specification: Specification,
    /// Its canonical bytes.
    pub bytes: Vec<u8>,
    /// Slices of the input.
    pub slices: u64,
    /// Tasks of the job.
    pub tasks: u64,
    /// Blobs to upload: program, inputs, specification.
    pub needed: Vec<Needed>,
    /// Names of the files of a folder, one per slice; empty for every other input.
    pub names: Vec<String>,
}

/// Why there is no specification.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// A file cannot be read.
    #[error("{} cannot be read; check the path and its permissions", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The program is no WebAssembly.
    #[error(
        "the program does not begin as a WebAssembly module does; build it for wasm32-wasi and \
         give the .wasm file"
    )]
    NotWasm,
    /// A folder without files.
    #[error("{} holds no file; put the inputs directly into it", path.display())]
    NoFiles {
        /// The folder.
        path: PathBuf,
    },
    /// An empty file in a folder.
    #[error("{} is empty; a slice has at least one byte, remove the file", path.display())]
    EmptyFile {
        /// The file.
        path: PathBuf,
    },
    /// A file name that is no text.
    #[error("{} has a name that is no UTF-8; rename it", path.display())]
    Name {
        /// The file.
        path: PathBuf,
    },
    /// A split that does not go with the input.
    #[error("a folder and a picture are slices already; leave the split out, or give `files`")]
    SplitOfMany,
    /// `files` for one file.
    #[error("`files` splits a folder; give lines:N, bytes:N or records:LENGTH:N for a file")]
    FilesOfOne,
    /// A limit of zero.
    #[error("{field} is 0; give at least 1")]
    Zero {
        /// Which.
        field: &'static str,
    },
    /// The input cannot be cut so.
    #[error(transparent)]
    Input(#[from] tallystick_protocol::specification::SpecificationError),
    /// The slices make no tasks.
    #[error(transparent)]
    Tasks(#[from] split::SplitError),
    /// Too many inputs for one specification.
    #[error(
        "the specification has {given} bytes, at most {} are allowed; give fewer files",
        tallystick_protocol::specification::MOST_BYTES
    )]
    TooLong {
        /// Its length.
        given: usize,
    },
}

/// An input with what has to be uploaded for it.
struct Read {
    input: Input,
    needed: Vec<Needed>,
    names: Vec<String>,
    slices: u64,
}

impl Draft {
    /// A draft with the limits that suit short tasks.
    pub const fn new(program: Source, input: InputSource) -> Self {
        Self {
            program,
            arguments: Vec::new(),
            environment: Vec::new(),
            input,
            split: None,
            units: UNITS,
            memory_bytes: MEMORY_BYTES,
            output_bytes: OUTPUT_BYTES,
            slices_per_task: None,
            work_units_per_slice: 0,
            policy: Policy::Auto,
            privacy: Privacy::Public,
            queueing: Queueing::Queue,
            limits: Limits::for_tasks(),
        }
    }

    /// Reads and hashes what is named. A file that is cut into lines is read whole into memory.
    ///
    /// # Errors
    ///
    /// [`DraftError`]; each variant says what to do.
    pub fn prepare(&self) -> Result<Prepared, DraftError> {
        let limits =
            [("units", self.units), ("memory", self.memory_bytes), ("output", self.output_bytes)];
        if let Some((field, _)) = limits.into_iter().find(|(_, limit)| *limit == 0) {
            return Err(DraftError::Zero { field });
        }
        if self.program.first_bytes::<4>()? != Some(*b"\0asm") {
            return Err(DraftError::NotWasm);
        }
        let program = self.program.needed()?;
        let read = self.read_input()?;
        let slices_per_task =
            self.slices_per_task.map_or_else(|| per_task(read.slices), NonZeroU64::get);
        let tasks = split::tasks(read.slices, slices_per_task)?.len();
        let specification = Specification {
            version: Specification::VERSION,
            work: Work::Wasm {
                program: ProgramDigest::new(*program.digest.as_bytes()),
                arguments: self.arguments.clone(),
                environment: self.environment.clone(),
                units: self.units,
                memory_bytes: self.memory_bytes,
                output_bytes: self.output_bytes,
            },
            engine: EngineProfile::new(WASM_ENGINE).expect("the name of the engine is a profile"),
            input: read.input,
            slices_per_task,
            work_units_per_slice: self.work_units_per_slice,
            policy: self.policy,
            privacy: self.privacy,
            queueing: self.queueing,
            limits: self.limits,
        };
        let bytes = specification.to_bytes();
        if bytes.len() > tallystick_protocol::specification::MOST_BYTES {
            return Err(DraftError::TooLong { given: bytes.len() });
        }
        let mut needed = vec![program];
        needed.extend(read.needed);
        needed.push(Source::Bytes(bytes.clone()).needed()?);
        let tasks = u64::try_from(tasks).expect("a count in memory fits 64 bits");
        let (slices, names) = (read.slices, read.names);
        Ok(Prepared { specification, bytes, slices, tasks, needed, names })
    }

    fn read_input(&self) -> Result<Read, DraftError> {
        match &self.input {
            InputSource::File(path) => self.read_one(Source::File(path.clone())),
            InputSource::Bytes(bytes) => self.read_one(Source::Bytes(bytes.clone())),
            InputSource::Folder(path) => {
                self.no_split()?;
                read_folder(path.clone())
            }
            InputSource::Tiles(grid) => {
                self.no_split()?;
                let input = grid.input();
                let slices = count(&input.slices(None)?);
                Ok(Read { input, needed: Vec::new(), names: Vec::new(), slices })
            }
        }
    }

    fn no_split(&self) -> Result<(), DraftError> {
        match self.split {
            None | Some(Split::Files) => Ok(()),
            Some(Split::Cut(_)) => Err(DraftError::SplitOfMany),
        }
    }

    fn read_one(&self, source: Source) -> Result<Read, DraftError> {
        let splitter = match self.split {
            None => Splitter::Lines { per_slice: 1 },
            Some(Split::Cut(splitter)) => splitter,
            Some(Split::Files) => return Err(DraftError::FilesOfOne),
        };
        let lines = matches!(splitter, Splitter::Lines { .. });
        let held = if lines { Some(source.read()?) } else { None };
        let needed = source.needed()?;
        let digest = InputDigest::new(*needed.digest.as_bytes());
        let input = Input::Blob { digest, size: needed.size, splitter };
        let slices = count(&input.slices(held.as_deref())?);
        Ok(Read { input, needed: vec![needed], names: Vec::new(), slices })
    }
}

/// Slices of one task, so that the tasks are about as many as the slices of one: parallel, and
/// not many more messages than work.
fn per_task(slices: u64) -> u64 {
    slices.div_ceil(slices.isqrt().clamp(TASKS.0, TASKS.1)).max(1)
}

fn count<T>(slices: &[T]) -> u64 {
    u64::try_from(slices.len()).expect("a count in memory fits 64 bits")
}

fn read_folder(path: PathBuf) -> Result<Read, DraftError> {
    let files = source::files(&path)?;
    if files.is_empty() {
        return Err(DraftError::NoFiles { path });
    }
    let (mut blobs, mut needed, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for file in files {
        let name = file.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        names.push(name.ok_or_else(|| DraftError::Name { path: file.clone() })?);
        let one = Source::File(file.clone()).needed()?;
        if one.size == 0 {
            return Err(DraftError::EmptyFile { path: file });
        }
        blobs.push(InputBlob { digest: InputDigest::new(*one.digest.as_bytes()), size: one.size });
        needed.push(one);
    }
    let input = Input::Blobs(blobs);
    let slices = count(&input.slices(None)?);
    Ok(Read { input, needed, names, slices })
}
