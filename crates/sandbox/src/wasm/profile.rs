//! The determinism profile: what a module may be, said by us and not by an engine.

use sha2::{Digest as _, Sha256};
use wasmparser::WasmFeatures;

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

    /// What of Wasm may be used: the first standard, sign extension, saturating conversion,
    /// several results, bulk memory, function references in tables, fixed-width SIMD. No threads,
    /// no
    /// relaxed SIMD, no 64-bit memory, no tail calls, no exceptions, no garbage collection.
    pub(super) const fn features() -> WasmFeatures {
        WasmFeatures::MUTABLE_GLOBAL
            .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
            .union(WasmFeatures::SIGN_EXTENSION)
            .union(WasmFeatures::REFERENCE_TYPES)
            .union(WasmFeatures::MULTI_VALUE)
            .union(WasmFeatures::BULK_MEMORY)
            .union(WasmFeatures::SIMD)
            .union(WasmFeatures::FLOATS)
    }

    /// Names the profile in receipts and cache keys.
    #[must_use]
    pub fn digest() -> Digest {
        digest(&[Self::NAME.as_bytes()])
    }
}
