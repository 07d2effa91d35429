//! A quiet run in which every node is watched from outside: nothing leaves a node that its disk
//! does not have, and files that got a name keep it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tallystick_abi::Contract;
use tallystick_journal::{Network, Shelf};
use tallystick_node::Role;
use tallystick_ports::Store;
use tokio::time::Instant;

use super::oracle::Jobs;
use super::town::Town;
use super::trace::{self, Trace};
use super::{ChaosError, Finding};

/// How long the jobs may take; a traced node is several times slower.
const PATIENCE: Duration = Duration::from_secs(300);

/// What was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Raw transactions that left a node.
    pub transactions: usize,
    /// Signatures that left a node.
    pub signatures: usize,
    /// Files that got a name.
    pub names: usize,
}

/// Starts every node anew behind a tracer, and lets so many jobs be paid.
pub(super) async fn watch(town: &mut Town, jobs: u64) -> Result<(), ChaosError> {
    let names = town.network.members.iter().map(|member| member.name.clone());
    for name in names.collect::<Vec<_>>() {
        town.kill(&name);
        let tracer = trace::tracer(&output(&town.network.folder, &name));
        town.start(&name, &tracer)?;
    }
    let began = Instant::now();
    while Jobs::read(&town.network.ground).await?.settled() < jobs && began.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

fn output(folder: &Path, name: &str) -> PathBuf {
    folder.join(name).join("trace")
}

/// Reads what the tracers wrote, once all nodes ended.
pub(super) fn check(town: &Town, findings: &mut Vec<Finding>) -> Result<Seen, ChaosError> {
    let folder = &town.network.folder;
    let mut seen = Seen::default();
    for member in &town.network.members {
        let (name, path) = (&member.name, output(folder, &member.name));
        let trace = Trace::read(&path).map_err(|source| ChaosError::files(&path, source))?;
        for raw in trace.raw_transactions() {
            let sent = alloy_primitives::hex::encode(&raw).into_bytes();
            seen.transactions += 1;
            if trace.left_early(&raw, &sent, "/outbox/") != Some(false) {
                findings.push(Finding::Early { name: name.clone(), what: "a transaction" });
            }
        }
        if member.role == Role::Worker {
            for signature in signatures(town, &folder.join(name).join("protection"))? {
                let early = trace.left_early(&signature, &signature, "/protection/");
                seen.signatures += usize::from(early.is_some());
                if early == Some(true) {
                    findings.push(Finding::Early { name: name.clone(), what: "a signature" });
                }
            }
        }
        for below in ["/receipts/", "/blobs/"] {
            seen.names += trace.names(below);
            let unsynced = trace.unsynced_names(below).into_iter();
            findings.extend(unsynced.map(|file| Finding::Nameless { file }));
        }
    }
    Ok(seen)
}

/// The signatures that a worker keeps: the last bytes of each record.
fn signatures(town: &Town, folder: &Path) -> Result<Vec<Vec<u8>>, ChaosError> {
    let deployment = &town.network.ground.deployment;
    let jobs = deployment.address(Contract::JobManager);
    let network = Network { chain: deployment.chain_id, jobs };
    let unread = |source| ChaosError::View { source: Box::new(source) };
    let shelf = Shelf::open(folder, network).map_err(unread)?;
    let store: Arc<dyn Store> = Arc::new(shelf);
    let unread = |source| ChaosError::View { source: Box::new(source) };
    let entries = store.scan(b"").map_err(unread)?;
    let values = entries.into_iter().map(|(_, value)| value);
    Ok(values.filter_map(|value| Some(value.last_chunk::<64>()?.to_vec())).collect())
}
