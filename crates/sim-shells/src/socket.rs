//! Connections through the simulated network, with every piece of bytes in the trace.

use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::stream::{self, Stream};
use sha2::{Digest, Sha256};
use tallystick_tls::{Dial, Socket};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::server::Connected;
use turmoil::net::{TcpListener, TcpStream};

use crate::trace::Trace;

/// Where the first coordinator listens; each next one at the next port.
const FIRST_PORT: u16 = 7_420;
/// Where every endpoint of the chain listens.
const CHAIN_PORT: u16 = 8_545;

/// Whoever connects.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) trace: Trace,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Line {
    stream: TcpStream,
    place: Place,
    peer: String,
}

/// The URL of a coordinator. Lines in the clear stay on their machine, so that is what it says; the
/// port tells coordinators from each other.
pub(crate) fn url(coordinator: u16) -> String {
    format!("http://localhost:{}", FIRST_PORT + coordinator)
}

/// The host of a coordinator.
pub(crate) fn coordinator(number: u16) -> String {
    format!("coordinator-{number}")
}

impl Place {
    /// Connects lines to coordinators.
    pub(crate) fn dial(&self) -> Dial {
        let place = self.clone();
        Dial::by(move |uri| {
            let place = place.clone();
            Box::pin(async move {
                let port = uri.port_u16().unwrap_or(FIRST_PORT);
                let host = coordinator(port.saturating_sub(FIRST_PORT));
                let line: Box<dyn Socket> = Box::new(place.connect(&host, port).await?);
                Ok(line)
            })
        })
    }

    /// Connects to an endpoint of the chain.
    pub(crate) async fn connect_to_chain(&self, host: &str) -> io::Result<Line> {
        self.connect(host, CHAIN_PORT).await
    }

    async fn connect(&self, host: &str, port: u16) -> io::Result<Line> {
        let connected = TcpStream::connect((host, port)).await;
        let said = connected.as_ref().map_or_else(ToString::to_string, |_| "connected".to_owned());
        self.trace.note(&self.name, format_args!("to {host}: {said}"));
        Ok(Line { stream: connected?, place: self.clone(), peer: host.to_owned() })
    }

    /// The connections that a coordinator is asked for.
    pub(crate) async fn listen(
        &self,
        coordinator: u16,
    ) -> io::Result<impl Stream<Item = io::Result<Line>> + Send + use<>> {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, FIRST_PORT + coordinator)).await?;
        Ok(self.accept(listener))
    }

    /// The connections that an endpoint is asked for.
    pub(crate) async fn listen_as_chain(
        &self,
    ) -> io::Result<impl Stream<Item = io::Result<Line>> + Send + use<>> {
        Ok(self.accept(TcpListener::bind((Ipv4Addr::UNSPECIFIED, CHAIN_PORT)).await?))
    }

    fn accept(&self, listener: TcpListener) -> impl Stream<Item = io::Result<Line>> + Send + use<> {
        let place = self.clone();
        stream::unfold((listener, place), |(listener, place)| async move {
            let line = listener.accept().await.map(|(stream, from)| {
                let peer = turmoil::reverse_lookup(from.ip()).unwrap_or_default();
                place.trace.note(&place.name, format_args!("takes a connection of {peer}"));
                Line { stream, place: place.clone(), peer }
            });
            Some((line, (listener, place)))
        })
    }
}

impl Line {
    fn note(&self, way: &str, bytes: &[u8]) {
        let digest = Sha256::digest(bytes);
        let begin: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let (peer, length) = (&self.peer, bytes.len());
        let what = format_args!("{way} {peer} {length} bytes {begin}");
        self.place.trace.note(&self.place.name, what);
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.note("<-", &buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.note("->", &bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl Connected for Line {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}
