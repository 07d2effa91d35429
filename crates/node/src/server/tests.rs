use std::sync::Arc;

use ed25519_dalek::SigningKey;
use tallystick_blobs::{BlobStore, StoreConfig};
use tallystick_chain::follow::ScriptedChain;
use tallystick_chain::outbox::ScriptedOutbox;
use tallystick_coordinator::{Coordinator, CoordinatorConfig, CoordinatorParts};
use tallystick_journal::{Journal, Network};
use tallystick_ports::ManualClock;
use tallystick_types::{ChainTime, NodeId, Seat, WallTime};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use super::*;

fn services(folder: &std::path::Path) -> CoordinatorServices {
    let deployment = ScriptedChain::deployment();
    let domain = deployment.job_domain();
    let (_, house) = ScriptedChain::new(ChainTime::new(1_750_000_000).unwrap());
    let (_, outbox) = ScriptedOutbox::new(domain.chain);
    let network = Network { chain: domain.chain, jobs: domain.job_manager };
    let store = StoreConfig::new(folder.join("blobs"), 1 << 20);
    let parts = CoordinatorParts {
        journal: Journal::open(folder.join("journal"), network).unwrap(),
        blobs: BlobStore::open(store).unwrap().0,
        house,
        outbox,
        clock: Arc::new(ManualClock::at(WallTime::new(1))),
        deployment: Arc::new(deployment),
        seat: Seat { node: NodeId::new(1), signer: alloy_primitives::Address::ZERO },
        identity: SigningKey::from_bytes(&[7; 32]),
    };
    Coordinator::open(CoordinatorConfig::default(), parts).unwrap().1
}

#[tokio::test]
async fn health_and_reflection_answer_a_stock_client_and_the_server_stops() {
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = CoordinatorSettings { listen: free, ..CoordinatorSettings::default() };
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async { drop(stopped.await) };
    let server = bind(&settings, None, services(folder.path()), stopped).await.unwrap();
    let taken = bind(&settings, None, services(&folder.path().join("other")), async {}).await;
    assert!(matches!(taken.err(), Some(NodeError::Listen { address, .. }) if address == free));
    let mut tasks = JoinSet::new();
    tasks.spawn(server);
    let url = Endpoint::from_shared(format!("http://{free}")).unwrap();
    let channel = url.connect().await.unwrap();

    let mut health = HealthClient::new(channel.clone());
    let answer = health.check(HealthCheckRequest { service: String::new() }).await.unwrap();
    assert_eq!(answer.into_inner().status(), ServingStatus::Serving);

    let mut reflection = ServerReflectionClient::new(channel);
    let asked = [
        MessageRequest::ListServices(String::new()),
        MessageRequest::FileContainingSymbol("tallystick.client.v1.Clients".to_owned()),
    ];
    let asked = asked.map(|request| ServerReflectionRequest {
        host: String::new(),
        message_request: Some(request),
    });
    // The stream of questions stays open until the answers are there.
    let asked = tonic::codegen::tokio_stream::iter(asked);
    let mut answers = reflection.server_reflection_info(asked).await.unwrap().into_inner();
    let mut next = async || answers.message().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(list) = next().await else { panic!("a list") };
    let names: Vec<_> = list.service.into_iter().map(|it| it.name).collect();
    for name in ["client.v1.Clients", "worker.v1.Workers", "blobs.v1.Blobs"] {
        assert!(names.contains(&format!("tallystick.{name}")), "{names:?}");
    }
    let MessageResponse::FileDescriptorResponse(file) = next().await else { panic!("a file") };
    assert!(!file.file_descriptor_proto.is_empty());
    drop((health, reflection, answers));
    stop.send(()).unwrap();
    let served = tasks.join_next().await.unwrap().unwrap();
    served.unwrap();
}
