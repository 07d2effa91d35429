//! Signing for a whole job.

use tallystick_abi::signer_of;
use tallystick_ports::{MemoryKeys, SigningKind, SigningSlot, WorkerKeys};
use tallystick_protocol::claim::{SignedOpening, TaskProof};
use tallystick_protocol::commitment::{Opening, Pledge, TaskAssignment, job_output_root};
use tallystick_types::{
    Amount, Attempt, Attestation, Attestations, BeaconRound, BlockHash, Canonical, ChainAnchor,
    ChainTime, EngineProfile, InputDigest, JobId, OutputDigest, OutputRoot, ProgramDigest, Receipt,
    ReceiptClaim, ReceiptVersion, Salt, Seat, SliceRange, SpecificationDigest, Usage, WallTime,
};
use tallystick_wire::worker::{AttestRefusal, ReceiptRefusal};

use super::rig::{JOB, Rig, coordinator, domain, other_coordinator, result_of, specification};
use crate::agent::{AgentSays, ClaimRequest, CoordinatorSays, Input};

/// One node's opening of a task, with this root.
fn signed(keys: &MemoryKeys, assignment: TaskAssignment, output_root: OutputRoot) -> SignedOpening {
    let assignment = TaskAssignment { seat: keys.seat(), ..assignment };
    let opening = Opening { output_root, salt: Salt::new([8; 32]) };
    let commitment = opening.commitment(&assignment);
    let pledge = Pledge { assignment, commitment, round: BeaconRound::new(1) };
    let TaskAssignment { job, attempt, task, task_attempt, .. } = assignment;
    let slot = SigningSlot { job, attempt, kind: SigningKind::Pledge { task, task_attempt } };
    // A record of its own, because tests let nodes sign what a real one would not.
    let keys = MemoryKeys::new(u8::try_from(keys.seat().node.get()).unwrap());
    let signature = keys.sign_pledge(slot, &pledge.to_bytes()).unwrap();
    SignedOpening { pledge, signature, opening }
}

/// The claim of both tasks, agreed on by nodes 1 and 2.
pub(super) fn request(rig: &Rig) -> ClaimRequest {
    let other = MemoryKeys::new(2);
    let proof = |task| {
        let assignment = rig.assignment(task, 1);
        let output_root = result_of(&assignment).output_root;
        let openings = [&rig.keys, &other].map(|keys| signed(keys, assignment, output_root));
        TaskProof { task: assignment.task, output_root, openings: openings.to_vec() }
    };
    let proofs = vec![proof(0), proof(1)];
    let claim = claim_of(&proofs);
    ClaimRequest { claim, proofs }
}

fn claim_of(proofs: &[TaskProof]) -> ReceiptClaim {
    let roots = proofs.iter().map(|proof| (proof.task, proof.output_root));
    let output_root = job_output_root(roots).unwrap();
    ReceiptClaim { job: JOB, attempt: Attempt::new(1), output_root, cost: Amount::new(500) }
}

fn executed() -> Rig {
    let mut rig = Rig::ready();
    rig.committed(0, 1);
    rig.committed(1, 1);
    rig.take_said();
    rig
}

fn attest(rig: &mut Rig, request: ClaimRequest) {
    rig.hear(CoordinatorSays::Attest(Box::new(request)));
}

fn refusal(says: &AgentSays) -> Option<AttestRefusal> {
    match says {
        AgentSays::AttestRefused { reason, .. } => Some(*reason),
        _ => None,
    }
}

pub(super) fn receipt(rig: &Rig, claim: ReceiptClaim) -> Receipt {
    let attestation = |node: u8| {
        let keys = MemoryKeys::new(node);
        let kind = SigningKind::Claim;
        let slot = SigningSlot { job: JOB, attempt: claim.attempt, kind };
        let signature = keys.sign_claim(slot, domain().claim_digest(&claim)).unwrap();
        let Seat { node, signer } = keys.seat();
        Attestation { node, signer, signature }
    };
    let specification = specification();
    Receipt {
        version: ReceiptVersion::One,
        job: JOB,
        attempt: claim.attempt,
        specification: specification.digest(),
        program: specification.program(),
        engine: specification.engine.clone(),
        input: specification.input.digest(),
        output_root: claim.output_root,
        output: OutputDigest::new([6; 32]),
        slices: SliceRange { first: 0, count: 4 },
        usage: Usage::default(),
        cost: claim.cost,
        primary: rig.seat(),
        attestations: Attestations::new(vec![attestation(1), attestation(2)]).unwrap(),
        issued_at: WallTime::new(1),
        anchor: ChainAnchor {
            chain: domain().chain,
            contract: domain().job_manager,
            block: 5,
            block_hash: BlockHash::new([5; 32]),
            block_time: ChainTime::new(5).unwrap(),
        },
    }
}

#[test]
fn a_claim_that_holds_is_signed_once_and_said_again_until_it_is_judged() {
    let mut rig = executed();
    let request = request(&rig);
    attest(&mut rig, request.clone());
    let said = rig.take_said();
    let [AgentSays::Attested { claim, signature }] = &said[..] else { panic!("{said:?}") };
    let signer = signer_of(domain().claim_digest(claim), signature).unwrap();
    assert_eq!((*claim, signer), (request.claim, rig.seat().signer));
    attest(&mut rig, request.clone());
    assert_eq!(rig.take_said(), said);
    rig.restart();
    rig.feed(Input::Connected { coordinator: coordinator() });
    assert!(rig.take_said().contains(&said[0]));
    rig.hear(CoordinatorSays::ClaimJudged { job: JOB, attempt: Attempt::new(1) });
    rig.feed(Input::Disconnected);
    rig.feed(Input::Connected { coordinator: coordinator() });
    assert!(!rig.take_said().contains(&said[0]));
    rig.restart();
    rig.feed(Input::Connected { coordinator: coordinator() });
    assert!(!rig.take_said().contains(&said[0]));
    assert_eq!(rig.keys.places(), 3);
}

#[test]
fn a_node_that_stops_is_paid_first() {
    let mut rig = executed();
    for task in [0, 1] {
        let assignment = rig.assignment(task, 1);
        rig.hear(CoordinatorSays::Reveal { assignment });
    }
    rig.feed(Input::Stop);
    let request = request(&rig);
    attest(&mut rig, request);
    assert!(matches!(rig.last(), AgentSays::Attested { .. }));
    assert!(!rig.left);
    rig.hear(CoordinatorSays::ClaimJudged { job: JOB, attempt: Attempt::new(1) });
    assert_eq!((rig.last(), rig.left), (&AgentSays::Leaving, true));
}

#[test]
fn a_claim_that_does_not_hold_is_refused_with_its_reason() {
    type Change = fn(&mut ClaimRequest);
    let cases: [(AttestRefusal, Change); 7] = [
        (AttestRefusal::UnknownJob, |request| request.claim.job = JobId::new([2; 32])),
        (AttestRefusal::BadRoot, |request| {
            request.proofs.pop();
            request.claim = claim_of(&request.proofs);
        }),
        (AttestRefusal::BadRoot, |request| request.claim.output_root = OutputRoot::new([1; 32])),
        (AttestRefusal::OtherOutput, |request| {
            request.proofs[1].output_root = OutputRoot::new([99; 32]);
            request.claim = claim_of(&request.proofs);
        }),
        (AttestRefusal::NoQuorum, |request| {
            request.proofs[0].openings.pop();
        }),
        (AttestRefusal::Cost, |request| request.claim.cost = Amount::new(1_001)),
        // 2 for each of 20 work units that one task declares.
        (AttestRefusal::Cost, |request| request.claim.cost = Amount::new(39)),
    ];
    for (expected, change) in cases {
        let mut rig = executed();
        let mut request = request(&rig);
        change(&mut request);
        attest(&mut rig, request);
        assert_eq!(refusal(rig.last()), Some(expected));
        assert_eq!(rig.keys.places(), 2);
    }
}

#[test]
fn a_second_claim_for_one_attempt_is_refused_also_after_a_restart() {
    let mut rig = executed();
    let first = request(&rig);
    attest(&mut rig, first.clone());
    let mut other = first;
    other.claim.cost = Amount::new(501);
    attest(&mut rig, other.clone());
    assert_eq!(refusal(rig.last()), Some(AttestRefusal::AlreadySigned));
    rig.restart();
    rig.feed(Input::Connected { coordinator: coordinator() });
    attest(&mut rig, other);
    assert_eq!(refusal(rig.last()), Some(AttestRefusal::AlreadySigned));
    assert_eq!((rig.keys.places(), rig.refused_by_keys), (3, 0));
}

#[test]
fn a_claim_waits_for_its_lease_and_is_refused_without_one() {
    let mut rig = executed();
    let shown = rig.shown();
    let mut other = shown.clone();
    other.fact.coordinator = Some(other_coordinator());
    rig.known = Some(other);
    let request = request(&rig);
    attest(&mut rig, request.clone());
    assert_eq!(rig.take_said(), []);
    rig.known = Some(shown);
    rig.pass_ms(500);
    assert!(matches!(rig.last(), AgentSays::Attested { .. }));
    let mut rig = executed();
    let mut without = rig.shown();
    without.fact.seats.remove(0);
    rig.known = Some(without);
    attest(&mut rig, request);
    rig.pass_ms(10_000);
    assert_eq!(refusal(rig.last()), Some(AttestRefusal::UnknownJob));
}

#[test]
fn verified_tasks_of_an_earlier_attempt_count_in_the_claim_of_a_later_one() {
    let mut rig = executed();
    let mut known = rig.shown();
    known.fact.attempt = Attempt::new(2);
    known.fact.coordinator = Some(other_coordinator());
    known.fact.earlier_seats = vec![MemoryKeys::new(2).seat()];
    rig.known = Some(known);
    rig.feed(Input::Disconnected);
    rig.feed(Input::Connected { coordinator: other_coordinator() });
    let mut request = request(&rig);
    request.claim.attempt = Attempt::new(2);
    attest(&mut rig, request);
    assert!(matches!(rig.last(), AgentSays::Attested { .. }), "{:?}", rig.said);
}

#[test]
fn the_receipt_of_an_attested_claim_is_signed_by_its_primary() {
    let mut rig = executed();
    let request = request(&rig);
    attest(&mut rig, request.clone());
    let receipt = receipt(&rig, request.claim);
    rig.hear(CoordinatorSays::SignReceipt(receipt.to_bytes()));
    let AgentSays::ReceiptSigned { receipt: digest, signature, .. } = rig.last() else {
        panic!("{:?}", rig.said)
    };
    assert_eq!(*digest, receipt.digest());
    let identity = rig.keys.identity_key();
    let signed = tallystick_types::SignedReceipt { signature: *signature, identity, receipt };
    assert_eq!(signed.verify(), Ok(()));
    let before = rig.said.len();
    let later = Receipt { issued_at: WallTime::new(2), ..signed.receipt };
    rig.hear(CoordinatorSays::SignReceipt(later.to_bytes()));
    assert_eq!(receipt_refusal(rig.last()), Some(ReceiptRefusal::Internal));
    assert_eq!((rig.said.len(), rig.keys.places()), (before + 1, 4));
}

#[test]
fn another_receipt_is_refused_with_its_reason() {
    type Change = fn(&mut Receipt);
    let other = ReceiptRefusal::OtherClaim;
    let cases: [(ReceiptRefusal, Change); 10] = [
        (ReceiptRefusal::NotPrimary, |receipt| receipt.primary = MemoryKeys::new(2).seat()),
        (other, |receipt| receipt.cost = Amount::new(1)),
        (other, |receipt| receipt.attempt = Attempt::new(2)),
        (other, |receipt| receipt.specification = SpecificationDigest::default()),
        (other, |receipt| receipt.program = ProgramDigest::default()),
        (other, |receipt| receipt.engine = EngineProfile::new("other").unwrap()),
        (other, |receipt| receipt.input = InputDigest::default()),
        (other, |receipt| receipt.slices.count = 3),
        (other, |receipt| receipt.anchor.contract = alloy_primitives::Address::ZERO),
        (other, |receipt| {
            let others = receipt.attestations.as_slice()[1..].to_vec();
            receipt.attestations = Attestations::new(others).unwrap();
        }),
    ];
    for (expected, change) in cases {
        let mut rig = executed();
        let request = request(&rig);
        attest(&mut rig, request.clone());
        let mut receipt = receipt(&rig, request.claim);
        change(&mut receipt);
        rig.hear(CoordinatorSays::SignReceipt(receipt.to_bytes()));
        assert_eq!(receipt_refusal(rig.last()), Some(expected));
    }
    let mut rig = executed();
    rig.hear(CoordinatorSays::SignReceipt(vec![1, 2, 3]));
    assert_eq!(receipt_refusal(rig.last()), Some(ReceiptRefusal::Malformed));
    let request = request(&rig);
    let unattested = receipt(&rig, request.claim).to_bytes();
    rig.hear(CoordinatorSays::SignReceipt(unattested));
    assert_eq!(receipt_refusal(rig.last()), Some(other));
}

fn receipt_refusal(says: &AgentSays) -> Option<ReceiptRefusal> {
    match says {
        AgentSays::ReceiptRefused { reason, .. } => Some(*reason),
        _ => None,
    }
}
