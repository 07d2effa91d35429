// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { SlashingTest } from "./SlashingTest.sol";

contract SlashingManagerCommitteeSlashed is SlashingTest {
    function test_TellsWhatTheCommitteeTookInTheRunningEpoch() public {
        assertEq(house.slashing.committeeSlashed(), 0);
        rule(rulingOf(challenged(quorumTerms()), false, 3));
        assertEq(house.slashing.committeeSlashed(), 2 * LOCK);
        passUntil((block.timestamp / 1 days + 1) * 1 days - 1);
        assertEq(house.slashing.committeeSlashed(), 2 * LOCK);
        pass(1);
        assertEq(house.slashing.committeeSlashed(), 0);
    }

    function test_DoesNotCountConvictionsByCode() public {
        convict(assigned(quorumTerms(), 3), 0);
        assertEq(house.slashing.committeeSlashed(), 0);
    }
}
