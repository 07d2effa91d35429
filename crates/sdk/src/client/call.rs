//! One call: its time limit, its repetition, and what a failure means.

use std::time::Duration;

use tallystick_tls::Trouble;
use tallystick_wire::MalformedError;
use tallystick_wire::client::v1::clients_client::ClientsClient;
use tallystick_wire::client::{NotPaired, Shortage};
use tonic::transport::Channel;
use tonic::{Code, Response, Status};

use super::Client;

/// How often every coordinator is asked before a harmless call is given up.
const ROUNDS: u32 = 3;

/// Pause before the second round; it doubles.
const PAUSE: Duration = Duration::from_millis(250);

/// Whether a call may be sent again when its fate is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It only asks, or a repetition is the same call to the other side.
    Harmless,
    /// A repetition would be another act.
    Never,
}

/// Why a coordinator gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nobody answers at any address.
    #[error(
        "no answer to {call} from {url}: {message}; check the address and that it runs, or name \
         another coordinator"
    )]
    Unreachable {
        /// What was asked.
        call: &'static str,
        /// The last address that was tried.
        url: String,
        /// What the transport said.
        message: String,
    },
    /// There is no line that can be trusted to lead there.
    #[error("{call} does not reach {url}: {trouble}")]
    Insecure {
        /// What was asked.
        call: &'static str,
        /// The last address that was tried.
        url: String,
        /// What is wrong, and what to do.
        trouble: Trouble,
    },
    /// The answer took too long.
    #[error(
        "{call} was not answered by {url} within {} s; try again, or raise the time limit",
        limit.as_secs()
    )]
    TimedOut {
        /// What was asked.
        call: &'static str,
        /// Who was asked last.
        url: String,
        /// How long was waited.
        limit: Duration,
    },
    /// The coordinator does not know what was asked for.
    #[error("{call}: not found: {message}; check the id, and that this coordinator has the job")]
    NotFound {
        /// What was asked.
        call: &'static str,
        /// What the coordinator said.
        message: String,
    },
    /// It cannot be had yet.
    #[error("{call}: not now: {message}; wait and ask again")]
    NotNow {
        /// What was asked.
        call: &'static str,
        /// What the coordinator said.
        message: String,
    },
    /// A private job has too few nodes that its client paired with and that could begin.
    #[error("{call} was refused: {refused}")]
    NotPaired {
        /// What was asked.
        call: &'static str,
        /// How many there are, and what to do.
        refused: NotPaired,
    },
    /// Too few of the nodes that the coordinator knows can ever do what is asked for.
    #[error("{call} was refused: {}", &*shortage.sentence)]
    TermsUnmet {
        /// What was asked.
        call: &'static str,
        /// Who is missing, with the number of nodes that each filter rejects.
        shortage: Box<Shortage>,
    },
    /// The coordinator refuses.
    #[error("{call} was refused ({code}): {message}")]
    Refused {
        /// What was asked.
        call: &'static str,
        /// The kind of refusal.
        code: Code,
        /// What the coordinator said.
        message: String,
    },
    /// The answer breaks the protocol.
    #[error("the answer to {call} breaks the protocol; update this program or ask another one")]
    Malformed {
        /// What was asked.
        call: &'static str,
        /// What is wrong.
        #[source]
        source: MalformedError,
    },
}

impl CallError {
    /// Whether nobody answered, so that nothing is known of the call.
    pub const fn is_silence(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Insecure { .. } | Self::TimedOut { .. })
    }

    pub(crate) fn of(call: &'static str, url: &str, status: &Status) -> Self {
        if let Some(refused) = NotPaired::of(status) {
            return Self::NotPaired { call, refused };
        }
        if let Some(shortage) = Shortage::of_refusal(status) {
            return Self::TermsUnmet { call, shortage: Box::new(shortage) };
        }
        if let Some(trouble) = Trouble::of(status) {
            return Self::Insecure { call, url: url.to_owned(), trouble };
        }
        let message = status.message().to_owned();
        match status.code() {
            Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal => {
                Self::Unreachable { call, url: url.to_owned(), message }
            }
            Code::NotFound => Self::NotFound { call, message },
            Code::FailedPrecondition | Code::ResourceExhausted | Code::Aborted => {
                Self::NotNow { call, message }
            }
            code => Self::Refused { call, code, message },
        }
    }
}

impl Client {
    /// Makes a call, reads the answer, and asks other coordinators where that is harmless.
    pub(crate) async fn ask<W, A, F>(
        &self,
        call: &'static str,
        repeat: Repeat,
        request: impl Fn(ClientsClient<Channel>) -> F,
    ) -> Result<A, CallError>
    where
        A: TryFrom<W, Error = MalformedError>,
        F: Future<Output = Result<Response<W>, Status>>,
    {
        let rounds = if repeat == Repeat::Harmless { ROUNDS } else { 1 };
        let mut round = 0;
        loop {
            let (failure, asked) = match self.ask_all(call, repeat, &request).await {
                Ok(answer) => {
                    return answer
                        .try_into()
                        .map_err(|source| CallError::Malformed { call, source });
                }
                Err(failure) => failure,
            };
            round += 1;
            if round >= rounds || !failure.is_silence() || asked == 0 {
                return Err(failure);
            }
            tokio::time::sleep(PAUSE.saturating_mul(1 << round.min(8))).await;
        }
    }

    /// Asks the present coordinator, and each other one while nobody answers.
    async fn ask_all<W, F>(
        &self,
        call: &'static str,
        repeat: Repeat,
        request: &impl Fn(ClientsClient<Channel>) -> F,
    ) -> Result<W, (CallError, usize)>
    where
        F: Future<Output = Result<Response<W>, Status>>,
    {
        let mut asked = 0;
        loop {
            asked += 1;
            let url = self.coordinator().to_owned();
            let answer = tokio::time::timeout(self.time_limit, request(self.clients())).await;
            let failure = match answer {
                Ok(Ok(answer)) => return Ok(answer.into_inner()),
                Ok(Err(status)) => CallError::of(call, &url, &status),
                Err(_) => CallError::TimedOut { call, url, limit: self.time_limit },
            };
            if failure.is_silence() {
                self.switch();
            }
            let last = repeat == Repeat::Never || asked >= self.count();
            if last || !failure.is_silence() {
                return Err((failure, asked));
            }
        }
    }
}
