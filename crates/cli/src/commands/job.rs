//! `tally job`.

mod fetch;
mod order;
mod run;

use std::path::PathBuf;

use alloy_primitives::Address;
use clap::Subcommand;
use serde_json::{Value, json};
use tallystick_sdk::client::page;
use tallystick_sdk::verify::{Expected, verify};
use tallystick_sdk::{Client, Cursor};
use tallystick_types::{JobId, TaskIndex};

use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;
use crate::words;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Does it all: specifies, prices, uploads, orders, follows, fetches and verifies.
    Run(Box<run::Run>),
    /// Orders work and ends; prints the job.
    Submit(Box<order::Order>),
    /// Creates a job by a call of the contract, with no signed order; prints the job.
    ///
    /// The price is asked and the input is uploaded as for an order. The account pays the gas of
    /// the call, needs --rpc and --deployments, and its deposit is reserved by the call.
    Create(Box<order::Order>),
    /// Shows where a job stands.
    Status {
        /// The job.
        job: JobId,
    },
    /// Tells what happens to a job until it is closed and final.
    Watch {
        /// The job.
        job: JobId,
        /// Begins after this sequence number.
        #[arg(long, default_value_t = 0)]
        after: u64,
    },
    /// Fetches the output of a job and verifies it against its receipt.
    Result {
        /// The job.
        job: JobId,
        /// Folder for the result.
        #[arg(long, short, value_name = "FOLDER")]
        output: PathBuf,
    },
    /// Prints the verified receipt of a job as JSON.
    Receipt {
        /// The job.
        job: JobId,
    },
    /// Explains how a job came to where it stands, as JSON.
    Why {
        /// The job.
        job: JobId,
    },
    /// Cancels a job.
    Cancel {
        /// The job.
        job: JobId,
    },
    /// Lists jobs, newest first.
    List {
        /// Only the jobs of this client.
        #[arg(long, value_name = "ADDRESS")]
        client: Option<Address>,
        /// The most jobs to show.
        #[arg(long, default_value_t = 64)]
        most: usize,
    },
    /// Sends a dead letter out again.
    Retry {
        /// The job.
        job: JobId,
        /// The task.
        task: u32,
    },
    /// Lists tasks whose tries are used up, oldest first.
    DeadLetters {
        /// Those of this account's private jobs as well; needs its key.
        #[arg(long)]
        private: bool,
    },
}

impl Command {
    pub(crate) async fn run(self, session: &Session, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Run(run) => run.run(session, output).await,
            Self::Submit(order) => {
                let ordered = order.place(session).await?;
                Ok(output.record(&json!({ "job": ordered.job }))?)
            }
            Self::Create(order) => {
                let job = order.create(session).await?;
                Ok(output.record(&json!({ "job": job }))?)
            }
            Self::Status { job } => {
                let status = session.reader().await?.status(job).await?;
                Ok(output.record(&words::status(&status))?)
            }
            Self::Watch { job, after } => watch(session, output, job, after).await,
            Self::Result { job, output: folder } => {
                let client = session.reader_of(job).await?;
                let record = fetch::fetch(&client, job, &fetch::Wanted::unknown(), &folder).await?;
                Ok(output.record(&record)?)
            }
            Self::Receipt { job } => {
                let client = session.reader_of(job).await?;
                let verified = verify(&client.receipt(job).await?)?;
                let domain = client.job_domain();
                verified.answers(&Expected { job, domain, specification: None, quorum: 1 })?;
                Ok(output.text(&verified.to_json())?)
            }
            Self::Why { job } => Ok(output.text(&session.reader_of(job).await?.why(job).await?)?),
            Self::Cancel { job } => {
                session.client().await?.cancel(job).await?;
                Ok(output.record(&json!({ "job": job, "cancelled": true }))?)
            }
            Self::List { client, most } => list(session, output, client, most).await,
            Self::Retry { job, task } => retry(session, output, job, task).await,
            Self::DeadLetters { private } => {
                let client =
                    if private { session.client().await? } else { session.reader().await? };
                let rows = dead_letters(&client).await?;
                let fields = ["job", "task", "tries", "reason"];
                Ok(output.list("dead_letters", &fields, &rows)?)
            }
        }
    }
}

/// Events are the result here, one line or object each, as they come.
async fn watch(session: &Session, output: &Output, job: JobId, after: u64) -> Result<(), Failure> {
    // A job that nobody knows has no events, and waiting for them would never end: this asks.
    let client = session.reader_of(job).await?;
    let mut watch = client.watch(job, after);
    while let Some(event) = watch.next().await? {
        output.event(event.sequence, event.at_ms.get(), &words::event(&event))?;
    }
    Ok(())
}

async fn list(
    session: &Session,
    output: &Output,
    of: Option<Address>,
    most: usize,
) -> Result<(), Failure> {
    let client = session.reader().await?;
    let (mut rows, mut after) = (Vec::new(), Cursor::default());
    while rows.len() < most {
        let found = client.jobs(page(after), of).await?;
        rows.extend(found.jobs.iter().map(words::status));
        after = found.next;
        if after.is_empty() {
            break;
        }
    }
    rows.truncate(most);
    Ok(output.list("jobs", &["job", "phase", "verified", "tasks", "cost", "client"], &rows)?)
}

async fn dead_letters(client: &Client) -> Result<Vec<Value>, Failure> {
    let (mut rows, mut after) = (Vec::new(), Cursor::default());
    loop {
        let found = client.dead_letters(page(after)).await?;
        rows.extend(found.letters.iter().map(|letter| {
            json!({
                "job": letter.job,
                "task": letter.task,
                "tries": letter.tries,
                "reason": letter.reason.to_string(),
                "since_ms": letter.since_ms,
            })
        }));
        after = found.next;
        if after.is_empty() {
            return Ok(rows);
        }
    }
}

/// The tries are those that the letter has now: a letter that was retried meanwhile stays as it is.
async fn retry(session: &Session, output: &Output, job: JobId, task: u32) -> Result<(), Failure> {
    let client = session.client().await?;
    let letters = dead_letters(&client).await?;
    let letter =
        letters.iter().find(|letter| letter["job"] == json!(job) && letter["task"] == task);
    let tries = letter.and_then(|letter| letter["tries"].as_u64());
    let tries = tries.and_then(|tries| u32::try_from(tries).ok()).ok_or_else(|| {
        Failure::misused(format!(
            "task {task} of {job} is no dead letter; `tally job dead-letters` lists them"
        ))
    })?;
    client.retry(job, TaskIndex::new(task), tries).await?;
    Ok(output.record(&json!({ "job": job, "task": task, "tries": tries, "retried": true }))?)
}
