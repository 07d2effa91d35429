// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Roles } from "../../../contracts/base/Roles.sol";
import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { JobState } from "../../../contracts/types/Job.sol";
import { JobCase, RecoveryTest } from "../../base/RecoveryTest.sol";
import { IAccessControl } from "@openzeppelin/contracts/access/IAccessControl.sol";

contract JobRecoveryResolve is RecoveryTest {
    function test_PaysAnUpheldResultAndItsPerformer() public {
        JobCase memory c = challenged(quorumTerms());
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobResolved(c.id, true, 0);
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobSettled(c.id, OUTPUT, COST, coordinator.signer);
        assertEq(resolve(c, true, 0), 0);
        assertState(c, JobState.Settled);
        assertEq(laneOf(workers[0]), PERFORMER_SHARE + BOND);
        assertEq(laneOf(workers[1]), SECONDARY_SHARE);
        assertEq(laneOf(client), RESERVED - COST - TIP);
        assertUnlocked(3);
        assertLane(0);
    }

    function test_GivesTheTipOfAnUpheldResultToTheCoordinator() public {
        JobCase memory c = challenged(quorumTerms());
        resolve(c, true, 0);
        assertEq(laneOf(address(house.slashing)), 0);
        assertEq(laneOf(coordinator), COORDINATOR_SHARE + TIP);
    }

    function test_PaysTheBondToTheFirstThatSigned() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        c.proposal = propose(c.id, c.job, c.assignment, 6);
        challengeAs(client, c);
        resolve(c, true, 0);
        assertEq(laneOf(workers[0]), 0);
        assertEq(laneOf(workers[1]), PERFORMER_SHARE + BOND);
    }

    function test_PaysTheBondToNobodyThatWasConvicted() public {
        JobCase memory c = challenged(quorumTerms());
        convict(c, 0);
        resolve(c, true, 0);
        assertState(c, JobState.Settled);
        assertEq(laneOf(workers[0]), 0);
        assertEq(laneOf(workers[1]), PERFORMER_SHARE + BOND);
        assertUnlocked(3);
    }

    function test_ReturnsTheBondWhereEverySignerWasConvicted() public {
        JobCase memory c = challenged(quorumTerms());
        for (uint256 i; i < 3; ++i) {
            convict(c, i);
        }
        resolve(c, true, 0);
        assertState(c, JobState.Open);
        assertEq(laneOf(client), BOND);
        assertUnlocked(3);
        assertLane(RESERVED);
    }

    function test_OpensTheNextAttemptOfAnUpheldResultWithoutQuorum() public {
        JobCase memory c = challenged(quorumTerms());
        convict(c, 1);
        convict(c, 2);
        resolve(c, true, 0);
        assertState(c, JobState.Open);
        assertEq(laneOf(workers[0]), BOND);
        assertUnlocked(3);
        assertLane(RESERVED);
    }

    function test_OpensTheNextAttemptOfAnOverturnedResult() public {
        JobCase memory c = challenged(quorumTerms());
        uint40 deadline = uint40(block.timestamp) + LEASE;
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobResolved(c.id, false, 5);
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobReopened(c.id, 1, deadline);
        assertEq(resolve(c, false, 5), LOCK);
        assertState(c, JobState.Open);
        assertEq(deadlineOf(c.id), deadline);
        assertEq(laneOf(client), BOND);
        assertLane(RESERVED);
    }

    function test_LeavesOnlyTheLocksOfLiars() public {
        JobCase memory c = challenged(quorumTerms());
        resolve(c, false, 5);
        assertEq(lockedOf(coordinator), 0);
        assertEq(lockedOf(workers[0]), LOCK);
        assertEq(lockedOf(workers[1]), 0);
        assertEq(lockedOf(workers[2]), LOCK);
    }

    function test_LeavesConvictedNodesToTheirConviction() public {
        JobCase memory c = challenged(quorumTerms());
        convict(c, 1);
        resolve(c, false, 1);
        assertEq(lockedOf(workers[0]), LOCK);
        assertEq(lockedOf(workers[1]), 0);
        assertEq(lockedOf(workers[2]), 0);
    }

    function test_OverturnsWithoutAccusingAnybody() public {
        JobCase memory c = challenged(quorumTerms());
        assertEq(resolve(c, false, 0), LOCK);
        assertState(c, JobState.Open);
        assertUnlocked(3);
    }

    function test_RefundsAnOverturnedResultOnceAttemptsAreUsedUp() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        release(c);
        assignAgain(c, 3);
        release(c);
        assignAgain(c, 3);
        c.proposal = propose(c.id, c.job, c.assignment, 7);
        challengeAs(client, c);
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobRefunded(c.id, RESERVED);
        resolve(c, false, 7);
        assertState(c, JobState.Refunded);
        assertEq(seizedOf(c.id), 7);
        assertEq(laneOf(client), RESERVED + BOND);
        assertLane(0);
    }

    function test_RefundsAnOverturnedResultAfterCompleteBy() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        passUntil(c.job.rules.completeBy());
        c.proposal = propose(c.id, c.job, c.assignment, 7);
        c.proposal.price = COST / 2;
        challengeAs(client, c);
        resolve(c, false, 0);
        assertState(c, JobState.Refunded);
        assertEq(laneOf(client), RESERVED + BOND);
    }

    function test_PullsThePriceOfAnUpheldResult() public {
        JobCase memory c = challenged(pullTerms());
        dollar.mint(client, COST + TIP);
        vm.prank(client);
        dollar.approve(address(house.payments), COST + TIP);
        resolve(c, true, 0);
        assertState(c, JobState.Settled);
        assertEq(dollar.balanceOf(client), 0);
        assertEq(laneOf(workers[0]), PERFORMER_SHARE + BOND);
        assertLane(0);
    }

    function test_ClosesAnUpheldResultUnpaidThatCannotBePulled() public {
        JobCase memory c = challenged(pullTerms());
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobUnpaid(c.id, client, COST + TIP);
        resolve(c, true, 0);
        assertState(c, JobState.Refunded);
        assertEq(laneOf(workers[0]), BOND);
        assertUnlocked(3);
        assertLane(0);
    }

    function test_RefundsNothingOfAnOverturnedResultThatReservedNothing() public {
        JobCase memory c = challenged(pullTerms());
        resolve(c, false, 0);
        cancel(c);
        assertEq(laneOf(client), BOND);
        assertLane(0);
    }

    function test_DecidesEvenAfterTheVerdictWindowUntilSomebodyAdvances() public {
        JobCase memory c = challenged(quorumTerms());
        pass(VERDICT_WINDOW);
        resolve(c, false, 0);
        assertState(c, JobState.Open);
    }

    function test_RevertWhen_AnUpheldResultHasLiars() public {
        JobCase memory c = challenged(quorumTerms());
        expectInvalidSigners(c, 1, 0);
        resolve(c, true, 1);
    }

    function test_RevertWhen_ALiarDidNotSign() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        c.proposal = propose(c.id, c.job, c.assignment, 3);
        challengeAs(client, c);
        expectInvalidSigners(c, 5, 3);
        resolve(c, false, 5);
    }

    function test_RevertGiven_ALiarIsConvictedAlready() public {
        JobCase memory c = challenged(quorumTerms());
        convict(c, 1);
        expectInvalidSigners(c, 3, 5);
        resolve(c, false, 3);
    }

    function test_RevertWhen_TheCallerIsNotTheSlashingManager() public {
        JobCase memory c = challenged(quorumTerms());
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControl.AccessControlUnauthorizedAccount.selector, committee, Roles.SLASHER
            )
        );
        vm.prank(committee);
        house.jobs.resolve(c.id, c.job, c.assignment, c.proposal, c.challenger, false, 0);
    }

    function test_RevertWhen_TheChallengerIsAnother() public {
        JobCase memory c = challenged(quorumTerms());
        c.challenger = stranger;
        expectWrongCommitment(c);
        resolve(c, false, 0);
    }

    function test_RevertGiven_TheJobIsNotChallenged() public {
        JobCase memory c = opened(quorumTerms());
        expectState(c, JobState.Open, CHALLENGED);
        resolve(c, false, 0);

        c.assignment = assign(c.id, c.job, 3);
        expectState(c, JobState.Assigned, CHALLENGED);
        resolve(c, false, 0);

        c.proposal = propose(c.id, c.job, c.assignment, 7);
        expectState(c, JobState.Proposed, CHALLENGED);
        resolve(c, false, 0);

        challengeAs(client, c);
        resolve(c, true, 0);
        expectState(c, JobState.Settled, CHALLENGED);
        resolve(c, true, 0);
    }
}
