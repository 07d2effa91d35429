//! The sandbox of Wasm programs as the port through which work runs them.

use std::path::Path;
use std::process::ExitCode;

use tallystick_ports::{Cancellation, ExecutionError, Executor, Ran, Run, RunUsage};
use tallystick_sandbox::wasm::{
    self, CacheConfig, Compilation, CompilerLimits, CompilerProcess, Failure, FailureKind, Job,
    Limits, LocalFault, Profile, Sandbox, SandboxConfig, SandboxError, Success,
};

/// The hidden sub-command under which the hosting program calls [`compiler_main`].
pub const COMPILE_COMMAND: &str = "compile-wasm";

/// Bytes of a page of Wasm memory.
const PAGE: u64 = 1 << 16;
/// What compiled programs may take on the disk, in bytes.
const CACHE_BYTES: u64 = 4 << 30;
/// What a program wrote for people, as far as it is repeated in errors, in bytes.
const WORDS: usize = 512;

/// Compiles one program of a stranger in a process of its own, and returns. The hosting program
/// calls it first thing in `main`, before it starts threads, and exits with its code.
#[must_use]
pub fn compiler_main() -> ExitCode {
    wasm::compiler_main()
}

/// Runs Wasm programs.
#[derive(Debug)]
pub struct WasmExecutor(Sandbox);

impl WasmExecutor {
    /// So many runs at once; compiled programs are kept in a folder, sealed with a key.
    ///
    /// With `program`, programs are compiled by that file's sub-command [`COMPILE_COMMAND`];
    /// without it in this process, which is for programs of one's own.
    pub fn new(
        slots: u32,
        folder: &Path,
        key: [u8; 32],
        program: Option<&Path>,
    ) -> Result<Self, SandboxError> {
        let compilation = program.map_or(Compilation::InProcess, |program| {
            Compilation::InChild(CompilerProcess {
                program: program.to_owned(),
                arguments: vec![COMPILE_COMMAND.into()],
                limits: CompilerLimits::default(),
            })
        });
        let cache = CacheConfig { folder: folder.to_owned(), key, most_bytes: CACHE_BYTES };
        let sandbox = Sandbox::new(SandboxConfig {
            slots,
            cached_modules: 64,
            disk_cache: Some(cache),
            compilation,
        })?;
        Ok(Self(sandbox))
    }
}

impl Executor for WasmExecutor {
    fn run(&self, run: &Run<'_>, cancellation: &Cancellation) -> Result<Ran, ExecutionError> {
        let stop = wasm::Cancellation::default();
        let job = job_of(run);
        let finished = std::sync::atomic::AtomicBool::new(false);
        let outcome = std::thread::scope(|scope| {
            scope.spawn(|| relay(cancellation, &stop, &finished));
            let outcome = self.0.run(run.program, &job, &stop);
            finished.store(true, std::sync::atomic::Ordering::Relaxed);
            outcome
        });
        outcome.map(ran).map_err(refused)
    }

    fn profile(&self) -> &str {
        Profile::NAME
    }
}

/// Carries the caller's cancellation over to the run, until the run is over.
fn relay(from: &Cancellation, to: &wasm::Cancellation, finished: &std::sync::atomic::AtomicBool) {
    while !finished.load(std::sync::atomic::Ordering::Relaxed) {
        if from.is_cancelled() {
            to.cancel();
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

fn job_of(run: &Run<'_>) -> Job {
    let pages = u32::try_from(run.limits.memory_bytes / PAGE).unwrap_or(u32::MAX);
    Job {
        stdin: run.input.to_vec(),
        args: std::iter::once("program")
            .map(str::to_owned)
            .chain(run.arguments.iter().cloned())
            .collect(),
        environment: run.environment.to_vec(),
        seed: run.seed,
        clock_start_ns: 0,
        limits: Limits {
            units: run.limits.units.min(Profile::MAXIMUM_UNITS),
            pages: pages.min(Profile::MAXIMUM_PAGES),
            output_bytes: u32::try_from(run.limits.output_bytes).unwrap_or(u32::MAX),
            wall_ms: run.limits.wall_ms,
            ..Limits::default()
        },
    }
}

fn ran(success: Success) -> Ran {
    let memory_bytes = u64::from(success.usage.peak_pages).saturating_mul(PAGE);
    Ran { output: success.stdout, usage: RunUsage { units: success.usage.units, memory_bytes } }
}

fn refused(failure: Failure) -> ExecutionError {
    let reason = failure.kind.to_string();
    match failure.kind {
        FailureKind::InvalidModule(_) | FailureKind::ImpossibleLimits => {
            ExecutionError::ProgramRefused { reason }
        }
        FailureKind::OutOfUnits => ExecutionError::OutOfUnits,
        FailureKind::MemoryLimit => ExecutionError::OutOfMemory,
        FailureKind::OutputLimit => ExecutionError::OutputTooLarge,
        FailureKind::Local(LocalFault::TimedOut) => ExecutionError::TimedOut,
        FailureKind::Local(LocalFault::Cancelled) => ExecutionError::Cancelled,
        FailureKind::Local(_) => ExecutionError::Machine { reason },
        _ => {
            let words = failure.stderr.get(..WORDS).unwrap_or(&failure.stderr);
            let words = String::from_utf8_lossy(words);
            let reason = if words.is_empty() { reason } else { format!("{reason}: {words}") };
            ExecutionError::Failed { reason }
        }
    }
}

#[cfg(test)]
mod tests;
