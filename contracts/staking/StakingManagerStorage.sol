// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IStakingManager } from "../interfaces/IStakingManager.sol";
import { NodeId } from "../types/NodeId.sol";

/// @title Storage of the staking manager
abstract contract StakingManagerStorage {
    /// @custom:storage-location erc7201:tallystick.storage.StakingManager
    struct Layout {
        mapping(NodeId node => IStakingManager.Pool) pools;
        mapping(NodeId node => mapping(address staker => IStakingManager.Position)) positions;
        IStakingManager.StakingRules rules;
        address insurance;
    }

    // keccak256(abi.encode(uint256(keccak256("tallystick.storage.StakingManager")) - 1)) &
    // ~bytes32(uint256(0xff))
    bytes32 private constant SLOT =
        0xfc4531b1d58af7f97f7fdfcaaa61f03bb696ee4a2d7b6eec9e22a9dcdd5f4f00;

    function _layout() internal pure returns (Layout storage $) {
        assembly ("memory-safe") {
            $.slot := SLOT
        }
    }
}
