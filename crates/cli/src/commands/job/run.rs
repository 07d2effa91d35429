//! `tally job run`: everything from the module to the verified result.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tallystick_sdk::messages::EventKind;
use tallystick_sdk::output::TaskRoots;
use tallystick_sdk::watch::{Watch, brings_receipt, ends_work};

use super::fetch::{self, Wanted};
use super::order::{Order, Ordered};
use crate::failure::{Code, Failure};
use crate::output::Output;
use crate::session::Session;
use crate::{terminal, words};

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    order: Order,
    /// Folder for the result.
    #[arg(long, short, value_name = "FOLDER")]
    output: PathBuf,
    /// What to wait for before the end.
    #[arg(long, value_enum, default_value_t = Wait::Receipt)]
    wait: Wait,
}

/// When the command is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Wait {
    /// The result is here and verified.
    Receipt,
    /// The chain paid it as well.
    Settled,
}

/// The work is over and there is no result.
#[derive(Debug, thiserror::Error)]
#[error("the job ended without a result: {reason}; `tally job why` explains it")]
struct NoResult {
    reason: String,
}

impl Run {
    pub(super) async fn run(self, session: &Session, output: &Output) -> Result<(), Failure> {
        let ordered = self.order.place(session).await?;
        let Ordered { client, prepared, offer, unit, job } = &ordered;
        let mut watch = client.watch(*job, 0);
        let mut roots = TaskRoots::new();
        follow(&mut watch, &mut roots, brings_receipt).await?;
        let wanted = Wanted {
            specification: Some(prepared.specification.clone()),
            quorum: offer.terms().rules.quorum,
            names: prepared.names.clone(),
            roots,
        };
        let mut record = fetch::fetch(client, *job, &wanted, &self.output).await?;
        record["slices"] = prepared.slices.into();
        record["tasks"] = prepared.tasks.into();
        record["paid_at_most"] = unit.show(offer.total()).into();
        if let Some(cost) = record["cost"].as_str().and_then(|cost| cost.parse().ok()) {
            record["cost"] = unit.show(cost).into();
        }
        if self.wait == Wait::Settled {
            let settled = |kind: &EventKind| matches!(kind, EventKind::Settled(_));
            follow(&mut watch, &mut TaskRoots::new(), settled).await?;
            record["settled"] = true.into();
        }
        Ok(output.record(&record)?)
    }
}

/// Tells every event until the one that is waited for, and keeps what tasks committed to.
async fn follow(
    watch: &mut Watch,
    roots: &mut TaskRoots,
    until: impl Fn(&EventKind) -> bool,
) -> Result<(), Failure> {
    let mut reason = "all its events are told".to_owned();
    while let Some(event) = watch.next().await? {
        terminal::tell(&words::event(&event));
        let Some(kind) = &event.kind else { continue };
        if let EventKind::Verified(verified) = kind {
            roots.insert(verified.task, verified.output_root);
        }
        if until(kind) {
            return Ok(());
        }
        if ends_work(kind) {
            reason = words::event(&event);
            // What is paid has a receipt, also where its event was not kept.
            if matches!(kind, EventKind::Settled(_)) {
                return Ok(());
            }
            break;
        }
    }
    Err(Failure::new(Code::Refused, NoResult { reason }))
}
