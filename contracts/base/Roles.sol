// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

/// @title Roles
/// @notice The powers that people hold over the contracts. `DEFAULT_ADMIN_ROLE` (zero) is the
/// seventh: the timelock holds it and grants the others. Calls between contracts of the house are
/// no roles: they are recognised by addresses fixed at construction.
library Roles {
    /// @notice Installs new implementations. Held by the timelock.
    bytes32 internal constant UPGRADER = keccak256("UPGRADER_ROLE");

    /// @notice Sets parameters within their bounds. Held by the timelock on `NetworkProfile` and
    /// `NodeRegistry`, and by `NetworkProfile` on the contracts that it tells.
    bytes32 internal constant PARAMETER = keccak256("PARAMETER_ROLE");

    /// @notice Stops new jobs and deposits at once, and nothing else. Held by the emergency
    /// multisig.
    bytes32 internal constant PAUSER = keccak256("PAUSER_ROLE");

    /// @notice Takes stake and decides challenges. Held by `SlashingManager` on the contracts below
    /// it, and on `SlashingManager` by the slashing committee.
    bytes32 internal constant SLASHER = keccak256("SLASHER_ROLE");

    /// @notice Adds rewards to stake pools. Held by the reward reporter.
    bytes32 internal constant REPORTER = keccak256("REPORTER_ROLE");

    /// @notice Assigns jobs. Never granted by hand: a node has it while it is active, bonded and
    /// registered as a coordinator (see `NodeRegistry.muster`).
    bytes32 internal constant SCHEDULER = keccak256("SCHEDULER_ROLE");
}
