// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { IStakingManager } from "../../../contracts/interfaces/IStakingManager.sol";
import { JobState } from "../../../contracts/types/Job.sol";
import { Seat } from "../../../contracts/types/Seat.sol";
import { JobCase, RecoveryTest } from "../../base/RecoveryTest.sol";

/// @notice Advancing jobs without a result; `advanceResults.t.sol` has those with one.
contract JobRecoveryAdvance is RecoveryTest {
    function test_RefundsAnUntakenJobForTheTip() public {
        JobCase memory c = opened(quorumTerms());
        passUntil(deadlineOf(c.id) - 1);
        expectTooEarly(c);
        advanceAs(stranger, c);

        pass(1);
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobRefunded(c.id, PRICE);
        advanceAs(stranger, c);
        assertState(c, JobState.Refunded);
        assertEq(deadlineOf(c.id), 0);
        assertEq(laneOf(client), PRICE);
        assertEq(laneOf(stranger), TIP);
        assertLane(0);
    }

    function test_RefundsAnUntakenJobWithoutReserveForNothing() public {
        JobCase memory c = opened(pullTerms());
        passUntil(deadlineOf(c.id));
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobRefunded(c.id, 0);
        advanceAs(stranger, c);
        assertState(c, JobState.Refunded);
        assertEq(laneOf(stranger), 0);
        assertLane(0);
    }

    function test_RefundsAJobThatNobodyTookAgain() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        release(c);
        passUntil(deadlineOf(c.id) - 1);
        expectTooEarly(c);
        advanceAs(stranger, c);
        pass(1);
        c.assignment = noAssignment();
        advanceAs(stranger, c);
        assertState(c, JobState.Refunded);
        assertEq(laneOf(client), PRICE);
        assertEq(laneOf(stranger), TIP);
    }

    function test_OpensTheNextAttemptWhenTheLeaseIsOver() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        passUntil(deadlineOf(c.id) - 1);
        expectTooEarly(c);
        advanceAs(stranger, c);

        pass(1);
        uint40 deadline = uint40(block.timestamp) + LEASE;
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobReopened(c.id, 1, deadline);
        vm.expectEmit(address(house.staking));
        emit IStakingManager.StakeSlashed(coordinator.id, PENALTY, PENALTY / 2);
        advanceAs(stranger, c);
        assertState(c, JobState.Open);
        assertEq(attemptOf(c.id), 1);
        assertEq(deadlineOf(c.id), deadline);
        assertUnlocked(3);
        assertLane(RESERVED);
    }

    function test_PaysTheCallerFromTheCoordinatorsLock() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        uint128 stake = stakeOf(coordinator);
        uint128 stakeOfWorker = stakeOf(workers[0]);
        uint256 supply = house.token.totalSupply();
        passUntil(deadlineOf(c.id));
        advanceAs(stranger, c);
        assertEq(stakeOf(coordinator), stake - PENALTY);
        assertEq(stakeOf(workers[0]), stakeOfWorker);
        assertEq(house.token.balanceOf(stranger), PENALTY / 2);
        assertEq(house.token.totalSupply(), supply - PENALTY / 2);
        assertEq(laneOf(stranger), 0);
    }

    function test_RefundsWhenAttemptsAreUsedUp() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        for (uint256 i; i < 2; ++i) {
            passUntil(deadlineOf(c.id));
            advanceAs(stranger, c);
            assertState(c, JobState.Open);
            assignAgain(c, 3);
        }
        passUntil(deadlineOf(c.id));
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobRefunded(c.id, RESERVED);
        advanceAs(stranger, c);
        assertState(c, JobState.Refunded);
        assertEq(attemptOf(c.id), 3);
        assertEq(laneOf(client), RESERVED);
        assertEq(house.token.balanceOf(stranger), 3 * PENALTY / 2);
        assertUnlocked(3);
        assertLane(0);
    }

    function test_RefundsWhenCompleteByIsOver() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        passUntil(c.job.rules.completeBy());
        advanceAs(stranger, c);
        assertState(c, JobState.Refunded);
        assertEq(attemptOf(c.id), 1);
        assertEq(laneOf(client), RESERVED);
    }

    function test_RefundsAJobThatTheClientStopped() public {
        JobCase memory c = assigned(rateTerms(), 1);
        stop(c);
        passUntil(deadlineOf(c.id));
        advanceAs(stranger, c);
        assertState(c, JobState.Refunded);
        assertEq(laneOf(client), PRICE);
        assertEq(laneOf(stranger), TIP);
        assertLane(0);
    }

    function test_PaysTheTipWhereNothingIsLockedAndTheJobEnds() public {
        JobCase memory c = assigned(attestedTerms(), 1);
        passUntil(deadlineOf(c.id));
        advanceAs(stranger, c);
        assertState(c, JobState.Open);
        assertEq(laneOf(stranger), 0);

        assignAgain(c, 1);
        passUntil(c.job.rules.completeBy());
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobRefunded(c.id, PRICE);
        advanceAs(stranger, c);
        assertState(c, JobState.Refunded);
        assertEq(laneOf(client), PRICE);
        assertEq(laneOf(stranger), TIP);
        assertLane(0);
    }

    function test_TakesNothingOfStakeThatOtherJobsLocked() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        uint128 stake = stakeOf(coordinator);
        // All stake behind the lock of this job is gone by the time that the lock ends.
        vm.prank(address(house.jobs));
        house.staking.lockWorkers(_coordinatorSeat(c), stake - LOCK);
        IStakingManager.SlashShare[] memory nobody;
        vm.startPrank(address(house.slashing));
        house.staking.slash(coordinator.id, LOCK, 0, nobody);
        house.staking.slash(coordinator.id, LOCK - 1, LOCK - 1, nobody);
        vm.stopPrank();
        assertEq(stakeOf(coordinator), lockedOf(coordinator));

        passUntil(deadlineOf(c.id));
        advanceAs(stranger, c);
        assertState(c, JobState.Open);
        assertEq(house.token.balanceOf(stranger), PENALTY / 2);
    }

    function test_UnlocksNobodyTwiceAfterAConviction() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        convict(c, 2);
        assertEq(lockedOf(workers[2]), 0);
        passUntil(deadlineOf(c.id));
        advanceAs(stranger, c);
        assertState(c, JobState.Open);
        assertEq(seizedOf(c.id), 0);
        assertUnlocked(3);
    }

    function test_WorksWhilePaused() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        pauseJobs();
        passUntil(deadlineOf(c.id));
        advanceAs(stranger, c);
        assertState(c, JobState.Open);
    }

    function test_RevertWhen_TheJobIsAnother() public {
        JobCase memory c = opened(quorumTerms());
        passUntil(deadlineOf(c.id));
        c.job.client = stranger;
        expectWrongCommitment(c);
        advanceAs(stranger, c);
    }

    function test_RevertWhen_TheAssignmentIsAnother() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        passUntil(deadlineOf(c.id));
        c.assignment.coordinator = c.assignment.nodes[0];
        expectWrongCommitment(c);
        advanceAs(stranger, c);
    }

    function test_RevertGiven_TheJobIsFinal() public {
        JobCase memory c = opened(quorumTerms());
        cancel(c);
        expectState(c, JobState.Refunded, LIVE);
        advanceAs(stranger, c);

        c = assigned(attestedTerms(), 1);
        propose(c.id, c.job, c.assignment, 1);
        expectState(c, JobState.Settled, LIVE);
        advanceAs(stranger, c);
    }

    function test_RevertGiven_ThereIsNoJob() public {
        JobCase memory c;
        expectState(c, JobState.None, LIVE);
        advanceAs(stranger, c);
    }

    function _coordinatorSeat(JobCase memory c) private pure returns (Seat[] memory seats) {
        seats = new Seat[](1);
        seats[0] = c.assignment.coordinator;
    }
}
