//! What a newcomer sees: real jobs on a real network, a liar that is outvoted, one that is slashed,
//! a worker that dies, and every payment to the last unit.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tallystick_node::Role;
use tallystick_types::NodeId;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::chain::CallError;
use crate::ground::TLY;
use crate::lie::Lie;
use crate::network::{Network, NetworkError, Plan, WorkerPlan};

/// Small jobs that a liar which was not drawn yet gets the chance of.
const MORE_JOBS: usize = 5;
/// How long one job may take until the demonstration gives up.
const JOB: Duration = Duration::from_secs(300);
/// How long the chain may take to pay and to punish.
const CHAIN: Duration = Duration::from_secs(120);

/// Why a demonstration ended early.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The network does not start.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The chain does not answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A file or program could not be used.
    #[error("{path} could not be used")]
    Files {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A job did not end well.
    #[error("the job `{name}` failed; its words are above")]
    Job {
        /// What it is called.
        name: &'static str,
    },
    /// The client's program said something else than JSON.
    #[error("`tally {call}` did not answer as expected: {answer}")]
    Answer {
        /// The call.
        call: String,
        /// What it said.
        answer: String,
    },
    /// Something that was to happen did not.
    #[error("{what} did not happen within {} s", CHAIN.as_secs())]
    Missing {
        /// What.
        what: &'static str,
    },
}

/// What the table at the end says of a job.
struct Done {
    name: &'static str,
    id: String,
    folder: PathBuf,
    seconds: f64,
    answer: Value,
}

/// What happens while a job is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Peace,
    WorkerDies,
}

/// A network with everything that happens on it.
struct Demo<'a> {
    network: Network,
    tally: PathBuf,
    output: PathBuf,
    say: &'a dyn Fn(&str),
    /// Everything that was told of jobs.
    told: RefCell<Vec<String>>,
    killed: Cell<bool>,
}

/// The network of the demonstration: two coordinators, five honest workers of different size and
/// region, two liars.
pub fn plan(folder: PathBuf, program: PathBuf) -> Plan {
    let worker = |places, gibibytes: u64, region, lie| WorkerPlan {
        places,
        memory_bytes: gibibytes << 30,
        region,
        lie,
    };
    Plan {
        folder,
        program,
        chain: tallystick_types::ChainId::new(31_337),
        coordinators: 2,
        kept: false,
        machines: None,
        workers: vec![
            worker(2, 4, 276, None),
            worker(1, 2, 276, None),
            worker(2, 4, 840, None),
            worker(1, 2, 392, None),
            worker(1, 1, 840, None),
            worker(1, 2, 276, Some(Lie::WrongOutput)),
            worker(1, 2, 276, Some(Lie::TwoClaims)),
        ],
    }
}

/// Runs all of it, and tells it line by line.
pub async fn run(
    network: Network,
    (tally, output): (PathBuf, PathBuf),
    say: &dyn Fn(&str),
) -> Result<Network, DemoError> {
    let told = RefCell::default();
    let demo = Demo { network, tally, output, say, told, killed: Cell::new(false) };
    let folder = demo.output.clone();
    fs::create_dir_all(&folder).map_err(|source| DemoError::Files { path: folder, source })?;
    let before = demo.balances().await?;
    let mut done = Vec::new();
    (demo.say)("\n1. a picture, ray-traced in tiles by machines that do not trust each other");
    done.push(demo.picture().await?);
    let picture = done[0].folder.join("result.png");
    if crate::desktop::show(&picture) {
        (demo.say)(&format!("   {} is being opened", picture.display()));
    }
    (demo.say)("\n2. the words of this repository's own sources, counted and added up");
    done.push(demo.words().await?);
    done.push(demo.add_up(&done[1].folder.join("output")).await?);
    (demo.say)("\n3. a worker dies in the middle of its work");
    done.push(demo.death().await?);
    (demo.say)("\n4. who lied: outvoted and quarantined, or slashed by code");
    done.extend(demo.liars().await?);
    (demo.say)("\n5. what everybody got");
    demo.await_settlement(&done).await?;
    demo.verify(&done).await?;
    demo.require_death()?;
    demo.show(&done, &before).await?;
    Ok(demo.network)
}

impl Demo<'_> {
    async fn picture(&self) -> Result<Done, DemoError> {
        let module = example("raytrace/raytrace.wasm");
        let job = ["--tiles", "480x270/120x90", "--args", "480", "--args", "270", "--args", "2"];
        self.job("picture", &module, &job, Fate::Peace).await
    }

    async fn small_picture(&self) -> Result<Done, DemoError> {
        let module = example("mandelbrot/mandelbrot.wasm");
        let job = [
            "--tiles",
            "240x160/60x80",
            "--args",
            "240",
            "--args",
            "160",
            "--args=-0.75",
            "--args",
            "0",
            "--args",
            "3.0",
            "--args",
            "300",
        ];
        self.job("small picture", &module, &job, Fate::Peace).await
    }

    async fn words(&self) -> Result<Done, DemoError> {
        let module = example("word-frequencies/word-frequencies.wasm");
        let sources = crate::repository().join("crates/protocol/src/ledger");
        let sources = sources.display().to_string();
        self.job("words", &module, &["--input", &sources], Fate::Peace).await
    }

    async fn add_up(&self, counted: &Path) -> Result<Done, DemoError> {
        let module = example("word-frequencies/word-frequencies.wasm");
        let counted = counted.display().to_string();
        let job = ["--input", &counted, "--split", "bytes:16777216", "--args", "reduce"];
        self.job("top words", &module, &job, Fate::Peace).await
    }

    /// A job, of which the worker that has most to do does not live to see the end.
    async fn death(&self) -> Result<Done, DemoError> {
        let module = example("primes/primes.wasm");
        let input = example("primes/input/below-hundred-million.txt").display().to_string();
        let job = ["--input", &input, "--split", "lines:4"];
        self.job("primes", &module, &job, Fate::WorkerDies).await
    }

    /// Runs a job with the client's own program, whose words go to whoever watches.
    async fn job(
        &self,
        name: &'static str,
        module: &Path,
        arguments: &[&str],
        fate: Fate,
    ) -> Result<Done, DemoError> {
        let folder = self.output.join(name.replace(' ', "-"));
        let began = tokio::time::Instant::now();
        let mut command = self.tally(&["job", "run"]);
        command.arg(module).args(arguments).arg("--output").arg(&folder);
        command.args(["--replicas", "3", "--yes", "--json"]);
        let files = |source| DemoError::Files { path: self.tally.clone(), source };
        let mut process = command.kill_on_drop(true).spawn().map_err(files)?;
        let told = process.stderr.take();
        let words = async {
            let Some(told) = told else { return };
            let mut lines = BufReader::new(told).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                (self.say)(&format!("   {line}"));
                if fate == Fate::WorkerDies && !self.killed.get() {
                    self.kill_busiest().await;
                }
                self.told.borrow_mut().push(line);
            }
        };
        let ended =
            tokio::time::timeout(JOB, async { tokio::join!(words, process.wait_with_output()).1 });
        let output = ended.await.map_err(|_| DemoError::Job { name })?.map_err(files)?;
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            (self.say)(&answer);
            return Err(DemoError::Job { name });
        }
        let answer: Value = serde_json::from_str(&answer)
            .map_err(|_| DemoError::Answer { call: "job run".to_owned(), answer })?;
        let id = answer.get("job").and_then(Value::as_str).unwrap_or_default().to_owned();
        let seconds = began.elapsed().as_secs_f64();
        Ok(Done { name, id, folder, seconds, answer })
    }

    /// Kills the honest worker that runs most tasks now, once one runs any.
    async fn kill_busiest(&self) {
        let mut running = Vec::new();
        for member in &self.network.members {
            if member.role == Role::Worker && member.lie.is_none() {
                running.push((member.name.as_str(), member.running().await.unwrap_or(0)));
            }
        }
        let Some((name, tasks)) = busiest(&running) else { return };
        let Some(member) = self.network.members.iter().find(|member| member.name == name) else {
            return;
        };
        if member.kill() {
            self.killed.set(true);
            (self.say)(&format!(
                "   SIGKILL to {name} (node {}), the busiest: {tasks} tasks at this moment",
                member.seat.node
            ));
        }
    }

    fn tally(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.tally);
        command
            .arg("--config")
            .arg(self.network.client_file())
            .args(words)
            .env("TALLY_PASSWORD_FILE", self.network.password_file())
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        command
    }

    /// Shows what became of the liars. Lots decide who works, so one that was not drawn yet gets
    /// more work first; then the chain has its time to punish.
    async fn liars(&self) -> Result<Vec<Done>, DemoError> {
        let mut more = Vec::new();
        for member in &self.network.members {
            let Some(lie) = member.lie else { continue };
            let offence = match lie {
                Lie::WrongOutput => "outvoted",
                Lie::TwoClaims => "two claims",
            };
            let caught = format!("evidence against node {}: {offence}", member.seat.node);
            for _ in 0..MORE_JOBS {
                if self.has_told(&caught) {
                    break;
                }
                more.push(self.small_picture().await?);
            }
            let (name, node) = (&member.name, member.seat.node);
            match lie {
                Lie::WrongOutput if self.has_told(&caught) => (self.say)(&format!(
                    "   {name} (node {node}) opened an output that nobody else had: outvoted, \
                     not paid, quarantined"
                )),
                Lie::WrongOutput => {
                    return Err(DemoError::Missing { what: "catching the worker that lies" });
                }
                Lie::TwoClaims => {
                    let lost = crate::network::STAKE - self.slashed(node).await?;
                    (self.say)(&format!(
                        "   {name} (node {node}) signed two claims: both reached the chain, which \
                         took {} TLY of its stake and jailed it",
                        tokens(lost)
                    ));
                }
            }
        }
        Ok(more)
    }

    fn has_told(&self, words: &str) -> bool {
        self.told.borrow().iter().any(|line| line.contains(words))
    }

    async fn slashed(&self, node: NodeId) -> Result<u128, DemoError> {
        let full = crate::network::STAKE;
        for _ in 0..CHAIN.as_secs() {
            let stake = self.network.ground.stake_of(node).await?;
            if stake < full {
                return Ok(stake);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Err(DemoError::Missing { what: "the slash of the worker that signed two claims" })
    }

    async fn await_settlement(&self, done: &[Done]) -> Result<(), DemoError> {
        for job in done {
            let mut settled = false;
            for _ in 0..CHAIN.as_secs() {
                let status = self.ask(&["job", "status", &job.id, "--json"]).await?;
                if status.get("phase").and_then(Value::as_str) == Some("settled") {
                    settled = true;
                    break;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            if !settled {
                return Err(DemoError::Missing { what: "the settlement of a job" });
            }
        }
        Ok(())
    }

    /// Every receipt, checked by a program that is told nothing but the file.
    async fn verify(&self, done: &[Done]) -> Result<(), DemoError> {
        for job in done {
            let receipt = job.folder.join("receipt.json").display().to_string();
            self.ask(&["verify", &receipt, "--json"]).await?;
            (self.say)(&format!("   verified offline: {receipt}"));
        }
        Ok(())
    }

    fn require_death(&self) -> Result<(), DemoError> {
        let what = "the death of a worker in the middle of a job";
        if self.killed.get() { Ok(()) } else { Err(DemoError::Missing { what }) }
    }

    async fn ask(&self, words: &[&str]) -> Result<Value, DemoError> {
        let files = |source| DemoError::Files { path: self.tally.clone(), source };
        let output = self.tally(words).output().await.map_err(files)?;
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        let wrong = || DemoError::Answer {
            call: words.join(" "),
            answer: format!("{answer}{}", String::from_utf8_lossy(&output.stderr)),
        };
        if !output.status.success() {
            return Err(wrong());
        }
        serde_json::from_str(&answer).map_err(|_| wrong())
    }

    /// Everybody's money in the house: in the chain lane and, for the client, outside of it too.
    async fn balances(&self) -> Result<BTreeMap<String, u128>, DemoError> {
        let ground = &self.network.ground;
        let mut balances = BTreeMap::new();
        let client = ground.lane(self.network.client).await?;
        let free = ground.free(self.network.client).await?;
        balances.insert("client".to_owned(), client + free);
        for member in &self.network.members {
            let earned = ground.lane(member.seat.account()).await?;
            let tips = ground.lane(member.seat.signer).await?;
            balances.insert(member.name.clone(), earned + tips);
        }
        Ok(balances)
    }

    async fn show(&self, done: &[Done], before: &BTreeMap<String, u128>) -> Result<(), DemoError> {
        (self.say)(&format!("\n{:<12}{:<70}{:>10}  {}", "job", "id", "seconds", "output"));
        for job in done {
            let digest = job.answer.get("sha256").and_then(Value::as_str).unwrap_or("");
            (self.say)(&format!("{:<12}{:<70}{:>10.1}  {digest}", job.name, job.id, job.seconds));
        }
        (self.say)(&format!("\n{:<18}{:>30}{:>30}", "TLY", "before", "after"));
        let after = self.balances().await?;
        for (name, after) in &after {
            let before = before.get(name).copied().unwrap_or(0);
            (self.say)(&format!("{name:<18}{:>30}{:>30}", tokens(before), tokens(*after)));
        }
        Ok(())
    }
}

/// Who runs most tasks; of several the first by name. Nobody where nothing runs.
fn busiest<'a>(running: &[(&'a str, u64)]) -> Option<(&'a str, u64)> {
    let order = |(name, tasks): &(&'a str, u64)| (*tasks, std::cmp::Reverse(*name));
    running.iter().copied().max_by_key(order).filter(|(_, tasks)| *tasks > 0)
}

/// A program of this repository.
fn example(path: &str) -> PathBuf {
    crate::repository().join("examples").join(path)
}

/// An amount with all of its digits.
fn tokens(amount: u128) -> String {
    format!("{}.{:018}", amount / TLY, amount % TLY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_worker_is_the_first_of_those_with_most_tasks() {
        let running = [("worker-3", 1), ("worker-2", 2), ("worker-1", 2), ("worker-4", 0)];
        assert_eq!(busiest(&running), Some(("worker-1", 2)));
        assert_eq!(busiest(&[("worker-1", 0), ("worker-2", 0)]), None);
        assert_eq!(busiest(&[]), None);
    }
}
