//! A step: all of its changes, or none.

use crate::engine::Changes;
use crate::error::{JournalError, RuleError};
use crate::key::Key;
use crate::log::EventNumber;
use crate::open::Reader;
use crate::table::{Family, Stored, Table, decode, encode};

/// Changes that are kept together. Reading through a step sees what it changed. Dropped without
/// `commit`, it changed nothing.
#[derive(Debug)]
pub struct Step<'a> {
    reader: &'a Reader,
    last: &'a mut Option<EventNumber>,
    pub(crate) next: EventNumber,
    changes: Changes,
}

impl<'a> Step<'a> {
    pub(crate) fn new(reader: &'a Reader, last: &'a mut Option<EventNumber>) -> Self {
        let next = last.map_or(EventNumber::FIRST, EventNumber::next);
        Self { reader, last, next, changes: Changes::new() }
    }

    /// Sets a value in a table without rules: cursors, outbox, dead letters.
    pub fn put<K: Key, V: Stored>(
        &mut self,
        table: Table<K, V>,
        key: &K,
        value: &V,
    ) -> Result<(), JournalError> {
        refuse_rules(table.family())?;
        self.set(table, key, value)
    }

    /// Removes a value from a table without rules. It need not be there.
    pub fn delete<K: Key, V: Stored>(
        &mut self,
        table: Table<K, V>,
        key: &K,
    ) -> Result<(), JournalError> {
        refuse_rules(table.family())?;
        self.unset(table, key);
        Ok(())
    }

    pub(crate) fn set<K: Key, V: Stored>(
        &mut self,
        table: Table<K, V>,
        key: &K,
        value: &V,
    ) -> Result<(), JournalError> {
        let bytes = encode(value)?;
        self.changes.insert((table.family(), key.to_bytes()), Some(bytes));
        Ok(())
    }

    pub(crate) fn unset<K: Key, V: Stored>(&mut self, table: Table<K, V>, key: &K) {
        self.changes.insert((table.family(), key.to_bytes()), None);
    }

    /// One value, as it is after this step.
    pub fn get<K: Key, V: Stored>(
        &self,
        table: Table<K, V>,
        key: &K,
    ) -> Result<Option<V>, JournalError> {
        match self.changes.get(&(table.family(), key.to_bytes())) {
            Some(change) => change.as_ref().map(|bytes| decode(table.family(), bytes)).transpose(),
            None => self.reader.get(table, key),
        }
    }

    /// Keeps the step: when this returns, the disk has all of it. On an error it has nothing.
    pub fn commit(self) -> Result<(), JournalError> {
        fail::fail_point!("journal.step.before");
        self.reader.commit(&self.changes)?;
        fail::fail_point!("journal.step.kept");
        if self.next > EventNumber::FIRST {
            *self.last = Some(self.next.before());
        }
        Ok(())
    }

    pub(crate) const fn reader(&self) -> &'a Reader {
        self.reader
    }
}

fn refuse_rules(family: Family) -> Result<(), RuleError> {
    if family.has_rules() { Err(RuleError::HasRules { family: family.name() }) } else { Ok(()) }
}
