//! Everything that happened, in its order: lines for people, and a hash over all of them.

use std::fmt::{self, Display, Write as _};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// What the shells say of themselves that is part of a trace.
const SHELLS: &str = "warn,tallystick=debug,tallystick_coordinator=debug,tallystick_node=debug,\
                      tallystick_worker=debug,tallystick_chain=debug,tallystick_settlement=debug";

/// A trace. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Trace(Arc<Mutex<Held>>);

struct Held {
    chain: Sha256,
    lines: u64,
    now: Duration,
    to: Option<BufWriter<File>>,
    failed: Option<io::Error>,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("lines", &self.lines).finish_non_exhaustive()
    }
}

impl Trace {
    /// A trace that is written to a file, where there is one.
    ///
    /// # Errors
    ///
    /// Where the file cannot be made.
    pub fn new(to: Option<&Path>) -> io::Result<Self> {
        let to = to.map(File::create).transpose()?.map(BufWriter::new);
        let (chain, now) = (Sha256::new(), Duration::ZERO);
        let held = Held { chain, lines: 0, now, to, failed: None };
        Ok(Self(Arc::new(Mutex::new(held))))
    }

    /// Puts what the shells log into the trace, from now on and for this process.
    pub fn take_logs(&self) {
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(SHELLS))
            .with_writer(self.clone())
            .with_ansi(false)
            .without_time()
            .finish();
        // A process traces one simulation.
        let _second = tracing::subscriber::set_global_default(subscriber);
    }

    /// Says what time it is while no machine runs.
    pub fn set_now(&self, now: Duration) {
        self.held().now = now;
    }

    /// Adds a line.
    pub fn note(&self, who: &str, what: impl Display) {
        let at = turmoil::sim_elapsed();
        let mut held = self.held();
        let at = at.unwrap_or(held.now);
        let mut line = String::new();
        // Writing into a string does not fail.
        let _written = writeln!(line, "{:>12.6} {who:<14} {what}", at.as_secs_f64());
        held.add(line.as_bytes());
    }

    /// Lines so far, and the hash over them.
    pub fn sum(&self) -> (u64, String) {
        let held = self.held();
        let hash = held.chain.clone().finalize();
        (held.lines, hash.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Writes what is left.
    ///
    /// # Errors
    ///
    /// The first line that could not be written.
    pub fn finish(&self) -> io::Result<()> {
        let mut held = self.held();
        if let Some(error) = held.failed.take() {
            return Err(error);
        }
        held.to.as_mut().map_or(Ok(()), Write::flush)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn add(&mut self, line: &[u8]) {
        self.chain.update(line);
        self.lines += 1;
        if let Some(Err(error)) = self.to.as_mut().map(|to| to.write_all(line)) {
            self.failed.get_or_insert(error);
        }
    }
}

/// One line of a log.
#[derive(Debug)]
pub struct Line<'a>(&'a Trace);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.note("log", String::from_utf8_lossy(bytes).trim_end());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Trace {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}
