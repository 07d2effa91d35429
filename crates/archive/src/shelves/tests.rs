//! Receipts that nodes signed, and others.

use std::fs;

use alloy_primitives::{B256, U256};
use ed25519_dalek::SigningKey;
use tallystick_chain::keys::{EvmSigner, LocalKey};
use tallystick_chain::view::{Block, EventContext, HouseEvent, JobEvent, Proposal};
use tallystick_ports::MemoryStore;
use tallystick_types::*;

use super::*;

const CLIENT: Address = Address::repeat_byte(0xc1);

/// Two nodes without registration, and what the chain says of their jobs.
pub(crate) struct Scene {
    view: HouseView,
    block: u64,
    nodes: [LocalKey; 2],
    identity: SigningKey,
}

pub(crate) fn domain() -> JobDomain {
    JobDomain { chain: ChainId::new(31_337), job_manager: Address::repeat_byte(0x99) }
}

fn time(seconds: u64) -> ChainTime {
    ChainTime::new(1_750_000_000 + seconds).unwrap()
}

fn seat(key: &LocalKey) -> Seat {
    Seat { node: NodeId::UNREGISTERED, signer: key.address() }
}

pub(crate) fn root() -> OutputRoot {
    OutputRoot::new([6; 32])
}

impl Scene {
    pub(crate) fn new() -> Self {
        let nodes = [LocalKey::random(), LocalKey::random()];
        let identity = SigningKey::from_bytes(&[42; 32]);
        Self { view: HouseView::default(), block: 0, nodes, identity }
    }

    fn tell(&mut self, id: u8, event: JobEvent) {
        self.block += 1;
        let block = Block { number: self.block, hash: BlockHash::new([9; 32]), time: time(0) };
        let at = EventContext { block, tx: B256::ZERO, log_index: 0 };
        self.view.apply(&at, &HouseEvent::Job(JobId::new([id; 32]), event)).unwrap();
    }

    fn job(&mut self, id: u8, result: Option<OutputRoot>) {
        for event in self.told(result) {
            self.tell(id, event);
        }
    }

    /// What the chain says of a job that both nodes work on, with its result where one is given.
    pub(crate) fn told(&self, result: Option<OutputRoot>) -> Vec<JobEvent> {
        let parameters = JobParameters {
            version: 3.try_into().unwrap(),
            coordinator_share: Ppm::new(50_000).unwrap(),
            secondaries_share: Ppm::new(150_000).unwrap(),
            protocol_share: Ppm::new(20_000).unwrap(),
            challenge_bond_share: Ppm::new(100_000).unwrap(),
            lock_ratio: Ratio::new(1_500_000),
            lock_shift: 0,
            challenge_window: Seconds::new(60),
            verdict_window: Seconds::new(600),
            lease: Seconds::new(120),
            max_job: Seconds::new(86_400),
            max_attempts: 3,
            halted: false,
        };
        let rules = JobRules {
            funding: Funding::Balance,
            verification: Verification::Deterministic,
            trust: Trust::Any,
            replicas: 2,
            quorum: 2,
            assign_by: time(100),
            complete_by: time(3_600),
            service_level: ServiceLevel::new(0),
            parameters_version: 3.try_into().unwrap(),
        };
        let price = JobPrice::new(Amount::new(1_000), Amount::ZERO, Amount::ZERO).unwrap();
        let specification = SpecificationDigest::new([3; 32]);
        let terms = JobTerms { specification, token: Address::ZERO, price, rules };
        let order = JobOrder { client: CLIENT, nonce: U256::ZERO, terms };
        let nodes = self.nodes.iter().map(seat).collect();
        let coordinator = Seat { node: NodeId::new(1), signer: Address::repeat_byte(1) };
        let attempt = Attempt::new(1);
        let deadline = time(200);
        let mut events = vec![
            JobEvent::Created { order, parameters },
            JobEvent::Assigned { attempt, coordinator, nodes, deadline },
        ];
        events.extend(result.map(|output_root| {
            let proposal = Proposal { output_root, price: Amount::new(800), signers: 0b11 };
            JobEvent::Proposed { attempt, proposal, deadline }
        }));
        events
    }

    fn receipt(&self, id: u8, output_root: OutputRoot) -> Receipt {
        let claim = ReceiptClaim {
            job: JobId::new([id; 32]),
            attempt: Attempt::new(1),
            output_root,
            cost: Amount::new(800),
        };
        Receipt {
            version: ReceiptVersion::One,
            job: claim.job,
            attempt: claim.attempt,
            specification: SpecificationDigest::new([3; 32]),
            program: ProgramDigest::new([4; 32]),
            engine: EngineProfile::new("wasm-48/nan-canonical").unwrap(),
            input: InputDigest::new([5; 32]),
            output_root,
            output: OutputDigest::new([8; 32]),
            slices: SliceRange { first: 0, count: 9 },
            usage: Usage::default(),
            cost: claim.cost,
            primary: seat(&self.nodes[0]),
            attestations: self.attest(&claim, &self.nodes),
            issued_at: WallTime::new(u64::from(id) * DAY),
            anchor: ChainAnchor {
                chain: domain().chain,
                contract: domain().job_manager,
                block: 2,
                block_hash: BlockHash::new([9; 32]),
                block_time: time(0),
            },
        }
    }

    fn attest(&self, claim: &ReceiptClaim, nodes: &[LocalKey]) -> Attestations {
        let digest = domain().claim_digest(claim);
        let attest = |key: &LocalKey| Attestation {
            node: NodeId::UNREGISTERED,
            signer: key.address(),
            signature: key.sign_digest(digest).unwrap(),
        };
        Attestations::new(nodes.iter().map(attest).collect()).unwrap()
    }

    pub(crate) fn signed(&self, id: u8) -> SignedReceipt {
        self.signed_over(id, root())
    }

    pub(crate) fn signed_over(&self, id: u8, output_root: OutputRoot) -> SignedReceipt {
        self.receipt(id, output_root).sign(&self.identity)
    }
}

fn open(store: &MemoryStore, folder: &Path) -> Archive {
    Archive::open(Arc::new(store.clone()), folder, domain()).unwrap()
}

#[test]
fn a_receipt_is_kept_once_and_found_by_everything_also_after_a_restart() {
    let (store, folder, mut scene) =
        (MemoryStore::default(), tempfile::tempdir().unwrap(), Scene::new());
    let archive = open(&store, folder.path());
    for id in 1..=3 {
        scene.job(id, Some(root()));
        let kept = archive.accept(&scene.view, &scene.signed(id)).unwrap();
        assert_eq!(kept, Kept::New(Number(u64::from(id))));
    }
    assert_eq!(archive.accept(&scene.view, &scene.signed(2)).unwrap(), Kept::Known);
    drop(archive);

    let archive = open(&store, folder.path());
    let second = scene.signed(2);
    assert_eq!(archive.count(), 3);
    assert_eq!(archive.by_digest(second.receipt.digest()).unwrap(), Some(second.clone()));
    assert_eq!(archive.of_job(second.receipt.job).unwrap(), std::slice::from_ref(&second));
    let has =
        |job, attempt, output_root| archive.has(job, Attempt::new(attempt), output_root).unwrap();
    assert!(has(second.receipt.job, 1, root()));
    assert!(!has(JobId::new([9; 32]), 1, root()));
    assert!(!has(second.receipt.job, 2, root()));
    assert!(!has(second.receipt.job, 1, OutputRoot::new([7; 32])));
    let numbers = |found: Vec<(Number, SignedReceipt)>| -> Vec<u64> {
        found.into_iter().map(|(number, _)| number.0).collect()
    };
    assert_eq!(numbers(archive.page(Number(1), 1).unwrap()), [2]);
    assert_eq!(numbers(archive.page(Number(0), 9).unwrap()), [1, 2, 3]);
    assert_eq!(numbers(archive.of_client(CLIENT, Number(1), 9).unwrap()), [2, 3]);
    assert_eq!(numbers(archive.of_client(Address::ZERO, Number(0), 9).unwrap()), [] as [u64; 0]);
    assert_eq!(numbers(archive.of_day(WallTime::new(3 * DAY + 5), Number(0), 9).unwrap()), [3]);
    let path = folder.path().join(format!("{}.json", second.receipt.job));
    let file: SignedReceipt = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert_eq!(file, second);
}

#[test]
fn a_file_that_could_not_be_written_is_written_at_the_next_start() {
    let (store, folder, mut scene) =
        (MemoryStore::default(), tempfile::tempdir().unwrap(), Scene::new());
    let archive = open(&store, folder.path());
    scene.job(1, Some(root()));
    let signed = scene.signed(1);
    let path = folder.path().join(format!("{}.json", signed.receipt.job));
    fs::create_dir(&path).unwrap();
    assert!(matches!(archive.accept(&scene.view, &signed), Err(ArchiveError::File { .. })));
    fs::remove_dir(&path).unwrap();
    let archive = open(&store, folder.path());
    assert!(path.is_file());
    assert_eq!(archive.accept(&scene.view, &signed).unwrap(), Kept::Known);
}

#[test]
fn a_full_disk_keeps_nothing_and_uses_no_number() {
    let (store, folder, mut scene) =
        (MemoryStore::default(), tempfile::tempdir().unwrap(), Scene::new());
    let archive = open(&store, folder.path());
    scene.job(1, Some(root()));
    store.fail_after(0);
    let full = archive.accept(&scene.view, &scene.signed(1));
    assert!(matches!(full, Err(ArchiveError::Store(StoreError::NoSpace(_)))));
    store.mend();
    let kept = archive.accept(&scene.view, &scene.signed(1)).unwrap();
    assert_eq!(kept, Kept::New(Number(1)));
}

#[test]
fn what_is_forged_or_not_of_the_chain_is_refused() {
    let (store, folder, mut scene) =
        (MemoryStore::default(), tempfile::tempdir().unwrap(), Scene::new());
    let archive = open(&store, folder.path());
    scene.job(1, Some(root()));
    scene.job(2, None);
    scene.job(3, Some(OutputRoot::new([0xbb; 32])));
    let refused = |signed: &SignedReceipt| match archive.accept(&scene.view, signed) {
        Err(ArchiveError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    let mut changed = scene.signed(1);
    changed.receipt.usage.bytes_out += 1;
    assert!(matches!(refused(&changed), Refusal::Receipt(ReceiptError::BadSignature { .. })));

    let signed = |change: &dyn Fn(&mut Receipt)| {
        let mut receipt = scene.receipt(1, root());
        change(&mut receipt);
        receipt.sign(&scene.identity)
    };
    let cheaper = signed(&|it| it.cost = Amount::new(1));
    assert!(matches!(refused(&cheaper), Refusal::Attestation(_)));
    let elsewhere = signed(&|it| it.anchor.chain = ChainId::new(1));
    assert!(matches!(refused(&elsewhere), Refusal::OtherNetwork { .. }));
    let other = signed(&|it| it.specification = SpecificationDigest::new([0; 32]));
    assert!(matches!(refused(&other), Refusal::OtherSpecification { .. }));
    let alone = signed(&|it| it.attestations = scene.attest(&it.claim(), &scene.nodes[..1]));
    assert!(matches!(refused(&alone), Refusal::NoQuorum { given: 1, needed: 2, .. }));
    let strangers = [scene.nodes[0].clone(), LocalKey::random()];
    let stranger = signed(&|it| it.attestations = scene.attest(&it.claim(), &strangers));
    assert!(matches!(refused(&stranger), Refusal::NotAssigned { .. }));
    let late = signed(&|it| {
        it.attempt = Attempt::new(2);
        it.attestations = scene.attest(&it.claim(), &scene.nodes);
    });
    assert!(matches!(refused(&late), Refusal::OtherAttempt { .. }));
    assert!(matches!(refused(&scene.signed(2)), Refusal::NoResult { .. }));
    assert!(matches!(refused(&scene.signed(3)), Refusal::OtherOutput { .. }));
    assert!(matches!(refused(&scene.signed(4)), Refusal::NoResult { .. }));
    assert_eq!(archive.count(), 0);
}
