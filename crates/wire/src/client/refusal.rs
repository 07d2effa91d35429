//! Refusals that a program acts on, as details of a status in the manner of `google.rpc`.

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Who names the reasons.
const DOMAIN: &str = "tallystick.client.v1";
/// The reason of [`NotPaired`].
const NOT_PAIRED: &str = "NOT_PAIRED";

/// A private job is refused, because too few nodes that its client paired with could begin. It
/// travels as `FAILED_PRECONDITION` with a `google.rpc.ErrorInfo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a private job with {replicas} replicas needs {replicas} paired nodes that are connected; the \
     client paired with {paired}, and {ready} of these are ready. Make a code for each node \
     (`tally trust pair`), have its operator claim it (`tally trust claim`), start the nodes, or \
     ask for fewer replicas"
)]
pub struct NotPaired {
    /// Nodes that are to execute each task.
    pub replicas: u32,
    /// Nodes with which the client paired.
    pub paired: u32,
    /// Those of them that are connected, admitted, and take work.
    pub ready: u32,
}

impl From<NotPaired> for Status {
    fn from(refused: NotPaired) -> Self {
        let counts = [
            ("replicas".to_owned(), refused.replicas.to_string()),
            ("paired".to_owned(), refused.paired.to_string()),
            ("ready".to_owned(), refused.ready.to_string()),
        ];
        let details = ErrorDetails::with_error_info(NOT_PAIRED, DOMAIN, counts);
        Self::with_error_details(Code::FailedPrecondition, refused.to_string(), details)
    }
}

impl NotPaired {
    /// The refusal that a status is, or nothing where it is another one.
    pub fn of(status: &Status) -> Option<Self> {
        let info = status.get_details_error_info()?;
        if status.code() != Code::FailedPrecondition
            || info.domain != DOMAIN
            || info.reason != NOT_PAIRED
        {
            return None;
        }
        let count = |name: &str| info.metadata.get(name)?.parse().ok();
        Some(Self {
            replicas: count("replicas")?,
            paired: count("paired")?,
            ready: count("ready")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_known_again_and_other_statuses_are_not_it() {
        let refused = NotPaired { replicas: 3, paired: 2, ready: 1 };
        let status = Status::from(refused);
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert!(status.message().contains("tally trust pair"));
        // As it travels: only headers are left of it.
        let mut headers = tonic::codegen::http::HeaderMap::new();
        status.add_header(&mut headers).unwrap();
        let came = Status::from_header_map(&headers).unwrap();
        assert_eq!(NotPaired::of(&came), Some(refused));
        assert_eq!(NotPaired::of(&Status::failed_precondition("blob x is not here")), None);
        let elsewhere = Status::with_error_details(
            Code::FailedPrecondition,
            "words",
            ErrorDetails::with_error_info(NOT_PAIRED, "example.org", []),
        );
        assert_eq!(NotPaired::of(&elsewhere), None);
    }
}
