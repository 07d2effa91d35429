//! `tally settle`.

use std::fs;
use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;
use tallystick_sdk::chain::Settling;
use tallystick_sdk::verify;
use tallystick_types::JobId;

use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;
use crate::words;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Pushes a job one step towards its payment: proposes its receipt, or settles it once its
    /// challenge window is over. Anyone may; the tip goes to whoever settles.
    Once {
        /// The job; the one of the receipt unless named.
        #[arg(required_unless_present = "receipt")]
        job: Option<JobId>,
        /// File of its receipt, needed until it is proposed.
        #[arg(long, value_name = "FILE")]
        receipt: Option<PathBuf>,
    },
}

impl Command {
    pub(crate) async fn run(self, session: &Session, output: &Output) -> Result<(), Failure> {
        let Self::Once { job, receipt } = self;
        let receipt = match receipt {
            Some(path) => Some(verify::verify(&fs::read(path)?)?),
            None => None,
        };
        let of_receipt = receipt.as_ref().map(|receipt| receipt.signed().receipt.job);
        let job = job.or(of_receipt).ok_or_else(|| Failure::misused("name a job"))?;
        let chain = session.chain().await?;
        let record = match chain.settle_once(job, receipt.as_ref()).await? {
            Settling::Proposed(tx) => json!({ "job": job, "step": "proposed", "transaction": tx }),
            Settling::Settled(tx) => json!({ "job": job, "step": "settled", "transaction": tx }),
            Settling::Waits { until } => json!({ "job": job, "step": "waits", "until": until }),
            Settling::Over(state) => json!({ "job": job, "step": words::member(state) }),
        };
        Ok(output.record(&record)?)
    }
}
