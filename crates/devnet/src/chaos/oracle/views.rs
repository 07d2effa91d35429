//! What each node made of the chain, against a fresh reading of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tallystick_abi::{Contract, Deployment};
use tallystick_chain::endpoint::Endpoint;
use tallystick_chain::follow::{Follower, House, reader};
use tallystick_chain::ingest::{Finality, Ingest, IngestConfig};
use tallystick_chain::view::HouseContracts;
use tallystick_journal::{Network, Shelf};
use tallystick_node::SystemClock;
use tallystick_ports::{Clock, Store};
use tokio::time::Instant;

use crate::chaos::town::{DEPTHS, Town};
use crate::chaos::{ChaosError, Finding};

/// How long a fresh reading may take, and nodes to reach the head of a chain that stands still.
const READING: Duration = Duration::from_secs(90);

/// How long a block may take that was begun before the chain was told to stand still.
const LAST_BLOCK: Duration = Duration::from_secs(2);

/// Lets the chain stand still, waits until every node saw its last block, ends the nodes, and
/// compares what they kept with a fresh reading.
pub(in crate::chaos) async fn views(
    town: &mut Town,
    findings: &mut Vec<Finding>,
) -> Result<(), ChaosError> {
    let chain = &town.network.ground.chain;
    chain.mine_every(0).await?;
    // Anvil may be making one more.
    tokio::time::sleep(LAST_BLOCK).await;
    let head = chain.head().await?;
    for member in &town.network.members {
        if !reaches(member.observe, head).await {
            findings.push(Finding::Behind { name: member.name.clone(), head });
        }
    }
    let fresh = fresh(town, head).await?;
    for member in &town.network.members {
        member.terminate();
    }
    let began = Instant::now();
    for member in &mut town.network.members {
        while member.runs() {
            if began.elapsed() > READING {
                findings.push(Finding::Undead { name: member.name.clone() });
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    for member in &town.network.members {
        let folder = town.network.folder.join(&member.name).join("chain");
        let (_ingest, _follower, kept) = open(town, &folder)?;
        let (kept, fresh) = (kept.read(), fresh.read());
        if kept.latest() != fresh.latest() {
            findings.push(Finding::OtherView { name: member.name.clone() });
        }
    }
    Ok(())
}

/// Waits until a node's view is at a height.
async fn reaches(observe: std::net::SocketAddr, head: u64) -> bool {
    let url = format!("http://{observe}/metrics");
    let began = Instant::now();
    while began.elapsed() < READING {
        let page = match reqwest::get(&url).await {
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        };
        let height = page.lines().find_map(|line| line.strip_prefix("tally_view_head "));
        if height.and_then(|height| height.parse().ok()) == Some(head) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    false
}

/// The chain as somebody reads it who begins now, up to its head.
async fn fresh(town: &Town, head: u64) -> Result<House, ChaosError> {
    let (ingest, follower, house) = open(town, &town.network.folder.join("fresh"))?;
    let reached = async {
        while house.heights().head < head {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let read = async {
        tokio::select! {
            ended = ingest.run(std::future::pending()) => drop(ended),
            ended = follower.run(std::future::pending()) => drop(ended),
            () = reached => {}
        }
    };
    let _late = tokio::time::timeout(READING, read).await;
    if house.heights().head < head {
        return Err(ChaosError::Unread { head });
    }
    Ok(house)
}

fn open(town: &Town, folder: &Path) -> Result<(Ingest, Follower, House), ChaosError> {
    let deployment: &Deployment = &town.network.ground.deployment;
    let jobs = deployment.address(Contract::JobManager);
    let network = Network { chain: deployment.chain_id, jobs };
    let store: Arc<dyn Store> = Arc::new(Shelf::open(folder, network).map_err(unread)?);
    let config = IngestConfig {
        agreement: 1,
        finality: Finality::Depth { safe: DEPTHS.0, last: DEPTHS.1 },
        poll: Duration::from_millis(100),
        ..IngestConfig::of_deployment(deployment)
    };
    let contracts = HouseContracts::of(deployment);
    let endpoint = Endpoint::new(&town.network.url(), Duration::from_secs(5)).map_err(unread)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let understands = Arc::new(reader(contracts.clone()));
    let opened = Ingest::open(config, vec![endpoint], store, clock, understands);
    let (ingest, handle) = opened.map_err(unread)?;
    let (follower, house) = Follower::open(handle, contracts).map_err(unread)?;
    Ok((ingest, follower, house))
}

fn unread(source: impl std::error::Error + Send + Sync + 'static) -> ChaosError {
    ChaosError::View { source: Box::new(source) }
}
