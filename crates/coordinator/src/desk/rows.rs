//! The tables that people and other programs read.

use tallystick_journal::{
    DeadLetter, DeadLetterKey, JobRecord, JobStatus, JournalError, ReceiptKey, ReceiptRecord, Step,
};
use tallystick_protocol::ledger::CloseReason;
use tallystick_types::{Canonical, JobId, SignedReceipt, WallTime};

use crate::machine::{JobResult, Machine, Row};

/// Keeps a row in the same write as the input that led to it.
pub(super) fn keep(
    step: &mut Step<'_>,
    machine: &Machine,
    row: &Row,
    now: WallTime,
) -> Result<(), JournalError> {
    match row {
        Row::JobBegan(job) => job_began(step, machine, *job, now),
        Row::JobCompleted(receipt) => job_completed(step, machine, receipt, now),
        Row::JobEnded(job, reason) => job_ended(step, *job, *reason, now),
        Row::DeadLetter { job, task, tries, why } => {
            let key = DeadLetterKey { job: *job, task: task.get() };
            let (attempts, reason) = (u32::from(*tries), why.to_string());
            let letter = DeadLetter { attempts, reason, given_up_at: now };
            step.put(DeadLetter::TABLE, &key, &letter)
        }
    }
}

fn job_began(
    step: &mut Step<'_>,
    machine: &Machine,
    job: JobId,
    now: WallTime,
) -> Result<(), JournalError> {
    let Some(book) = machine.book(job) else { return Ok(()) };
    let specification = &book.offer.specification;
    let record = JobRecord {
        kind: "wasm".to_owned(),
        policy: specification.policy,
        privacy: specification.privacy,
        user: book.offer.client,
        status: JobStatus::Running,
        payload: specification.to_bytes(),
        result: None,
        worker: None,
        created_at: now,
        completed_at: None,
    };
    step.put_job(job, &record)
}

fn job_completed(
    step: &mut Step<'_>,
    machine: &Machine,
    signed: &SignedReceipt,
    now: WallTime,
) -> Result<(), JournalError> {
    let job = signed.receipt.job;
    let Some(record) = step.get(JobRecord::TABLE, &job)? else { return Ok(()) };
    let parts = machine.parts(job).unwrap_or_default();
    let result = JobResult { output: signed.receipt.output, parts };
    let record = JobRecord {
        status: JobStatus::Completed,
        result: serde_json::to_vec(&result).ok(),
        worker: Some(signed.identity),
        completed_at: Some(now),
        ..record
    };
    step.put_job(job, &record)?;
    let receipt = ReceiptRecord {
        provider: signed.identity,
        receipt: signed.to_bytes(),
        signature: signed.signature,
        verified: true,
        created_at: now,
    };
    step.put_receipt(&ReceiptKey { job, receipt: signed.receipt.digest() }, &receipt)
}

fn job_ended(
    step: &mut Step<'_>,
    job: JobId,
    reason: CloseReason,
    now: WallTime,
) -> Result<(), JournalError> {
    let Some(record) = step.get(JobRecord::TABLE, &job)? else { return Ok(()) };
    if record.status.is_over() {
        return Ok(());
    }
    let cancelled = reason == CloseReason::Cancelled;
    let status = if cancelled { JobStatus::Cancelled } else { JobStatus::Failed };
    step.put_job(job, &JobRecord { status, completed_at: Some(now), ..record })
}
