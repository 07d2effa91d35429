//! Hands what endpoints, signer and callers say to the rules, and does what they decide.

mod asking;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use alloy::consensus::TxEip1559;
use alloy_primitives::{B256, TxKind};
use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use tallystick_ports::{Clock, Store, StoreError};
use tallystick_types::ChainId;
use tokio::time::MissedTickBehavior;

use super::answer::{SendAnswer, Sight, SignedTransaction, Trial};
use super::handle::{OutboxHandle, Wanted};
use super::intent::IntentKey;
use super::kept::KeptLane;
use super::lane::{Request, Settings, Unsigned};
use super::record::RecordError;
use crate::endpoint::Endpoint;
use crate::ingest::Finality;
use crate::keys::EvmSigner;

/// How often time acts on the rules.
const TICK: Duration = Duration::from_millis(200);

/// What an outbox works with.
#[derive(Debug)]
pub struct Parts {
    /// Where it keeps everything. This process is the only one that has it open, and this outbox
    /// the only one of its account.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Signs for the account of the settings.
    pub signer: Arc<dyn EvmSigner>,
    /// Whom to ask; at least as many as must agree.
    pub endpoints: Vec<Endpoint>,
    /// When a block is final.
    pub finality: Finality,
}

/// One lane with everything around it.
#[derive(Debug)]
pub struct Outbox {
    lane: KeptLane,
    parts: Parts,
}

/// Why an outbox does not start or stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// What is stored cannot be used.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Something could not be kept, and so nothing of it was done.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The signer is not that of the account.
    #[error(
        "the outbox sends from {expected}, the signer signs for {actual}; unlock the other key"
    )]
    OtherSigner {
        /// The account of the settings.
        expected: alloy_primitives::Address,
        /// The signer's account.
        actual: alloy_primitives::Address,
    },
    /// Fewer endpoints than must agree.
    #[error("{needed} endpoints must agree and {given} are configured; add endpoints")]
    FewEndpoints {
        /// How many must agree.
        needed: usize,
        /// How many there are.
        given: usize,
    },
}

/// An answer on its way back to the rules.
enum Reply {
    Looked(Vec<Option<Sight>>),
    Tried(IntentKey, Vec<Option<Trial>>),
    Signed(Option<SignedTransaction>),
    Sent { nonce: u64, tx: B256, answers: Vec<SendAnswer> },
}

type Asked = Pin<Box<dyn Future<Output = Reply> + Send>>;

impl Outbox {
    /// Reads what the store has of a lane. Nothing is asked or sent before [`Self::run`].
    pub fn open(settings: Settings, parts: Parts) -> Result<(Self, OutboxHandle), RunError> {
        let (expected, actual) = (settings.account, parts.signer.address());
        if expected != actual {
            return Err(RunError::OtherSigner { expected, actual });
        }
        let (needed, given) = (settings.quorum.max(1), parts.endpoints.len());
        if given < needed {
            return Err(RunError::FewEndpoints { needed, given });
        }
        let (lane, handle) = KeptLane::open(settings, Arc::clone(&parts.store))?;
        Ok((Self { lane, parts }, handle))
    }

    /// Works until `stop` is ready. What was asked and not answered by then is asked again after
    /// the next start.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), RunError> {
        let mut stop = pin!(stop);
        let mut asked = FuturesUnordered::new();
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = &mut stop => return Ok(()),
                Some(wanted) = self.lane.inbox.recv() => self.keep(wanted, &asked)?,
                Some(reply) = asked.next(), if !asked.is_empty() => {
                    let requests = self.take(reply)?;
                    self.ask_all(requests, &asked);
                }
                _ = ticks.tick() => {
                    let now = self.parts.clock.now();
                    let requests = self.lane.step(|lane| lane.tick(now))?;
                    self.ask_all(requests, &asked);
                }
            }
        }
    }

    fn keep(&mut self, wanted: Wanted, asked: &FuturesUnordered<Asked>) -> Result<(), RunError> {
        let Wanted { intent, kept } = wanted;
        fail::fail_point!("outbox.wish.before");
        let requests = self.lane.keep(intent)?;
        self.ask_all(requests, asked);
        fail::fail_point!("outbox.wish.kept");
        // Whoever no longer waits asks for the status later.
        let _ = kept.send(());
        Ok(())
    }

    fn take(&mut self, reply: Reply) -> Result<Vec<Request>, RunError> {
        let now = self.parts.clock.now();
        self.lane.step(|lane| match reply {
            Reply::Looked(sights) => lane.looked(now, sights),
            Reply::Tried(key, trials) => lane.tried(now, key, &trials),
            Reply::Signed(signed) => lane.signed(now, signed),
            Reply::Sent { nonce, tx, answers } => lane.sent(now, nonce, tx, &answers),
        })
    }

    fn ask_all(&self, requests: Vec<Request>, asked: &FuturesUnordered<Asked>) {
        for request in requests {
            asked.push(self.ask(request));
        }
    }

    fn ask(&self, request: Request) -> Asked {
        let endpoints = self.parts.endpoints.clone();
        let finality = self.parts.finality;
        let account = self.parts.signer.address();
        match request {
            Request::Look { nonces } => Box::pin(async move {
                let looks =
                    endpoints.iter().map(|each| asking::look(each, account, finality, &nonces));
                Reply::Looked(join_all(looks).await)
            }),
            Request::Try { key, to, data, value, guard } => Box::pin(async move {
                let call = crate::endpoint::Call { from: account, to, data, value };
                let trials = endpoints
                    .iter()
                    .map(|each| asking::attempt(each, &call, guard.as_ref(), finality));
                Reply::Tried(key, join_all(trials).await)
            }),
            Request::Sign(unsigned) => {
                let transaction = unsigned.transaction(self.lane.lane().chain());
                fail::fail_point!("outbox.transaction.before");
                let signed = self.parts.signer.sign_transaction(transaction).ok();
                fail::fail_point!("outbox.transaction.signed");
                Box::pin(std::future::ready(Reply::Signed(signed)))
            }
            Request::Send { nonce, tx, raw } => Box::pin(async move {
                fail::fail_point!("outbox.send.before");
                let sendings = endpoints.iter().map(|each| asking::send(each, &raw));
                let answers = join_all(sendings).await;
                fail::fail_point!("outbox.send.answered");
                Reply::Sent { nonce, tx, answers }
            }),
        }
    }
}

impl Unsigned {
    /// The transaction, for the signer of the account.
    pub fn transaction(self, chain: ChainId) -> TxEip1559 {
        TxEip1559 {
            chain_id: chain.get(),
            nonce: self.nonce,
            gas_limit: self.gas,
            max_fee_per_gas: self.max_fee_per_gas,
            max_priority_fee_per_gas: self.max_priority_fee_per_gas,
            to: TxKind::Call(self.to),
            value: self.value,
            input: self.data,
            ..TxEip1559::default()
        }
    }
}
