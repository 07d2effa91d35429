//! Who takes part in a network: registered, staked, with keys and money.

use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, hex};
use tallystick_abi::contracts::INodeRegistry;
use tallystick_chain::keys::{IdentityFile, Keystores, Password};
use tallystick_node::Role;
use tallystick_types::Seat;

use super::{DEPOSIT, MATURITY, NetworkError, PASSWORD, Plan, STAKE, WALLET, WorkerPlan, files};
use crate::address::free_address;
use crate::ground::Ground;
use crate::lie::Lie;

/// Everything about a member before it runs.
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) lie: Option<Lie>,
    pub(super) places: u16,
    pub(super) memory_bytes: u64,
    pub(super) region: u16,
    pub(super) seat: Seat,
    pub(super) operator: Address,
    pub(super) listen: SocketAddr,
    pub(super) observe: SocketAddr,
}

/// Registers and stakes every node, and keeps its keys.
pub(super) async fn populate(ground: &mut Ground, plan: &Plan) -> Result<Vec<Draft>, NetworkError> {
    let usual = WorkerPlan { places: 1, memory_bytes: 1 << 30, region: 276, lie: None };
    let coordinators = (1..=plan.coordinators)
        .map(|number| (format!("coordinator-{number}"), Role::Coordinator, usual.clone()));
    let workers = (1..)
        .zip(&plan.workers)
        .map(|(number, worker)| (format!("worker-{number}"), Role::Worker, worker.clone()));
    let others = [
        ("archive".to_owned(), Role::Archive, usual.clone()),
        ("settler".to_owned(), Role::Settler, usual.clone()),
    ];
    let password = plan.folder.join("password");
    keep_secret(&password, PASSWORD)?;
    let mut drafts = Vec::new();
    for (name, role, worker) in coordinators.chain(others).chain(workers) {
        let mut draft = enlist(ground, &plan.folder, (name, role, worker)).await?;
        let machine = plan.machines.as_ref().and_then(|machines| machines.addresses(&draft.name));
        (draft.listen, draft.observe) = machine.unwrap_or((draft.listen, draft.observe));
        drafts.push(draft);
    }
    if plan.kept {
        tokio::time::sleep(Duration::from_secs(MATURITY)).await;
    }
    ground.chain.pass(if plan.kept { 0 } else { MATURITY }).await?;
    for draft in &drafts {
        ground.activate(draft.operator, draft.seat.node).await?;
    }
    Ok(drafts)
}

async fn enlist(
    ground: &mut Ground,
    folder: &Path,
    (name, role, worker): (String, Role, WorkerPlan),
) -> Result<Draft, NetworkError> {
    let home = folder.join(&name);
    make_folder(&home)?;
    let operator = ground.chain.actor(&format!("{name}'s operator")).await?.address();
    let signer = ground.chain.actor(&format!("{name}'s signer")).await?;
    let password = Password::new(PASSWORD.to_owned());
    Keystores::at(home.join("keys")).import(&hex::encode(signer.to_bytes()), &password)?;
    let identity = IdentityFile::at(home.join("identity")).create()?;
    let profile = INodeRegistry::NodeProfile {
        peerId: Bytes::new(),
        identityKey: B256::from(identity.verifying_key().to_bytes()),
        roles: match role {
            Role::Worker => 1,
            Role::Coordinator => 2,
            Role::Archive => 4,
            Role::Settler => 16,
        },
        region: worker.region,
        metadataUri: String::new(),
    };
    let seat = ground.register(operator, &signer, profile).await?;
    ground.stake(operator, seat.node, STAKE).await?;
    Ok(Draft {
        name,
        role,
        lie: worker.lie,
        places: worker.places,
        memory_bytes: worker.memory_bytes,
        region: worker.region,
        seat,
        operator,
        listen: free_address().map_err(|source| files(&home, source))?,
        observe: free_address().map_err(|source| files(&home, source))?,
    })
}

/// The client's key and money.
pub(super) async fn fund_client(
    ground: &mut Ground,
    folder: &Path,
) -> Result<Address, NetworkError> {
    let client = ground.chain.actor("client").await?;
    let password = Password::new(PASSWORD.to_owned());
    let digits = hex::encode(client.to_bytes());
    Keystores::at(folder.join("client").join("keys")).import(&digits, &password)?;
    ground.give(client.address(), WALLET).await?;
    ground.deposit(client.address(), DEPOSIT).await?;
    Ok(client.address())
}

pub(super) fn make_folder(path: &Path) -> Result<(), NetworkError> {
    fs::create_dir_all(path).map_err(|source| files(path, source))
}

/// A file that only its owner reads.
fn keep_secret(path: &Path, secret: &str) -> Result<(), NetworkError> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let write = |mut file: File| file.write_all(secret.as_bytes());
    options.open(path).and_then(write).map_err(|source| files(path, source))
}
