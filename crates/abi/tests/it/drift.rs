//! Compares the `sol!` block with `deployments/abi`, both ways.
//!
//! That those files are what compiles is checked where the compiler is: by the tests of
//! `tallystick-xtask`. Both together notice every change that one side missed.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use alloy_json_abi::{Error, Event, EventParam, Function, JsonAbi, Param};
use tallystick_abi::contracts::{
    IHouseContract, IJobManager, INetworkProfile, INodeRegistry, IPaymentManager, ISlashingManager,
    IStakingManager, ITallyToken,
};

/// Items by kind and signature, written so that every difference shows.
type Items = BTreeMap<String, String>;

/// Calls that a contract makes to itself and nobody else may make.
const INTERNAL: &[&str] = &["function pullExactly(address,address,uint128)"];

fn recorded(contract: &str) -> Items {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join(format!("deployments/abi/{contract}.json"));
    let text = fs::read_to_string(&path).expect("run `cargo xtask abi`");
    items(&serde_json::from_str(&text).expect("run `cargo xtask abi`"))
}

fn items(abi: &JsonAbi) -> Items {
    let functions = abi.functions().map(|item| (item.signature(), function(item)));
    let events = abi.events().map(|item| (item.signature(), event(item)));
    let errors = abi.errors().map(|item| (item.signature(), error(item)));
    let named = |kind: &'static str| move |(name, text)| (format!("{kind} {name}"), text);
    functions
        .map(named("function"))
        .chain(events.map(named("event")))
        .chain(errors.map(named("error")))
        .collect()
}

fn function(item: &Function) -> String {
    let (inputs, outputs) = (params(&item.inputs), params(&item.outputs));
    format!("({inputs}) {:?} returns ({outputs})", item.state_mutability)
}

fn event(item: &Event) -> String {
    let inputs: Vec<String> = item.inputs.iter().map(event_param).collect();
    format!("({}) anonymous: {}", inputs.join(", "), item.anonymous)
}

fn event_param(param: &EventParam) -> String {
    let inside = params(&param.components);
    let indexed = if param.indexed { " indexed" } else { "" };
    format!("{}{indexed} {} {{{inside}}}", param.ty, param.name)
}

fn error(item: &Error) -> String {
    params(&item.inputs)
}

fn params(params: &[Param]) -> String {
    let param = |param: &Param| {
        format!("{} {} {{{}}}", param.ty, param.name, self::params(&param.components))
    };
    params.iter().map(param).collect::<Vec<_>>().join(", ")
}

/// What differs, in words.
fn differences(contract: &str, declared: &Items, shared: &Items) -> Vec<String> {
    let recorded = recorded(contract);
    let mut found = Vec::new();
    for (name, text) in declared {
        match recorded.get(name) {
            None => found.push(format!("{contract}: `{name}` is declared and does not exist")),
            Some(other) if other != text => {
                found.push(format!("{contract}: `{name}` is {other}, declared as {text}"));
            }
            Some(_) => {}
        }
    }
    for (name, text) in &recorded {
        let known = declared.get(name).or_else(|| shared.get(name));
        if known != Some(text) && !INTERNAL.contains(&name.as_str()) {
            found.push(format!("{contract}: `{name}` {text} exists and is not declared"));
        }
    }
    found
}

#[test]
fn the_sol_block_is_what_compiles() {
    let house = items(&IHouseContract::abi::contract());
    let declared = [
        ("JobManager", IJobManager::abi::contract()),
        ("NetworkProfile", INetworkProfile::abi::contract()),
        ("NodeRegistry", INodeRegistry::abi::contract()),
        ("PaymentManager", IPaymentManager::abi::contract()),
        ("SlashingManager", ISlashingManager::abi::contract()),
        ("StakingManager", IStakingManager::abi::contract()),
        ("TallyToken", ITallyToken::abi::contract()),
    ];
    let found: Vec<String> = declared
        .iter()
        .flat_map(|(contract, abi)| differences(contract, &items(abi), &house))
        .collect();
    assert!(found.is_empty(), "edit crates/abi/src/contracts.rs:\n{}", found.join("\n"));
}

#[test]
fn what_all_contracts_share_exists_somewhere() {
    let contracts = [
        "JobManager",
        "NetworkProfile",
        "NodeRegistry",
        "PaymentManager",
        "SlashingManager",
        "StakingManager",
    ];
    let mut exists = Items::new();
    for contract in contracts {
        exists.extend(recorded(contract));
    }
    let house = items(&IHouseContract::abi::contract());
    let missing: Vec<_> =
        house.iter().filter(|(name, text)| exists.get(*name) != Some(*text)).collect();
    assert!(missing.is_empty(), "declared in IHouseContract and nowhere else: {missing:?}");
    assert!(INTERNAL.iter().all(|name| exists.contains_key(*name)));
}

#[test]
fn a_changed_flag_name_or_mutability_is_noticed() {
    let of = |line: &str| items(&JsonAbi::parse([line]).unwrap());
    for (one, other) in [
        ("event A(address indexed who)", "event A(address who)"),
        ("function a(uint8 count)", "function a(uint8 number)"),
        ("function a() view", "function a() pure"),
        ("function a() returns (uint8 x)", "function a() returns (uint8 y)"),
        ("error E(uint8 x)", "error E(uint8 y)"),
    ] {
        assert_ne!(of(one), of(other));
    }
}
