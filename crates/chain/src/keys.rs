//! Keys: encrypted on the disk, behind a trait in memory, and never used for two answers.
//!
//! Neither passwords nor keys appear in `Debug`, in errors or in files that others can read.

mod file;
mod identity;
mod keystore;
pub mod protection;
mod signer;

pub use identity::{IdentityError, IdentityFile};
pub use keystore::{KeystoreError, Keystores, Listed, Password};
pub use signer::{EvmSigner, LocalKey, SignError};
