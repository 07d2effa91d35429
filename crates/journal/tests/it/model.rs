//! Random steps, commits, drops and restarts against a plain model.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use tallystick_journal::{EventNumber, Family, Journal, JournalError, Table};
use tallystick_ports::MemoryStore;

use crate::house::{Added, NETWORK, Sum, folder, open};

const SUMS: Table<u64, Sum> = Table::new(Family::Cursors);

#[derive(Clone, Debug)]
enum Act {
    Append(u64),
    Put(u64, u64),
    Delete(u64),
    Snapshot,
    Prune,
    Commit,
    Abandon,
    Restart,
}

/// What the journal must hold.
#[derive(Clone, Debug, Default)]
struct Model {
    events: Vec<u64>,
    cursors: BTreeMap<u64, u64>,
    snapshots: BTreeMap<u64, u64>,
    pruned: usize,
}

impl Model {
    fn sum(&self) -> u64 {
        self.events.iter().sum()
    }

    fn snapshot(&mut self) {
        let last = self.events.len() as u64;
        if last == 0 {
            return;
        }
        self.snapshots.insert(last, self.sum());
        while self.snapshots.len() > 2 {
            self.snapshots.pop_first();
        }
    }
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (0..1000_u64).prop_map(Act::Append),
        3 => (0..8_u64, any::<u64>()).prop_map(|(key, value)| Act::Put(key, value)),
        1 => (0..8_u64).prop_map(Act::Delete),
        2 => Just(Act::Snapshot),
        1 => Just(Act::Prune),
        4 => Just(Act::Commit),
        1 => Just(Act::Abandon),
        1 => Just(Act::Restart),
    ];
    prop::collection::vec(act, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_journal_holds_exactly_what_was_committed(acts in acts()) {
        let folder = folder();
        run(&acts, || open(&folder)).expect("a temporary folder takes everything");
        let store = MemoryStore::default();
        let in_store = || Journal::in_store(Arc::new(store.clone()), NETWORK);
        run(&acts, in_store).expect("memory takes everything");
    }
}

fn run(acts: &[Act], open: impl Fn() -> Result<Journal, JournalError>) -> Result<(), JournalError> {
    let mut journal = open()?;
    let mut committed = Model::default();
    for chunk in acts.split_inclusive(|act| {
        matches!(act, Act::Commit | Act::Abandon | Act::Restart | Act::Prune)
    }) {
        let mut model = committed.clone();
        let mut step = journal.step();
        let mut keep = false;
        for act in chunk {
            match act {
                Act::Append(value) => {
                    model.events.push(*value);
                    let number = step.append(&Added(*value))?;
                    assert_eq!(number.get(), model.events.len() as u64);
                }
                Act::Put(key, value) => {
                    model.cursors.insert(*key, *value);
                    step.put(SUMS, key, &Sum(*value))?;
                    assert_eq!(step.get(SUMS, key)?, Some(Sum(*value)));
                }
                Act::Delete(key) => {
                    model.cursors.remove(key);
                    step.delete(SUMS, key)?;
                    assert_eq!(step.get(SUMS, key)?, None);
                }
                // One snapshot a step, of what it ends with, as a coordinator takes it.
                Act::Snapshot | Act::Restart | Act::Abandon => {}
                Act::Prune | Act::Commit => keep = true,
            }
        }
        if keep && chunk.iter().any(|act| matches!(act, Act::Snapshot)) {
            step.snapshot(&Sum(model.sum()))?;
            model.snapshot();
        }
        if keep {
            step.commit()?;
            committed = model;
        } else {
            drop(step);
        }
        if matches!(chunk.last(), Some(Act::Prune)) {
            prune(&mut journal, &mut committed)?;
        }
        if matches!(chunk.last(), Some(Act::Restart)) {
            drop(journal);
            journal = open()?;
        }
        check(&journal, &committed)?;
    }
    Ok(())
}

fn prune(journal: &mut Journal, model: &mut Model) -> Result<(), JournalError> {
    let oldest = match model.snapshots.len() {
        2 => model.snapshots.first_key_value().map_or(0, |(number, _)| *number as usize),
        _ => model.pruned,
    };
    let mut step = journal.step();
    let pruned = step.prune::<Added>()?;
    step.commit()?;
    assert_eq!(pruned as usize, oldest - model.pruned);
    model.pruned = oldest;
    Ok(())
}

fn check(journal: &Journal, model: &Model) -> Result<(), JournalError> {
    let reader = journal.reader();
    let mut from = EventNumber::FIRST;
    for _ in 0..model.pruned {
        from = from.next();
    }
    let events: Vec<u64> = reader
        .events::<Added>(from)?
        .map(|event| event.map(|(_, event)| event.0))
        .collect::<Result<_, _>>()?;
    assert_eq!(events, model.events[model.pruned..]);
    let last = (!model.events.is_empty()).then_some(model.events.len() as u64);
    assert_eq!(journal.last_event().map(EventNumber::get), last);
    let cursors: BTreeMap<u64, u64> =
        reader.scan(SUMS, b"")?.into_iter().map(|(key, sum)| (key, sum.0)).collect();
    assert_eq!(cursors, model.cursors);
    let newest = reader.latest_snapshot::<Sum>()?.map(|found| (found.after.get(), found.state.0));
    assert_eq!(newest, model.snapshots.last_key_value().map(|(number, sum)| (*number, *sum)));
    Ok(())
}
