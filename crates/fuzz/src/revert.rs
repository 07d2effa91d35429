//! What the chain gives as the reason of a refused call.

use alloy_sol_types::SolInterface;
use tallystick_abi::{Revert, decode_error};

/// Reads one input, the data of a revert. Whatever it is, it has words for a person.
pub fn read(bytes: &[u8]) {
    let revert = decode_error(bytes);
    assert!(!revert.to_string().is_empty(), "{revert:?}");
    let encoded = match &revert {
        Revert::Jobs(error) => error.abi_encode(),
        Revert::Registry(error) => error.abi_encode(),
        Revert::Payments(error) => error.abi_encode(),
        Revert::Staking(error) => error.abi_encode(),
        Revert::Slashing(error) => error.abi_encode(),
        Revert::Profile(error) => error.abi_encode(),
        Revert::House(error) => error.abi_encode(),
        Revert::Token(error) => error.abi_encode(),
        Revert::Unknown(data) => return assert_eq!(data, bytes),
        Revert::Silent => return assert!(bytes.is_empty()),
        _ => return,
    };
    assert!(revert.name().is_some());
    assert_eq!(decode_error(&encoded), revert, "an error of ours is read as it was written");
}
