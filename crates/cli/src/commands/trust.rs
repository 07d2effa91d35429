//! `tally trust`.

use std::path::PathBuf;

use alloy_primitives::Address;
use clap::Subcommand;
use serde_json::json;
use tallystick_chain::keys::IdentityFile;
use tallystick_sdk::Cursor;
use tallystick_sdk::client::page;
use tallystick_types::{NodeId, Seat};

use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;
use crate::terminal;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes a code by which one machine pairs with this client. It is used once and expires.
    /// Whoever claims it sees the input of private jobs: tell it to the machine's operator alone.
    Pair,
    /// Pairs a registered machine with the client that made a code. The machine's operator does it.
    Claim {
        /// The code.
        code: String,
        /// Number of the node in the registry.
        #[arg(long)]
        node: u64,
        /// Address whose signatures count for the node, as registered.
        #[arg(long, value_name = "ADDRESS")]
        signer: Address,
        /// File of the node's identity key.
        #[arg(long, value_name = "FILE")]
        identity: PathBuf,
    },
    /// Lists the machines that may see this account's private jobs; needs its key.
    List,
}

impl Command {
    pub(crate) async fn run(self, session: &Session, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Pair => {
                let made = session.client().await?.create_pairing().await?;
                terminal::tell(
                    "tell the code to the operator of one machine, who runs `tally trust claim`",
                );
                output.record(&json!({
                    "code": made.code.as_str(),
                    "expires_at_ms": made.expires_at_ms,
                }))?;
            }
            Self::Claim { code, node, signer, identity } => {
                let identity = IdentityFile::at(identity).load().map_err(Failure::usage)?;
                let seat = Seat { node: NodeId::new(node), signer };
                let client = session.reader().await?;
                let client = client.claim_pairing(&code, seat, &identity).await?;
                output.record(&json!({ "paired_with": client, "node": node }))?;
            }
            Self::List => {
                let client = session.client().await?;
                let (mut rows, mut after) = (Vec::new(), Cursor::default());
                loop {
                    let found = client.pairings(page(after)).await?;
                    rows.extend(found.pairings.iter().map(|pairing| {
                        json!({
                            "node": pairing.seat.node,
                            "signer": pairing.seat.signer,
                            "since_ms": pairing.since_ms,
                        })
                    }));
                    after = found.next;
                    if after.is_empty() {
                        break;
                    }
                }
                output.list("pairings", &["node", "signer", "since_ms"], &rows)?;
            }
        }
        Ok(())
    }
}
