//! Asks coordinators for the receipts of jobs that the chain shows.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tallystick_chain::follow::House;
use tallystick_tls::Dial;
use tallystick_types::{Canonical, JobId, SignedReceipt};
use tallystick_wire::client::v1::ReceiptRequest;
use tallystick_wire::client::v1::clients_client::ClientsClient;
use tallystick_wire::limits;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

use crate::check::result_of;
use crate::shelves::{Archive, ArchiveError, Kept};

/// How long a coordinator has to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Jobs that are asked for in one round.
const ROUND: usize = 64;

/// Whom to ask, and how often.
#[derive(Clone, Debug)]
pub struct CollectorConfig {
    /// The coordinators. Receipts prove themselves, so no line needs to be trusted.
    pub coordinators: Vec<Endpoint>,
    /// How lines to them come about.
    pub dial: Dial,
    /// Time between two rounds, not zero.
    pub every: Duration,
}

/// Finds receipts for an archive.
#[derive(Debug)]
pub struct Collector {
    archive: Archive,
    house: House,
    coordinators: Vec<ClientsClient<Channel>>,
    every: Duration,
    /// Jobs whose receipt may exist and is not here.
    wanted: BTreeSet<JobId>,
    /// The last one that was asked for, so that all get their turn.
    turn: Option<JobId>,
    status: watch::Sender<CollectorStatus>,
}

/// How a collector is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CollectorStatus {
    /// Jobs with a result whose receipt is not here yet.
    pub wanted: usize,
    /// Receipts that came in since the start.
    pub kept: u64,
}

/// Why collecting ended.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The archive failed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

impl Collector {
    /// Connects lazily: a coordinator that is away is asked again later.
    pub fn new(config: CollectorConfig, archive: Archive, house: House) -> Self {
        let coordinators = config.coordinators.into_iter().map(|endpoint| {
            let endpoint = endpoint.connect_timeout(PATIENCE).timeout(PATIENCE);
            let channel = config.dial.connect_lazy(&endpoint);
            ClientsClient::new(channel).max_decoding_message_size(limits::CLIENT_RESPONSE_BYTES)
        });
        let coordinators = coordinators.collect();
        let (every, wanted, turn) = (config.every, BTreeSet::new(), None);
        let (status, _) = watch::channel(CollectorStatus::default());
        Self { archive, house, coordinators, every, wanted, turn, status }
    }

    /// Shows how the collector is.
    pub fn status(&self) -> watch::Receiver<CollectorStatus> {
        self.status.subscribe()
    }

    /// Collects until `stop` is ready.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), CollectError> {
        let mut stop = pin!(stop);
        let mut changes = self.house.changes();
        // The time runs on while the chain tells of changes, however many there are.
        let mut rounds = interval(self.every);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.look_at_everything()?;
        loop {
            tokio::select! {
                // What the chain said comes before the next question.
                biased;
                () = &mut stop => return Ok(()),
                change = changes.recv() => match change {
                    Ok(change) if !change.everything => self.want(change.jobs.iter().copied())?,
                    Ok(_) | Err(RecvError::Lagged(_)) => self.look_at_everything()?,
                    Err(RecvError::Closed) => return Ok(()),
                },
                _ = rounds.tick(), if !self.wanted.is_empty() => {
                    tokio::select! {
                        () = &mut stop => return Ok(()),
                        round = self.round() => round?,
                    }
                }
            }
        }
    }

    fn look_at_everything(&mut self) -> Result<(), CollectError> {
        let jobs: Vec<JobId> = self.house.read().latest().jobs().map(|job| job.id).collect();
        // A job may have gone with the blocks that brought it.
        self.wanted.clear();
        self.want(jobs.into_iter())
    }

    /// Notes jobs that have a result, and no receipt of it here.
    fn want(&mut self, jobs: impl Iterator<Item = JobId>) -> Result<(), CollectError> {
        for job in jobs {
            let read = self.house.read();
            let told = read.latest().job(job);
            let result = told.and_then(|told| Some((told.attempt, result_of(told)?)));
            // The view is free again before the store is asked.
            drop(read);
            // A result may take the place of another: a receipt of the job is not enough.
            let is_wanted = match result {
                Some((attempt, output_root)) => !self.archive.has(job, attempt, output_root)?,
                None => false,
            };
            if is_wanted {
                self.wanted.insert(job);
            } else {
                self.wanted.remove(&job);
            }
        }
        self.show(0);
        Ok(())
    }

    fn show(&self, kept: u64) {
        self.status.send_modify(|status| {
            status.wanted = self.wanted.len();
            status.kept = status.kept.saturating_add(kept);
        });
    }

    /// Asks for some of the jobs, each time for the next ones.
    async fn round(&mut self) -> Result<(), CollectError> {
        let start = self.turn.take();
        let behind = self.wanted.iter().filter(|job| start.is_none_or(|turn| **job > turn));
        let jobs: Vec<JobId> = behind.take(ROUND).copied().collect();
        self.turn = jobs.get(ROUND - 1).copied();
        for job in jobs {
            if self.ask(job).await? {
                self.wanted.remove(&job);
                self.show(1);
            }
        }
        Ok(())
    }

    /// Asks one coordinator after the other, until one has a receipt that holds. That of a private
    /// job goes to its client alone, who may bring it here: it is not asked for again.
    async fn ask(&mut self, job: JobId) -> Result<bool, CollectError> {
        let mut private = false;
        for coordinator in &mut self.coordinators {
            let request = ReceiptRequest { job: job.as_bytes().to_vec(), access: None };
            let answer = match coordinator.receipt(request).await {
                Ok(answer) => answer.into_inner(),
                Err(status) => {
                    private |= status.code() == Code::Unauthenticated;
                    tracing::debug!(%job, code = ?status.code(), "archive.collector.none");
                    continue;
                }
            };
            let Ok(signed) = SignedReceipt::from_bytes(&answer.receipt) else {
                tracing::warn!(%job, "archive.collector.malformed");
                continue;
            };
            if signed.receipt.job != job {
                tracing::warn!(%job, "archive.collector.other");
                continue;
            }
            // The view is free again before the disk is waited for.
            let checked = self.archive.check(self.house.read().latest(), &signed);
            let client = match checked {
                Ok(client) => client,
                Err(refusal) => {
                    tracing::warn!(%job, %refusal, "archive.collector.refused");
                    continue;
                }
            };
            let kept = self.archive.keep(client, &signed)?;
            let is_new = matches!(kept, Kept::New(_));
            tracing::info!(%job, is_new, "archive.collector.kept");
            return Ok(true);
        }
        Ok(private)
    }
}

#[cfg(test)]
mod tests;
