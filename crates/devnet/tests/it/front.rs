//! The client's own way to the chain, against real contracts.

use std::sync::Arc;

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, hex};
use ed25519_dalek::SigningKey;
use tallystick_abi::Contract;
use tallystick_chain::keys::{EvmSigner, Keystores, Password};
use tallystick_sdk::chain::{Chain, ChainError, Settling, SettlingError};
use tallystick_sdk::verify::{Verified, verify};
use tallystick_types::{
    Amount, Attempt, Attestation, Attestations, BlockHash, Canonical, ChainAnchor, ChainTime,
    EngineProfile, EvmSignature, InputDigest, JobId, JobState, OutputDigest, OutputRoot,
    ProgramDigest, Receipt, ReceiptClaim, ReceiptVersion, SliceRange, Usage, WallTime,
};

use crate::house::{COORDINATOR, House, Node, TLY, WORKER, signature};
use crate::job;

const COST: u128 = 8 * TLY;
const OUTPUT: OutputRoot = OutputRoot::new([0x77; 32]);

/// The chain as this person's `tally` has it.
async fn front(house: &House, key: &PrivateKeySigner) -> Chain {
    let folder = tempfile::tempdir().unwrap();
    let password = Password::new("a password".into());
    let digits = hex::encode(key.to_bytes());
    let key = Keystores::at(folder.path()).import(&digits, &password).unwrap();
    let key: Arc<dyn EvmSigner> = Arc::new(key);
    Chain::connect(&house.url(), house.deployment.clone(), Some(key)).await.unwrap()
}

/// The verified receipt that these workers sign; the first is the primary.
fn receipt(house: &House, id: JobId, signers: &[&Node]) -> Verified {
    let cost = Amount::new(COST);
    let claim = ReceiptClaim { job: id, attempt: Attempt::new(1), output_root: OUTPUT, cost };
    let digest = house.deployment.job_domain().claim_digest(&claim);
    let attested = signers.iter().map(|node| {
        let bytes = signature(&node.signer, digest);
        Attestation {
            node: node.seat.node,
            signer: node.seat.signer,
            signature: EvmSignature::new(bytes.as_ref().try_into().unwrap()),
        }
    });
    let receipt = Receipt {
        version: ReceiptVersion::One,
        job: id,
        attempt: Attempt::new(1),
        specification: tallystick_types::SpecificationDigest::new([0x42; 32]),
        program: ProgramDigest::new([1; 32]),
        engine: EngineProfile::new("tallystick.wasm.1").unwrap(),
        input: InputDigest::new([2; 32]),
        output_root: OUTPUT,
        output: OutputDigest::new([3; 32]),
        slices: SliceRange { first: 0, count: 1 },
        usage: Usage::default(),
        cost,
        primary: signers[0].seat,
        attestations: Attestations::new(attested.collect()).unwrap(),
        issued_at: WallTime::new(1),
        anchor: ChainAnchor {
            chain: house.deployment.chain_id,
            contract: house.at(Contract::JobManager),
            block: 1,
            block_hash: BlockHash::new([4; 32]),
            block_time: ChainTime::new(1).unwrap(),
        },
    };
    verify(&receipt.sign(&SigningKey::from_bytes(&[7; 32])).to_bytes()).unwrap()
}

/// A job that was created by its client's `tally`, and who works on it.
async fn ordered(house: &mut House) -> (JobId, Vec<Node>) {
    let coordinator = house.register("coordinator", COORDINATOR).await;
    house.bond(&coordinator, 5_000 * TLY).await;
    let mut workers = Vec::new();
    for name in ["first", "second", "third"] {
        let worker = house.register(name, WORKER).await;
        house.bond(&worker, 5_000 * TLY).await;
        workers.push(worker);
    }
    let key = house.chain.actor("client").await.unwrap();
    house.give(key.address(), 100 * TLY).await;
    let client = front(house, &key).await;
    let token = client.tally_token();
    client.deposit(token, Amount::new(50 * TLY)).await.unwrap();
    let free = client.escrow(key.address(), token).await.unwrap().free;
    assert_eq!(free, Amount::new(50 * TLY));
    let order = house.order(key.address(), 7).await;
    let version = client.parameters_version().await.unwrap();
    assert_eq!(version, order.terms.rules.parameters_version);
    let id = client.create_job(order.nonce, &order.terms, "").await.unwrap();
    let (seats, parts) =
        (workers.iter().map(|node| node.seat).collect::<Vec<_>>(), house.job(&order).await);
    job::assign(house, id, &parts, &coordinator, &seats).await;
    (id, workers)
}

#[tokio::test]
async fn a_stranger_pushes_a_job_to_its_payment_and_gets_the_tip() {
    let mut house = House::build().await;
    let (id, workers) = ordered(&mut house).await;
    let key = house.chain.actor("settler").await.unwrap();
    let settler = front(&house, &key).await;
    let none = settler.settle_once(id, None).await;
    assert!(matches!(none, Err(SettlingError::NoReceipt { .. })));
    let receipt = receipt(&house, id, &[&workers[2], &workers[0]]);
    // During its lease only the coordinator may propose.
    let early = settler.settle_once(id, Some(&receipt)).await;
    let Err(SettlingError::Chain(ChainError::Refused { revert })) = early else {
        panic!("a stranger proposed during the lease: {early:?}");
    };
    assert_eq!(revert.name(), Some("JobManagerUnauthorized"));
    let lease = house.job(&house.order(Address::ZERO, 0).await).await.parameters.lease.get();
    house.chain.pass(lease).await.unwrap();
    let proposed = settler.settle_once(id, Some(&receipt)).await.unwrap();
    assert!(matches!(proposed, Settling::Proposed(_)));
    let waits = settler.settle_once(id, None).await.unwrap();
    let Settling::Waits { until } = waits else { panic!("settled too early: {waits:?}") };
    let now = house.chain.time(None).await.unwrap();
    house.chain.pass(until.get() - now.get()).await.unwrap();
    let settled = settler.settle_once(id, None).await.unwrap();
    assert!(matches!(settled, Settling::Settled(_)));
    let over = settler.settle_once(id, None).await.unwrap();
    assert_eq!(over, Settling::Over(JobState::Settled));
    let tip = settler.escrow(key.address(), settler.tally_token()).await.unwrap().lane;
    assert_eq!(tip, Amount::new(TLY / 20));
}
