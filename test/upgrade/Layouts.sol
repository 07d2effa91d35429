// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobManagerStorage } from "../../contracts/jobs/JobManagerStorage.sol";
import { NodeRegistryStorage } from "../../contracts/nodes/NodeRegistryStorage.sol";
import { PaymentManagerStorage } from "../../contracts/payments/PaymentManagerStorage.sol";
import { NetworkProfileStorage } from "../../contracts/profile/NetworkProfileStorage.sol";
import { SlashingManagerStorage } from "../../contracts/slashing/SlashingManagerStorage.sol";
import { StakingManagerStorage } from "../../contracts/staking/StakingManagerStorage.sol";

// The compiler shows the layout of variables, not of structs in a namespace. Each contract here
// declares the state of another one as a variable, for `cargo xtask layout` to read.

/// @notice The state of `JobManager`.
contract JobManagerLayout is JobManagerStorage {
    Layout internal probe;
}

/// @notice The state of `NetworkProfile`.
contract NetworkProfileLayout is NetworkProfileStorage {
    Layout internal probe;
}

/// @notice The state of `NodeRegistry`.
contract NodeRegistryLayout is NodeRegistryStorage {
    Layout internal probe;
}

/// @notice The state of `PaymentManager`.
contract PaymentManagerLayout is PaymentManagerStorage {
    Layout internal probe;
}

/// @notice The state of `SlashingManager`.
contract SlashingManagerLayout is SlashingManagerStorage {
    Layout internal probe;
}

/// @notice The state of `StakingManager`.
contract StakingManagerLayout is StakingManagerStorage {
    Layout internal probe;
}
