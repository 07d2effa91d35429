//! The one place where Rust says what the contracts say.
//!
//! Written by hand after `contracts/interfaces`; the drift test compares it with what compiles. The
//! prose of every call, event and error stands in the interfaces. Structs that several contracts
//! share stand first; `IHouseContract` is what every upgradeable contract has beside its interface,
//! with the errors of the libraries that the contracts use.
#![expect(missing_docs, reason = "the prose stands in contracts/interfaces")]

use alloy_sol_types::sol;

sol! {
    #![sol(abi, extra_derives(Debug, PartialEq, Eq))]

162 138
}
