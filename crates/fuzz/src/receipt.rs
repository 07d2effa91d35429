//! What `tally verify` is given: a receipt as JSON or in its canonical bytes.

use tallystick_sdk::verify::verify;
use tallystick_types::Canonical;

/// Reads one input, a whole file. A receipt that holds, holds in both of its forms.
pub fn read(bytes: &[u8]) {
    match verify(bytes) {
        Ok(verified) => {
            let canonical = verify(&verified.signed().to_bytes());
            assert_eq!(canonical.ok().as_ref(), Some(&verified));
            let json = verify(verified.to_json().as_bytes());
            assert_eq!(json.ok().as_ref(), Some(&verified));
        }
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
}
