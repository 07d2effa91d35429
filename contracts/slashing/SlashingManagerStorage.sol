// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { ISlashingManager } from "../interfaces/ISlashingManager.sol";
import { NodeId } from "../types/NodeId.sol";

/// @title Storage of the slashing manager
abstract contract SlashingManagerStorage {
    /// @custom:storage-location erc7201:tallystick.storage.SlashingManager
    struct Layout {
        ISlashingManager.SlashingRules rules;
        mapping(bytes32 ruling => uint40) executableAt;
        mapping(NodeId node => uint40) jailedUntil;
        uint64 epoch;
        uint128 slashedInEpoch;
    }

    // keccak256(abi.encode(uint256(keccak256("tallystick.storage.SlashingManager")) - 1)) &
    // ~bytes32(uint256(0xff))
    bytes32 private constant SLOT =
        0x035c25a27e78529029e197113041f82438644e4292fc9173e4d072d4b1e45600;

    function _layout() internal pure returns (Layout storage $) {
        assembly ("memory-safe") {
            $.slot := SLOT
        }
    }
}
