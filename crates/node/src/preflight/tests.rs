use std::collections::BTreeSet;

use super::*;

/// A settler of a chain that nobody serves, in a folder of its own.
fn config(data: &Path) -> Config {
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut config = Config {
        roles: BTreeSet::from([Role::Settler]),
        data: data.to_owned(),
        observe: free(),
        ..Config::default()
    };
    config.keys.account = Address::repeat_byte(7);
    config.keys.password_file = data.join("password");
    config.chain.endpoints = vec![format!("http://{}", free())];
    config.chain.answer_ms = 500;
    config
}

fn found<'a>(checks: &'a [Check], what: &str) -> &'a Check {
    checks.iter().find(|check| check.what == what).unwrap()
}

#[tokio::test]
async fn every_lack_is_named_at_once_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let checks = preflight(&config).await;
    for what in ["configuration", "folder", "disk", "health port"] {
        assert!(found(&checks, what).good, "{:?}", found(&checks, what));
    }
    for what in ["key", "deployment record", "endpoint", "agreement"] {
        assert!(!found(&checks, what).good, "{:?}", found(&checks, what));
    }
    assert!(found(&checks, "key").about.contains("password"));
    assert!(found(&checks, "endpoint").about.contains("start it or name another"));
}

#[tokio::test]
async fn what_another_process_holds_is_not_free() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let _process = lock(folder.path()).unwrap();
    let _listener = TcpListener::bind(config.observe).unwrap();
    let checks = preflight(&config).await;
    assert!(!found(&checks, "folder").good);
    let port = found(&checks, "health port");
    assert!(!port.good && port.about.contains("choose another address in observe"), "{port:?}");
}

#[tokio::test]
async fn a_store_of_blobs_larger_than_the_disk_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.roles.insert(Role::Coordinator);
    config.coordinator.blob_bytes = 1 << 60;
    let checks = preflight(&config).await;
    let disk = found(&checks, "disk");
    assert!(!disk.good && disk.about.contains("coordinator.blob_bytes"), "{disk:?}");
}
