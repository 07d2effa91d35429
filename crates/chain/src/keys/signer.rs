//! Who signs for an account.

use std::fmt;

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::Encodable2718;
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256};
use tallystick_types::EvmSignature;

use crate::outbox::SignedTransaction;

/// Signs for one account. A key of this process answers at once; one behind a device may block.
pub trait EvmSigner: fmt::Debug + Send + Sync {
    /// The account.
    fn address(&self) -> Address;

    /// Signs 32 bytes as they are: r, s, v with v 27 or 28 and s in the lower half.
    fn sign_digest(&self, digest: B256) -> Result<EvmSignature, SignError>;

    /// Signs a transaction.
    fn sign_transaction(&self, transaction: TxEip1559) -> Result<SignedTransaction, SignError>;
}

/// Why nothing was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The key is not at hand.
    #[error("the key of {address} does not sign; unlock it or connect its device")]
    Locked {
        /// The account.
        address: Address,
    },
}

/// A key in the memory of this process.
#[derive(Clone)]
pub struct LocalKey(PrivateKeySigner);

impl LocalKey {
    /// A key that was read or made elsewhere.
    pub const fn new(signer: PrivateKeySigner) -> Self {
        Self(signer)
    }

    /// A key that lives as long as this process.
    pub fn random() -> Self {
        Self(PrivateKeySigner::random())
    }
}

impl EvmSigner for LocalKey {
    fn address(&self) -> Address {
        self.0.address()
    }

    fn sign_digest(&self, digest: B256) -> Result<EvmSignature, SignError> {
        let locked = SignError::Locked { address: self.address() };
        let signature = self.0.sign_hash_sync(&digest).map_err(|_| locked)?;
        Ok(EvmSignature::new(signature.normalized_s().as_bytes()))
    }

    fn sign_transaction(&self, transaction: TxEip1559) -> Result<SignedTransaction, SignError> {
        let locked = SignError::Locked { address: self.address() };
        let digest = transaction.signature_hash();
        let signature = self.0.sign_hash_sync(&digest).map_err(|_| locked)?;
        let signed = TxEnvelope::from(transaction.into_signed(signature));
        Ok(SignedTransaction { raw: signed.encoded_2718().into(), tx: *signed.tx_hash() })
    }
}

impl fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalKey").field(&self.0.address()).finish()
    }
}
