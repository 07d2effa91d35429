//! What settler, outbox, ingest, worker and keys keep between runs, as a disk may have damaged it.

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use tallystick_abi::Contract;
use tallystick_chain::follow;
use tallystick_chain::ingest::{self, HouseContracts, IngestConfig};
use tallystick_chain::keys::protection::{Kind, Role, SigningProtection, Slot};
use tallystick_chain::outbox::{Lane, Settings};
use tallystick_ports::{Batch, MemoryStore, Store};
use tallystick_settlement::{Desk, SettlementConfig};
use tallystick_types::{
    Amount, Attempt, ChainId, EngineProfile, EvmSignature, JobId, NodeId, Seat, Seconds,
};
use tallystick_worker::agent::{Agent, AgentConfig, Maxima, NodeSecret};

use crate::house_event::house;

/// Whose notes, by the first byte of an input.
const READERS: [crate::Target; 5] = [desk, lane, ingest, worker, signature];

/// The chain of the notes.
const CHAIN: ChainId = ChainId::new(31_337);

/// Reads one input: one byte for who kept it, then entries: the length of key and of value in two
/// bytes each, key, value. Keys are what follows the prefix of the owner.
pub fn read(bytes: &[u8]) {
    crate::one_of(&READERS, bytes);
}

/// A store with the entries of an input.
fn store(prefix: &[u8], mut bytes: &[u8]) -> MemoryStore {
    let (store, mut batch) = (MemoryStore::default(), Batch::default());
    while let Some((&[a, b, c, d], rest)) = bytes.split_first_chunk() {
        let (key, value) = (u16::from_be_bytes([a, b]).into(), u16::from_be_bytes([c, d]).into());
        let Some((key, rest)) = rest.split_at_checked(key) else { break };
        let Some((value, rest)) = rest.split_at_checked(value) else { break };
        batch.put([prefix, key].concat(), value);
        bytes = rest;
    }
    store.commit(batch).expect("memory takes every batch");
    store
}

fn desk(bytes: &[u8]) {
    let config = SettlementConfig::new(house().job_domain());
    match Desk::load(config, &store(b"settlement/wish/", bytes)) {
        Ok(desk) => assert!(desk.intents().count() <= bytes.len()),
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
}

fn lane(bytes: &[u8]) {
    let account = Address::repeat_byte(1);
    let prefix = [&b"outbox/"[..], &CHAIN.get().to_be_bytes()[..], account.as_slice()].concat();
    match Lane::load(Settings::new(CHAIN, account), &store(&prefix, bytes)) {
        Ok(lane) => assert!(lane.statuses().count() <= bytes.len()),
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
}

fn ingest(bytes: &[u8]) {
    let house = house();
    let reader = follow::reader(HouseContracts::of(&house));
    let config = IngestConfig::of_deployment(&house);
    let store = store(b"ingest/", bytes);
    match ingest::Machine::load(config, 1, Arc::new(reader), &store) {
        Ok(machine) => assert_eq!(machine.status().phase, ingest::Phase::Boot),
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
}

fn worker(bytes: &[u8]) {
    let maxima = Maxima {
        units: u64::MAX,
        memory_bytes: u64::MAX,
        program_bytes: u64::MAX,
        input_bytes: u64::MAX,
        output_bytes: u64::MAX,
        execution: Seconds::new(60),
    };
    let config = AgentConfig {
        domain: house().job_domain(),
        engine: EngineProfile::new("tallystick.wasm.1").expect("it is printable"),
        places: 2,
        maxima,
        price: Amount::ZERO,
        fact_wait: Seconds::new(60),
        fetch_retry: Seconds::new(1),
        round_distance: 1,
        keep_ended: Seconds::new(60),
        most_held: 8,
    };
    let seat = Seat { node: NodeId::new(5), signer: Address::repeat_byte(5) };
    let secret = NodeSecret::new([7; 32]);
    match Agent::restore(config, seat, secret, &store(b"worker/", bytes)) {
        Ok(agent) => assert!(agent.running().len() <= bytes.len()),
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
}

/// Whatever is stored in the place of a signature, no second one is made for the slot.
fn signature(bytes: &[u8]) {
    let slot = Slot {
        chain: CHAIN,
        contract: house().address(Contract::JobManager),
        job: JobId::new([1; 32]),
        attempt: Attempt::new(1),
        role: Role::Primary,
        kind: Kind::Commit,
    };
    let digest = B256::repeat_byte(3);
    let store = Arc::new(MemoryStore::default());
    let memory = SigningProtection::initialise(Arc::<MemoryStore>::clone(&store));
    let memory = memory.expect("a new memory begins");
    let sign = || Ok::<_, std::fmt::Error>(EvmSignature::new([4; 65]));
    memory.sign_once(&slot, digest, sign).expect("the first signature is given");
    let entries = store.scan(b"protection/s").expect("memory is read");
    let mut batch = Batch::default();
    for (key, _) in entries {
        batch.put(key, bytes);
    }
    store.commit(batch).expect("memory takes every batch");
    let refused = || -> Result<EvmSignature, std::fmt::Error> { Err(std::fmt::Error) };
    match memory.sign_once(&slot, digest, refused) {
        Ok(_) => assert!(memory.export().is_ok()),
        Err(refusal) => assert!(!refusal.to_string().contains("does not sign"), "{refusal}"),
    }
}
