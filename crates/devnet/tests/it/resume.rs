//! A node whose account somebody else used, and its operator's word that it is over.

use std::path::Path;
use std::time::Duration;

use tallystick_abi::Contract;
use tallystick_node::{Config, NodeError, resume};
use tallystick_wire::client::Phase;

use crate::network::{Town, picture};

const NAME: &str = "coordinator-1";

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_whose_nonce_was_taken_sends_again_by_its_operators_word_and_loses_no_job() {
    let mut town = Town::build(3).await;
    let home = town.network.folder.join(NAME);
    let config = Config::load(Some(&home.join("node.toml")), [], &[]).unwrap();
    assert!(matches!(resume(&config), Err(NodeError::Locked { .. })), "it runs");
    let job = town.order(&picture("200")).await;
    town.until(job, Phase::Working).await;

    let account = config.keys.account;
    town.network.ground.approve(account, Contract::JobManager, 0).await.unwrap();
    let member = town.network.members.iter().find(|member| member.name == NAME).unwrap();
    let url = format!("http://{}/readyz", member.observe);
    let halted = async {
        while !reqwest::get(&url).await.unwrap().text().await.unwrap().contains("ForeignNonce") {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), halted).await.unwrap();
    assert!(member.kill());
    // The system lets go of its lock a little after the process.
    let nonce = loop {
        match resume(&config) {
            Err(NodeError::Locked { .. }) => tokio::time::sleep(Duration::from_millis(50)).await,
            resumed => break resumed.unwrap(),
        }
    };
    assert!(nonce.is_some());
    assert_eq!(resume(&config).unwrap(), None, "said already");

    let program = Path::new(env!("CARGO_BIN_EXE_tallystick-devnet"));
    town.network.restart(NAME, program).await.unwrap();
    town.until(job, Phase::Settled).await;
}
