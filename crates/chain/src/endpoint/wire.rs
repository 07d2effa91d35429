//! Bytes to and from one HTTP address.

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

/// HTTP for "slow down", whatever the body says.
const TOO_MANY_REQUESTS: u16 = 429;

/// One HTTP address.
pub(super) struct Wire {
    client: Client,
    url: Url,
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
        Ok(Self { client, url, name, limit, next: AtomicU64::new(1) })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Asks once, within the limit.
    pub(super) async fn ask(&self, method: &'static str, params: Value) -> Answer<Said> {
        match tokio::time::timeout(self.limit, self.exchange(method, params)).await {
            Ok(said) => said,
            Err(_) => Err(NoAnswer::TimedOut { method, limit: self.limit }),
        }
    }

    async fn exchange(&self, method: &'static str, params: Value) -> Answer<Said> {
        // The path may hold a key, so no error may show it.
        let unreachable =
            |source: reqwest::Error| NoAnswer::Transport { method, source: source.without_url() };
        let id = Id::Number(self.next.fetch_add(1, Ordering::Relaxed));
        let question = serde_json::to_vec(&Request::new(method, id.clone(), params))
            .map_err(|source| NoAnswer::Form { method, source })?;
        let mut answer = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(question)
            .send()
            .await
            .map_err(unreachable)?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(unreachable)? {
            if body.len().saturating_add(piece.len()) > ANSWER_BYTES {
                return Err(malformed(method, "is longer than any answer may be"));
            }
            body.extend_from_slice(&piece);
        }
        let response = serde_json::from_slice::<Response>(&body);
        if !status.is_success() {
            let status = status.as_u16();
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
