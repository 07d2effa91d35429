//! Logs of our contracts as an endpoint gives them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use alloy_primitives::{Address, B256};
use tallystick_abi::deployment::{Deployed, Holders};
use tallystick_abi::{Contract, Deployment};
use tallystick_chain::view::{HouseContracts, HouseEvent};
use tallystick_types::ChainId;

/// Contracts at addresses of one repeated byte, from 1 in the order of [`Contract::ALL`].
pub fn house() -> Deployment {
    let place = |byte| Deployed {
        address: Address::repeat_byte(byte),
        code_hash: B256::ZERO,
        implementation: None,
        implementation_code_hash: None,
    };
    let nobody = Address::ZERO;
    Deployment {
        chain_id: ChainId::new(31_337),
        block: 1,
        deployer: nobody,
        parameters: "local".to_owned(),
        holders: Holders { treasury: nobody, pauser: nobody, committee: nobody, reporter: nobody },
        contracts: Contract::ALL.into_iter().zip((1..).map(place)).collect::<BTreeMap<_, _>>(),
    }
}

static CONTRACTS: LazyLock<HouseContracts> = LazyLock::new(|| HouseContracts::of(&house()));

/// Reads one input: one byte for the contract, one for the number of topics, the topics of 32
/// bytes each, and the data.
pub fn read(bytes: &[u8]) {
    let [contract, topics, rest @ ..] = bytes else { return };
    let count = usize::from(*topics).saturating_mul(32);
    let Some((topics, data)) = rest.split_at_checked(count) else { return };
    let topics: Vec<B256> = topics.chunks_exact(32).map(B256::from_slice).collect();
    let address = Address::repeat_byte(*contract);
    let decode = || HouseEvent::decode(&CONTRACTS, address, &topics, data);
    match decode() {
        Ok(event) => assert_eq!(decode().ok(), Some(event)),
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
}
