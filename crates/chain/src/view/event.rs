//! What the contracts tell, in the words of `tallystick-types`.

use alloy_primitives::{Address, B256, Bytes};
use tallystick_abi::Contract;
use tallystick_types::{
    Amount, Attempt, BlockHash, ChainTime, IdentityKey, JobId, JobOrder, JobParameters, NodeId,
    OutputRoot, ParametersVersion, ProgramDigest, Ratio, Seat, Seconds,
};

/// A block of the settlement chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Block {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: BlockHash,
    /// Its time.
    pub time: ChainTime,
}

/// Where an event stands in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventContext {
    /// The block.
    pub block: Block,
    /// Hash of the transaction.
    pub tx: B256,
    /// The place of the event among all of its block.
    pub log_index: u64,
}

/// An event of one of our contracts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HouseEvent {
    /// Something happened to a job.
    Job(JobId, JobEvent),
    /// Something happened to a node or to the stake behind it.
    Node(NodeId, NodeEvent),
    /// Something changed for the whole network.
    Network(NetworkEvent),
    /// A known event from which the view learns nothing: movements of balances and of roles,
    /// rulings before they take effect, and what another event tells as well.
    WithoutEffect {
        /// Whose event it is.
        contract: Contract,
        /// keccak256 of the event's signature.
        topic: B256,
    },
}

/// What happened to a job; the prose stands in `IJobMachine`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobEvent {
    /// It exists. None -> Open.
    Created {
        /// What its client ordered.
        order: JobOrder,
        /// The parameters under which it lives.
        parameters: JobParameters,
    },
    /// Where its specification can be fetched.
    Specification {
        /// The place.
        uri: String,
    },
    /// A coordinator took its lease. Open -> Assigned.
    Assigned {
        /// The number of the new attempt.
        attempt: Attempt,
        /// Who holds the lease.
        coordinator: Seat,
        /// Who executes, the primary first.
        nodes: Vec<Seat>,
        /// When the lease ends.
        deadline: ChainTime,
    },
    /// Further nodes joined, behind those that it had.
    Enlisted {
        /// The attempt.
        attempt: Attempt,
        /// Who joined.
        nodes: Vec<Seat>,
    },
    /// The lease was renewed.
    Heartbeat {
        /// The attempt.
        attempt: Attempt,
        /// When the lease ends now.
        deadline: ChainTime,
    },
    /// Its client added money; only where it is paid by time.
    ToppedUp {
        /// All that was added so far, in base units of its token.
        total: Amount,
    },
    /// Its client ended it; only where it is paid by time.
    Stopped {
        /// Time from here on is not paid.
        at: ChainTime,
    },
    /// A quorum signed a result. Assigned -> Proposed.
    Proposed {
        /// The attempt.
        attempt: Attempt,
        /// The result.
        proposal: Proposal,
        /// When the result can no longer be challenged.
        deadline: ChainTime,
    },
    /// A bonded party denied the result. Proposed -> Challenged.
    Challenged {
        /// Who.
        challenger: Address,
        /// When the challenge must be decided.
        deadline: ChainTime,
    },
    /// The challenge was decided; another event of the same transaction tells what became of the
    /// job.
    Resolved {
        /// Whether the result stands.
        upheld: bool,
        /// Bit `i`: node `i` of the assignment was convicted.
        liars: u16,
    },
    /// A node was convicted of signing two results.
    NodeSeized {
        /// The attempt.
        attempt: Attempt,
        /// The node in its seat.
        seat: Seat,
    },
    /// The attempt is over without a result. Assigned, Proposed, Challenged -> Open.
    Reopened {
        /// The attempt that is over.
        attempt: Attempt,
        /// When the next assignment is too late.
        deadline: ChainTime,
    },
    /// It is paid. Assigned, Proposed, Challenged -> Settled.
    Settled {
        /// The result.
        output_root: OutputRoot,
        /// What the client was charged, without the tip, in base units of the job's token.
        paid: Amount,
        /// Who got the tip.
        settler: Address,
    },
    /// The money went back. Any live state -> Refunded; of a job that never was, its client voided
    /// the order.
    Refunded {
        /// What the client got, in base units of the job's token.
        returned: Amount,
    },
    /// The money that its client promised could not be pulled; the refund follows.
    Unpaid {
        /// What is owed, in base units of the job's token.
        owed: Amount,
    },
}

/// A result with its quorum, as the contracts keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Proposal {
    /// The result.
    pub output_root: OutputRoot,
    /// What the client is charged for the work, in base units of the job's token.
    pub price: Amount,
    /// Bit `i`: node `i` of the assignment signed.
    pub signers: u16,
}

/// What happened to a node; the prose stands in `INodeRegistry`, `IStakingManager` and
/// `ISlashingManager`. Amounts are base units of TLY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeEvent {
    /// It joined.
    Registered {
        /// The cold key that owns it.
        operator: Address,
        /// The hot key that signs for it.
        signer: Address,
        /// What its operator says of it.
        profile: NodeProfile,
    },
    /// Its operator says something else of it.
    ProfileUpdated {
        /// What.
        profile: NodeProfile,
    },
    /// It has another signer, in which its operator trusts.
    SignerRotated {
        /// The new one.
        signer: Address,
    },
    /// Its operator no longer trusts its signer.
    SignerFrozen,
    /// It was offered to another operator, or to nobody.
    Offered {
        /// To whom.
        successor: Option<Address>,
    },
    /// It has another operator.
    Transferred {
        /// The new one.
        operator: Address,
    },
    /// Its standing changed.
    StatusChanged {
        /// The new one.
        status: NodeStatus,
    },
    /// Governance vetted it, or took that back.
    Vetted {
        /// Which of the two.
        vetted: bool,
    },
    /// Stake was deposited and does not count yet.
    StakeDeposited {
        /// How much.
        amount: Amount,
    },
    /// A deposit was taken back.
    StakeDepositCancelled {
        /// How much.
        amount: Amount,
    },
    /// A deposit counts from now on.
    StakeActivated {
        /// How much.
        amount: Amount,
    },
    /// Active stake began to thaw.
    UnstakeRequested {
        /// How much.
        amount: Amount,
    },
    /// Thawing stake is active again.
    UnstakeCancelled {
        /// How much.
        amount: Amount,
    },
    /// Thawed stake left.
    StakeWithdrawn {
        /// How much.
        amount: Amount,
    },
    /// A reward was added to the active stake.
    StakeRewarded {
        /// How much.
        amount: Amount,
    },
    /// Stake was taken, from active and thawing stake in proportion.
    StakeSlashed {
        /// How much.
        amount: Amount,
    },
    /// It was convicted; the stake that it lost is told by the slash before.
    Convicted {
        /// The job in which it lied.
        job: JobId,
        /// What it lost.
        amount: Amount,
    },
}

/// A node's standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeStatus {
    /// Known, without counted stake.
    Registered,
    /// Bonded.
    Active,
    /// Convicted: no new work.
    Jailed,
    /// Gone for good.
    Retired,
}

/// What an operator says of its machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeProfile {
    /// libp2p peer id in its binary form.
    pub peer_id: Bytes,
    /// Key that signs its receipts.
    pub identity_key: IdentityKey,
    /// Roles as a bitmap: 1 worker, 2 coordinator, 4 archive, 8 relay, 16 settler.
    pub roles: u8,
    /// Number of its region in the network's table.
    pub region: u16,
    /// Where more about it, such as its addresses, can be read.
    pub metadata_uri: String,
}

/// What changed for the whole network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkEvent {
    /// Governance set the parameters.
    ParametersSet(NetworkParameters),
    /// A token is accepted under these terms.
    TokenAllowed {
        /// The token.
        token: Address,
        /// Its terms.
        terms: TokenTerms,
    },
    /// A token is no longer accepted.
    TokenDisallowed {
        /// The token.
        token: Address,
    },
    /// New jobs in a token live under these parameters.
    JobParametersAdopted {
        /// The token.
        token: Address,
        /// The parameters; none: new jobs in it are refused.
        parameters: Option<JobParameters>,
    },
    /// A program is on the list of allowed ones, or no longer.
    ProgramAllowed {
        /// The program.
        program: ProgramDigest,
        /// Which of the two.
        allowed: bool,
    },
    /// A kind of job is on the list of allowed ones, or no longer.
    KindAllowed {
        /// keccak256 of the kind's name.
        kind: B256,
        /// Which of the two.
        allowed: bool,
    },
    /// New jobs or deposits stopped at a contract, or resumed.
    Paused {
        /// The contract.
        contract: Contract,
        /// Which of the two.
        paused: bool,
    },
    /// Other code runs behind a contract's address.
    Upgraded {
        /// The contract.
        contract: Contract,
        /// The address of the code.
        implementation: Address,
    },
}

/// The parameters of the network, without those that every job carries (`JobParameters`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkParameters {
    /// Their version, from 1.
    pub version: ParametersVersion,
    /// Active stake that a node needs, in base units of TLY.
    pub min_stake: Amount,
    /// Time between a deposit and its activation.
    pub min_stake_time: Seconds,
    /// Time between unstaking and withdrawal.
    pub stake_thaw: Seconds,
    /// Time for which money that a client asks back from a lane stays reserved.
    pub lane_thaw: Seconds,
    /// Time for which a convicted node stays in jail.
    pub jail: Seconds,
    /// Where fees go.
    pub treasury: Address,
}

/// How a payment token is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenTerms {
    /// Stake locked per node, in relation to a job's maximum price.
    pub lock_ratio: Ratio,
    /// Decimal places that TLY has more than the token.
    pub lock_shift: u8,
}

impl JobEvent {
    /// What it is called in the contracts.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "JobCreated",
            Self::Specification { .. } => "JobSpecification",
            Self::Assigned { .. } => "JobAssigned",
            Self::Enlisted { .. } => "JobEnlisted",
            Self::Heartbeat { .. } => "JobHeartbeat",
            Self::ToppedUp { .. } => "JobToppedUp",
            Self::Stopped { .. } => "JobStopped",
            Self::Proposed { .. } => "JobProposed",
            Self::Challenged { .. } => "JobChallenged",
            Self::Resolved { .. } => "JobResolved",
            Self::NodeSeized { .. } => "JobNodeSeized",
            Self::Reopened { .. } => "JobReopened",
            Self::Settled { .. } => "JobSettled",
            Self::Refunded { .. } => "JobRefunded",
            Self::Unpaid { .. } => "JobUnpaid",
        }
    }

    /// The attempt that the event names, if it names one.
    pub const fn attempt(&self) -> Option<Attempt> {
        match self {
            Self::Assigned { attempt, .. }
            | Self::Enlisted { attempt, .. }
            | Self::Heartbeat { attempt, .. }
            | Self::Proposed { attempt, .. }
            | Self::NodeSeized { attempt, .. }
            | Self::Reopened { attempt, .. } => Some(*attempt),
            Self::Created { .. }
            | Self::Specification { .. }
            | Self::ToppedUp { .. }
            | Self::Stopped { .. }
            | Self::Challenged { .. }
            | Self::Resolved { .. }
            | Self::Settled { .. }
            | Self::Refunded { .. }
            | Self::Unpaid { .. } => None,
        }
    }
}
