// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { ISlashingManager } from "../../../contracts/interfaces/ISlashingManager.sol";
import { JobState } from "../../../contracts/types/Job.sol";
import { JobRulesLibrary, Verification } from "../../../contracts/types/JobRules.sol";
import { NodeId } from "../../../contracts/types/NodeId.sol";
import { JobCase } from "../../base/RecoveryTest.sol";
import { SlashingTest } from "./SlashingTest.sol";

contract SlashingManagerExecuteRuling is SlashingTest {
    function test_PaysAnUpheldResult() public {
        JobCase memory c = challenged(quorumTerms());
        ISlashingManager.Ruling memory ruling = rulingOf(c, true, 0);
        proposeRuling(ruling);
        pass(DELAY);
        vm.expectEmit(address(house.slashing));
        emit ISlashingManager.RulingExecuted(idOf(ruling), c.id);
        vm.prank(stranger);
        house.slashing.executeRuling(ruling);
        assertState(c, JobState.Settled);
        assertEq(laneOf(workers[0]), PERFORMER_SHARE + BOND);
        assertEq(laneOf(coordinator), COORDINATOR_SHARE + TIP);
        assertEq(house.slashing.committeeSlashed(), 0);
        assertEq(house.slashing.executableAt(idOf(ruling)), 0);
        assertUnlocked(3);
        assertLane(0);
    }

    function test_ConvictsTheLiarsOfAnOverturnedResult() public {
        JobCase memory c = proposed(quorumTerms());
        giveBalance(workers[2].signer, BOND);
        challengeAs(workers[2].signer, c);
        ISlashingManager.Ruling memory ruling = rulingOf(c, false, 3);
        proposeRuling(ruling);
        pass(DELAY);
        uint256 supply = house.token.totalSupply();
        expectSlashed(c, workers[0], workers[2].signer, LOCK);
        expectSlashed(c, workers[1], workers[2].signer, LOCK);
        house.slashing.executeRuling(ruling);
        assertState(c, JobState.Open);
        assertEq(house.token.balanceOf(client), 2 * VICTIM_PART);
        assertEq(house.token.balanceOf(workers[2].signer), 2 * REPORTER_PART);
        assertEq(house.token.totalSupply(), supply - 2 * BURNED);
        assertEq(house.slashing.committeeSlashed(), 2 * LOCK);
        assertEq(laneOf(workers[2].signer), BOND);
        assertJailed(workers[0]);
        assertJailed(workers[1]);
        assertStatus(workers[2], INodeRegistry.NodeStatus.Active);
        assertUnlocked(3);
        assertLane(RESERVED);
    }

    function test_OverturnsWithoutAccusingAnybody() public {
        JobCase memory c = challenged(quorumTerms());
        rule(rulingOf(c, false, 0));
        assertState(c, JobState.Open);
        assertEq(house.slashing.committeeSlashed(), 0);
        assertStatus(workers[0], INodeRegistry.NodeStatus.Active);
        assertUnlocked(3);
    }

    function test_LimitsTheAmountByTheCapButNotTheOutcome() public {
        setCap(7e18);
        JobCase memory c = challenged(quorumTerms());
        rule(rulingOf(c, false, 7));
        assertState(c, JobState.Open);
        assertEq(stakeOf(workers[0]), 100_000e18 - 5e18);
        assertEq(stakeOf(workers[1]), 100_000e18 - 2e18);
        assertEq(stakeOf(workers[2]), 100_000e18);
        assertEq(house.slashing.committeeSlashed(), 7e18);
        for (uint256 i; i < 3; ++i) {
            assertJailed(workers[i]);
        }
        assertUnlocked(3);
    }

    function test_CountsAllRulingsOfAnEpoch() public {
        // The middle of an epoch, so that both rulings fall into it.
        passUntil((block.timestamp / 1 days + 1) * 1 days + 12 hours);
        setCap(7e18);
        rule(rulingOf(challenged(quorumTerms()), false, 1));
        workers[0] = workers[3];
        rule(rulingOf(challenged(quorumTerms()), false, 1));
        assertEq(stakeOf(workers[3]), 100_000e18 - 2e18);
        assertEq(house.slashing.committeeSlashed(), 7e18);
    }

    function test_StartsCountingAgainWithTheNextEpoch() public {
        setCap(5e18);
        rule(rulingOf(challenged(quorumTerms()), false, 1));
        assertEq(house.slashing.committeeSlashed(), 5e18);
        passUntil((block.timestamp / 1 days + 1) * 1 days);
        assertEq(house.slashing.committeeSlashed(), 0);
        workers[0] = workers[3];
        rule(rulingOf(challenged(quorumTerms()), false, 1));
        assertEq(stakeOf(workers[3]), 100_000e18 - 5e18);
        assertEq(house.slashing.committeeSlashed(), 5e18);
    }

    function test_TakesNothingOnceTheCapIsBelowWhatWasTaken() public {
        passUntil((block.timestamp / 1 days + 1) * 1 days + 12 hours);
        rule(rulingOf(challenged(quorumTerms()), false, 1));
        setCap(1e18);
        workers[0] = workers[3];
        JobCase memory c = challenged(quorumTerms());
        rule(rulingOf(c, false, 1));
        assertState(c, JobState.Open);
        assertEq(stakeOf(workers[3]), 100_000e18);
        assertEq(house.slashing.committeeSlashed(), LOCK);
        assertJailed(workers[3]);
        assertUnlocked(3);
    }

    function test_PaysNoChallengerForANodeOfItsOwn() public {
        client = workers[0].operator;
        giveBalance(client, 100e6);
        JobCase memory c = challenged(quorumTerms());
        uint256 balance = house.token.balanceOf(client);
        uint256 supply = house.token.totalSupply();
        rule(rulingOf(c, false, 1));
        assertEq(house.token.balanceOf(client), balance);
        assertEq(house.token.totalSupply(), supply - LOCK);
    }

    function test_OverturnsResultsOfUnregisteredWorkers() public {
        workers[0].id = NodeId.wrap(0);
        (workers[0].signer, workers[0].key) = makeAddrAndKey("unregistered");
        JobRulesLibrary.Fields memory rules = attestedRules();
        rules.verification = Verification.Deterministic;
        JobCase memory c = assigned(termsOf(rules), 1);
        c.proposal = propose(c.id, c.job, c.assignment, 1);
        challengeAs(client, c);
        rule(rulingOf(c, false, 1));
        assertState(c, JobState.Open);
        assertEq(laneOf(client), BOND);
        assertEq(house.slashing.jailedUntil(NodeId.wrap(0)), 0);
        assertLane(RESERVED);
    }

    function test_PassesOverALiarThatWasConvictedMeanwhile() public {
        JobCase memory c = challenged(quorumTerms());
        ISlashingManager.Ruling memory ruling = rulingOf(c, false, 3);
        proposeRuling(ruling);
        pass(DELAY);
        convict(c, 0);
        house.slashing.executeRuling(ruling);
        assertState(c, JobState.Open);
        assertEq(stakeOf(workers[0]), 100_000e18 - LOCK);
        assertEq(stakeOf(workers[1]), 100_000e18 - LOCK);
        assertEq(house.slashing.committeeSlashed(), LOCK);
        assertUnlocked(3);
    }

    function test_WorksWhilePaused() public {
        JobCase memory c = challenged(quorumTerms());
        pauseJobs();
        rule(rulingOf(c, false, 1));
        assertState(c, JobState.Open);
    }

    function test_RevertGiven_TheDelayLasts() public {
        ISlashingManager.Ruling memory ruling = rulingOf(challenged(quorumTerms()), false, 1);
        proposeRuling(ruling);
        uint256 from = block.timestamp + DELAY;
        pass(DELAY - 1);
        expectNotYet(from);
        house.slashing.executeRuling(ruling);
        pass(1);
        house.slashing.executeRuling(ruling);
    }

    function test_RevertWhen_TheRulingWasNeverProposed() public {
        JobCase memory c = challenged(quorumTerms());
        proposeRuling(rulingOf(c, false, 1));
        pass(DELAY);
        ISlashingManager.Ruling memory other = rulingOf(c, false, 3);
        expectUnknownRuling(idOf(other));
        house.slashing.executeRuling(other);
    }

    function test_RevertGiven_TheRulingIsExecuted() public {
        ISlashingManager.Ruling memory ruling = rulingOf(challenged(quorumTerms()), false, 1);
        rule(ruling);
        expectUnknownRuling(idOf(ruling));
        house.slashing.executeRuling(ruling);
    }

    function test_RevertGiven_TheJobIsNotChallenged() public {
        JobCase memory c = proposed(quorumTerms());
        c.challenger = client;
        ISlashingManager.Ruling memory ruling = rulingOf(c, false, 1);
        proposeRuling(ruling);
        pass(DELAY);
        expectState(c, JobState.Proposed, CHALLENGED);
        house.slashing.executeRuling(ruling);
    }

    function test_RevertGiven_TheResultStandsAlready() public {
        JobCase memory c = challenged(quorumTerms());
        ISlashingManager.Ruling memory ruling = rulingOf(c, false, 1);
        proposeRuling(ruling);
        pass(VERDICT_WINDOW);
        advanceAs(stranger, c);
        expectState(c, JobState.Settled, CHALLENGED);
        house.slashing.executeRuling(ruling);
    }
}
