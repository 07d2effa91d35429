//! Coordinators on other machines.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tallystick_chain::keys::LocalKey;
use tallystick_sdk::client::{Authorities, Trouble};
use tallystick_sdk::{CallError, Client, ClientConfig, ConnectError};
use tallystick_tls::{SampleAuthority, Validity};
use tokio::net::TcpListener;

use crate::coordinator::Coordinator;
use crate::network::{follow, order};
use crate::sample::prepared;

fn config(url: &str, authorities: &Authorities) -> ClientConfig {
    let authorities = authorities.clone();
    let time_limit = Duration::from_secs(2);
    ClientConfig { authorities, time_limit, ..ClientConfig::new(url) }
}

#[tokio::test]
async fn an_order_goes_by_tls_to_whom_the_authority_certified() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), SampleAuthority::new());
    let pair = authority.pair("127.0.0.1", Validity::Present);
    let coordinator = Coordinator::secured(&pair).await;
    let config = config(&coordinator.url, &authority.believed(folder.path()));
    let client = Client::connect(&config, Some(Arc::new(LocalKey::random()))).await.unwrap();
    let job = order(&client, &prepared()).await;
    let (seen, roots) = follow(&client, job).await;
    assert_eq!((seen.len(), roots.len()), (9, 3));
}

#[tokio::test]
async fn whoever_cannot_be_trusted_is_told_with_what_to_do() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), SampleAuthority::new());
    let (public, own) = (Authorities::default(), authority.believed(folder.path()));
    let present = Coordinator::secured(&authority.pair("127.0.0.1", Validity::Present)).await;
    let named = Coordinator::secured(&authority.pair("tally.example", Validity::Present)).await;
    let past = Coordinator::secured(&authority.pair("127.0.0.1", Validity::Past)).await;
    let plain = Coordinator::start().await;
    let table = [
        (present.url.clone(), &public, Trouble::UnknownAuthority),
        (named.url.clone(), &own, Trouble::OtherName),
        (past.url.clone(), &own, Trouble::Expired),
        (plain.url.replace("http:", "https:"), &own, Trouble::NoTls),
    ];
    for (url, authorities, expected) in table {
        let error = Client::connect(&config(&url, authorities), None).await.unwrap_err();
        let ConnectError::Call(CallError::Insecure { trouble, .. }) = &error else {
            panic!("{error:?}")
        };
        assert_eq!(*trouble, expected, "{url}");
    }
    let refused = Client::connect(&config("http://10.0.0.1:7420", &own), None).await.unwrap_err();
    assert!(refused.to_string().contains("write https://"), "{refused}");
}

#[tokio::test]
async fn a_coordinator_that_never_answers_the_handshake_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let mut config = config(&url, &Authorities::default());
    config.time_limit = Duration::from_millis(100);
    #[expect(clippy::disallowed_methods, reason = "the limit is one of real time")]
    let began = Instant::now();
    let error = Client::connect(&config, None).await.unwrap_err();
    assert!(matches!(&error, ConnectError::Call(call) if call.is_silence()), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(10));
}
