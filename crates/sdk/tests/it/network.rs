//! From a draft to a verified result over real connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ed25519_dalek::SigningKey;
use tallystick_chain::keys::{EvmSigner, LocalKey};
use tallystick_sdk::blob::{Carried, DownloadError, Report, silent};
use tallystick_sdk::client::TrustError;
use tallystick_sdk::messages::{EventKind, NotPaired};
use tallystick_sdk::order::{Demand, OrderError};
use tallystick_sdk::output::{AssemblyError, ResultError, TaskRoots};
use tallystick_sdk::specify::{Draft, InputSource, Prepared, Source};
use tallystick_sdk::verify::{Expected, VerifyError, verify};
use tallystick_sdk::{CallError, Client, ClientConfig, ConnectError};
use tallystick_types::{BlobDigest, ChainId, JobId, NodeId, Privacy, Seat};
use tonic::Code;

use crate::coordinator::{Coordinator, TOKEN};
use crate::offer::demand;
use crate::sample::prepared;

fn config(urls: &[&str]) -> ClientConfig {
    ClientConfig {
        coordinators: urls.iter().map(|url| (*url).to_owned()).collect(),
        time_limit: Duration::from_secs(5),
        ..ClientConfig::new("")
    }
}

async fn client(coordinator: &Coordinator) -> Client {
    let key: Arc<dyn EvmSigner> = Arc::new(LocalKey::random());
    Client::connect(&config(&[&coordinator.url]), Some(key)).await.unwrap()
}

pub(crate) async fn order(client: &Client, prepared: &Prepared) -> JobId {
    let demand = Demand { token: TOKEN, ..demand() };
    let offer = client.quote(prepared, &demand).await.unwrap();
    client.upload(&prepared.needed, &silent()).await.unwrap();
    client.order(prepared, &offer).await.unwrap()
}

/// Watches to the end and keeps the roots.
pub(crate) async fn follow(client: &Client, job: JobId) -> (Vec<u64>, TaskRoots) {
    let (mut seen, mut roots) = (Vec::new(), TaskRoots::new());
    let mut watch = client.watch(job, 0);
    while let Some(event) = watch.next().await.unwrap() {
        seen.push(event.sequence);
        if let Some(EventKind::Verified(verified)) = event.kind {
            roots.insert(verified.task, verified.output_root);
        }
    }
    (seen, roots)
}

#[tokio::test]
async fn an_order_becomes_a_verified_result() {
    let coordinator = Coordinator::start().await;
    let (client, prepared) = (client(&coordinator).await, prepared());
    let job = order(&client, &prepared).await;
    let (seen, roots) = follow(&client, job).await;
    assert_eq!((seen, roots.len()), ((1..=9).collect(), 3));
    let verified = verify(&client.receipt(job).await.unwrap()).unwrap();
    let expected = Expected {
        job,
        domain: client.job_domain(),
        specification: Some(prepared.specification.digest()),
        quorum: 2,
    };
    verified.answers(&expected).unwrap();
    let mut output = Vec::new();
    let mut sink = |slice: u64, bytes: &[u8]| {
        output.push((slice, String::from_utf8(bytes.to_vec()).unwrap()));
        Ok(())
    };
    let receipt = &verified.signed().receipt;
    client.output(receipt, &roots, &mut sink, &silent()).await.unwrap();
    let lines = ["ONE\n", "TWO\n", "THREE\n", "FOUR\n", "FIVE\n"];
    let lines: Vec<_> = (0..).zip(lines.map(str::to_owned)).collect();
    assert_eq!(output, lines);
}

#[tokio::test]
async fn watching_goes_on_where_the_connection_broke() {
    let coordinator = Coordinator::start().await;
    coordinator.state().break_after = 4;
    let client = client(&coordinator).await;
    let job = order(&client, &prepared()).await;
    let (seen, _) = follow(&client, job).await;
    assert_eq!(seen, (1..=9).collect::<Vec<_>>());
    assert_eq!(coordinator.state().watches, [0, 4, 8]);
}

#[tokio::test]
async fn another_coordinator_is_asked_where_one_is_silent() {
    let coordinator = Coordinator::start().await;
    let silent = "http://127.0.0.1:1";
    let client = Client::connect(&config(&[silent, &coordinator.url]), None).await.unwrap();
    assert_eq!(client.coordinator(), coordinator.url);
    let nobody = Client::connect(&config(&[silent]), None).await;
    let Err(ConnectError::Call(failure)) = nobody else { panic!("somebody answered") };
    assert!(failure.is_silence(), "{failure}");
    assert!(matches!(Client::connect(&config(&[]), None).await, Err(ConnectError::NoCoordinator)));
}

#[tokio::test]
async fn only_what_is_missing_is_uploaded_and_every_byte_is_reported() {
    let coordinator = Coordinator::start().await;
    let (client, mut prepared) = (client(&coordinator).await, prepared());
    let large = Source::Bytes((0..3_000_000_u32).flat_map(|it| it.to_le_bytes()).collect());
    prepared.needed.push(large.needed().unwrap());
    let total: u64 = prepared.needed.iter().map(|needed| needed.size).sum();
    let carried = |sent: Arc<AtomicU64>, skipped: Arc<AtomicU64>| -> Report {
        Arc::new(move |carried| {
            match carried {
                Carried::Bytes(bytes) => sent.fetch_add(bytes, Ordering::Relaxed),
                Carried::Skipped(bytes) => skipped.fetch_add(bytes, Ordering::Relaxed),
            };
        })
    };
    for expected in [(total, 0), (0, total)] {
        let (sent, skipped) = (Arc::default(), Arc::default());
        let report = carried(Arc::clone(&sent), Arc::clone(&skipped));
        client.upload(&prepared.needed, &report).await.unwrap();
        assert_eq!((sent.load(Ordering::Relaxed), skipped.load(Ordering::Relaxed)), expected);
    }
    assert_eq!(coordinator.state().puts.len(), prepared.needed.len());
    let digest = prepared.needed.last().unwrap().digest;
    let Source::Bytes(bytes) = large else { panic!("no bytes") };
    assert_eq!(client.blob(digest, 1 << 30).await.unwrap(), bytes);
    let small = client.blob(digest, 1_000).await;
    assert!(matches!(small, Err(DownloadError::Fetch { .. })));
    let missing = client.blob(BlobDigest::new([1; 32]), 1_000).await;
    assert!(matches!(missing, Err(DownloadError::Fetch { .. })));
}

#[tokio::test]
async fn a_true_receipt_of_another_job_and_a_forged_output_are_refused() {
    let coordinator = Coordinator::start().await;
    let (client, prepared) = (client(&coordinator).await, prepared());
    let (first, second) = (order(&client, &prepared).await, order(&client, &prepared).await);
    let other = verify(&client.receipt(first).await.unwrap()).unwrap();
    coordinator.state().instead = Some(other.signed().clone());
    let handed = verify(&client.receipt(second).await.unwrap()).unwrap();
    let domain = client.job_domain();
    let expected = Expected { job: second, domain, specification: None, quorum: 2 };
    assert!(matches!(handed.answers(&expected), Err(VerifyError::OtherJob { .. })));
    let mut receipt = other.signed().receipt.clone();
    receipt.output_root = tallystick_types::OutputRoot::new([1; 32]);
    let mut sink = |_: u64, _: &[u8]| Ok(());
    let refused = client.output(&receipt, &TaskRoots::new(), &mut sink, &silent()).await;
    assert!(matches!(refused, Err(ResultError::Assembly(AssemblyError::OtherRoot { .. }))));
}

#[tokio::test]
async fn refusals_of_the_network_are_typed_and_not_repeated() {
    let coordinator = Coordinator::start().await;
    let (owner, prepared) = (client(&coordinator).await, prepared());
    let unknown = owner.status(JobId::new([1; 32])).await;
    assert!(matches!(unknown, Err(CallError::NotFound { .. })));
    let demand = Demand { token: TOKEN, ..demand() };
    let offer = owner.quote(&prepared, &demand).await.unwrap();
    let early = owner.order(&prepared, &offer).await;
    assert!(matches!(early, Err(OrderError::Call(CallError::NotNow { .. }))));
    let job = order(&owner, &prepared).await;
    let stranger = client(&coordinator).await;
    let refused = stranger.cancel(job).await.unwrap_err().to_string();
    assert!(refused.contains("not your job"), "{refused}");
    owner.cancel(job).await.unwrap();
    assert_eq!(coordinator.state().cancelled, [job]);
    let no_list = owner.jobs(None, None).await;
    assert!(matches!(no_list, Err(CallError::Refused { code: Code::Unimplemented, .. })));
}

#[tokio::test]
async fn nothing_is_signed_without_a_key_or_for_another_network() {
    let coordinator = Coordinator::start().await;
    let reader = Client::connect(&config(&[&coordinator.url]), None).await.unwrap();
    let prepared = prepared();
    let demand = Demand { token: TOKEN, ..demand() };
    let offer = reader.quote(&prepared, &demand).await.unwrap();
    assert!(matches!(reader.order(&prepared, &offer).await, Err(OrderError::NoKey)));
    let mut other = config(&[&coordinator.url]);
    other.deployment = Some(tallystick_abi::Deployment {
        chain_id: ChainId::new(1),
        block: 0,
        deployer: TOKEN,
        parameters: "local".into(),
        holders: tallystick_abi::Holders {
            treasury: TOKEN,
            pauser: TOKEN,
            committee: TOKEN,
            reporter: TOKEN,
        },
        contracts: Default::default(),
    });
    let refused = Client::connect(&other, None).await;
    assert!(matches!(refused, Err(ConnectError::OtherNetwork { .. })));
}

#[tokio::test]
async fn a_private_job_without_paired_nodes_is_refused_before_anything_is_sent() {
    let coordinator = Coordinator::start().await;
    let client = client(&coordinator).await;
    let input = InputSource::Bytes(b"a secret\n".to_vec());
    let draft = Draft {
        privacy: Privacy::Private,
        ..Draft::new(Source::Bytes(crate::sample::MODULE.to_vec()), input)
    };
    let prepared = draft.prepare().unwrap();
    let demand = Demand { token: TOKEN, ..demand() };
    let refused = client.quote(&prepared, &demand).await.unwrap_err();
    let OrderError::Call(CallError::NotPaired { refused, .. }) = refused else {
        panic!("{refused}");
    };
    assert_eq!(refused, NotPaired { replicas: 3, paired: 1, ready: 0 });
    assert!(coordinator.state().puts.is_empty());
    // The coordinator knows whose pairings to count, and a stranger asks in vain.
    assert_eq!(coordinator.state().readers, [client.account().unwrap()]);
    let stranger = Client::connect(&config(&[&coordinator.url]), None).await.unwrap();
    let refused = stranger.quote(&prepared, &demand).await;
    assert!(matches!(refused, Err(OrderError::NoKey)));
}

#[tokio::test]
async fn a_client_makes_a_code_a_node_claims_it_and_the_client_lists_its_pairings() {
    let coordinator = Coordinator::start().await;
    let client = client(&coordinator).await;
    let made = client.create_pairing().await.unwrap();
    let seat = Seat { node: NodeId::new(5), signer: TOKEN };
    let identity = SigningKey::from_bytes(&[7; 32]);
    let stranger = Client::connect(&config(&[&coordinator.url]), None).await.unwrap();
    // As people write it down.
    let code = format!(" {} ", made.code.as_str().to_lowercase());
    assert_eq!(stranger.claim_pairing(&code, seat, &identity).await.unwrap(), TOKEN);
    let other = SigningKey::from_bytes(&[8; 32]);
    let refused = stranger.claim_pairing(&code, seat, &other).await.unwrap_err();
    assert!(matches!(
        refused,
        TrustError::Call(CallError::Refused { code: Code::Unauthenticated, .. })
    ));
    assert_eq!(client.pairings(None).await.unwrap().pairings.len(), 1);
    assert_eq!(coordinator.state().readers, [client.account().unwrap()]);
    assert!(matches!(stranger.pairings(None).await, Err(TrustError::NoKey)));
    assert!(matches!(stranger.create_pairing().await, Err(TrustError::NoKey)));
}
