//! From a wish to one transaction: across crashes, replacements and reorganisations.
//!
//! In: [`Intent`]s. Out: numbered [`Outcome`]s. The rules are in [`Lane`], which neither knows the
//! time nor talks to anyone; [`Outbox::run`] hands it what endpoints say and keeps what it decides.
//!
//! A crash at any moment is harmless: a nonce is taken in the same batch as the signed bytes, and
//! bytes are sent only once they are stored, so a restart finds everything that may be on the
//! chain and sends the same bytes again.

mod answer;
mod driver;
mod fees;
mod handle;
mod intent;
mod lane;
mod record;
#[cfg(feature = "test-utils")]
mod scripted;

pub use answer::{SeenReceipt, SendAnswer, Sight, SignedTransaction, Trial};
pub use driver::{Outbox, Parts, RunError};
pub use handle::{Board, EnqueueError, OutboxHandle};
pub use intent::{
    Guard, Halt, Intent, IntentKey, IntentStatus, LaneState, Outcome, OutcomeResult, Pause, Seq,
};
pub use lane::{Lane, Request, Settings, Step, Unsigned};
pub use record::RecordError;
#[cfg(feature = "test-utils")]
pub use scripted::ScriptedOutbox;
