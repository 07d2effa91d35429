//! The canonical encoding: one value, one sequence of bytes, and back.
//!
//! Fields follow each other in the order of their documentation. Numbers are big-endian and of
//! fixed width, digests and signatures are their bytes, a text or list begins with the number of
//! its bytes or items in one byte. There are no optional fields and no padding; bytes after the
//! last field are refused, and so is everything that the writer could not have written.

use alloy_primitives::Address;

/// Why bytes are not the encoding of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodingError {
    /// The bytes end inside a field.
    #[error("the bytes end inside a field; {missing} more are needed")]
    TooShort {
        /// How many are missing.
        missing: usize,
    },
    /// Bytes follow the last field.
    #[error("{count} bytes follow the last field")]
    Trailing {
        /// How many.
        count: usize,
    },
    /// The first bytes are not those of this kind of value.
    #[error("the first bytes are those of another kind of value")]
    WrongKind,
    /// The value has a version that this program does not know.
    #[error("version {version} is unknown; a newer program reads it")]
    UnknownVersion {
        /// The version.
        version: u16,
    },
    /// A field holds what no writer writes.
    #[error("the field {field} holds what it must not")]
    Invalid {
        /// Name of the field.
        field: &'static str,
    },
}

/// Collects the bytes of a value.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

/// Takes bytes apart again.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

/// A value with a canonical encoding.
pub trait Canonical: Sized {
    /// Appends this value.
    fn encode(&self, writer: &mut Writer);

    /// Takes one value.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, EncodingError>;

    /// The bytes of this value.
    fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        self.encode(&mut writer);
        writer.bytes
    }

    /// The value of these bytes, all of them.
    fn from_bytes(bytes: &[u8]) -> Result<Self, EncodingError> {
        let mut reader = Reader { bytes };
        let value = Self::decode(&mut reader)?;
        match reader.bytes.len() {
            0 => Ok(value),
            count => Err(EncodingError::Trailing { count }),
        }
    }
}

impl Writer {
    /// Appends bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends one byte.
    pub fn byte(&mut self, byte: u8) {
        self.raw(&[byte]);
    }

    /// Appends a number of two bytes.
    pub fn u16(&mut self, number: u16) {
        self.raw(&number.to_be_bytes());
    }

    /// Appends a number of eight bytes.
    pub fn u64(&mut self, number: u64) {
        self.raw(&number.to_be_bytes());
    }

    /// Appends a number of sixteen bytes.
    pub fn u128(&mut self, number: u128) {
        self.raw(&number.to_be_bytes());
    }
}

impl Reader<'_> {
    /// Takes a fixed number of bytes.
    pub fn raw<const N: usize>(&mut self) -> Result<[u8; N], EncodingError> {
        match self.bytes.split_first_chunk() {
            Some((taken, rest)) => {
                self.bytes = rest;
                Ok(*taken)
            }
            None => Err(EncodingError::TooShort { missing: N.saturating_sub(self.bytes.len()) }),
        }
    }

    /// Takes bytes whose number stands before them.
    pub fn text(&mut self, count: u8) -> Result<&[u8], EncodingError> {
        let count = usize::from(count);
        match self.bytes.split_at_checked(count) {
            Some((taken, rest)) => {
                self.bytes = rest;
                Ok(taken)
            }
            None => {
                Err(EncodingError::TooShort { missing: count.saturating_sub(self.bytes.len()) })
            }
        }
    }

    /// Takes one byte.
    pub fn byte(&mut self) -> Result<u8, EncodingError> {
        self.raw().map(u8::from_be_bytes)
    }

    /// Takes a number of two bytes.
    pub fn u16(&mut self) -> Result<u16, EncodingError> {
        self.raw().map(u16::from_be_bytes)
    }

    /// Takes a number of eight bytes.
    pub fn u64(&mut self) -> Result<u64, EncodingError> {
        self.raw().map(u64::from_be_bytes)
    }

    /// Takes a number of sixteen bytes.
    pub fn u128(&mut self) -> Result<u128, EncodingError> {
        self.raw().map(u128::from_be_bytes)
    }

    /// Takes an address of the chain.
    pub fn address(&mut self) -> Result<Address, EncodingError> {
        self.raw::<20>().map(Address::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pair(u8, u16);

    impl Canonical for Pair {
        fn encode(&self, writer: &mut Writer) {
            writer.byte(self.0);
            writer.u16(self.1);
        }

        fn decode(reader: &mut Reader<'_>) -> Result<Self, EncodingError> {
            Ok(Self(reader.byte()?, reader.u16()?))
        }
    }

    #[test]
    fn fields_follow_each_other_without_padding() {
        assert_eq!(Pair(1, 0x0203).to_bytes(), [1, 2, 3]);
        assert!(matches!(Pair::from_bytes(&[1, 2, 3]), Ok(Pair(1, 0x0203))));
    }

    #[test]
    fn missing_and_trailing_bytes_are_counted() {
        assert_eq!(Pair::from_bytes(&[1, 2]).err(), Some(EncodingError::TooShort { missing: 1 }));
        assert_eq!(Pair::from_bytes(&[0; 5]).err(), Some(EncodingError::Trailing { count: 2 }));
    }
}
