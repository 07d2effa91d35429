use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tallystick_chain::follow::ScriptedChain;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::config::Role;

/// Names the test that is to play a node in a process of its own.
const PLAY: &str = "TALLYSTICK_TEST_PLAYS_A_NODE";

fn signal(child: &Child) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
}

/// This test in a process of its own; the first line of its output says that it listens.
fn play(name: &str) -> (Child, impl Iterator<Item = String>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("run::tests::{name}"), "--nocapture"]);
    let mut child = command.env(PLAY, "1").stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    (child, lines.filter(|line| line.starts_with("node ")))
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once_and_one_lets_the_node_finish() {
    if std::env::var_os(PLAY).is_some() {
        let stubborn = |asked: oneshot::Receiver<()>| async {
            println!("node listens");
            drop(asked.await);
            println!("node is asked");
            // A thread that does not end would hold up the end of the runtime.
            let work = || std::thread::sleep(Duration::from_secs(60));
            tokio::task::spawn_blocking(work).await.unwrap();
        };
        return until_signalled(stubborn).await;
    }
    let (mut child, mut lines) =
        play("a_second_signal_ends_the_process_at_once_and_one_lets_the_node_finish");
    assert_eq!(lines.next().as_deref(), Some("node listens"));
    signal(&child);
    assert_eq!(lines.next().as_deref(), Some("node is asked"));
    assert!(child.try_wait().unwrap().is_none(), "it finishes its work first");
    signal(&child);
    assert_eq!(child.wait().unwrap().code(), Some(AT_ONCE));
}

/// An archive whose chain does not answer.
fn config(folder: &Path, observe: SocketAddr) -> Config {
    let deployment = ScriptedChain::deployment();
    let records = folder.join("deployments");
    std::fs::create_dir(&records).unwrap();
    let path = records.join(format!("{}.json", deployment.chain_id.get()));
    std::fs::write(path, serde_json::to_vec(&deployment).unwrap()).unwrap();
    let mut config = Config {
        roles: [Role::Archive].into(),
        data: folder.join("data"),
        observe,
        ..Config::default()
    };
    config.chain.deployments = records;
    config.chain.endpoints = vec!["http://127.0.0.1:9".to_owned()];
    config
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn free() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn a_node_without_its_chain_lives_says_why_it_is_not_ready_and_ends_when_asked() {
    let (folder, observe) = (tempfile::tempdir().unwrap(), free());
    let config = config(folder.path(), observe);
    let again = config.clone();
    let (ask, asked) = oneshot::channel::<()>();
    let node = run(config, async { drop(asked.await) });
    let visitor = async {
        while TcpStream::connect(observe).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(get(observe, "/healthz").await.starts_with("HTTP/1.1 200"));
        let ready = get(observe, "/readyz").await;
        assert!(ready.starts_with("HTTP/1.1 503"), "{ready}");
        assert!(ready.contains("the chain is not followed"), "{ready}");
        assert!(ready.contains("the roles wait for the chain"), "{ready}");
        assert!(get(observe, "/metrics").await.contains("\ntally_ready 0\n"));
        assert!(get(observe, "/").await.starts_with("HTTP/1.1 404"));
        let twin = Box::pin(run(Config { observe: free(), ..again }, std::future::pending())).await;
        assert!(matches!(twin, Err(NodeError::Locked { .. })), "{twin:?}");
        ask.send(()).unwrap();
    };
    let (ended, ()) = tokio::join!(Box::pin(node), Box::pin(visitor));
    ended.unwrap();
    assert!(TcpStream::connect(observe).await.is_err(), "the door is closed");
}
