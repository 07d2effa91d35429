//! What holds for every message.

use proptest::prelude::*;
use prost::Message;
use tallystick_types::{
    BlobDigest, ChunkRoot, Commitment, EvmSignature, IdentityKey, IdentitySignature, InputDigest,
    JobId, JobTerms, OutputDigest, OutputRoot, Policy, ReceiptDigest, Salt, SpecificationDigest,
};

use crate::field::Wire;
use crate::sample::Source;
use crate::{Expected, Found, MalformedError, blobs, client, limits, worker};

/// The message, encoded and decoded and checked, is the message.
macro_rules! survive {
    ($source:ident, $module:ident: $($name:ident)*) => {$({
        let message: $module::$name = $source.any();
        let bytes = $module::v1::$name::from(message.clone()).encode_to_vec();
        let decoded = $module::v1::$name::decode(bytes.as_slice()).unwrap();
        prop_assert_eq!($module::$name::try_from(decoded), Ok(message));
    })*};
}

proptest! {
    #[test]
    fn every_message_survives_its_way(seed in any::<u64>()) {
        let mut source = Source(seed);
        survive!(source, worker:
            AgentMessage CoordinatorMessage Assignment Hello KindOffer Accelerator
            Capabilities Proof Profile FreeResources Heartbeat TaskAck TaskProgress
            TaskCommit TaskUsage TaskReveal TaskFailed Attested AttestRefused
            ReceiptSigned ReceiptRefused Leaving Challenge Welcome Refused Admitted
            HeartbeatAck TaskAssign Payload TaskCancel RevealRequest SignedOpening
            AttestTask AttestRequest OutputRequest SignReceipt SignOutcome Drain
        );
        survive!(source, client:
            Access Page NetworkRequest Contract Token NetworkResponse Placement
            QuoteRequest QuoteResponse SubmitRequest SubmitResponse StatusRequest
            JobStatus WatchRequest JobEvent TaskNode Accepted Queued Assigned
            Acknowledged Progress Committed Drawn Verified Reassigned Escalated
            Outvoted Quarantined EvidenceFound Attested ReceiptMade Proposed Settled
            Refunded Closed DeadLettered ResultRequest ResultPart ResultResponse
            ReceiptRequest ReceiptResponse WhyRequest WhyResponse JobsRequest
            JobsResponse CancelRequest CancelResponse NodesRequest NodeStatus
            NodesResponse DeadLettersRequest DeadLetter DeadLettersResponse
            RetryRequest RetryResponse CreatePairingRequest CreatePairingResponse
            ClaimPairingRequest ClaimPairingResponse ListPairingsRequest Pairing
            ListPairingsResponse RejectedNodes Shortage Waiting
        );
        survive!(source, blobs:
            PutPart PutHeader Stored GetRequest Part Descriptor ProvedChunk End
            Refused Missing NoSuchChunk Count Unavailable HasRequest HasResponse
        );
    }
}

#[test]
fn names_of_another_length_are_refused() {
    macro_rules! refused {
        ($($name:ident)*) => {$({
            let right = $name::default().write();
            assert_eq!($name::read(right.clone(), "x"), Ok($name::default()));
            for length in [0, right.len() - 1, right.len() + 1] {
                let (expected, found) = (Expected::Bytes(right.len()), Found::Bytes(length));
                let error = MalformedError { field: "x", expected, found };
                assert_eq!($name::read(vec![0; length], "x"), Err(error), stringify!($name));
            }
        })*};
    }
    refused!(
        BlobDigest ChunkRoot Commitment IdentityKey InputDigest JobId OutputDigest OutputRoot
        ReceiptDigest Salt SpecificationDigest IdentitySignature EvmSignature
    );
}

fn assignment() -> worker::v1::Assignment {
    Source(1).any::<worker::Assignment>().into()
}

#[test]
fn what_is_missing_or_out_of_range_is_named() {
    let refusal = |change: fn(&mut worker::v1::Assignment)| {
        let mut wire = assignment();
        change(&mut wire);
        worker::Assignment::try_from(wire).unwrap_err().to_string()
    };
    for (text, change) in [
        (
            "Assignment.seat must be present, but is absent",
            (|a: &mut worker::v1::Assignment| a.seat = None) as fn(&mut _),
        ),
        ("Assignment.attempt must be 1 to 255, but is 0", |a| a.attempt = 0),
        ("Assignment.attempt must be 1 to 255, but is 256", |a| a.attempt = 256),
        ("Assignment.task_attempt must be 1 to 65535, but is 0", |a| a.task_attempt = 0),
        ("Assignment.job must be 32 bytes, but is 31 bytes", |a| a.job.truncate(31)),
        ("Seat.signer must be 20 bytes, but is 0 bytes", |a| {
            a.seat.as_mut().unwrap().signer.clear();
        }),
    ] {
        let refusal = refusal(change);
        assert!(refusal.starts_with(text), "{refusal}");
    }
}

#[test]
fn a_reason_of_a_later_version_is_no_reason_to_go_on_working() {
    let cancel = |reason| worker::v1::TaskCancel { assignment: Some(assignment()), reason };
    let read = |reason| worker::TaskCancel::try_from(cancel(reason)).unwrap().reason;
    assert_eq!(read(2), Some(worker::CancelReason::TryEnded));
    assert_eq!((read(0), read(99)), (None, None));
    let failed =
        worker::v1::TaskFailed { failure: 99, assignment: Some(assignment()), ..<_>::default() };
    let refused = worker::TaskFailed::try_from(failed).unwrap_err();
    assert_eq!(refused.found, Found::Member(99));
}

#[test]
fn a_coordinator_may_say_what_the_agent_does_not_know_and_not_the_other_way() {
    let later = [0xfa, 0x3f, 1, b'x'];
    let told = worker::v1::CoordinatorMessage::decode(&later[..]).unwrap();
    assert_eq!(worker::CoordinatorMessage::try_from(told).unwrap().body, None);
    let said = worker::v1::AgentMessage::decode(&later[..]).unwrap();
    assert_eq!(worker::AgentMessage::try_from(said).unwrap_err().field, "AgentMessage.body");
}

/// Changes a valid message and expects a refusal that names a field.
macro_rules! refused {
    ($module:ident::$name:ident, $field:literal, $change:expr) => {{
        let mut message: $module::$name = Source(7).any();
        let change: fn(&mut $module::$name) = $change;
        change(&mut message);
        let refused = $module::$name::try_from($module::v1::$name::from(message)).unwrap_err();
        assert_eq!(refused.field, concat!(stringify!($name), ".", $field));
    }};
}

#[test]
fn fields_of_an_agent_that_contradict_each_other_are_refused() {
    refused!(worker::Capabilities, "kinds", |capabilities| {
        let offer: worker::KindOffer = Source(1).any();
        capabilities.kinds = vec![offer; 2].try_into().unwrap();
    });
    refused!(worker::Admitted, "tier", |admitted| admitted.tier = 0);
    refused!(worker::Admitted, "tier", |admitted| admitted.tier = 4);
    refused!(worker::TaskAssign, "payload_bytes", |assign| assign.payload_bytes = 0);
    refused!(worker::TaskAssign, "payload_bytes", |assign| {
        assign.payload_bytes = limits::SPECIFICATION_BYTES as u64 + 1;
    });
    refused!(worker::TaskAssign, "slice_count", |assign| {
        assign.first_slice = u64::MAX;
    });
    refused!(worker::AttestRequest, "task_count", |request| {
        request.task_count = limits::TASKS + 1;
    });
    refused!(worker::AttestRequest, "tasks", |request| {
        let task: worker::AttestTask = Source(1).any();
        (request.task_count, request.tasks) = (limits::TASKS, vec![task; 2].try_into().unwrap());
    });
    refused!(worker::AttestRequest, "tasks", |request| {
        let mut task: worker::AttestTask = Source(1).any();
        task.task = tallystick_types::TaskIndex::new(4);
        (request.task_count, request.tasks) = (4, vec![task].try_into().unwrap());
    });
}

#[test]
fn fields_of_a_client_that_contradict_each_other_are_refused() {
    let mut quote: client::QuoteRequest = Source(7).any();
    for (replicas, quorum, good) in
        [(3, 2, true), (3, 0, true), (3, 1, false), (4, 2, false), (3, 4, false), (17, 9, false)]
    {
        (quote.replicas, quote.quorum) = (replicas, quorum);
        let checked = client::QuoteRequest::try_from(client::v1::QuoteRequest::from(quote.clone()));
        assert_eq!(checked.is_ok(), good, "{quorum} of {replicas}");
    }
    refused!(client::QuoteRequest, "specification", |quote| quote.specification = <_>::default());
    refused!(client::QuoteResponse, "policy", |quote| quote.policy = Policy::Auto);
    refused!(client::QuoteResponse, "tasks", |quote| quote.tasks = 0);
    refused!(client::SubmitRequest, "specification", |submit| {
        submit.specification = <_>::default();
    });
    refused!(client::Page, "limit", |page| page.limit = limits::PAGE_ENTRIES + 1);
    refused!(client::NodeStatus, "tier", |node| node.tier = 4);
    refused!(client::JobsResponse, "jobs", |response| {
        let mut job: client::JobStatus = Source(1).any();
        job.nodes = vec![Source(1).any()].try_into().unwrap();
        response.jobs = vec![job].try_into().unwrap();
    });
}

#[test]
fn words_that_the_contracts_do_not_have_are_refused() {
    let mut terms: client::v1::Terms = Source(3).any::<JobTerms>().into();
    terms.rules[31] = 9;
    assert_eq!(JobTerms::try_from(terms).unwrap_err().field, "Terms.rules");
    let offer = worker::v1::KindOffer { kind: 1, engine_profiles: vec!["a b".into()] };
    let refused = worker::KindOffer::try_from(offer).unwrap_err();
    assert_eq!(refused.field, "KindOffer.engine_profiles");
    let placement = client::v1::Placement { privacy: 3, ..<_>::default() };
    let refused = client::Placement::try_from(placement).unwrap_err();
    assert_eq!((refused.field, refused.found), ("Placement.privacy", Found::Member(3)));
    let nothing = client::Placement::try_from(client::v1::Placement::default()).unwrap();
    assert_eq!((nothing.policy, nothing.privacy, nothing.queueing), (None, None, None));
}

#[test]
fn a_page_without_a_number_has_the_usual_entries() {
    let page = |limit| client::Page { after: <_>::default(), limit };
    assert_eq!((page(0).entries(), page(5).entries()), (64, 5));
}

#[test]
fn the_largest_messages_fit_their_limits() {
    let mut source = Source(9);
    let opening: worker::SignedOpening = source.any();
    let mut task: worker::AttestTask = source.any();
    task.openings = vec![opening; 16].try_into().unwrap();
    let mut request: worker::v1::AttestRequest = source.any::<worker::AttestRequest>().into();
    request.tasks = vec![task.into(); limits::ATTEST_TASKS];
    assert!(request.encoded_len() + 64 < limits::COORDINATOR_MESSAGE_BYTES);

    let mut heartbeat: worker::Heartbeat = source.any();
    heartbeat.running = vec![source.any(); 1_024].try_into().unwrap();
    heartbeat.inputs = vec![source.any(); 1_024].try_into().unwrap();
    let beat = worker::v1::Heartbeat::from(heartbeat).encoded_len();
    assert!(beat + 64 < limits::AGENT_MESSAGE_BYTES, "{beat}");

    let mut status: client::JobStatus = source.any();
    status.nodes = <_>::default();
    status.close_reason = crate::Text::cut(&"x".repeat(2_000));
    let rejected = client::RejectedNodes {
        filter: crate::Text::cut(&"x".repeat(100)),
        nodes: std::num::NonZeroU32::MAX,
    };
    status.waiting = Some(client::Waiting {
        reason: crate::Text::cut(&"x".repeat(2_000)),
        shortage: Some(client::Shortage {
            needed: u32::MAX,
            known: u32::MAX,
            rejected: vec![rejected; 32].try_into().unwrap(),
            impossible: true,
            sentence: crate::Text::cut(&"x".repeat(2_000)),
        }),
        refund_at_seconds: source.any(),
    });
    let jobs =
        client::JobsResponse { jobs: vec![status; 256].try_into().unwrap(), next: <_>::default() };
    assert!(client::v1::JobsResponse::from(jobs).encoded_len() < limits::CLIENT_RESPONSE_BYTES);

    let mut submit: client::SubmitRequest = source.any();
    submit.specification = vec![1; limits::SPECIFICATION_BYTES].try_into().unwrap();
    let submit = client::v1::SubmitRequest::from(submit).encoded_len();
    assert!(submit < limits::CLIENT_REQUEST_BYTES, "{submit}");

    let chunk = blobs::ProvedChunk {
        index: u64::MAX,
        bytes: vec![1; limits::CHUNK_BYTES].try_into().unwrap(),
        proof: vec![source.any(); 24].try_into().unwrap(),
    };
    let part = blobs::Part { body: blobs::PartBody::Chunk(chunk) };
    assert!(blobs::v1::Part::from(part).encoded_len() < limits::BLOBS_RESPONSE_BYTES);
}

#[test]
fn one_entry_and_one_byte_too_many_are_refused() {
    assert!(crate::Label::try_from("x".repeat(64)).is_ok());
    assert!(crate::Label::try_from("x".repeat(65)).is_err());
    assert!(crate::Cursor::try_from(vec![0; 65]).is_err());
    let digests = vec![vec![0; 32]; 1_025];
    let refused = blobs::HasRequest::try_from(blobs::v1::HasRequest { digests }).unwrap_err();
    assert_eq!(refused.found, Found::Entries(1_025));
    assert_eq!(crate::Label::cut(&"ä".repeat(40)).len(), 64);
    assert_eq!(crate::Label::cut(&format!("x{}", "ä".repeat(40))).len(), 63);
}
