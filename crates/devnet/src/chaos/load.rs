//! The client of a run: a process that orders work without end, and is killed like any other.
//!
//! It writes down what it is about to ask for and what it was told, each line on the disk before
//! the next step. So it is known afterwards which jobs there must be.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, U256, keccak256};
use tallystick_abi::Deployment;
use tallystick_chain::keys::{EvmSigner, Keystores, Password};
use tallystick_protocol::ledger::Limits;
use tallystick_sdk::blob::silent;
use tallystick_sdk::chain::Chain;
use tallystick_sdk::order::{Demand, Offer, OrderError};
use tallystick_sdk::specify::{Draft, InputSource, Prepared, Source};
use tallystick_sdk::{Client, ClientConfig};
use tallystick_tls::Authorities;
use tallystick_types::{ChainId, JobId, JobOrder, Seconds, Trust, Verification};
use tallystick_wire::client::Phase;

use crate::dice::Dice;

/// Jobs that are not over, at most.
const MOST_OPEN: usize = 16;
/// Pause between two jobs.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_millis(1_500));
/// The same where work is small.
const SHORT_PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(250));
/// How long one job may take to be taken; then the next one is asked for.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(8);

/// Where the client finds everything.
#[derive(Clone, Debug)]
pub struct LoadPlan {
    /// The folder of the network.
    pub folder: PathBuf,
    /// The client's account.
    pub account: Address,
    /// The chain.
    pub chain: ChainId,
    /// A coordinator.
    pub coordinator: String,
    /// An endpoint of the chain.
    pub endpoint: String,
    /// What it asks for.
    pub seed: u64,
    /// Work is as small as possible and comes quickly.
    pub small: bool,
    /// Who is believed beside the public authorities.
    pub authorities: Option<PathBuf>,
}

/// What the client wrote down about one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Word {
    /// It is about to ask a coordinator.
    Ordered,
    /// It is about to create it on the chain.
    Created,
    /// It was taken: by the coordinator, or the transaction is in a block.
    Taken,
    /// It was refused.
    Refused,
}

impl Word {
    const ALL: [Self; 4] = [Self::Ordered, Self::Created, Self::Taken, Self::Refused];

    const fn name(self) -> &'static str {
        match self {
            Self::Ordered => "ordered",
            Self::Created => "created",
            Self::Taken => "taken",
            Self::Refused => "refused",
        }
    }
}

/// The lines of a client. A line that a crash cut off is none.
pub(super) fn read(folder: &Path) -> io::Result<Vec<(Word, JobId)>> {
    let file = match File::open(path(folder)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        file => file?,
    };
    let mut words = Vec::new();
    for line in BufReader::new(file).lines() {
        let line = line?;
        let mut parts = line.split_whitespace();
        let word = parts.next().and_then(|name| Word::ALL.into_iter().find(|it| it.name() == name));
        let job = parts.next().and_then(|job| job.parse().ok());
        words.extend(word.zip(job));
    }
    Ok(words)
}

fn path(folder: &Path) -> PathBuf {
    folder.join("client").join("jobs.log")
}

/// The client with its line to the disk.
struct Load {
    client: Client,
    chain: Chain,
    dice: Dice,
    log: File,
    open: BTreeSet<JobId>,
    started: u64,
    small: bool,
}

/// Why the client cannot work.
type Failure = Box<dyn std::error::Error>;

/// Orders work until it is killed.
pub async fn run(plan: &LoadPlan) -> Result<(), Failure> {
    let before = read(&plan.folder)?;
    let log = File::options().create(true).append(true).open(path(&plan.folder))?;
    // A line that a crash cut off is ended, so that the next one is whole.
    (&log).write_all(b"\n")?;
    let password = fs::read_to_string(plan.folder.join("password"))?;
    let keys = Keystores::at(plan.folder.join("client").join("keys"));
    let key: Arc<dyn EvmSigner> = Arc::new(keys.unlock(plan.account, &Password::new(password))?);
    let deployment = Deployment::read(&crate::repository().join("deployments"), plan.chain)?;
    let mut config = ClientConfig::new(plan.coordinator.clone());
    config.time_limit = ANSWER;
    if let Some(authorities) = &plan.authorities {
        config.authorities = Authorities::with_file(authorities)?;
    }
    let client = patiently(|| Client::connect(&config, Some(key.clone()))).await;
    let connect = || Chain::connect(&plan.endpoint, deployment.clone(), Some(key.clone()));
    let chain = patiently(connect).await;
    let started = before.len() as u64;
    let dice = Dice::of(plan.seed, &format!("load {started}"));
    let open = before.iter().map(|(_, job)| *job).collect();
    let (small, (least, most)) = (plan.small, if plan.small { SHORT_PAUSE } else { PAUSE });
    let mut load = Load { client, chain, dice, log, open, started, small };
    loop {
        load.forget_ended().await;
        if load.open.len() < MOST_OPEN {
            // What went wrong is in the log of jobs, or nothing came of it.
            let _late = tokio::time::timeout(PATIENCE, load.one_job()).await;
        }
        let pause = load.dice.between(least, most);
        tokio::time::sleep(pause).await;
    }
}

/// Tries until it works: whoever is asked may be dead at the moment.
async fn patiently<T, E, F: Future<Output = Result<T, E>>>(mut attempt: impl FnMut() -> F) -> T {
    loop {
        if let Ok(value) = attempt().await {
            return value;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

impl Load {
    async fn forget_ended(&mut self) {
        for job in self.open.clone() {
            let over = match self.client.status(job).await {
                Ok(status) => {
                    matches!(status.phase, Phase::Settled | Phase::Refunded | Phase::Unknown)
                }
                Err(silence) if silence.is_silence() => return,
                // A job that the coordinator does not know was never ordered: a death came first.
                Err(_) => true,
            };
            if over {
                self.open.remove(&job);
            }
        }
    }

    async fn one_job(&mut self) -> Result<(), Failure> {
        if self.small && self.dice.below(8) == 0 {
            // Codes are limited, and a coordinator that dies has not answered.
            let _none = self.client.create_pairing().await;
        }
        let prepared = self.draft().prepare()?;
        let demand = Demand {
            token: self.chain.tally_token(),
            replicas: 3,
            quorum: 0,
            trust: Trust::Staked,
            verification: Verification::Deterministic,
            region: None,
            most: None,
            parameters_version: None,
            within: Seconds::new(7_200),
        };
        self.client.upload(&prepared.needed, &silent()).await?;
        let offer = self.client.quote(&prepared, &demand).await?;
        self.started += 1;
        let nonce = keccak256(format!("{} {}", self.dice.throw(), self.started));
        let nonce = U256::from_be_bytes(nonce.0) >> 24;
        let client = self.chain.account()?;
        let order = JobOrder { client, nonce, terms: *offer.terms() };
        if self.dice.below(3) == 0 {
            self.create(&order).await
        } else {
            self.order(&prepared, &offer, &order).await
        }
    }

    /// Hands an order in until somebody says something about it.
    async fn order(
        &mut self,
        prepared: &Prepared,
        offer: &Offer,
        order: &JobOrder,
    ) -> Result<(), Failure> {
        let job = self.client.job_domain().job_id(order);
        self.write(Word::Ordered, job)?;
        loop {
            match self.client.submit(prepared, offer, order).await {
                Ok(_) => return self.taken(job),
                Err(OrderError::Call(silence)) if silence.is_silence() => {}
                Err(refusal) => {
                    self.write(Word::Refused, job)?;
                    return Err(refusal.into());
                }
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Creates a job by a call of the contract. Nothing is known when no answer comes.
    async fn create(&mut self, order: &JobOrder) -> Result<(), Failure> {
        let job = self.client.job_domain().job_id(order);
        self.write(Word::Created, job)?;
        self.open.insert(job);
        self.chain.create_job(order.nonce, &order.terms, "").await?;
        Ok(())
    }

    fn taken(&mut self, job: JobId) -> Result<(), Failure> {
        self.open.insert(job);
        self.write(Word::Taken, job)
    }

    fn write(&mut self, word: Word, job: JobId) -> Result<(), Failure> {
        writeln!(self.log, "{} {job}", word.name())?;
        Ok(self.log.sync_data()?)
    }

    /// A small piece of work.
    fn draft(&mut self) -> Draft {
        let examples = crate::repository().join("examples");
        if self.small {
            let module = examples.join("word-frequencies/word-frequencies.wasm");
            // No two inputs are equal, so that every one is uploaded and fetched.
            let input = format!("{} {}", self.dice.throw(), self.started).into_bytes();
            let input = InputSource::Bytes(input);
            return Draft { limits: limits(), ..Draft::new(Source::File(module), input) };
        }
        if self.dice.below(4) == 0 {
            let module = examples.join("word-frequencies/word-frequencies.wasm");
            let input = examples.join("word-frequencies/input/poems.txt");
            let input = InputSource::File(input);
            return Draft { limits: limits(), ..Draft::new(Source::File(module), input) };
        }
        let module = examples.join("mandelbrot/mandelbrot.wasm");
        let iterations = (50 + self.dice.below(20) * 10).to_string();
        let arguments = ["96", "64", "-0.75", "0", "3.0", &iterations];
        let tiles = "96x64/32x32".parse().expect("this is a grid of tiles");
        Draft {
            arguments: arguments.map(str::to_owned).to_vec(),
            limits: limits(),
            ..Draft::new(Source::File(module), InputSource::Tiles(tiles))
        }
    }
}

/// Limits of a network in which nodes die all the time: a death costs the task a try, and what
/// waits for nobody is over soon.
fn limits() -> Limits {
    Limits {
        seed: Seconds::new(40),
        verification: Seconds::new(45),
        attestation: Seconds::new(30),
        dead_letter: Seconds::new(15),
        deliveries: 24,
        ..Limits::for_tasks()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_a_line_that_was_cut_off_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap(), []);
        fs::create_dir(folder.path().join("client")).unwrap();
        let job = JobId::new([7; 32]);
        let text = format!("ordered {job}\ntaken {job}\ncreated 0x07\n\nref");
        fs::write(path(folder.path()), text).unwrap();
        assert_eq!(read(folder.path()).unwrap(), [(Word::Ordered, job), (Word::Taken, job)]);
    }
}
