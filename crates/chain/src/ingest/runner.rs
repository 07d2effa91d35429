//! The machine over real endpoints, a store and a clock.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::B256;
use futures::future::join_all;
use tallystick_ports::{Clock, Store, StoreError};

use super::handle::{IngestHandle, Notices};
use super::kept::KeptError;
use super::machine::{Input, Machine, Output};
use super::peer::{Miss, Question, Reply};
use super::{Finality, IngestConfig, LogReader, Phase};
use crate::endpoint::{Answer, BlockRef, Endpoint, NoAnswer};

/// How much longer than the poll time a machine without an agreed head waits, at most.
const LONGEST_WAIT: u32 = 16;

/// Reads the chain for as long as it runs.
#[derive(Debug)]
pub struct Ingest {
    machine: Machine,
    config: IngestConfig,
    endpoints: Vec<Endpoint>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    notices: Notices,
}

/// Why reading the chain ended.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// What is kept could not be read.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// A step could not be kept. Nothing of it was; start again when the disk is well.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Ingest {
    /// Takes up what the store keeps. Nothing is asked before [`Self::run`].
    ///
    /// The keys that begin with `ingest/` are this one's alone.
    pub fn open(
        config: IngestConfig,
        endpoints: Vec<Endpoint>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        reader: Arc<dyn LogReader>,
    ) -> Result<(Self, IngestHandle), IngestError> {
        let machine = Machine::load(config.clone(), endpoints.len(), reader, store.as_ref())?;
        let (notices, handle) = Notices::of(&machine, Arc::clone(&store));
        Ok((Self { machine, config, endpoints, store, clock, notices }, handle))
    }

    /// Reads until `stop` is ready. May be dropped at any moment: what was kept is whole.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), IngestError> {
        let mut stop = pin!(stop);
        let mut input = Input::Wake(self.clock.now());
        let mut rounds_in_vain = 0;
        loop {
            input = match self.machine.step(input) {
                Output::Commit(batch) => {
                    fail::fail_point!("ingest.batch.before");
                    self.store.commit(batch)?;
                    fail::fail_point!("ingest.batch.kept");
                    self.notices.tell(&self.machine);
                    Input::Committed
                }
                Output::Ask(asks) => tokio::select! {
                    () = &mut stop => return Ok(()),
                    answers = self.answers(&asks) => Input::Answers(answers),
                },
                Output::Rest { more } => {
                    self.notices.tell(&self.machine);
                    let well =
                        matches!(self.machine.status().phase, Phase::Follow | Phase::BackFill);
                    rounds_in_vain = if well { 0 } else { LONGEST_WAIT.min(rounds_in_vain + 1) };
                    let wait = if more { Duration::ZERO } else { self.wait(rounds_in_vain) };
                    tokio::select! {
                        () = &mut stop => return Ok(()),
                        () = tokio::time::sleep(wait) => {}
                        () = self.notices.wake.notified() => {}
                    }
                    Input::Wake(self.clock.now())
                }
            };
        }
    }

    /// The poll time, longer while nothing is agreed, with a part that differs between machines.
    fn wait(&self, rounds_in_vain: u32) -> Duration {
        let now = self.clock.now().get();
        let jitter = self.config.poll.saturating_mul(u32::try_from(now % 64).unwrap_or(0)) / 512;
        let poll = self.config.poll.saturating_mul(rounds_in_vain.max(1));
        poll.saturating_add(jitter)
    }

    async fn answers(&self, asks: &[(usize, Question)]) -> Vec<Result<Reply, Miss>> {
        join_all(asks.iter().map(|(peer, question)| self.answer(*peer, *question))).await
    }

    async fn answer(&self, peer: usize, question: Question) -> Result<Reply, Miss> {
        let Some(endpoint) = self.endpoints.get(peer) else { return Err(Miss::NoAnswer) };
        self.ask(endpoint, question).await.map_err(|none| match question {
            Question::Range(..) if none.is_too_much() => Miss::TooMuch,
            _ => Miss::NoAnswer,
        })
    }

    async fn ask(&self, endpoint: &Endpoint, question: Question) -> Answer<Reply> {
        let addresses = || self.config.addresses();
        Ok(match question {
            Question::Identity => {
                let chain = endpoint.chain_id().await?;
                let codes = addresses();
                let codes = join_all(codes.iter().map(|address| endpoint.code_hash(*address)));
                let codes: Result<Vec<B256>, NoAnswer> = codes.await.into_iter().collect();
                Reply::Identity(chain, codes?)
            }
            Question::Heads => {
                let latest = endpoint.header(BlockRef::Latest).await?;
                let (safe, last) = match self.config.finality {
                    Finality::Depth { .. } => (None, None),
                    Finality::Tags => (
                        endpoint.header(BlockRef::Safe).await?,
                        endpoint.header(BlockRef::Finalized).await?,
                    ),
                };
                Reply::Heads(Box::new([latest, safe, last]))
            }
            Question::HeaderAt(number) => {
                Reply::Header(endpoint.header(BlockRef::Number(number)).await?.map(Box::new))
            }
            Question::HeaderOf(hash) => {
                Reply::Header(endpoint.header_by_hash(hash).await?.map(Box::new))
            }
            Question::Logs(block) => Reply::Logs(endpoint.logs(block, &addresses()).await?),
            Question::Receipts(block) => Reply::Receipts(endpoint.receipts(block).await?),
            Question::Range(first, last) => {
                Reply::Range(endpoint.logs_between(first, last, &addresses()).await?)
            }
        })
    }
}
