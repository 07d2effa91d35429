//! The log of events, and snapshots of the state that they lead to.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::engine::Entries;
use crate::error::JournalError;
use crate::key::Key;
use crate::open::Reader;
use crate::step::Step;
use crate::table::{Family, Stored, Table, decode};

/// Snapshots that are kept: the newest, and one before it in case the newest cannot be read.
const SNAPSHOTS: usize = 2;

/// Place of an event in the log. Numbers have no gaps and are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventNumber(u64);

impl EventNumber {
    /// The first event of a journal.
    pub const FIRST: Self = Self(1);

    /// The number as it is.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The event after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    pub(crate) const fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for EventNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Key for EventNumber {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        u64::from_bytes(bytes).map(Self)
    }
}

/// A state, and the event after which it was so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot<S> {
    /// The last event that the state contains.
    pub after: EventNumber,
    /// The state.
    pub state: S,
}

impl Step<'_> {
    /// Adds an event to the log and returns its number.
    pub fn append<E: Stored>(&mut self, event: &E) -> Result<EventNumber, JournalError> {
        let number = self.next;
        self.set(Table::new(Family::Events), &number, event)?;
        self.next = number.next();
        Ok(number)
    }

    /// Keeps the state as it is after the last event of this step; older snapshots but one go.
    /// A state before the first event needs no snapshot, and none is kept.
    pub fn snapshot<S: Stored>(&mut self, state: &S) -> Result<(), JournalError> {
        if self.next == EventNumber::FIRST {
            return Ok(());
        }
        let table: Table<EventNumber, S> = Table::new(Family::Snapshots);
        let after = self.next.before();
        let older = self.reader().snapshots(after.before())?;
        for number in older.into_iter().rev().skip(SNAPSHOTS - 1) {
            self.unset(table, &number);
        }
        self.set(table, &after, state)
    }

    /// Forgets events that the older of the two snapshots contains. Returns how many.
    pub fn prune<E: Stored>(&mut self) -> Result<u64, JournalError> {
        let reader = self.reader();
        let kept = reader.snapshots(EventNumber(u64::MAX))?;
        let Some(oldest) = kept.first().filter(|_| kept.len() == SNAPSHOTS) else { return Ok(0) };
        let mut pruned = 0_u64;
        for number in reader.numbers(Family::Events)? {
            let number = number?;
            if number > *oldest {
                break;
            }
            self.unset(Table::<EventNumber, E>::new(Family::Events), &number);
            pruned = pruned.saturating_add(1);
        }
        Ok(pruned)
    }
}

impl Reader {
    /// The newest snapshot that can be read. One that is damaged is passed over for the one before;
    /// with all of them damaged the error of the newest is returned.
    pub fn latest_snapshot<S: Stored>(&self) -> Result<Option<Snapshot<S>>, JournalError> {
        let mut newest = None;
        for after in self.snapshots(EventNumber(u64::MAX))?.into_iter().rev() {
            match self.get(Table::<EventNumber, S>::new(Family::Snapshots), &after) {
                Ok(Some(state)) => return Ok(Some(Snapshot { after, state })),
                Ok(None) => {}
                Err(error) => newest = newest.or(Some(error)),
            }
        }
        newest.map_or(Ok(None), Err)
    }

    /// Events from a number on, in their order. Ends with an error where one is missing.
    pub fn events<E: Stored>(&self, from: EventNumber) -> Result<Events<'_, E>, JournalError> {
        let entries = self.engine().from(Family::Events, &from.to_bytes())?;
        Ok(Events { reader: self, entries, expected: Some(from), kind: std::marker::PhantomData })
    }

    pub(crate) fn last_event(&self) -> Result<Option<EventNumber>, JournalError> {
        let Some((key, _)) = self.engine().last(Family::Events)? else {
            let snapshots = self.snapshots(EventNumber(u64::MAX))?;
            return Ok(snapshots.last().copied());
        };
        self.key(Family::Events, &key).map(Some)
    }

    /// Numbers of the snapshots up to one, oldest first.
    fn snapshots(&self, most: EventNumber) -> Result<Vec<EventNumber>, JournalError> {
        self.numbers(Family::Snapshots)?
            .take_while(|number| number.as_ref().map_or(true, |number| *number <= most))
            .collect()
    }

    fn numbers(
        &self,
        family: Family,
    ) -> Result<impl Iterator<Item = Result<EventNumber, JournalError>> + '_, JournalError> {
        let entries = self.engine().from(family, &[])?;
        Ok(entries.map(move |entry| self.key(family, &entry?.0)))
    }
}

/// Events in their order.
pub struct Events<'a, E> {
    reader: &'a Reader,
    entries: Entries<'a>,
    expected: Option<EventNumber>,
    kind: std::marker::PhantomData<fn() -> E>,
}

impl<E> fmt::Debug for Events<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("expected", &self.expected).finish_non_exhaustive()
    }
}

impl<E: Stored> Iterator for Events<'_, E> {
    type Item = Result<(EventNumber, E), JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let expected = self.expected?;
        let entry = self.entries.next()?;
        // Nothing after an error can be trusted to be in its place.
        self.expected = None;
        Some(entry.and_then(|(key, value)| {
            let number: EventNumber = self.reader.key(Family::Events, &key)?;
            if number != expected {
                return Err(JournalError::Gap { missing: expected });
            }
            let event = decode(Family::Events, &value)?;
            self.expected = Some(number.next());
            Ok((number, event))
        }))
    }
}
