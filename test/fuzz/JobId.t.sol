// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobId, JobIdLibrary } from "../../contracts/types/JobId.sol";
import { Test } from "forge-std/Test.sol";

/// @notice Ids of jobs.
contract JobIdFuzz is Test {
    function testFuzz_RoundTrips(bytes32 order, bytes32 slot, uint24 sequence) public pure {
        JobId id = JobIdLibrary.make(order, slot, sequence);
        assertEq(id.sequence(), sequence);
        assertEq(id.slot(), uint80(uint256(slot) >> 176));
        assertEq(uint256(JobId.unwrap(id)) >> 104, uint256(order) >> 104);
    }

    function testFuzz_EveryWordIsExactlyItsFields(bytes32 word) public pure {
        JobId id = JobId.wrap(word);
        bytes32 slot = bytes32(uint256(id.slot()) << 176);
        JobId again = JobIdLibrary.make(word, slot, id.sequence());
        assertEq(JobId.unwrap(again), word);
    }
}
