//! The EVM: transactions of a block, and calls that are only tried.

use alloy_primitives::{Address, B256, Bytes, U256};
use revm::context::result::{ExecutionResult, HaltReason, OutOfGasError, Output, ResultGas};
use revm::context::{BlockEnv, CfgEnv, TxEnv};
use revm::handler::{MainnetContext, MainnetEvm};
use revm::primitives::hardfork::SpecId;
use revm::{Context, ExecuteEvm, MainBuilder, MainContext};
use tallystick_abi::{Revert, decode_error};
use tallystick_chain::endpoint::Call;

use super::state::State;

/// As foundry.toml says.
const RULES: SpecId = SpecId::PRAGUE;

/// An EVM over a state.
pub(super) type Evm = MainnetEvm<MainnetContext<State>>;

/// What a block says of itself to contracts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surroundings {
    pub(super) chain: u64,
    pub(super) number: u64,
    pub(super) time: u64,
    pub(super) base_fee: u64,
    pub(super) gas_limit: u64,
    pub(super) coinbase: Address,
    pub(super) randomness: B256,
}

/// What a transaction or call did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It took effect; what the call returned.
    Done(Bytes),
    /// A contract refused; what it gave as its reason.
    Reverted(Bytes),
    /// It ran out of gas, or into something that is no code.
    Failed,
}

impl Outcome {
    pub(super) fn of(result: &ExecutionResult) -> Self {
        match result {
            ExecutionResult::Success { output: Output::Call(data), .. } => Self::Done(data.clone()),
            ExecutionResult::Success { .. } => Self::Done(Bytes::new()),
            ExecutionResult::Revert { output, .. } => Self::Reverted(output.clone()),
            ExecutionResult::Halt { .. } => Self::Failed,
        }
    }

    /// What the contract said, decoded; nothing where it took effect.
    pub fn revert(&self) -> Option<Revert> {
        match self {
            Self::Done(_) => None,
            Self::Reverted(output) => Some(decode_error(output)),
            Self::Failed => Some(decode_error(&[])),
        }
    }

    /// Whether it took effect.
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

impl Surroundings {
    fn block(&self) -> BlockEnv {
        BlockEnv {
            number: U256::from(self.number),
            beneficiary: self.coinbase,
            timestamp: U256::from(self.time),
            gas_limit: self.gas_limit,
            basefee: self.base_fee,
            prevrandao: Some(self.randomness),
            ..BlockEnv::default()
        }
    }

    pub(super) fn evm(&self, state: State) -> Evm {
        self.context(state).build_mainnet()
    }

    pub(super) fn context(&self, state: State) -> MainnetContext<State> {
        let rules = CfgEnv::new_with_spec(RULES).with_chain_id(self.chain);
        Context::mainnet().with_db(state).with_cfg(rules).with_block(self.block())
    }

    /// Runs a call without keeping what it changes. Gas costs nothing, so that anybody can try.
    pub(super) fn attempt(self, state: &State, call: &Call, gas: u64) -> ExecutionResult {
        let free = Self { base_fee: 0, ..self };
        let tried = free.evm(state.clone()).transact(TxEnv {
            caller: call.from,
            gas_limit: gas,
            kind: call.to.into(),
            value: call.value,
            data: call.data.clone(),
            nonce: state.nonce(call.from),
            chain_id: Some(self.chain),
            ..TxEnv::default()
        });
        tried.map_or_else(|_| refused(), |tried| tried.result)
    }
}

/// A call that does not even begin: gas or coins do not suffice for that.
fn refused() -> ExecutionResult {
    ExecutionResult::Halt {
        reason: HaltReason::OutOfGas(OutOfGasError::Basic),
        gas: ResultGas::default(),
        logs: Vec::new(),
    }
}
