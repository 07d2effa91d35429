//! Messages between clients and coordinators.

use tallystick_wire::client;

crate::message::messages! { client:
    SubmitRequest JobStatus JobEvent Page NetworkRequest Contract Token NetworkResponse Placement
    QuoteRequest QuoteResponse SubmitResponse StatusRequest WatchRequest TaskNode Accepted Queued
    Assigned Acknowledged Progress Committed Drawn Verified Reassigned Escalated Outvoted
    Quarantined EvidenceFound Attested ReceiptMade Proposed Settled Refunded Closed DeadLettered
    ResultRequest ResultPart ResultResponse ReceiptRequest ReceiptResponse WhyRequest WhyResponse
    JobsRequest JobsResponse CancelRequest CancelResponse NodesRequest NodeStatus NodesResponse
    DeadLettersRequest DeadLetter DeadLettersResponse RetryRequest RetryResponse
    CreatePairingRequest CreatePairingResponse ClaimPairingRequest ClaimPairingResponse
    ListPairingsRequest Pairing ListPairingsResponse
}
