//! A private job through a network of real processes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::U256;
use tallystick_chain::keys::{EvmSigner, IdentityFile, LocalKey};
use tallystick_sdk::blob::{DownloadError, silent};
use tallystick_sdk::client::TrustError;
use tallystick_sdk::messages::NotPaired;
use tallystick_sdk::order::{Offer, OrderError};
use tallystick_sdk::output::{ResultError, TaskRoots};
use tallystick_sdk::specify::Prepared;
use tallystick_sdk::{CallError, Client, verify};
use tallystick_types::{BlobDigest, JobId, Privacy, Seat};
use tallystick_wire::client::Phase;
use tonic::Code;

use crate::network::{Town, drawn};

/// Pairs a worker: its client makes the code, its operator claims it.
async fn pair(town: &Town, name: &str) -> Seat {
    let seat = town.network.members.iter().find(|it| it.name == name).unwrap().seat;
    let identity = town.network.folder.join(name).join("identity");
    let identity = IdentityFile::at(identity).load().unwrap();
    let operator = Client::connect(&town.config(), None).await.unwrap();
    let code = town.client.create_pairing().await.unwrap().code;
    let client = operator.claim_pairing(code.as_str(), seat, &identity).await.unwrap();
    assert_eq!(client, town.network.client);
    let again = operator.claim_pairing(code.as_str(), seat, &identity).await.unwrap_err();
    let TrustError::Call(CallError::Refused { code: Code::PermissionDenied, message, .. }) = again
    else {
        unreachable!("the code served twice: {again}");
    };
    assert!(message.contains("claimed already"), "{message}");
    seat
}

/// The count of nodes with which a private job is refused.
async fn refused(client: &Client, prepared: &Prepared, town: &Town) -> NotPaired {
    match client.quote(prepared, &town.demand(2)).await.unwrap_err() {
        OrderError::Call(CallError::NotPaired { refused, .. }) => refused,
        other => unreachable!("{other}"),
    }
}

/// A price as soon as the paired nodes are back.
async fn offer(town: &Town, prepared: &Prepared) -> Offer {
    let quoted = async {
        loop {
            match town.client.quote(prepared, &town.demand(2)).await {
                Ok(offer) => return offer,
                Err(OrderError::Call(CallError::NotPaired { refused, .. })) => {
                    assert_eq!(refused.paired, 2, "pairings survive");
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
                Err(other) => unreachable!("{other}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), quoted).await.unwrap()
}

/// What the job is about is not for this client.
async fn learns_nothing(client: &Client, job: JobId, specification: BlobDigest, code: Code) {
    let is_refused = |error: &CallError| {
        assert!(
            matches!(error, CallError::Refused { code: found, .. } if *found == code),
            "{error}"
        );
    };
    is_refused(&client.receipt(job).await.unwrap_err());
    is_refused(&client.why(job).await.unwrap_err());
    is_refused(&client.watch(job, 0).next().await.unwrap_err());
    match client.parts(job).await.unwrap_err() {
        ResultError::Call(error) => is_refused(&error),
        other => unreachable!("{other}"),
    }
    let blob = client.blob(specification, 1 << 20).await;
    assert!(matches!(blob, Err(DownloadError::Fetch { .. })), "{blob:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_job_runs_on_paired_workers_alone_and_strangers_learn_nothing_of_it() {
    let mut town = Town::build(3).await;
    let prepared = drawn("200", Privacy::Private);
    let none = refused(&town.client, &prepared, &town).await;
    assert_eq!(none, NotPaired { replicas: 2, paired: 0, ready: 0 });
    let paired = [pair(&town, "worker-2").await, pair(&town, "worker-3").await];

    // The coordinator dies, and knows them still.
    let coordinator = town.network.members.iter().find(|it| it.name == "coordinator-1").unwrap();
    assert!(coordinator.kill());
    let program = PathBuf::from(env!("CARGO_BIN_EXE_tallystick-devnet"));
    town.network.restart("coordinator-1", &program).await.unwrap();
    let listed = town.client.pairings(None).await.unwrap().pairings;
    assert_eq!(listed.iter().map(|it| it.seat).collect::<Vec<_>>(), paired);

    town.client.upload(&prepared.needed, &silent()).await.unwrap();
    let offer = offer(&town, &prepared).await;
    let job = town.client.order(&prepared, &offer).await.unwrap();
    // The chain tells everybody the digest of the specification. Ordering it brings nothing.
    let copied = town.chain.create_job(U256::from(7), offer.terms(), "").await.unwrap();
    town.until(job, Phase::Settled).await;
    let copy = town.client.status(copied).await.unwrap();
    assert_eq!((copy.phase, copy.nodes.len()), (Phase::Open, 0));

    let status = town.client.status(job).await.unwrap();
    assert!(status.private);
    assert_eq!(status.nodes.len(), 2);
    assert!(status.nodes.iter().all(|seat| paired.contains(seat)), "{:?}", status.nodes);
    let verified = verify::verify(&town.client.receipt(job).await.unwrap()).unwrap();
    let receipt = &verified.signed().receipt;
    assert!(receipt.attestations.as_slice().iter().all(|it| paired.contains(&it.seat())));
    let mut bytes = 0;
    let mut count = |_slice: u64, slice: &[u8]| {
        bytes += slice.len();
        Ok(())
    };
    town.client.output(receipt, &TaskRoots::new(), &mut count, &silent()).await.unwrap();
    assert_eq!(bytes, 96 * 64 * 3);

    let digest = BlobDigest::new(*prepared.specification.digest().as_bytes());
    let anybody = Client::connect(&town.config(), None).await.unwrap();
    learns_nothing(&anybody, job, digest, Code::Unauthenticated).await;
    let key: Arc<dyn EvmSigner> = Arc::new(LocalKey::random());
    let other = Client::connect(&town.config(), Some(key)).await.unwrap();
    learns_nothing(&other, job, digest, Code::PermissionDenied).await;
    let none = refused(&other, &prepared, &town).await;
    assert_eq!(none, NotPaired { replicas: 2, paired: 0, ready: 0 });
}
