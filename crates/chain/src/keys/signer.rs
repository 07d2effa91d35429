//! Who signs for an account.

use std::fmt;

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::Encodable2718;
use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256, Signature, U256};
use secp256k1::ecdsa::RecoveryId;
use secp256k1::{Message, SECP256K1, SecretKey};
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

/// A key in the memory of this process. It is overwritten when it goes, as far as its library can:
/// copies that the compiler made on the stack may stay.
#[derive(Clone)]
pub struct LocalKey {
    secret: SecretKey,
    address: Address,
}

impl LocalKey {
    /// A key that was read or made elsewhere.
    pub fn new(signer: &PrivateKeySigner) -> Self {
        let secret = SecretKey::from_byte_array(signer.to_bytes().0);
        let secret = secret.expect("both libraries have the same keys");
        Self { secret, address: signer.address() }
    }

    /// A key that lives as long as this process.
    pub fn random() -> Self {
        Self::new(&PrivateKeySigner::random())
    }

    /// The signature of a digest, with s in the lower half; by RFC 6979 always the same one.
    fn sign(&self, digest: B256) -> Signature {
        let message = Message::from_digest(digest.0);
        let signature = SECP256K1.sign_ecdsa_recoverable(message, &self.secret);
        let (parity, bytes) = signature.serialize_compact();
        let (r, s) = bytes.split_at(32);
        let odd = matches!(parity, RecoveryId::One | RecoveryId::Three);
        Signature::new(U256::from_be_slice(r), U256::from_be_slice(s), odd)
    }
}

impl EvmSigner for LocalKey {
    fn address(&self) -> Address {
        self.address
    }

    fn sign_digest(&self, digest: B256) -> Result<EvmSignature, SignError> {
        Ok(EvmSignature::new(self.sign(digest).as_bytes()))
    }

    fn sign_transaction(&self, transaction: TxEip1559) -> Result<SignedTransaction, SignError> {
        let signature = self.sign(transaction.signature_hash());
        let signed = TxEnvelope::from(transaction.into_signed(signature));
        Ok(SignedTransaction { raw: signed.encoded_2718().into(), tx: *signed.tx_hash() })
    }
}

impl Drop for LocalKey {
    fn drop(&mut self) {
        self.secret.non_secure_erase();
    }
}

impl fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalKey").field(&self.address).finish()
    }
}

#[cfg(test)]
mod tests {
    use alloy::signers::SignerSync;
    use proptest::prelude::*;
    use tallystick_abi::signer_of;

    use super::*;

    proptest! {
        #[test]
        fn it_signs_what_k256_signs(secret in any::<[u8; 32]>(), digest in any::<[u8; 32]>()) {
            let Ok(other) = PrivateKeySigner::from_slice(&secret) else { return Ok(()) };
            let (key, digest) = (LocalKey::new(&other), B256::new(digest));
            let expected = other.sign_hash_sync(&digest).unwrap().normalized_s().as_bytes();
            let signature = key.sign_digest(digest).unwrap();
            prop_assert_eq!(signature.as_bytes(), &expected);
            prop_assert_eq!(signer_of(digest, &signature), Ok(key.address()));
        }
    }
}
