// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Roles } from "../../../contracts/base/Roles.sol";
import { ISlashingManager } from "../../../contracts/interfaces/ISlashingManager.sol";
import { JobState } from "../../../contracts/types/Job.sol";
import { JobCase } from "../../base/RecoveryTest.sol";
import { SlashingTest } from "./SlashingTest.sol";

contract SlashingManagerProposeRuling is SlashingTest {
    function test_StartsTheDelayAndMovesNothing() public {
        JobCase memory c = challenged(quorumTerms());
        ISlashingManager.Ruling memory ruling = rulingOf(c, false, 3);
        uint40 from = uint40(block.timestamp) + DELAY;
        vm.expectEmit(address(house.slashing));
        emit ISlashingManager.RulingProposed(idOf(ruling), c.id, false, 3, from);
        assertEq(proposeRuling(ruling), idOf(ruling));
        assertEq(house.slashing.executableAt(idOf(ruling)), from);
        assertState(c, JobState.Challenged);
        assertEq(lockedOf(workers[0]), LOCK);
    }

    function test_TakesSeveralRulingsOnOneJob() public {
        JobCase memory c = challenged(quorumTerms());
        bytes32 first = proposeRuling(rulingOf(c, false, 3));
        bytes32 second = proposeRuling(rulingOf(c, false, 1));
        assertNotEq(first, second);
        assertEq(house.slashing.executableAt(first), house.slashing.executableAt(second));
    }

    function test_RevertWhen_TheCallerIsNotTheCommittee() public {
        ISlashingManager.Ruling memory ruling = rulingOf(challenged(quorumTerms()), false, 3);
        address[3] memory others = [stranger, address(house.timelock), client];
        for (uint256 i; i < others.length; ++i) {
            expectNotAllowed(others[i], Roles.SLASHER);
            vm.prank(others[i]);
            house.slashing.proposeRuling(ruling);
        }
    }

    function test_RevertGiven_TheRulingIsProposed() public {
        ISlashingManager.Ruling memory ruling = rulingOf(challenged(quorumTerms()), false, 3);
        proposeRuling(ruling);
        expectRulingExists(idOf(ruling));
        proposeRuling(ruling);
    }

    function test_RevertGiven_TheRulingWasVetoed() public {
        ISlashingManager.Ruling memory ruling = rulingOf(challenged(quorumTerms()), false, 3);
        veto(proposeRuling(ruling));
        expectRulingExists(idOf(ruling));
        proposeRuling(ruling);
    }

    function test_RevertWhen_AnUpheldResultHasLiars() public {
        ISlashingManager.Ruling memory ruling = rulingOf(challenged(quorumTerms()), true, 4);
        expectInvalidLiars(4, 7);
        proposeRuling(ruling);
    }

    function test_RevertWhen_ALiarDidNotSign() public {
        ISlashingManager.Ruling memory ruling = rulingOf(challenged(quorumTerms()), false, 9);
        expectInvalidLiars(9, 7);
        proposeRuling(ruling);
    }

    function expectRulingExists(bytes32 ruling) private {
        vm.expectRevert(
            abi.encodeWithSelector(ISlashingManager.SlashingManagerRulingExists.selector, ruling)
        );
    }
}
