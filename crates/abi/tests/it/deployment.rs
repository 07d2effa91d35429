//! Records: what is read, and what is refused with which advice.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use alloy_primitives::{Address, B256};
use tallystick_abi::deployment::{pending_path, record_path};
use tallystick_abi::{Contract, Deployed, Deployment, DeploymentError, Holders};
use tallystick_types::ChainId;

const CHAIN: ChainId = ChainId::new(31_337);

fn deployment() -> Deployment {
    let contracts = Contract::ALL
        .into_iter()
        .zip(1_u8..)
        .map(|(contract, byte)| (contract, at(Address::repeat_byte(byte))));
    let person = Address::repeat_byte(0x55);
    Deployment {
        chain_id: CHAIN,
        block: 3,
        deployer: person,
        parameters: "local".into(),
        holders: Holders { treasury: person, pauser: person, committee: person, reporter: person },
        contracts: contracts.collect(),
    }
}

fn at(address: Address) -> Deployed {
    Deployed {
        address,
        code_hash: B256::ZERO,
        implementation: None,
        implementation_code_hash: None,
    }
}

fn write(path: &Path, deployment: &Deployment) {
    fs::write(path, serde_json::to_string_pretty(deployment).unwrap()).unwrap();
}

#[test]
fn a_record_is_read_and_names_its_contracts() {
    let folder = tempfile::tempdir().unwrap();
    write(&record_path(folder.path(), CHAIN), &deployment());
    let read = Deployment::read(folder.path(), CHAIN).unwrap();
    assert_eq!(read, deployment());
    assert_eq!(read.job_domain().job_manager, Address::repeat_byte(7));
    assert_eq!(read.registry_domain().registry, Address::repeat_byte(4));
}

#[test]
fn nothing_and_half_a_deployment_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let absent = Deployment::read(folder.path(), CHAIN).unwrap_err();
    assert!(matches!(absent, DeploymentError::Absent { .. }), "{absent}");
    write(&pending_path(folder.path(), CHAIN), &deployment());
    let unfinished = Deployment::read(folder.path(), CHAIN).unwrap_err();
    assert!(matches!(unfinished, DeploymentError::Unfinished { .. }), "{unfinished}");
    assert!(unfinished.to_string().contains("remove"), "{unfinished}");
    fs::rename(pending_path(folder.path(), CHAIN), record_path(folder.path(), CHAIN)).unwrap();
    assert!(Deployment::read(folder.path(), CHAIN).is_ok());
}

#[test]
fn another_chain_a_missing_contract_and_a_wrong_address_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = record_path(folder.path(), CHAIN);
    let refused = |deployment: &Deployment| {
        write(&path, deployment);
        Deployment::read(folder.path(), CHAIN).unwrap_err()
    };
    let other = Deployment { chain_id: ChainId::new(1), ..deployment() };
    assert!(matches!(refused(&other), DeploymentError::OtherChain { .. }));

    let mut incomplete = deployment();
    incomplete.contracts.remove(&Contract::JobManager);
    let error = refused(&incomplete);
    let missing =
        matches!(error, DeploymentError::Incomplete { contract: Contract::JobManager, .. });
    assert!(missing, "{error}");

    for address in [Address::ZERO, deployment().address(Contract::TallyToken)] {
        let mut wrong = deployment();
        wrong.contracts.insert(Contract::NetworkProfile, at(address));
        assert!(matches!(refused(&wrong), DeploymentError::BadAddress { .. }));
    }
    let empty = Deployment { contracts: BTreeMap::new(), ..deployment() };
    assert!(matches!(refused(&empty), DeploymentError::Incomplete { .. }));
}

#[test]
fn a_damaged_file_and_unknown_fields_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = record_path(folder.path(), CHAIN);
    let text = serde_json::to_string(&deployment()).unwrap();
    for damaged in ["", "{}", &text[1..], &text.replacen('{', "{\"colour\":1,", 1)] {
        fs::write(&path, damaged).unwrap();
        let error = Deployment::read(folder.path(), CHAIN).unwrap_err();
        assert!(matches!(error, DeploymentError::Damaged { .. }), "{error}");
    }
}
