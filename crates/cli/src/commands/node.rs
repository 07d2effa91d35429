//! `tally node`.

mod host;

pub(crate) use host::checked;

use std::path::PathBuf;

use alloy_primitives::Address;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use tallystick_chain::keys::{EvmSigner, IdentityFile};
use tallystick_sdk::Cursor;
use tallystick_sdk::chain::Profile;
use tallystick_sdk::client::page;
use tallystick_types::NodeId;

use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;
use crate::{keys, words};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Registry(Registry),
    #[command(flatten)]
    Host(host::Command),
}

/// What is known of machines.
#[derive(Debug, Subcommand)]
pub(crate) enum Registry {
    /// Registers a machine of this account.
    Register(Register),
    /// Shows a machine as the registry has it.
    Status {
        /// Number of the node.
        node: u64,
    },
    /// Lists the machines that the coordinator knows.
    List,
    /// Takes a machine of this account out for good.
    Retire {
        /// Number of the node.
        node: u64,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Register {
    /// Address of the keystore whose key will sign for the machine; another than the operator's.
    #[arg(long, value_name = "ADDRESS")]
    signer: Address,
    /// File of the machine's identity key; made where there is none.
    #[arg(long, value_name = "FILE")]
    identity: PathBuf,
    /// What it does.
    #[arg(long, value_delimiter = ',', default_value = "worker")]
    roles: Vec<Role>,
    /// Number of its region.
    #[arg(long, default_value_t = 0)]
    region: u16,
    /// Where more is written about it.
    #[arg(long, default_value = "", value_name = "URL")]
    metadata: String,
}

/// What a machine does, with the bits of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Role {
    Worker = 1,
    Coordinator = 2,
    Archive = 4,
    Relay = 8,
    Settler = 16,
}

impl Registry {
    pub(crate) async fn run(self, session: &Session, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Register(register) => register.run(session, output).await,
            Self::Status { node } => {
                let chain = session.chain_reader().await?;
                let found = chain.node(NodeId::new(node)).await?;
                Ok(output.record(&json!({
                    "node": found.node,
                    "status": found.status,
                    "operator": found.operator,
                    "signer": found.signer,
                    "identity": found.profile.identity,
                    "roles": roles(found.profile.roles),
                    "region": found.profile.region,
                    "vetted": found.vetted,
                    "frozen": found.frozen,
                    "metadata": found.profile.metadata,
                }))?)
            }
            Self::List => {
                let client = session.reader().await?;
                let (mut rows, mut after) = (Vec::new(), Cursor::default());
                loop {
                    let found = client.nodes(page(after)).await?;
                    rows.extend(found.nodes.iter().map(words::node));
                    after = found.next;
                    if after.is_empty() {
                        break;
                    }
                }
                let fields = ["node", "signer", "online", "tier", "load_percent", "stake"];
                Ok(output.list("nodes", &fields, &rows)?)
            }
            Self::Retire { node } => {
                let tx = session.chain().await?.retire_node(NodeId::new(node)).await?;
                Ok(output.record(&json!({ "node": node, "transaction": tx }))?)
            }
        }
    }
}

impl Register {
    async fn run(self, session: &Session, output: &Output) -> Result<(), Failure> {
        let chain = session.chain().await?;
        let signer = keys::unlock(&session.configuration.keystore.value, self.signer)?;
        let file = IdentityFile::at(&self.identity);
        let identity = if self.identity.exists() { file.load() } else { file.create() };
        let identity = IdentityFile::public(&identity.map_err(Failure::failed)?);
        let profile = Profile {
            identity,
            peer: Vec::new(),
            roles: self.roles.iter().fold(0, |bits, role| bits | *role as u8),
            region: self.region,
            metadata: self.metadata,
        };
        let node = chain.register_node(&signer, profile).await?;
        Ok(output.record(&json!({
            "node": node,
            "operator": chain.account()?,
            "signer": signer.address(),
            "identity": identity,
            "identity_file": self.identity,
        }))?)
    }
}

/// The roles of a node in words.
fn roles(bits: u8) -> Vec<String> {
    let held = Role::value_variants().iter().filter(|role| bits & **role as u8 != 0);
    held.map(words::member).collect()
}
