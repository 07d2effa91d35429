//! The determinism profile: what a module may be, said by us and not by an engine.

use std::sync::OnceLock;

use sha2::{Digest as _, Sha256};
use wasmparser::WasmFeatures;

use super::{cost, wasi};

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// SHA-256 over parts, without separators.
pub(super) fn digest(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The profile that this build speaks. A change of meaning is a new name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile;

impl Profile {
    /// The name that enters receipts through [`Profile::digest`].
    pub const NAME: &'static str = "tallystick.wasm.1";
    /// Largest module in bytes.
    pub const MAXIMUM_MODULE_BYTES: usize = 32 << 20;
    /// Most function types.
    pub const MAXIMUM_TYPES: u32 = 10_000;
    /// Most imports.
    pub const MAXIMUM_IMPORTS: u32 = 1_000;
    /// Most functions, imported and defined.
    pub const MAXIMUM_FUNCTIONS: u32 = 50_000;
    /// Largest function body in bytes.
    pub const MAXIMUM_BODY_BYTES: usize = 1 << 20;
    /// Most locals of a function, parameters included.
    pub const MAXIMUM_LOCALS: u32 = 4_096;
    /// Most results of a function.
    pub const MAXIMUM_RESULTS: usize = 16;
    /// Most globals.
    pub const MAXIMUM_GLOBALS: u32 = 1_000;
    /// Most data segments, and most element segments.
    pub const MAXIMUM_SEGMENTS: u32 = 10_000;
    /// Most exports.
    pub const MAXIMUM_EXPORTS: u32 = 10_000;
    /// Most entries of the one table.
    pub const MAXIMUM_TABLE_ENTRIES: u64 = 100_000;
    /// Most pages of 64 KiB that a job may ask for: 1 GiB.
    pub const MAXIMUM_PAGES: u32 = 16_384;
    /// Largest budget of units: 2^60.
    pub const MAXIMUM_UNITS: u64 = 1 << 60;
    /// Deepest stack in slots.
    pub const MAXIMUM_STACK_SLOTS: u32 = 131_072;
    /// Export names that begin so belong to the instrumentation.
    pub const RESERVED_PREFIX: &'static str = "tally:";

    /// What of Wasm may be used beside the first standard. No threads, no relaxed SIMD, no 64-bit
    /// memory, no tail calls, no exceptions, no garbage collection.
    const FEATURES: [(&'static str, WasmFeatures); 8] = [
        ("mutable global", WasmFeatures::MUTABLE_GLOBAL),
        ("saturating conversion", WasmFeatures::SATURATING_FLOAT_TO_INT),
        ("sign extension", WasmFeatures::SIGN_EXTENSION),
        ("reference types", WasmFeatures::REFERENCE_TYPES),
        ("several results", WasmFeatures::MULTI_VALUE),
        ("bulk memory", WasmFeatures::BULK_MEMORY),
        ("fixed-width SIMD", WasmFeatures::SIMD),
        ("floats", WasmFeatures::FLOATS),
    ];

    /// All numbers that bound a module or a job, and what the cost table says beside instructions.
    const NUMBERS: [(&'static str, u64); 23] = [
        ("most module bytes", Self::MAXIMUM_MODULE_BYTES as u64),
        ("most types", Self::MAXIMUM_TYPES as u64),
        ("most imports", Self::MAXIMUM_IMPORTS as u64),
        ("most functions", Self::MAXIMUM_FUNCTIONS as u64),
        ("most body bytes", Self::MAXIMUM_BODY_BYTES as u64),
        ("most locals", Self::MAXIMUM_LOCALS as u64),
        ("most results", Self::MAXIMUM_RESULTS as u64),
        ("most globals", Self::MAXIMUM_GLOBALS as u64),
        ("most segments", Self::MAXIMUM_SEGMENTS as u64),
        ("most exports", Self::MAXIMUM_EXPORTS as u64),
        ("most tables", 1),
        ("most memories", 1),
        ("most table entries", Self::MAXIMUM_TABLE_ENTRIES),
        ("most pages", Self::MAXIMUM_PAGES as u64),
        ("most units", Self::MAXIMUM_UNITS),
        ("most slots", Self::MAXIMUM_STACK_SLOTS as u64),
        ("slots of a frame", cost::FRAME),
        ("units of a page", cost::PAGE as u64),
        ("units of a call of the world", cost::WORLD_CALL as u64),
        ("units of a vector", cost::VECTOR as u64),
        ("units of a subscription", cost::SUBSCRIPTION as u64),
        ("units of a random byte", cost::RANDOM_BYTE as u64),
        ("power of two of bytes per unit", cost::MOVED_SHIFT as u64),
    ];

    pub(super) fn features() -> WasmFeatures {
        Self::FEATURES.iter().fold(WasmFeatures::empty(), |all, (_, one)| all.union(*one))
    }

    /// What gives results their meaning, one fact per line: name, features, limits, the price of
    /// every instruction, the functions of the world.
    #[must_use]
    pub fn description() -> String {
        let mut lines = vec![Self::NAME.to_owned()];
        lines.extend(Self::FEATURES.iter().map(|(name, _)| format!("feature {name}")));
        lines.extend(Self::NUMBERS.iter().map(|(name, number)| format!("{name} {number}")));
        lines.extend(cost::table().map(|(name, units)| format!("units {name} {units}")));
        lines.extend(
            wasi::CALLS
                .iter()
                .map(|call| format!("{} {} {}", wasi::MODULE, call.name, call.params)),
        );
        lines.push(String::new());
        lines.join("\n")
    }

    /// SHA-256 of [`Profile::description`]: names the profile in receipts and cache keys. Rules
    /// that no table shows, such as how NaNs are made canonical, are in the name alone.
    #[must_use]
    pub fn digest() -> Digest {
        static DIGEST: OnceLock<Digest> = OnceLock::new();
        *DIGEST.get_or_init(|| digest(&[Self::description().as_bytes()]))
    }
}

#[cfg(test)]
mod tests {
    use super::Profile;

    /// A change here is a change of what receipts mean: give the profile a new name with it.
    #[test]
    fn the_digest_is_the_one_that_receipts_of_this_name_carry() {
        let digest: String = Profile::digest().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, "ac53dc499fe42ccffe2b0bb733b77dd0afe3c4f761163156119e0fcf763f2915");
        assert_eq!(Profile::NAME, "tallystick.wasm.1");
    }

    #[test]
    fn the_description_covers_costs_limits_and_the_world() {
        let description = Profile::description();
        for line in [
            "tallystick.wasm.1",
            "feature fixed-width SIMD",
            "most pages 16384",
            "units of a call of the world 256",
            "units Block 0",
            "units I32Add 1",
            "units F64Load 2",
            "units V128Load 3",
            "units I8x16Add 3",
            "units F64Div 12",
            "units MemoryGrow 64",
            "wasi_snapshot_preview1 random_get ii",
        ] {
            assert!(description.lines().any(|one| one == line), "{line}");
        }
        assert!(!description.contains("RelaxedSwizzle") && !description.contains("ReturnCall"));
    }
}
