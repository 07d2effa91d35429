//! Questions to the chain over simulated connections: for the endpoint of nodes, and as a transport
//! of alloy for clients.

use std::error::Error;
use std::task::{Context, Poll};
use std::time::Duration;

use alloy::rpc::json_rpc::{RequestPacket, ResponsePacket};
use alloy::transports::{TransportError, TransportErrorKind, TransportFut};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tallystick_chain::endpoint::{Carried, Carrier, Uncarried};
use tokio::time::timeout;

use crate::socket::Place;

/// Longest wait for one answer, as the client of production has it.
const ANSWER: Duration = Duration::from_secs(20);

type Failure = Box<dyn Error + Send + Sync>;

/// The way from one machine to one endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) from: Place,
    pub(crate) host: String,
}

impl Post {
    /// One question on a connection of its own.
    async fn ask(&self, question: Vec<u8>) -> Result<(u16, Vec<u8>), Failure> {
        let line = self.from.connect_to_chain(&self.host).await?;
        let (mut sender, connection) = handshake(TokioIo::new(line)).await?;
        let request = Request::post("/")
            .header("host", &self.host)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(question)))?;
        let answer = async {
            let answer = sender.send_request(request).await?;
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await?.to_bytes();
            Ok::<_, hyper::Error>((status, body.to_vec()))
        };
        let connection = async {
            connection.await?;
            // The answer came before its connection ended, or never comes.
            std::future::pending::<Result<_, hyper::Error>>().await
        };
        tokio::select! {
            biased;
            answer = answer => Ok(answer?),
            ended = connection => Ok(ended?),
        }
    }
}

impl Carrier for Post {
    fn post(&self, question: Vec<u8>) -> Carried<'_> {
        Box::pin(async move { self.ask(question).await.map_err(Uncarried::Unreachable) })
    }
}

impl tower::Service<RequestPacket> for Post {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        let post = self.clone();
        Box::pin(async move {
            let question = serde_json::to_vec(&packet).map_err(TransportError::ser_err)?;
            let answer = timeout(ANSWER, post.ask(question)).await;
            let answer = answer.map_err(|_| TransportErrorKind::custom_str("no answer in time"))?;
            let (status, body) = answer.map_err(TransportErrorKind::Custom)?;
            if status != 200 {
                let text = String::from_utf8_lossy(&body).into_owned();
                return Err(TransportErrorKind::http_error(status, text));
            }
            serde_json::from_slice(&body)
                .map_err(|error| TransportError::deser_err(error, String::from_utf8_lossy(&body)))
        })
    }
}
