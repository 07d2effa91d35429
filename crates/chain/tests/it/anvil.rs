//! Anvil in a process of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use alloy_primitives::Address;
use serde_json::{Value, json};

/// A running Anvil with a block per transaction. Dropping it stops it.
pub(crate) struct Anvil {
    process: Child,
    pub(crate) url: String,
    client: reqwest::Client,
}

impl Anvil {
    pub(crate) fn start() -> Self {
        let mut process = Command::new(binary())
            .args(["--host", "127.0.0.1", "--port", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .find_map(|line| line.unwrap().trim().strip_prefix("Listening on ").map(str::to_owned))
            .expect("Anvil says where it listens");
        // It would wait for a reader of its output otherwise.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        tallystick_tls::install_provider();
        Self { process, url: format!("http://{address}"), client: reqwest::Client::new() }
    }

    /// Asks for something that only a test needs.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        let question = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = self.client.post(&self.url).header("content-type", "application/json");
        let answer = request.body(question.to_string()).send().await.unwrap().bytes().await;
        let answer: Value = serde_json::from_slice(&answer.unwrap()).unwrap();
        assert_eq!(answer.get("error"), None, "{method}");
        answer["result"].clone()
    }

    /// Sends a transaction from the first account; its receipt.
    pub(crate) async fn send(&self, to: Option<Address>, data: &str) -> Value {
        let tx = self.transaction(to, data).await;
        let hash = self.ask("eth_sendTransaction", json!([tx])).await;
        // The block is made after the answer to the sender.
        for _ in 0..2_000 {
            let receipt = self.ask("eth_getTransactionReceipt", json!([hash])).await;
            if !receipt.is_null() {
                return receipt;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        unreachable!("Anvil mines what it is sent")
    }

    /// A transaction of the first account.
    pub(crate) async fn transaction(&self, to: Option<Address>, data: &str) -> Value {
        let accounts = self.ask("eth_accounts", json!([])).await;
        let gas = "0x30d40";
        match to {
            Some(to) => json!({ "from": accounts[0], "to": to, "data": data, "gas": gas }),
            None => json!({ "from": accounts[0], "data": data, "gas": gas }),
        }
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The native binary: npm's launcher would leave it running.
fn binary() -> PathBuf {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../node_modules");
    let scopes = [modules.join("@foundry-rs"), modules.join(".native/node_modules/@foundry-rs")];
    let packages = scopes.iter().filter_map(|scope| fs::read_dir(scope).ok()).flatten();
    let binaries = packages.filter_map(Result::ok).map(|package| package.path().join("bin/anvil"));
    binaries.into_iter().find(|path| path.is_file()).expect("run script/bootstrap")
}
