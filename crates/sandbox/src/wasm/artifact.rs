//! Loads compiled code: the one unsafe step of the crate.

use wasmtime::{Engine, Module};

/// Compiled code that this process made, that its own child made, or that [`super::cache`]
/// authenticated.
pub(super) struct Artifact(Vec<u8>);

impl Artifact {
    /// Compiles an instrumented module.
    pub(super) fn compile(engine: &Engine, module: &[u8]) -> wasmtime::Result<Self> {
        engine.precompile_module(module).map(Self)
    }

    /// Takes bytes that a child which this process started sent over the socket between them.
    pub(super) const fn compiled_by_child(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Takes bytes whose authentication code was checked with the key of this node.
    pub(super) const fn authenticated(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Loads it. The engine refuses an artifact of another version or setting.
    #[expect(unsafe_code, reason = "loading compiled code runs it; its origin is checked above")]
    pub(super) fn load(&self, engine: &Engine) -> wasmtime::Result<Module> {
        // SAFETY: the bytes are what `precompile_module` returned: directly in `compile`, or in the
        // program of the node's own configuration over a socket that nobody else holds, or via a
        // file whose HMAC under the node's secret key was verified over the very bytes in memory
        // that are loaded here. Nobody else can make such a value.
        unsafe { Module::deserialize(engine, &self.0) }
    }
}
