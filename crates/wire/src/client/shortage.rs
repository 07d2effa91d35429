//! Too few nodes for a job: as an event, in its status, and in the details of a refusal.

use std::num::NonZeroU32;

use prost::Message;
use tallystick_types::ChainTime;

use super::v1;
use crate::bounded::{Label, List, Sentence};
use crate::declare::message;
use crate::error::{Expected, Found, MalformedError};
use crate::field::Wire;

/// The name under which a [`Shortage`] stands among the details of a status.
const TYPE_URL: &str = "type.googleapis.com/tallystick.client.v1.Shortage";

message! {
    /// Known nodes that one filter rejected.
    RejectedNodes {
        /// The filter: not_paired, kind, engine, tier, trust, price, capacity, excluded, offline,
        /// not_admitted, quarantined, busy or free; at most 64 bytes.
        filter: Label,
        /// How many, at least 1.
        nodes: NonZeroU32,
    }
}

message! {
    /// Too few nodes for a job. A coordinator that refuses terms for this has it among the details
    /// of the status.
    Shortage {
        /// Different nodes that every task needs.
        needed: u32,
        /// Nodes that the coordinator knows.
        known: u32,
        /// Those that were rejected, by the first filter, at most 32 of them; the rest are free.
        rejected: List<RejectedNodes, 32>,
        /// Whether no waiting helps unless other nodes join or these change.
        impossible: bool,
        /// The same as a sentence that says what to do, at most 1024 bytes.
        sentence: Sentence,
    }
}

message! {
    /// What a job waits for, and how that ends.
    Waiting {
        /// For what, as a sentence that says what to do, at most 1024 bytes.
        reason: Sentence,
        /// Who is missing; absent where it does not wait for nodes.
        shortage: Option<Shortage>,
        /// From when on anybody can send the money back, while there is no result: the chain's
        /// clock, in Unix seconds.
        refund_at_seconds: ChainTime,
    }
}

/// `google.rpc.Status`, in which the details of a refusal travel.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

impl Shortage {
    /// The refusal of terms that too few nodes meet: a failed precondition, with this in its
    /// details as `google.rpc.Status` has them.
    pub fn refusal(self) -> tonic::Status {
        let code = tonic::Code::FailedPrecondition;
        let message = self.sentence.as_str().to_owned();
        let value = v1::Shortage::from(self).encode_to_vec();
        let details = vec![Any { type_url: TYPE_URL.to_owned(), value }];
        let status = Status { code: code.into(), message: message.clone(), details };
        tonic::Status::with_details(code, message, status.encode_to_vec().into())
    }

    /// What a refusal is about, where it is about this.
    pub fn of_refusal(status: &tonic::Status) -> Option<Self> {
        let all = Status::decode(status.details()).ok()?;
        let found = all.details.into_iter().find(|detail| detail.type_url == TYPE_URL)?;
        v1::Shortage::decode(found.value.as_slice()).ok()?.try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_carries_what_it_is_about() {
        let filter = "capacity".to_owned().try_into().unwrap();
        let rejected = vec![RejectedNodes { filter, nodes: NonZeroU32::MIN }];
        let shortage = Shortage {
            needed: 3,
            known: 2,
            rejected: rejected.try_into().unwrap(),
            impossible: true,
            sentence: Sentence::cut("each task needs 3 nodes"),
        };
        let refusal = shortage.clone().refusal();
        assert_eq!(refusal.message(), "each task needs 3 nodes");
        assert_eq!(Shortage::of_refusal(&refusal), Some(shortage));
        for other in [tonic::Status::failed_precondition("blob is not here"), garbage()] {
            assert_eq!(Shortage::of_refusal(&other), None);
        }
    }

    fn garbage() -> tonic::Status {
        let details = vec![0xff, 1, 2].into();
        tonic::Status::with_details(tonic::Code::FailedPrecondition, "no", details)
    }
}
