//! Whole sessions.

use std::sync::atomic::Ordering;

use alloy_primitives::B256;
use ed25519_dalek::SigningKey;
use tallystick_abi::JobDomain;
use tallystick_abi::signer_of;
use tallystick_ports::{StoreError, WorkerKeys};
use tallystick_protocol::commitment::{Opening, Pledge, job_output_root};
use tallystick_types::{
    Amount, Attempt, Attestation, Attestations, BlockHash, Canonical, ChainAnchor, ChainId,
    ChainTime, OutputDigest, Receipt, ReceiptClaim, ReceiptVersion, SignedReceipt, SliceRange,
    TaskIndex, Usage, WallTime,
};
use tallystick_wire::worker::{
    AgentBody, AttestRequest, AttestTask, Attested, CoordinatorBody, Drain, OutputRequest,
    RevealRequest, SignOutcome, SignReceipt, SignSubject, SignVerdict, SignedOpening, TaskCommit,
    TaskReveal, v1,
};
use tallystick_worker::{LinkError, SetupError, Worker, WorkerError};
use tokio::sync::oneshot;

use crate::coordinator::{Coordinator, Session, domain, identity, key};
use crate::house::{House, JOB, config, named};

/// Runs a worker beside a test, and stops it at the end.
pub(crate) async fn beside<T>(worker: Worker, test: impl Future<Output = T>) -> T {
    let (stop, stopped) = oneshot::channel::<()>();
    let test = async {
        let outcome = test.await;
        drop(stop);
        outcome
    };
    let stopped = async {
        let _dropped = stopped.await;
    };
    let (ran, outcome) = tokio::join!(worker.run(stopped), test);
    ran.unwrap();
    outcome
}

async fn acknowledged(house: &House, session: &mut Session, task: u32) {
    let Some(AgentBody::TaskAck(ack)) = session.heard().await else { panic!("no acknowledgement") };
    assert_eq!(ack.assignment, named(house.assignment(task)));
}

async fn committed(session: &mut Session) -> TaskCommit {
    match session.heard().await {
        Some(AgentBody::TaskCommit(commit)) => commit,
        other => panic!("no commitment: {other:?}"),
    }
}

/// Has both tasks executed, committed and opened.
async fn opened(house: &House, session: &mut Session) -> Vec<(TaskCommit, TaskReveal)> {
    let mut openings = Vec::new();
    for task in [0, 1] {
        house.assign(session, task).await;
        acknowledged(house, session, task).await;
        let commit = committed(session).await;
        let assignment = named(house.assignment(task));
        session.say(CoordinatorBody::RevealRequest(RevealRequest { assignment })).await;
        let Some(AgentBody::TaskReveal(reveal)) = session.heard().await else { panic!("hidden") };
        let opening = Opening { output_root: reveal.output_root, salt: reveal.salt };
        assert_eq!(opening.commitment(&house.assignment(task)), commit.commitment);
        assert_eq!(reveal.output_root, house.output(task).root().unwrap());
        assert_eq!(reveal.output_blob, house.output(task).digest());
        openings.push((commit, reveal));
    }
    openings
}

/// Has the claim signed, in two messages.
async fn attested(session: &mut Session, openings: &[(TaskCommit, TaskReveal)]) -> Attested {
    let roots = (0..).map(TaskIndex::new).zip(openings.iter().map(|(_, open)| open.output_root));
    let output_root = job_output_root(roots).unwrap();
    for (task, (commit, reveal)) in (0..).map(TaskIndex::new).zip(openings) {
        let opening = SignedOpening {
            assignment: commit.assignment,
            commitment: commit.commitment,
            round: commit.round,
            signature: commit.signature,
            output_root: reveal.output_root,
            salt: reveal.salt,
        };
        let openings = vec![opening].try_into().unwrap();
        let part = AttestTask { task, output_root: reveal.output_root, openings };
        let request = AttestRequest {
            job: JOB,
            attempt: Attempt::new(1),
            output_root,
            cost: Amount::new(500),
            task_count: 2,
            tasks: vec![part].try_into().unwrap(),
        };
        session.say(CoordinatorBody::AttestRequest(request)).await;
    }
    match session.heard().await {
        Some(AgentBody::Attested(attested)) => attested,
        other => panic!("not attested: {other:?}"),
    }
}

fn receipt(house: &House, attested: &Attested) -> Receipt {
    let (seat, specification) = (house.keys.seat(), &house.specification);
    let attestation =
        Attestation { node: seat.node, signer: seat.signer, signature: attested.signature };
    Receipt {
        version: ReceiptVersion::One,
        job: JOB,
        attempt: attested.attempt,
        specification: specification.digest(),
        program: specification.program(),
        engine: specification.engine.clone(),
        input: specification.input.digest(),
        output_root: attested.output_root,
        output: OutputDigest::new([6; 32]),
        slices: SliceRange { first: 0, count: 4 },
        usage: Usage::default(),
        cost: attested.cost,
        primary: seat,
        attestations: Attestations::new(vec![attestation]).unwrap(),
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

async fn has(coordinator: &Coordinator, digest: tallystick_types::BlobDigest) {
    for _ in 0..500 {
        if coordinator.blobs.has(digest) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the output was not uploaded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_walked_from_its_tasks_to_its_receipt() {
    let (house, mut coordinator) = House::with_coordinator().await;
    let worker = house.worker(&coordinator);
    let status = worker.status();
    let test = async {
        let mut session = coordinator.admitted(3).await;
        let openings = opened(&house, &mut session).await;
        let (commit, _) = &openings[0];
        let assignment = house.assignment(0);
        let pledge = Pledge { assignment, commitment: commit.commitment, round: commit.round };
        assert!(pledge.is_signed_by(house.keys.identity_key(), &commit.signature));
        assert_eq!(commit.round.get(), 903);
        let assignment = named(assignment);
        session.say(CoordinatorBody::OutputRequest(OutputRequest { assignment })).await;
        has(&coordinator, house.output(0).digest()).await;
        let attested = attested(&mut session, &openings).await;
        let Attested { job, attempt, output_root, cost, signature } = attested.clone();
        let claim = ReceiptClaim { job, attempt, output_root, cost };
        let signer = signer_of(domain().claim_digest(&claim), &signature).unwrap();
        assert_eq!(signer, house.keys.seat().signer);
        let outcome = SignOutcome {
            job,
            attempt,
            subject: SignSubject::Claim,
            verdict: SignVerdict::Accepted,
        };
        session.say(CoordinatorBody::SignOutcome(outcome)).await;
        let receipt = receipt(&house, &attested);
        let bytes = receipt.to_bytes().try_into().unwrap();
        session.say(CoordinatorBody::SignReceipt(SignReceipt { receipt: bytes })).await;
        let Some(AgentBody::ReceiptSigned(signed)) = session.heard().await else { panic!() };
        assert_eq!(signed.receipt, receipt.digest());
        let (signature, identity) = (signed.identity_signature, house.keys.identity_key());
        assert_eq!(SignedReceipt { receipt, identity, signature }.verify(), Ok(()));
        assert_eq!(status.borrow().connected, Some(crate::coordinator::seat()));
        let beat = session.heartbeat().await;
        let inputs = [house.specification.input.digest()];
        assert_eq!((beat.running.len(), &*beat.inputs), (0, &inputs[..]));
        session
    };
    let mut session = beside(worker, test).await;
    assert_eq!(session.heard().await.map(|body| matches!(body, AgentBody::Leaving(_))), Some(true));
    assert_eq!(house.mirror.runs.load(Ordering::SeqCst), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_goes_on_after_lost_sessions_and_says_the_same() {
    let (house, mut coordinator) = House::with_coordinator().await;
    house.mirror.stands.store(true, Ordering::SeqCst);
    let worker = house.worker(&coordinator);
    let test = async {
        let mut session = coordinator.admitted(0).await;
        house.assign(&session, 0).await;
        acknowledged(&house, &mut session, 0).await;
        drop(session);
        let mut session = coordinator.admitted(0).await;
        acknowledged(&house, &mut session, 0).await;
        house.mirror.stands.store(false, Ordering::SeqCst);
        let first = committed(&mut session).await;
        drop(session);
        let mut session = coordinator.admitted(0).await;
        assert_eq!(committed(&mut session).await, first);
        (first, session)
    };
    let (first, session) = beside(worker, test).await;
    drop(session);
    // Another process on the same store.
    let worker = house.worker(&coordinator);
    let test = async {
        let mut session = coordinator.admitted(0).await;
        assert_eq!(committed(&mut session).await, first);
        let openings = opened_again(&house, &mut session).await;
        assert_eq!(openings.output_root, house.output(0).root().unwrap());
    };
    beside(worker, test).await;
    assert_eq!(house.mirror.runs.load(Ordering::SeqCst), 2);
    assert_eq!(house.keys.places(), 1);
}

async fn opened_again(house: &House, session: &mut Session) -> TaskReveal {
    let assignment = named(house.assignment(0));
    session.say(CoordinatorBody::RevealRequest(RevealRequest { assignment })).await;
    match session.heard().await {
        Some(AgentBody::TaskReveal(reveal)) => reveal,
        other => panic!("hidden: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_challenge_is_not_signed() {
    let (house, mut coordinator) = House::with_coordinator().await;
    let worker = house.worker(&coordinator);
    let status = worker.status();
    let test = async {
        let mut session = coordinator.greeted().await;
        session.challenge(JobDomain { chain: ChainId::new(1), ..domain() }).await;
        assert_eq!(session.heard().await, None, "something was said to a wrong challenge");
        let _right = coordinator.admitted(0).await;
        let error = status.borrow().last_error.clone().unwrap();
        assert!(matches!(*error, LinkError::WrongChallenge), "{error}");
    };
    beside(worker, test).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_coordinator_with_another_identity_than_the_registry_has_is_left() {
    let (house, mut coordinator) = House::with_coordinator().await;
    house.facts.set_identity(crate::coordinator::seat(), house.keys.identity_key());
    let worker = house.worker(&coordinator);
    let test = async {
        let mut session = coordinator.greeted().await;
        session.challenge(domain()).await;
        assert_eq!(session.heard().await, None);
    };
    beside(worker, test).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registered_coordinator_proves_who_it_is_for_this_session() {
    let (house, mut coordinator) = House::with_coordinator().await;
    house.facts.set_identity(crate::coordinator::seat(), identity());
    let worker = house.worker(&coordinator);
    let status = worker.status();
    let other = SigningKey::from_bytes(&[8; 32]);
    let test = async {
        let session = coordinator.greeted().await;
        let first = session.hello.nonce.unwrap();
        session.challenge(domain()).await;
        let lies = [(first, key()), (B256::ZERO, other)];
        for (nonce, key) in lies {
            let mut session = coordinator.greeted().await;
            assert_ne!(session.hello.nonce.unwrap(), first, "a nonce is used once");
            session.answer(nonce, &key).await;
            assert_eq!(session.heard().await, None, "something was signed for an impostor");
        }
        let mut session = coordinator.greeted().await;
        let error = status.borrow().last_error.clone().unwrap();
        assert!(matches!(*error, LinkError::Impostor { .. }), "{error}");
        session.answer(session.hello.nonce.unwrap(), &key()).await;
        session.prove().await;
        session.admit(0).await;
    };
    Box::pin(beside(worker, test)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_oversized_or_senseless_message_ends_the_session_and_nothing_else() {
    let (house, mut coordinator) = House::with_coordinator().await;
    let worker = house.worker(&coordinator);
    let status = worker.status();
    let test = async {
        let mut session = coordinator.admitted(0).await;
        let reason = "x".repeat(5 << 20);
        let body = Some(v1::coordinator_message::Body::Drain(v1::Drain { reason }));
        session.send(v1::CoordinatorMessage { body }).await;
        while session.heard().await.is_some() {}
        let mut session = coordinator.admitted(0).await;
        let error = status.borrow().last_error.clone().unwrap();
        assert!(matches!(*error, LinkError::Broken(_)), "{error}");
        session.challenge(domain()).await;
        while session.heard().await.is_some() {}
        let mut session = coordinator.admitted(0).await;
        let error = status.borrow().last_error.clone().unwrap();
        assert!(matches!(*error, LinkError::Turn(_)), "{error}");
        house.assign(&session, 0).await;
        acknowledged(&house, &mut session, 0).await;
        committed(&mut session).await;
    };
    beside(worker, test).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drained_session_ends_with_leaving_and_another_one_follows() {
    let (house, mut coordinator) = House::with_coordinator().await;
    let worker = house.worker(&coordinator);
    let test = async {
        let mut session = coordinator.admitted(0).await;
        let reason = tallystick_wire::Sentence::cut("the coordinator restarts");
        session.say(CoordinatorBody::Drain(Drain { reason })).await;
        assert!(matches!(session.heard().await, Some(AgentBody::Leaving(_))));
        assert_eq!(session.heard().await, None);
        drop(session);
        coordinator.admitted(0).await;
    };
    beside(worker, test).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_false_input_is_never_executed() {
    let (mut house, mut coordinator) = House::with_coordinator().await;
    let other = coordinator.blobs.put(b"another input").unwrap();
    let tallystick_protocol::specification::Input::Blob { digest, .. } =
        &mut house.specification.input
    else {
        panic!("the input is a blob")
    };
    *digest = tallystick_types::InputDigest::new(*other.digest.as_bytes());
    let mut fact = tallystick_ports::JobFacts::job(&house.facts, JOB).unwrap();
    fact.specification = house.specification.digest();
    house.facts.set_job(JOB, fact);
    let worker = house.worker(&coordinator);
    let test = async {
        let mut session = coordinator.admitted(0).await;
        house.assign(&session, 0).await;
        acknowledged(&house, &mut session, 0).await;
        let Some(AgentBody::TaskFailed(failed)) = session.heard().await else { panic!() };
        assert_eq!(failed.failure, tallystick_wire::worker::Failure::InputUnavailable);
    };
    beside(worker, test).await;
    assert_eq!(house.mirror.runs.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_cannot_write_down_a_signature_ends() {
    let (house, mut coordinator) = House::with_coordinator().await;
    house.keys.fill_disk();
    let worker = house.worker(&coordinator).run(std::future::pending());
    let test = async {
        let mut session = coordinator.admitted(0).await;
        house.assign(&session, 0).await;
        acknowledged(&house, &mut session, 0).await;
        session.heard().await
    };
    let (ended, heard) = tokio::join!(worker, test);
    assert!(matches!(ended, Err(WorkerError::Store(StoreError::NoSpace(_)))), "{ended:?}");
    assert_eq!(heard, None, "a coordinator hears nothing of it but silence");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setup_that_cannot_work_is_refused() {
    let (house, _coordinator) = House::with_coordinator().await;
    let setup = |config| Worker::new(config, house.ports.clone()).map(|_| ());
    let plain = setup(config("http://203.0.113.5:4010"));
    assert!(matches!(plain, Err(SetupError::Plain { .. })));
    assert!(setup(config("http://[::1]:4010")).is_ok());
    assert!(setup(config("https://coordinator.example:443")).is_ok());
    let mut other = config("http://localhost:1");
    other.agent.places = 1;
    assert!(matches!(setup(other), Err(SetupError::Places { offered: 2, places: 1 })));
    let mut none = config("http://localhost:1");
    none.coordinators.clear();
    assert!(matches!(setup(none), Err(SetupError::NoCoordinator)));
}
