//! Programs of strangers, byte by byte.

use tallystick_sandbox::wasm::prepare;
use wasmparser::{Validator, WasmFeatures};

/// So many bytes may be added for each byte of a module, and so many at all.
const MOST_GROWTH: (usize, usize) = (64, 1 << 12);

/// Reads one input, a module. What is admitted and instrumented is valid, of bounded size, always
/// the same, and itself outside of the profile, so that nobody hands in counters of their own.
pub fn read(bytes: &[u8]) {
    let program = match prepare(bytes) {
        Ok(program) => program,
        Err(refusal) => return assert!(!refusal.to_string().is_empty()),
    };
    let instrumented = program.instrumented();
    let mut validator = Validator::new_with_features(WasmFeatures::WASM2);
    let valid = validator.validate_all(instrumented);
    assert!(valid.is_ok(), "what was instrumented is not valid: {:?}", valid.err());
    let (factor, constant) = MOST_GROWTH;
    assert!(instrumented.len() <= bytes.len().saturating_mul(factor).saturating_add(constant));
    assert_eq!(prepare(bytes).map(|again| again.instrumented() == instrumented), Ok(true));
    assert!(prepare(instrumented).is_err(), "an instrumented module was admitted");
}
