//! Calls and transactions by many keys, with refusals in words.

use std::time::Duration;

use alloy::network::{EthereumWallet, TransactionBuilder};
use alloy::providers::ext::AnvilApi;
use alloy::providers::{DynProvider, PendingTransactionError, Provider, ProviderBuilder};
use alloy::rpc::types::anvil::ReorgOptions;
use alloy::rpc::types::{Filter, Log, TransactionReceipt, TransactionRequest};
use alloy::signers::local::PrivateKeySigner;
use alloy::transports::TransportError;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolCall;
use tallystick_abi::{Revert, decode_error};
use tallystick_types::{ChainId, ChainTime};

/// Money for gas of one account: 10,000 of the chain's own coin.
const GAS_MONEY: u128 = 10_000 * 10_u128.pow(18);

/// How long an endpoint may take for an answer.
const ANSWER: Duration = Duration::from_secs(20);

/// How long a transaction may take until it is in a block. Local chains need a second at most.
const INCLUSION: Duration = Duration::from_secs(60);

/// A chain and the keys that act on it.
#[derive(Clone, Debug)]
pub struct Chain {
    provider: DynProvider,
    wallet: EthereumWallet,
    url: String,
}

/// Why a call or transaction did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The contract refused.
    #[error("refused: {revert}")]
    Refused {
        /// What it said.
        revert: Box<Revert>,
    },
    /// The endpoint did not answer, or not as an endpoint does.
    #[error("no usable answer from the chain's endpoint; look whether it runs")]
    Endpoint {
        /// Why.
        #[source]
        source: Box<TransportError>,
    },
    /// The address is no URL.
    #[error("{url} is no URL of an endpoint")]
    Url {
        /// What was given.
        url: String,
    },
    /// The transaction was sent and not seen in a block.
    #[error(
        "transaction {tx} was in no block within {} s; ask the chain before sending it again",
        INCLUSION.as_secs()
    )]
    Unseen {
        /// The transaction.
        tx: B256,
        /// Why.
        #[source]
        source: Box<PendingTransactionError>,
    },
    /// The answer is not what the call returns.
    #[error("the answer of {call} cannot be read; the contract is of another version")]
    Answer {
        /// The call.
        call: &'static str,
        /// Why.
        #[source]
        source: alloy_sol_types::Error,
    },
    /// The transaction was mined and failed.
    #[error("transaction {tx} failed in its block")]
    Failed {
        /// The transaction.
        tx: B256,
    },
}

impl From<TransportError> for CallError {
    fn from(source: TransportError) -> Self {
        let data = source.as_error_resp().and_then(|payload| payload.as_revert_data());
        match data {
            Some(data) => Self::Refused { revert: Box::new(decode_error(&data)) },
            None => Self::Endpoint { source: Box::new(source) },
        }
    }
}

impl Chain {
    /// A chain, seen through an endpoint, with the key that signs when no other is named.
    pub fn connect(url: &str, first: PrivateKeySigner) -> Result<Self, CallError> {
        Self::with_wallet(url, EthereumWallet::from(first))
    }

    fn with_wallet(url: &str, wallet: EthereumWallet) -> Result<Self, CallError> {
        let parsed = url.parse().map_err(|_| CallError::Url { url: url.to_owned() })?;
        // The client of this provider, and every later one of this process, names none of its own.
        tallystick_tls::install_provider();
        let http = reqwest::Client::builder()
            .timeout(ANSWER)
            .build()
            .map_err(|_| CallError::Url { url: url.to_owned() })?;
        let provider = ProviderBuilder::new()
            .with_simple_nonce_management()
            .wallet(wallet.clone())
            .connect_reqwest(http, parsed)
            .erased();
        Ok(Self { provider, wallet, url: url.to_owned() })
    }

    /// Lets another key act, too.
    pub fn add(&mut self, signer: PrivateKeySigner) -> Result<(), CallError> {
        self.wallet.register_signer(signer);
        *self = Self::with_wallet(&self.url, self.wallet.clone())?;
        Ok(())
    }

    /// A new key made from a name, with money for gas. For local chains only: anyone can make the
    /// same.
    pub async fn actor(&mut self, name: &str) -> Result<PrivateKeySigner, CallError> {
        let key = keccak256(format!("tallystick devnet: {name}"));
        let signer = PrivateKeySigner::from_bytes(&key)
            .expect("the hash of a name is a key with all but certainty");
        self.provider.anvil_set_balance(signer.address(), U256::from(GAS_MONEY)).await?;
        self.add(signer.clone())?;
        Ok(signer)
    }

    /// Asks a contract.
    pub async fn call<C: SolCall>(&self, to: Address, call: C) -> Result<C::Return, CallError> {
        let request = TransactionRequest::default().with_to(to).with_input(call.abi_encode());
        let answer = self.provider.call(request).await?;
        C::abi_decode_returns_validate(&answer)
            .map_err(|source| CallError::Answer { call: C::SIGNATURE, source })
    }

    /// Sends a transaction and waits for its block.
    pub async fn send<C: SolCall>(
        &self,
        from: Address,
        to: Address,
        call: C,
    ) -> Result<TransactionReceipt, CallError> {
        self.send_encoded(from, to, call.abi_encode().into()).await
    }

    /// The same with a call that is encoded already.
    pub async fn send_encoded(
        &self,
        from: Address,
        to: Address,
        call: Bytes,
    ) -> Result<TransactionReceipt, CallError> {
        let request = TransactionRequest::default().with_from(from).with_to(to).with_input(call);
        let pending = self.provider.send_transaction(request).await?;
        let tx = *pending.tx_hash();
        let receipt = pending
            .with_timeout(Some(INCLUSION))
            .get_receipt()
            .await
            .map_err(|source| CallError::Unseen { tx, source: Box::new(source) })?;
        if receipt.status() { Ok(receipt) } else { Err(CallError::Failed { tx }) }
    }

    /// The number of the chain behind the endpoint.
    pub async fn id(&self) -> Result<ChainId, CallError> {
        Ok(ChainId::new(self.provider.get_chain_id().await?))
    }

    /// The coins of an account, for gas.
    pub async fn coins(&self, account: Address) -> Result<U256, CallError> {
        Ok(self.provider.get_balance(account).await?)
    }

    /// keccak256 of an account's code.
    pub async fn code_hash(&self, account: Address) -> Result<B256, CallError> {
        Ok(keccak256(self.provider.get_code_at(account).await?))
    }

    /// One word of a contract's storage.
    pub async fn storage(&self, contract: Address, slot: U256) -> Result<U256, CallError> {
        Ok(self.provider.get_storage_at(contract, slot).await?)
    }

    /// The time of a block, by default the latest.
    pub async fn time(&self, block: Option<u64>) -> Result<ChainTime, CallError> {
        let block = block.map_or_else(Default::default, Into::into);
        let block = self.provider.get_block_by_number(block).await?;
        let seconds = block.map_or(0, |block| block.header.timestamp);
        Ok(ChainTime::new(seconds).unwrap_or(ChainTime::MAX))
    }

    /// Whether there is a block at a height.
    pub async fn has_block(&self, number: u64) -> Result<bool, CallError> {
        Ok(self.provider.get_block_by_number(number.into()).await?.is_some())
    }

    /// Makes a block every so many seconds, on a local chain, in place of one per transaction.
    pub async fn mine_every(&self, seconds: u64) -> Result<(), CallError> {
        self.provider.anvil_set_interval_mining(seconds).await?;
        Ok(())
    }

    /// Replaces the last blocks of a local chain by as many empty ones. Their transactions are
    /// gone: Anvil does not put them back into its pool, as a real node would.
    pub async fn reorganise(&self, depth: u64) -> Result<(), CallError> {
        let options = ReorgOptions { depth, tx_block_pairs: Vec::new() };
        self.provider.anvil_reorg(options).await?;
        Ok(())
    }

    /// Everything that a contract ever logged, in order.
    pub async fn logs(&self, contract: Address) -> Result<Vec<Log>, CallError> {
        Ok(self.provider.get_logs(&Filter::new().address(contract).from_block(0)).await?)
    }

    /// The height of the chain.
    pub async fn head(&self) -> Result<u64, CallError> {
        Ok(self.provider.get_block_number().await?)
    }

    /// Lets time pass on a local chain and makes a block.
    pub async fn pass(&self, seconds: u64) -> Result<(), CallError> {
        self.provider.anvil_increase_time(seconds).await?;
        self.mine().await
    }

    /// Makes a block on a local chain, beside those that it makes by itself.
    pub async fn mine(&self) -> Result<(), CallError> {
        self.provider.anvil_mine(Some(1), None).await?;
        Ok(())
    }
}
