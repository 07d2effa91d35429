//! The log of a coordinator on a simulated disk, one batch for inputs and rows together.

use tallystick_coordinator::machine::{Input, Machine, MachineState, Row};
use tallystick_coordinator::shell::{Batch, Log};
use tallystick_journal::Stored;
use tallystick_ports::{Batch as Changes, Store, StoreError};
use tallystick_types::{JobId, WallTime};

use super::Disk;

const INPUT: &[u8] = b"log/input/";
const STATE: &[u8] = b"log/state";
const ROW: &[u8] = b"log/row/";

/// The inputs of a machine, and the rows that followed from them.
#[derive(Clone, Debug)]
pub struct StoreLog {
    disk: Disk,
    next: u64,
}

/// What became of a job, as the rows have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptRow {
    /// It is worked on.
    Running,
    /// It has a receipt.
    Completed,
    /// It ended without one.
    Ended,
}

/// Why the log cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The disk failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is there is no input.
    #[error("an input of the simulated log cannot be read; look at what changed in its encoding")]
    Damaged,
}

impl StoreLog {
    /// The log of a disk.
    pub fn open(disk: Disk) -> Result<Self, LogError> {
        let last = disk.scan(INPUT)?.pop();
        let next = match last {
            Some((key, _)) => number(&key)?.saturating_add(1),
            None => match disk.get(STATE)? {
                Some(bytes) => after(&bytes)?.saturating_add(1),
                None => 1,
            },
        };
        Ok(Self { disk, next })
    }

    /// What the rows say of a job.
    pub fn row(&self, job: JobId) -> Option<KeptRow> {
        match self.disk.get(&[ROW, job.as_bytes()].concat()).ok()??.as_slice() {
            [0] => Some(KeptRow::Running),
            [1] => Some(KeptRow::Completed),
            _ => Some(KeptRow::Ended),
        }
    }

    /// Keeps a row. What is over stays so, as in the tables of the journal.
    fn put(&self, changes: &mut Changes, row: &Row) {
        let (job, value) = match row {
            Row::JobBegan(job) => (*job, KeptRow::Running),
            Row::JobCompleted(receipt) => (receipt.receipt.job, KeptRow::Completed),
            Row::JobEnded(job, _) if self.row(*job) != Some(KeptRow::Completed) => {
                (*job, KeptRow::Ended)
            }
            Row::JobEnded(..) | Row::DeadLetter { .. } => return,
        };
        changes.put([ROW, job.as_bytes()].concat(), vec![value as u8]);
    }
}

impl Log for StoreLog {
    type Error = LogError;

    fn recover(&self) -> Result<(Option<MachineState>, Vec<Input>), LogError> {
        let state = self.disk.get(STATE)?;
        let (state, from) = match &state {
            Some(bytes) => {
                let rest = bytes.get(8..).ok_or(LogError::Damaged)?;
                (Some(decode(rest)?), after(bytes)?)
            }
            None => (None, 0),
        };
        let mut inputs = Vec::new();
        for (key, value) in self.disk.scan(INPUT)? {
            if number(&key)? > from {
                inputs.push(decode(&value)?);
            }
        }
        Ok((state, inputs))
    }

    fn keep(&mut self, _: &Machine, batch: &Batch, _: WallTime) -> Result<(), LogError> {
        let (mut changes, mut next) = (Changes::default(), self.next);
        for input in &batch.inputs {
            changes.put([INPUT, &next.to_be_bytes()].concat(), encode(input)?);
            next = next.saturating_add(1);
        }
        for row in &batch.rows {
            self.put(&mut changes, row);
        }
        self.disk.commit(changes)?;
        self.next = next;
        Ok(())
    }

    fn snapshot(&mut self, state: &MachineState, _now: WallTime) -> Result<(), LogError> {
        let mut changes = Changes::default();
        let last = self.next.saturating_sub(1);
        if last == 0 {
            // As in the journal, there is no state before the first input.
            return Ok(());
        }
        let bytes = [last.to_be_bytes().to_vec(), encode(state)?].concat();
        changes.put(STATE, bytes);
        for (key, _) in self.disk.scan(INPUT)? {
            changes.delete(key);
        }
        Ok(self.disk.commit(changes)?)
    }
}

fn number(key: &[u8]) -> Result<u64, LogError> {
    let bytes = key.strip_prefix(INPUT).and_then(|bytes| bytes.try_into().ok());
    bytes.map(u64::from_be_bytes).ok_or(LogError::Damaged)
}

fn after(state: &[u8]) -> Result<u64, LogError> {
    state.first_chunk().map(|bytes| u64::from_be_bytes(*bytes)).ok_or(LogError::Damaged)
}

fn encode<V: Stored>(value: &V) -> Result<Vec<u8>, LogError> {
    postcard::to_extend(value, vec![V::VERSION]).map_err(|_| LogError::Damaged)
}

fn decode<V: Stored>(bytes: &[u8]) -> Result<V, LogError> {
    match bytes.split_first() {
        Some((version, rest)) if *version == V::VERSION => {
            postcard::from_bytes(rest).map_err(|_| LogError::Damaged)
        }
        _ => Err(LogError::Damaged),
    }
}
