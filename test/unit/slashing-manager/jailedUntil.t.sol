// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { ISlashingManager } from "../../../contracts/interfaces/ISlashingManager.sol";
import { JobCase } from "../../base/RecoveryTest.sol";
import { SlashingTest } from "./SlashingTest.sol";

contract SlashingManagerJailedUntil is SlashingTest {
    function test_TellsWhenANodeMayBeReleased() public {
        assertEq(house.slashing.jailedUntil(workers[0].id), 0);
        convict(assigned(quorumTerms(), 3), 0);
        assertEq(house.slashing.jailedUntil(workers[0].id), block.timestamp + JAIL);
    }

    function test_ASecondConvictionNeverShortensATerm() public {
        JobCase memory first = assigned(quorumTerms(), 3);
        JobCase memory second = assigned(quorumTerms(), 3);
        convict(first, 0);
        uint256 until = house.slashing.jailedUntil(workers[0].id);
        ISlashingManager.SlashingRules memory rules = house.slashing.rules();
        rules.jailSeconds = 1;
        setRules(rules);
        convict(second, 0);
        assertEq(house.slashing.jailedUntil(workers[0].id), until);
    }

    function test_ASecondConvictionLengthensATerm() public {
        JobCase memory first = assigned(quorumTerms(), 3);
        JobCase memory second = assigned(quorumTerms(), 3);
        convict(first, 0);
        pass(10);
        convict(second, 0);
        assertEq(house.slashing.jailedUntil(workers[0].id), block.timestamp + JAIL);
    }
}
