//! What a refused call says, in words.

use std::fmt;

use alloy_primitives::{B256, Bytes, hex};
use alloy_sol_types::{Panic, Revert as Reason, SolError, SolInterface};

use crate::contracts::{
    IHouseContract::IHouseContractErrors, IJobManager::IJobManagerErrors,
    INetworkProfile::INetworkProfileErrors, INodeRegistry::INodeRegistryErrors,
    IPaymentManager::IPaymentManagerErrors, ISlashingManager::ISlashingManagerErrors,
    IStakingManager::IStakingManagerErrors, ITallyToken::ITallyTokenErrors,
};

/// Why a call was refused.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Revert {
    /// By the job machine.
    Jobs(IJobManagerErrors),
    /// By the registry.
    Registry(INodeRegistryErrors),
    /// By the payment manager.
    Payments(IPaymentManagerErrors),
    /// By the staking manager.
    Staking(IStakingManagerErrors),
    /// By the slashing manager.
    Slashing(ISlashingManagerErrors),
    /// By the network's profile.
    Profile(INetworkProfileErrors),
    /// By what all contracts share: roles, pause, upgrades, libraries.
    House(IHouseContractErrors),
    /// By the token.
    Token(ITallyTokenErrors),
    /// By a foreign contract that gives a reason as text.
    Reason(String),
    /// By the compiler's own checks, for example an overflow.
    Panic(Panic),
    /// Without a reason: out of gas, no such function, or a foreign contract that says nothing.
    Silent,
    /// By an error that this program does not know, or cannot read.
    Unknown(Bytes),
}

/// Reads the data of a refused call.
pub fn decode_error(data: &[u8]) -> Revert {
    let Some((selector, _)) = data.split_first_chunk::<4>() else {
        return if data.is_empty() { Revert::Silent } else { unknown(data) };
    };
    let selector = *selector;
    known(selector, data, Revert::Jobs)
        .or_else(|| known(selector, data, Revert::Registry))
        .or_else(|| known(selector, data, Revert::Payments))
        .or_else(|| known(selector, data, Revert::Staking))
        .or_else(|| known(selector, data, Revert::Slashing))
        .or_else(|| known(selector, data, Revert::Profile))
        .or_else(|| known(selector, data, Revert::House))
        .or_else(|| known(selector, data, Revert::Token))
        .or_else(|| Reason::abi_decode_validate(data).ok().map(|text| Revert::Reason(text.reason)))
        .or_else(|| Panic::abi_decode_validate(data).ok().map(Revert::Panic))
        .unwrap_or_else(|| unknown(data))
}

fn known<E: SolInterface>(selector: [u8; 4], data: &[u8], of: fn(E) -> Revert) -> Option<Revert> {
    if !E::valid_selector(selector) {
        return None;
    }
    E::abi_decode_validate(data).ok().map(of)
}

fn unknown(data: &[u8]) -> Revert {
    Revert::Unknown(Bytes::copy_from_slice(data))
}

impl Revert {
    /// The error's name, where it has one.
    pub fn name(&self) -> Option<&'static str> {
        match self {
            Self::Jobs(error) => IJobManagerErrors::name_by_selector(error.selector()),
            Self::Registry(error) => INodeRegistryErrors::name_by_selector(error.selector()),
            Self::Payments(error) => IPaymentManagerErrors::name_by_selector(error.selector()),
            Self::Staking(error) => IStakingManagerErrors::name_by_selector(error.selector()),
            Self::Slashing(error) => ISlashingManagerErrors::name_by_selector(error.selector()),
            Self::Profile(error) => INetworkProfileErrors::name_by_selector(error.selector()),
            Self::House(error) => IHouseContractErrors::name_by_selector(error.selector()),
            Self::Token(error) => ITallyTokenErrors::name_by_selector(error.selector()),
            Self::Reason(_) => Some("Error"),
            Self::Panic(_) => Some("Panic"),
            Self::Silent | Self::Unknown(_) => None,
        }
    }
}

/// The name with its values: `JobManagerTooLate { id: 0x…, deadline: 5, timestamp: 6 }`.
impl fmt::Display for Revert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jobs(IJobManagerErrors::JobManagerInvalidTerm(error)) => {
                let (given, bound) = (error.given, error.bound);
                let term = ascii(error.term);
                write!(
                    f,
                    "JobManagerInvalidTerm {{ term: {term}, given: {given}, bound: {bound} }}"
                )
            }
            Self::Profile(INetworkProfileErrors::NetworkProfileOutOfBounds(error)) => {
                let (given, least, most) = (error.given, error.least, error.most);
                let parameter = ascii(error.parameter);
                write!(
                    f,
                    "NetworkProfileOutOfBounds {{ parameter: {parameter}, given: {given}, \
                     least: {least}, most: {most} }}"
                )
            }
            Self::Jobs(error) => inner(f, error),
            Self::Registry(error) => inner(f, error),
            Self::Payments(error) => inner(f, error),
            Self::Staking(error) => inner(f, error),
            Self::Slashing(error) => inner(f, error),
            Self::Profile(error) => inner(f, error),
            Self::House(error) => inner(f, error),
            Self::Token(error) => inner(f, error),
            Self::Reason(reason) if reason.is_empty() => write!(f, "refused with an empty reason"),
            Self::Reason(reason) => write!(f, "{reason}"),
            Self::Panic(panic) => write!(f, "{panic}"),
            Self::Silent => write!(f, "refused without a reason"),
            Self::Unknown(data) => write!(f, "an unknown error: {data}"),
        }
    }
}

/// `Variant(Name { values })` without what surrounds the name.
fn inner(f: &mut fmt::Formatter<'_>, error: &impl fmt::Debug) -> fmt::Result {
    let text = format!("{error:?}");
    let inside = text.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    f.write_str(inside.unwrap_or(&text))
}

/// A word in ASCII padded with zeros, or its digits where it is none.
fn ascii(word: B256) -> String {
    let end = word.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    let text = &word[..end];
    if !text.is_empty() && text.iter().all(u8::is_ascii_graphic) {
        text.iter().map(|byte| char::from(*byte)).collect()
    } else {
        hex::encode_prefixed(word)
    }
}
