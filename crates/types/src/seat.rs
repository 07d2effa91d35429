//! A node at work, with the key that counts for this piece of work.

use alloy_primitives::{Address, U256};
use serde::{Deserialize, Serialize};

use crate::bits::{PackingError, Unpacker};
use crate::id::NodeId;

/// A node and the signer it had when it was assigned.
///
/// The signer is fixed at the assignment: a key that is rotated later neither invalidates old
/// signatures nor escapes them. A machine that is not registered has node zero. On the chain it is
/// one word: bits 0 to 159 the signer, bits 160 to 223 the node, the rest zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seat {
    /// The node.
    pub node: NodeId,
    /// The address whose signatures count.
    pub signer: Address,
}

impl Seat {
    /// The account that earns for this seat: the address whose number is the node, or the signer
    /// where the machine is not registered.
    pub fn account(self) -> Address {
        if self.node == NodeId::UNREGISTERED {
            self.signer
        } else {
            Address::from_word(U256::from(self.node.get()).into())
        }
    }

    /// The word of the contracts.
    pub fn pack(self) -> U256 {
        U256::from(self.node.get()).wrapping_shl(160) | U256::from_be_slice(self.signer.as_slice())
    }

    /// Reads a word of the contracts.
    pub fn unpack(word: U256) -> Result<Self, PackingError> {
        let signer = Address::from_word(word.into());
        let mut upper = Unpacker::new(word.wrapping_shr(160));
        let node = NodeId::new(upper.take(64));
        upper.finish()?;
        Ok(Self { node, signer })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bits_above_the_node_are_refused() {
        assert_eq!(Seat::unpack(U256::MAX), Err(PackingError::Leftover));
        assert!(Seat::unpack(U256::MAX.wrapping_shr(32)).is_ok());
    }

    #[test]
    fn a_registered_node_earns_for_its_number_and_another_for_its_signer() {
        let signer = Address::repeat_byte(0x11);
        let account = Seat { node: NodeId::new(258), signer }.account();
        assert_eq!(account.to_string().to_lowercase(), format!("0x{:040x}", 258));
        assert_eq!(Seat { node: NodeId::UNREGISTERED, signer }.account(), signer);
    }

    proptest! {
        #[test]
        fn seats_survive_packing(node in any::<u64>(), signer in any::<[u8; 20]>()) {
            let seat = Seat { node: NodeId::new(node), signer: Address::from(signer) };
            prop_assert_eq!(Seat::unpack(seat.pack()), Ok(seat));
        }

        #[test]
        fn any_word_is_refused_or_survives(limbs in any::<[u64; 4]>()) {
            let word = U256::from_limbs(limbs);
            if let Ok(seat) = Seat::unpack(word) {
                prop_assert_eq!(seat.pack(), word);
            }
        }
    }
}
