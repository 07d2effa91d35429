// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { ISlashingManager } from "../../contracts/interfaces/ISlashingManager.sol";
import { JobState } from "../../contracts/types/Job.sol";
import { TestNode } from "../base/HouseTest.sol";
import { JobCase } from "../base/RecoveryTest.sol";
import { FlowTest } from "./FlowTest.sol";

/// @notice docs/flows/challenge.md
contract ChallengeFlow is FlowTest {
    uint256 private constant WEALTH = 1_000_000e6;

    function test_AClientThatDeniesAGoodResultPaysForTheWait() public {
        JobCase memory c = challenged(quorumTerms());
        _rule(c, true, 0);

        assertEq(takeHome(client), WEALTH - COST - TIP - BOND);
        assertEq(takeHome(workers[0]), PERFORMER_SHARE + BOND);
        assertEq(takeHome(workers[1]), SECONDARY_SHARE);
        assertEq(takeHome(workers[2]), SECONDARY_SHARE);
        assertEq(takeHome(coordinator), COORDINATOR_SHARE + TIP);
        takeFeesHome();
        assertEq(dollarsOf(treasury), PROTOCOL_SHARE);
        assertUnlocked(3);
        assertHouseIsEmpty();
    }

    function test_AWrongResultIsOverturnedAndDoneAgainByHonestNodes() public {
        // Two of three sign a wrong result; the third, with a further node, knows better.
        JobCase memory c = assigned(quorumTerms(), 3);
        c.proposal = propose(c.id, c.job, c.assignment, 3);
        TestNode memory honest = workers[2];
        giveBalance(honest.signer, BOND);
        challengeAs(honest.signer, c);
        uint256 supply = house.token.totalSupply();
        _rule(c, false, 3);
        assertEq(house.token.balanceOf(client), 4e18);
        assertEq(house.token.balanceOf(honest.signer), 1e18);
        assertEq(house.token.totalSupply(), supply - 5e18);
        assertEq(stakeOf(workers[0]) + stakeOf(workers[1]), 2 * (100_000e18 - LOCK));

        workers[0] = honest;
        workers[1] = workers[3];
        workers[2] = bondNode(WORKER, MIN_STAKE);
        pass(1);
        assignAgain(c, 3);
        c.proposal = propose(c.id, c.job, c.assignment, 7);
        pass(CHALLENGE_WINDOW);
        settleAs(stranger, c);

        assertEq(takeHome(honest.signer), BOND);
        assertEq(takeHome(client), WEALTH - COST - TIP);
        assertEq(takeHome(honest), PERFORMER_SHARE);
        assertEq(takeHome(workers[1]), SECONDARY_SHARE);
        assertEq(takeHome(workers[2]), SECONDARY_SHARE);
        assertEq(takeHome(coordinator), COORDINATOR_SHARE);
        assertEq(takeHome(stranger), TIP);
        takeFeesHome();
        assertHouseIsEmpty();
    }

    function test_WithoutAVerdictTheResultStandsAndTheBondGoesBack() public {
        JobCase memory c = challenged(quorumTerms());
        pass(VERDICT_WINDOW);
        advanceAs(stranger, c);

        assertEq(takeHome(client), WEALTH - COST - TIP);
        assertEq(takeHome(workers[0]), PERFORMER_SHARE);
        assertEq(takeHome(workers[1]), SECONDARY_SHARE);
        assertEq(takeHome(workers[2]), SECONDARY_SHARE);
        assertEq(takeHome(coordinator), COORDINATOR_SHARE);
        assertEq(takeHome(stranger), TIP);
        takeFeesHome();
        assertHouseIsEmpty();
    }

    function test_GovernanceStopsABadRulingAndTheNextOneStands() public {
        JobCase memory c = challenged(quorumTerms());
        ISlashingManager.Ruling memory bad = _rulingOf(c, false, 7);
        vm.prank(committee);
        bytes32 id = house.slashing.proposeRuling(bad);
        vm.prank(address(house.timelock));
        house.slashing.vetoRuling(id);
        _rule(c, true, 0);
        assertState(c, JobState.Settled);
        for (uint256 i; i < 3; ++i) {
            assertEq(stakeOf(workers[i]), 100_000e18);
        }
    }

    function test_TwoProvedLiarsUndoAResultThatWasChallengedInVain() public {
        JobCase memory c = challenged(quorumTerms());
        convict(c, 0);
        convict(c, 1);
        pass(VERDICT_WINDOW);
        advanceAs(stranger, c);
        assertState(c, JobState.Open);
        cancel(c);
        assertEq(takeHome(client), WEALTH);
        assertEq(stakeOf(workers[2]), 100_000e18);
        assertUnlocked(3);
        assertHouseIsEmpty();
    }

    function _rule(JobCase memory c, bool upheld, uint16 liars) private {
        ISlashingManager.Ruling memory ruling = _rulingOf(c, upheld, liars);
        vm.prank(committee);
        house.slashing.proposeRuling(ruling);
        pass(10);
        vm.prank(stranger);
        house.slashing.executeRuling(ruling);
    }

    function _rulingOf(JobCase memory c, bool upheld, uint16 liars)
        private
        pure
        returns (ISlashingManager.Ruling memory)
    {
        return ISlashingManager.Ruling(
            c.id, c.job, c.assignment, c.proposal, c.challenger, upheld, liars
        );
    }
}
