//! The client's own way to the chain: one account, one transaction at a time, each waited for.
//!
//! This is for people at a keyboard. Programs that must send exactly once through crashes use the
//! outbox of `tallystick-chain`.

mod escrow;
mod job;
mod node;
mod stake;

use std::sync::Arc;
use std::time::Duration;

use alloy::consensus::TxEip1559;
use alloy::network::TransactionBuilder;
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::rpc::types::{TransactionReceipt, TransactionRequest};
use alloy::transports::TransportError;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_sol_types::SolCall;
use tallystick_abi::contracts::ITallyToken;
use tallystick_abi::{Contract, Deployment, Revert, decode_error};
use tallystick_chain::keys::{EvmSigner, SignError};
use tallystick_tls::Authorities;
use tallystick_types::{Amount, ChainId};

pub use escrow::Escrow;
pub use job::{Settling, SettlingError};
pub use node::{NodeOnChain, Profile};
pub use stake::Stake;

/// Longest wait for one answer of the endpoint.
const ANSWER: Duration = Duration::from_secs(20);

/// Longest wait for a transaction to be seen in a block.
const INCLUSION: Duration = Duration::from_secs(180);

/// Between two looks for it.
const LOOK: Duration = Duration::from_millis(400);

/// Gas on top of what was estimated, in percent: states move between estimate and block.
const MARGIN: u64 = 20;

/// The contracts of the network behind an endpoint, and the account that acts on them.
#[derive(Clone, Debug)]
pub struct Chain {
    provider: DynProvider,
    deployment: Deployment,
    signer: Option<Arc<dyn EvmSigner>>,
}

/// Why a call or transaction did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The contract refuses.
    #[error("the contract refuses: {revert}")]
    Refused {
        /// What it says.
        revert: Box<Revert>,
    },
    /// The endpoint did not answer, or not as an endpoint does.
    #[error("no usable answer from the chain's endpoint; check --rpc and that it runs")]
    Endpoint {
        /// Why.
        #[source]
        source: Box<TransportError>,
    },
    /// The address is no URL, or no client can be made for it.
    #[error("{url} is no URL of an endpoint; write it as http://host:port or https://host")]
    Url {
        /// What was given.
        url: String,
    },
    /// The endpoint is of another chain.
    #[error("the endpoint serves chain {found}, the deployment record is of chain {expected}")]
    OtherChain {
        /// In the record.
        expected: ChainId,
        /// Of the endpoint.
        found: ChainId,
    },
    /// There is no key to sign with.
    #[error("a transaction needs a signature; name a key with --key or --key-file")]
    NoKey,
    /// The key does not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The answer is not what the call returns.
    #[error("the answer of {call} cannot be read; the contract is of another version")]
    Answer {
        /// The call.
        call: &'static str,
        /// Why.
        #[source]
        source: alloy_sol_types::Error,
    },
    /// The transaction is in a block and failed.
    #[error("transaction {tx} is in a block and failed; look it up to see why")]
    Failed {
        /// The transaction.
        tx: B256,
    },
    /// The transaction was sent and not seen.
    #[error(
        "transaction {tx} was sent and not seen in a block within {} s; it may still come: look \
         it up before you send it again", INCLUSION.as_secs()
    )]
    Unseen {
        /// The transaction.
        tx: B256,
    },
}

impl From<TransportError> for ChainError {
    fn from(source: TransportError) -> Self {
        let data = source.as_error_resp().and_then(|payload| payload.as_revert_data());
        match data {
            Some(data) => Self::Refused { revert: Box::new(decode_error(&data)) },
            None => Self::Endpoint { source: Box::new(source) },
        }
    }
}

impl Chain {
    /// Connects and compares the chain with the record of its contracts. By https the public
    /// authorities are believed.
    ///
    /// # Errors
    ///
    /// [`ChainError`].
    pub async fn connect(
        url: &str,
        deployment: Deployment,
        signer: Option<Arc<dyn EvmSigner>>,
    ) -> Result<Self, ChainError> {
        Self::believing(url, &Authorities::default(), deployment, signer).await
    }

    /// As [`Chain::connect`], believing other authorities.
    ///
    /// # Errors
    ///
    /// [`ChainError`].
    pub async fn believing(
        url: &str,
        authorities: &Authorities,
        deployment: Deployment,
        signer: Option<Arc<dyn EvmSigner>>,
    ) -> Result<Self, ChainError> {
        let no_url = || ChainError::Url { url: url.to_owned() };
        let parsed: reqwest::Url = url.parse().map_err(|_| no_url())?;
        let http = reqwest::Client::builder()
            .timeout(ANSWER)
            .tls_backend_preconfigured(authorities.client_config())
            .build()
            .map_err(|_| no_url())?;
        let provider = ProviderBuilder::new()
            .disable_recommended_fillers()
            .connect_reqwest(http, parsed)
            .erased();
        Self::through(provider, deployment, signer).await
    }

    /// As [`Chain::connect`], through a provider of the caller's. It has to be without fillers:
    /// nonces and fees are set here.
    ///
    /// # Errors
    ///
    /// [`ChainError`].
    pub async fn through(
        provider: DynProvider,
        deployment: Deployment,
        signer: Option<Arc<dyn EvmSigner>>,
    ) -> Result<Self, ChainError> {
        let found = ChainId::new(provider.get_chain_id().await?);
        let expected = deployment.chain_id;
        if found == expected {
            Ok(Self { provider, deployment, signer })
        } else {
            Err(ChainError::OtherChain { expected, found })
        }
    }

    /// The record of the contracts.
    pub const fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// The account that acts.
    ///
    /// # Errors
    ///
    /// [`ChainError::NoKey`].
    pub fn account(&self) -> Result<Address, ChainError> {
        self.signer.as_ref().map(|signer| signer.address()).ok_or(ChainError::NoKey)
    }

    /// The token that stakes are in, and jobs unless another one is named.
    pub fn tally_token(&self) -> Address {
        self.at(Contract::TallyToken)
    }

    /// The chain's own coins of an account, in wei, for gas.
    ///
    /// # Errors
    ///
    /// [`ChainError`].
    pub async fn coins(&self, account: Address) -> Result<U256, ChainError> {
        Ok(self.provider.get_balance(account).await?)
    }

    /// Symbol and decimal places of a token.
    ///
    /// # Errors
    ///
    /// [`ChainError`].
    pub async fn token(&self, token: Address) -> Result<(String, u8), ChainError> {
        let symbol = self.call(token, ITallyToken::symbolCall {}).await?;
        Ok((symbol, self.call(token, ITallyToken::decimalsCall {}).await?))
    }

    fn at(&self, contract: Contract) -> Address {
        self.deployment.address(contract)
    }

    /// Asks a contract.
    async fn call<C: SolCall>(&self, to: Address, call: C) -> Result<C::Return, ChainError> {
        let request = TransactionRequest::default().with_to(to).with_input(call.abi_encode());
        let answer = self.provider.call(request).await?;
        C::abi_decode_returns_validate(&answer)
            .map_err(|source| ChainError::Answer { call: C::SIGNATURE, source })
    }

    /// Sends a transaction and waits until it is in a block. What would be refused is not sent.
    async fn send<C: SolCall>(
        &self,
        to: Address,
        call: C,
    ) -> Result<TransactionReceipt, ChainError> {
        let signer = self.signer.as_ref().ok_or(ChainError::NoKey)?;
        let from = signer.address();
        let input = Bytes::from(call.abi_encode());
        let request =
            TransactionRequest::default().with_from(from).with_to(to).with_input(input.clone());
        let gas = self.provider.estimate_gas(request).await?;
        let fees = self.provider.estimate_eip1559_fees().await?;
        let transaction = TxEip1559 {
            chain_id: self.deployment.chain_id.get(),
            nonce: self.provider.get_transaction_count(from).pending().await?,
            gas_limit: gas.saturating_add(gas / 100 * MARGIN),
            max_fee_per_gas: fees.max_fee_per_gas,
            max_priority_fee_per_gas: fees.max_priority_fee_per_gas,
            to: TxKind::Call(to),
            value: U256::ZERO,
            access_list: Default::default(),
            input,
        };
        let signed = signer.sign_transaction(transaction)?;
        let _ = self.provider.send_raw_transaction(&signed.raw).await?;
        fail::fail_point!("client.transaction.sent");
        self.included(signed.tx).await
    }

    /// Waits for a transaction to be in a block.
    async fn included(&self, tx: B256) -> Result<TransactionReceipt, ChainError> {
        let look = async {
            loop {
                // An endpoint that is silent for a moment says nothing about the transaction.
                if let Ok(Some(receipt)) = self.provider.get_transaction_receipt(tx).await {
                    return receipt;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let receipt = tokio::time::timeout(INCLUSION, look).await;
        let receipt = receipt.map_err(|_| ChainError::Unseen { tx })?;
        if receipt.status() { Ok(receipt) } else { Err(ChainError::Failed { tx }) }
    }

    /// Lets a contract take an amount of a token, where it may not already.
    async fn allow(
        &self,
        token: Address,
        spender: Address,
        amount: Amount,
    ) -> Result<(), ChainError> {
        let owner = self.account()?;
        let allowed = self.call(token, ITallyToken::allowanceCall { owner, spender }).await?;
        let value = U256::from(amount.get());
        if allowed < value {
            self.send(token, ITallyToken::approveCall { spender, value }).await?;
        }
        Ok(())
    }
}

/// The hash of a transaction that did what it was to do.
fn done(receipt: &TransactionReceipt) -> B256 {
    receipt.transaction_hash
}
