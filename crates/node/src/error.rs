//! Why a node does not start, or stopped.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use alloy_primitives::Address;
use tallystick_abi::DeploymentError;
use tallystick_archive::ArchiveError;
use tallystick_blobs::OpenError;
use tallystick_chain::endpoint::EndpointError;
use tallystick_chain::follow::FollowError;
use tallystick_chain::ingest::IngestError;
use tallystick_chain::keys::protection::ProtectionError;
use tallystick_chain::keys::{IdentityError, KeystoreError};
use tallystick_chain::outbox::RunError;
use tallystick_coordinator::CoordinatorError;
use tallystick_journal::JournalError;
use tallystick_ports::DiskFull;
use tallystick_sandbox::wasm::SandboxError;
use tallystick_settlement::SettlementError;
use tallystick_tls::{AddressError, AuthoritiesError};
use tallystick_worker::SetupError;

use crate::config::ConfigError;
use crate::tasks::TaskError;
use crate::tls::CertificateError;

/// Why a node does not start, or stopped.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the variants are the rooms, whose errors speak for themselves")]
pub enum NodeError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Deployment(#[from] DeploymentError),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error(transparent)]
    Authorities(#[from] AuthoritiesError),
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Protection(#[from] ProtectionError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Ingest(#[from] IngestError),
    #[error(transparent)]
    Follow(#[from] FollowError),
    #[error(transparent)]
    Outbox(#[from] RunError),
    #[error(transparent)]
    Blobs(#[from] OpenError),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    #[error(transparent)]
    Coordinator(#[from] CoordinatorError),
    #[error(transparent)]
    Worker(#[from] SetupError),
    #[error(transparent)]
    Settlement(#[from] SettlementError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Task(#[from] TaskError),
    /// Another node has the folder.
    #[error("{} is in use by another node; stop it or use another folder", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// A file or folder of the node cannot be used.
    #[error("{} cannot be used; look at its folder and its owner", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address}; stop what does, or set another address")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A coordinator has to be registered, so that nodes know whom they work for.
    #[error("{signer} signs for no registered node; register it with `tally node register`")]
    NotRegistered {
        /// The account.
        signer: Address,
    },
    /// The registry has another identity key for this node.
    #[error("the registry has another identity key for the node of {signer}; restore the file")]
    OtherIdentity {
        /// The account.
        signer: Address,
    },
}

impl NodeError {
    /// How the process ends: 78 where the configuration is to be mended, 75 where another process,
    /// a full disk or the system stands in the way and a later try may succeed, 77 for keys, 1 for
    /// the rest.
    pub fn exit_code(&self) -> u8 {
        match self {
            _ if self.is_disk_full() => 75,
            Self::Config(_)
            | Self::Deployment(_)
            | Self::Endpoint(_)
            | Self::Certificate(_)
            | Self::Authorities(_)
            | Self::Address(_)
            | Self::Worker(_) => 78,
            Self::Keystore(_)
            | Self::Identity(_)
            | Self::Protection(_)
            | Self::NotRegistered { .. }
            | Self::OtherIdentity { .. } => 77,
            Self::Locked { .. } | Self::Listen { .. } | Self::File { .. } => 75,
            Self::Journal(_)
            | Self::Ingest(_)
            | Self::Follow(_)
            | Self::Outbox(_)
            | Self::Blobs(_)
            | Self::Sandbox(_)
            | Self::Coordinator(_)
            | Self::Settlement(_)
            | Self::Archive(_)
            | Self::Task(_) => 1,
        }
    }

    /// Whether the node ended because a disk has no room: nothing that was promised is lost, and
    /// it goes on when it is started again with room.
    pub fn is_disk_full(&self) -> bool {
        let first: &(dyn Error + 'static) = self;
        std::iter::successors(Some(first), |error| (*error).source()).any(|error| {
            let system = error.downcast_ref::<io::Error>().map(io::Error::kind);
            let full = system.is_some_and(|kind| {
                use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
                matches!(kind, StorageFull | QuotaExceeded | FileTooLarge)
            });
            full || error.is::<DiskFull>()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tallystick_ports::StoreError;

    fn ended(source: impl Error + Send + Sync + 'static) -> NodeError {
        TaskError::Failed { task: "coordinator", source: Box::new(source) }.into()
    }

    #[test]
    fn a_full_disk_is_told_from_other_failures_however_deep_it_lies() {
        let path = PathBuf::from("data/journal");
        let journal = || JournalError::NoSpace { path: path.clone(), source: DiskFull };
        let system = || io::Error::from(io::ErrorKind::StorageFull);
        let full = [
            NodeError::Journal(journal()),
            ended(CoordinatorError::Journal(journal())),
            ended(StoreError::NoSpace(DiskFull)),
            NodeError::File { path: path.clone(), source: system() },
            ended(system()),
        ];
        for error in full {
            assert!(error.is_disk_full(), "{error:?}");
            assert_eq!(error.exit_code(), 75);
        }
        let other = ended(CoordinatorError::Desk);
        assert!(!other.is_disk_full());
        assert_eq!(other.exit_code(), 1);
        let words = CoordinatorError::Journal(journal()).to_string();
        assert_eq!(
            words,
            "no space is left for data/journal; free some and start again, nothing was lost"
        );
    }
}
