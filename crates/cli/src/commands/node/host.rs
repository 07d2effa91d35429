//! A node in this process, and what is asked of its folder while it does not run.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tallystick_node::{Check, Config, NodeError, Override};

use crate::configuration::{Flags, folder, masked};
use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs a node in this process until Ctrl-C or a termination signal.
    ///
    /// Its settings come from a file, then TALLY_NODE_SECTION__NAME in the environment, then --set;
    /// the later wins.
    ///
    /// Exit codes: 0 stopped when asked, 2 used wrongly, 78 configuration, 77 keys, 75 in use or
    /// not writable, 1 the rest.
    Run(Settings),
    /// Prints the configuration that a node would have, without what may be a secret.
    Config(Settings),
    /// Looks at all that a node needs before it is started, and says what to do.
    ///
    /// Configuration, folder, disk, ports, keys, identity, endpoints, clock, funds, registration.
    /// Changes nothing. Ports are those of a node that does not run yet.
    Check(Settings),
    /// Lets a node send transactions again after another program sent from its account.
    ///
    /// A node stops sending when it meets a transaction of its account that it did not make. Make
    /// sure first that nothing else uses the account, and stop the node. Calls whose nonce was
    /// taken get another one, once all that the account ever sent is final.
    Resume(Settings),
}

#[derive(Debug, Args)]
pub(crate) struct Settings {
    // Named as the flag of every command, which it stands in for here.
    /// The node's configuration instead of $XDG_CONFIG_HOME/tally/node.toml.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One setting of the node, such as chain.id=31337; repeated.
    #[arg(long = "set", value_name = "SECTION.NAME=VALUE", value_parser = setting)]
    settings: Vec<Override>,
}

/// A setting that is not written as one.
#[derive(Debug, thiserror::Error)]
#[error("write section.name=value, such as chain.id=31337")]
struct NoSetting;

/// There is no file, and what else is set does not make a node.
#[derive(Debug, thiserror::Error)]
#[error("no node is configured here; write {}, or name a file with --config", path.display())]
struct Unconfigured {
    path: PathBuf,
    #[source]
    source: NodeError,
}

/// What a node needs, looked at: one row each.
pub(crate) async fn checked(file: PathBuf) -> Result<Vec<Value>, Failure> {
    Settings { config: Some(file), settings: Vec::new() }.checked().await
}

impl Command {
    pub(crate) async fn run(self, flags: &Flags, output: &Output) -> Result<(), Failure> {
        // These two flags have a meaning here; the others would be ignored in silence.
        let heard = Flags { config: flags.config.clone(), json: flags.json, ..Flags::default() };
        if *flags != heard {
            return Err(Failure::misused(
                "a node has settings of its own; give them in its file, or with --set \
                 section.name=value",
            ));
        }
        match self {
            Self::Run(settings) => settings.run().await,
            Self::Config(settings) => settings.show(output),
            Self::Check(settings) => settings.preflight(output).await,
            Self::Resume(settings) => settings.resume(output),
        }
    }
}

impl Settings {
    async fn run(self) -> Result<(), Failure> {
        let (config, missing) = self.load()?;
        if let Some(path) = missing
            && let Err(error) = config.check()
        {
            let source = NodeError::Config(error);
            return Err(Failure::of_node(source.exit_code(), Unconfigured { path, source }));
        }
        tallystick_node::init_logs(&config.log).map_err(NodeError::Config)?;
        Ok(Box::pin(tallystick_node::run_until_signalled(config)).await?)
    }

    async fn preflight(self, output: &Output) -> Result<(), Failure> {
        let rows = self.checked().await?;
        output.list("checks", &["check", "state", "about"], &rows)?;
        if rows.iter().all(|row| row["state"] == "good") { Ok(()) } else { Err(Failure::unfit()) }
    }

    async fn checked(self) -> Result<Vec<Value>, Failure> {
        let (config, _missing) = self.load()?;
        let checks = tallystick_node::preflight(&config).await;
        let row = |check: &Check| {
            let state = if check.good { "good" } else { "bad" };
            json!({ "check": check.what, "state": state, "about": check.about })
        };
        Ok(checks.iter().map(row).collect())
    }

    fn show(self, output: &Output) -> Result<(), Failure> {
        let (mut config, _missing) = self.load()?;
        let urls = [
            &mut config.chain.endpoints,
            &mut config.worker.coordinators,
            &mut config.archive.coordinators,
        ];
        for url in urls.into_iter().flatten() {
            *url = masked(url);
        }
        let text = toml::to_string_pretty(&config).map_err(Failure::failed)?;
        Ok(output.document(&text, &json!(config))?)
    }

    fn resume(self, output: &Output) -> Result<(), Failure> {
        let (config, _missing) = self.load()?;
        let nonce = tallystick_node::resume(&config)?;
        let about = match nonce {
            Some(nonce) => format!(
                "nonce {nonce} of {} was not this node's; start it, and it goes on from there",
                config.keys.account
            ),
            None => "nothing stood in its way".to_owned(),
        };
        Ok(output.document(&about, &json!({ "foreignNonce": nonce }))?)
    }

    /// The configuration, and where its file would be if there is none.
    fn load(self) -> Result<(Config, Option<PathBuf>), Failure> {
        let usual = folder("XDG_CONFIG_HOME", ".config").map(|home| home.join("node.toml"));
        let (file, missing) = match (self.config, usual) {
            (None, Some(path)) if !path.exists() => (None, Some(path)),
            (named, usual) => (named.or(usual), None),
        };
        let text = |word: OsString| word.to_string_lossy().into_owned();
        let environment = env::vars_os().map(|(name, value)| (text(name), text(value)));
        let config = Config::load(file.as_deref(), environment, &self.settings);
        Ok((config.map_err(NodeError::Config)?, missing))
    }
}

fn setting(text: &str) -> Result<Override, NoSetting> {
    let (name, value) = text.split_once('=').ok_or(NoSetting)?;
    Ok(Override { name: name.to_owned(), value: value.to_owned() })
}
