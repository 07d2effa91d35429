//! Runs `script/Deploy.s.sol` as Foundry does and notes the transactions that it wants to be sent.
//! So the simulation has the house that every other chain has, and no second way to build it.

use std::collections::BTreeMap;

use alloy_primitives::{Address, Bytes, TxKind, U256, address};
use alloy_sol_types::{SolInterface, SolValue, sol};
use revm::bytecode::Bytecode;
use revm::context::{ContextTr, JournalTr, TxEnv};
use revm::context_interface::journaled_state::account::JournaledAccountTr;
use revm::handler::MainnetContext;
use revm::interpreter::{
    CallInputs, CallOutcome, CallScheme, CreateInputs, CreateOutcome, Gas, InstructionResult,
    InterpreterResult,
};
use revm::{InspectEvm, Inspector, MainBuilder};
use serde_json::value::RawValue;

use super::artifacts::{ArtifactError, Artifacts};
use crate::chain::evm::Surroundings;
use crate::chain::state::State;

/// Where Foundry puts a script.
const SCRIPT: Address = address!("0x5b73C5498c1E3b4dbA84de0F1833c4a029d90519");

/// Where scripts find what they ask Foundry for.
const VM: Address = address!("0x7109709ECfa91a80626fF3989D68f67F5b1DD12D");

/// Who runs a script, which is not who sends its transactions.
const RUNNER: Address = address!("0x1804c8AB1F12E6bbf3894d4083f33e07309d1f38");

/// More gas than any script needs.
const GAS: u64 = 1 << 40;

sol! {
    /// What the script asks Foundry for.
    interface Foundry {
        function getNonce(address account) external view returns (uint64 nonce);
        function computeCreateAddress(address deployer, uint256 nonce) external returns (address);
        function getCode(string calldata artifact) external view returns (bytes memory code);
        function exists(string calldata path) external view returns (bool);
        function startBroadcast() external;
        function stopBroadcast() external;
        function readCallers() external returns (uint8 mode, address sender, address origin);
        function envOr(string calldata name, address otherwise) external returns (address);
        function envOr(string calldata name, string calldata otherwise) external
            returns (string memory);
        function envUint(string calldata name) external view returns (uint256);
        function readFile(string calldata path) external view returns (string memory);
        function parseJsonUint(string calldata json, string calldata key) external
            returns (uint256);
        function toString(uint256 value) external pure returns (string memory);
    }
}

/// A transaction that the script wants to be sent.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) to: TxKind,
    pub(super) data: Bytes,
    pub(super) value: U256,
}

/// Why a script did not run to the end of its broadcast.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// Something that it needs was not compiled.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// It asks for something that is not simulated.
    #[error("script/Deploy.s.sol calls {selector} of Foundry, which is not simulated; add it")]
    Unknown {
        /// The first bytes of the call.
        selector: Bytes,
    },
    /// It reads a value that the file does not have.
    #[error("script/parameters has no number {key}; add it")]
    Parameter {
        /// The value's place.
        key: String,
    },
    /// It refused, or failed.
    #[error("script/Deploy.s.sol refused to deploy: {reason}")]
    Refused {
        /// What it said.
        reason: Box<tallystick_abi::Revert>,
    },
}

/// Answers a script and notes what it sends.
struct Director<'a> {
    artifacts: &'a Artifacts,
    chain: u64,
    deployer: Address,
    broadcasts: bool,
    steps: Vec<Step>,
    /// How it ended: by the end of the broadcast, or by something that is missing.
    end: Option<Result<(), ScriptError>>,
}

/// The transactions that the deploy script sends in the name of a deployer on this chain.
pub(super) fn steps(
    artifacts: &Artifacts,
    chain: u64,
    deployer: Address,
    mut state: State,
) -> Result<Vec<Step>, ScriptError> {
    let code = artifacts.runtime("Deploy.s.sol", "Deploy")?;
    state.place(SCRIPT, Bytecode::new_legacy(code));
    // Solidity looks whether there is code before it calls.
    state.place(VM, Bytecode::new_legacy(Bytes::from_static(&[0])));
    let surroundings = Surroundings {
        chain,
        number: 1,
        time: 1,
        base_fee: 0,
        gas_limit: GAS,
        coinbase: Address::ZERO,
        randomness: Default::default(),
    };
    let director =
        Director { artifacts, chain, deployer, broadcasts: false, steps: Vec::new(), end: None };
    let mut evm = surroundings.context(state).build_mainnet_with_inspector(director);
    let ran = evm.inspect_tx(TxEnv {
        caller: RUNNER,
        gas_limit: GAS,
        kind: SCRIPT.into(),
        data: Bytes::from_static(&[0xc0, 0x40, 0x62, 0x26]),
        chain_id: Some(chain),
        ..TxEnv::default()
    });
    match evm.inspector.end.take() {
        Some(Ok(())) => Ok(evm.inspector.steps),
        Some(Err(error)) => Err(error),
        None => {
            let output = ran.ok().and_then(|ran| ran.result.into_output()).unwrap_or_default();
            let reason = Box::new(tallystick_abi::decode_error(&output));
            Err(ScriptError::Refused { reason })
        }
    }
}

impl Director<'_> {
    fn answer(
        &mut self,
        context: &mut MainnetContext<State>,
        input: &Bytes,
    ) -> Result<Vec<u8>, ScriptError> {
        use Foundry::FoundryCalls as Asked;
        let Ok(asked) = Foundry::FoundryCalls::abi_decode(input) else {
            return Err(ScriptError::Unknown { selector: input.slice(..input.len().min(4)) });
        };
        Ok(match asked {
            Asked::getNonce(call) => {
                let account = context.journal_mut().load_account(call.account);
                account.map_or(0, |account| account.data.info.nonce).abi_encode()
            }
            Asked::computeCreateAddress(call) => {
                call.deployer.create(call.nonce.saturating_to()).abi_encode()
            }
            Asked::getCode(call) => {
                let name = call.artifact.split_once(':').map_or(&*call.artifact, |(_, name)| name);
                self.artifacts.creation(name)?.abi_encode()
            }
            Asked::exists(_) => false.abi_encode(),
            Asked::startBroadcast(_) => {
                self.broadcasts = true;
                Vec::new()
            }
            Asked::stopBroadcast(_) => {
                self.broadcasts = false;
                self.end = Some(Ok(()));
                Vec::new()
            }
            Asked::readCallers(_) => (U256::ONE, self.deployer, self.deployer).abi_encode(),
            Asked::envOr_0(_) => self.deployer.abi_encode(),
            Asked::envOr_1(call) => call.otherwise.abi_encode(),
            Asked::envUint(_) => U256::from(self.chain).abi_encode(),
            Asked::readFile(call) => self.artifacts.file(&call.path)?.abi_encode(),
            Asked::parseJsonUint(call) => number_of(&call.json, &call.key)
                .ok_or(ScriptError::Parameter { key: call.key })?
                .abi_encode(),
            Asked::toString(call) => call.value.to_string().abi_encode(),
        })
    }
}

/// A number in a JSON text; `key` is like `.network.minStake`. Its digits are taken as they stand,
/// because most amounts have more of them than a machine's number.
fn number_of(json: &str, key: &str) -> Option<U256> {
    let mut text = json;
    for part in key.split('.').filter(|part| !part.is_empty()) {
        let parts: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
        text = parts.get(part)?.get();
    }
    text.parse().ok()
}

impl Inspector<MainnetContext<State>> for Director<'_> {
    fn call(
        &mut self,
        context: &mut MainnetContext<State>,
        inputs: &mut CallInputs,
    ) -> Option<CallOutcome> {
        if inputs.target_address == VM {
            let input = inputs.input.bytes(context);
            let (result, output) = match self.answer(context, &input) {
                Ok(output) if self.end.is_none() => (InstructionResult::Return, output),
                Ok(_) => (InstructionResult::Revert, Vec::new()),
                Err(error) => {
                    self.end = Some(Err(error));
                    (InstructionResult::Revert, Vec::new())
                }
            };
            let gas = Gas::new(inputs.gas_limit);
            let result = InterpreterResult::new(result, output.into(), gas);
            return Some(CallOutcome::new(result, inputs.return_memory_offset.clone()));
        }
        if self.broadcasts && inputs.caller == SCRIPT {
            inputs.caller = self.deployer;
            if inputs.scheme == CallScheme::Call {
                self.steps.push(Step {
                    to: inputs.target_address.into(),
                    data: inputs.input.bytes(context),
                    value: inputs.call_value(),
                });
                // Each is a transaction of its own.
                let Ok(mut account) = context.journal_mut().load_account_mut(self.deployer);
                account.data.bump_nonce();
            }
        }
        None
    }

    fn create(
        &mut self,
        _: &mut MainnetContext<State>,
        inputs: &mut CreateInputs,
    ) -> Option<CreateOutcome> {
        if self.broadcasts && inputs.caller() == SCRIPT {
            inputs.set_call(self.deployer);
            let data = inputs.init_code().clone();
            self.steps.push(Step { to: TxKind::Create, data, value: inputs.value() });
        }
        None
    }
}
