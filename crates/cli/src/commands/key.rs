//! `tally key`.

use std::fs;
use std::io;
use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;
use tallystick_chain::keys::{EvmSigner, Keystores, LocalKey};

use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;
use crate::{keys, terminal};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes a key and keeps it encrypted.
    New,
    /// Keeps a key that was made elsewhere. Its digits are asked for, or read from standard input.
    Import {
        /// Reads the digits from a file instead; remove it afterwards.
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
    },
    /// Lists the keys of the keystore.
    List,
}

impl Command {
    pub(crate) fn run(self, session: &Session, output: &Output) -> Result<(), Failure> {
        let folder = &session.configuration.keystore.value;
        let store = Keystores::at(folder);
        let made =
            |key: LocalKey| output.record(&json!({ "address": key.address(), "keystore": folder }));
        match self {
            Self::New => {
                made(store.create(&keys::new_password()?).map_err(Failure::failed)?)?;
            }
            Self::Import { from } => {
                let digits = match from {
                    Some(path) => fs::read_to_string(path)?,
                    None if terminal::is_attended() => terminal::ask_password("private key: ")?,
                    None => io::read_to_string(io::stdin())?,
                };
                let password = keys::new_password()?;
                made(store.import(digits.trim(), &password).map_err(Failure::failed)?)?;
            }
            Self::List => {
                let listed = store.list().map_err(Failure::failed)?;
                let rows: Vec<_> = listed
                    .iter()
                    .map(|one| json!({ "address": one.address, "file": one.path }))
                    .collect();
                output.list("keys", &["address", "file"], &rows)?;
            }
        }
        Ok(())
    }
}
