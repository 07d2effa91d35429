//! How a line comes about: through the sockets of this machine, or through somebody's own.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::transport::{Channel, Endpoint, Error, Uri};
use tower::service_fn;

/// A connection.
pub trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

/// A connection that is being made.
pub type Dialled = Pin<Box<dyn Future<Output = io::Result<Box<dyn Socket>>> + Send>>;

/// Connects lines. Unless told otherwise, through the sockets of this machine.
#[derive(Clone, Default)]
pub struct Dial(Option<Arc<dyn Fn(Uri) -> Dialled + Send + Sync>>);

impl Dial {
    /// Connects through somebody's own sockets, such as those of a simulated network. They are as
    /// they are: nothing is encrypted on them.
    pub fn by(connect: impl Fn(Uri) -> Dialled + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(connect)))
    }

    /// Connects a line.
    ///
    /// # Errors
    ///
    /// Where nobody answers at its address.
    pub async fn connect(&self, line: &Endpoint) -> Result<Channel, Error> {
        match self.0.clone() {
            None => line.connect().await,
            Some(by) => line.connect_with_connector(service_fn(move |uri| open(by(uri)))).await,
        }
    }

    /// Connects a line when it is first used, and again whenever it broke.
    pub fn connect_lazy(&self, line: &Endpoint) -> Channel {
        match self.0.clone() {
            None => line.connect_lazy(),
            Some(by) => line.connect_with_connector_lazy(service_fn(move |uri| open(by(uri)))),
        }
    }
}

async fn open(dialled: Dialled) -> io::Result<TokioIo<Box<dyn Socket>>> {
    dialled.await.map(TokioIo::new)
}

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Dial(own)" } else { "Dial" })
    }
}
