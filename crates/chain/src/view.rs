//! What the events of the chain say about jobs, nodes, stake and rules, as a pure fold.
//!
//! [`HouseEvent::decode`] reads a log, [`HouseView::apply`] folds it, [`LayeredView`] does so for
//! a chain whose last blocks may still change. A [`JobView`] makes the calls that move the job on.

mod call;
mod decode;
mod event;
mod house;
mod job;
mod layered;
mod node;

pub use call::{CallError, SignedClaim};
pub use decode::{DecodeError, HouseContracts};
pub use event::{
    Block, EventContext, HouseEvent, JobEvent, NetworkEvent, NetworkParameters, NodeEvent,
    NodeProfile, NodeStatus, Proposal, TokenTerms,
};
pub use house::{FoldError, HouseView, NetworkView};
pub use job::{JobView, Meter, Outcome};
pub use layered::{LayeredView, RollBackError};
pub use node::{NodeView, StakeView};

#[cfg(test)]
mod tests;
