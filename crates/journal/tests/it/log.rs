//! The log of events and its snapshots.

use tallystick_journal::{EventNumber, JournalError, Snapshot};

use crate::house::{Added, Sum, folder, open};

type Outcome = Result<(), JournalError>;

#[test]
fn events_are_numbered_without_gaps_over_steps_and_restarts() -> Outcome {
    let folder = folder();
    let mut journal = open(&folder)?;
    let mut step = journal.step();
    assert_eq!(step.append(&Added(1))?, EventNumber::FIRST);
    assert_eq!(step.append(&Added(2))?, EventNumber::FIRST.next());
    step.commit()?;
    drop(journal);

    let mut journal = open(&folder)?;
    assert_eq!(journal.last_event().map(EventNumber::get), Some(2));
    let mut step = journal.step();
    assert_eq!(step.append(&Added(3))?.get(), 3);
    step.commit()?;
    let events: Vec<_> =
        journal.reader().events::<Added>(EventNumber::FIRST)?.collect::<Result<_, _>>()?;
    let seen: Vec<_> = events.iter().map(|(number, event)| (number.get(), event.0)).collect();
    assert_eq!(seen, [(1, 1), (2, 2), (3, 3)]);
    Ok(())
}

#[test]
fn a_step_that_is_dropped_leaves_nothing_and_uses_no_number() -> Outcome {
    let folder = folder();
    let mut journal = open(&folder)?;
    let mut step = journal.step();
    step.append(&Added(9))?;
    drop(step);
    assert_eq!(journal.last_event(), None);
    let mut step = journal.step();
    assert_eq!(step.append(&Added(1))?, EventNumber::FIRST);
    step.commit()?;
    assert_eq!(journal.reader().events::<Added>(EventNumber::FIRST)?.count(), 1);
    Ok(())
}

#[test]
fn a_snapshot_and_the_events_after_it_give_the_state() -> Outcome {
    let folder = folder();
    let mut journal = open(&folder)?;
    let mut sum = 0;
    for value in 1..=10_u64 {
        let mut step = journal.step();
        step.append(&Added(value))?;
        sum += value;
        if value % 4 == 0 {
            step.snapshot(&Sum(sum))?;
        }
        step.commit()?;
    }
    let reader = journal.reader();
    let snapshot: Snapshot<Sum> = reader.latest_snapshot()?.expect("two were kept");
    assert_eq!((snapshot.after.get(), snapshot.state), (8, Sum(36)));
    let rest: u64 = reader
        .events::<Added>(snapshot.after.next())?
        .map(|event| event.map(|(_, event)| event.0))
        .sum::<Result<_, _>>()?;
    assert_eq!(snapshot.state.0 + rest, sum);
    Ok(())
}

#[test]
fn pruning_keeps_what_the_older_snapshot_needs() -> Outcome {
    let folder = folder();
    let mut journal = open(&folder)?;
    for value in 1..=9_u64 {
        let mut step = journal.step();
        step.append(&Added(value))?;
        if value % 3 == 0 {
            step.snapshot(&Sum(value))?;
        }
        step.commit()?;
    }
    let mut step = journal.step();
    assert_eq!(step.prune::<Added>()?, 6);
    step.commit()?;
    let reader = journal.reader();
    let left: Vec<_> = reader
        .events::<Added>(EventNumber::FIRST.next().next().next().next().next().next())?
        .map(|event| event.map(|(number, _)| number.get()))
        .collect::<Result<_, _>>()?;
    assert_eq!(left, [7, 8, 9]);
    drop((journal, reader));
    assert_eq!(open(&folder)?.last_event().map(EventNumber::get), Some(9));
    Ok(())
}

#[test]
fn reading_before_the_first_event_that_is_kept_says_which_one_is_missing() -> Outcome {
    let folder = folder();
    let mut journal = open(&folder)?;
    for value in 1..=6_u64 {
        let mut step = journal.step();
        step.append(&Added(value))?;
        if value % 2 == 0 {
            step.snapshot(&Sum(value))?;
        }
        step.commit()?;
    }
    let mut step = journal.step();
    step.prune::<Added>()?;
    step.commit()?;
    let reader = journal.reader();
    let mut events = reader.events::<Added>(EventNumber::FIRST)?;
    let first = events.next().expect("events 5 and 6 are there");
    assert!(matches!(first, Err(JournalError::Gap { missing }) if missing.get() == 1));
    assert!(events.next().is_none(), "nothing after an error is in its place");
    Ok(())
}

#[test]
fn a_state_before_any_event_is_not_a_snapshot() -> Outcome {
    let folder = folder();
    let mut journal = open(&folder)?;
    let mut step = journal.step();
    step.snapshot(&Sum(0))?;
    step.commit()?;
    assert_eq!(journal.reader().latest_snapshot::<Sum>()?, None);
    Ok(())
}

#[test]
fn a_second_snapshot_after_the_same_event_leaves_the_one_before_it() -> Outcome {
    let folder = folder();
    let mut journal = open(&folder)?;
    for value in 1..=2_u64 {
        let mut step = journal.step();
        step.append(&Added(value))?;
        step.snapshot(&Sum(value))?;
        step.commit()?;
    }
    let mut step = journal.step();
    step.snapshot(&Sum(3))?;
    step.commit()?;
    let mut step = journal.step();
    assert_eq!(step.prune::<Added>()?, 1, "the snapshot after event 1 is still there");
    step.commit()?;
    let newest = journal.reader().latest_snapshot::<Sum>()?;
    assert_eq!(newest.map(|found| found.state), Some(Sum(3)));
    Ok(())
}
