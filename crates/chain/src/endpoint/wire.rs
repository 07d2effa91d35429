//! Bytes to and from one HTTP address.

use std::error::Error;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use alloy::rpc::json_rpc::{ErrorPayload, Id, Request, Response, ResponsePayload};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Url, redirect};
use serde_json::Value;
use serde_json::value::RawValue;
use tallystick_tls::Authorities;

use super::answer::{Answer, NoAnswer};
use super::{EndpointError, malformed};

/// Longest answer that is read. The receipts of a full block are a few mebibytes.
const ANSWER_BYTES: usize = 64 << 20;

/// Pauses before a question is asked again that was not answered in the right form. A look at the
/// chain has dozens of questions: with an endpoint that fails at one in twenty it would hardly ever
/// have all of its answers.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(150)];

/// HTTP for "slow down", whatever the body says.
const TOO_MANY_REQUESTS: u16 = 429;

/// Carries questions to one endpoint.
pub trait Carrier: Debug + Send + Sync {
    /// Posts the JSON of a question; the status of HTTP and the bytes of the answer.
    fn post(&self, question: Vec<u8>) -> Carried<'_>;
}

/// An answer that is on its way.
pub type Carried<'a> = Pin<Box<dyn Future<Output = Result<(u16, Vec<u8>), Uncarried>> + Send + 'a>>;

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub enum Uncarried {
    /// The connection failed.
    #[error("the endpoint could not be reached")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// It is longer than what is read.
    #[error("the answer is longer than any answer may be")]
    TooLong,
}

/// One address.
pub(super) struct Wire {
    carrier: Arc<dyn Carrier>,
    name: String,
    limit: Duration,
    next: AtomicU64,
}

/// What came back in the right form.
pub(super) enum Said {
    /// A result, which may be `null`.
    Result(Box<RawValue>),
    /// An error that the endpoint states.
    Error(ErrorPayload),
}

impl Wire {
    pub(super) fn new(
        address: &str,
        limit: Duration,
        authorities: &Authorities,
    ) -> Result<Self, EndpointError> {
        let url = Url::parse(address).map_err(|_| EndpointError::Address)?;
        let (Some(host), "http" | "https") = (url.host_str(), url.scheme()) else {
            return Err(EndpointError::Address);
        };
        let name = url.port_or_known_default().map_or(host.to_owned(), |at| format!("{host}:{at}"));
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .tls_backend_preconfigured(authorities.client_config())
            .build()
            .map_err(|source| EndpointError::Client { source })?;
        Ok(Self::through(name, limit, Arc::new(Http { client, url })))
    }

    pub(super) fn through(name: String, limit: Duration, carrier: Arc<dyn Carrier>) -> Self {
        Self { carrier, name, limit, next: AtomicU64::new(1) }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Asks, and again where nothing came back in the right form, within the limit. For questions
    /// that change nothing.
    pub(super) async fn ask(&self, method: &'static str, params: Value) -> Answer<Said> {
        self.limited(method, async {
            for pause in PAUSES {
                if let Ok(said) = self.exchange(method, params.clone()).await {
                    return Ok(said);
                }
                tokio::time::sleep(pause).await;
            }
            self.exchange(method, params).await
        })
        .await
    }

    /// Asks once, within the limit.
    pub(super) async fn ask_once(&self, method: &'static str, params: Value) -> Answer<Said> {
        self.limited(method, self.exchange(method, params)).await
    }

    async fn limited(
        &self,
        method: &'static str,
        asked: impl Future<Output = Answer<Said>>,
    ) -> Answer<Said> {
        match tokio::time::timeout(self.limit, asked).await {
            Ok(said) => said,
            Err(_) => Err(NoAnswer::TimedOut { method, limit: self.limit }),
        }
    }

    async fn exchange(&self, method: &'static str, params: Value) -> Answer<Said> {
        let id = Id::Number(self.next.fetch_add(1, Ordering::Relaxed));
        let question = serde_json::to_vec(&Request::new(method, id.clone(), params))
            .map_err(|source| NoAnswer::Form { method, source })?;
        let answered = self.carrier.post(question).await.map_err(|error| match error {
            Uncarried::Unreachable(source) => NoAnswer::Transport { method, source },
            Uncarried::TooLong => malformed(method, "is longer than any answer may be"),
        });
        let (status, body) = answered?;
        let response = serde_json::from_slice::<Response>(&body);
        if !(200..300).contains(&status) {
            // Some providers put what the chain says under a status of failure.
            return match response.map(|response| (response.id == id, response.payload)) {
                Ok((true, ResponsePayload::Failure(error))) if status != TOO_MANY_REQUESTS => {
                    Ok(Said::Error(error))
                }
                _ => Err(NoAnswer::Status { method, status }),
            };
        }
        let response = response.map_err(|source| NoAnswer::Form { method, source })?;
        match response.payload {
            _ if response.id != id => Err(NoAnswer::WrongId { method }),
            ResponsePayload::Success(value) => Ok(Said::Result(value)),
            ResponsePayload::Failure(error) => Ok(Said::Error(error)),
        }
    }
}

/// HTTP over the sockets of this machine.
#[derive(Debug)]
struct Http {
    client: Client,
    url: Url,
}

impl Carrier for Http {
    fn post(&self, question: Vec<u8>) -> Carried<'_> {
        // The path may hold a key, so no error may show it.
        let unreachable =
            |source: reqwest::Error| Uncarried::Unreachable(Box::new(source.without_url()));
        let request = self.client.post(self.url.clone());
        let request = request.header(CONTENT_TYPE, "application/json").body(question);
        Box::pin(async move {
            let mut answer = request.send().await.map_err(unreachable)?;
            let mut body = Vec::new();
            while let Some(piece) = answer.chunk().await.map_err(unreachable)? {
                if body.len().saturating_add(piece.len()) > ANSWER_BYTES {
                    return Err(Uncarried::TooLong);
                }
                body.extend_from_slice(&piece);
            }
            Ok((answer.status().as_u16(), body))
        })
    }
}
