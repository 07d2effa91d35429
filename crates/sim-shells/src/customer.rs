//! Who wants work done: the client of production, with the patience that faults demand.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use alloy::providers::{Provider, ProviderBuilder};
use alloy::rpc::client::RpcClient;
use alloy_primitives::U256;
use tallystick_abi::{Contract, Deployment};
use tallystick_chain::keys::{EvmSigner, LocalKey};
use tallystick_ports::Clock;
use tallystick_protocol::split::Splitter;
use tallystick_sdk::blob::silent;
use tallystick_sdk::chain::{Chain, ChainError};
use tallystick_sdk::order::{Demand, Offer};
use tallystick_sdk::output::TaskRoots;
use tallystick_sdk::specify::{Draft, InputSource, Prepared, Source, Split};
use tallystick_sdk::watch::brings_receipt;
use tallystick_sdk::{CallError, Client, ClientConfig, verify};
use tallystick_types::{JobId, JobOrder, Seat, Seconds, Trust, Verification};
use tallystick_wire::client::EventKind;
use tokio::time::sleep;

use crate::carrier::Post;
use crate::node::End;
use crate::socket::{self, Place};

/// Between two tries.
const PAUSE: Duration = Duration::from_secs(3);
/// Bytes of a slice.
const SLICE: u64 = 16;
/// How long a job may take: the storm and more.
const LIMIT: Seconds = Seconds::new(1_200);

/// One job that is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// Milliseconds from the start.
    pub(crate) after: u64,
    pub(crate) slices: u64,
    pub(crate) slices_per_task: NonZeroU64,
    pub(crate) replicas: u8,
    /// Whether the client calls the contract itself instead of signing an order.
    pub(crate) by_call: bool,
    /// Which coordinator is asked first.
    pub(crate) coordinator: u16,
}

/// A client of the network.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    pub(crate) place: Place,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) deployment: Arc<Deployment>,
    pub(crate) key: LocalKey,
    /// The endpoint through which it calls.
    pub(crate) endpoint: String,
    /// Coordinators of the network.
    pub(crate) coordinators: u16,
    pub(crate) book: Book,
}

/// What the client knows of its jobs. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book(Arc<Mutex<Entries>>);

/// What is in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entries {
    /// Jobs that were handed in.
    pub(crate) jobs: Vec<JobId>,
    /// Of these, those whose output came and is right.
    pub(crate) fetched: Vec<JobId>,
    /// Wishes that are over.
    pub(crate) content: usize,
    /// Nodes of which it heard that there is evidence against them.
    pub(crate) accused: BTreeSet<Seat>,
}

impl Book {
    pub(crate) fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An order on its way.
struct Going<'a> {
    customer: &'a Customer,
    client: Client,
    coordinator: u16,
    prepared: Prepared,
    number: u64,
    input: Vec<u8>,
}

impl Customer {
    /// Has one wish fulfilled.
    ///
    /// # Errors
    ///
    /// Where something happens that no fault explains.
    pub(crate) async fn fulfil(self, number: u64, wish: Wish) -> Result<(), End> {
        sleep(Duration::from_millis(wish.after)).await;
        let mut coordinator = wish.coordinator;
        let client = self.client(&mut coordinator).await;
        let (prepared, input) = wish.prepare(number)?;
        let mut going = Going { customer: &self, client, coordinator, prepared, number, input };
        let (job, offer, order) =
            if wish.by_call { going.call(&wish).await } else { going.order(&wish).await };
        let again = (!wish.by_call).then_some((&offer, &order));
        going.follow(job, again).await?;
        self.book.entries().content += 1;
        self.note(number, &format!("job {job} is over"));
        Ok(())
    }

    /// A client of this coordinator, or of the next one that answers.
    async fn client(&self, coordinator: &mut u16) -> Client {
        loop {
            let config = ClientConfig {
                deployment: Some((*self.deployment).clone()),
                dial: self.place.dial(),
                clock: Arc::clone(&self.clock),
                ..ClientConfig::new(socket::url(*coordinator))
            };
            let signer: Arc<dyn EvmSigner> = Arc::new(self.key.clone());
            match Client::connect(&config, Some(signer)).await {
                Ok(client) => return client,
                Err(error) => self.place.trace.note(&self.place.name, &error),
            }
            sleep(PAUSE).await;
            *coordinator = (*coordinator + 1) % self.coordinators;
        }
    }

    async fn chain(&self) -> Result<Chain, ChainError> {
        let post = Post { from: self.place.clone(), host: self.endpoint.clone() };
        let provider = ProviderBuilder::new().disable_recommended_fillers();
        let provider = provider.connect_client(RpcClient::new(post, false)).erased();
        let signer: Arc<dyn EvmSigner> = Arc::new(self.key.clone());
        Chain::through(provider, (*self.deployment).clone(), Some(signer)).await
    }

    fn note(&self, number: u64, what: &str) {
        self.place.trace.note(&self.place.name, format_args!("wish {number}: {what}"));
    }
}

impl Wish {
    fn prepare(&self, number: u64) -> Result<(Prepared, Vec<u8>), End> {
        let program = program(number);
        let length = usize::try_from(self.slices.saturating_mul(SLICE))?;
        let seed = number.to_le_bytes()[0];
        let input: Vec<u8> = (0..=u8::MAX).cycle().map(|it| it ^ seed).take(length).collect();
        let source = InputSource::Bytes(input.clone());
        let mut draft = Draft::new(Source::Bytes(program), source);
        draft.split = Some(Split::Cut(Splitter::Bytes { per_slice: SLICE }));
        draft.slices_per_task = Some(self.slices_per_task);
        draft.limits.job = LIMIT;
        Ok((draft.prepare()?, input))
    }

    fn demand(&self, deployment: &Deployment) -> Demand {
        Demand {
            token: deployment.address(Contract::TallyToken),
            replicas: self.replicas,
            quorum: 0,
            trust: Trust::Staked,
            verification: Verification::Deterministic,
            region: None,
            most: None,
            parameters_version: None,
            within: Seconds::new(LIMIT.get().saturating_mul(4)),
        }
    }
}

/// The smallest program of the profile: a memory and a `_start` that does nothing, with a section
/// of its own that tells it from others. What it computes is for simulated executors to say.
fn program(number: u64) -> Vec<u8> {
    const SECTIONS: [&[u8]; 6] = [
        b"\0asm\x01\0\0\0",
        &[1, 4, 1, 0x60, 0, 0],
        &[3, 2, 1, 0],
        &[5, 3, 1, 0, 1],
        b"\x07\x13\x02\x06memory\x02\0\x06_start\0\0",
        &[10, 4, 1, 2, 0, 11],
    ];
    [SECTIONS.concat(), vec![0, 10, 1, b'n'], number.to_le_bytes().to_vec()].concat()
}

impl Going<'_> {
    /// Until a coordinator has everything and states its price. Where one refuses, the next one is
    /// asked.
    async fn offer(&mut self, wish: &Wish) -> Offer {
        let demand = wish.demand(&self.customer.deployment);
        loop {
            let uploaded = self.client.upload(&self.prepared.needed, &silent()).await;
            match uploaded {
                Ok(()) => match self.client.quote(&self.prepared, &demand).await {
                    Ok(offer) => return offer,
                    Err(error) => self.note(&format!("no offer: {error}")),
                },
                Err(error) => self.note(&format!("no upload: {error}")),
            }
            sleep(PAUSE).await;
            self.coordinator = (self.coordinator + 1) % self.customer.coordinators;
            self.client = self.customer.client(&mut self.coordinator).await;
        }
    }

    /// The order that an offer leads to. Each try has a nonce of its own.
    fn sign(&mut self, offer: &Offer, tries: u64) -> (JobId, JobOrder) {
        let client = self.customer.key.address();
        let nonce = U256::from(1_000 + self.number * 100 + tries);
        let order = JobOrder { client, nonce, terms: *offer.terms() };
        let job = self.customer.deployment.job_domain().job_id(&order);
        self.customer.book.entries().jobs.push(job);
        self.note(&format!("is job {job}"));
        (job, order)
    }

    async fn order(&mut self, wish: &Wish) -> (JobId, Offer, JobOrder) {
        let mut tries = 0;
        loop {
            let offer = self.offer(wish).await;
            let (job, order) = self.sign(&offer, tries);
            tries += 1;
            while self.customer.clock.now() < offer.expires_at() {
                match self.client.submit(&self.prepared, &offer, &order).await {
                    Ok(_) => return (job, offer, order),
                    Err(error) => self.note(&format!("not taken: {error}")),
                }
                sleep(PAUSE).await;
            }
        }
    }

    async fn call(&mut self, wish: &Wish) -> (JobId, Offer, JobOrder) {
        let offer = self.offer(wish).await;
        let (job, order) = self.sign(&offer, 0);
        loop {
            let created = match self.customer.chain().await {
                Ok(chain) => chain.create_job(order.nonce, &order.terms, "").await,
                Err(error) => Err(error),
            };
            match created {
                Ok(_) => return (job, offer, order),
                // An earlier call took effect, and its answer was lost.
                Err(ChainError::Refused { revert }) => {
                    self.note(&format!("the contract refuses: {revert}"));
                    return (job, offer, order);
                }
                Err(error) => self.note(&format!("no call: {error}")),
            }
            sleep(PAUSE).await;
        }
    }

    /// Watches a job to its end, and fetches what it leads to.
    async fn follow(&mut self, job: JobId, again: Option<(&Offer, &JobOrder)>) -> Result<(), End> {
        let mut watch = self.client.watch(job, 0);
        let (mut fetched, mut paid) = (false, false);
        loop {
            match watch.next().await {
                Ok(Some(event)) => {
                    self.note(&format!("hears {:?}", event.kind));
                    // What is paid has a receipt, also where its event was not kept.
                    paid = matches!(event.kind, Some(EventKind::Settled(_)));
                    if let Some(EventKind::Evidence(found)) = &event.kind {
                        self.customer.book.entries().accused.insert(found.seat);
                    }
                    let here = paid || event.kind.as_ref().is_some_and(brings_receipt);
                    if here && !fetched {
                        fetched = self.fetch(job).await?;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    self.note(&format!("cannot watch: {error}"));
                    if let (CallError::NotFound { .. }, Some((offer, order))) = (&error, again) {
                        let said = self.client.submit(&self.prepared, offer, order).await;
                        self.note(&format!("handed in again: {:?}", said.err()));
                    }
                    sleep(PAUSE).await;
                }
            }
        }
        // Another coordinator may have done it.
        while paid && !fetched {
            self.coordinator = (self.coordinator + 1) % self.customer.coordinators;
            self.client = self.customer.client(&mut self.coordinator).await;
            fetched = self.fetch(job).await?;
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Fetches receipt and output; false where nobody has them now.
    async fn fetch(&self, job: JobId) -> Result<bool, End> {
        let receipt = match self.client.receipt(job).await {
            Ok(receipt) => receipt,
            Err(error) => {
                self.note(&format!("no receipt: {error}"));
                return Ok(false);
            }
        };
        let verified = verify::verify(&receipt)?;
        let mut outputs = Vec::new();
        let mut take = |slice: u64, bytes: &[u8]| {
            outputs.push((slice, bytes.to_vec()));
            Ok(())
        };
        let receipt = &verified.signed().receipt;
        let came = self.client.output(receipt, &TaskRoots::new(), &mut take, &silent()).await;
        if let Err(error) = came {
            self.note(&format!("no output: {error}"));
            return Ok(false);
        }
        self.check(job, &outputs)?;
        self.customer.book.entries().fetched.push(job);
        Ok(true)
    }

    /// Whether the output is what the work leads to on an honest machine.
    fn check(&self, job: JobId, outputs: &[(u64, Vec<u8>)]) -> Result<(), End> {
        let Some(Source::Bytes(program)) = self.prepared.needed.first().map(|it| &it.source) else {
            return Err("the program is not at hand".into());
        };
        let slices = self.input.chunks(usize::try_from(SLICE)?);
        let right = (0_u64..).zip(slices).map(|(number, input)| {
            let seed = tallystick_protocol::specification::slice_seed(job, number);
            (number, tallystick_sim::executor::right(program, input, seed))
        });
        if right.eq(outputs.iter().cloned()) {
            Ok(())
        } else {
            Err(format!("job {job} has another output than its work leads to").into())
        }
    }

    fn note(&self, what: &str) {
        self.customer.note(self.number, what);
    }
}
