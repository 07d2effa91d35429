//! A job from order to settled payment through a network of real processes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::U256;
use tallystick_abi::Contract;
use tallystick_chain::keys::{EvmSigner, Keystores, Password};
use tallystick_devnet::network::{Network, Plan, WorkerPlan};
use tallystick_devnet::repository;
use tallystick_sdk::blob::silent;
use tallystick_sdk::chain::Chain;
use tallystick_sdk::order::{Demand, Offer};
use tallystick_sdk::output::TaskRoots;
use tallystick_sdk::specify::{Draft, InputSource, Prepared, Source};
use tallystick_sdk::{Client, ClientConfig, verify};
use tallystick_types::{JobId, Privacy, Seconds, Trust, Verification};
use tallystick_wire::client::Phase;

use crate::house::unused_chain;

/// A network, and its client.
pub(crate) struct Town {
    pub(crate) network: Network,
    pub(crate) client: Client,
    /// The client's own way to the chain.
    pub(crate) chain: Chain,
    _folder: tempfile::TempDir,
}

impl Town {
    pub(crate) async fn build(workers: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let worker = WorkerPlan { places: 2, memory_bytes: 1 << 30, region: 276, lie: None };
        let plan = Plan {
            folder: folder.path().join("network"),
            program: env!("CARGO_BIN_EXE_tallystick-devnet").into(),
            chain: unused_chain(),
            coordinators: 1,
            kept: false,
            machines: None,
            workers: vec![worker; workers],
        };
        let network = Network::start(&plan, &|_| {}).await.unwrap();
        let password = std::fs::read_to_string(network.password_file()).unwrap();
        let key = Keystores::at(network.folder.join("client").join("keys"))
            .unlock(network.client, &Password::new(password))
            .unwrap();
        let key: Arc<dyn EvmSigner> = Arc::new(key);
        let config = config_of(&network);
        let client = Client::connect(&config, Some(key.clone())).await.unwrap();
        let deployment = network.ground.deployment.clone();
        let chain = Chain::connect(&network.url(), deployment, Some(key)).await.unwrap();
        Self { network, client, chain, _folder: folder }
    }

    /// How a client finds the network.
    pub(crate) fn config(&self) -> ClientConfig {
        config_of(&self.network)
    }

    pub(crate) async fn order(&self, prepared: &Prepared) -> JobId {
        let offer = self.offer(prepared).await;
        self.client.order(prepared, &offer).await.unwrap()
    }

    /// The same by a contract call of the client, without a word to the coordinator.
    async fn create(&self, prepared: &Prepared) -> JobId {
        let offer = self.offer(prepared).await;
        self.chain.create_job(U256::from(7), offer.terms(), "").await.unwrap()
    }

    async fn offer(&self, prepared: &Prepared) -> Offer {
        self.client.upload(&prepared.needed, &silent()).await.unwrap();
        self.client.quote(prepared, &self.demand(3)).await.unwrap()
    }

    pub(crate) fn demand(&self, replicas: u8) -> Demand {
        Demand {
            token: self.network.ground.at(Contract::TallyToken),
            replicas,
            quorum: 0,
            trust: Trust::Staked,
            verification: Verification::Deterministic,
            region: None,
            most: None,
            parameters_version: None,
            within: Seconds::new(7_200),
        }
    }

    pub(crate) async fn until(&self, job: JobId, phase: Phase) {
        let reached = async {
            // Nobody answers while the coordinator is dead.
            while !self.client.status(job).await.is_ok_and(|status| status.phase == phase) {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        };
        let reached = tokio::time::timeout(Duration::from_secs(150), reached).await;
        assert!(reached.is_ok(), "{}", self.client.why(job).await.unwrap());
    }

    /// All TLY of the network's people in the house, and of the treasury's fees.
    async fn money(&self) -> u128 {
        let ground = &self.network.ground;
        let client = self.network.client;
        let mut all = ground.free(client).await.unwrap() + ground.lane(client).await.unwrap();
        for member in &self.network.members {
            all += ground.lane(member.seat.account()).await.unwrap();
            all += ground.lane(member.seat.signer).await.unwrap();
        }
        all
    }
}

fn config_of(network: &Network) -> ClientConfig {
    ClientConfig::new(network.coordinators[0].clone())
}

pub(crate) fn picture(iterations: &str) -> Prepared {
    drawn(iterations, Privacy::Public)
}

/// A small picture.
pub(crate) fn drawn(iterations: &str, privacy: Privacy) -> Prepared {
    let module = repository().join("examples/mandelbrot/mandelbrot.wasm");
    let arguments = ["96", "64", "-0.75", "0", "3.0", iterations];
    let draft = Draft {
        arguments: arguments.map(str::to_owned).to_vec(),
        privacy,
        ..Draft::new(Source::File(module), InputSource::Tiles("96x64/32x32".parse().unwrap()))
    };
    draft.prepare().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_ordered_computed_verified_and_paid_though_worker_and_coordinator_die() {
    let mut town = Town::build(4).await;
    let before = town.money().await;
    let job = town.order(&picture("200")).await;
    let by_call = town.create(&picture("100")).await;
    town.until(job, Phase::Working).await;
    let worker = town.network.members.iter().find(|member| member.name == "worker-2").unwrap();
    assert!(worker.kill());
    let coordinator =
        town.network.members.iter().find(|member| member.name == "coordinator-1").unwrap();
    assert!(coordinator.kill());
    let program = PathBuf::from(env!("CARGO_BIN_EXE_tallystick-devnet"));
    town.network.restart("coordinator-1", &program).await.unwrap();
    town.until(job, Phase::Settled).await;
    town.until(by_call, Phase::Settled).await;

    // The result is here, and a stranger can check it.
    let receipt = town.client.receipt(job).await.unwrap();
    let verified = verify::verify(&receipt).unwrap();
    let mut pixels = Vec::new();
    let mut show = |_slice: u64, bytes: &[u8]| {
        pixels.extend_from_slice(bytes);
        Ok(())
    };
    let receipt = &verified.signed().receipt;
    town.client.output(receipt, &TaskRoots::new(), &mut show, &silent()).await.unwrap();
    assert_eq!(pixels.len(), 96 * 64 * 3);

    // Paid: what the client gave is what the others and the treasury have.
    let ground = &town.network.ground;
    let client = town.network.client;
    let left = ground.free(client).await.unwrap() + ground.lane(client).await.unwrap();
    assert!(left < before, "the client paid");
    let other = verify::verify(&town.client.receipt(by_call).await.unwrap()).unwrap();
    let cost = receipt.cost.get() + other.signed().receipt.cost.get();
    let fee = cost / 50;
    let after = town.money().await;
    assert!(before - after <= fee + 16, "{before} {after} {fee}");
    assert!(U256::from(before - left) >= U256::from(cost));
}
