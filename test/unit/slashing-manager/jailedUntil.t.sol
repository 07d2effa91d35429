// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { SlashingTest } from "./SlashingTest.sol";

contract SlashingManagerJailedUntil is SlashingTest {
    function test_TellsWhenANodeMayBeReleased() public {
        assertEq(house.slashing.jailedUntil(workers[0].id), 0);
        convict(assigned(quorumTerms(), 3), 0);
        assertEq(house.slashing.jailedUntil(workers[0].id), block.timestamp + JAIL);
    }
}
