//! A line between two processes that can be cut: bytes go through, wait, or the line breaks.
//!
//! Network namespaces ([`crate::machines`]) need root; this works everywhere, and what a process
//! sees of a cut line is the same: silence, until its own patience ends.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A line to one address. Dropping it breaks it.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    line: Arc<Line>,
    _serving: JoinSet<()>,
}

#[derive(Debug)]
struct Line {
    target: SocketAddr,
    cut: watch::Sender<bool>,
    short: watch::Sender<bool>,
    /// Grows when all connections are to end.
    broken: watch::Sender<u64>,
}

impl Relay {
    /// Opens a line on a free port of this machine, in the present runtime.
    pub fn open(target: SocketAddr) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let (cut, short) = (watch::Sender::new(false), watch::Sender::new(false));
        let line = Arc::new(Line { target, cut, short, broken: watch::Sender::new(0) });
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::clone(&line)));
        Ok(Self { address, line, _serving: serving })
    }

    /// Where it begins.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// While it is cut nothing comes through, and nobody is told. What was sent arrives afterwards.
    pub fn set_cut(&self, cut: bool) {
        self.line.cut.send_replace(cut);
    }

    /// While it is short all connections end, new ones as soon as their first bytes were sent.
    pub fn set_short(&self, short: bool) {
        self.line.short.send_replace(short);
    }

    /// Ends all connections.
    pub fn sever(&self) {
        self.line.broken.send_modify(|times| *times = times.wrapping_add(1));
    }
}

/// The next client. Meanwhile connections that are over are let go.
pub(crate) async fn next_stream(
    listener: &TcpListener,
    connections: &mut JoinSet<()>,
) -> TcpStream {
    loop {
        tokio::select! {
            Some(_ended) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => return stream,
                // No file is left, or the client is gone: both pass.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
        }
    }
}

async fn serve(listener: TcpListener, line: Arc<Line>) {
    let mut connections = JoinSet::new();
    loop {
        let stream = next_stream(&listener, &mut connections).await;
        let line = Arc::clone(&line);
        connections.spawn(async move {
            let (mut broken, mut short) = (line.broken.subscribe(), line.short.subscribe());
            if *short.borrow() {
                let _first_byte = stream.peek(&mut [0]).await;
                return;
            }
            tokio::select! {
                // Either way the connection is over, which is all that its ends see.
                _ended = connect(stream, &line) => {}
                _broken = broken.changed() => {}
                _short = short.wait_for(|short| *short) => {}
            }
        });
    }
}

async fn connect(near: TcpStream, line: &Line) -> io::Result<()> {
    whole(line).await?;
    let far = TcpStream::connect(line.target).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (from_near, to_near) = near.into_split();
    let (from_far, to_far) = far.into_split();
    tokio::try_join!(carry(from_near, to_far, line), carry(from_far, to_near, line))?;
    Ok(())
}

/// Carries bytes one way until the sender ends.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, line: &Line) -> io::Result<()> {
    let mut bytes = vec![0; 16 << 10];
    loop {
        let count = from.read(&mut bytes).await?;
        whole(line).await?;
        let Some(read) = bytes.get(..count).filter(|read| !read.is_empty()) else {
            return to.shutdown().await;
        };
        to.write_all(read).await?;
    }
}

/// Waits until the line is not cut.
async fn whole(line: &Line) -> io::Result<()> {
    let mut cut = line.cut.subscribe();
    cut.wait_for(|cut| !cut).await.map(drop).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that says again what it is told.
    async fn echo() -> (SocketAddr, JoinSet<()>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                connections.spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await.unwrap_or_default()
                });
            }
        });
        (address, serving)
    }

    async fn say(stream: &mut TcpStream, word: &[u8; 4]) -> Option<[u8; 4]> {
        stream.write_all(word).await.ok()?;
        hear(stream).await
    }

    async fn hear(stream: &mut TcpStream) -> Option<[u8; 4]> {
        let mut heard = [0; 4];
        let read = stream.read_exact(&mut heard);
        tokio::time::timeout(Duration::from_millis(300), read).await.ok()?.ok()?;
        Some(heard)
    }

    /// Whether a connection ends before anything is heard on it.
    async fn is_over(stream: &mut TcpStream) -> bool {
        let mut byte = [0];
        let read = tokio::time::timeout(Duration::from_millis(300), stream.read(&mut byte));
        read.await.is_ok_and(|read| read.unwrap_or(0) == 0)
    }

    #[tokio::test]
    async fn a_cut_line_is_silent_and_what_was_said_arrives_when_it_is_whole_again() {
        let (target, _server) = echo().await;
        let relay = Relay::open(target).unwrap();
        let mut stream = TcpStream::connect(relay.address()).await.unwrap();
        assert_eq!(say(&mut stream, b"here").await, Some(*b"here"));
        relay.set_cut(true);
        assert_eq!(say(&mut stream, b"more").await, None);
        let mut late = TcpStream::connect(relay.address()).await.unwrap();
        assert_eq!(say(&mut late, b"late").await, None);
        relay.set_cut(false);
        assert_eq!(hear(&mut stream).await, Some(*b"more"));
        assert_eq!(hear(&mut late).await, Some(*b"late"));
    }

    #[tokio::test]
    async fn a_severed_line_ends_its_connections_and_takes_new_ones() {
        let (target, _server) = echo().await;
        let relay = Relay::open(target).unwrap();
        let mut stream = TcpStream::connect(relay.address()).await.unwrap();
        assert_eq!(say(&mut stream, b"here").await, Some(*b"here"));
        relay.sever();
        assert!(is_over(&mut stream).await);
        let mut stream = TcpStream::connect(relay.address()).await.unwrap();
        assert_eq!(say(&mut stream, b"anew").await, Some(*b"anew"));
    }

    #[tokio::test]
    async fn connections_of_a_short_line_end_when_they_begin_to_speak() {
        let (target, _server) = echo().await;
        let relay = Relay::open(target).unwrap();
        let mut before = TcpStream::connect(relay.address()).await.unwrap();
        assert_eq!(say(&mut before, b"here").await, Some(*b"here"));
        relay.set_short(true);
        assert!(is_over(&mut before).await);
        let mut during = TcpStream::connect(relay.address()).await.unwrap();
        assert!(!is_over(&mut during).await, "it has not spoken yet");
        during.write_all(b"word").await.unwrap();
        assert!(is_over(&mut during).await);
        relay.set_short(false);
        let mut after = TcpStream::connect(relay.address()).await.unwrap();
        assert_eq!(say(&mut after, b"anew").await, Some(*b"anew"));
    }
}
