//! Every error of the contracts has a name and values.

use alloy_json_abi::{Error, JsonAbi};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{Panic, Revert as Reason, SolError};
use tallystick_abi::contracts::{
    IHouseContract, IJobManager, INetworkProfile, INodeRegistry, IPaymentManager, ISlashingManager,
    IStakingManager, ITallyToken,
};
use tallystick_abi::{Revert, decode_error};

fn declared() -> Vec<Error> {
    let abis: [JsonAbi; 8] = [
        IHouseContract::abi::contract(),
        IJobManager::abi::contract(),
        INetworkProfile::abi::contract(),
        INodeRegistry::abi::contract(),
        IPaymentManager::abi::contract(),
        ISlashingManager::abi::contract(),
        IStakingManager::abi::contract(),
        ITallyToken::abi::contract(),
    ];
    abis.iter().flat_map(|abi| abi.errors().cloned().collect::<Vec<_>>()).collect()
}

/// The error with zero in every field; a text is empty.
fn zeroed(error: &Error) -> Vec<u8> {
    let mut data = error.selector().to_vec();
    let texts = error.inputs.iter().filter(|input| input.ty == "string").count();
    assert!(texts == 0 || error.inputs.len() == 1, "{} needs an encoder", error.name);
    for input in &error.inputs {
        if input.ty == "string" {
            data.extend(U256::from(32).to_be_bytes::<32>());
        }
        data.extend([0; 32]);
    }
    data
}

#[test]
fn every_declared_error_is_decoded_by_name_with_its_fields() {
    let errors = declared();
    assert!(errors.len() > 70, "only {} errors are declared", errors.len());
    for error in errors {
        let decoded = decode_error(&zeroed(&error));
        assert_eq!(decoded.name(), Some(error.name.as_str()), "{decoded:?}");
        let text = decoded.to_string();
        assert!(text.starts_with(&error.name), "{text}");
        for input in &error.inputs {
            assert!(text.contains(&format!("{}: ", input.name)), "{} in {text}", input.name);
        }
    }
}

#[test]
fn an_error_that_is_cut_or_out_of_range_is_unknown() {
    let error = INodeRegistry::NodeRegistryUnexpectedStatus {
        node: 7,
        actual: INodeRegistry::NodeStatus::Jailed,
        expected: B256::with_last_byte(6),
    };
    let data = error.abi_encode();
    let text = decode_error(&data).to_string();
    assert!(text.starts_with("NodeRegistryUnexpectedStatus { node: 7, actual: Jailed,"), "{text}");

    let cut = &data[..data.len() - 1];
    assert_eq!(decode_error(cut), Revert::Unknown(cut.to_vec().into()));
    let mut strange = data.clone();
    strange[4 + 63] = 9;
    assert!(matches!(decode_error(&strange), Revert::Unknown(_)));
}

#[test]
fn terms_are_named_in_letters() {
    let mut term = B256::ZERO;
    term[..8].copy_from_slice(b"assignBy");
    let error =
        IJobManager::JobManagerInvalidTerm { term, given: U256::from(5), bound: U256::from(6) };
    let text = decode_error(&error.abi_encode()).to_string();
    assert_eq!(text, "JobManagerInvalidTerm { term: assignBy, given: 5, bound: 6 }");
}

#[test]
fn reasons_panics_silence_and_strangers_are_told_apart() {
    let reason = Reason { reason: "no".into() }.abi_encode();
    assert_eq!(decode_error(&reason), Revert::Reason("no".into()));
    let empty = Reason { reason: String::new() }.abi_encode();
    assert_eq!(decode_error(&empty).to_string(), "refused with an empty reason");
    let panic = Panic { code: U256::from(0x11) };
    assert_eq!(decode_error(&panic.abi_encode()), Revert::Panic(panic));
    assert_eq!(decode_error(&[]), Revert::Silent);
    assert_eq!(decode_error(&[1, 2]), Revert::Unknown(vec![1, 2].into()));
    assert_eq!(decode_error(&[9; 40]).name(), None);
    let token = ITallyToken::ERC20InvalidSender { sender: Address::ZERO };
    assert_eq!(decode_error(&token.abi_encode()).name(), Some("ERC20InvalidSender"));
}
