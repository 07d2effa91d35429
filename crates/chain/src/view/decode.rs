//! From the logs of the chain to typed events.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256, aliases};
use alloy_sol_types::SolEventInterface;
use tallystick_abi::contracts::{
    IHouseContract::IHouseContractEvents,
    IJobManager::IJobManagerEvents,
    INetworkProfile::{self, INetworkProfileEvents},
    INodeRegistry::{self, INodeRegistryEvents},
    IPaymentManager::IPaymentManagerEvents,
    ISlashingManager::ISlashingManagerEvents,
    IStakingManager::IStakingManagerEvents,
    JobTerms,
};
use tallystick_abi::{Contract, ConvertError, Deployment};
use tallystick_types::{
    Amount, Attempt, ChainTime, IdentityKey, JobOrder, JobParameters, NodeId, PackingError,
    ParametersVersion, Ratio, Seat, Seconds,
};

use super::event::{
    HouseEvent, JobEvent, NetworkEvent, NetworkParameters, NodeEvent, NodeProfile, NodeStatus,
    Proposal, TokenTerms,
};

/// The contracts whose events are read.
const READ: [Contract; 6] = [
    Contract::NodeRegistry,
    Contract::PaymentManager,
    Contract::StakingManager,
    Contract::JobManager,
    Contract::SlashingManager,
    Contract::NetworkProfile,
];

/// The contracts of a deployment whose events the view is made from, by their addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HouseContracts(BTreeMap<Address, Contract>);

/// Why a log is no event of the house.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Another contract emitted it.
    #[error("{address} is none of the contracts that are read; ask for the logs of ours only")]
    Foreign {
        /// Who emitted it.
        address: Address,
    },
    /// Our contract emitted it, and it is not known. The view would be wrong without it.
    #[error("{contract:?} emitted an unknown event ({topic:?}); this program is older than it")]
    UnknownEvent {
        /// The contract.
        contract: Contract,
        /// The first topic, where there is one.
        topic: Option<B256>,
    },
    /// It does not have the form of its event.
    #[error("an event {topic} of {contract:?} cannot be read; ask another endpoint for it")]
    Malformed {
        /// The contract.
        contract: Contract,
        /// keccak256 of the event's signature.
        topic: B256,
        /// Why.
        source: Box<alloy_sol_types::Error>,
    },
    /// A value of it has no meaning.
    #[error("an event {topic} of {contract:?} makes no sense; this program is older than it")]
    Meaningless {
        /// The contract.
        contract: Contract,
        /// keccak256 of the event's signature.
        topic: B256,
        /// Why.
        source: ConvertError,
    },
}

impl HouseContracts {
    /// Those of a deployment.
    pub fn of(deployment: &Deployment) -> Self {
        Self(READ.into_iter().map(|contract| (deployment.address(contract), contract)).collect())
    }

    /// Whose logs to ask for.
    pub fn addresses(&self) -> impl Iterator<Item = Address> + '_ {
        self.0.keys().copied()
    }
}

impl HouseEvent {
    /// Reads a log as an endpoint gives it.
    pub fn decode(
        contracts: &HouseContracts,
        address: Address,
        topics: &[B256],
        data: &[u8],
    ) -> Result<Self, DecodeError> {
        let contract = *contracts.0.get(&address).ok_or(DecodeError::Foreign { address })?;
        let Some(&topic) = topics.first() else {
            return Err(DecodeError::UnknownEvent { contract, topic: None });
        };
        let raw = Raw { contract, topic, topics, data };
        let own = match contract {
            Contract::JobManager => raw.read(IJobManagerEvents::SELECTORS, job_manager)?,
            Contract::NodeRegistry => raw.read(INodeRegistryEvents::SELECTORS, node_registry)?,
            Contract::StakingManager => {
                raw.read(IStakingManagerEvents::SELECTORS, staking_manager)?
            }
            Contract::SlashingManager => {
                raw.read(ISlashingManagerEvents::SELECTORS, slashing_manager)?
            }
            Contract::NetworkProfile => {
                raw.read(INetworkProfileEvents::SELECTORS, network_profile)?
            }
            Contract::PaymentManager => {
                raw.read(IPaymentManagerEvents::SELECTORS, |_: IPaymentManagerEvents| Ok(None))?
            }
            _ => None,
        };
        if let Some(event) = own {
            return Ok(event);
        }
        let event =
            raw.read(IHouseContractEvents::SELECTORS, |event| Ok(house(contract, event)))?;
        event.ok_or(DecodeError::UnknownEvent { contract, topic: Some(topic) })
    }
}

/// A log of one of our contracts.
struct Raw<'a> {
    contract: Contract,
    topic: B256,
    topics: &'a [B256],
    data: &'a [u8],
}

impl Raw<'_> {
    /// Reads an event of one interface; nothing where the interface does not have it. The meaning
    /// is nothing where the view learns nothing.
    fn read<E: SolEventInterface>(
        &self,
        selectors: &[[u8; 32]],
        meaning: impl FnOnce(E) -> Result<Option<HouseEvent>, ConvertError>,
    ) -> Result<Option<HouseEvent>, DecodeError> {
        let (contract, topic) = (self.contract, self.topic);
        if !selectors.contains(&topic.0) {
            return Ok(None);
        }
        let event = E::decode_raw_log(self.topics, self.data)
            .map_err(|source| DecodeError::Malformed { contract, topic, source: source.into() })?;
        let meaning = meaning(event).map_err(|source| DecodeError::Meaningless {
            contract,
            topic,
            source,
        })?;
        Ok(Some(meaning.unwrap_or(HouseEvent::WithoutEffect { contract, topic })))
    }
}

fn job_manager(event: IJobManagerEvents) -> Result<Option<HouseEvent>, ConvertError> {
    use IJobManagerEvents as E;
    let (id, event) = match event {
        E::JobCreated(e) => (e.id, created(e.client, e.nonce, &e.terms, e.parameters)?),
        E::JobSpecification(e) => (e.id, JobEvent::Specification { uri: e.uri }),
        E::JobAssigned(e) => {
            let (attempt, coordinator) = (Attempt::new(e.attempt), Seat::unpack(e.coordinator)?);
            let (nodes, deadline) = (seats(&e.nodes)?, moment(e.deadline)?);
            (e.id, JobEvent::Assigned { attempt, coordinator, nodes, deadline })
        }
        E::JobEnlisted(e) => {
            let (attempt, nodes) = (Attempt::new(e.attempt), seats(&e.nodes)?);
            (e.id, JobEvent::Enlisted { attempt, nodes })
        }
        E::JobHeartbeat(e) => {
            let (attempt, deadline) = (Attempt::new(e.attempt), moment(e.deadline)?);
            (e.id, JobEvent::Heartbeat { attempt, deadline })
        }
        E::JobToppedUp(e) => (e.id, JobEvent::ToppedUp { total: Amount::new(e.toppedUp) }),
        E::JobStopped(e) => (e.id, JobEvent::Stopped { at: moment(e.stoppedAt)? }),
        E::JobProposed(e) => {
            let proposal = Proposal {
                output_root: e.proposal.outputRoot.into(),
                price: Amount::new(e.proposal.price),
                signers: e.proposal.signers,
            };
            let (attempt, deadline) = (Attempt::new(e.attempt), moment(e.deadline)?);
            (e.id, JobEvent::Proposed { attempt, proposal, deadline })
        }
        E::JobChallenged(e) => {
            let deadline = moment(e.deadline)?;
            (e.id, JobEvent::Challenged { challenger: e.challenger, deadline })
        }
        E::JobResolved(e) => (e.id, JobEvent::Resolved { upheld: e.upheld, liars: e.liars }),
        E::JobNodeSeized(e) => {
            let (attempt, seat) = (Attempt::new(e.attempt), Seat::unpack(e.seat)?);
            (e.id, JobEvent::NodeSeized { attempt, seat })
        }
        E::JobReopened(e) => {
            let (attempt, deadline) = (Attempt::new(e.attempt), moment(e.deadline)?);
            (e.id, JobEvent::Reopened { attempt, deadline })
        }
        E::JobSettled(e) => {
            let (output_root, paid) = (e.outputRoot.into(), Amount::new(e.paid));
            (e.id, JobEvent::Settled { output_root, paid, settler: e.settler })
        }
        E::JobRefunded(e) => (e.id, JobEvent::Refunded { returned: Amount::new(e.returned) }),
        E::JobUnpaid(e) => (e.id, JobEvent::Unpaid { owed: Amount::new(e.owed) }),
        E::JobParametersAdopted(e) => return adopted(e.token, e.parameters).map(Some),
        E::BatchItemFailed(_) | E::LaneFunded(_) | E::LaneWithdrawn(_) | E::FeesCollected(_) => {
            return Ok(None);
        }
    };
    Ok(Some(HouseEvent::Job(id.into(), event)))
}

fn created(
    client: Address,
    nonce: U256,
    terms: &JobTerms,
    parameters: U256,
) -> Result<JobEvent, ConvertError> {
    let order = JobOrder { client, nonce, terms: terms.try_into()? };
    Ok(JobEvent::Created { order, parameters: JobParameters::unpack(parameters)? })
}

fn adopted(token: Address, parameters: U256) -> Result<HouseEvent, ConvertError> {
    let parameters = JobParameters::unpack(parameters)?;
    // Zero refuses the token; so does a token that was allowed before there were parameters.
    let parameters = Some(parameters).filter(|parameters| parameters.version.get() != 0);
    Ok(HouseEvent::Network(NetworkEvent::JobParametersAdopted { token, parameters }))
}

fn node_registry(event: INodeRegistryEvents) -> Result<Option<HouseEvent>, ConvertError> {
    use INodeRegistryEvents as E;
    let (node, event) = match event {
        E::NodeRegistered(e) => {
            let (operator, signer, profile) = (e.operator, e.signer, profile(e.profile));
            (e.node, NodeEvent::Registered { operator, signer, profile })
        }
        E::NodeProfileUpdated(e) => {
            (e.node, NodeEvent::ProfileUpdated { profile: profile(e.profile) })
        }
        E::NodeSignerRotated(e) => (e.node, NodeEvent::SignerRotated { signer: e.signer }),
        E::NodeSignerFrozen(e) => (e.node, NodeEvent::SignerFrozen),
        E::NodeOffered(e) => {
            let successor = Some(e.successor).filter(|successor| !successor.is_zero());
            (e.node, NodeEvent::Offered { successor })
        }
        E::NodeTransferred(e) => (e.node, NodeEvent::Transferred { operator: e.operator }),
        E::NodeStatusChanged(e) => (e.node, NodeEvent::StatusChanged { status: status(e.status)? }),
        E::NodeVetted(e) => (e.node, NodeEvent::Vetted { vetted: e.vetted }),
    };
    Ok(Some(HouseEvent::Node(NodeId::new(node), event)))
}

fn staking_manager(event: IStakingManagerEvents) -> Result<Option<HouseEvent>, ConvertError> {
    use IStakingManagerEvents as E;
    let units = Amount::new;
    let (node, event) = match event {
        E::StakeDeposited(e) => (e.node, NodeEvent::StakeDeposited { amount: units(e.amount) }),
        E::StakeDepositCancelled(e) => {
            (e.node, NodeEvent::StakeDepositCancelled { amount: units(e.amount) })
        }
        E::StakeActivated(e) => (e.node, NodeEvent::StakeActivated { amount: units(e.amount) }),
        E::UnstakeRequested(e) => (e.node, NodeEvent::UnstakeRequested { amount: units(e.amount) }),
        E::UnstakeCancelled(e) => (e.node, NodeEvent::UnstakeCancelled { amount: units(e.amount) }),
        E::StakeWithdrawn(e) => (e.node, NodeEvent::StakeWithdrawn { amount: units(e.amount) }),
        E::StakeRewarded(e) => (e.node, NodeEvent::StakeRewarded { amount: units(e.amount) }),
        E::StakeSlashed(e) => (e.node, NodeEvent::StakeSlashed { amount: units(e.amount) }),
        E::StakingRulesSet(_) => return Ok(None),
    };
    Ok(Some(HouseEvent::Node(NodeId::new(node), event)))
}

fn slashing_manager(event: ISlashingManagerEvents) -> Result<Option<HouseEvent>, ConvertError> {
    use ISlashingManagerEvents as E;
    match event {
        E::NodeSlashed(e) => {
            let (job, amount) = (e.job.into(), Amount::new(e.amount));
            let event = NodeEvent::Convicted { job, amount };
            Ok(Some(HouseEvent::Node(NodeId::new(e.node), event)))
        }
        E::RulingProposed(_)
        | E::RulingVetoed(_)
        | E::RulingExecuted(_)
        | E::SlashingRulesSet(_) => Ok(None),
    }
}

fn network_profile(event: INetworkProfileEvents) -> Result<Option<HouseEvent>, ConvertError> {
    use INetworkProfileEvents as E;
    let event = match event {
        E::ParametersSet(e) => NetworkEvent::ParametersSet(parameters(&e)?),
        E::TokenAllowed(e) => {
            let (lock_ratio, lock_shift) = (Ratio::new(e.terms.lockPpm), e.terms.lockShift);
            let terms = TokenTerms { lock_ratio, lock_shift };
            NetworkEvent::TokenAllowed { token: e.token, terms }
        }
        E::TokenDisallowed(e) => NetworkEvent::TokenDisallowed { token: e.token },
        E::ProgramAllowed(e) => {
            NetworkEvent::ProgramAllowed { program: e.program.into(), allowed: e.allowed }
        }
        E::KindAllowed(e) => NetworkEvent::KindAllowed { kind: e.kind, allowed: e.allowed },
    };
    Ok(Some(HouseEvent::Network(event)))
}

fn house(contract: Contract, event: IHouseContractEvents) -> Option<HouseEvent> {
    use IHouseContractEvents as E;
    let event = match event {
        E::Paused(_) => NetworkEvent::Paused { contract, paused: true },
        E::Unpaused(_) => NetworkEvent::Paused { contract, paused: false },
        E::Upgraded(e) => NetworkEvent::Upgraded { contract, implementation: e.implementation },
        E::EIP712DomainChanged(_)
        | E::Initialized(_)
        | E::RoleAdminChanged(_)
        | E::RoleGranted(_)
        | E::RoleRevoked(_) => return None,
    };
    Some(HouseEvent::Network(event))
}

fn parameters(event: &INetworkProfile::ParametersSet) -> Result<NetworkParameters, ConvertError> {
    let given = &event.parameters;
    let seconds = |time: aliases::U40| Seconds::new(time.to());
    Ok(NetworkParameters {
        version: ParametersVersion::new(event.version.to())?,
        min_stake: Amount::new(given.staking.minStake),
        min_stake_time: seconds(given.staking.minStakeSeconds),
        stake_thaw: seconds(given.staking.thawSeconds),
        lane_thaw: seconds(given.laneThawSeconds),
        jail: seconds(given.slashing.jailSeconds),
        treasury: given.treasury,
    })
}

fn profile(profile: INodeRegistry::NodeProfile) -> NodeProfile {
    NodeProfile {
        peer_id: profile.peerId,
        identity_key: IdentityKey::from(profile.identityKey),
        roles: profile.roles,
        region: profile.region,
        metadata_uri: profile.metadataUri,
    }
}

fn status(status: INodeRegistry::NodeStatus) -> Result<NodeStatus, ConvertError> {
    use INodeRegistry::NodeStatus as S;
    match status {
        S::Registered => Ok(NodeStatus::Registered),
        S::Active => Ok(NodeStatus::Active),
        S::Jailed => Ok(NodeStatus::Jailed),
        S::Retired => Ok(NodeStatus::Retired),
        S::None | S::__Invalid => {
            let value = u64::from(u8::from(status));
            Err(PackingError::Meaningless { field: "status", value }.into())
        }
    }
}

fn seats(words: &[U256]) -> Result<Vec<Seat>, ConvertError> {
    words.iter().map(|word| Seat::unpack(*word).map_err(Into::into)).collect()
}

fn moment(time: aliases::U40) -> Result<ChainTime, ConvertError> {
    Ok(ChainTime::new(time.to())?)
}
