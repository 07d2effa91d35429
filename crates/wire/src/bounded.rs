//! Texts, bytes and lists that are no longer than their field allows.

use std::ops::Deref;

use crate::error::{Expected, Found, MalformedError};
use crate::field::Wire;
use crate::limits;

/// A text of at most `MOST` bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const MOST: usize>(String);

/// At most `MOST` bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes<const MOST: usize>(Vec<u8>);

/// At most `MOST` entries.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct List<T, const MOST: usize>(Vec<T>);

/// A sentence for people.
pub type Sentence = Text<{ limits::SENTENCE_BYTES }>;

/// A short name.
pub type Label = Text<{ limits::LABEL_BYTES }>;

/// Name and version of a program.
pub type Software = Text<{ limits::SOFTWARE_BYTES }>;

/// A canonical specification.
pub type Specification = Bytes<{ limits::SPECIFICATION_BYTES }>;

/// A canonical receipt, signed or not.
pub type ReceiptBytes = Bytes<{ limits::RECEIPT_BYTES }>;

/// A place in a list, meaningful to whoever made it.
pub type Cursor = Bytes<{ limits::CURSOR_BYTES }>;

impl<const MOST: usize> Text<MOST> {
    /// Takes as much of a text as has room, for words that nothing follows from.
    pub fn cut(text: &str) -> Self {
        Self(text[..text.floor_char_boundary(MOST)].to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl<const MOST: usize> Deref for Text<MOST> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MOST: usize> Wire<String> for Text<MOST> {
    fn read(wire: String, field: &'static str) -> Result<Self, MalformedError> {
        let (expected, found) = (Expected::AtMostBytes(MOST), Found::Bytes(wire.len()));
        if wire.len() > MOST {
            return Err(MalformedError { field, expected, found });
        }
        Ok(Self(wire))
    }

    fn write(self) -> String {
        self.0
    }
}

impl<const MOST: usize> TryFrom<String> for Text<MOST> {
    type Error = MalformedError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::read(text, "text")
    }
}

impl<const MOST: usize> Bytes<MOST> {
    /// The bytes.
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

impl<const MOST: usize> Deref for Bytes<MOST> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<const MOST: usize> Wire<Vec<u8>> for Bytes<MOST> {
    fn read(wire: Vec<u8>, field: &'static str) -> Result<Self, MalformedError> {
        let (expected, found) = (Expected::AtMostBytes(MOST), Found::Bytes(wire.len()));
        if wire.len() > MOST {
            return Err(MalformedError { field, expected, found });
        }
        Ok(Self(wire))
    }

    fn write(self) -> Vec<u8> {
        self.0
    }
}

impl<const MOST: usize> TryFrom<Vec<u8>> for Bytes<MOST> {
    type Error = MalformedError;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Self::Error> {
        Self::read(bytes, "bytes")
    }
}

impl<T, const MOST: usize> List<T, MOST> {
    /// Takes as many entries as have room, for lists whose rest nothing follows from.
    pub fn cut(entries: impl IntoIterator<Item = T>) -> Self {
        Self(entries.into_iter().take(MOST).collect())
    }

    fn new(entries: Vec<T>, field: &'static str) -> Result<Self, MalformedError> {
        let (expected, found) = (Expected::AtMostEntries(MOST), Found::Entries(entries.len()));
        if entries.len() > MOST {
            return Err(MalformedError { field, expected, found });
        }
        Ok(Self(entries))
    }

    /// The entries.
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T, const MOST: usize> Default for List<T, MOST> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MOST: usize> Deref for List<T, MOST> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Wire<W>, W, const MOST: usize> Wire<Vec<W>> for List<T, MOST> {
    fn read(wire: Vec<W>, field: &'static str) -> Result<Self, MalformedError> {
        // The length first: no entry of a list that is too long is looked at.
        let wire = List::<W, MOST>::new(wire, field)?.0;
        wire.into_iter().map(|entry| T::read(entry, field)).collect::<Result<_, _>>().map(Self)
    }

    fn write(self) -> Vec<W> {
        self.0.into_iter().map(T::write).collect()
    }
}

impl<T, const MOST: usize> TryFrom<Vec<T>> for List<T, MOST> {
    type Error = MalformedError;

    fn try_from(entries: Vec<T>) -> Result<Self, Self::Error> {
        Self::new(entries, "list")
    }
}
