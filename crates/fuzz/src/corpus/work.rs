//! Orders, receipts and what coordinators keep, with real signatures.

use alloy_primitives::{Address, B256, U256};
use ed25519_dalek::Signer as _;
use k256::ecdsa::SigningKey;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tallystick_abi::JobDomain;
use tallystick_chain::keys::protection::{
    Exchange, ExchangedMark, ExchangedSignature, Kind, Role, Slot,
};
use tallystick_coordinator::machine::{Input, Machine};
use tallystick_journal::{
    DeadLetter, JobRecord, JobStatus, Network, PairingClaimed, PairingId, ReceiptRecord, Stored,
    TrustPairing,
};
use tallystick_protocol::claim::{SignedOpening, TaskProof};
use tallystick_protocol::commitment::{Opening, Pledge, TaskAssignment, job_output_root};
use tallystick_protocol::ledger::{Limits, Queueing, Settings};
use tallystick_protocol::output::TaskOutput;
use tallystick_protocol::specification::{self, InputBlob, Specification, Work};
use tallystick_protocol::split::Splitter;
use tallystick_scheduler::SchedulingParameters;
use tallystick_types::{
    Amount, Attempt, Attestation, Attestations, BeaconRound, BlockHash, Canonical, ChainAnchor,
    ChainId, ChainTime, EngineProfile, EvmSignature, Funding, IdentityKey, IdentitySignature,
    InputDigest, JobId, JobOrder, JobParameters, JobPrice, JobRules, JobTerms, NodeId,
    OutputDigest, OutputRoot, ParametersVersion, Policy, Ppm, Privacy, ProgramDigest, Ratio,
    Receipt, ReceiptVersion, Salt, Seat, Seconds, ServiceLevel, SignedReceipt, SliceRange,
    TaskAttempt, TaskIndex, Trust, Usage, Verification, WallTime,
};

use super::{Seed, of_kind};

const DOMAIN: JobDomain =
    JobDomain { chain: ChainId::new(31_337), job_manager: Address::repeat_byte(7) };

const JOB: JobId = JobId::new([1; 32]);

/// The key of node 5.
fn key() -> SigningKey {
    SigningKey::from_bytes(&[5; 32].into()).expect("any small number is a key")
}

fn identity() -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[6; 32])
}

fn seat() -> Seat {
    Seat { node: NodeId::new(5), signer: Address::from_private_key(&key()) }
}

fn moment(seconds: u64) -> ChainTime {
    ChainTime::new(seconds).expect("it is a moment of this century")
}

/// Specifications with every kind of input.
pub(super) fn specification() -> Vec<Seed> {
    let digest = InputDigest::new([2; 32]);
    let blob = |splitter| specification::Input::Blob { digest, size: 60, splitter };
    let blobs = vec![InputBlob { digest, size: 3 }, InputBlob { digest, size: 1 }];
    [
        ("lines", blob(Splitter::Lines { per_slice: 1 })),
        ("bytes", blob(Splitter::Bytes { per_slice: 7 })),
        ("records", blob(Splitter::Records { length: 6, per_slice: 2 })),
        ("blobs", specification::Input::Blobs(blobs)),
        ("tiles", specification::Input::Tiles { width: 64, height: 48, across: 16, down: 9 }),
        // Sixteen million tiles of one pixel in a few hundred bytes.
        ("pixels", specification::Input::Tiles { width: 4_096, height: 4_096, across: 1, down: 1 }),
    ]
    .map(|(name, input)| (name.to_owned(), specified(input).to_bytes()))
    .to_vec()
}

fn specified(input: specification::Input) -> Specification {
    Specification {
        version: Specification::VERSION,
        work: Work::Wasm {
            program: ProgramDigest::new([3; 32]),
            arguments: vec!["--deep".to_owned()],
            environment: vec![("LANG".to_owned(), "C".to_owned())],
            units: 1_000_000,
            memory_bytes: 1 << 24,
            output_bytes: 1 << 20,
        },
        engine: EngineProfile::new("tallystick.wasm.1").expect("it is printable"),
        input,
        slices_per_task: 2,
        work_units_per_slice: 10,
        policy: Policy::Auto,
        privacy: Privacy::Public,
        queueing: Queueing::Queue,
        limits: Limits::for_tasks(),
    }
}

fn order() -> JobOrder {
    let price = JobPrice::new(Amount::new(900), Amount::ZERO, Amount::new(5));
    let rules = JobRules {
        funding: Funding::Allowance,
        verification: Verification::Deterministic,
        trust: Trust::Staked,
        replicas: 3,
        quorum: 2,
        assign_by: moment(1_750_000_100),
        complete_by: moment(1_750_000_900),
        service_level: ServiceLevel::new(0),
        parameters_version: ParametersVersion::new(4).expect("4 has fewer than 24 bits"),
    };
    let terms = JobTerms {
        specification: specified(tiles()).digest(),
        token: Address::repeat_byte(8),
        price: price.expect("these amounts are small"),
        rules,
    };
    JobOrder { client: Address::repeat_byte(9), nonce: U256::from(77), terms }
}

const fn tiles() -> specification::Input {
    specification::Input::Tiles { width: 64, height: 48, across: 16, down: 9 }
}

fn parameters() -> JobParameters {
    let share = |parts| Ppm::new(parts).expect("it is below a million");
    JobParameters {
        version: ParametersVersion::new(4).expect("4 has fewer than 24 bits"),
        coordinator_share: share(50_000),
        secondaries_share: share(200_000),
        protocol_share: share(10_000),
        challenge_bond_share: share(100_000),
        lock_ratio: Ratio::new(2_000_000),
        lock_shift: 12,
        challenge_window: Seconds::new(3_600),
        verdict_window: Seconds::new(86_400),
        lease: Seconds::new(60),
        max_job: Seconds::new(86_400),
        max_attempts: 3,
        halted: false,
    }
}

fn output() -> TaskOutput {
    let slices = SliceRange { first: u64::MAX - 2, count: 2 };
    TaskOutput::new(slices, vec![b"one".to_vec(), Vec::new()]).expect("two slices, two outputs")
}

fn anchor() -> ChainAnchor {
    ChainAnchor {
        chain: DOMAIN.chain,
        contract: DOMAIN.job_manager,
        block: 13,
        block_hash: BlockHash::new([14; 32]),
        block_time: moment(1_750_000_000),
    }
}

/// A receipt whose signatures hold.
fn signed_receipt() -> SignedReceipt {
    let attested = |signature| {
        let Seat { node, signer } = seat();
        Attestations::new(vec![Attestation { node, signer, signature }]).expect("one node is one")
    };
    let root = TaskIndex::new(0);
    let root = (root, output().root().expect("two slices make a tree"));
    let mut receipt = Receipt {
        version: ReceiptVersion::One,
        job: DOMAIN.job_id(&order()),
        attempt: Attempt::new(1),
        specification: specified(tiles()).digest(),
        program: ProgramDigest::new([3; 32]),
        engine: EngineProfile::new("tallystick.wasm.1").expect("it is printable"),
        input: tiles().digest(),
        output_root: job_output_root([root]).expect("one task makes a tree"),
        output: OutputDigest::new(Sha256::digest(b"one").into()),
        slices: SliceRange { first: 0, count: 2 },
        usage: Usage { work_units: 20, bytes_out: 3, ..Usage::default() },
        cost: Amount::new(900),
        primary: seat(),
        attestations: attested(EvmSignature::new([0; 65])),
        issued_at: WallTime::new(1_750_000_000_123),
        anchor: anchor(),
    };
    let digest = DOMAIN.claim_digest(&receipt.claim());
    let (signature, recovery) =
        key().sign_prehash_recoverable(digest.as_slice()).expect("a key signs any digest");
    let mut bytes = [0; 65];
    bytes[..64].copy_from_slice(&signature.to_bytes());
    bytes[64] = recovery.to_byte().saturating_add(27);
    receipt.attestations = attested(EvmSignature::new(bytes));
    receipt.sign(&identity())
}

fn assignment() -> TaskAssignment {
    TaskAssignment {
        job: JOB,
        attempt: Attempt::new(1),
        task: TaskIndex::new(3),
        task_attempt: TaskAttempt::new(2),
        seat: seat(),
    }
}

fn opening() -> SignedOpening {
    let opening = Opening { output_root: OutputRoot::new([4; 32]), salt: Salt::new([5; 32]) };
    let assignment = assignment();
    let pledge = Pledge {
        assignment,
        commitment: opening.commitment(&assignment),
        round: BeaconRound::new(99),
    };
    let signature = IdentitySignature::new(identity().sign(&pledge.to_bytes()).to_bytes());
    SignedOpening { pledge, signature, opening }
}

/// Values with a canonical encoding, in the order of the target's readers.
pub(super) fn canonical() -> Vec<Seed> {
    let signed = signed_receipt();
    let attestations = signed.receipt.attestations.clone();
    let one = attestations.as_slice().first().map(Canonical::to_bytes).unwrap_or_default();
    let word = |word: U256| word.to_be_bytes::<32>();
    let packed = parameters().pack().expect("these parameters are small");
    let terms = order().terms;
    vec![
        of_kind(0, "receipt", signed.receipt.to_bytes()),
        of_kind(1, "signed-receipt", signed.to_bytes()),
        of_kind(2, "pledge", opening().pledge.to_bytes()),
        of_kind(3, "assignment", assignment().to_bytes()),
        of_kind(4, "attestations", attestations.to_bytes()),
        of_kind(5, "attestation", one),
        of_kind(6, "output", [&[2][..], &output().to_bytes()].concat()),
        of_kind(7, "rules", word(terms.rules.pack())),
        of_kind(8, "parameters", word(packed)),
        of_kind(9, "price", word(terms.price.pack())),
        of_kind(9, "seat", word(seat().pack())),
    ]
}

/// Receipts as `tally verify` takes them.
pub(super) fn receipt() -> Vec<Seed> {
    let signed = signed_receipt();
    let json = serde_json::to_vec_pretty(&signed).expect("every receipt is JSON");
    vec![("canonical".to_owned(), signed.to_bytes()), ("json".to_owned(), json)]
}

fn as_json(kind: u8, name: &str, value: &impl Serialize) -> Seed {
    of_kind(kind, name, serde_json::to_vec(value).expect("the value has only keys of text"))
}

/// Values that travel as JSON, in the order of the target's readers.
pub(super) fn json() -> Vec<Seed> {
    let (order, signed, opening) = (order(), signed_receipt(), opening());
    let output_root = opening.opening.output_root;
    let proof = TaskProof { task: TaskIndex::new(3), output_root, openings: vec![opening] };
    let slot = Slot {
        chain: DOMAIN.chain,
        contract: DOMAIN.job_manager,
        job: JOB,
        attempt: Attempt::new(2),
        role: Role::Primary,
        kind: Kind::Pledge { task: TaskIndex::new(3), task_attempt: TaskAttempt::new(2) },
    };
    let signature = [7; 64].into();
    let exchanged = ExchangedSignature { slot, digest: B256::repeat_byte(3), signature };
    let (chain, contract) = (DOMAIN.chain, DOMAIN.job_manager);
    let mark = ExchangedMark { chain, contract, job: JOB, least: Attempt::new(2) };
    let exchange = Exchange { version: 1, signatures: vec![exchanged], forgotten: vec![mark] };
    vec![
        as_json(0, "order", &order),
        as_json(1, "terms", &order.terms),
        as_json(2, "parameters", &parameters()),
        as_json(3, "claim", &signed.receipt.claim()),
        as_json(4, "signed-receipt", &signed),
        as_json(5, "receipt", &signed.receipt),
        as_json(6, "proof", &proof),
        as_json(7, "signed-opening", &opening),
        as_json(8, "pledge", &opening.pledge),
        as_json(9, "opening", &opening.opening),
        as_json(10, "anchor", &anchor()),
        as_json(11, "exchange", &exchange),
    ]
}

fn kept<T: Stored>(kind: u8, name: &str, value: &T) -> Seed {
    of_kind(kind, name, tallystick_journal::encode(value).expect("the value is stored"))
}

/// Values of the journal, in the order of the target's readers.
pub(super) fn stored_journal() -> Vec<Seed> {
    let provider = IdentityKey::new([3; 32]);
    let now = WallTime::new(1_750_000_000_123);
    let job = JobRecord {
        kind: "wasm".to_owned(),
        policy: Policy::Fast,
        privacy: Privacy::Private,
        user: Address::repeat_byte(9),
        status: JobStatus::Completed,
        payload: vec![1, 2],
        result: Some(vec![3]),
        worker: Some(provider),
        created_at: now,
        completed_at: Some(now),
    };
    let receipt = ReceiptRecord {
        provider,
        receipt: signed_receipt().to_bytes(),
        signature: IdentitySignature::new([4; 64]),
        verified: true,
        created_at: now,
    };
    let pairing = TrustPairing {
        user: Address::repeat_byte(9),
        claimed: Some(PairingClaimed { provider, seat: seat(), at: now }),
        code: "AB12-CD34".to_owned(),
        expires_at: now,
        created_at: now,
    };
    let letter = DeadLetter { attempts: 3, reason: "nobody came".to_owned(), given_up_at: now };
    let network = Network { chain: DOMAIN.chain, jobs: DOMAIN.job_manager };
    let machine = Machine::new(Settings::default(), SchedulingParameters::default());
    vec![
        kept(0, "job", &job),
        kept(1, "receipt", &receipt),
        kept(2, "pairing", &pairing),
        kept(3, "dead-letter", &letter),
        kept(4, "pairing-id", &PairingId(7)),
        kept(5, "network", &network),
        kept(6, "unleased", &Input::Unleased { job: JOB }),
        kept(6, "signed", &Input::ReceiptSigned { receipt: Box::new(signed_receipt()) }),
        kept(
            6,
            "joined",
            &Input::OutputJoined { job: JOB, output: OutputDigest::new([1; 32]), bytes: 3 },
        ),
        kept(7, "machine", &machine.state()),
    ]
}
