use alloy_sol_types::SolCall;
use tallystick_abi::contracts::{self, IJobManager, ISlashingManager};
use tallystick_types::{Attestation, EvmSignature, JobState};

use super::*;

fn attestation(node: u64) -> Attestation {
    let Seat { node: id, signer } = seat(node);
    let byte = u8::try_from(node).unwrap();
    Attestation { node: id, signer, signature: EvmSignature::new([byte; 65]) }
}

/// The calls by the states of a job in which they are made.
fn made(job: &JobView) -> Vec<&'static str> {
    let claim = |byte| SignedClaim {
        output_root: output(byte),
        cost: Amount::new(1),
        signature: EvmSignature::new([byte; 65]),
    };
    let attested = [attestation(2), attestation(3)];
    let calls = [
        ("assign", job.assign_call(NodeId::new(1), &[seat(2)])),
        ("enlist", job.enlist_call(&[seat(4)])),
        ("heartbeat", job.heartbeat_call()),
        ("release", job.release_call()),
        ("propose", job.propose_call(output(1), Amount::new(5), &attested)),
        ("settle", job.settle_call()),
        ("challenge", job.challenge_call()),
        ("advance", job.advance_call()),
        ("cancel", job.cancel_call()),
        ("report", job.report_call(seat(2), &claim(1), &claim(2))),
    ];
    calls.into_iter().filter(|(_, call)| call.is_ok()).map(|(name, _)| name).collect()
}

#[test]
fn a_call_is_made_in_the_states_that_accept_it() {
    let mut told = Told::with_nodes();
    assert_eq!(made(told.job(created(order()))), ["assign", "advance", "cancel"]);
    let working = ["enlist", "heartbeat", "release", "propose", "advance", "report"];
    assert_eq!(made(told.job(assigned(1))), working);
    let waiting = ["settle", "challenge", "advance", "report"];
    assert_eq!(made(told.job(proposed(1))), waiting);
    assert_eq!(made(told.job(challenged())), ["advance", "report"]);
    let job = told.job(settled());
    assert_eq!(made(job), ["report"]);
    let refused = CallError::UnexpectedState { job: id(1), state: JobState::Settled };
    assert_eq!(job.advance_call(), Err(refused));
}

#[test]
fn attestations_are_put_in_the_order_of_the_assignment() {
    let mut told = Told::with_nodes();
    told.job(created(order()));
    let job = told.job(assigned(1));
    let attested = [attestation(3), attestation(2)];
    let call = job.propose_call(output(0x77), Amount::new(800), &attested).unwrap();
    let call = IJobManager::proposeCall::abi_decode(&call).unwrap();
    let signatures = [[2; 65], [3; 65]].concat();
    let expected = contracts::Receipt::of(output(0x77), Amount::new(800), 0b11, signatures.into());
    assert_eq!((call.id, call.receipt), (id(1).into(), expected));
    assert_eq!(call.job, job.job().to_contract().unwrap());
    assert_eq!(call.assignment, job.assignment.as_ref().unwrap().into());
}

#[test]
fn a_result_without_quorum_or_above_its_price_is_not_proposed() {
    let mut told = Told::with_nodes();
    told.job(created(order()));
    let job = told.job(assigned(1)).clone();
    let propose = |job: &JobView, cost, attested: &[Attestation]| {
        job.propose_call(output(1), Amount::new(cost), attested).unwrap_err()
    };
    let (one, two, stranger) = (attestation(2), attestation(3), attestation(4));
    let id = id(1);
    let alone = propose(&job, 5, &[one]);
    assert_eq!(alone, CallError::NoQuorum { job: id, given: 1, needed: 2 });
    assert_eq!(propose(&job, 5, &[one, one]), CallError::Twice { job: id, seat: seat(2) });
    let foreign = propose(&job, 5, &[one, stranger]);
    assert_eq!(foreign, CallError::NotAssigned { job: id, seat: seat(4) });
    let dear = propose(&job, 1_001, &[one, two]);
    let (cost, most) = (Amount::new(1_001), Amount::new(1_000));
    assert_eq!(dear, CallError::ExcessiveCost { job: id, cost, most });

    let seized = told.job(JobEvent::NodeSeized { attempt: Attempt::new(1), seat: seat(3) });
    let convicted = propose(seized, 5, &[one, two]);
    assert_eq!(convicted, CallError::Convicted { job: id, seat: seat(3) });
}

#[test]
fn a_result_whose_quorum_was_convicted_is_not_settled() {
    let mut told = Told::with_nodes();
    told.job(created(order()));
    told.job(assigned(1));
    let job = told.job(proposed(1));
    let call = IJobManager::settleCall::abi_decode(&job.settle_call().unwrap()).unwrap();
    assert_eq!(call.proposal, proposal(0b11).to_contract());
    let job = told.job(JobEvent::NodeSeized { attempt: Attempt::new(1), seat: seat(3) });
    let (id, given, needed) = (id(1), 1, 2);
    assert_eq!(job.settle_call(), Err(CallError::NoQuorum { job: id, given, needed }));
}

#[test]
fn nobody_is_assigned_twice_and_nobody_is_no_assignment() {
    let mut told = Told::with_nodes();
    let job = told.job(created(order()));
    let assign = |nodes: &[Seat]| job.assign_call(NodeId::new(1), nodes).map(|_| ());
    let id = id(1);
    assert_eq!(assign(&[]), Err(CallError::NodeCount { job: id, given: 0 }));
    let crowd: Vec<Seat> = (1..=17).map(seat).collect();
    assert_eq!(assign(&crowd), Err(CallError::NodeCount { job: id, given: 17 }));
    assert_eq!(assign(&crowd[..16]), Ok(()));
    let twice = assign(&[seat(2), seat(3), seat(2)]);
    assert_eq!(twice, Err(CallError::Twice { job: id, seat: seat(2) }));
    // Two machines that are not registered are told apart by their signers.
    let unregistered = |node| Seat { node: NodeId::UNREGISTERED, ..seat(node) };
    assert_eq!(assign(&[unregistered(5), unregistered(6)]), Ok(()));

    let job = told.job(assigned(1));
    // The node rotated its signer since.
    let rotated = Seat { signer: Address::repeat_byte(0xf5), ..seat(2) };
    assert_eq!(job.enlist_call(&[rotated]), Err(CallError::Twice { job: id, seat: rotated }));
}

#[test]
fn a_report_names_the_place_and_what_follows_the_assignment() {
    let mut told = Told::with_nodes();
    told.job(created(order()));
    told.job(assigned(1));
    let claim = |byte| SignedClaim {
        output_root: output(byte),
        cost: Amount::new(u128::from(byte)),
        signature: EvmSignature::new([byte; 65]),
    };
    let job = told.job(settled());
    let report = |job: &JobView, other| job.report_call(seat(3), &claim(1), &claim(other));
    assert_eq!(report(job, 2), Err(CallError::SignersUnknown { job: id(1) }));
    let output_root = output(1);
    assert_eq!(report(job, 1), Err(CallError::SameOutput { output_root }));
    let call = report(&job.attested_by(0b11), 2).unwrap();
    let call = ISlashingManager::reportEquivocationCall::abi_decode(&call).unwrap();
    assert_eq!(call.index, U256::from(1));
    assert_eq!(Some(call.rest), job.attested_by(0b11).rest());
    assert_eq!((call.first.cost, call.second.signature[..].to_vec()), (1, vec![2; 65]));
}
