//! Who takes part, and the chain before any work.

use std::sync::Arc;

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256, keccak256};
use ed25519_dalek::SigningKey;
use tallystick_abi::Deployment;
use tallystick_chain::keys::LocalKey;
use tallystick_sim::chain::genesis::{
    ClientPlan, Genesis, GenesisError, House, NodePlan, Plan, TLY, key_of,
};
use tallystick_types::{Amount, Seat};

/// What the registry calls a worker, and a coordinator.
const ROLES: [u8; 2] = [1, 2];

/// Stake behind every machine.
pub(crate) const STAKE: Amount = Amount::new(50_000 * TLY);

/// A machine of the registry.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) seat: Seat,
    pub(crate) signer: LocalKey,
    pub(crate) identity: SigningKey,
}

/// Everybody.
#[derive(Debug)]
pub(crate) struct Cast {
    pub(crate) genesis: Genesis,
    pub(crate) deployment: Arc<Deployment>,
    pub(crate) coordinators: Vec<Node>,
    pub(crate) workers: Vec<Node>,
    pub(crate) settler: LocalKey,
    pub(crate) client: LocalKey,
    /// Everybody who can have money.
    pub(crate) owners: Vec<Address>,
}

struct Keys {
    operator: PrivateKeySigner,
    signer: PrivateKeySigner,
    identity: SigningKey,
}

impl Keys {
    fn of(kind: &str, number: u16) -> Self {
        let identity = keccak256(format!("identity of {kind} {number}")).0;
        Self {
            operator: key_of(&format!("operator of {kind} {number}")),
            signer: key_of(&format!("signer of {kind} {number}")),
            identity: SigningKey::from_bytes(&identity),
        }
    }

    fn plan(&self, roles: u8) -> NodePlan {
        NodePlan {
            operator: self.operator.clone(),
            signer: self.signer.clone(),
            identity: B256::new(self.identity.verifying_key().to_bytes()),
            roles,
            region: 1,
            stake: STAKE.get(),
        }
    }

    fn node(&self, seat: Seat) -> Node {
        let signer = LocalKey::new(&self.signer);
        Node { seat, signer, identity: self.identity.clone() }
    }
}

impl Cast {
    pub(crate) fn new(coordinators: u16, workers: u16) -> Result<Self, GenesisError> {
        let named = |kind, count| (0..count).map(|number| Keys::of(kind, number)).collect();
        let coordinators: Vec<Keys> = named("coordinator", coordinators);
        let workers: Vec<Keys> = named("worker", workers);
        let (settler, client) = (key_of("the settler"), key_of("the client"));
        let payer = ClientPlan { key: client.clone(), wallet: 10_000 * TLY, deposit: 5_000 * TLY };
        let [worker, coordinator] = ROLES;
        let nodes = coordinators.iter().map(|keys| keys.plan(coordinator));
        let nodes = nodes.chain(workers.iter().map(|keys| keys.plan(worker))).collect();
        let plan = Plan { nodes, clients: vec![payer], funded: vec![settler.address()] };
        let genesis = House::shared()?.genesis(&plan)?;
        let machines = coordinators.iter().chain(&workers);
        let accounts = machines.flat_map(|it| [it.operator.address(), it.signer.address()]);
        let others = [settler.address(), client.address(), genesis.treasury.address()];
        // What a node earns is booked under the address whose number is the node's.
        let booked = genesis.seats.iter();
        let booked = booked.map(|it| Address::left_padding_from(&it.node.get().to_be_bytes()));
        let owners = accounts.chain(others).chain(booked).collect();
        let mut seats = genesis.seats.iter();
        let mut seated = |all: &[Keys]| -> Vec<Node> {
            all.iter().zip(seats.by_ref()).map(|(keys, seat)| keys.node(*seat)).collect()
        };
        Ok(Self {
            deployment: Arc::new(genesis.deployment.clone()),
            coordinators: seated(&coordinators),
            workers: seated(&workers),
            settler: LocalKey::new(&settler),
            client: LocalKey::new(&client),
            owners,
            genesis,
        })
    }
}
