//! Judging a receipt without a network.

use std::io::{self, Read};

use sha2::{Digest, Sha256};
use tallystick_abi::{JobDomain, SignatureError, verify_attestations};
use tallystick_types::{
    Canonical, EncodingError, JobId, OutputDigest, ReceiptError, SignedReceipt, SpecificationDigest,
};

/// First bytes of a canonical receipt; anything else is read as JSON.
const KIND: &[u8] = b"TALLYRCT";

/// What only the chain that the anchor names can tell.
pub const ONLY_THE_CHAIN_KNOWS: [&str; 4] = [
    "whether these signers were assigned to the job, and are the keys of these nodes",
    "whether they are a quorum of those assigned",
    "whether the identity key is the primary's in the registry",
    "whether the job was challenged, settled and paid",
];

/// A receipt whose signatures hold. Nothing else makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    signed: SignedReceipt,
}

/// Which receipt somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Of this job.
    pub job: JobId,
    /// On this network.
    pub domain: JobDomain,
    /// Of this work, where it is known.
    pub specification: Option<SpecificationDigest>,
    /// With at least so many attestations.
    pub quorum: u8,
}

/// Why a receipt does not hold.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The bytes are no receipt.
    #[error("this is no receipt: {0}; give a receipt.json or its canonical bytes")]
    Encoding(EncodingError),
    /// The text is no receipt.
    #[error("this is no receipt; give a receipt.json or its canonical bytes")]
    Json(#[source] serde_json::Error),
    /// The node's own signature does not hold.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// An attestation does not hold.
    #[error("an attestation of the receipt is forged or damaged: {0}")]
    Attestation(#[from] SignatureError),
    /// It is of another job.
    #[error("this is the receipt of job {found}, not of {expected}; ask another coordinator")]
    OtherJob {
        /// That was waited for.
        expected: JobId,
        /// In the receipt.
        found: JobId,
    },
    /// It is of another network.
    #[error(
        "this is a receipt of chain {} and JobManager {}, not of chain {} and {}; ask another \
         coordinator", found.chain, found.job_manager, expected.chain, expected.job_manager
    )]
    OtherNetwork {
        /// That was waited for.
        expected: JobDomain,
        /// In the receipt.
        found: JobDomain,
    },
    /// It is of other work.
    #[error("this is a receipt for the specification {found}, not for {expected}")]
    OtherWork {
        /// That was ordered.
        expected: SpecificationDigest,
        /// In the receipt.
        found: SpecificationDigest,
    },
    /// Too few nodes signed.
    #[error("{found} nodes signed, {needed} were ordered; the receipt settles nothing")]
    NoQuorum {
        /// That were ordered.
        needed: u8,
        /// That signed.
        found: usize,
    },
    /// The output is another one.
    #[error("the output has the SHA-256 {found}, the receipt says {expected}; it is another one")]
    OtherOutput {
        /// In the receipt.
        expected: OutputDigest,
        /// Of the output.
        found: OutputDigest,
    },
    /// The output cannot be read.
    #[error("the output cannot be read; check the path and its permissions")]
    Output(#[source] io::Error),
}

/// Checks the signatures of a receipt, given as JSON or canonical bytes, without any network.
///
/// # Errors
///
/// [`VerifyError`] names what does not hold.
pub fn verify(receipt: &[u8]) -> Result<Verified, VerifyError> {
    let signed = if receipt.starts_with(KIND) {
        SignedReceipt::from_bytes(receipt).map_err(VerifyError::Encoding)?
    } else {
        serde_json::from_slice(receipt).map_err(VerifyError::Json)?
    };
    signed.verify()?;
    verify_attestations(&signed.receipt)?;
    Ok(Verified { signed })
}

impl Verified {
    /// The receipt.
    pub const fn signed(&self) -> &SignedReceipt {
        &self.signed
    }

    /// The network that it is of.
    pub const fn domain(&self) -> JobDomain {
        let anchor = &self.signed.receipt.anchor;
        JobDomain { chain: anchor.chain, job_manager: anchor.contract }
    }

    /// As JSON for people; [`verify`] takes it again.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(&self.signed).expect("every receipt is JSON")
    }

    /// Whether it is the receipt that somebody waits for.
    ///
    /// # Errors
    ///
    /// [`VerifyError`] names the difference.
    pub fn answers(&self, expected: &Expected) -> Result<(), VerifyError> {
        let receipt = &self.signed.receipt;
        if receipt.job != expected.job {
            return Err(VerifyError::OtherJob { expected: expected.job, found: receipt.job });
        }
        if self.domain() != expected.domain {
            let (expected, found) = (expected.domain, self.domain());
            return Err(VerifyError::OtherNetwork { expected, found });
        }
        if let Some(expected) = expected.specification
            && expected != receipt.specification
        {
            return Err(VerifyError::OtherWork { expected, found: receipt.specification });
        }
        let found = receipt.attestations.as_slice().len();
        if found < usize::from(expected.quorum) {
            return Err(VerifyError::NoQuorum { needed: expected.quorum, found });
        }
        Ok(())
    }

    /// Whether this is the output that it is about.
    ///
    /// # Errors
    ///
    /// [`VerifyError::OtherOutput`], or [`VerifyError::Output`] where it cannot be read.
    pub fn covers(&self, mut output: impl Read) -> Result<(), VerifyError> {
        let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
        loop {
            match output.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => hasher.update(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(VerifyError::Output(error)),
            }
        }
        let found = OutputDigest::new(hasher.finalize().into());
        let expected = self.signed.receipt.output;
        if found == expected { Ok(()) } else { Err(VerifyError::OtherOutput { expected, found }) }
    }
}
