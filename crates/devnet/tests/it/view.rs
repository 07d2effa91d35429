//! What events say is what the contracts answer, and the calls made from it are accepted.

use alloy::providers::{Provider, ProviderBuilder};
use alloy::rpc::types::{Filter, Log};
use alloy::signers::SignerSync;
use alloy_primitives::{Address, Bytes};
use alloy_sol_types::SolCall;
use tallystick_abi::Contract;
use tallystick_abi::contracts::{
    self, IJobManager, INetworkProfile, INodeRegistry, ISlashingManager, IStakingManager,
};
use tallystick_chain::view::{
    Block, CallError, EventContext, HouseContracts, HouseEvent, HouseView, JobView, LayeredView,
    NodeStatus, Outcome, SignedClaim,
};
use tallystick_types::{
    Amount, Attempt, Attestation, EvmSignature, JobId, JobOrder, JobPrice, JobState, OutputRoot,
    ReceiptClaim, Verification,
};

use crate::house::{COORDINATOR, House, Node, TLY, WORKER};
use crate::job::stored;

const STAKE: u128 = 5_000 * TLY;
const COST: Amount = Amount::new(8 * TLY + 3);
const OUTPUT: OutputRoot = OutputRoot::new([0x77; 32]);
const OTHER_OUTPUT: OutputRoot = OutputRoot::new([0x78; 32]);

/// A house with people and machines, and what its events said so far.
struct Watched {
    house: House,
    contracts: HouseContracts,
    layered: LayeredView,
    next_block: u64,
    coordinator: Node,
    workers: Vec<Node>,
    client: Address,
}

impl Watched {
    async fn build() -> Self {
        let mut house = House::build().await;
        let contracts = HouseContracts::of(&house.deployment);
        let next_block = house.deployment.block;
        let coordinator = house.register("coordinator", COORDINATOR).await;
        house.bond(&coordinator, STAKE).await;
        let mut workers = Vec::new();
        for name in ["first", "second", "third"] {
            let node = house.register(name, WORKER).await;
            house.bond(&node, STAKE).await;
            workers.push(node);
        }
        let client = house.chain.actor("client").await.unwrap().address();
        house.give(client, 1_000 * TLY).await;
        house.approve(client, Contract::PaymentManager, 1_000 * TLY).await;
        let layered = LayeredView::default();
        Self { house, contracts, layered, next_block, coordinator, workers, client }
    }

    fn view(&self) -> &HouseView {
        self.layered.latest()
    }

    fn job(&self, id: JobId) -> &JobView {
        self.view().job(id).unwrap()
    }

    /// Reads and folds what happened since, and compares all of it with the chain.
    async fn follow(&mut self) {
        self.fold().await;
        self.compare_jobs().await;
        self.compare_meters().await;
        self.compare_nodes().await;
    }

    async fn fold(&mut self) {
        let provider = ProviderBuilder::new().connect_http(self.house.url().parse().unwrap());
        let last = provider.get_block_number().await.unwrap();
        let addresses: Vec<Address> = self.contracts.addresses().collect();
        let filter = Filter::new().address(addresses).from_block(self.next_block).to_block(last);
        for log in provider.get_logs(&filter).await.unwrap() {
            let at = self.context(&log).await;
            let (topics, data) = (log.topics(), &log.data().data);
            let event = HouseEvent::decode(&self.contracts, log.address(), topics, data).unwrap();
            self.layered.observe(at, event).unwrap();
        }
        self.next_block = last + 1;
    }

    async fn context(&self, log: &Log) -> EventContext {
        let (number, hash) = (log.block_number.unwrap(), log.block_hash.unwrap().into());
        let time = self.house.chain.time(Some(number)).await.unwrap();
        let (tx, log_index) = (log.transaction_hash.unwrap(), log.log_index.unwrap());
        EventContext { block: Block { number, hash, time }, tx, log_index }
    }

    /// Every job against its stored word and its status.
    async fn compare_jobs(&self) {
        for job in self.view().jobs() {
            let word = stored(&self.house, job.id).await;
            let told = (job.state, job.attempt, job.deadline, job.seized, job.id.sequence());
            let held = (word.state, word.attempt, word.deadline, word.seized, word.sequence);
            assert_eq!(told, held);
            match job.commitment() {
                Some(hash) => assert!(word.commits_to(hash), "{job:?}"),
                // Settled at once by nodes 0 and 1, as this test does.
                None => assert!(word.commits_to(job.attested_by(0b11).commitment().unwrap())),
            }
            let lock = IJobManager::lockOfCall { job: job.job().to_contract().unwrap() };
            assert_eq!(Some(Amount::new(self.ask(Contract::JobManager, lock).await)), job.lock());
        }
    }

    /// Every meter against the contract's.
    async fn compare_meters(&self) {
        for job in self.view().jobs() {
            let call = IJobManager::meterOfCall { id: job.id.into() };
            let (held, told) = (self.ask(Contract::JobManager, call).await, job.meter);
            let stopped_at = told.stopped_at.unwrap_or_default();
            assert_eq!(told.topped_up.get(), held.toppedUp);
            assert_eq!(told.last_beat.get(), held.lastBeat.to::<u64>());
            assert_eq!(stopped_at.get(), held.stoppedAt.to::<u64>());
        }
    }

    /// Every node against the registry and its pool, and the rules against the profile.
    async fn compare_nodes(&self) {
        for node in self.view().nodes() {
            let id = node.id.get();
            let call = INodeRegistry::nodeOfCall { node: id };
            let held = self.ask(Contract::NodeRegistry, call).await;
            let (profile, status) = (&node.profile, held.status);
            assert_eq!((node.operator, node.signer), (held.operator, held.signer));
            assert_eq!((node.vetted, node.frozen), (held.vetted, held.frozen));
            assert_eq!((profile.roles, profile.region), (held.roles, held.region));
            assert_eq!(profile.identity_key, held.identityKey.into());
            assert_eq!(
                (&profile.peer_id, &profile.metadata_uri),
                (&held.peerId, &held.metadataUri)
            );
            assert_eq!(node.status as u8 + 1, u8::from(status), "node {id}");
            assert_eq!(self.view().node_of_signer(held.signer), Some(node.id));

            let pool = self.ask(Contract::StakingManager, IStakingManager::poolOfCall { node: id });
            let (pool, told) = (pool.await, node.stake);
            let told = [told.active, told.thawing, told.locked].map(Amount::get);
            assert_eq!(told, [pool.stake, pool.thawing, pool.locked], "node {id}");
        }
        let count = self.ask(Contract::NodeRegistry, INodeRegistry::nodeCountCall {}).await;
        assert_eq!(self.view().nodes().count(), usize::try_from(count).unwrap());

        let network = self.view().network();
        let tokens = self.ask(Contract::NetworkProfile, INetworkProfile::tokensCall {}).await;
        let mut sorted = tokens.clone();
        sorted.sort_unstable();
        assert_eq!(network.tokens.keys().copied().collect::<Vec<_>>(), sorted);
        for token in tokens {
            let call = IJobManager::parametersOfCall { token };
            let word = self.ask(Contract::JobManager, call).await;
            let told = network.parameters_of(token).map(|parameters| parameters.pack().unwrap());
            assert_eq!(told, Some(word));
        }
        let version = INetworkProfile::currentVersionCall {};
        let version = self.ask(Contract::NetworkProfile, version).await.to::<u32>();
        assert_eq!(network.parameters.unwrap().version.get(), version);
    }

    async fn ask<C: SolCall>(&self, contract: Contract, call: C) -> C::Return {
        self.house.chain.call(self.house.at(contract), call).await.unwrap()
    }

    async fn send(&mut self, from: Address, contract: Contract, call: Bytes) {
        let to = self.house.at(contract);
        self.house.chain.send_encoded(from, to, call).await.unwrap();
        self.follow().await;
    }

    /// Sends a call to the job manager.
    async fn act(&mut self, from: Address, call: Bytes) {
        self.send(from, Contract::JobManager, call).await;
    }

    async fn pass(&self, seconds: u64) {
        self.house.chain.pass(seconds).await.unwrap();
    }

    /// Creates a job; the view knows it afterwards.
    async fn create(&mut self, order: JobOrder) -> JobId {
        let terms = contracts::JobTerms::from(&order.terms);
        let specification_uri = format!("https://client.example/{}", order.nonce);
        let call = IJobManager::createCall {
            nonce: order.nonce,
            terms,
            specificationUri: specification_uri.clone(),
        };
        self.act(order.client, call.abi_encode().into()).await;
        let id = self.house.deployment.job_domain().job_id(&order);
        let job = self.job(id);
        assert_eq!((job.state, job.order), (JobState::Open, order));
        assert_eq!(job.specification_uri, Some(specification_uri));
        id
    }

    async fn assign(&mut self, id: JobId, workers: &[usize]) {
        let seats: Vec<_> = workers.iter().map(|place| self.workers[*place].seat).collect();
        let node = self.coordinator.seat.node;
        let call = self.job(id).assign_call(node, &seats).unwrap();
        self.act(self.coordinator.seat.signer, call).await;
        let job = self.job(id);
        assert_eq!(job.state, JobState::Assigned);
        let anchor = job.anchor(&self.house.deployment.job_domain()).unwrap();
        assert_eq!(anchor.block_time, job.assignment.as_ref().unwrap().started_at);
    }

    fn signed(
        &self,
        id: JobId,
        worker: usize,
        output_root: OutputRoot,
        cost: Amount,
    ) -> EvmSignature {
        let claim = ReceiptClaim { job: id, attempt: self.job(id).attempt, output_root, cost };
        let digest = self.house.deployment.job_domain().claim_digest(&claim);
        let signature = self.workers[worker].signer.sign_hash_sync(&digest).unwrap();
        EvmSignature::new(signature.as_bytes())
    }

    async fn propose(&mut self, id: JobId, workers: &[usize], cost: Amount) {
        let attestations: Vec<Attestation> = workers
            .iter()
            .map(|place| {
                let seat = self.workers[*place].seat;
                let signature = self.signed(id, *place, OUTPUT, cost);
                Attestation { node: seat.node, signer: seat.signer, signature }
            })
            .collect();
        let call = self.job(id).propose_call(OUTPUT, cost, &attestations).unwrap();
        self.act(self.coordinator.seat.signer, call).await;
    }

    async fn order(&self, nonce: u64) -> JobOrder {
        self.house.order(self.client, nonce).await
    }
}

async fn a_job_is_paid(watched: &mut Watched) {
    let order = watched.order(1).await;
    let id = watched.create(order).await;
    watched.assign(id, &[0, 1]).await;
    let call = watched.job(id).enlist_call(&[watched.workers[2].seat]).unwrap();
    let holder = watched.coordinator.seat.signer;
    watched.act(holder, call).await;
    assert_eq!(watched.job(id).index_of(watched.workers[2].seat), Some(2));
    let call = watched.job(id).heartbeat_call().unwrap();
    watched.act(holder, call).await;
    // In another order than they sit.
    watched.propose(id, &[2, 0], COST).await;
    let job = watched.job(id);
    assert_eq!((job.state, job.proposal.unwrap().signers), (JobState::Proposed, 0b101));
    watched.pass(job.parameters.challenge_window.get()).await;
    let settler = watched.house.chain.actor("settler").await.unwrap().address();
    let call = watched.job(id).settle_call().unwrap();
    watched.act(settler, call).await;
    let expected = Outcome::Settled { output_root: OUTPUT, paid: COST, settler };
    assert_eq!(watched.job(id).outcome, Some(expected));
}

async fn a_challenge_that_nobody_decides_ends_in_payment(watched: &mut Watched) {
    let order = watched.order(2).await;
    let id = watched.create(order).await;
    watched.assign(id, &[0, 1, 2]).await;
    watched.propose(id, &[0, 1], COST).await;
    let call = watched.job(id).challenge_call().unwrap();
    watched.act(watched.client, call).await;
    let job = watched.job(id);
    assert_eq!((job.state, job.challenger), (JobState::Challenged, Some(watched.client)));
    watched.pass(job.parameters.verdict_window.get()).await;
    let call = watched.job(id).advance_call().unwrap();
    watched.act(watched.client, call).await;
    assert_eq!(watched.job(id).state, JobState::Settled);
}

async fn a_quorum_settles_at_once(watched: &mut Watched) {
    let mut order = watched.order(3).await;
    order.terms.rules.verification = Verification::Attested;
    let id = watched.create(order).await;
    watched.assign(id, &[0, 1, 2]).await;
    watched.propose(id, &[0, 1], COST).await;
    let job = watched.job(id);
    assert_eq!((job.state, job.commitment()), (JobState::Settled, None));
}

/// Running time is paid to the last second that the coordinator vouched for, and no further.
async fn a_job_by_time_is_paid_for_its_time(watched: &mut Watched) {
    let (mut order, rate) = (watched.order(9).await, Amount::new(TLY / 10));
    let price = order.terms.price;
    order.terms.price = JobPrice::new(price.max_price(), rate, price.tip()).unwrap();
    let id = watched.create(order).await;
    watched.assign(id, &[0, 1, 2]).await;
    watched.pass(40).await;
    let call = watched.job(id).heartbeat_call().unwrap();
    watched.act(watched.coordinator.seat.signer, call).await;
    let view = watched.job(id);
    let job = view.job().to_contract().unwrap();
    let assignment = contracts::Assignment::from(view.assignment.as_ref().unwrap());
    let (id_word, amount) = (id.into(), TLY);
    let top_up = IJobManager::topUpCall { id: id_word, job: job.clone(), assignment, amount };
    let assignment = top_up.assignment.clone();
    watched.act(watched.client, top_up.abi_encode().into()).await;
    let stop = IJobManager::stopCall { id: id_word, job, assignment };
    watched.act(watched.client, stop.abi_encode().into()).await;

    let limit = watched.job(id).cost_limit();
    assert!(limit.get() >= 40 * rate.get() && limit < price.max_price());
    let above = limit.checked_add(Amount::new(1)).unwrap();
    let refused = watched.job(id).propose_call(OUTPUT, above, &[]);
    assert_eq!(refused, Err(CallError::ExcessiveCost { job: id, cost: above, most: limit }));
    watched.propose(id, &[0, 1], limit).await;
    watched.pass(watched.job(id).parameters.challenge_window.get()).await;
    let call = watched.job(id).settle_call().unwrap();
    watched.act(watched.client, call).await;
    let (output_root, settler) = (OUTPUT, watched.client);
    let expected = Outcome::Settled { output_root, paid: limit, settler };
    assert_eq!(watched.job(id).outcome, Some(expected));
}

async fn jobs_without_takers_are_refunded(watched: &mut Watched) {
    let client = watched.client;
    let order = watched.order(4).await;
    let id = watched.create(order).await;
    watched.pass(600).await;
    let call = watched.job(id).advance_call().unwrap();
    watched.act(watched.coordinator.operator, call).await;
    let returned = order.terms.price.max_price();
    let refunded = Outcome::Refunded { returned, unpaid: None };
    assert_eq!(watched.job(id).outcome, Some(refunded));

    let order = watched.order(5).await;
    let id = watched.create(order).await;
    let call = watched.job(id).cancel_call().unwrap();
    watched.act(client, call).await;
    assert_eq!(watched.job(id).state, JobState::Refunded);

    let order = watched.order(6).await;
    let terms = contracts::JobTerms::from(&order.terms);
    let void = IJobManager::voidOrderCall { nonce: order.nonce, terms };
    watched.act(client, void.abi_encode().into()).await;
    let id = watched.house.deployment.job_domain().job_id(&order);
    assert!(watched.view().is_voided(id) && watched.view().job(id).is_none());
    assert_eq!(stored(&watched.house, id).await.state, JobState::Refunded);
}

/// A worker with thawing stake signs two results; the coordinator lets the lease run out.
async fn liars_and_sleepers_lose_stake(watched: &mut Watched) {
    let liar = watched.workers[1].seat;
    let unstake = IStakingManager::requestUnstakeCall {
        node: liar.node.get(),
        shares: STAKE / 3 * 1_000 + 7,
    };
    let operator = watched.workers[1].operator;
    watched.send(operator, Contract::StakingManager, unstake.abi_encode().into()).await;

    let order = watched.order(7).await;
    let id = watched.create(order).await;
    let holder = watched.coordinator.seat.signer;
    watched.assign(id, &[0, 1]).await;
    let call = watched.job(id).release_call().unwrap();
    watched.act(holder, call).await;
    assert_eq!(watched.job(id).state, JobState::Open);
    watched.assign(id, &[0, 1, 2]).await;
    assert_eq!(watched.job(id).attempt, Attempt::new(2));

    let claim = |output_root| SignedClaim {
        output_root,
        cost: COST,
        signature: watched.signed(id, 1, output_root, COST),
    };
    let (one, other) = (claim(OUTPUT), claim(OTHER_OUTPUT));
    let call = watched.job(id).report_call(liar, &one, &other).unwrap();
    watched.send(watched.client, Contract::SlashingManager, call).await;
    assert_eq!(watched.job(id).seized, 0b10);
    let node = watched.view().node(liar.node).unwrap();
    assert_eq!(
        (node.status, node.convictions, node.stake.locked),
        (NodeStatus::Jailed, 1, Amount::ZERO)
    );
    let lock = watched.job(id).lock().unwrap();
    let left = node.stake.active.checked_add(node.stake.thawing).unwrap();
    assert_eq!(left.checked_add(lock), Some(Amount::new(STAKE)));
    assert!(node.stake.thawing > Amount::ZERO);

    watched.pass(watched.job(id).parameters.lease.get()).await;
    let call = watched.job(id).advance_call().unwrap();
    watched.act(watched.client, call).await;
    assert_eq!(watched.job(id).state, JobState::Open);
    let coordinator = watched.view().node(watched.coordinator.seat.node).unwrap();
    assert!(coordinator.stake.active < Amount::new(STAKE));
}

/// The committee overturns a challenged result.
async fn a_ruling_convicts(watched: &mut Watched) {
    let order = watched.order(8).await;
    let id = watched.create(order).await;
    watched.assign(id, &[0, 2]).await;
    watched.propose(id, &[0, 2], COST).await;
    let call = watched.job(id).challenge_call().unwrap();
    watched.act(watched.client, call).await;
    let job = watched.job(id);
    let ruling = ISlashingManager::Ruling {
        id: id.into(),
        job: job.job().to_contract().unwrap(),
        assignment: job.assignment.as_ref().unwrap().into(),
        proposal: job.proposal.unwrap().to_contract(),
        challenger: watched.client,
        upheld: false,
        liars: 0b10,
    };
    let committee = watched.house.deployer;
    let call = ISlashingManager::proposeRulingCall { ruling: ruling.clone() };
    watched.send(committee, Contract::SlashingManager, call.abi_encode().into()).await;
    watched.pass(10).await;
    let call = ISlashingManager::executeRulingCall { ruling };
    watched.send(committee, Contract::SlashingManager, call.abi_encode().into()).await;
    assert_eq!(watched.job(id).state, JobState::Open);
    let liar = watched.view().node(watched.workers[2].seat.node).unwrap();
    assert_eq!((liar.status, liar.convictions), (NodeStatus::Jailed, 1));
}

/// What is read again behind a rollback is what was read before.
async fn a_rollback_is_read_again(watched: &mut Watched) {
    let before = watched.view().clone();
    let last = before.last_block().unwrap().number;
    watched.layered.finalise(last - 20);
    watched.layered.roll_back(last - 10).unwrap();
    assert_ne!(watched.view(), &before);
    watched.next_block = last - 9;
    watched.follow().await;
    assert_eq!(watched.view(), &before);
    watched.layered.finalise(last);
    assert_eq!(watched.layered.final_(), &before);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_say_what_the_contracts_answer_and_their_calls_are_accepted() {
    let mut watched = Watched::build().await;
    watched.follow().await;
    assert_eq!(watched.view().nodes().count(), 4);
    a_job_is_paid(&mut watched).await;
    a_challenge_that_nobody_decides_ends_in_payment(&mut watched).await;
    a_quorum_settles_at_once(&mut watched).await;
    a_job_by_time_is_paid_for_its_time(&mut watched).await;
    jobs_without_takers_are_refunded(&mut watched).await;
    liars_and_sleepers_lose_stake(&mut watched).await;
    a_ruling_convicts(&mut watched).await;
    a_rollback_is_read_again(&mut watched).await;
}
