//! The parts of a coordinator's shell that need no runtime: whoever has a loop of their own, such
//! as a simulator, drives the same code with them.

pub use crate::chores::{Awaited, Chore, Chores, Described, checked, joined};
pub use crate::desk::{Batch, Keeper, Log};
pub use crate::hear::{Heard, Question, Speaker, signed_of};
pub use crate::news::News;
pub use crate::orders::bodies;
pub use crate::outlook::{Declined, Outlook};
pub use crate::serve::clients::order::{judge, quote};
pub use crate::serve::clients::terms::Asked;
pub use crate::sessions::{Facts, QUEUE, Session, Sessions, Standing};
