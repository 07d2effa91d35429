//! The server's side of TLS: a certificate that is renewed while the node runs, and connections
//! that speak it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a machine that connects has until the line stands.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Handshakes at a time.
const MOST: usize = 256;
/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(10);
/// How long somebody without TLS has to take the answer.
const FAREWELL: Duration = Duration::from_secs(1);

/// First byte of a handshake.
const TLS: u8 = 0x16;
/// First bytes of HTTP/2, and so of gRPC.
const HTTP_2: &[u8] = b"PRI ";
/// To gRPC without TLS: empty settings, then GOAWAY with the code `INADEQUATE_SECURITY` and a
/// sentence of 34 bytes.
const NO_GRPC: &[u8] = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00\
    \x00\x00\x2a\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0c\
    this port speaks TLS: write https.";
/// To anybody else without TLS.
const NO_HTTP: &[u8] = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\
    Content-Length: 35\r\n\r\nthis port speaks TLS: write https.\n";

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("{} cannot be read; check the path in the section tls, and the owner", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file holds none.
    #[error("{} holds no certificate in PEM", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The file holds no key.
    #[error("{} holds no private key in PEM", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// They do not go together, or are of a kind that is not used.
    #[error("the certificate {} does not go with its key; make both anew", path.display())]
    Unfit {
        /// The file of the certificate.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
}

/// What is in the two files.
#[derive(Clone, PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// A certificate with its key, as the files have it now.
pub(crate) struct Certificate {
    paths: (PathBuf, PathBuf),
    config: Arc<ServerConfig>,
    /// What was read last, good or not.
    seen: Contents,
}

impl Certificate {
    /// Reads both files.
    pub(crate) fn read(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        let paths = (certificate.to_owned(), key.to_owned());
        let seen = Contents::read(&paths)?;
        Ok(Self { config: seen.config(&paths)?, paths, seen })
    }

    /// Takes what the files hold now, if it is new and good; connections that stand keep what they
    /// have. Files that are being replaced are looked at again.
    async fn renew(&mut self) {
        let paths = self.paths.clone();
        let Ok(read) = spawn_blocking(move || Contents::read(&paths)).await else { return };
        let renewed = match read {
            Ok(contents) if contents == self.seen => return,
            Ok(contents) => {
                let config = contents.config(&self.paths);
                self.seen = contents;
                config
            }
            Err(error) => Err(error),
        };
        match renewed {
            Ok(config) => {
                self.config = config;
                tracing::info!("node.tls.renewed");
            }
            Err(error) => tracing::warn!(%error, "node.tls.not_renewed"),
        }
    }
}

impl Contents {
    fn read((certificate, key): &(PathBuf, PathBuf)) -> Result<Self, CertificateError> {
        let read = |path: &PathBuf| {
            fs::read(path).map_err(|source| CertificateError::Read { path: path.clone(), source })
        };
        Ok(Self { certificate: read(certificate)?, key: read(key)? })
    }

    fn config(
        &self,
        (path, key_path): &(PathBuf, PathBuf),
    ) -> Result<Arc<ServerConfig>, CertificateError> {
        let no_certificate = || CertificateError::NoCertificate { path: path.clone() };
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<_, _>>()
            .map_err(|_| no_certificate())?;
        if chain.is_empty() {
            return Err(no_certificate());
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| CertificateError::NoKey { path: key_path.clone() })?;
        let unfit = |source| CertificateError::Unfit { path: path.clone(), source };
        let mut config = ServerConfig::builder_with_provider(tallystick_tls::provider())
            .with_safe_default_protocol_versions()
            .map_err(unfit)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(unfit)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Arc::new(config))
    }
}

/// Accepts connections for as long as somebody takes them, and hands on those that speak TLS.
pub(crate) async fn accept(
    listener: TcpListener,
    mut certificate: Certificate,
    lines: mpsc::Sender<io::Result<TlsStream<TcpStream>>>,
) {
    let mut handshakes = JoinSet::new();
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let stream = tokio::select! {
            () = lines.closed() => return,
            _ = looks.tick() => {
                certificate.renew().await;
                continue;
            }
            Some(_ended) = handshakes.join_next(), if !handshakes.is_empty() => continue,
            accepted = listener.accept(), if handshakes.len() < MOST => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // A client that is gone already, or no file left: neither ends the node.
                    tracing::warn!(%error, "node.tls.accept");
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let (acceptor, lines) = (TlsAcceptor::from(Arc::clone(&certificate.config)), lines.clone());
        handshakes.spawn(async move {
            match timeout(HANDSHAKE, begin(stream, acceptor)).await {
                Ok(Ok(Some(line))) => {
                    // The server is gone only when the node stops.
                    let _stopped = lines.send(Ok(line)).await;
                }
                Ok(Ok(None)) => tracing::debug!("node.tls.plaintext"),
                Ok(Err(error)) => tracing::debug!(%error, "node.tls.handshake"),
                Err(_) => tracing::debug!("node.tls.slow"),
            }
        });
    }
}

/// A line, or nothing where the other side does not speak TLS and was told.
async fn begin(
    mut stream: TcpStream,
    acceptor: TlsAcceptor,
) -> io::Result<Option<TlsStream<TcpStream>>> {
    stream.set_nodelay(true)?;
    let mut first = [0; HTTP_2.len()];
    let length = stream.peek(&mut first).await?;
    if length == 0 || first[0] == TLS {
        return acceptor.accept(stream).await.map(Some);
    }
    let answer = if HTTP_2.starts_with(&first[..length]) { NO_GRPC } else { NO_HTTP };
    stream.write_all(answer).await?;
    stream.shutdown().await?;
    // What is closed with something unread takes the answer with it.
    let mut rest = [0; 1024];
    let read = async {
        while stream.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    let _late = timeout(FAREWELL, read).await;
    Ok(None)
}

#[cfg(test)]
mod tests;
