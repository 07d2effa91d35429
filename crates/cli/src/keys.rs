//! Which key signs, and how its password is found. Neither is ever an argument.

use std::env;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use alloy_primitives::Address;
use tallystick_chain::keys::{EvmSigner, Keystores, LocalKey, Password};

use crate::configuration::Configuration;
use crate::failure::Failure;
use crate::terminal;

/// The key that the configuration names, unlocked; nothing where it names none.
pub(crate) fn signer(configuration: &Configuration) -> Result<Option<Arc<dyn EvmSigner>>, Failure> {
    let key = match (&configuration.key_file.value, configuration.key.value) {
        (Some(file), _) => unlock_file(file)?,
        (None, Some(address)) => unlock(&configuration.keystore.value, address)?,
        (None, None) => return Ok(None),
    };
    Ok(Some(Arc::new(key)))
}

/// A key of the keystore, unlocked.
pub(crate) fn unlock(folder: &Path, address: Address) -> Result<LocalKey, Failure> {
    let password = password(&format!("password of {address}: "))?;
    Keystores::at(folder).unlock(address, &password).map_err(Failure::failed)
}

fn unlock_file(file: &Path) -> Result<LocalKey, Failure> {
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) | None => Path::new("."),
    };
    let store = Keystores::at(folder);
    let listed = store.list().map_err(Failure::failed)?;
    let found = listed.into_iter().find(|one| one.path.file_name() == file.file_name());
    let address = found.and_then(|listed| listed.address).ok_or_else(|| {
        Failure::misused(format!(
            "{} is no encrypted key with an address (version 3); import the key with `tally key \
             import`",
            file.display()
        ))
    })?;
    let password = password(&format!("password of {address}: "))?;
    store.unlock(address, &password).map_err(Failure::failed)
}

/// A password that was chosen before: from TALLY_PASSWORD_FILE, TALLY_PASSWORD, or the keyboard.
pub(crate) fn password(question: &str) -> Result<Password, Failure> {
    if let Some(password) = prepared_password()? {
        return Ok(password);
    }
    if !terminal::is_attended() {
        return Err(Failure::misused(
            "a password is needed and nobody is at the keyboard; set TALLY_PASSWORD_FILE to a \
             file that only you can read",
        ));
    }
    Ok(Password::new(terminal::ask_password(question)?))
}

/// A password for a new key; at the keyboard it is asked for twice.
pub(crate) fn new_password() -> Result<Password, Failure> {
    if prepared_password()?.is_some() || !terminal::is_attended() {
        return password("");
    }
    let first = terminal::ask_password("new password: ")?;
    if first == terminal::ask_password("again: ")? {
        Ok(Password::new(first))
    } else {
        Err(Failure::misused("the two passwords differ; try again"))
    }
}

fn prepared_password() -> Result<Option<Password>, Failure> {
    if let Some(file) = env::var_os("TALLY_PASSWORD_FILE") {
        let file = Path::new(&file);
        let text = fs::read_to_string(file).map_err(|error| {
            Failure::misused(format!("TALLY_PASSWORD_FILE {}: {error}", file.display()))
        })?;
        return Ok(Some(Password::new(text.trim_end_matches(['\r', '\n']).to_owned())));
    }
    Ok(env::var("TALLY_PASSWORD").ok().map(Password::new))
}

/// How many keys the keystore has.
pub(crate) fn count(configuration: &Configuration) -> Result<usize, Failure> {
    let listed = Keystores::at(&configuration.keystore.value).list().map_err(Failure::failed)?;
    Ok(listed.len())
}
