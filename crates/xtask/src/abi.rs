//! `cargo xtask abi`: the interfaces of the deployed contracts, as files for every language.
//!
//! `deployments/abi/<Contract>.json` is what compiles. The drift test of `tallystick-abi` compares
//! the `sol!` block with these files, both ways; so a contract that changed is noticed here, and a
//! `sol!` block that was left behind is noticed there.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use alloy_json_abi::JsonAbi;

use crate::contracts::{self, CompileError, Compiled};
use crate::record::{self, Record, RecordError};

/// Deployed contracts without a storage file of their own.
const PLAIN: &[&str] = &["TallyGovernor", "TallyToken"];

/// Contracts whose code is in two pieces behind one address.
const SECOND_HALVES: &[(&str, &str)] = &[("JobManager", "JobRecovery")];

/// Why the interfaces could not be written or compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AbiError {
    #[error(transparent)]
    Compile(#[from] CompileError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(
        "`{contract}` is not among what compiles; correct the lists in crates/xtask/src/abi.rs"
    )]
    NoSuchContract { contract: String },
}

/// Writes or checks the files. True when nothing is left to do.
pub(crate) fn run(root: &Path, check: bool, report: &mut impl Write) -> Result<bool, AbiError> {
    let records = records(&contracts::compile(root)?)?;
    if check {
        return Ok(record::check(root, "abi", &records, report)?);
    }
    record::write(root, &records, report)?;
    Ok(true)
}

fn records(compiled: &BTreeMap<String, Compiled>) -> Result<Vec<Record>, AbiError> {
    let mut records = Vec::new();
    for name in deployed(compiled) {
        let mut abi = one(compiled, &name)?.clone();
        for (_, half) in SECOND_HALVES.iter().filter(|(first, _)| *first == name) {
            merge(&mut abi, one(compiled, half)?);
        }
        name_as_interfaces_do(&mut abi);
        records.push(Record::json(format!("deployments/abi/{name}.json"), &abi));
    }
    Ok(records)
}

/// Names of the contracts that are deployed: those with a storage file, and the plain ones.
fn deployed(compiled: &BTreeMap<String, Compiled>) -> Vec<String> {
    let mut names: Vec<String> =
        compiled.keys().filter_map(|name| name.strip_suffix("Storage")).map(String::from).collect();
    names.extend(PLAIN.iter().map(|name| String::from(*name)));
    names.sort_unstable();
    names
}

fn one<'a>(
    compiled: &'a BTreeMap<String, Compiled>,
    contract: &str,
) -> Result<&'a JsonAbi, AbiError> {
    compiled
        .get(contract)
        .map(|found| &found.abi)
        .ok_or_else(|| AbiError::NoSuchContract { contract: contract.to_owned() })
}

/// Adds what only the second half has. Its constructor is not part of the contract.
fn merge(abi: &mut JsonAbi, half: &JsonAbi) {
    for (name, overloads) in &half.functions {
        let known = abi.functions.entry(name.clone()).or_default();
        known.extend(absent(known, overloads));
    }
    for (name, overloads) in &half.events {
        let known = abi.events.entry(name.clone()).or_default();
        known.extend(absent(known, overloads));
    }
    for (name, overloads) in &half.errors {
        let known = abi.errors.entry(name.clone()).or_default();
        known.extend(absent(known, overloads));
    }
}

/// An implementation writes `rules_` where `rules` would hide a call of its own.
fn name_as_interfaces_do(abi: &mut JsonAbi) {
    for input in abi.functions.values_mut().flatten().flat_map(|function| &mut function.inputs) {
        let plain = input.name.trim_end_matches('_').len();
        input.name.truncate(plain);
    }
}

fn absent<T: Clone + PartialEq>(known: &[T], more: &[T]) -> Vec<T> {
    more.iter().filter(|item| !known.contains(item)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root;

    #[test]
    fn the_records_match_what_compiles() {
        let mut report = Vec::new();
        let fresh = run(&root::folder(), true, &mut report).unwrap();
        assert!(fresh, "{}", String::from_utf8_lossy(&report));
    }

    #[test]
    fn parameters_have_the_names_of_the_interfaces() {
        let mut abi = JsonAbi::parse(["function setRules(uint8 rules_, uint8 _most)"]).unwrap();
        name_as_interfaces_do(&mut abi);
        let abi = serde_json::to_string(&abi).unwrap();
        assert!(abi.contains("\"rules\"") && abi.contains("\"_most\""), "{abi}");
    }

    #[test]
    fn two_halves_are_one_contract() {
        let parse = |lines: &[&str]| JsonAbi::parse(lines.iter().copied()).unwrap();
        let mut first = parse(&["function a()", "error E()", "event X()"]);
        let second = parse(&["function b()", "function a(uint256)", "error E()", "event Y()"]);
        merge(&mut first, &second);
        assert_eq!(first.functions().count(), 3);
        assert_eq!(first.errors().count(), 1);
        assert_eq!(first.events().count(), 2);
    }
}
