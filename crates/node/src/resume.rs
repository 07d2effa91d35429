//! Lets a node send transactions again after somebody else sent from its account.

use std::sync::Arc;

use tallystick_abi::{Contract, Deployment};
use tallystick_chain::outbox::{Halt, KeptLane, Lane, LaneState, RunError, Settings};
use tallystick_journal::{Network, Shelf};

use crate::config::Config;
use crate::doors::lock;
use crate::error::NodeError;

/// Writes down the word of an operator who made sure that nobody else sends from the account of
/// this node any more, which must not run. Gives the first nonce that was not its own; nothing,
/// where no such nonce stood in its way.
///
/// Once the node runs again it waits until all that the account ever sent is final. Calls whose
/// nonce was taken get another one.
///
/// # Errors
///
/// [`NodeError`], [`NodeError::Locked`] where the node runs.
pub fn resume(config: &Config) -> Result<Option<u64>, NodeError> {
    config.check()?;
    let folder = config.folder("outbox");
    if !folder.exists() {
        return Ok(None);
    }
    let _held = lock(&config.data)?;
    let deployment = Deployment::read(&config.chain.deployments, config.chain.id)?;
    let jobs = deployment.address(Contract::JobManager);
    let store = Shelf::open(folder, Network { chain: config.chain.id, jobs })?;
    let settings = Settings::new(config.chain.id, config.keys.account);
    let opened = KeptLane::open(settings, Arc::new(store)).map_err(RunError::from);
    let (mut kept, _handle) = opened?;
    let LaneState::Halted(Halt::ForeignNonce { nonce }) = kept.lane().state() else {
        return Ok(None);
    };
    kept.step(Lane::adopt)?;
    Ok(Some(nonce))
}
