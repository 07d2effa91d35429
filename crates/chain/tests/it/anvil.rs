//! A real chain that moves when it is told to.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use alloy::providers::{Provider, ProviderBuilder, RootProvider};
use alloy_primitives::{Address, U256};
use serde_json::{Value, json};
use tallystick_chain::endpoint::Endpoint;

/// The number of the chain.
pub(crate) const CHAIN: u64 = 31_337;

/// A running Anvil; dropping it stops it.
pub(crate) struct Anvil {
    process: Child,
    url: String,
    provider: RootProvider,
}

impl Anvil {
    /// Starts it on a free port. Blocks come by [`Self::mine`] alone.
    pub(crate) fn start() -> Self {
        let mut process = Command::new(binary())
            .args(["--host", "127.0.0.1", "--port", "0", "--no-mining"])
            .args(["--chain-id", &CHAIN.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.trim().strip_prefix("Listening on ").map(str::to_owned))
            .expect("Anvil says where it listens");
        // Read on, so that it never waits for a reader.
        std::thread::spawn(move || lines.count());
        let url = format!("http://{address}");
        let provider = ProviderBuilder::default().connect_http(url.parse().unwrap());
        Self { process, url, provider }
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::new(&self.url, Duration::from_secs(10)).unwrap()
    }

    pub(crate) async fn mine(&self) {
        self.ask("evm_mine", json!([])).await;
    }

    /// The base fee of the next block, in wei per unit of gas.
    pub(crate) async fn set_base_fee(&self, wei: u128) {
        self.ask("anvil_setNextBlockBaseFeePerGas", json!([format!("{wei:#x}")])).await;
    }

    pub(crate) async fn give(&self, account: Address, wei: U256) {
        self.ask("anvil_setBalance", json!([account, wei])).await;
    }

    async fn ask(&self, method: &'static str, params: Value) -> Value {
        self.provider.raw_request(method.into(), params).await.unwrap()
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // Both fail only where the process is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The native binary that npm pins; its launcher would outlive the test.
fn binary() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let modules = [root.join("node_modules"), root.join("node_modules/.native/node_modules")];
    let packages = modules.iter().filter_map(|each| each.join("@foundry-rs").read_dir().ok());
    packages
        .flatten()
        .filter_map(Result::ok)
        .filter(|package| package.file_name().to_string_lossy().starts_with("anvil-"))
        .map(|package| package.path().join("bin/anvil"))
        .find(|path| path.is_file())
        .expect("script/bootstrap installs Anvil")
}
