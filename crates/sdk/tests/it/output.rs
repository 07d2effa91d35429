//! Outputs that are put together, and those that are not the receipt's.

use tallystick_sdk::output::{Assembly, AssemblyError};
use tallystick_types::{JobId, OutputDigest, OutputRoot, Receipt, TaskIndex};

use crate::sample::{Nodes, Work, prepared};

fn work() -> Work {
    Work::of(&["one\n", "two\n", "three\n", "four\n", "five\n"], 2)
}

fn receipt() -> Receipt {
    Nodes::new(1).unsigned(JobId::new([9; 32]), &prepared().specification, &work())
}

/// Adds these tasks in this order and compares with the receipt.
fn assemble(receipt: &Receipt, work: &Work, order: &[usize]) -> Result<Vec<u8>, AssemblyError> {
    let mut assembly = Assembly::new(receipt);
    let mut whole = Vec::new();
    for task in order {
        let (slices, output) = &work.tasks[*task];
        let index = TaskIndex::new(u32::try_from(*task).unwrap());
        let added = assembly.add(index, *slices, &output.to_bytes(), None)?;
        whole.extend(added.outputs().concat());
    }
    assembly.finish().map(|()| whole)
}

#[test]
fn the_output_is_the_outputs_of_all_slices_in_order() {
    let whole = assemble(&receipt(), &work(), &[0, 1, 2]).unwrap();
    assert_eq!(whole, b"ONE\nTWO\nTHREE\nFOUR\nFIVE\n");
}

#[test]
fn missing_repeated_and_exchanged_tasks_are_found() {
    let wrong: [(&[usize], &str); 4] =
        [(&[1], "first"), (&[0, 2], "gap"), (&[0, 0], "twice"), (&[1, 0, 2], "exchanged")];
    for (order, what) in wrong {
        let refused = assemble(&receipt(), &work(), order);
        assert!(matches!(refused, Err(AssemblyError::OutOfPlace { .. })), "{what}");
    }
    let few = assemble(&receipt(), &work(), &[0, 1]);
    assert!(matches!(few, Err(AssemblyError::TooFew { expected: 5, found: 4 })));
}

#[test]
fn a_forged_part_is_found_by_its_root_or_by_the_receipt() {
    let forged = Work::of(&["one\n", "two\n", "tree\n", "four\n", "five\n"], 2);
    let refused = assemble(&receipt(), &forged, &[0, 1, 2]);
    assert!(matches!(refused, Err(AssemblyError::OtherRoot { .. })));
    let mut assembly = Assembly::new(&receipt());
    let (slices, output) = &forged.tasks[0];
    let committed = Some(OutputRoot::new([1; 32]));
    let refused = assembly.add(TaskIndex::new(0), *slices, &output.to_bytes(), committed);
    assert!(matches!(refused, Err(AssemblyError::Part { .. })));
    let cut = assembly.add(TaskIndex::new(0), *slices, &output.to_bytes()[1..], None);
    assert!(matches!(cut, Err(AssemblyError::Part { .. })));
}

#[test]
fn bytes_moved_between_slices_are_found_although_the_whole_is_the_same() {
    let moved = Work::of(&["one\nt", "wo\n", "three\n", "four\n", "five\n"], 2);
    assert_eq!(moved.whole(), work().whole());
    let refused = assemble(&receipt(), &moved, &[0, 1, 2]);
    assert!(matches!(refused, Err(AssemblyError::OtherRoot { .. })));
}

#[test]
fn a_receipt_whose_digest_is_of_something_else_is_found() {
    let receipt = Receipt { output: OutputDigest::new([3; 32]), ..receipt() };
    let refused = assemble(&receipt, &work(), &[0, 1, 2]);
    assert!(matches!(refused, Err(AssemblyError::OtherDigest { .. })));
}
