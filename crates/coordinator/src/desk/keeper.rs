//! The machine with the log of its inputs: what was applied is kept before anything follows.

use tallystick_journal::{EventNumber, Journal, JournalError, Step};
use tallystick_planted::{Bug, planted};
use tallystick_protocol::ledger::{Event, Refusal, Settings};
use tallystick_scheduler::SchedulingParameters;
use tallystick_types::WallTime;

use super::rows;
use crate::machine::{Input, Machine, MachineState, Row, Stepped, Wish};

/// Inputs between two snapshots.
pub(super) const SNAPSHOT_EVERY: u32 = 2_000;
/// Time that has to pass before it is noted as an input of its own.
const TICK_MS: u64 = 200;

/// Where the inputs of a machine survive a crash.
pub trait Log {
    /// Why something could not be read or kept.
    type Error;

    /// The newest snapshot, and the inputs after it in their order.
    fn recover(&self) -> Result<(Option<MachineState>, Vec<Input>), Self::Error>;

    /// Keeps inputs with the rows that follow from them, all or nothing. When it returns without
    /// an error, the disk has them.
    fn keep(&mut self, machine: &Machine, batch: &Batch, now: WallTime) -> Result<(), Self::Error>;

    /// Keeps the state after the last input, and forgets what is of no use any more.
    fn snapshot(&mut self, state: &MachineState, now: WallTime) -> Result<(), Self::Error>;
}

/// The machine with its log.
#[derive(Debug)]
pub struct Keeper<L> {
    machine: Machine,
    log: L,
    since_snapshot: u32,
}

/// Inputs that were applied and are not kept yet, with what follows from them.
#[derive(Debug, Default)]
pub struct Batch {
    /// The inputs in their order.
    pub inputs: Vec<Input>,
    /// What is kept together with them.
    pub rows: Vec<Row>,
    /// What is to be done once they are kept.
    pub wishes: Vec<Wish>,
}

impl<L: Log> Keeper<L> {
    /// Reads the log. What a crash may have lost of the wishes is [`Machine::outstanding`].
    ///
    /// # Errors
    ///
    /// Where the log cannot be read.
    pub fn open(
        log: L,
        (settings, parameters): (Settings, SchedulingParameters),
    ) -> Result<Self, L::Error> {
        let (state, inputs) = log.recover()?;
        let mut machine = match state {
            Some(state) => Machine::restore(state),
            None => Machine::new(settings, parameters),
        };
        for input in inputs {
            machine.step(input);
        }
        Ok(Self { machine, log, since_snapshot: 0 })
    }

    /// The machine, with everything that was applied.
    pub const fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The log.
    pub const fn log(&self) -> &L {
        &self.log
    }

    /// Lets the machine know what time it is, where enough passed since it last heard.
    pub fn note_time(&mut self, now: WallTime, batch: &mut Batch) {
        if now.get() >= self.machine.ledger().state().now.get().saturating_add(TICK_MS) {
            self.apply(Input::Ledger(Event::Tick { now }), batch);
        }
    }

    /// Applies one input, with what the ledger says against it. It has to be kept before anybody
    /// learns of it.
    pub fn apply(&mut self, input: Input, batch: &mut Batch) -> Option<Refusal> {
        batch.apply(&mut self.machine, input)
    }

    /// Keeps what was applied and gives the wishes that may now be fulfilled.
    ///
    /// # Errors
    ///
    /// Where the log failed. Nothing of the batch was kept and nothing may follow from it: the
    /// machine has to be opened again.
    pub fn keep(&mut self, batch: Batch, now: WallTime) -> Result<Vec<Wish>, L::Error> {
        if !batch.inputs.is_empty() && !planted(Bug::SkipsJournal) {
            fail::fail_point!("desk.batch.applied");
            let kept = self.log.keep(&self.machine, &batch, now);
            if !planted(Bug::IgnoresDisk) {
                kept?;
            }
            fail::fail_point!("desk.batch.kept");
        }
        self.kept(batch, now)
    }

    /// Keeps the state.
    ///
    /// # Errors
    ///
    /// As [`Self::keep`].
    pub fn snapshot(&mut self, now: WallTime) -> Result<(), L::Error> {
        self.since_snapshot = 0;
        self.log.snapshot(&self.machine.state(), now)
    }

    fn kept(&mut self, batch: Batch, now: WallTime) -> Result<Vec<Wish>, L::Error> {
        let count = u32::try_from(batch.inputs.len()).unwrap_or(u32::MAX);
        self.since_snapshot = self.since_snapshot.saturating_add(count);
        if self.since_snapshot >= SNAPSHOT_EVERY {
            self.snapshot(now)?;
        }
        Ok(batch.wishes)
    }
}

impl Keeper<Journal> {
    /// Changes rows by their rules and keeps them together with the inputs that follow, all or
    /// nothing. Gives what the change brings and the wishes that may now be fulfilled.
    pub(super) fn change<T>(
        &mut self,
        now: WallTime,
        change: impl FnOnce(&mut Step<'_>) -> Result<(T, Vec<Input>), JournalError>,
    ) -> Result<(T, Vec<Wish>), JournalError> {
        let (mut batch, mut step) = (Batch::default(), self.log.step());
        let (changed, inputs) = change(&mut step)?;
        for input in inputs {
            batch.apply(&mut self.machine, input);
        }
        write(&mut step, &self.machine, &batch, now)?;
        step.commit()?;
        Ok((changed, self.kept(batch, now)?))
    }
}

impl Batch {
    fn apply(&mut self, machine: &mut Machine, input: Input) -> Option<Refusal> {
        let Stepped { wishes, rows, refusal } = machine.step(input.clone());
        if let Some(refusal) = &refusal {
            tracing::debug!(%refusal, "ledger.refused");
        }
        self.inputs.push(input);
        self.wishes.extend(wishes);
        self.rows.extend(rows);
        refusal
    }
}

fn write(
    step: &mut Step<'_>,
    machine: &Machine,
    batch: &Batch,
    now: WallTime,
) -> Result<(), JournalError> {
    for input in &batch.inputs {
        step.append(input)?;
    }
    for row in &batch.rows {
        rows::keep(step, machine, row, now)?;
    }
    Ok(())
}

impl Log for Journal {
    type Error = JournalError;

    fn recover(&self) -> Result<(Option<MachineState>, Vec<Input>), JournalError> {
        let reader = self.reader();
        let (state, from) = match reader.latest_snapshot::<MachineState>()? {
            Some(snapshot) => (Some(snapshot.state), snapshot.after.next()),
            None => (None, EventNumber::FIRST),
        };
        let mut inputs = Vec::new();
        for event in reader.events::<Input>(from)? {
            inputs.push(event?.1);
        }
        Ok((state, inputs))
    }

    fn keep(
        &mut self,
        machine: &Machine,
        batch: &Batch,
        now: WallTime,
    ) -> Result<(), JournalError> {
        let mut step = self.step();
        write(&mut step, machine, batch, now)?;
        step.commit()
    }

    fn snapshot(&mut self, state: &MachineState, now: WallTime) -> Result<(), JournalError> {
        let mut step = self.step();
        step.snapshot(state)?;
        fail::fail_point!("desk.snapshot.before");
        step.commit()?;
        fail::fail_point!("desk.snapshot.kept");
        let mut step = self.step();
        step.prune::<Input>()?;
        step.forget_pairings(now)?;
        step.commit()?;
        fail::fail_point!("desk.snapshot.pruned");
        Ok(())
    }
}
