//! Who signed what, remembered. Contracts ask the same again on every fork and in every estimate,
//! and the answer costs more than all the rest of a transaction.

use std::cell::RefCell;

use alloy_primitives::map::HashMap;
use revm::precompile::{Crypto, DefaultCrypto, PrecompileHalt};

/// Signature with the bit that tells two keys apart, and what was signed.
type Asked = ([u8; 64], u8, [u8; 32]);

/// Answers that a thread remembers before it begins anew.
const MOST: usize = 1 << 16;

thread_local! {
    /// Only looked up, and the same whoever asked first.
    static KNOWN: RefCell<HashMap<Asked, Option<[u8; 32]>>> = RefCell::default();
}

#[derive(Debug)]
struct Remembering;

impl Crypto for Remembering {
    fn secp256k1_ecrecover(
        &self,
        signature: &[u8; 64],
        recovery: u8,
        message: &[u8; 32],
    ) -> Result<[u8; 32], PrecompileHalt> {
        let asked = (*signature, recovery, *message);
        let found = KNOWN.with_borrow_mut(|known| {
            if known.len() >= MOST {
                known.clear();
            }
            let recover = || DefaultCrypto.secp256k1_ecrecover(signature, recovery, message).ok();
            *known.entry(asked).or_insert_with(recover)
        });
        found.ok_or(PrecompileHalt::Secp256k1RecoverFailed)
    }
}

/// Lets all EVMs of this process remember. It has to be called before the first of them runs.
pub(super) fn remember() {
    // False where it was done before.
    let _ = revm::install_crypto(Remembering);
}
