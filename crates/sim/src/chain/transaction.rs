//! Signed transactions, decoded once.

use std::sync::Arc;

use alloy::consensus::transaction::SignerRecoverable;
use alloy::consensus::{Transaction as _, TxEip1559, TxEnvelope, TxType};
use alloy::eips::{Decodable2718, Encodable2718};
use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use revm::context::TxEnv;
use tallystick_chain::keys::{EvmSigner, LocalKey};
use tallystick_chain::outbox::SignedTransaction;

/// A transaction whose signer is known.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Its name.
    pub hash: B256,
    /// Who signed it.
    pub from: Address,
    /// Its place among the signer's transactions.
    pub nonce: u64,
    /// Whom it calls, or that it creates a contract.
    pub to: TxKind,
    /// What it calls with.
    pub data: Bytes,
    /// Wei that go along.
    pub value: U256,
    /// Most gas that it may use.
    pub gas: u64,
    /// Most wei it pays for a unit of gas.
    pub fee_cap: u128,
    /// Most wei of these that the miner gets.
    pub tip_cap: u128,
    /// The chain it was signed for; nothing where it is good for any.
    pub chain: Option<u64>,
    /// As the chain takes it.
    pub raw: Bytes,
    kind: TxType,
}

/// What a transaction is to do, and what it offers for that.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Whom it calls, or that it creates a contract.
    pub to: TxKind,
    /// What it calls with.
    pub data: Bytes,
    /// Wei that go along.
    pub value: U256,
    /// Most gas that it may use.
    pub gas: u64,
    /// Most wei it pays for a unit of gas.
    pub fee_cap: u128,
    /// Most wei of these that the miner gets.
    pub tip_cap: u128,
}

impl Signed {
    /// Reads signed bytes; nothing where they are no transaction of a kind that is simulated, or
    /// nobody signed them. Finding the signer is what costs time.
    pub fn decode(raw: &[u8]) -> Option<Arc<Self>> {
        let (envelope, kind) = envelope_of(raw)?;
        let from = envelope.recover_signer().ok()?;
        Some(Arc::new(Self::of_envelope(&envelope, from, kind)))
    }

    /// Reads bytes that the caller saw this account sign.
    pub fn decode_from(raw: &[u8], from: Address) -> Option<Arc<Self>> {
        let (envelope, kind) = envelope_of(raw)?;
        Some(Arc::new(Self::of_envelope(&envelope, from, kind)))
    }

    /// Signs a wish.
    pub fn of_wish(wish: &Wish, chain: u64, nonce: u64, key: &PrivateKeySigner) -> Arc<Self> {
        let transaction = TxEip1559 {
            chain_id: chain,
            nonce,
            gas_limit: wish.gas,
            max_fee_per_gas: wish.fee_cap,
            max_priority_fee_per_gas: wish.tip_cap,
            to: wish.to,
            value: wish.value,
            access_list: Default::default(),
            input: wish.data.clone(),
        };
        let signed = LocalKey::new(key).sign_transaction(transaction);
        let SignedTransaction { raw, .. } = signed.expect("a key in memory signs everything");
        let (envelope, kind) = envelope_of(&raw).expect("what was signed a moment ago");
        Arc::new(Self::of_envelope(&envelope, key.address(), kind))
    }

    fn of_envelope(envelope: &TxEnvelope, from: Address, kind: TxType) -> Self {
        let fee_cap = envelope.max_fee_per_gas();
        Self {
            hash: *envelope.hash(),
            from,
            nonce: envelope.nonce(),
            to: envelope.kind(),
            data: envelope.input().clone(),
            value: envelope.value(),
            gas: envelope.gas_limit(),
            fee_cap,
            tip_cap: envelope.max_priority_fee_per_gas().unwrap_or(fee_cap),
            chain: envelope.chain_id(),
            raw: envelope.encoded_2718().into(),
            kind,
        }
    }

    /// Wei of a unit of gas that the miner gets, where it can be in a block of this base fee.
    pub fn tip_at(&self, base_fee: u128) -> Option<u128> {
        self.fee_cap.checked_sub(base_fee).map(|rest| rest.min(self.tip_cap))
    }

    /// Most that it can cost.
    pub fn most(&self) -> U256 {
        let fees = U256::from(self.gas).saturating_mul(U256::from(self.fee_cap));
        fees.saturating_add(self.value)
    }

    pub(super) const fn kind(&self) -> TxType {
        self.kind
    }

    pub(super) fn environment(&self) -> TxEnv {
        let priced = self.kind == TxType::Eip1559;
        TxEnv {
            tx_type: self.kind as u8,
            caller: self.from,
            gas_limit: self.gas,
            gas_price: self.fee_cap,
            gas_priority_fee: priced.then_some(self.tip_cap),
            kind: self.to,
            value: self.value,
            data: self.data.clone(),
            nonce: self.nonce,
            chain_id: self.chain,
            ..TxEnv::default()
        }
    }
}

fn envelope_of(raw: &[u8]) -> Option<(TxEnvelope, TxType)> {
    let envelope = TxEnvelope::decode_2718_exact(raw).ok()?;
    let kind = envelope.tx_type();
    matches!(kind, TxType::Legacy | TxType::Eip1559).then_some((envelope, kind))
}
