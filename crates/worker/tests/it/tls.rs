//! Sessions between machines.

use tallystick_tls::{Authorities, SampleAuthority, Trouble, Validity, line};
use tallystick_wire::worker::AgentBody;
use tallystick_worker::{LinkError, Worker};

use crate::coordinator::{Coordinator, identity, key};
use crate::house::{House, config};
use crate::session::beside;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_and_its_blobs_are_carried_by_tls() {
    let (house, plain) = House::with_coordinator().await;
    let (folder, authority) = (tempfile::tempdir().unwrap(), SampleAuthority::new());
    let pair = authority.pair("127.0.0.1", Validity::Present);
    let mut coordinator = Coordinator::secured(plain.blobs.clone(), &pair).await;
    house.facts.set_identity(crate::coordinator::seat(), identity());
    let mut settings = config("https://127.0.0.1:1");
    let url = format!("https://{}", coordinator.address);
    let authorities = authority.believed(folder.path());
    settings.coordinators = vec![line(&url, &authorities, None).unwrap()];
    let worker = Worker::new(settings, house.ports.clone()).unwrap();
    let test = async {
        let mut session = coordinator.greeted().await;
        session.answer(session.hello.nonce.unwrap(), &key()).await;
        session.prove().await;
        session.admit(0).await;
        house.assign(&session, 0).await;
        assert!(matches!(session.heard().await, Some(AgentBody::TaskAck(_))));
        // The program and the input came over the same line.
        assert!(matches!(session.heard().await, Some(AgentBody::TaskCommit(_))));
    };
    beside(worker, test).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_coordinator_that_cannot_be_trusted_is_told_with_what_to_do() {
    let (house, plain) = House::with_coordinator().await;
    let (folder, authority) = (tempfile::tempdir().unwrap(), SampleAuthority::new());
    let blobs = || plain.blobs.clone();
    let present = authority.pair("127.0.0.1", Validity::Present);
    let past = authority.pair("127.0.0.1", Validity::Past);
    let (public, own) = (Authorities::default(), authority.believed(folder.path()));
    let table = [
        (Coordinator::secured(blobs(), &present).await, &public, Trouble::UnknownAuthority),
        (Coordinator::secured(blobs(), &past).await, &own, Trouble::Expired),
        (Coordinator::start(blobs()).await, &own, Trouble::NoTls),
    ];
    for (coordinator, authorities, expected) in table {
        let mut settings = config("https://127.0.0.1:1");
        let url = format!("https://{}", coordinator.address);
        settings.coordinators = vec![line(&url, authorities, None).unwrap()];
        let worker = Worker::new(settings, house.ports.clone()).unwrap();
        let mut status = worker.status();
        let test = async {
            let failed = status.wait_for(|status| status.last_error.is_some()).await.unwrap();
            failed.last_error.clone().unwrap()
        };
        let error = beside(worker, test).await;
        assert!(matches!(*error, LinkError::Insecure(found) if found == expected), "{error}");
    }
}
