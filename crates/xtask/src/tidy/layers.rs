//! Checks 1, 2 and 10: who may depend on whom.

use toml::{Table, Value};

use super::code::{self, Language, line_of, occurrences};
use super::finding::Finding;
use super::listing::Listing;

/// A row of the house; a crate may depend only on rows above its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    Words,
    Rules,
    Seams,
    Doors,
    Work,
    Gateway,
    Node,
    Front,
    Tools,
}

impl Layer {
    /// As the manifest writes it.
    const fn written(self) -> &'static str {
        match self {
            Self::Words => "0",
            Self::Rules => "1",
            Self::Seams => "2",
            Self::Doors => "3",
            Self::Work => "4",
            Self::Gateway => "5",
            Self::Node => "6",
            Self::Front => "\"front\"",
            Self::Tools => "\"tools\"",
        }
    }
}

/// The table of crates.
const TABLE: &[(&str, Layer)] = &[
    ("types", Layer::Words),
    ("planted", Layer::Words),
    ("abi", Layer::Rules),
    ("wire", Layer::Rules),
    ("protocol", Layer::Rules),
    ("scheduler", Layer::Rules),
    ("ports", Layer::Seams),
    ("tls", Layer::Seams),
    ("chain", Layer::Doors),
    ("network", Layer::Doors),
    ("journal", Layer::Doors),
    ("blobs", Layer::Doors),
    ("sandbox", Layer::Doors),
    ("coordinator", Layer::Work),
    ("worker", Layer::Work),
    ("archive", Layer::Work),
    ("settlement", Layer::Work),
    ("gateway", Layer::Gateway),
    ("node", Layer::Node),
    ("sdk", Layer::Front),
    ("cli", Layer::Front),
    ("devnet", Layer::Tools),
    ("fuzz", Layer::Tools),
    ("sim", Layer::Tools),
    ("sim-shells", Layer::Tools),
    ("xtask", Layer::Tools),
];

/// Dependencies inside one row that the table allows.
const WITHIN_ROW: &[(&str, &str)] = &[("cli", "sdk"), ("sim-shells", "sim")];

/// Crates that decide and therefore reach no runtime, provider, clock or socket.
pub(crate) const PURE: &[&str] = &["types", "protocol", "scheduler"];

/// What a pure crate must not be built from.
const IMPURE_PACKAGES: &[&str] = &["tokio", "alloy-provider", "alloy-transport", "reqwest"];

/// What a pure crate must not name.
const IMPURE_PATHS: &[&str] =
    &["std::time", "std::net", "std::fs", "std::process", "std::thread", "tokio"];

const SECTIONS: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

/// Check 1: the manifest states the layer of the table, and dependencies point to rows above.
pub(crate) fn dependencies(listing: &Listing) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, text) in listing.crates() {
        let path = manifest_path(name);
        let Some(layer) = layer_of(name) else {
            let what = format!("crate `{name}` is not in the table of crates");
            findings.push(Finding::error(&path, 1, what, "a crate that exists, or add a row"));
            continue;
        };
        let Ok(manifest) = text.parse::<Table>() else {
            findings.push(Finding::error(&path, 1, "a manifest that is no TOML", "TOML"));
            continue;
        };
        if stated_layer(&manifest).as_deref() != Some(layer.written()) {
            let what = "no layer or another one in [package.metadata.tallystick]";
            let instead = format!("`layer = {}`", layer.written());
            findings.push(Finding::error(&path, 1, what, instead));
        }
        for dependency in internal_dependencies(&manifest) {
            if !allowed(name, layer, dependency) {
                let line = text.find(dependency).map_or(1, |at| line_of(text, at));
                let what = format!("`{name}` depends on `{dependency}` of its own or a lower row");
                findings.push(Finding::error(&path, line, what, "a port, or move the code up"));
            }
        }
    }
    findings
}

/// Check 2: the package is called after its folder.
pub(crate) fn package_names(listing: &Listing) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, text) in listing.crates() {
        let expected = format!("tallystick-{name}");
        let Ok(manifest) = text.parse::<Table>() else { continue };
        let stated = manifest.get("package").and_then(|package| package.get("name"));
        if stated.and_then(Value::as_str) != Some(&expected) {
            let what = "a package that is not called after its folder";
            findings.push(Finding::error(&manifest_path(name), 1, what, format!("`{expected}`")));
        }
    }
    findings
}

/// Check 10, sources: the pure crates name nothing that touches the world.
pub(crate) fn pure_sources(listing: &Listing) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in PURE {
        for (path, text) in listing.below(&format!("crates/{name}/src/"), ".rs") {
            let masked = code::mask(text, Language::Rust);
            for word in IMPURE_PATHS {
                for at in occurrences(&masked, word) {
                    let what = format!("`{word}` in a crate that decides");
                    let line = line_of(&masked, at);
                    findings.push(Finding::error(path, line, what, "a value handed in as event"));
                }
            }
        }
    }
    findings
}

/// Check 10, dependencies: `tree` lists one package per line, name first.
pub(crate) fn pure_dependencies(name: &str, tree: &str) -> Vec<Finding> {
    let mut found: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|package| IMPURE_PACKAGES.contains(package))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
        .into_iter()
        .map(|package| {
            let what = format!("`{name}` is built from `{package}`");
            Finding::error(&manifest_path(name), 1, what, "fewer features of what brings it in")
        })
        .collect()
}

fn manifest_path(name: &str) -> String {
    format!("crates/{name}/Cargo.toml")
}

fn layer_of(name: &str) -> Option<Layer> {
    TABLE.iter().find(|(other, _)| *other == name).map(|(_, layer)| *layer)
}

fn allowed(name: &str, layer: Layer, dependency: &str) -> bool {
    layer_of(dependency).is_some_and(|other| other < layer)
        || WITHIN_ROW.contains(&(name, dependency))
}

fn stated_layer(manifest: &Table) -> Option<String> {
    let layer = manifest.get("package")?.get("metadata")?.get("tallystick")?.get("layer")?;
    match layer {
        Value::Integer(row) => Some(row.to_string()),
        Value::String(row) => Some(format!("\"{row}\"")),
        _ => None,
    }
}

/// Folders of the internal crates that a manifest names in any section, for any target.
fn internal_dependencies(manifest: &Table) -> Vec<&str> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let tables = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    let mut names: Vec<&str> = std::iter::once(manifest)
        .chain(tables)
        .flat_map(|table| SECTIONS.iter().filter_map(|section| table.get(*section)))
        .filter_map(Value::as_table)
        .flat_map(Table::keys)
        .filter_map(|key| key.strip_prefix("tallystick-"))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(name: &str, layer: &str, rest: &str) -> String {
        format!(
            "[package]\nname = \"tallystick-{name}\"\n\
             [package.metadata.tallystick]\nlayer = {layer}\n{rest}"
        )
    }

    fn one(name: &str, text: &str) -> Vec<Finding> {
        dependencies(&Listing::of(&[(&manifest_path(name), text)]))
    }

    #[test]
    fn a_dependency_on_a_row_above_is_allowed() {
        let text = manifest("abi", "1", "[dependencies]\ntallystick-types.workspace = true\n");
        assert_eq!(one("abi", &text), []);
    }

    #[test]
    fn a_dependency_on_a_lower_row_is_found() {
        let text = manifest("types", "0", "[dependencies]\ntallystick-abi.workspace = true\n");
        let findings = one("types", &text);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].to_string().starts_with("crates/types/Cargo.toml:6: "));
    }

    #[test]
    fn doors_do_not_see_each_other_in_any_section_or_target() {
        let rest = "[target.'cfg(unix)'.dev-dependencies]\ntallystick-blobs.workspace = true\n";
        assert_eq!(one("chain", &manifest("chain", "3", rest)).len(), 1);
    }

    #[test]
    fn the_command_line_may_use_the_client_and_not_the_other_way_round() {
        let on = |name: &str| format!("[dependencies]\ntallystick-{name}.workspace = true\n");
        assert_eq!(one("cli", &manifest("cli", "\"front\"", &on("sdk"))), []);
        assert_eq!(one("sdk", &manifest("sdk", "\"front\"", &on("cli"))).len(), 1);
    }

    #[test]
    fn a_missing_or_wrong_layer_and_an_unknown_crate_are_found() {
        assert_eq!(one("types", &manifest("types", "1", "")).len(), 1);
        assert_eq!(one("types", "[package]\nname = \"tallystick-types\"\n").len(), 1);
        assert_eq!(one("shelf", &manifest("shelf", "1", "")).len(), 1);
        assert_eq!(one("types", "no manifest").len(), 1);
    }

    #[test]
    fn a_package_is_called_after_its_folder() {
        let listing = Listing::of(&[("crates/abi/Cargo.toml", "[package]\nname = \"abi\"\n")]);
        assert_eq!(package_names(&listing).len(), 1);
        let good = manifest("abi", "1", "");
        assert_eq!(package_names(&Listing::of(&[("crates/abi/Cargo.toml", &good)])), []);
    }

    #[test]
    fn a_clock_in_a_pure_crate_is_found_and_a_comment_is_not() {
        let text = "// std::time\nuse std::time::Duration;\n";
        let findings = pure_sources(&Listing::of(&[("crates/types/src/lib.rs", text)]));
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].to_string().starts_with("crates/types/src/lib.rs:2: "));
        assert_eq!(pure_sources(&Listing::of(&[("crates/chain/src/lib.rs", text)])), []);
    }

    #[test]
    fn a_runtime_below_a_pure_crate_is_found_once() {
        let tree = "tallystick-types v0.1.0\ntokio v1.54.1\ntokio v1.54.1 (*)\nserde v1.0.0\n";
        assert_eq!(pure_dependencies("types", tree).len(), 1);
        assert_eq!(pure_dependencies("types", "tokio-util v0.7.0\n"), []);
    }
}
