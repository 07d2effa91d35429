// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { ISlashingManager } from "../../../contracts/interfaces/ISlashingManager.sol";
import { SlashingTest } from "./SlashingTest.sol";

contract SlashingManagerExecutableAt is SlashingTest {
    function test_TellsWhenARulingMayBeExecuted() public {
        ISlashingManager.Ruling memory ruling = rulingOf(challenged(quorumTerms()), true, 0);
        bytes32 id = idOf(ruling);
        assertEq(house.slashing.executableAt(id), 0);
        proposeRuling(ruling);
        assertEq(house.slashing.executableAt(id), block.timestamp + DELAY);
        pass(DELAY);
        house.slashing.executeRuling(ruling);
        assertEq(house.slashing.executableAt(id), 0);
    }
}
