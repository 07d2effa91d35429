//! What a client says of where its work goes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the client prefers in a machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The best score.
    Fast,
    /// The lowest price among sufficient scores.
    Cheap,
    /// `Fast` for inference, `Cheap` for everything else.
    #[default]
    Auto,
}

/// Who may see the work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Privacy {
    /// Any machine.
    #[default]
    Public,
    /// Machines that the client paired with, and no other.
    Private,
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fast => "FAST",
            Self::Cheap => "CHEAP",
            Self::Auto => "AUTO",
        })
    }
}

impl fmt::Display for Privacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "PUBLIC",
            Self::Private => "PRIVATE",
        })
    }
}
