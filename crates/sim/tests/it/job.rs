//! A job from order to payment, as transactions.

use std::sync::Arc;

use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolCall;
use tallystick_abi::contracts::{self, IJobManager, INetworkProfile};
use tallystick_abi::{Assignment, Contract, Job};
use tallystick_chain::endpoint::Call;
use tallystick_sim::chain::genesis::{ClientPlan, Genesis, House, NodePlan, Plan, TLY, key_of};
use tallystick_sim::chain::{Block, Chain, Choice, Signed};
use tallystick_types::{
    Amount, Attempt, ChainTime, Funding, JobOrder, JobParameters, JobPrice, JobRules, JobTerms,
    OutputRoot, ReceiptClaim, Seat, Seconds, ServiceLevel, Trust, Verification,
};

use crate::ground::wish;

const OUTPUT: OutputRoot = OutputRoot::new([0x77; 32]);
const COST: Amount = Amount::new(8 * TLY + 3);

/// A house with a coordinator, three workers and a client.
pub(crate) struct Shop {
    pub(crate) genesis: Genesis,
    pub(crate) client: PrivateKeySigner,
    coordinator: PrivateKeySigner,
    workers: Vec<PrivateKeySigner>,
}

/// A job that was ordered.
#[derive(Clone)]
pub(crate) struct Ordered {
    job: Job,
    id: B256,
    seats: Vec<Seat>,
    coordinator: Seat,
}

impl Shop {
    pub(crate) fn open() -> Self {
        let names = ["coordinator", "first", "second", "third"];
        let signers = names.map(|name| key_of(&format!("{name}'s signer")));
        let node = |(place, signer): (usize, &PrivateKeySigner)| NodePlan {
            operator: key_of(&format!("{}'s operator", names[place])),
            signer: signer.clone(),
            identity: keccak256(names[place]),
            roles: if place == 0 { 2 } else { 1 },
            region: 276,
            stake: 5_000 * TLY,
        };
        let client = key_of("client");
        let wallet = 1_000_000 * TLY;
        let plan = Plan {
            nodes: signers.iter().enumerate().map(node).collect(),
            clients: vec![ClientPlan { key: client.clone(), wallet, deposit: 0 }],
            funded: vec![key_of("settler").address()],
        };
        let genesis = House::shared().unwrap().genesis(&plan).unwrap();
        let [coordinator, workers @ ..] = signers;
        Self { genesis, client, coordinator, workers: workers.to_vec() }
    }

    /// A transaction to a contract of the house, with the nonce that comes next.
    pub(crate) fn signed(
        &self,
        chain: &Chain,
        key: &PrivateKeySigner,
        to: Contract,
        call: &impl SolCall,
    ) -> Arc<Signed> {
        let to = self.genesis.deployment.address(to).into();
        let nonce = chain.pending_nonce(chain.head(), key.address());
        Signed::of_wish(&wish(chain, to, call.abi_encode().into()), chain.id(), nonce, key)
    }

    fn ask<C: SolCall>(&self, chain: &Chain, to: Contract, call: &C) -> C::Return {
        let to = self.genesis.deployment.address(to);
        let data = call.abi_encode().into();
        let call = Call { from: Address::ZERO, to, data, value: U256::ZERO };
        C::abi_decode_returns(&chain.call(chain.head(), &call).unwrap()).unwrap()
    }

    /// An order, and the transaction that makes it a job.
    pub(crate) fn create(&self, chain: &Chain, nonce: u64) -> (Ordered, Arc<Signed>) {
        let version = INetworkProfile::currentVersionCall {};
        let version = self.ask(chain, Contract::NetworkProfile, &version).to::<u32>();
        let now = ChainTime::new(chain.head().time()).unwrap();
        let after = |seconds| now.checked_add(Seconds::new(seconds)).unwrap();
        let token = self.genesis.deployment.address(Contract::TallyToken);
        let price = JobPrice::new(Amount::new(10 * TLY + 7), Amount::ZERO, Amount::new(TLY / 20));
        let terms = JobTerms {
            specification: B256::repeat_byte(0x42).into(),
            token,
            price: price.unwrap(),
            rules: JobRules {
                funding: Funding::Allowance,
                verification: Verification::Deterministic,
                trust: Trust::Staked,
                replicas: 3,
                quorum: 2,
                assign_by: after(600),
                complete_by: after(3_600),
                service_level: ServiceLevel::new(0),
                parameters_version: version.try_into().unwrap(),
            },
        };
        let order = JobOrder { client: self.client.address(), nonce: U256::from(nonce), terms };
        let rules = self.ask(chain, Contract::JobManager, &IJobManager::parametersOfCall { token });
        let ordered = Ordered {
            job: Job::of(&order, JobParameters::unpack(rules).unwrap()),
            id: self.genesis.deployment.job_domain().job_id(&order).into(),
            seats: self.genesis.seats[1..].to_vec(),
            coordinator: self.genesis.seats[0],
        };
        let terms = contracts::JobTerms::from(&order.terms);
        let (nonce, specification) = (order.nonce, String::new());
        let call = IJobManager::createCall { nonce, terms, specificationUri: specification };
        (ordered, self.signed(chain, &self.client, Contract::JobManager, &call))
    }

    pub(crate) fn assign(&self, chain: &Chain, ordered: &Ordered) -> Arc<Signed> {
        let call = IJobManager::assignCall {
            id: ordered.id,
            job: ordered.job.to_contract().unwrap(),
            coordinator: ordered.coordinator.node.get(),
            nodes: ordered.seats.iter().map(|seat| seat.pack()).collect(),
        };
        self.signed(chain, &self.coordinator, Contract::JobManager, &call)
    }

    /// Two of three workers attest.
    pub(crate) fn propose(&self, chain: &Chain, ordered: &Ordered, at: u64) -> Arc<Signed> {
        let claim = ReceiptClaim {
            job: ordered.id.into(),
            attempt: Attempt::new(1),
            output_root: OUTPUT,
            cost: COST,
        };
        let digest = self.genesis.deployment.job_domain().claim_digest(&claim);
        let signature = |key: &PrivateKeySigner| key.sign_hash_sync(&digest).unwrap().as_bytes();
        let signatures: Vec<u8> = self.workers[..2].iter().flat_map(signature).collect();
        let call = IJobManager::proposeCall {
            id: ordered.id,
            job: ordered.job.to_contract().unwrap(),
            assignment: (&ordered.assignment(at)).into(),
            receipt: contracts::Receipt::of(OUTPUT, COST, 0b011, Bytes::from(signatures)),
        };
        self.signed(chain, &self.coordinator, Contract::JobManager, &call)
    }

    pub(crate) fn settle_call(ordered: &Ordered, at: u64) -> IJobManager::settleCall {
        IJobManager::settleCall {
            id: ordered.id,
            job: ordered.job.to_contract().unwrap(),
            assignment: (&ordered.assignment(at)).into(),
            proposal: contracts::Proposal::of(OUTPUT, COST, 0b011),
        }
    }

    pub(crate) fn settle(&self, chain: &Chain, ordered: &Ordered, at: u64) -> Arc<Signed> {
        let call = Self::settle_call(ordered, at);
        self.signed(chain, &key_of("settler"), Contract::JobManager, &call)
    }

    /// What a settler earned so far.
    pub(crate) fn earned(&self, chain: &Chain) -> u128 {
        let token = self.genesis.deployment.address(Contract::TallyToken);
        let call = IJobManager::accountOfCall { owner: key_of("settler").address(), token };
        self.ask(chain, Contract::JobManager, &call).balance
    }
}

impl Ordered {
    fn assignment(&self, at: u64) -> Assignment {
        Assignment {
            started_at: ChainTime::new(at).unwrap(),
            coordinator: self.coordinator,
            nodes: self.seats.clone(),
        }
    }
}

/// Mines so many transactions that wait; all must take effect.
pub(crate) fn mined(chain: &mut Chain, now: u64, waiting: usize) -> Arc<Block> {
    let block = chain.mine(now, &Choice::ALL);
    assert_eq!(block.transactions.len(), waiting);
    for mined in &block.transactions {
        assert!(mined.outcome.is_done(), "{:?}", mined.outcome);
    }
    block
}
