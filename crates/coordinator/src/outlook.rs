//! What a coordinator reads off the chain and its blobs, and the calls that follow from it. No
//! task, no desk: whoever looks brings the rest.

use std::collections::BTreeSet;

use alloy_primitives::{Address, Bytes, U256, keccak256};
use tallystick_abi::{Contract, Deployment, JobDomain};
use tallystick_blobs::BlobStore;
use tallystick_chain::follow::House;
use tallystick_chain::outbox::{Intent, IntentKey, IntentStatus, OutboxHandle};
use tallystick_chain::view::{CallError, JobView, NodeStatus, SignedClaim};
use tallystick_planted::{Bug, planted};
use tallystick_protocol::ledger::{Evidence, RequestError};
use tallystick_protocol::specification::{Input as WorkInput, Specification};
use tallystick_types::{
    Amount, Attempt, Attestation, BlobDigest, Funding, JobId, JobState, NodeId, ReceiptClaim, Seat,
    SpecificationDigest, Trust,
};

use crate::machine::{ChainCall, Offer};
use crate::news::News;
use crate::sessions::Standing;
use crate::shared::CoordinatorConfig;

/// What calls go by that their data name.
const CALL: &str = "call";
/// What renewals of leases go by.
const HEARTBEAT: &str = "heartbeat";

/// Everything that one look needs.
#[derive(Clone, Copy, Debug)]
pub struct Outlook<'a> {
    /// How the coordinator behaves.
    pub config: &'a CoordinatorConfig,
    /// The contracts.
    pub deployment: &'a Deployment,
    /// The chain and its job manager.
    pub domain: &'a JobDomain,
    /// The coordinator, with the signer that holds its leases.
    pub me: Seat,
    /// What the chain says.
    pub house: &'a House,
    /// Programs, inputs, outputs and specifications.
    pub blobs: &'a BlobStore,
}

/// Why an open job is not taken on. It is looked at again every second.
#[derive(Debug, thiserror::Error)]
pub enum Declined {
    /// There is no such job.
    #[error("the chain does not show it")]
    Unknown,
    /// Only who has the specification may have private work done.
    #[error("it is private, and its client did not hand it in here; submit it to this coordinator")]
    NotHandedIn,
    /// The money may be gone before the work is done.
    #[error("its money is not reserved; order it again from a balance or with an allowance")]
    NotReserved,
    /// The specification did not come yet.
    #[error("its specification {0} is not here, or is none; upload it to this coordinator")]
    NoSpecification(SpecificationDigest),
    /// A program or an input did not come yet.
    #[error("blob {0} is not here; upload it to this coordinator")]
    NoBlob(BlobDigest),
    /// The input has no slices.
    #[error("its input cannot be cut as its specification says; order it again")]
    Input,
    /// The ledger would refuse it.
    #[error("it cannot be worked on, order it again: {0}")]
    Terms(#[source] RequestError),
    /// It is worth more than it offers.
    #[error("it offers {offered} base units, {asked} are asked; order it again for that price")]
    Price {
        /// What the order offers.
        offered: Amount,
        /// What this coordinator asks.
        asked: Amount,
    },
}

impl Outlook<'_> {
    /// Jobs that the chain has and that concern this coordinator: all that are open, and those that
    /// it holds.
    pub fn jobs(&self) -> BTreeSet<JobId> {
        let house = self.house.read();
        let mine = |job: &&JobView| {
            job.assignment.as_ref().is_some_and(|it| it.coordinator.node == self.me.node)
        };
        let open = house.latest().jobs_in(JobState::Open).map(|job| job.id);
        let held = house.latest().jobs_in(JobState::Assigned).filter(mine).map(|job| job.id);
        open.chain(held).collect()
    }

    /// Open jobs that are not among those that are known.
    pub fn waiting(&self, known: &BTreeSet<JobId>) -> Vec<JobId> {
        let house = self.house.read();
        let open = house.latest().jobs_in(JobState::Open).map(|job| job.id);
        open.filter(|job| !known.contains(job)).collect()
    }

    /// Whether jobs may be paid in a token now.
    pub(crate) fn takes(&self, token: Address) -> bool {
        self.house.read().latest().network().parameters_of(token).is_some()
    }

    /// What the chain's last word on a job means for the machine, with what could be taken on.
    pub fn news(&self, job: JobId, offer: Option<Offer>) -> News {
        let house = self.house.read();
        News::of(job, (house.latest(), house.final_()), (self.me.node, self.domain), offer)
    }

    /// What this coordinator could take on, where the specification and what it needs are here and
    /// the terms suit.
    ///
    /// # Errors
    ///
    /// What is in the way.
    pub fn offer(&self, job: JobId) -> Result<Offer, Declined> {
        let (order, attempt, state) = {
            let house = self.house.read();
            let view = house.latest().job(job).ok_or(Declined::Unknown)?;
            (view.order, view.attempt, view.state)
        };
        let (terms, client) = (order.terms, order.client);
        // A job whose money is not reserved is a risk that this coordinator does not take.
        if terms.rules.funding == Funding::PullAtSettlement {
            return Err(Declined::NotReserved);
        }
        let specification = self
            .specification(BlobDigest::new(*terms.specification.as_bytes()))
            .ok_or(Declined::NoSpecification(terms.specification))?;
        let missing = specification.blobs().into_iter().find(|blob| !self.blobs.has(*blob));
        if let Some(missing) = missing {
            return Err(Declined::NoBlob(missing));
        }
        let slices = self.slices(&specification).ok_or(Declined::Input)?;
        let asked = self.config.prices.price(&specification, slices, terms.rules.replicas);
        let offered = terms.price.max_price();
        if asked > offered {
            return Err(Declined::Price { offered, asked });
        }
        let next = match state {
            JobState::Open => Attempt::new(attempt.get().saturating_add(1)),
            _ => attempt,
        };
        let (rules, price) = (terms.rules, asked.max(Amount::new(1)));
        let offer = Offer { client, rules, price, attempt: next, specification, slices };
        offer.request().tasks().map_err(Declined::Terms)?;
        Ok(offer)
    }

    /// A specification from the store.
    fn specification(&self, digest: BlobDigest) -> Option<Specification> {
        Specification::from_bytes(&self.blobs.get(digest).ok()?).ok()
    }

    /// How many slices the input has; nothing while one of its blobs is missing.
    pub(crate) fn slices(&self, specification: &Specification) -> Option<u64> {
        if !specification.blobs().into_iter().all(|blob| self.blobs.has(blob)) {
            return None;
        }
        let at_hand = match &specification.input {
            WorkInput::Blob { digest, .. } => Some(self.blobs.get(BlobDigest::from(*digest)).ok()?),
            WorkInput::Blobs(_) | WorkInput::Tiles { .. } => None,
        };
        specification.input.count(at_hand.as_deref()).ok()
    }

    /// What the chain says of a seat, or nothing where it may not work.
    pub fn standing(&self, seat: Seat) -> Option<Standing> {
        if seat.node == NodeId::UNREGISTERED {
            return Some(Standing { trust: Trust::Any, stake: Amount::ZERO, region: 0 });
        }
        let house = self.house.read();
        let node = house.latest().node(seat.node)?;
        let fit = matches!(node.status, NodeStatus::Registered | NodeStatus::Active)
            && !node.frozen
            && node.signer == seat.signer;
        let active = node.status == NodeStatus::Active;
        let trust = match (active, node.vetted) {
            (true, true) => Trust::Vetted,
            (true, false) => Trust::Staked,
            (false, _) => Trust::Any,
        };
        let (stake, region) = (node.stake.active, node.profile.region);
        fit.then_some(Standing { trust, stake, region })
    }

    /// The heartbeat that the lease of a job needs now: its second half has begun. One that the
    /// chain refused, as on a branch that is gone, is wished for again.
    pub fn heartbeat(&self, job: JobId, outbox: &OutboxHandle) -> Option<Intent> {
        if self.house.is_halted() {
            return None;
        }
        let house = self.house.read();
        let view = house.latest().job(job)?;
        let mine = view.assignment.as_ref().is_some_and(|it| it.coordinator == self.me);
        // Beyond the end of the job there is nothing to renew.
        let ends = view.deadline >= view.order.terms.rules.complete_by;
        if view.state != JobState::Assigned || !mine || ends {
            return None;
        }
        let head = self.house.block(self.house.heights().head).ok().flatten()?;
        let left = view.deadline.checked_since(head.time)?;
        if left.get() > view.parameters.lease.get() / 2 || planted(Bug::LetsLapse) {
            return None;
        }
        let data = view.heartbeat_call().ok()?;
        let about = [keccak256(&data).as_slice(), &view.deadline.get().to_be_bytes()].concat();
        let about = self.open_name(HEARTBEAT, &about, outbox)?;
        let purpose = format!("renew the lease of job {job}");
        Some(self.intent(Contract::JobManager, (HEARTBEAT, &about), data, purpose))
    }

    /// A call to the chain, made from its last word on the job. Where the view halted, nothing is
    /// sent. Where the call does not fit any more nothing is to be sent: the machine hears of the
    /// change and asks again.
    pub(crate) fn call(
        &self,
        job: JobId,
        call: &ChainCall,
        outbox: &OutboxHandle,
    ) -> Option<Result<Intent, CallError>> {
        if self.house.is_halted() {
            return None;
        }
        let data = {
            let house = self.house.read();
            let view = house.latest().job(job)?;
            match call {
                ChainCall::Assign { nodes, .. } => view.assign_call(self.me.node, nodes),
                ChainCall::Enlist { nodes, .. } => view.enlist_call(nodes),
                ChainCall::Propose { claim, attestations } => {
                    let stands = |attestation: &&Attestation| {
                        let index = view.index_of(attestation.seat());
                        index.is_none_or(|index| view.seized & (1 << index) == 0)
                    };
                    let stand: Vec<_> = attestations.iter().filter(stands).copied().collect();
                    view.propose_call(claim.output_root, claim.cost, &stand)
                }
                ChainCall::Release { .. } => view.release_call(),
            }
        };
        let data = match data {
            Ok(data) => data,
            Err(error) => return Some(Err(error)),
        };
        let about = self.open_name(CALL, keccak256(&data).as_slice(), outbox)?;
        let purpose = format!("{:?} job {job}", call.kind());
        Some(Ok(self.intent(Contract::JobManager, (CALL, &about), data, purpose)))
    }

    /// What a call that is wanted is about: the first name under which the same call is not over.
    /// A later attempt may need the very call of an earlier one, and one that the chain refused may
    /// be taken later; under a key that is over the outbox would send nothing.
    fn open_name(&self, kind: &str, stem: &[u8], outbox: &OutboxHandle) -> Option<Vec<u8>> {
        let block = if planted(Bug::KeyPerBlock) { self.house.heights().head } else { 0 };
        for number in u32::try_from(block).unwrap_or_default().. {
            let about = [stem, &number.to_be_bytes()].concat();
            match outbox.status(self.key(Contract::JobManager, kind, &about)) {
                Ok(Some(IntentStatus::Ended(_))) => {}
                Ok(Some(_) | None) => return Some(about),
                Err(error) => {
                    tracing::warn!(%error, "outbox.status.failed");
                    return None;
                }
            }
        }
        None
    }

    /// Evidence for the contract that slashes, made from the chain's last word on the job.
    pub(crate) fn report(&self, evidence: &Evidence) -> Option<Result<Intent, CallError>> {
        let Evidence::TwoClaims { seat, claims: [(first, one), (second, other)] } = evidence else {
            return None;
        };
        if self.house.is_halted() {
            return None;
        }
        let claim = |claim: &ReceiptClaim, signature| SignedClaim {
            output_root: claim.output_root,
            cost: claim.cost,
            signature,
        };
        let data = {
            let house = self.house.read();
            let view = house.latest().job(first.job)?;
            view.report_call(*seat, &claim(first, *one), &claim(second, *other))
        };
        let purpose = format!("report node {} of job {}", seat.node, first.job);
        // Said again and again, and once is enough: what the chain refuses stays refused until the
        // job changes, and with it the call.
        Some(data.map(|data| {
            let name = keccak256(&data);
            self.intent(Contract::SlashingManager, (CALL, name.as_slice()), data, purpose)
        }))
    }

    /// Whether the chain did not act on evidence yet.
    pub(crate) fn is_unpunished(&self, evidence: &Evidence) -> bool {
        let Evidence::TwoClaims { seat, claims: [(claim, _), _] } = evidence else {
            return false;
        };
        let house = self.house.read();
        let Some(job) = house.latest().job(claim.job) else { return true };
        job.index_of(*seat).is_none_or(|index| job.seized & (1 << index) == 0)
    }

    fn key(&self, to: Contract, function: &str, about: &[u8]) -> IntentKey {
        IntentKey::of(self.domain.chain, self.deployment.address(to), function, about)
    }

    /// A wish for one call, which its function and what it is about name.
    pub(crate) fn intent(
        &self,
        to: Contract,
        (function, about): (&str, &[u8]),
        data: Bytes,
        purpose: String,
    ) -> Intent {
        Intent {
            key: self.key(to, function, about),
            to: self.deployment.address(to),
            data,
            value: U256::ZERO,
            deadline: None,
            max_fee_per_gas: self.config.max_fee_per_gas.into(),
            least_gas: 0,
            guard: None,
            purpose,
        }
    }
}
