//! `tally network`, `verify`, `doctor`, `completions` and `config`.

use std::fs::{self, File};
use std::path::PathBuf;

use alloy_primitives::{Address, U256};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tallystick_sdk::verify::{ONLY_THE_CHAIN_KNOWS, verify};
use tallystick_types::WallTime;

use super::node;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;
use crate::{keys, terminal, words};

#[derive(Debug, Subcommand)]
pub(crate) enum Network {
    /// Shows chain, contracts, tokens and coordinator.
    Show,
}

impl Network {
    pub(crate) async fn run(self, session: &Session, output: &Output) -> Result<(), Failure> {
        let Self::Show = self;
        let client = session.reader().await?;
        let network = client.network().await?;
        let mut record = json!({
            "coordinator": client.coordinator(),
            "seat": words::seat(network.coordinator),
            "identity": network.coordinator_identity,
            "software": network.software.to_string(),
            "chain": network.chain_id,
            "block": network.block,
            "parameters_version": network.parameters_version,
            "server_time_ms": network.server_time_ms,
        });
        for token in network.tokens.iter() {
            record[format!("token {}", &*token.symbol)] =
                json!(format!("{} with {} decimals", token.address, token.decimals));
        }
        for contract in network.contracts.iter() {
            record[contract.name.to_string()] = json!(contract.address);
        }
        Ok(output.record(&record)?)
    }
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The receipt: receipt.json or its canonical bytes.
    receipt: PathBuf,
    /// The whole output, to be compared with the receipt.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Verify {
    pub(crate) fn run(self, output: &Output) -> Result<(), Failure> {
        let bytes = fs::read(&self.receipt).map_err(|error| {
            Failure::misused(format!("{}: {error}; check the path", self.receipt.display()))
        })?;
        let verified = verify(&bytes)?;
        if let Some(path) = &self.output {
            verified.covers(File::open(path)?)?;
        }
        let receipt = &verified.signed().receipt;
        let signers: Vec<_> =
            receipt.attestations.as_slice().iter().map(|one| words::seat(one.seat())).collect();
        Ok(output.record(&json!({
            "verified": true,
            "job": receipt.job,
            "attempt": receipt.attempt,
            "receipt": receipt.digest(),
            "specification": receipt.specification,
            "output_root": receipt.output_root,
            "output": receipt.output,
            "output_compared": self.output.is_some(),
            "cost": receipt.cost,
            "primary": words::seat(receipt.primary),
            "attested_by": signers,
            "chain": receipt.anchor.chain,
            "contract": receipt.anchor.contract,
            "block": receipt.anchor.block,
            "only_the_chain_knows": ONLY_THE_CHAIN_KNOWS,
        }))?)
    }
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    shell: clap_complete::Shell,
}

impl Completions {
    pub(crate) fn run(self, output: &Output) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut crate::surface(), "tally", &mut script);
        Ok(output.text(String::from_utf8_lossy(&script).trim_end())?)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Shows what is in force and where it came from. What may be a secret is masked.
    Show,
}

impl Config {
    pub(crate) fn run(self, session: &Session, output: &Output) -> Result<(), Failure> {
        let Self::Show = self;
        let rows = session.configuration.shown();
        Ok(output.list("settings", &["setting", "value", "source"], &rows)?)
    }
}

/// The version of this program.
const OURS: &str = env!("CARGO_PKG_VERSION");
/// Quotes are bound to the time of the coordinator; who is further away misses their end.
const MOST_SKEW_MS: u64 = 30_000;

/// One look of the doctor: what was looked at, and how it is.
fn look<T>(rows: &mut Vec<Value>, what: &str, found: Result<(T, String), Failure>) -> Option<T> {
    match found {
        Ok((value, about)) => {
            rows.push(json!({ "check": what, "state": "good", "about": about }));
            Some(value)
        }
        Err(failure) => {
            rows.push(bad(what, &failure));
            None
        }
    }
}

fn bad(what: &str, failure: &Failure) -> Value {
    let about = terminal::causes(failure.error()).replace('\n', ";");
    json!({ "check": what, "state": "bad", "about": about })
}

/// What the doctor looks at beside the settings of commands.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Look at what this node needs as well: its disk, ports, keys, endpoints, clock and funds.
    #[arg(long, value_name = "FILE")]
    node: Option<PathBuf>,
}

impl Doctor {
    pub(crate) async fn run(self, session: &Session, output: &Output) -> Result<(), Failure> {
        let mut rows = commands_need(session).await;
        if let Some(file) = self.node {
            match node::checked(file).await {
                Ok(needs) => rows.extend(needs),
                Err(failure) => rows.push(bad("node", &failure)),
            }
        }
        output.list("checks", &["check", "state", "about"], &rows)?;
        if rows.iter().any(|row| row["state"] == "bad") {
            return Err(Failure::unfit());
        }
        Ok(())
    }
}

/// Everything that a command may need; asks for no password.
async fn commands_need(session: &Session) -> Vec<Value> {
    let mut rows = Vec::new();
    let listed =
        keys::count(&session.configuration).map(|count| ((), format!("{count} in the keystore")));
    look(&mut rows, "keys", listed);
    let record = session.deployment().and_then(|record| {
        let missing = || Failure::misused("no record is named; give --deployments");
        let record = record.ok_or_else(missing)?;
        let about = format!("chain {}", record.chain_id);
        Ok((record, about))
    });
    look(&mut rows, "deployment record", record);
    let client = session.reader().await.map(|client| {
        let about = client.coordinator().to_owned();
        (client, about)
    });
    if let Some(client) = look(&mut rows, "coordinator", client) {
        let network = client.network().await.map_err(Failure::from);
        let network = network.map(|network| {
            let about = format!("tally {OURS}, coordinator {}", network.software.as_str());
            (network, about)
        });
        let network = look(&mut rows, "versions", network);
        look_if(&mut rows, "clock", network.map(|network| skew(network.server_time_ms)));
    }
    let chain = session.chain_reader().await.map(|chain| {
        let about = format!("chain {}", chain.deployment().chain_id);
        (chain, about)
    });
    if let Some(chain) = look(&mut rows, "chain", chain)
        && let Some(account) = session.configuration.key.value
    {
        let coins = chain.coins(account).await.map_err(Failure::from);
        look(&mut rows, "gas", coins.and_then(|coins| gas(account, coins)));
    }
    rows
}

fn look_if(rows: &mut Vec<Value>, what: &str, found: Option<Result<String, Failure>>) {
    if let Some(found) = found {
        look(rows, what, found.map(|about| ((), about)));
    }
}

fn skew(theirs: WallTime) -> Result<String, Failure> {
    let skew = theirs.get().abs_diff(tallystick_sdk::client::now().get());
    let about = format!("{skew} ms apart from the coordinator's");
    if skew > MOST_SKEW_MS {
        return Err(Failure::misused(format!("{about}; set the clock of this machine")));
    }
    Ok(about)
}

fn gas(account: Address, coins: U256) -> Result<((), String), Failure> {
    if coins.is_zero() {
        let why =
            format!("{account} has nothing to pay fees with; send it some of the chain's coin");
        return Err(Failure::misused(why));
    }
    Ok(((), format!("{coins} wei of {account}")))
}
