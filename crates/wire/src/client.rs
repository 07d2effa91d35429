//! The messages of `tallystick.client.v1`: [`v1`] as they travel, here as they are checked.

mod event;
mod job;
mod node;
mod order;
mod refusal;
mod shortage;

/// Messages and service stubs as generated from the schema.
#[expect(clippy::allow_attributes_without_reason, clippy::too_many_lines, reason = "generated")]
pub mod v1 {
    tonic::include_proto!("tallystick.client.v1");
}

use tallystick_types::{JobOrder, JobTerms, NodeId, Policy, Privacy, Seat, Trust, Verification};

pub use event::{
    Accepted, Acknowledged, Assigned, Attested, Closed, Committed, DeadLettered, Drawn, Escalated,
    EventKind, EvidenceFound, JobEvent, Offence, Outvoted, Progress, Proposed, Quarantined, Queued,
    Reassigned, ReceiptMade, Refunded, Settled, TaskNode, Verified, WatchRequest,
};
pub use job::{
    CancelRequest, CancelResponse, Finality, JobStatus, JobsRequest, JobsResponse, Phase,
    ReceiptRequest, ReceiptResponse, ResultPart, ResultRequest, ResultResponse, StatusRequest,
    WhyRequest, WhyResponse,
};
pub use node::{
    ClaimPairingRequest, ClaimPairingResponse, CreatePairingRequest, CreatePairingResponse,
    DeadLetter, DeadLettersRequest, DeadLettersResponse, ListPairingsRequest, ListPairingsResponse,
    NodeStatus, NodesRequest, NodesResponse, Pairing, RetryRequest, RetryResponse,
};
pub use order::{
    Access, Contract, NetworkRequest, NetworkResponse, Page, Placement, Queueing, QuoteRequest,
    QuoteResponse, SubmitRequest, SubmitResponse, Token,
};
pub use refusal::NotPaired;
pub use shortage::{RejectedNodes, Shortage, Waiting};

use crate::declare::{codes, nested, optional};
use crate::error::{Expected, Found, MalformedError};
use crate::field::Wire;
use crate::limits::USUAL_PAGE_ENTRIES;

codes!(Verification { Attested, Deterministic, Fingerprint });
codes!(Trust { Any, Staked, Vetted });
codes!(Policy { Auto, Fast, Cheap });
codes!(Privacy { Public, Private });
optional!(every Verification);
optional!(every Trust);
optional!(every Policy);
optional!(every Privacy);

impl SubmitRequest {
    /// The order that the client signed.
    pub const fn order(&self) -> JobOrder {
        JobOrder { client: self.client, nonce: self.nonce, terms: self.terms }
    }
}

impl Page {
    /// Entries to answer with.
    pub const fn entries(&self) -> u32 {
        if self.limit == 0 { USUAL_PAGE_ENTRIES } else { self.limit }
    }
}

impl TryFrom<v1::Seat> for Seat {
    type Error = MalformedError;

    fn try_from(wire: v1::Seat) -> Result<Self, MalformedError> {
        let node = NodeId::new(wire.node);
        Ok(Self { node, signer: Wire::read(wire.signer, "Seat.signer")? })
    }
}

impl From<Seat> for v1::Seat {
    fn from(seat: Seat) -> Self {
        Self { node: seat.node.get(), signer: seat.signer.write() }
    }
}

nested!(Seat = v1::Seat);

impl TryFrom<v1::Terms> for JobTerms {
    type Error = MalformedError;

    fn try_from(wire: v1::Terms) -> Result<Self, MalformedError> {
        Ok(Self {
            specification: Wire::read(wire.specification, "Terms.specification")?,
            token: Wire::read(wire.token, "Terms.token")?,
            price: Wire::read(wire.price, "Terms.price")?,
            rules: Wire::read(wire.rules, "Terms.rules")?,
        })
    }
}

impl From<JobTerms> for v1::Terms {
    fn from(terms: JobTerms) -> Self {
        Self {
            specification: terms.specification.write(),
            token: terms.token.write(),
            price: terms.price.write(),
            rules: terms.rules.write(),
        }
    }
}

nested!(JobTerms = v1::Terms);
