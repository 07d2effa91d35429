// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INetworkProfile } from "../interfaces/INetworkProfile.sol";
import { EnumerableSet } from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";

/// @title Storage of the network profile
abstract contract NetworkProfileStorage {
    /// @custom:storage-location erc7201:tallystick.storage.NetworkProfile
    struct Layout {
        INetworkProfile.Parameters parameters;
        uint24 version;
        EnumerableSet.AddressSet tokens;
        mapping(address token => INetworkProfile.TokenTerms) terms;
        EnumerableSet.Bytes32Set programs;
        EnumerableSet.Bytes32Set kinds;
    }

    // keccak256(abi.encode(uint256(keccak256("tallystick.storage.NetworkProfile")) - 1)) &
    // ~bytes32(uint256(0xff))
    bytes32 private constant SLOT =
        0x0713275efbf6a53f59af5bdbe514bf2c6f2f8daf8a544afe353856f8a6ee5b00;

    function _layout() internal pure returns (Layout storage $) {
        assembly ("memory-safe") {
            $.slot := SLOT
        }
    }
}
