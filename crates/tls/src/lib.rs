#![doc = include_str!("../README.md")]

mod authorities;
#[cfg(feature = "channel")]
mod channel;
#[cfg(feature = "channel")]
mod dial;
#[cfg(any(test, feature = "test-utils"))]
mod sample;
mod trouble;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};

pub use authorities::{Authorities, AuthoritiesError};
#[cfg(feature = "channel")]
pub use channel::{AddressError, is_local, line};
#[cfg(feature = "channel")]
pub use dial::{Dial, Dialled, Socket};
#[cfg(any(test, feature = "test-utils"))]
pub use sample::{SampleAuthority, SamplePair, Validity};
pub use trouble::Trouble;

/// The cryptography of every line. It is named wherever one is set up, so that nothing depends on
/// what else a program was built from.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Makes [`provider`] the one of this process, for HTTP clients that do not name theirs: without
/// one, each of them panics. It may be called again.
pub fn install_provider() {
    // An error means that the process has one.
    let _present = ring::default_provider().install_default();
}
