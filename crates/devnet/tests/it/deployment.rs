//! Deployments that cannot work say so before they do anything, and those that can end.

use std::fs;

use alloy::providers::{Provider, ProviderBuilder};
use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256};
use tallystick_abi::deployment::{pending_path, record_path};
use tallystick_abi::{Deployment, DeploymentError};
use tallystick_devnet::{Anvil, DeployError, repository};
use tallystick_types::ChainId;

use crate::house::{House, deployer, unused_chain};

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_chain_and_a_wrong_key_are_refused_with_advice() {
    let chain = unused_chain();
    let anvil = Anvil::start(&repository(), chain).unwrap();

    let elsewhere = deployer(anvil.url(), ChainId::new(1)).deploy().await.unwrap_err();
    assert!(
        matches!(&elsewhere, DeployError::OtherChain { actual, .. } if *actual == chain),
        "{elsewhere}"
    );
    assert!(elsewhere.to_string().contains("correct the URL or the chain id"), "{elsewhere}");

    let mut foreign = deployer(anvil.url(), chain);
    foreign.sender = Some(Address::repeat_byte(1));
    let error = foreign.deploy().await.unwrap_err();
    assert!(matches!(error, DeployError::OtherKey { .. }), "{error}");

    let mut penniless = deployer(anvil.url(), chain);
    penniless.key = PrivateKeySigner::from_bytes(&B256::repeat_byte(9)).unwrap();
    let error = penniless.deploy().await.unwrap_err();
    assert!(matches!(error, DeployError::Penniless { .. }), "{error}");
    assert!(!record_path(&penniless.records(), chain).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_deployment_is_noticed_by_readers_and_by_the_next_deployment() {
    let chain = unused_chain();
    let anvil = Anvil::start(&repository(), chain).unwrap();
    let deployer = deployer(anvil.url(), chain);
    let pending = pending_path(&deployer.records(), chain);
    fs::write(&pending, "{}").unwrap();
    let read = Deployment::read(&deployer.records(), chain);
    let deployed = deployer.deploy().await;
    fs::remove_file(&pending).unwrap();

    assert!(matches!(read, Err(DeploymentError::Unfinished { .. })), "{read:?}");
    let error = deployed.unwrap_err();
    let unfinished = matches!(error, DeployError::Record(DeploymentError::Unfinished { .. }));
    assert!(unfinished, "{error}");
    assert!(error.to_string().contains("remove"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_not_there_is_named_as_such() {
    let chain = unused_chain();
    let url = {
        let anvil = Anvil::start(&repository(), chain).unwrap();
        anvil.url()
    };
    // Anvil ended with its handle.
    let error = deployer(url, chain).deploy().await.unwrap_err();
    assert!(matches!(error, DeployError::Chain(_)), "{error}");
}

/// Anvil loses some of the transactions that arrive while it makes a block, and then nothing ends.
#[tokio::test(flavor = "multi_thread")]
async fn one_transaction_is_sent_after_the_other() {
    let house = House::build().await;
    let provider = ProviderBuilder::new().connect_http(house.url().parse().unwrap());
    let sent = provider.get_transaction_count(house.deployer).await.unwrap();
    assert!(sent > 50, "{sent}");
    assert_eq!(house.chain.head().await.unwrap(), sent, "a block has one transaction");
}
