//! A job from order to settled payment through a network of real processes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::U256;
use tallystick_abi::Contract;
use tallystick_abi::deployment::record_path;
use tallystick_chain::keys::{EvmSigner, Keystores, Password};
use tallystick_devnet::network::{Network, Plan, WorkerPlan};
use tallystick_devnet::repository;
use tallystick_sdk::blob::silent;
use tallystick_sdk::order::Demand;
use tallystick_sdk::output::TaskRoots;
use tallystick_sdk::specify::{Draft, InputSource, Prepared, Source};
use tallystick_sdk::{Client, ClientConfig, verify};
use tallystick_types::{JobId, Seconds, Trust, Verification};
use tallystick_wire::client::Phase;

use crate::house::unused_chain;

/// A network, and its client.
struct Town {
    network: Network,
    client: Client,
    record: PathBuf,
    _folder: tempfile::TempDir,
}

impl Town {
    async fn build(workers: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let worker = WorkerPlan { places: 2, memory_bytes: 1 << 30, region: 276, lie: None };
        let plan = Plan {
            folder: folder.path().join("network"),
            program: env!("CARGO_BIN_EXE_tallystick-devnet").into(),
            chain: unused_chain(),
            coordinators: 1,
            workers: vec![worker; workers],
        };
        let network = Network::start(&plan, &|_| {}).await.unwrap();
        let password = std::fs::read_to_string(network.password_file()).unwrap();
        let key = Keystores::at(network.folder.join("client").join("keys"))
            .unlock(network.client, &Password::new(password))
            .unwrap();
        let key: Arc<dyn EvmSigner> = Arc::new(key);
        let config = ClientConfig::new(network.coordinators[0].clone());
        let client = Client::connect(&config, Some(key)).await.unwrap();
        let record = record_path(&repository().join("deployments"), plan.chain);
        Self { network, client, record, _folder: folder }
    }

    async fn order(&self, prepared: &Prepared) -> JobId {
        let demand = Demand {
            token: self.network.ground.at(Contract::TallyToken),
            replicas: 3,
            quorum: 0,
            trust: Trust::Staked,
            verification: Verification::Deterministic,
            region: None,
            most: None,
            parameters_version: None,
            within: Seconds::new(7_200),
        };
        self.client.upload(&prepared.needed, &silent()).await.unwrap();
        let offer = self.client.quote(prepared, &demand).await.unwrap();
        self.client.order(prepared, &offer).await.unwrap()
    }

    async fn until(&self, job: JobId, phase: Phase) {
        let reached = async {
            while self.client.status(job).await.unwrap().phase != phase {
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

impl Drop for Town {
    fn drop(&mut self) {
        // A record that is gone already is what is wanted.
        let _ = std::fs::remove_file(&self.record);
    }
}

fn picture() -> Prepared {
    let module = repository().join("examples/mandelbrot/mandelbrot.wasm");
    let arguments = ["96", "64", "-0.75", "0", "3.0", "200"];
    let draft = Draft {
        arguments: arguments.map(str::to_owned).to_vec(),
        ..Draft::new(Source::File(module), InputSource::Tiles("96x64/32x32".parse().unwrap()))
    };
    draft.prepare().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_ordered_computed_verified_and_paid_though_a_worker_dies() {
    let town = Town::build(4).await;
    let before = town.money().await;
    let job = town.order(&picture()).await;
    town.until(job, Phase::Working).await;
    let worker = town.network.members.iter().find(|member| member.name == "worker-2").unwrap();
    assert!(worker.kill());
    town.until(job, Phase::Settled).await;

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
    let cost = receipt.cost.get();
    let fee = cost / 50;
    let after = town.money().await;
    assert!(before - after <= fee + 16, "{before} {after} {fee}");
    assert!(U256::from(before - left) >= U256::from(cost));
}
