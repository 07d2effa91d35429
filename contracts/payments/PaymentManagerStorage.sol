// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IPaymentManager } from "../interfaces/IPaymentManager.sol";
import { NodeId } from "../types/NodeId.sol";

/// @title Storage of the payment manager
abstract contract PaymentManagerStorage {
    /// @custom:storage-location erc7201:tallystick.storage.PaymentManager
    struct Layout {
        mapping(address owner => mapping(address token => uint128)) free;
        mapping(address token => uint128) chainLane;
        mapping(
            address client
                => mapping(address token => mapping(NodeId coordinator => IPaymentManager.Lane))
        ) lanes;
        mapping(address token => uint256) totals;
        mapping(address token => bool) accepted;
        uint40 laneThawSeconds;
        address treasury;
    }

    // keccak256(abi.encode(uint256(keccak256("tallystick.storage.PaymentManager")) - 1)) &
    // ~bytes32(uint256(0xff))
    bytes32 private constant SLOT =
        0xe1e99c633ca5e44f8f9f0c589d10a77314da0c8e4eeb46b3731c17746187c200;

    function _layout() internal pure returns (Layout storage $) {
        assembly ("memory-safe") {
            $.slot := SLOT
        }
    }
}
