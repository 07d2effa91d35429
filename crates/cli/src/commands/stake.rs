//! `tally stake`.

use clap::Subcommand;
use serde_json::json;
use tallystick_sdk::chain::Chain;
use tallystick_types::NodeId;

use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Puts TLY behind a node; it counts once it is old enough and activated.
    Add {
        /// Number of the node.
        node: u64,
        /// How many TLY, such as 1000.
        amount: String,
    },
    /// Makes a deposit count.
    Activate {
        /// Number of the node.
        node: u64,
    },
    /// Begins to take stake out; it thaws for a while and can be slashed until then.
    Remove {
        /// Number of the node.
        node: u64,
        /// Shares of the node's pool; all of them unless said.
        #[arg(long)]
        shares: Option<u128>,
    },
    /// Takes out what has thawed.
    Withdraw {
        /// Number of the node.
        node: u64,
    },
}

impl Command {
    pub(crate) async fn run(self, session: &Session, output: &Output) -> Result<(), Failure> {
        let chain = session.chain().await?;
        let tally = session.unit(&chain, chain.tally_token()).await?;
        let (node, tx) = match self {
            Self::Add { node, amount } => {
                let node = NodeId::new(node);
                (node, chain.stake(node, tally.read(&amount)?).await?)
            }
            Self::Activate { node } => {
                let node = NodeId::new(node);
                (node, chain.activate_stake(node).await?)
            }
            Self::Remove { node, shares } => {
                let node = NodeId::new(node);
                let shares = match shares {
                    Some(shares) => shares,
                    None => position(&chain, node).await?.shares,
                };
                (node, chain.unstake(node, shares).await?)
            }
            Self::Withdraw { node } => {
                let node = NodeId::new(node);
                (node, chain.withdraw_stake(node).await?)
            }
        };
        let now = position(&chain, node).await?;
        Ok(output.record(&json!({
            "node": node,
            "transaction": tx,
            "pending": tally.show(now.pending),
            "pending_until": now.pending_until,
            "active": tally.show(now.active),
            "shares": now.shares.to_string(),
            "thawing": tally.show(now.thawing),
            "thawed_at": now.thawed_at,
        }))?)
    }
}

async fn position(chain: &Chain, node: NodeId) -> Result<tallystick_sdk::chain::Stake, Failure> {
    Ok(chain.stake_of(node, chain.account()?).await?)
}
