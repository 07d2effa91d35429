//! One node and the stake behind it, as their events tell it.

use alloy_primitives::{Address, U256};
use tallystick_types::{Amount, NodeId, Seat};

use super::event::{NodeEvent, NodeProfile, NodeStatus};
use super::house::FoldError;

/// A node with its standing and its stake.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeView {
    /// Its id.
    pub id: NodeId,
    /// The cold key that owns it.
    pub operator: Address,
    /// The operator that may take it over.
    pub successor: Option<Address>,
    /// The hot key that signs for it.
    pub signer: Address,
    /// Whether its operator withdrew trust in the signer: no new work until it is rotated.
    pub frozen: bool,
    /// What its operator says of it.
    pub profile: NodeProfile,
    /// Its standing.
    pub status: NodeStatus,
    /// Whether governance looked at it and trusts it.
    pub vetted: bool,
    /// The stake behind it.
    pub stake: StakeView,
    /// How often it was convicted.
    pub convictions: u64,
}

/// The stake behind one node, in base units of TLY.
///
/// The amounts are those of the contract to the unit, with one exception: a slash that nearly
/// empties a pool leaves it a remainder of about 10^-8, and the event does not tell how that is
/// split between active and thawing stake. From then until the next full slash, the two may be off
/// by such a remainder. All who fold the same events agree on them in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StakeView {
    /// Deposits that do not count yet.
    pub pending: Amount,
    /// Stake that counts: for activation, new locks and draws.
    pub active: Amount,
    /// Stake on its way out.
    pub thawing: Amount,
    /// What running jobs locked of active and thawing stake.
    pub locked: Amount,
    /// Whether a slash left a part of the pool, so that the exception above may hold.
    pub cut: bool,
}

impl NodeView {
    pub(super) fn registered(
        id: NodeId,
        operator: Address,
        signer: Address,
        profile: &NodeProfile,
    ) -> Self {
        Self {
            id,
            operator,
            successor: None,
            signer,
            frozen: false,
            profile: profile.clone(),
            status: NodeStatus::Registered,
            vetted: false,
            stake: StakeView::default(),
            convictions: 0,
        }
    }

    /// The node with its present signer, as an assignment takes it.
    pub const fn seat(&self) -> Seat {
        Seat { node: self.id, signer: self.signer }
    }

    /// Folds one event into the node.
    pub(super) fn fold(&mut self, event: &NodeEvent) -> Result<(), FoldError> {
        let node = self.id;
        match event {
            NodeEvent::Registered { .. } => return Err(FoldError::KnownNode { node }),
            NodeEvent::ProfileUpdated { profile } => self.profile = profile.clone(),
            NodeEvent::SignerRotated { signer } => (self.signer, self.frozen) = (*signer, false),
            NodeEvent::SignerFrozen => self.frozen = true,
            NodeEvent::Offered { successor } => self.successor = *successor,
            NodeEvent::Transferred { operator } => {
                (self.operator, self.successor) = (*operator, None);
            }
            NodeEvent::StatusChanged { status } => self.status = *status,
            NodeEvent::Vetted { vetted } => self.vetted = *vetted,
            NodeEvent::Convicted { .. } => self.convictions = self.convictions.saturating_add(1),
            NodeEvent::StakeDeposited { .. }
            | NodeEvent::StakeDepositCancelled { .. }
            | NodeEvent::StakeActivated { .. }
            | NodeEvent::UnstakeRequested { .. }
            | NodeEvent::UnstakeCancelled { .. }
            | NodeEvent::StakeWithdrawn { .. }
            | NodeEvent::StakeRewarded { .. }
            | NodeEvent::StakeSlashed { .. } => self.stake = self.stake.after(node, event)?,
        }
        Ok(())
    }
}

impl StakeView {
    /// Active stake that no running job locked: what a new job can lock.
    pub fn free(&self) -> Amount {
        self.active.checked_sub(self.locked).unwrap_or_default()
    }

    /// The stake after an event.
    fn after(mut self, node: NodeId, event: &NodeEvent) -> Result<Self, FoldError> {
        let cut = self.cut;
        let less = |held: Amount, taken: Amount| {
            let rest = held.checked_sub(taken).or_else(|| cut.then_some(Amount::ZERO));
            rest.ok_or(FoldError::StakeExceeded { node, held, taken })
        };
        let more = |held: Amount, added: Amount| {
            held.checked_add(added).ok_or(FoldError::StakeExceeded { node, held, taken: added })
        };
        match event {
            NodeEvent::StakeDeposited { amount } => self.pending = more(self.pending, *amount)?,
            NodeEvent::StakeDepositCancelled { amount } => {
                self.pending = less(self.pending, *amount)?;
            }
            NodeEvent::StakeActivated { amount } => {
                self.pending = less(self.pending, *amount)?;
                self.active = more(self.active, *amount)?;
            }
            NodeEvent::UnstakeRequested { amount } => {
                self.active = less(self.active, *amount)?;
                self.thawing = more(self.thawing, *amount)?;
            }
            NodeEvent::UnstakeCancelled { amount } => {
                self.thawing = less(self.thawing, *amount)?;
                self.active = more(self.active, *amount)?;
            }
            NodeEvent::StakeWithdrawn { amount } => self.thawing = less(self.thawing, *amount)?,
            NodeEvent::StakeRewarded { amount } => self.active = more(self.active, *amount)?,
            NodeEvent::StakeSlashed { amount } => return self.slashed(node, *amount),
            _ => {}
        }
        Ok(self)
    }

    /// As `StakingManager` takes it: from active and thawing stake in proportion, the active part
    /// rounded down.
    fn slashed(self, node: NodeId, taken: Amount) -> Result<Self, FoldError> {
        let (active, thawing) = (self.active, self.thawing);
        let held = active.checked_add(thawing).unwrap_or(Amount::MAX);
        let exceeded = FoldError::StakeExceeded { node, held, taken };
        if taken == Amount::ZERO && held != Amount::ZERO {
            return Ok(self);
        }
        if taken == held || (taken > held && self.cut) {
            let (active, thawing) = (Amount::ZERO, Amount::ZERO);
            return Ok(Self { active, thawing, cut: false, ..self });
        }
        let total = U256::from(held.get());
        let part = U256::from(taken.get()) * U256::from(active.get()) / total.max(U256::from(1));
        let part = part.try_into().map(Amount::new).ok();
        let split = part.and_then(|part| {
            let rest = taken.checked_sub(part)?;
            Some((active.checked_sub(part)?, thawing.checked_sub(rest)?))
        });
        let (active, thawing) = split.ok_or(exceeded)?;
        Ok(Self { active, thawing, cut: true, ..self })
    }

    /// The stake after a job locked a part of it.
    pub(super) fn locked(self, node: NodeId, amount: Amount) -> Result<Self, FoldError> {
        let (held, taken) = (self.locked, amount);
        let locked = held.checked_add(amount);
        let locked = locked.ok_or(FoldError::LockExceeded { node, held, taken })?;
        Ok(Self { locked, ..self })
    }

    /// The stake after a job gave a lock back.
    pub(super) fn freed(self, node: NodeId, amount: Amount) -> Result<Self, FoldError> {
        let (held, taken) = (self.locked, amount);
        let locked = held.checked_sub(amount);
        let locked = locked.ok_or(FoldError::LockExceeded { node, held, taken })?;
        Ok(Self { locked, ..self })
    }
}
