//! Why a message that decodes is none.

use std::fmt;

/// A message has a field that cannot mean anything. Who sent it broke the protocol: refuse it and
/// end the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} must be {expected}, but is {found}; the sender breaks the protocol")]
pub struct MalformedError {
    /// The message and its field, as in the schema.
    pub field: &'static str,
    /// What may stand there.
    pub expected: Expected,
    /// What stands there.
    pub found: Found,
}

/// What may stand in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Exactly so many bytes.
    Bytes(usize),
    /// At most so many bytes.
    AtMostBytes(usize),
    /// At most so many entries.
    AtMostEntries(usize),
    /// A number from the first to the second.
    Between(u64, u64),
    /// Any value at all.
    Something,
    /// A member of its enum.
    Member,
    /// What its comment says, here in words.
    Meaning(&'static str),
}

/// What stands in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// So many bytes.
    Bytes(usize),
    /// So many entries.
    Entries(usize),
    /// A number.
    Number(u64),
    /// The number of an enum's member.
    Member(i32),
    /// Nothing.
    Nothing,
    /// Something else.
    Other,
}

pub(crate) fn require(
    holds: bool,
    field: &'static str,
    expected: Expected,
    found: Found,
) -> Result<(), MalformedError> {
    if holds { Ok(()) } else { Err(MalformedError { field, expected, found }) }
}

pub(crate) fn require_between(
    field: &'static str,
    number: u64,
    least: u64,
    most: u64,
) -> Result<(), MalformedError> {
    let expected = Expected::Between(least, most);
    require((least..=most).contains(&number), field, expected, Found::Number(number))
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(count) => write!(f, "{count} bytes"),
            Self::AtMostBytes(most) => write!(f, "at most {most} bytes"),
            Self::AtMostEntries(most) => write!(f, "at most {most} entries"),
            Self::Between(least, most) => write!(f, "{least} to {most}"),
            Self::Something => f.write_str("present"),
            Self::Member => f.write_str("a member of its enum"),
            Self::Meaning(words) => f.write_str(words),
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(count) => write!(f, "{count} bytes"),
            Self::Entries(count) => write!(f, "{count} entries"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Member(number) => write!(f, "member {number}"),
            Self::Nothing => f.write_str("absent"),
            Self::Other => f.write_str("something else"),
        }
    }
}
