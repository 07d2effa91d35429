//! Anvil in a process of its own, that mines when it is told to.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A running Anvil. Dropping it stops it.
pub(crate) struct Anvil {
    process: Child,
    pub(crate) url: String,
    client: reqwest::Client,
}

impl Anvil {
    /// With the rules, limits and first block of simulated chains.
    pub(crate) fn start(chain: u64, time: u64, gas_limit: u64) -> Self {
        // Before the process, which nobody would stop if this failed.
        tallystick_tls::install_provider();
        let client = reqwest::Client::new();
        let mut process = Command::new(binary())
            .args(["--host", "127.0.0.1", "--port", "0", "--no-mining"])
            .args(["--hardfork", "prague", "--slots-in-an-epoch", "4"])
            .args(["--chain-id", &chain.to_string(), "--timestamp", &time.to_string()])
            .args(["--gas-limit", &gas_limit.to_string()])
            .args(["--block-base-fee-per-gas", "1000000000", "--disable-min-priority-fee"])
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
        Self { process, url: format!("http://{address}"), client }
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

    /// Mines what waits.
    pub(crate) async fn mine(&self, time: u64) {
        self.ask("evm_setNextBlockTimestamp", json!([time])).await;
        self.ask("evm_mine", json!([])).await;
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
