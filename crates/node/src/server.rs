//! The server of a coordinator: its services, health, reflection, limits.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use tallystick_coordinator::CoordinatorServices;
use tallystick_wire::FILE_DESCRIPTOR_SET;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::transport::server::{Connected, TcpIncoming};

use crate::config::CoordinatorSettings;
use crate::error::NodeError;
use crate::tls::{self, Certificate};

/// Time between two signs of life on a silent connection, and for the answer to one.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// How long streams have to end when the node stops.
const FAREWELL: Duration = Duration::from_secs(3);
/// Connections that stand and were not taken yet.
const STANDING: usize = 16;
/// Most bytes of the headers of a request.
const HEADER_BYTES: u32 = 16 << 10;

/// What serves until it is stopped.
pub type Serving = Pin<Box<dyn Future<Output = Result<(), tonic::transport::Error>> + Send>>;

/// Listens, with TLS where there is a certificate, and gives what serves until `stop` is ready.
pub(crate) async fn bind(
    settings: &CoordinatorSettings,
    certificate: Option<Certificate>,
    services: CoordinatorServices,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<Serving, NodeError> {
    let address = settings.listen;
    let failed = |source| NodeError::Listen { address, source };
    let listener = tokio::net::TcpListener::bind(address).await.map_err(failed)?;
    tracing::info!(%address, tls = certificate.is_some(), "node.server.listening");
    let most = settings.most_requests;
    match certificate {
        Some(certificate) => {
            let (lines, standing) = mpsc::channel(STANDING);
            let standing = ReceiverStream::new(standing);
            let served = serve(services, most, standing, stop).map_err(failed)?;
            let accepting = tls::accept(listener, certificate, lines);
            // Accepting ends with the server that takes what is accepted.
            Ok(Box::pin(async move { tokio::join!(served, accepting).0 }))
        }
        None => {
            let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
            serve(services, most, incoming, stop).map_err(failed)
        }
    }
}

/// What serves a coordinator, its health and its schema to connections that come in, until `stop`
/// is ready. `most_requests` is for one connection at a time.
///
/// # Errors
///
/// Where the schema cannot be served.
pub fn serve<I, IO, E>(
    services: CoordinatorServices,
    most_requests: usize,
    incoming: I,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<Serving>
where
    I: Stream<Item = Result<IO, E>> + Send + 'static,
    IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
{
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(io::Error::other)?;
    let (_, health) = tonic_health::server::health_reporter();
    let router = Server::builder()
        .tcp_nodelay(true)
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .http2_keepalive_timeout(Some(KEEP_ALIVE))
        .http2_max_header_list_size(HEADER_BYTES)
        .max_concurrent_streams(Some(u32::try_from(most_requests).unwrap_or(u32::MAX)))
        .concurrency_limit_per_connection(most_requests)
        .add_service(health)
        .add_service(reflection)
        .add_service(services.workers())
        .add_service(services.clients())
        .add_service(services.blobs());
    Ok(Box::pin(async move {
        let (stopping, stopped) = tokio::sync::oneshot::channel();
        let graceful = async {
            stop.await;
            // The receiver is gone only where the server ended before.
            let _ended = stopping.send(());
        };
        let serving = router.serve_with_incoming_shutdown(incoming, graceful);
        let late = async {
            if stopped.await.is_ok() {
                tokio::time::sleep(FAREWELL).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            served = serving => served,
            // Streams that nobody ends do not hold up the node.
            () = late => Ok(()),
        }
    }))
}

#[cfg(test)]
mod tests;
