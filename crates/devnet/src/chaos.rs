//! A network under load while everything fails: processes, the chain, its endpoints, the lines.
//! Afterwards the books are read.
//!
//! All chances come from a seed; the processes and their races do not, so that a seed tells which
//! faults happen and not what they hit. Nothing here looks inside a node.

mod crashes;
mod death;
mod kept;
mod load;
mod oracle;
mod partitions;
pub mod points;
mod storm;
mod town;
mod trace;
mod watch;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use alloy_primitives::U256;
use tallystick_sdk::verify::VerifyError;
use tallystick_types::{ChainId, JobId};
use tokio::time::Instant;

use crate::chain::CallError;
use crate::machines::MachineError;
use crate::network::NetworkError;
use crate::proxy::Fault;

pub use crashes::{Sweep, Swept, sweep};
pub use death::ONE_THREAD;
pub use load::{LoadPlan, run as load};
pub use storm::Census;
pub use watch::Seen;

use storm::Storm;
use town::{CLIENT, Lines, Town};

/// How long a run is, and where.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Decides all chances.
    pub seed: u64,
    /// Faults happen for so many minutes at least.
    pub minutes: u64,
    /// So many processes are killed at least.
    pub kills: u64,
    /// Whether processes are also killed, or refused by the disk, inside of system calls. Needs
    /// strace.
    pub strike: bool,
    /// In place of all faults every node is watched from outside until so many jobs are paid.
    /// Needs strace.
    pub watched_jobs: Option<u64>,
    /// In place of all other faults each process lives on a machine of its own, and so many lines
    /// between them are cut. Needs root.
    pub partitions: Option<u64>,
    /// Where everything is kept; it must not exist.
    pub folder: PathBuf,
    /// The program of this crate.
    pub program: PathBuf,
    /// The number of the chain.
    pub chain: ChainId,
}

/// What a run was.
#[derive(Debug)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// How long faults happened, in seconds.
    pub seconds: u64,
    /// What happened to processes, chain and lines.
    pub census: Census,
    /// Requests to endpoints.
    pub requests: u64,
    /// What happened to requests.
    pub faults: BTreeMap<Fault, u64>,
    /// Jobs that were paid.
    pub settled: u64,
    /// Jobs whose money went back.
    pub refunded: u64,
    /// What left the nodes, where they were watched.
    pub seen: Option<Seen>,
    /// What is not as it must be.
    pub findings: Vec<Finding>,
}

/// Something that must not be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Finding {
    /// A process ended that nobody killed.
    #[error("{name} ended by itself; its log is {}", log.display())]
    Ended {
        /// The process.
        name: String,
        /// Its log.
        log: PathBuf,
    },
    /// An order was taken and is not on the chain.
    #[error("job {job} was taken and never came to the chain")]
    Lost {
        /// The job.
        job: JobId,
    },
    /// A job has no end.
    #[error("job {job} is neither settled nor refunded")]
    Open {
        /// The job.
        job: JobId,
    },
    /// A job has several ends.
    #[error("job {job} was settled {settled} times and refunded {refunded} times")]
    EndedTwice {
        /// The job.
        job: JobId,
        /// Settlements.
        settled: usize,
        /// Refunds.
        refunded: usize,
    },
    /// There is no receipt of a job.
    #[error("the receipt of settled job {job} is not in the archive")]
    NotArchived {
        /// The job.
        job: JobId,
    },
    /// A receipt does not hold.
    #[error("the receipt of job {job} does not hold: {source}")]
    Receipt {
        /// The job.
        job: JobId,
        /// Why.
        source: Box<VerifyError>,
    },
    /// A receipt is of another job, or states another amount than was paid.
    #[error("the receipt of job {job} states {stated}, paid were {paid}")]
    OtherCost {
        /// The job.
        job: JobId,
        /// In the receipt.
        stated: u128,
        /// On the chain.
        paid: u128,
    },
    /// An honest node lost stake.
    #[error("{name} is honest and was slashed: {stake} is left of its stake")]
    Slashed {
        /// The node.
        name: String,
        /// What it has.
        stake: u128,
    },
    /// A node does not work.
    #[error("{name} is not ready: {reasons}")]
    NotReady {
        /// The node.
        name: String,
        /// What it says.
        reasons: String,
    },
    /// Two amounts differ.
    #[error("the books do not agree on {what}: {left} and {right}")]
    Books {
        /// What is compared.
        what: &'static str,
        /// The one.
        left: U256,
        /// The other.
        right: U256,
    },
    /// A node did not see the last block.
    #[error("{name} does not see block {head}, the last one")]
    Behind {
        /// The node.
        name: String,
        /// The block.
        head: u64,
    },
    /// A node does not end when it is asked.
    #[error("{name} did not end when it was asked to")]
    Undead {
        /// The node.
        name: String,
    },
    /// A node's view is not that of a fresh reading.
    #[error("{name} sees another chain than a fresh reading")]
    OtherView {
        /// The node.
        name: String,
    },
    /// A process was left behind.
    #[error("process {process} was left behind: {command}")]
    Orphan {
        /// Its number.
        process: u32,
        /// What it runs.
        command: String,
    },
    /// Something left a node before its disk had it.
    #[error("{what} left {name} before its disk had it")]
    Early {
        /// The node.
        name: String,
        /// What.
        what: &'static str,
    },
    /// A file may lose its name, or its bytes, in a power cut.
    #[error("{file} got its name without a sync of file and folder")]
    Nameless {
        /// The file.
        file: String,
    },
    /// No process came by a point, or made a call, at which it was to die.
    #[error("no {victim} passed {death}")]
    Unpassed {
        /// The point or call, and how often it was to be passed.
        death: String,
        /// Who was to pass it.
        victim: points::Victim,
    },
    /// A process heard that a call failed and is of no use since.
    #[error("{name} lives on after {death}, and is not ready")]
    Wedged {
        /// The process.
        name: String,
        /// What failed.
        death: String,
    },
    /// A process heard that its store could not keep something and acts as if it had.
    #[error("{name} goes on after {death}, which was of {file}")]
    Deaf {
        /// The process.
        name: String,
        /// What failed.
        death: String,
        /// The file of the store.
        file: String,
    },
    /// Nothing came of the load.
    #[error("no job was settled; the run proves nothing")]
    Quiet,
}

/// Why a run could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ChaosError {
    /// The network does not start.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The chain does not answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// There are no machines.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// A file or program could not be used.
    #[error("{path} could not be used; check that it is there and may be used")]
    Files {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What a node kept of the chain cannot be read.
    #[error("the chain could not be read again")]
    View {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The chain itself is broken.
    #[error(
        "Anvil lost blocks {blocks:?} in a reorganisation; no node can follow such a chain, and \
         this run says nothing of them: run it again"
    )]
    Hole {
        /// Heights at which it has no block.
        blocks: Vec<u64>,
    },
    /// A fresh reading does not reach the head.
    #[error("a fresh reading of the chain did not reach its head, block {head}")]
    Unread {
        /// The head.
        head: u64,
    },
}

impl ChaosError {
    fn files(path: &Path, source: io::Error) -> Self {
        Self::Files { path: path.to_owned(), source }
    }
}

/// Runs all of it and tells it line by line. The folder stays.
pub async fn run(settings: &Settings, say: &dyn Fn(&str)) -> Result<Report, ChaosError> {
    let folders = (settings.folder.clone(), settings.program.clone());
    let chances = (settings.chain, settings.seed);
    let machines = settings.partitions.map(|_| partitions::machines(&settings.folder));
    let machines = machines.transpose()?;
    let lines = machines.clone().map_or(Lines::Breakable, Lines::Cables);
    let mut town = Town::build(folders, chances, lines, say).await?;
    let began = Instant::now();
    let (census, mut findings) = match (settings.watched_jobs, machines) {
        (_, Some(machines)) => {
            let cuts = settings.partitions.unwrap_or(0);
            partitions::cut((settings.seed, cuts), &town, &machines, say).await?
        }
        (Some(jobs), None) => {
            watch::watch(&mut town, jobs).await?;
            Default::default()
        }
        (None, None) => {
            say(&format!("seed {}: faults begin", settings.seed));
            Storm::new(settings, &town, say).rage(&mut town).await?
        }
    };
    let seconds = began.elapsed().as_secs();
    say(&format!("{seconds:>5} s  faults are over; everything has to end"));
    town.kill(CLIENT);
    let jobs = oracle::settle(&town, &mut findings).await?;
    if !findings.is_empty() {
        oracle::whole_chain(&town).await?;
    }
    say(&format!("{:>5} s  {} jobs are over", began.elapsed().as_secs(), jobs.ended()));
    oracle::views(&mut town, &mut findings).await?;
    let watched = settings.watched_jobs.is_some();
    let seen = watched.then(|| watch::check(&town, &mut findings)).transpose()?;
    let (requests, faults) = town.faults();
    drop(town);
    findings.extend(oracle::orphans(&settings.folder).await);
    let (settled, refunded) = (jobs.settled(), jobs.refunded());
    let seed = settings.seed;
    Ok(Report { seed, seconds, census, requests, faults, settled, refunded, seen, findings })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, seconds, census, requests, .. } = self;
        writeln!(f, "seed             {seed}, faults for {seconds} s")?;
        write!(f, "killed           {}", census.killed())?;
        list(f, census.kills.iter())?;
        if !census.struck.is_empty() {
            write!(f, "of these struck  {}", census.struck.values().sum::<u64>())?;
            list(f, census.struck.iter())?;
        }
        write!(f, "reorganisations  {}", census.reorganisations.values().sum::<u64>())?;
        list(
            f,
            census.reorganisations.iter().map(|(depth, count)| (format!("{depth} deep"), count)),
        )?;
        writeln!(f, "chain killed     {}", census.chain_deaths)?;
        let (dark, cuts, severed) = (census.dark, census.cuts, census.severed);
        writeln!(f, "lines            {cuts} cut, {severed} severed, {dark} times no chain")?;
        if census.unplugged > 0 {
            let (unplugged, vanished) = (census.unplugged, census.vanished);
            writeln!(f, "machines         {unplugged} times no cable, {vanished} routes cut")?;
        }
        write!(
            f,
            "requests         {requests}, {} of them spoiled",
            self.faults.values().sum::<u64>()
        )?;
        list(f, self.faults.iter().map(|(fault, count)| (fault.name(), count)))?;
        writeln!(f, "jobs             {} settled, {} refunded", self.settled, self.refunded)?;
        if let Some(Seen { transactions, signatures, names }) = self.seen {
            write!(f, "on the disk first {transactions} transactions, {signatures} signatures; ")?;
            writeln!(f, "{names} names of files")?;
        }
        for finding in &self.findings {
            writeln!(f, "WRONG            {finding}")?;
        }
        Ok(())
    }
}

/// Names with their counts, in brackets, to the end of the line.
fn list<'a>(
    f: &mut fmt::Formatter<'_>,
    counts: impl Iterator<Item = (impl fmt::Display, &'a u64)>,
) -> fmt::Result {
    let counts: Vec<String> = counts.map(|(name, count)| format!("{name} {count}")).collect();
    if counts.is_empty() {
        return writeln!(f);
    }
    writeln!(f, " ({})", counts.join(", "))
}
