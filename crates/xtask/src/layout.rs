//! `cargo xtask layout`: where every contract keeps its state, so that upgrades only ever append.
//!
//! The state of a contract is one struct in an ERC-7201 namespace, which the compiler does not
//! show. `test/upgrade/Layouts.sol` declares it as a variable. `deployments/layout/<Contract>.json`
//! holds its fields and those of every struct that they reach. A field may be added at the end; one
//! that moved, went away or changed its type would read the state of something else, and is
//! refused.

mod compare;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::Path;

use foundry_compilers::artifacts::StorageLayout;
use serde::{Deserialize, Serialize};

use crate::contracts::{self, CompileError, Compiled};
use crate::record::{self, Record, RecordError};

/// Ending of a probe's name.
const PROBE: &str = "Layout";

/// The state of one contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Layout {
    /// Fields of the namespace's struct, in order.
    fields: Vec<Field>,
    /// Fields of every struct that is reached from there.
    structs: BTreeMap<String, Vec<Field>>,
}

/// One field of a struct.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Field {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    /// Counted from the first slot of the struct.
    slot: String,
    /// Bytes from the right end of the slot.
    offset: u64,
    bytes: String,
}

/// A member of a struct, as the compiler tells it.
#[derive(Debug, Deserialize)]
struct Member {
    label: String,
    offset: u64,
    slot: String,
    #[serde(rename = "type")]
    kind: String,
}

/// Why layouts could not be written or compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LayoutError {
    #[error(transparent)]
    Compile(#[from] CompileError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(
        "`{contract}` has state, `{contract}{PROBE}` is not in test/upgrade/Layouts.sol; add it"
    )]
    NoProbe { contract: String },
    #[error("the layout of `{contract}` has another form; adapt it to the compiler")]
    Form { contract: String },
    #[error("{path} is no layout ({source}); restore it from git")]
    Damaged { path: String, source: serde_json::Error },
    #[error("the report could not be written: {0}")]
    Report(#[from] io::Error),
}

/// Writes or checks the layouts. True when every change only appends.
///
/// With `anew` records are written whatever they said, which is right as long as nothing is live.
pub(crate) fn run(
    root: &Path,
    check: bool,
    anew: bool,
    report: &mut impl Write,
) -> Result<bool, LayoutError> {
    let compiled = contracts::compile(root)?;
    let mut sound = true;
    let mut records = Vec::new();
    for (contract, layout) in layouts(&compiled)? {
        let record = Record::json(format!("deployments/layout/{contract}.json"), &layout);
        let path = record.path.display().to_string();
        match record.present(root)? {
            Some(text) if !anew => {
                let before: Layout = serde_json::from_str(&text)
                    .map_err(|source| LayoutError::Damaged { path: path.clone(), source })?;
                for broken in compare::broken(&before, &layout) {
                    writeln!(report, "{path}:1: {broken}, append fields only")?;
                    sound = false;
                }
            }
            None if check => {
                writeln!(report, "{path}:1: is missing, run `cargo xtask layout`")?;
                sound = false;
            }
            Some(_) | None => {}
        }
        records.push(record);
    }
    if sound && !check {
        record::write(root, &records, report)?;
    }
    Ok(sound)
}

/// The layout of every contract that has a storage file.
fn layouts(compiled: &BTreeMap<String, Compiled>) -> Result<Vec<(String, Layout)>, LayoutError> {
    let mut layouts = Vec::new();
    for contract in compiled.keys().filter_map(|name| name.strip_suffix("Storage")) {
        let contract = contract.to_owned();
        let Some(probe) = compiled.get(&format!("{contract}{PROBE}")) else {
            return Err(LayoutError::NoProbe { contract });
        };
        match read(&probe.layout) {
            Some(layout) => layouts.push((contract, layout)),
            None => return Err(LayoutError::Form { contract }),
        }
    }
    Ok(layouts)
}

/// Takes the one variable of a probe apart.
fn read(layout: &StorageLayout) -> Option<Layout> {
    let [variable] = layout.storage.as_slice() else { return None };
    let fields = members(layout, &variable.storage_type)?;
    let mut structs = BTreeMap::new();
    let mut seen = BTreeSet::from([variable.storage_type.as_str()]);
    for (id, kind) in &layout.types {
        if seen.insert(id) && kind.other.contains_key("members") {
            structs.insert(kind.label.clone(), members(layout, id)?);
        }
    }
    Some(Layout { fields, structs })
}

fn members(layout: &StorageLayout, id: &str) -> Option<Vec<Field>> {
    let members = layout.types.get(id)?.other.get("members")?;
    let members: Vec<Member> = serde_json::from_value(members.clone()).ok()?;
    members
        .into_iter()
        .map(|member| {
            let kind = layout.types.get(&member.kind)?;
            Some(Field {
                name: member.label,
                kind: kind.label.clone(),
                slot: member.slot,
                offset: member.offset,
                bytes: kind.number_of_bytes.clone(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root;

    #[test]
    fn the_layouts_only_append_to_their_records() {
        let mut report = Vec::new();
        let sound = run(&root::folder(), true, false, &mut report).unwrap();
        assert!(sound, "{}", String::from_utf8_lossy(&report));
    }
}
