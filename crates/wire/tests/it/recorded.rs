//! Recorded streams of version 1 mean the same for ever. Messages may be added to a record, and
//! those that are in it never change.

mod agent;
mod client;
mod coordinator;

use std::fmt::Debug;
use std::path::PathBuf;

use alloy_primitives::Address;
use prost::Message;
use tallystick_types::{
    Attempt, IdentityKey, IdentitySignature, JobId, NodeId, OutputRoot, Seat, TaskAttempt,
    TaskIndex,
};
use tallystick_wire::worker::Assignment;
use tallystick_wire::{MalformedError, Sentence, client::v1 as client_v1, worker::v1 as worker_v1};

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/recorded/v1", name].iter().collect()
}

/// Reads length-delimited messages, checks and compares them.
fn replay<W, T>(name: &str, expected: &[T])
where
    W: Message + Default,
    T: TryFrom<W, Error = MalformedError> + PartialEq + Debug,
{
    let bytes = std::fs::read(path(name)).unwrap();
    let mut rest = bytes.as_slice();
    for expected in expected {
        let message = W::decode_length_delimited(&mut rest).unwrap();
        assert_eq!(&T::try_from(message).unwrap(), expected);
    }
    assert!(rest.is_empty(), "{name} has more messages than are expected");
}

fn record<W: Message, T: Into<W>>(name: &str, messages: Vec<T>) {
    let mut bytes = Vec::new();
    for message in messages {
        message.into().encode_length_delimited(&mut bytes).unwrap();
    }
    std::fs::write(path(name), bytes).unwrap();
}

fn seat(number: u8) -> Seat {
    Seat { node: NodeId::new(number.into()), signer: Address::repeat_byte(number) }
}

fn job() -> JobId {
    JobId::new([0x11; 32])
}

fn attempt() -> Attempt {
    Attempt::new(2)
}

fn root() -> OutputRoot {
    OutputRoot::new([0x22; 32])
}

fn identity() -> IdentityKey {
    IdentityKey::new([0x33; 32])
}

fn signature() -> IdentitySignature {
    IdentitySignature::new([0x44; 64])
}

fn assignment() -> Assignment {
    let (task, task_attempt) = (TaskIndex::new(3), TaskAttempt::new(257));
    Assignment { job: job(), attempt: attempt(), task, task_attempt, seat: seat(5) }
}

fn sentence(text: &str) -> Sentence {
    text.to_owned().try_into().unwrap()
}

#[test]
fn the_stream_of_an_agent_is_read_as_it_was_recorded() {
    replay::<worker_v1::AgentMessage, _>("agent.bin", &agent::messages());
}

#[test]
fn the_stream_of_a_coordinator_is_read_as_it_was_recorded() {
    replay::<worker_v1::CoordinatorMessage, _>("coordinator.bin", &coordinator::messages());
}

#[test]
fn the_order_and_the_events_of_a_job_are_read_as_they_were_recorded() {
    replay::<client_v1::SubmitRequest, _>("submit.bin", &[client::submit()]);
    replay::<client_v1::JobStatus, _>("status.bin", &[client::status(), client::waiting()]);
    replay::<client_v1::JobEvent, _>("events.bin", &client::events());
}

#[test]
#[ignore = "writes the records; only for messages that no record has yet"]
fn write_the_records() {
    record::<worker_v1::AgentMessage, _>("agent.bin", agent::messages());
    record::<worker_v1::CoordinatorMessage, _>("coordinator.bin", coordinator::messages());
    record::<client_v1::SubmitRequest, _>("submit.bin", vec![client::submit()]);
    record::<client_v1::JobStatus, _>("status.bin", vec![client::status(), client::waiting()]);
    record::<client_v1::JobEvent, _>("events.bin", client::events());
}
