//! `tally escrow`.

use alloy_primitives::Address;
use clap::Subcommand;
use serde_json::json;
use tallystick_types::Amount;

use crate::amounts::Unit;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Deposits tokens, from which jobs are paid.
    Deposit {
        /// How many tokens, such as 12.5.
        amount: String,
        /// Moves them on into the chain lane, where paying for a job costs the least gas.
        #[arg(long)]
        lane: bool,
    },
    /// Takes free balance out.
    Withdraw {
        /// How many tokens, such as 12.5.
        amount: String,
        /// Who gets them; the account itself unless named.
        #[arg(long, value_name = "ADDRESS")]
        to: Option<Address>,
        /// Takes them out of the chain lane first.
        #[arg(long)]
        lane: bool,
    },
    /// Shows what an account has.
    Balance {
        /// The account; the one of --key unless named.
        account: Option<Address>,
    },
}

impl Command {
    pub(crate) async fn run(self, session: &Session, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Deposit { amount, lane } => {
                let chain = session.chain().await?;
                let unit = session.chain_token(&chain).await?;
                let amount = unit.read(&amount)?;
                let tx = chain.deposit(unit.address, amount).await?;
                let moved =
                    if lane { Some(chain.fund_lane(unit.address, amount).await?) } else { None };
                output.record(&json!({
                    "deposited": unit.show(amount),
                    "transaction": tx,
                    "lane_transaction": moved,
                }))?;
            }
            Self::Withdraw { amount, to, lane } => {
                let chain = session.chain().await?;
                let unit = session.chain_token(&chain).await?;
                let amount = unit.read(&amount)?;
                if lane {
                    chain.leave_lane(unit.address, amount).await?;
                }
                let to = to.map_or_else(|| chain.account(), Ok)?;
                let tx = chain.withdraw(unit.address, amount, to).await?;
                output.record(&json!({
                    "withdrawn": unit.show(amount),
                    "to": to,
                    "transaction": tx,
                }))?;
            }
            Self::Balance { account } => {
                let chain = session.chain_reader().await?;
                let unit = session.chain_token(&chain).await?;
                let account = session.address(account)?;
                let escrow = chain.escrow(account, unit.address).await?;
                let coins = Unit { symbol: "coins for gas".into(), decimals: 18, ..unit.clone() };
                let show = |amount: alloy_primitives::U256| Amount::new(amount.saturating_to());
                output.record(&json!({
                    "account": account,
                    "wallet": unit.show(show(escrow.wallet)),
                    "free": unit.show(escrow.free),
                    "lane": unit.show(escrow.lane),
                    "fees": unit.show(escrow.fees),
                    "gas": coins.show(show(chain.coins(account).await?)),
                }))?;
            }
        }
        Ok(())
    }
}
