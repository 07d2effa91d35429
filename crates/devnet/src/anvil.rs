//! A local chain in a process of its own.

use std::io::{self, BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use tallystick_types::ChainId;
use tempfile::TempDir;

use crate::address::free_address;
use crate::tools::{Tool, ToolError};

/// How long Anvil may take to open its port. It needs well below a second on an idle machine.
const STARTUP: Duration = Duration::from_secs(60);

/// What Anvil prints before the address it listens on.
const LISTENING: &str = "Listening on ";

/// Between two writings of the chain's state, in seconds: what an Anvil that is killed forgets.
const KEEP_EVERY: u64 = 1;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A running Anvil. Dropping it stops it.
#[derive(Debug)]
pub struct Anvil {
    process: Child,
    address: String,
    chain: ChainId,
    repository: PathBuf,
    /// Where it keeps the chain, if it does.
    state: Option<PathBuf>,
    host: IpAddr,
    /// Where it puts the states of old blocks, a megabyte or so for each. It removes them only
    /// where it ends by itself, and here it is killed.
    _states: TempDir,
}

/// Why Anvil does not run.
#[derive(Debug, thiserror::Error)]
pub enum AnvilError {
    /// It is not installed.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The system refused to start it.
    #[error("Anvil could not be started; run script/bootstrap and try again")]
    Start {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ended before it listened.
    #[error("Anvil ended at once; its last words: {last}")]
    Ended {
        /// The last line that it printed.
        last: String,
    },
    /// It runs and does not listen.
    #[error("Anvil did not listen within {} s; the machine may be overloaded", STARTUP.as_secs())]
    Silent,
}

impl Anvil {
    /// Starts Anvil on a free port of this machine, with a block per transaction.
    pub fn start(repository: &Path, chain: ChainId) -> Result<Self, AnvilError> {
        Self::start_at(LOOPBACK, repository, chain)
    }

    /// The same at another address of this machine.
    pub fn start_at(host: IpAddr, repository: &Path, chain: ChainId) -> Result<Self, AnvilError> {
        Self::launch(repository, chain, None, (host, "0"))
    }

    /// The same with a file in which the chain is kept, for [`restart`](Self::restart).
    pub fn start_kept(repository: &Path, chain: ChainId, state: &Path) -> Result<Self, AnvilError> {
        let port = free_address().map_err(|source| AnvilError::Start { source })?.port();
        Self::launch(repository, chain, Some(state), (LOOPBACK, &port.to_string()))
    }

    /// Starts an Anvil again that was killed, on the same port, with the chain of its file. It
    /// makes a block per transaction until it is told otherwise, and has forgotten the pool, the
    /// last [second](KEEP_EVERY) and by how much its time was moved.
    pub fn restart(&mut self) -> Result<(), AnvilError> {
        self.kill();
        let port = self.address.rsplit(':').next().unwrap_or("0").to_owned();
        let place = (self.host, port.as_str());
        *self = Self::launch(&self.repository, self.chain, self.state.as_deref(), place)?;
        Ok(())
    }

    /// Ends it at once, as a power cut does.
    pub fn kill(&mut self) {
        // Both fail only where the process is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    fn launch(
        repository: &Path,
        chain: ChainId,
        state: Option<&Path>,
        (host, port): (IpAddr, &str),
    ) -> Result<Self, AnvilError> {
        let failed = |source| AnvilError::Start { source };
        let states = tempfile::Builder::new().prefix("anvil-").tempdir().map_err(failed)?;
        let mut command = Command::new(Tool::Anvil.find(repository)?);
        command.arg("--cache-path").arg(states.path());
        command.args(["--host", &host.to_string(), "--port", port]);
        command.args(["--chain-id", &chain.to_string()]);
        if let Some(state) = state {
            command.arg("--state").arg(state);
            command.args(["--state-interval", &KEEP_EVERY.to_string()]);
        }
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (lines, heard) = mpsc::channel();
        if let Some(output) = process.stdout.take() {
            listen(output, lines.clone());
        }
        if let Some(output) = process.stderr.take() {
            listen(output, lines);
        }
        // From here on an early return stops the process.
        let (repository, state) = (repository.to_owned(), state.map(Path::to_owned));
        let address = String::new();
        let mut anvil = Self { process, address, chain, repository, state, host, _states: states };
        let mut last = String::from("none");
        loop {
            match heard.recv_timeout(STARTUP) {
                Ok(line) => {
                    if let Some(address) = line.trim().strip_prefix(LISTENING) {
                        anvil.address = address.to_owned();
                        return Ok(anvil);
                    }
                    if !line.trim().is_empty() {
                        last = line;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Err(AnvilError::Ended { last }),
                Err(RecvTimeoutError::Timeout) => return Err(AnvilError::Silent),
            }
        }
    }

    /// Where it answers, for example `http://127.0.0.1:8545`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The chain's number.
    pub const fn chain(&self) -> ChainId {
        self.chain
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads what the process prints for as long as it runs, so that it never waits for a reader.
fn listen(output: impl io::Read + Send + 'static, lines: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Nobody listens once the address is known.
            let _ = lines.send(line);
        }
    });
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn what_it_put_on_the_disk_goes_with_it() {
        let anvil = Anvil::start(&crate::repository(), ChainId::new(31_337)).unwrap();
        tallystick_tls::install_provider();
        let mine = r#"{"jsonrpc":"2.0","id":1,"method":"anvil_mine","params":["0x200"]}"#;
        let request = reqwest::Client::new().post(anvil.url()).body(mine);
        let request = request.header("content-type", "application/json");
        assert!(request.send().await.unwrap().status().is_success());
        let words = fs::read_to_string(format!("/proc/{}/cmdline", anvil.process.id())).unwrap();
        let mut words = words.split('\0').skip_while(|word| *word != "--cache-path");
        let folder = PathBuf::from(words.nth(1).unwrap());
        assert!(fs::read_dir(&folder).unwrap().count() > 0, "{}", folder.display());
        drop(anvil);
        assert!(!folder.exists());
    }
}
