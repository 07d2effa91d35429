//! From arguments to an order: what is to be done, for how much, by whom.

use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tallystick_protocol::ledger::{Limits, Queueing};
use tallystick_sdk::CallError;
use tallystick_sdk::Client;
use tallystick_sdk::chain::Chain;
use tallystick_sdk::order::{Demand, Offer, OrderError, fresh_nonce};
use tallystick_sdk::specify::{
    Draft, InputSource, MEMORY_BYTES, OUTPUT_BYTES, Prepared, Source, Split, TileGrid, UNITS,
};
use tallystick_types::{JobId, Policy, Privacy, Seconds, Trust, Verification};

use crate::amounts::Unit;
use crate::failure::Failure;
use crate::session::Session;
use crate::{progress, terminal, words};

/// The longest time for which the money of a job may be held, on top of the job's own limit.
const SETTLING: u64 = 86_400;

#[derive(Debug, Args)]
pub(crate) struct Order {
    /// The WebAssembly module (WASI command).
    module: PathBuf,
    /// What it reads: a file, or a folder whose files are one slice each.
    #[arg(long, value_name = "PATH", required_unless_present = "tiles")]
    input: Option<PathBuf>,
    /// A picture to compute instead of an input, such as 640x480/64x64.
    #[arg(long, conflicts_with_all = ["input", "split"], value_name = "WxH/AxB")]
    tiles: Option<TileGrid>,
    /// How a file is cut: lines:N, bytes:N, records:LENGTH:N; files for a folder.
    #[arg(long)]
    split: Option<Split>,
    /// An argument of the program; may be repeated.
    #[arg(long = "args", value_name = "ARGUMENT", allow_hyphen_values = true)]
    arguments: Vec<String>,
    /// A variable of the program's environment; may be repeated.
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    environment: Vec<(String, String)>,
    /// Nodes that execute each task.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=16))]
    replicas: u8,
    /// Equal results that make one; the least majority unless said.
    #[arg(long, default_value_t = 0)]
    quorum: u8,
    /// Who may execute.
    #[arg(long, value_enum, default_value_t = TrustWord::Staked)]
    trust: TrustWord,
    /// How results are checked.
    #[arg(long, value_enum, default_value_t = VerificationWord::Deterministic)]
    verification: VerificationWord,
    /// What is preferred in a machine.
    #[arg(long, value_enum, default_value_t = PolicyWord::Auto)]
    policy: PolicyWord,
    /// Only machines that this client paired with may see it; the coordinator sees it too. Refused
    /// at once unless as many as --replicas are connected: `tally trust pair`.
    #[arg(long)]
    private: bool,
    /// Ends the job instead of waiting while no machine is free.
    #[arg(long)]
    fail_fast: bool,
    /// Number of the preferred region.
    #[arg(long)]
    region: Option<u16>,
    /// Slices of one task; chosen so that there are 4 to 64 tasks unless said.
    #[arg(long, value_name = "COUNT")]
    slices_per_task: Option<NonZeroU64>,
    /// Most metered units of one slice.
    #[arg(long, default_value_t = UNITS)]
    units: u64,
    /// Most memory of one run, in MiB.
    #[arg(long, default_value_t = MEMORY_BYTES >> 20, value_name = "MIB")]
    memory: u64,
    /// Most output of one slice, in MiB.
    #[arg(long, default_value_t = OUTPUT_BYTES >> 20, value_name = "MIB")]
    slice_output: u64,
    /// Declared complexity of one slice in work units, for its price and time limit.
    #[arg(long, default_value_t = 0, value_name = "UNITS")]
    work_units: u64,
    /// Most seconds until all work is done.
    #[arg(long, default_value_t = Limits::for_tasks().job.get(), value_name = "SECONDS")]
    job_seconds: u64,
    /// Most that work and tip may cost, in tokens such as 1.5.
    #[arg(long, value_name = "TOKENS")]
    max_price: Option<String>,
    /// Takes the price without asking.
    #[arg(long, short)]
    yes: bool,
}

/// `--trust` in words.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum TrustWord {
    Any,
    Staked,
    Vetted,
}

/// `--verification` in words.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum VerificationWord {
    Attested,
    Deterministic,
    Fingerprint,
}

/// `--policy` in words.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum PolicyWord {
    Auto,
    Fast,
    Cheap,
}

/// An order that a coordinator took.
pub(super) struct Ordered {
    pub(super) client: Client,
    pub(super) prepared: Prepared,
    pub(super) offer: Offer,
    pub(super) unit: Unit,
    pub(super) job: JobId,
}

impl Order {
    /// Specifies, prices, asks, uploads and orders.
    pub(super) async fn place(self, session: &Session) -> Result<Ordered, Failure> {
        let prepared = self.draft()?.prepare()?;
        let client = session.client().await?;
        let (offer, unit) = self.agreed(session, &client, &prepared).await?;
        let job = client.order(&prepared, &offer).await?;
        terminal::tell(&format!("job {job}"));
        Ok(Ordered { client, prepared, offer, unit, job })
    }

    /// Specifies, prices, asks, uploads, and creates the job by a call of the contract.
    pub(super) async fn create(self, session: &Session) -> Result<JobId, Failure> {
        let prepared = self.draft()?.prepare()?;
        let client = session.reader().await?;
        let chain = session.chain().await?;
        let (offer, _unit) = self.agreed(session, &client, &prepared).await?;
        // Whoever has the specification may work: the coordinator has it under its digest.
        Ok(chain.create_job(fresh_nonce(), offer.terms(), "").await?)
    }

    /// The price that somebody agreed to, with everything uploaded that the work needs.
    async fn agreed(
        &self,
        session: &Session,
        client: &Client,
        prepared: &Prepared,
    ) -> Result<(Offer, Unit), Failure> {
        let unit = session.network_token(client).await?;
        let demand = self.demand(session, &unit).await?;
        let (offer, uploaded) = offer(client, prepared, &demand).await?;
        self.agree(prepared, &offer, &unit)?;
        if !uploaded {
            upload(client, prepared).await?;
        }
        Ok((offer, unit))
    }

    fn draft(&self) -> Result<Draft, Failure> {
        let input = match (&self.input, self.tiles) {
            (_, Some(grid)) => InputSource::Tiles(grid),
            (Some(path), None) if path.is_dir() => InputSource::Folder(path.clone()),
            (Some(path), None) => InputSource::File(path.clone()),
            (None, None) => return Err(Failure::misused("name an input with --input or --tiles")),
        };
        let bytes = |mebibytes: u64| mebibytes.saturating_mul(1 << 20);
        Ok(Draft {
            arguments: self.arguments.clone(),
            environment: self.environment.clone(),
            split: self.split,
            units: self.units,
            memory_bytes: bytes(self.memory),
            output_bytes: bytes(self.slice_output),
            slices_per_task: self.slices_per_task,
            work_units_per_slice: self.work_units,
            policy: match self.policy {
                PolicyWord::Auto => Policy::Auto,
                PolicyWord::Fast => Policy::Fast,
                PolicyWord::Cheap => Policy::Cheap,
            },
            privacy: if self.private { Privacy::Private } else { Privacy::Public },
            queueing: if self.fail_fast { Queueing::FailFast } else { Queueing::Queue },
            limits: Limits { job: Seconds::new(self.job_seconds), ..Limits::for_tasks() },
            ..Draft::new(Source::File(self.module.clone()), input)
        })
    }

    async fn demand(&self, session: &Session, unit: &Unit) -> Result<Demand, Failure> {
        let most = self.max_price.as_deref().map(|text| unit.read(text)).transpose()?;
        // Only the chain can say which parameters are in force, so it is asked where it is known.
        let parameters_version = if session.configuration.rpc.value.is_some() {
            let chain: Chain = session.chain_reader().await?;
            Some(chain.parameters_version().await?)
        } else {
            None
        };
        Ok(Demand {
            token: unit.address,
            replicas: self.replicas,
            quorum: self.quorum,
            trust: match self.trust {
                TrustWord::Any => Trust::Any,
                TrustWord::Staked => Trust::Staked,
                TrustWord::Vetted => Trust::Vetted,
            },
            verification: match self.verification {
                VerificationWord::Attested => Verification::Attested,
                VerificationWord::Deterministic => Verification::Deterministic,
                VerificationWord::Fingerprint => Verification::Fingerprint,
            },
            region: self.region,
            most,
            parameters_version,
            within: Seconds::new(self.job_seconds.saturating_add(SETTLING)),
        })
    }

    /// Shows the price and asks, where somebody can answer.
    fn agree(&self, prepared: &Prepared, offer: &Offer, unit: &Unit) -> Result<(), Failure> {
        terminal::tell(&format!(
            "{} slices in {} tasks on {} nodes each, {}: at most {} and {} tip, {} in all",
            prepared.slices,
            prepared.tasks,
            self.replicas,
            words::member(offer.policy()),
            unit.show(offer.max_price()),
            unit.show(offer.tip()),
            unit.show(offer.total()),
        ));
        if self.yes {
            return Ok(());
        }
        if !terminal::is_attended() {
            return Err(Failure::misused(
                "nobody is at the keyboard to agree to the price; give --yes, and --max-price to \
                 bound it",
            ));
        }
        if terminal::ask("order it?")? {
            Ok(())
        } else {
            Err(Failure::misused("not ordered; nothing was signed"))
        }
    }
}

/// The price of a job. A coordinator that has to see the input first gets it first; that is no
/// order yet and costs nothing.
async fn offer(
    client: &Client,
    prepared: &Prepared,
    demand: &Demand,
) -> Result<(Offer, bool), Failure> {
    match client.quote(prepared, demand).await {
        Ok(offer) => Ok((offer, false)),
        Err(OrderError::Call(CallError::NotNow { .. } | CallError::NotFound { .. })) => {
            upload(client, prepared).await?;
            Ok((client.quote(prepared, demand).await?, true))
        }
        Err(error) => Err(error.into()),
    }
}

async fn upload(client: &Client, prepared: &Prepared) -> Result<(), Failure> {
    let bytes = prepared.needed.iter().map(|needed| needed.size).sum();
    let (bar, report) = progress::bar("upload", bytes);
    client.upload(&prepared.needed, &report).await?;
    bar.finish_and_clear();
    Ok(())
}

/// Reads `NAME=VALUE`.
fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    if name.is_empty() {
        return Err("a variable has a name".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}
