//! What a command works with: settings, and connections that are made when they are needed.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::Address;
use tallystick_abi::Deployment;
use tallystick_chain::keys::EvmSigner;
use tallystick_sdk::chain::Chain;
use tallystick_sdk::client::Authorities;
use tallystick_sdk::{Client, ClientConfig};
use tallystick_types::JobId;

use crate::amounts::Unit;
use crate::configuration::{Configuration, Flags};
use crate::failure::Failure;
use crate::{keys, records};

/// One invocation.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) configuration: Configuration,
}

impl Session {
    pub(crate) fn new(flags: Flags) -> Result<Self, Failure> {
        let configuration = Configuration::load(&flags).map_err(Failure::usage)?;
        Ok(Self { configuration })
    }

    /// The record of the contracts, where the settings name a folder.
    pub(crate) fn deployment(&self) -> Result<Option<Deployment>, Failure> {
        let (folder, chain) = (&self.configuration.deployments, self.configuration.chain.value);
        folder.value.as_deref().map(|folder| records::read(folder, chain)).transpose()
    }

    /// Whose certificates are believed.
    fn authorities(&self) -> Result<Authorities, Failure> {
        match &self.configuration.authorities.value {
            Some(path) => Authorities::with_file(path).map_err(Failure::usage),
            None => Ok(Authorities::default()),
        }
    }

    fn client_config(&self) -> Result<ClientConfig, Failure> {
        Ok(ClientConfig {
            coordinators: self.configuration.coordinators.value.clone(),
            deployment: self.deployment()?,
            authorities: self.authorities()?,
            time_limit: Duration::from_secs(self.configuration.time_limit_seconds.value.max(1)),
            ..ClientConfig::new(String::new())
        })
    }

    /// A client that can ask.
    pub(crate) async fn reader(&self) -> Result<Client, Failure> {
        Ok(Client::connect(&self.client_config()?, None).await?)
    }

    /// A client that can sign. The network is asked first, so that nobody types a password in vain.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        self.reader().await?;
        Ok(Client::connect(&self.client_config()?, Some(self.signer()?)).await?)
    }

    /// A client that can read a job: with the key where the job is private.
    pub(crate) async fn reader_of(&self, job: JobId) -> Result<Client, Failure> {
        let reader = self.reader().await?;
        if reader.status(job).await?.private { self.client().await } else { Ok(reader) }
    }

    /// The key that signs.
    pub(crate) fn signer(&self) -> Result<Arc<dyn EvmSigner>, Failure> {
        keys::signer(&self.configuration)?.ok_or_else(|| {
            Failure::misused(
                "this needs a signature; name a key with --key ADDRESS or --key-file, and make \
                 one with `tally key new`",
            )
        })
    }

    /// Whose affairs these are, without unlocking anything.
    pub(crate) fn address(&self, named: Option<Address>) -> Result<Address, Failure> {
        named.or(self.configuration.key.value).ok_or_else(|| {
            Failure::misused("say whose: name an account with --key or as an argument")
        })
    }

    /// The chain, to ask.
    pub(crate) async fn chain_reader(&self) -> Result<Chain, Failure> {
        self.connect_chain(None).await
    }

    /// The chain, to act on. It is asked first, so that nobody types a password in vain.
    pub(crate) async fn chain(&self) -> Result<Chain, Failure> {
        self.chain_reader().await?;
        self.connect_chain(Some(self.signer()?)).await
    }

    async fn connect_chain(&self, signer: Option<Arc<dyn EvmSigner>>) -> Result<Chain, Failure> {
        let rpc = self.configuration.rpc.value.as_deref();
        let rpc = rpc.ok_or_else(|| {
            Failure::misused("no endpoint of the chain is named; give --rpc or TALLY_RPC")
        })?;
        let deployment = self.deployment()?.ok_or_else(|| {
            Failure::misused(
                "no deployment record is named; give --deployments or TALLY_DEPLOYMENTS",
            )
        })?;
        Ok(Chain::believing(rpc, &self.authorities()?, deployment, signer).await?)
    }

    /// The token to pay in, as the network names it; the first one unless the settings say so.
    pub(crate) async fn network_token(&self, client: &Client) -> Result<Unit, Failure> {
        let network = client.network().await?;
        let wanted = self.configuration.token.value.as_deref();
        let found = network.tokens.iter().find(|token| match wanted {
            Some(wanted) => {
                token.symbol.eq_ignore_ascii_case(wanted) || wanted.parse() == Ok(token.address)
            }
            None => true,
        });
        let token = found.ok_or_else(|| {
            let names: Vec<_> = network.tokens.iter().map(|token| &*token.symbol).collect();
            Failure::misused(format!("the network takes {} only; name one", names.join(", ")))
        })?;
        Ok(Unit {
            address: token.address,
            symbol: token.symbol.to_string(),
            decimals: token.decimals,
        })
    }

    /// The token of chain commands: the one of the settings, by address, or TLY.
    pub(crate) async fn chain_token(&self, chain: &Chain) -> Result<Unit, Failure> {
        let wanted = self.configuration.token.value.as_deref();
        let address = match wanted {
            None => chain.tally_token(),
            Some(wanted) => match wanted.parse() {
                Ok(address) => address,
                Err(_) if wanted.eq_ignore_ascii_case("TLY") => chain.tally_token(),
                Err(_) => {
                    return Err(Failure::misused(format!(
                        "the chain knows no token by the name {wanted:?}; give its address"
                    )));
                }
            },
        };
        self.unit(chain, address).await
    }

    /// A token as its contract describes it.
    pub(crate) async fn unit(&self, chain: &Chain, address: Address) -> Result<Unit, Failure> {
        let (symbol, decimals) = chain.token(address).await?;
        Ok(Unit { address, symbol, decimals })
    }
}
