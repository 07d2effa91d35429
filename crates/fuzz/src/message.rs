//! What holds for every message of the wire.

use std::fmt::Debug;

use prost::Message;
use tallystick_wire::MalformedError;
use tallystick_wire::sample::{Sample, Source};

/// Reads one kind of message. What is taken survives the way back: written by us and read again it
/// is the same message, and it does not grow without bound.
pub(crate) fn read<W, T>(bytes: &[u8])
where
    W: Message + Default + From<T>,
    T: TryFrom<W, Error = MalformedError> + Clone + PartialEq + Debug,
{
    let Ok(wire) = W::decode(bytes) else { return };
    let checked = match T::try_from(wire) {
        Ok(checked) => checked,
        Err(refusal) => {
            assert!(!refusal.to_string().is_empty());
            return;
        }
    };
    let written = W::from(checked.clone()).encode_to_vec();
    let again = W::decode(written.as_slice()).expect("what was written is read");
    assert_eq!(T::try_from(again), Ok(checked), "the message changed on its way");
}

/// One message of a kind, drawn from a seed: the bytes that its writer sends.
pub(crate) fn drawn<W: Message + From<T>, T: Sample>(seed: u64) -> Vec<u8> {
    W::from(Source(seed).any::<T>()).encode_to_vec()
}

/// A target over messages of one module: the first byte names the message, in this order.
macro_rules! messages {
    ($module:ident: $($name:ident)*) => {
        /// Reads one input: the number of a message in one byte, then its protobuf bytes.
        pub fn read(bytes: &[u8]) {
            $crate::one_of(
                &[$($crate::message::read::<$module::v1::$name, $module::$name>),*],
                bytes,
            );
        }

        /// One input for each message, from the encoders.
        pub fn seeds() -> Vec<$crate::Seed> {
            let drawn = [$((stringify!($name), $crate::message::drawn::<
                $module::v1::$name,
                $module::$name,
            > as fn(u64) -> Vec<u8>)),*];
            (0..).zip(drawn).map(|(kind, (name, drawn))| {
                (name.to_lowercase(), [&[kind][..], drawn(kind.into()).as_slice()].concat())
            }).collect()
        }
    };
}

pub(crate) use messages;
