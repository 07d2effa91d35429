//! The contracts as they compile: interfaces and storage layouts, without code.
//!
//! The compiler is the one that npm pins, through the same wrapper that forge uses. Nothing is
//! downloaded and nothing is written.

use std::collections::BTreeMap;
use std::path::Path;

use alloy_json_abi::JsonAbi;
use foundry_compilers::artifacts::output_selection::{ContractOutputSelection, OutputSelection};
use foundry_compilers::artifacts::{EvmVersion, Remapping, Source, StorageLayout};
use foundry_compilers::error::SolcError;
use foundry_compilers::project::ProjectCompiler;
use foundry_compilers::solc::{Solc, SolcCompiler, SolcSettings};
use foundry_compilers::{ConfigurableArtifacts, Project, ProjectBuilder, ProjectPathsConfig};

/// Where the compiler's wrapper lies.
const SOLC: &str = "script/toolchain/solc";

/// Where probes of storage layouts lie.
const PROBES: &str = "test/upgrade";

/// Import prefixes, as in `foundry.toml`.
const REMAPPINGS: &[&str] = &[
    "@openzeppelin/contracts/=node_modules/@openzeppelin/contracts/",
    "@openzeppelin/contracts-upgradeable/=node_modules/@openzeppelin/contracts-upgradeable/",
];

/// What the compiler says of one contract.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    pub(crate) abi: JsonAbi,
    pub(crate) layout: StorageLayout,
}

/// Why the contracts did not compile.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompileError {
    #[error("{what} is missing; run script/bootstrap")]
    Missing { what: &'static str },
    #[error("the compiler could not be used ({source}); run script/bootstrap and try again")]
    Compiler { source: Box<SolcError> },
    #[error("the contracts do not compile; mend them with `forge build`:\n{report}")]
    Contracts { report: String },
}

impl From<SolcError> for CompileError {
    fn from(source: SolcError) -> Self {
        Self::Compiler { source: Box::new(source) }
    }
}

/// Compiles every contract and probe, by name.
pub(crate) fn compile(root: &Path) -> Result<BTreeMap<String, Compiled>, CompileError> {
    for what in ["node_modules/solc", "node_modules/@openzeppelin/contracts"] {
        if !root.join(what).exists() {
            return Err(CompileError::Missing { what });
        }
    }
    let project = project(root)?;
    let mut sources =
        Source::read_all_from(&root.join("contracts"), &["sol"]).map_err(SolcError::from)?;
    let probes = Source::read_all_from(&root.join(PROBES), &["sol"]).unwrap_or_default();
    let is_probe = |path: &Path| !path.to_string_lossy().ends_with(".t.sol");
    sources.extend(probes.into_iter().filter(|(path, _)| is_probe(path)));
    let output = ProjectCompiler::with_sources(&project, sources)?.compile()?;
    if output.has_compiler_errors() {
        return Err(CompileError::Contracts { report: output.to_string() });
    }
    let mut contracts = BTreeMap::new();
    for (id, artifact) in output.into_artifacts() {
        let source = id.source.strip_prefix(root).unwrap_or(&id.source);
        let ours = source.starts_with("contracts") || source.starts_with(PROBES);
        if let (true, Some(abi)) = (ours, artifact.abi) {
            let layout = artifact
                .storage_layout
                .unwrap_or(StorageLayout { storage: Vec::new(), types: BTreeMap::new() });
            contracts.insert(id.name, Compiled { abi, layout });
        }
    }
    Ok(contracts)
}

type HouseProject = Project<SolcCompiler, ConfigurableArtifacts>;

fn project(root: &Path) -> Result<HouseProject, CompileError> {
    let mut paths = ProjectPathsConfig::builder()
        .root(root)
        .sources(root.join("contracts"))
        .lib(root.join("node_modules"));
    for remapping in REMAPPINGS {
        paths = paths.remapping(
            remapping.parse::<Remapping>().expect("the remappings of this file are well formed"),
        );
    }
    let mut settings = SolcSettings::default();
    settings.settings.evm_version = Some(EvmVersion::Prague);
    let wanted = ["abi", "storageLayout"].map(String::from);
    settings.settings.output_selection = OutputSelection::common_output_selection(wanted);
    let solc = Solc::new(root.join(SOLC))?;
    let project = ProjectBuilder::new(ConfigurableArtifacts::new(
        [ContractOutputSelection::StorageLayout],
        [],
    ))
    .paths(paths.build().map_err(SolcError::from)?)
    .settings(settings)
    .ephemeral()
    .no_artifacts()
    .offline()
    .build(SolcCompiler::Specific(solc))?;
    Ok(project)
}
