//! Compiles modules of strangers in a child process with limits of time and memory.
//!
//! One child per module. Its standard input is a socket: the request goes down, the answer comes
//! back. It gets no environment, no key of the cache and no folder.
//! Wherever the child dies, the run fails as local and nothing is kept.

mod child;
mod talk;

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::artifact::Artifact;
use super::failure::{Failure, FailureKind, LocalFault};
use super::watchdog::{Cancellation, TICK_MS};

pub use child::compiler_main;
use talk::{Answer, Conversation, Silence};

/// Where modules are compiled.
#[derive(Clone, Debug, Default)]
pub enum Compilation {
    /// In the process of the caller, without limits: for modules that are trusted, and for tests.
    #[default]
    InProcess,
    /// In a child process with limits: for modules of strangers.
    InChild(CompilerProcess),
}

/// How the child is started and how far it may go.
#[derive(Clone, Debug)]
pub struct CompilerProcess {
    /// A program of this very build, as `/proc/self/exe`, which stays the same after an upgrade.
    pub program: PathBuf,
    /// Arguments that make it call [`compiler_main`] and nothing else.
    pub arguments: Vec<OsString>,
    /// How far it may go.
    pub limits: CompilerLimits,
}

/// How far one compilation may go. Beyond it, the run fails with
/// [`LocalFault::CompilationLimit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompilerLimits {
    /// Real time from start to answer, in milliseconds.
    pub wall_ms: u64,
    /// Processor time in seconds.
    pub cpu_seconds: u64,
    /// Address space of the child in bytes, its program included.
    pub address_bytes: u64,
    /// Largest compiled module in bytes.
    pub artifact_bytes: u64,
    /// Children at once; further compilations wait.
    pub at_once: u32,
}

impl Default for CompilerLimits {
    /// A minute, 4 GiB, 256 MiB of compiled code, two at once: far above what the largest module
    /// of honest tools needs.
    fn default() -> Self {
        Self {
            wall_ms: 60_000,
            cpu_seconds: 60,
            address_bytes: 4 << 30,
            artifact_bytes: 256 << 20,
            at_once: 2,
        }
    }
}

/// The host's side: starts children and bounds how many there are.
#[derive(Debug)]
pub(super) struct Compiler {
    process: CompilerProcess,
    running: Mutex<u32>,
    freed: Condvar,
}

impl Compiler {
    pub(super) const fn new(process: CompilerProcess) -> Self {
        Self { process, running: Mutex::new(0), freed: Condvar::new() }
    }

    /// Validates, instruments and compiles a module elsewhere.
    pub(super) fn compile(
        &self,
        module: &[u8],
        cancellation: &Cancellation,
    ) -> Result<Artifact, Failure> {
        let _turn = self.turn(cancellation)?;
        let (mut child, socket) = self.start().map_err(|_| LocalFault::Compiler)?;
        let answer = Conversation::begin(socket, &self.process.limits, cancellation)
            .and_then(|mut conversation| conversation.hold(module));
        let ended = matches!(answer, Err(Silence::Ended));
        let status = finish(&mut child, ended).map_err(|_| LocalFault::Compiler)?;
        match answer {
            Ok(Answer::Artifact(bytes)) => Ok(Artifact::compiled_by_child(bytes)),
            Ok(Answer::Refused(refusal)) => {
                Err(Failure::before_start(FailureKind::InvalidModule(refusal)))
            }
            Ok(Answer::OutOfMemory) | Err(Silence::Limit) => {
                Err(LocalFault::CompilationLimit.into())
            }
            Ok(Answer::EngineRefused) => Err(LocalFault::Engine.into()),
            Err(Silence::Cancelled) => Err(LocalFault::Cancelled.into()),
            // Limits of processor time and of memory end the child by a signal.
            Err(Silence::Ended) if status.signal().is_some() => {
                Err(LocalFault::CompilationLimit.into())
            }
            Ok(Answer::OtherProfile) | Err(Silence::Ended | Silence::Nonsense) => {
                Err(LocalFault::Compiler.into())
            }
        }
    }

    fn start(&self) -> std::io::Result<(Child, UnixStream)> {
        let (ours, theirs) = UnixStream::pair()?;
        let child = Command::new(&self.process.program)
            .args(&self.process.arguments)
            .env_clear()
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok((child, ours))
    }

    /// Waits until fewer children than allowed are running.
    fn turn(&self, cancellation: &Cancellation) -> Result<Turn<'_>, LocalFault> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while *running >= self.process.limits.at_once.max(1) {
            if cancellation.is_cancelled() {
                return Err(LocalFault::Cancelled);
            }
            let tick = Duration::from_millis(TICK_MS);
            (running, _) =
                self.freed.wait_timeout(running, tick).unwrap_or_else(PoisonError::into_inner);
        }
        *running += 1;
        Ok(Turn { compiler: self })
    }
}

/// The child has nothing left to do. One that ends by itself is given time to say how.
fn finish(child: &mut Child, ended: bool) -> std::io::Result<ExitStatus> {
    const TICKS_TO_END: u32 = 200;
    for _ in 0..if ended { TICKS_TO_END } else { 0 } {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        std::thread::sleep(Duration::from_millis(TICK_MS));
    }
    child.kill()?;
    child.wait()
}

/// The right to one child; dropping it frees the place.
struct Turn<'c> {
    compiler: &'c Compiler,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.compiler.running.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.compiler.freed.notify_one();
    }
}
