// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobManagerStorage } from "../../contracts/jobs/JobManagerStorage.sol";
import { NodeRegistryStorage } from "../../contracts/nodes/NodeRegistryStorage.sol";
import { PaymentManagerStorage } from "../../contracts/payments/PaymentManagerStorage.sol";
import { NetworkProfileStorage } from "../../contracts/profile/NetworkProfileStorage.sol";
import { SlashingManagerStorage } from "../../contracts/slashing/SlashingManagerStorage.sol";
import { StakingManagerStorage } from "../../contracts/staking/StakingManagerStorage.sol";

// The compiler shows the layout of variables, not of structs in a namespace. Each probe declares the
// state of one contract as a variable, for `cargo xtask layout` to read.

/// @notice The state of `JobManager`.
contract JobManagerLayoutProbe is JobManagerStorage {
    Layout internal probe;
}

/// @notice The state of `NetworkProfile`.
contract NetworkProfileLayoutProbe is NetworkProfileStorage {
    Layout internal probe;
}

/// @notice The state of `NodeRegistry`.
contract NodeRegistryLayoutProbe is NodeRegistryStorage {
    Layout internal probe;
}

/// @notice The state of `PaymentManager`.
contract PaymentManagerLayoutProbe is PaymentManagerStorage {
    Layout internal probe;
}

/// @notice The state of `SlashingManager`.
contract SlashingManagerLayoutProbe is SlashingManagerStorage {
    Layout internal probe;
}

/// @notice The state of `StakingManager`.
contract StakingManagerLayoutProbe is StakingManagerStorage {
    Layout internal probe;
}
