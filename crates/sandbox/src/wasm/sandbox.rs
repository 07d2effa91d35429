//! The way in: a compiled module from the cache, a fresh instance from the pool, one outcome.

use std::hash::{Hash, Hasher};

use wasmtime::{Engine, InstancePre, Linker};

use super::artifact::Artifact;
use super::cache::{Cache, CacheConfig, CacheCounts};
use super::compiled::{self, Room};
use super::compiler::{Compilation, Compiler};
use super::disk::Disk;
use super::failure::{Failure, FailureKind, LocalFault};
use super::instrument::{Program, prepare};
use super::job::Job;
use super::outcome::{Success, conclude};
use super::profile::{Profile, digest};
use super::watchdog::{Cancellation, Watchdog};

// Shared between threads by every node.
const _: () = {
    const fn shareable<T: Send + Sync>() {}
    shareable::<Sandbox>();
};

/// How a sandbox is built.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// Runs at once. A further run waits for a slot. Every slot reserves address space, about
    /// 6 GiB, and no memory.
    pub slots: u32,
    /// Compiled modules kept in memory.
    pub cached_modules: usize,
    /// Compiled modules on disk; `None` compiles again after every start.
    pub disk_cache: Option<CacheConfig>,
    /// Where modules are compiled; those of strangers belong in a child.
    pub compilation: Compilation,
}

impl Default for SandboxConfig {
    /// 16 runs at once, 64 modules in memory, nothing on disk, compiled in this process.
    fn default() -> Self {
        let compilation = Compilation::InProcess;
        Self { slots: 16, cached_modules: 64, disk_cache: None, compilation }
    }
}

/// Why a sandbox cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The processor or the operating system lacks what the engine needs.
    #[error("no engine for compiled Wasm on this machine: {message}; use a supported processor")]
    Engine {
        /// What the engine said.
        message: String,
    },
    /// The folder of the cache cannot be used.
    #[error("cannot use the folder of the cache; make it writable or choose another")]
    Folder(#[source] std::io::Error),
    /// The thread of the watchdog cannot be started.
    #[error("cannot start the watchdog; raise the limit of threads")]
    Watchdog(#[source] std::io::Error),
}

fn engine_error(error: wasmtime::Error) -> SandboxError {
    SandboxError::Engine { message: error.to_string() }
}

/// Runs WASI commands. Share one per process behind an `Arc`; every method takes `&self`.
pub struct Sandbox {
    engine: Engine,
    linker: Linker<Room>,
    cache: Cache<(InstancePre<Room>, u32)>,
    compiler: Option<Compiler>,
    watchdog: Watchdog,
    pooled: bool,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Sandbox").field("pooled", &self.pooled).finish_non_exhaustive()
    }
}

/// Refuses limits that no machine may grant, and memory that is above the limit at the start.
pub(super) fn admit(program: &Program, job: &Job) -> Result<(), Failure> {
    let limits = &job.limits;
    admit_limits(job)?;
    if program.initial_pages > limits.pages {
        return Err(Failure::before_start(FailureKind::MemoryLimit));
    }
    Ok(())
}

fn admit_limits(job: &Job) -> Result<(), Failure> {
    let limits = &job.limits;
    if limits.units > Profile::MAXIMUM_UNITS
        || limits.pages > Profile::MAXIMUM_PAGES
        || limits.stack_slots > Profile::MAXIMUM_STACK_SLOTS
    {
        return Err(Failure::before_start(FailureKind::ImpossibleLimits));
    }
    Ok(())
}

impl Sandbox {
    /// Builds engine, pool, cache and watchdog.
    ///
    /// # Errors
    ///
    /// [`SandboxError`] when this machine lacks something.
    pub fn new(config: SandboxConfig) -> Result<Self, SandboxError> {
        let slots = config.slots.max(1);
        let (engine, pooled) = compiled::engine(slots).map_err(engine_error)?;
        let linker = compiled::linker(&engine).map_err(engine_error)?;
        let disk = config.disk_cache.map(Disk::open).transpose().map_err(SandboxError::Folder)?;
        let cache = Cache::new(config.cached_modules, disk, suffix(&engine));
        let watchdog =
            Watchdog::start(engine.weak(), slots as usize).map_err(SandboxError::Watchdog)?;
        let compiler = match config.compilation {
            Compilation::InProcess => None,
            Compilation::InChild(process) => Some(Compiler::new(process)),
        };
        Ok(Self { engine, linker, cache, compiler, watchdog, pooled })
    }

    /// Whether instances come from a pool; `false` where the address space is limited.
    #[must_use]
    pub const fn is_pooled(&self) -> bool {
        self.pooled
    }

    /// What the cache of compiled modules did.
    #[must_use]
    pub fn cache_counts(&self) -> CacheCounts {
        self.cache.counts()
    }

    /// Runs a module and blocks until it ends; call it from a thread that may block.
    ///
    /// # Errors
    ///
    /// A [`Failure`] with what was used; its reach says whether replicas must agree with it.
    pub fn run(
        &self,
        module: &[u8],
        job: &Job,
        cancellation: &Cancellation,
    ) -> Result<Success, Failure> {
        admit_limits(job)?;
        let (program, initial_pages) = self.compiled(module, cancellation)?;
        if initial_pages > job.limits.pages {
            return Err(Failure::before_start(FailureKind::MemoryLimit));
        }
        let running = self.watchdog.enter(cancellation)?;
        let (world, counters, end) = compiled::run(&program, job, cancellation, initial_pages);
        drop(running);
        conclude(job.limits.units, world, counters, end)
    }

    /// Compiles a module into the cache ahead of its first run.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of kind `InvalidModule`, or a local one.
    pub fn warm(&self, module: &[u8], cancellation: &Cancellation) -> Result<(), Failure> {
        self.compiled(module, cancellation).map(drop)
    }

    fn compile(&self, module: &[u8], cancellation: &Cancellation) -> Result<Artifact, Failure> {
        if let Some(compiler) = &self.compiler {
            return compiler.compile(module, cancellation);
        }
        let program = prepare(module)
            .map_err(|refusal| Failure::before_start(FailureKind::InvalidModule(refusal)))?;
        Artifact::compile(&self.engine, program.instrumented())
            .map_err(|_| LocalFault::Engine.into())
    }

    fn compiled(
        &self,
        module: &[u8],
        cancellation: &Cancellation,
    ) -> Result<(InstancePre<Room>, u32), Failure> {
        let broken = |_: wasmtime::Error| Failure::from(LocalFault::Engine);
        let digest = digest(&[module]);
        // The initial size is read off the loaded module, so that a hit needs no second parse.
        self.cache.get(
            digest,
            cancellation,
            || self.compile(module, cancellation),
            |artifact| {
                let module = artifact.load(&self.engine).map_err(broken)?;
                let initial = module
                    .exports()
                    .find(|export| export.name() == "memory")
                    .and_then(|export| export.ty().memory().map(|memory| memory.minimum()));
                let pre = self.linker.instantiate_pre(&module).map_err(broken)?;
                Ok((pre, initial.unwrap_or(0) as u32))
            },
        )
    }
}

/// Names profile and engine settings: an artifact is of no use under another of either.
fn suffix(engine: &Engine) -> String {
    struct Collector(Vec<u8>);
    impl Hasher for Collector {
        fn finish(&self) -> u64 {
            0
        }
        fn write(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }
    }
    let mut settings = Collector(Vec::new());
    engine.precompile_compatibility_hash().hash(&mut settings);
    let all = digest(&[&Profile::digest(), &settings.0]);
    all[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}
