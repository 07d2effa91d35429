//! A client: uploads, asks for a price, signs an order, hands it in until the chain has it, and
//! sometimes changes its mind.

use std::sync::Arc;

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use sha2::{Digest, Sha256};
use tallystick_abi::contracts::{self, IJobManager, IPaymentManager, ITallyToken};
use tallystick_abi::{Contract, Deployment};
use tallystick_chain::endpoint::Call;
use tallystick_chain::keys::{EvmSigner, LocalKey};
use tallystick_chain::outbox::{Intent, IntentKey};
use tallystick_ports::Clock;
use tallystick_protocol::ledger::{Limits, Queueing};
use tallystick_protocol::specification::{Input as WorkInput, Specification, Work};
use tallystick_protocol::split::Splitter;
use tallystick_types::{
    ChainTime, Funding, InputDigest, JobId, JobOrder, Policy, Privacy, ProgramDigest, Seconds,
    Trust, Verification, WallTime,
};
use tallystick_wire::client::{QuoteRequest, QuoteResponse, SubmitRequest};

use super::worker::engine;
use super::{End, Eyes, Machine, Mouth};
use crate::event::{Answer, Letter, Pid, Timer};
use crate::executor::{LONG, TRAP};
use crate::kernel::MachineClock;
use crate::outside::Here;
use crate::situations::Situation;

/// Milliseconds between two looks.
const LOOK: u64 = 2_000;
/// Time until something is said again.
const PATIENCE: Seconds = Seconds::new(12);
/// What a run of a program that takes long may take.
const LONG_RUN: Seconds = Seconds::new(530);

/// The most that it pays for a unit of gas, in wei.
const FEE_CAP: u128 = 200_000_000_000;

/// One job that a client wants done.
#[derive(Clone, Debug)]
pub struct JobPlan {
    /// Milliseconds after the start.
    pub after: u64,
    /// Slices of the input.
    pub slices: u64,
    /// Slices of a task.
    pub slices_per_task: u64,
    /// Nodes for each task.
    pub replicas: u8,
    /// How long all of it may take.
    pub limit: Seconds,
    /// When the client changes its mind, in milliseconds after the start.
    pub cancel_after: Option<u64>,
    /// Whether it asks for a price before its blobs are there.
    pub forgets: bool,
    /// Whether its program fails on every machine.
    pub traps: bool,
    /// Whether its program takes long on every machine.
    pub is_long: bool,
    /// Where the money comes from.
    pub funding: Funding,
}

/// What a client does to its own money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whim {
    /// Takes its allowance back.
    Revoke,
    /// Takes its whole deposit away.
    Drain,
    /// Gives the allowance again.
    Allow,
}

/// What a client is set up with.
#[derive(Clone, Debug)]
pub struct ClientPlan {
    /// The contracts.
    pub deployment: Deployment,
    /// Its key.
    pub signer: LocalKey,
    /// In what it pays.
    pub token: Address,
    /// Whom it asks.
    pub coordinator: Pid,
    /// What it wants.
    pub jobs: Vec<JobPlan>,
    /// How many endpoints there are, and how many must agree.
    pub endpoints: (usize, usize),
}

/// A running client. It forgets everything with its process.
#[derive(Debug)]
pub struct Client {
    plan: ClientPlan,
    eyes: Eyes,
    mouth: Mouth,
    whims: u8,
    clock: MachineClock,
    began: WallTime,
    orders: Vec<Order>,
}

/// One job on its way.
#[derive(Debug)]
struct Order {
    stage: Stage,
    said: Option<WallTime>,
    cancelled: bool,
    replicas: u8,
    bytes: Vec<Arc<[u8]>>,
    specification: Specification,
    funding: Funding,
    assign_by: Option<ChainTime>,
    promised: bool,
}

#[derive(Debug)]
enum Stage {
    Uploading,
    Quoting,
    Submitting(Box<SubmitRequest>, JobId),
    Given(JobId),
    /// Nobody can make a job of it any more.
    Lost,
}

impl Client {
    /// A client that begins anew.
    pub fn open(machine: &Machine, plan: &ClientPlan) -> Result<Self, End> {
        let (endpoints, agreement) = plan.endpoints;
        let eyes = Eyes::open(machine, &plan.deployment, endpoints, agreement)?;
        let chain = plan.deployment.chain_id;
        let mouth = Mouth::open(machine, chain, plan.signer.clone(), agreement)?;
        let clock = machine.clock.clone();
        let orders = plan.jobs.iter().zip(0..).map(|(job, number)| Order::of(job, number));
        let orders = orders.collect();
        let (plan, began) = (plan.clone(), clock.now());
        Ok(Self { plan, eyes, mouth, whims: 0, began, clock, orders })
    }

    /// How it sees the chain.
    pub const fn eyes(&self) -> &Eyes {
        &self.eyes
    }

    /// Its jobs that have a number.
    pub fn jobs(&self) -> Vec<JobId> {
        let number = |order: &Order| match order.stage {
            Stage::Submitting(_, job) | Stage::Given(job) => Some(job),
            Stage::Uploading | Stage::Quoting | Stage::Lost => None,
        };
        self.orders.iter().filter_map(number).collect()
    }

    /// Whether every job is over for good.
    pub fn is_content(&self) -> bool {
        self.orders.iter().all(|order| match order.stage {
            Stage::Given(job) => self.is_over(job),
            Stage::Lost => true,
            Stage::Uploading | Stage::Quoting | Stage::Submitting(..) => false,
        })
    }

    fn is_over(&self, job: JobId) -> bool {
        let house = self.eyes.house().read();
        house.final_().job(job).is_some_and(|job| job.state.is_final())
    }

    /// Begins.
    pub fn start(&mut self, here: &mut Here<'_>) -> Result<(), End> {
        here.wake(0, Timer::Ingest);
        here.wake(1, Timer::Lane);
        here.wake(LOOK, Timer::Client);
        Ok(())
    }

    /// A timer rang.
    pub fn timer(&mut self, timer: Timer, here: &mut Here<'_>) -> Result<(), End> {
        match timer {
            Timer::Ingest => self.eyes.wake(here),
            Timer::Lane => self.mouth.tick(here),
            Timer::Client => {
                here.wake(LOOK, Timer::Client);
                self.look(here);
                self.promise(here)?;
                self.note_losses(here);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The endpoints answered.
    pub fn answer(&mut self, answer: Answer, here: &mut Here<'_>) -> Result<(), End> {
        match answer {
            Answer::Ingest(answers) => self.eyes.answers(answers, here),
            answer => self.mouth.answer(answer, here),
        }
    }

    /// How it speaks to the chain.
    pub const fn mouth(&self) -> &Mouth {
        &self.mouth
    }

    /// Does something to its money.
    pub fn whim(&mut self, whim: Whim, here: &mut Here<'_>) -> Result<(), End> {
        let payments = self.plan.deployment.address(Contract::PaymentManager);
        let (token, owner) = (self.plan.token, self.plan.signer.address());
        let approve = |value| ITallyToken::approveCall { spender: payments, value }.abi_encode();
        let (situation, to, data) = match whim {
            Whim::Revoke => (Situation::AllowanceRevoked, token, approve(U256::ZERO)),
            Whim::Allow => (Situation::AllowanceGiven, token, approve(U256::MAX)),
            Whim::Drain => {
                let free = IPaymentManager::freeOfCall { owner, token };
                let amount = ask(here, payments, &free).unwrap_or_default();
                let call = IPaymentManager::withdrawCall { token, amount, to: owner };
                (Situation::BalanceDrained, payments, call.abi_encode())
            }
        };
        here.mark(situation);
        self.whims = self.whims.saturating_add(1);
        let name = [b'w', self.whims];
        self.wish(to, data, &name, format!("{whim:?}"), here)
    }

    fn wish(
        &mut self,
        to: Address,
        data: Vec<u8>,
        name: &[u8],
        purpose: String,
        here: &mut Here<'_>,
    ) -> Result<(), End> {
        let chain = self.plan.deployment.chain_id;
        let intent = Intent {
            key: IntentKey::of(chain, to, "client", name),
            to,
            data: data.into(),
            value: U256::ZERO,
            deadline: None,
            max_fee_per_gas: FEE_CAP,
            least_gas: 0,
            guard: None,
            purpose,
        };
        self.mouth.hand_in(intent, here)
    }

    /// Puts those orders on the chain itself that no coordinator takes.
    fn promise(&mut self, here: &mut Here<'_>) -> Result<(), End> {
        let orders = self.orders.iter_mut().filter_map(|order| match &order.stage {
            Stage::Submitting(request, job)
                if request.terms.rules.funding == Funding::PullAtSettlement && !order.promised =>
            {
                order.promised = true;
                Some((request.clone(), *job))
            }
            _ => None,
        });
        for (request, job) in orders.collect::<Vec<_>>() {
            let call = IJobManager::createForCall {
                client: request.client,
                nonce: request.nonce,
                terms: contracts::JobTerms::from(&request.terms),
                specificationUri: String::new(),
                signature: request.signature.as_bytes().to_vec().into(),
            };
            let to = self.plan.deployment.address(Contract::JobManager);
            here.mark(Situation::PullPromised);
            let purpose = format!("create job {job}, to be paid at its settlement");
            self.wish(to, call.abi_encode(), job.as_bytes(), purpose, here)?;
        }
        Ok(())
    }

    /// Orders that the chain does not show in its final block after their time never become jobs.
    fn note_losses(&mut self, here: &mut Here<'_>) {
        let house = self.eyes.house();
        let Some(last) = house.block(house.heights().last).ok().flatten() else { return };
        for order in &mut self.orders {
            let (Stage::Submitting(_, job) | Stage::Given(job)) = order.stage else { continue };
            let late = order.assign_by.is_some_and(|by| last.time >= by);
            let known = house.read().latest().job(job).is_some();
            if late && !known {
                order.stage = Stage::Lost;
                here.mark(Situation::OrderLost);
            }
        }
    }

    /// Says again what was not answered. One job after the other, so that answers have one place.
    fn look(&mut self, here: &mut Here<'_>) {
        let now = self.clock.now();
        let to = self.plan.coordinator;
        let began = self.began.get();
        let plans = self.plan.jobs.clone();
        let house = self.eyes.house().clone();
        for (order, plan) in self.orders.iter_mut().zip(&plans) {
            if now.get() < began.saturating_add(plan.after) {
                continue;
            }
            let known = match order.stage {
                Stage::Submitting(_, job) | Stage::Given(job) => {
                    house.read().latest().job(job).is_some()
                }
                _ => false,
            };
            if let (Stage::Submitting(_, job), true) = (&order.stage, known) {
                order.stage = Stage::Given(*job);
            }
            order.change_mind(now.get().saturating_sub(began), plan, to, here);
            let again = order.said.is_none_or(|said| said.after(PATIENCE) <= now);
            if again {
                order.speak(now, known, to, (&self.plan, here));
            }
            if matches!(order.stage, Stage::Uploading | Stage::Quoting) {
                return;
            }
        }
    }

    /// The coordinator's letter came.
    pub fn letter(&mut self, _: Pid, letter: Letter, here: &mut Here<'_>) -> Result<(), End> {
        let now = self.clock.now();
        let open = |order: &&mut Order| {
            order.said.is_some() && matches!(order.stage, Stage::Uploading | Stage::Quoting)
        };
        match letter {
            Letter::Uploaded => {
                let order = self.orders.iter_mut().find(open);
                if let Some(order) = order.filter(|order| matches!(order.stage, Stage::Uploading)) {
                    order.stage = Stage::Quoting;
                    order.speak(now, false, self.plan.coordinator, (&self.plan, here));
                }
            }
            Letter::Quoted(Some(quoted)) => {
                let place =
                    self.orders.iter_mut().position(|it| matches!(it.stage, Stage::Quoting));
                let Some(place) = place else { return Ok(()) };
                let nonce = u64::try_from(place).unwrap_or(u64::MAX).saturating_add(1);
                let plan = &self.plan;
                let Some(order) = self.orders.get_mut(place) else { return Ok(()) };
                if quoted.terms.specification == order.specification.digest() {
                    order.sign(&quoted, nonce, (plan, here));
                    order.speak(now, false, plan.coordinator, (plan, here));
                }
            }
            Letter::Submitted(Some(job)) => {
                here.note(|| format!("has its order taken: job {job}"));
                let mut orders = self.orders.iter_mut();
                let order =
                    orders.find(|it| matches!(it.stage, Stage::Submitting(_, of) if of == job));
                if let Some(order) = order {
                    // Until the chain shows it, the order is said again: it counts once.
                    order.said = Some(now);
                }
            }
            Letter::Quoted(None) => {
                here.mark(Situation::OrderRefused);
                let mut orders = self.orders.iter_mut();
                if let Some(order) = orders.find(|it| matches!(it.stage, Stage::Quoting)) {
                    order.stage = Stage::Uploading;
                    order.speak(now, false, self.plan.coordinator, (&self.plan, here));
                }
            }
            Letter::Submitted(None) => here.mark(Situation::OrderRefused),
            Letter::Upload(_) | Letter::Quote(_) | Letter::Submit(_) | Letter::Cancel(_) => {}
        }
        Ok(())
    }
}

impl Order {
    fn of(plan: &JobPlan, number: u8) -> Self {
        let kind = match plan {
            JobPlan { traps: true, .. } => TRAP,
            JobPlan { is_long: true, .. } => LONG,
            JobPlan { .. } => b'p',
        };
        let mut limits = Limits { job: plan.limit, ..Limits::for_tasks() };
        if plan.is_long {
            limits.execution = LONG_RUN;
        }
        let program: Arc<[u8]> = vec![kind, number].into();
        let per_slice = 16_u64;
        let length = usize::try_from(plan.slices.saturating_mul(per_slice)).unwrap_or_default();
        let input: Vec<u8> = (0..=u8::MAX).cycle().map(|byte| byte ^ number).take(length).collect();
        let digest = |bytes: &[u8]| <[u8; 32]>::from(Sha256::digest(bytes));
        let specification = Specification {
            version: Specification::VERSION,
            work: Work::Wasm {
                program: ProgramDigest::new(digest(&program)),
                arguments: Vec::new(),
                environment: Vec::new(),
                units: 1_000_000,
                memory_bytes: 1 << 20,
                output_bytes: 1 << 12,
            },
            engine: engine(),
            input: WorkInput::Blob {
                digest: InputDigest::new(digest(&input)),
                size: plan.slices.saturating_mul(per_slice),
                splitter: Splitter::Bytes { per_slice },
            },
            slices_per_task: plan.slices_per_task,
            work_units_per_slice: 1_000,
            policy: Policy::Fast,
            privacy: Privacy::Public,
            queueing: Queueing::Queue,
            limits,
        };
        let bytes = vec![program, input.into()];
        let stage = if plan.forgets { Stage::Quoting } else { Stage::Uploading };
        Self {
            stage,
            said: None,
            cancelled: false,
            replicas: plan.replicas,
            bytes,
            specification,
            funding: plan.funding,
            assign_by: None,
            promised: false,
        }
    }

    fn speak(
        &mut self,
        now: WallTime,
        known: bool,
        to: Pid,
        (plan, here): (&ClientPlan, &mut Here<'_>),
    ) {
        if self.said.is_some() && matches!(self.stage, Stage::Submitting(..)) {
            here.mark(Situation::OrderSaidAgain);
        }
        self.said = Some(now);
        match &self.stage {
            Stage::Uploading => here.post(to, Letter::Upload(self.bytes.clone())),
            Stage::Quoting => {
                let specification = self.specification.to_bytes().try_into().unwrap_or_default();
                here.post(
                    to,
                    Letter::Quote(Box::new(QuoteRequest {
                        specification,
                        replicas: self.replicas,
                        quorum: 0,
                        token: plan.token,
                        trust: Some(Trust::Staked),
                        verification: Some(Verification::Deterministic),
                        placement: None,
                        access: None,
                    })),
                );
            }
            Stage::Submitting(request, _) if !known => {
                here.post(to, Letter::Submit(request.clone()));
            }
            Stage::Submitting(..) | Stage::Given(_) | Stage::Lost => {}
        }
    }

    fn sign(
        &mut self,
        quoted: &QuoteResponse,
        nonce: u64,
        (plan, here): (&ClientPlan, &mut Here<'_>),
    ) {
        let domain = plan.deployment.job_domain();
        let client = plan.signer.address();
        let mut terms = quoted.terms;
        terms.rules.funding = self.funding;
        self.assign_by = Some(terms.rules.assign_by);
        let order = JobOrder { client, nonce: U256::from(nonce), terms };
        let Ok(signature) = plan.signer.sign_digest(domain.order_digest(&order)) else { return };
        let job = domain.job_id(&order);
        let request = SubmitRequest {
            client,
            nonce: order.nonce,
            terms,
            specification: self.specification.to_bytes().try_into().unwrap_or_default(),
            signature,
            placement: None,
        };
        here.note(|| format!("orders job {job}"));
        here.out.tally.oracles.ordered(job, &self.specification, &self.bytes);
        let program = self.bytes.first().and_then(|program| program.first());
        // What takes long may be begun anew so often that nobody tries any more.
        if matches!(program, Some(&(TRAP | LONG))) {
            here.out.tally.oracles.hopeless(job);
        }
        self.stage = Stage::Submitting(Box::new(request), job);
    }

    fn change_mind(&mut self, since: u64, plan: &JobPlan, to: Pid, here: &mut Here<'_>) {
        let wanted = plan.cancel_after.is_some_and(|after| since >= after);
        if let (Stage::Given(job), true, false) = (&self.stage, wanted, self.cancelled) {
            self.cancelled = true;
            here.out.tally.oracles.hopeless(*job);
            here.note(|| format!("wants job {job} cancelled"));
            here.out.tally.oracles.cancelled.insert(*job);
            here.post(to, Letter::Cancel(*job));
        }
    }
}

/// What a contract says in the newest block: whoever owns money knows how much it is.
fn ask<C: SolCall>(here: &Here<'_>, to: Address, call: &C) -> Option<C::Return> {
    let data = call.abi_encode().into();
    let call = Call { from: Address::ZERO, to, data, value: U256::ZERO };
    let chain = &here.out.chain;
    C::abi_decode_returns(&chain.call(chain.head(), &call).ok()?).ok()
}
