// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobManagerStorage } from "../../contracts/jobs/JobManagerStorage.sol";
import { HouseTest } from "../base/HouseTest.sol";

/// @notice Where `JobManager` keeps its state.
contract JobManagerLayoutProbe is HouseTest, JobManagerStorage {
    function test_SlotFollowsTheFormula() public pure {
        Layout storage $ = _layout();
        bytes32 slot;
        assembly ("memory-safe") {
            slot := $.slot
        }
        uint256 name = uint256(keccak256("tallystick.storage.JobManager"));
        assertEq(slot, keccak256(abi.encode(name - 1)) & ~bytes32(uint256(0xff)));
    }
}
