//! Settings from file, environment and flags, each with the place it came from.

#[cfg(test)]
mod tests;

use std::env;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;

use alloy_primitives::Address;
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

/// Longest wait for one answer unless set otherwise, in seconds.
const TIME_LIMIT_SECONDS: u64 = 20;

/// Flags of every command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct Flags {
    /// The configuration file instead of $XDG_CONFIG_HOME/tally/config.toml.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// URL of a coordinator; several are asked in this order.
    #[arg(long = "coordinator", global = true, value_name = "URL")]
    pub(crate) coordinators: Vec<String>,
    /// URL of an endpoint of the settlement chain.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) rpc: Option<String>,
    /// Folder with the records of deployments, `<chain id>.json`.
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) deployments: Option<PathBuf>,
    /// File with certificates of authorities, in PEM, that are believed beside the public ones.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) authorities: Option<PathBuf>,
    /// Number of the settlement chain.
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) chain: Option<u64>,
    /// Account that pays and signs; its key lies in the keystore.
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(crate) key: Option<Address>,
    /// File of an encrypted key, instead of one in the keystore.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Folder of encrypted keys.
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) keystore: Option<PathBuf>,
    /// Symbol or address of the token to pay in.
    #[arg(long, global = true, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    /// Longest wait for one answer, in seconds.
    #[arg(long = "time-limit", global = true, value_name = "SECONDS")]
    pub(crate) time_limit_seconds: Option<u64>,
    /// Prints one JSON object instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// The configuration file. Unknown keys are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    coordinators: Option<Vec<String>>,
    rpc: Option<String>,
    deployments: Option<PathBuf>,
    authorities: Option<PathBuf>,
    chain: Option<u64>,
    key: Option<Address>,
    key_file: Option<PathBuf>,
    keystore: Option<PathBuf>,
    token: Option<String>,
    time_limit_seconds: Option<u64>,
}

/// Where a setting came from. Later ones win.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File,
    Environment,
    Flag,
}

/// A setting with the place it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

/// What is in force.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    pub(crate) path: Option<PathBuf>,
    pub(crate) coordinators: Setting<Vec<String>>,
    pub(crate) rpc: Setting<Option<String>>,
    pub(crate) deployments: Setting<Option<PathBuf>>,
    pub(crate) authorities: Setting<Option<PathBuf>>,
    pub(crate) chain: Setting<Option<u64>>,
    pub(crate) key: Setting<Option<Address>>,
    pub(crate) key_file: Setting<Option<PathBuf>>,
    pub(crate) keystore: Setting<PathBuf>,
    pub(crate) token: Setting<Option<String>>,
    pub(crate) time_limit_seconds: Setting<u64>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigurationError {
    #[error("{} cannot be read; check the path and its permissions", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is not a configuration this program knows; correct the line", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: Box<toml::de::Error>,
    },
    #[error("{name} is {given:?}, which is no such value; correct or unset it")]
    Environment { name: &'static str, given: String },
    #[error("there is no home folder; name the folder of keys with --keystore")]
    NoHome,
}

impl Configuration {
    /// Reads the file and the environment of this process and puts the flags on top.
    pub(crate) fn load(flags: &Flags) -> Result<Self, ConfigurationError> {
        let environment = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let named = flags.config.clone().or_else(|| environment("TALLY_CONFIG").map(Into::into));
        let (path, file) = match named {
            Some(path) => read(path.clone()).map(|file| (Some(path), file))?,
            None => match folder("XDG_CONFIG_HOME", ".config").map(|home| home.join("config.toml"))
            {
                Some(path) if path.exists() => read(path.clone()).map(|file| (Some(path), file))?,
                Some(_) | None => (None, File::default()),
            },
        };
        let keys = folder("XDG_DATA_HOME", ".local/share").map(|home| home.join("keys"));
        Ok(Self { path, ..Self::layered(file, environment, flags, keys)? })
    }

    /// Puts the layers on top of each other: file, environment, flags.
    fn layered(
        file: File,
        environment: impl Fn(&str) -> Option<String>,
        flags: &Flags,
        keys: Option<PathBuf>,
    ) -> Result<Self, ConfigurationError> {
        let list = |text: String| text.split(',').map(|url| url.trim().to_owned()).collect();
        let coordinators = environment("TALLY_COORDINATOR").map(list);
        let flagged = Some(flags.coordinators.clone()).filter(|urls| !urls.is_empty());
        let keystore =
            pick(file.keystore, word(&environment, "TALLY_KEYSTORE")?, flags.keystore.clone());
        let limit = word(&environment, "TALLY_TIME_LIMIT_SECONDS")?;
        let limit = pick(file.time_limit_seconds, limit, flags.time_limit_seconds);
        Ok(Self {
            path: None,
            coordinators: or(pick(file.coordinators, coordinators, flagged), Vec::new()),
            rpc: pick(file.rpc, word(&environment, "TALLY_RPC")?, flags.rpc.clone()),
            deployments: pick(
                file.deployments,
                word(&environment, "TALLY_DEPLOYMENTS")?,
                flags.deployments.clone(),
            ),
            authorities: pick(
                file.authorities,
                word(&environment, "TALLY_AUTHORITIES")?,
                flags.authorities.clone(),
            ),
            chain: pick(file.chain, word(&environment, "TALLY_CHAIN")?, flags.chain),
            key: pick(file.key, word(&environment, "TALLY_KEY")?, flags.key),
            key_file: pick(
                file.key_file,
                word(&environment, "TALLY_KEY_FILE")?,
                flags.key_file.clone(),
            ),
            keystore: match keystore.value {
                Some(value) => Setting { value, origin: keystore.origin },
                None => Setting {
                    value: keys.ok_or(ConfigurationError::NoHome)?,
                    origin: Origin::Default,
                },
            },
            token: pick(file.token, word(&environment, "TALLY_TOKEN")?, flags.token.clone()),
            time_limit_seconds: or(limit, TIME_LIMIT_SECONDS),
        })
    }

    /// Every setting with its place; what could be a secret is masked.
    pub(crate) fn shown(&self) -> Vec<Value> {
        let row = |setting: &str, value: Value, origin: Origin| {
            let source = self.place(origin);
            json!({ "setting": setting, "value": value, "source": source })
        };
        let coordinators: Vec<_> = self.coordinators.value.iter().map(|url| masked(url)).collect();
        let rpc = self.rpc.value.as_deref().map(masked);
        vec![
            row("coordinators", json!(coordinators), self.coordinators.origin),
            row("rpc", json!(rpc), self.rpc.origin),
            row("deployments", json!(self.deployments.value), self.deployments.origin),
            row("authorities", json!(self.authorities.value), self.authorities.origin),
            row("chain", json!(self.chain.value), self.chain.origin),
            row("key", json!(self.key.value), self.key.origin),
            row("key_file", json!(self.key_file.value), self.key_file.origin),
            row("keystore", json!(self.keystore.value), self.keystore.origin),
            row("token", json!(self.token.value), self.token.origin),
            row(
                "time_limit_seconds",
                json!(self.time_limit_seconds.value),
                self.time_limit_seconds.origin,
            ),
        ]
    }

    fn place(&self, origin: Origin) -> String {
        match origin {
            Origin::Default => "default".to_owned(),
            Origin::File => {
                self.path.as_ref().map_or("file".to_owned(), |path| path.display().to_string())
            }
            Origin::Environment => "environment".to_owned(),
            Origin::Flag => "flag".to_owned(),
        }
    }
}

/// The last layer that says something.
fn pick<T>(file: Option<T>, environment: Option<T>, flag: Option<T>) -> Setting<Option<T>> {
    let layers = [(flag, Origin::Flag), (environment, Origin::Environment), (file, Origin::File)];
    let found = layers.into_iter().find(|(value, _)| value.is_some());
    let (value, origin) = found.unwrap_or((None, Origin::Default));
    Setting { value, origin }
}

fn or<T>(setting: Setting<Option<T>>, default: T) -> Setting<T> {
    Setting { value: setting.value.unwrap_or(default), origin: setting.origin }
}

fn word<T: FromStr>(
    environment: &impl Fn(&str) -> Option<String>,
    name: &'static str,
) -> Result<Option<T>, ConfigurationError> {
    let Some(given) = environment(name) else { return Ok(None) };
    match given.parse() {
        Ok(value) => Ok(Some(value)),
        Err(_) => Err(ConfigurationError::Environment { name, given }),
    }
}

fn read(path: PathBuf) -> Result<File, ConfigurationError> {
    match fs::read_to_string(&path) {
        Ok(text) => toml::from_str(&text)
            .map_err(|source| ConfigurationError::File { path, source: Box::new(source) }),
        Err(source) => Err(ConfigurationError::Read { path, source }),
    }
}

/// The folder of this program below a base folder of the XDG specification.
pub(crate) fn folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let base = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    base.or_else(|| env::home_dir().map(|home| home.join(below_home))).map(|at| at.join("tally"))
}

/// A URL without what may be a secret: user, password, path and query carry keys of providers.
pub(crate) fn masked(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "***".to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host =
        authority.rsplit_once('@').map_or(authority.to_owned(), |(_, host)| format!("***@{host}"));
    let path = if path.len() > 1 { "/***" } else { path };
    format!("{scheme}://{host}{path}")
}
