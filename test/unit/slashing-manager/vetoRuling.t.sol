// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { ISlashingManager } from "../../../contracts/interfaces/ISlashingManager.sol";
import { JobState } from "../../../contracts/types/Job.sol";
import { JobCase } from "../../base/RecoveryTest.sol";
import { SlashingTest } from "./SlashingTest.sol";

contract SlashingManagerVetoRuling is SlashingTest {
    function test_StopsARulingForGood() public {
        JobCase memory c = challenged(quorumTerms());
        ISlashingManager.Ruling memory ruling = rulingOf(c, false, 3);
        bytes32 id = proposeRuling(ruling);
        vm.expectEmit(address(house.slashing));
        emit ISlashingManager.RulingVetoed(id);
        veto(id);
        assertEq(house.slashing.executableAt(id), type(uint40).max);

        pass(DELAY);
        expectUnknownRuling(id);
        house.slashing.executeRuling(ruling);
        assertState(c, JobState.Challenged);
    }

    function test_StopsARulingAfterItsDelayUntilItIsExecuted() public {
        bytes32 id = proposeRuling(rulingOf(challenged(quorumTerms()), false, 3));
        pass(DELAY);
        veto(id);
        assertEq(house.slashing.executableAt(id), type(uint40).max);
    }

    function test_LeavesOtherRulingsAlone() public {
        JobCase memory c = challenged(quorumTerms());
        veto(proposeRuling(rulingOf(c, false, 3)));
        rule(rulingOf(c, true, 0));
        assertState(c, JobState.Settled);
    }

    function test_RevertWhen_TheCallerIsNotGovernance() public {
        bytes32 id = proposeRuling(rulingOf(challenged(quorumTerms()), false, 3));
        address[3] memory others = [stranger, committee, pauser];
        for (uint256 i; i < others.length; ++i) {
            expectNotAllowed(others[i], bytes32(0));
            vm.prank(others[i]);
            house.slashing.vetoRuling(id);
        }
    }

    function test_RevertWhen_ThereIsNoSuchRuling() public {
        expectUnknownRuling(keccak256("nothing"));
        veto(keccak256("nothing"));
    }

    function test_RevertGiven_TheRulingIsVetoed() public {
        bytes32 id = proposeRuling(rulingOf(challenged(quorumTerms()), false, 3));
        veto(id);
        expectUnknownRuling(id);
        veto(id);
    }

    function test_RevertGiven_TheRulingIsExecuted() public {
        ISlashingManager.Ruling memory ruling = rulingOf(challenged(quorumTerms()), false, 3);
        rule(ruling);
        expectUnknownRuling(idOf(ruling));
        veto(idOf(ruling));
    }
}
