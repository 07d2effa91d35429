//! What an upgrade would read wrongly.

use super::{Field, Layout};

/// Every change of a layout that does more than append, in words.
pub(super) fn broken(before: &Layout, after: &Layout) -> Vec<String> {
    let mut found = fields("the state", &before.fields, &after.fields);
    for (name, old) in &before.structs {
        let Some(new) = after.structs.get(name) else {
            found.push(format!("`{name}` is gone"));
            continue;
        };
        found.extend(fields(&format!("`{name}`"), old, new));
        if new.len() > old.len() && has_neighbours(before, name) {
            found.push(format!("`{name}` grew, and something lies behind it"));
        }
    }
    found
}

fn fields(place: &str, before: &[Field], after: &[Field]) -> Vec<String> {
    let mut found = Vec::new();
    for (index, old) in before.iter().enumerate() {
        match after.get(index) {
            Some(new) if new == old => {}
            Some(new) if new.name == old.name => {
                let change = format!("{} to {}", described(old), described(new));
                found.push(format!("`{}` of {place} changed from {change}", old.name));
            }
            Some(_) | None => found.push(format!("`{}` of {place} moved or is gone", old.name)),
        }
    }
    found
}

fn described(field: &Field) -> String {
    format!("`{}` at slot {} byte {}", field.kind, field.slot, field.offset)
}

/// Whether a struct lies in an array or beside other fields, where growing shifts what follows. The
/// values of a mapping have all the room they need.
fn has_neighbours(layout: &Layout, name: &str) -> bool {
    let all = layout.fields.iter().chain(layout.structs.values().flatten());
    all.map(|field| field.kind.as_str())
        .any(|kind| kind == name || kind.contains(&format!("{name}[")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn field(name: &str, kind: &str, slot: u64) -> Field {
        Field {
            name: name.into(),
            kind: kind.into(),
            slot: slot.to_string(),
            offset: 0,
            bytes: "32".into(),
        }
    }

    fn layout(fields: &[Field], meter: &[Field]) -> Layout {
        let structs = BTreeMap::from([("struct Meter".to_owned(), meter.to_vec())]);
        Layout { fields: fields.to_vec(), structs }
    }

    #[test]
    fn appending_is_sound() {
        let state = [field("words", "mapping(JobId => JobWord)", 0)];
        let more = [state[0].clone(), field("count", "uint256", 1)];
        let meter = [field("beat", "uint40", 0)];
        let longer = [meter[0].clone(), field("end", "uint40", 1)];
        assert_eq!(broken(&layout(&state, &meter), &layout(&more, &longer)), [""; 0]);
    }

    #[test]
    fn moving_removing_and_retyping_are_not() {
        let state = [field("words", "uint256", 0), field("count", "uint256", 1)];
        let swapped = [field("count", "uint256", 0), field("words", "uint256", 1)];
        let retyped = [field("words", "address", 0), field("count", "uint256", 1)];
        let before = layout(&state, &[]);
        assert_eq!(broken(&before, &layout(&swapped, &[])).len(), 2);
        assert_eq!(broken(&before, &layout(&state[..1], &[])).len(), 1);
        let found = broken(&before, &layout(&retyped, &[]));
        assert!(found[0].contains("`uint256` at slot 0 byte 0 to `address`"), "{found:?}");
    }

    #[test]
    fn a_struct_grows_only_where_nothing_lies_behind_it() {
        let meter = [field("beat", "uint40", 0)];
        let longer = [meter[0].clone(), field("end", "uint40", 1)];
        for (kind, expected) in [
            ("mapping(JobId => struct Meter)", 0),
            ("struct Meter[]", 1),
            ("mapping(JobId => struct Meter[2])", 1),
            ("struct Meter", 1),
        ] {
            let state = [field("meters", kind, 0)];
            let found = broken(&layout(&state, &meter), &layout(&state, &longer));
            assert_eq!(found.len(), expected, "{kind}: {found:?}");
        }
    }

    #[test]
    fn a_struct_that_is_gone_is_named() {
        let before = layout(&[], &[field("beat", "uint40", 0)]);
        let after = Layout { fields: vec![], structs: BTreeMap::new() };
        assert_eq!(broken(&before, &after), ["`struct Meter` is gone"]);
    }
}
