// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { JobState } from "../../../contracts/types/Job.sol";
import { JobCase, RecoveryTest } from "../../base/RecoveryTest.sol";

contract JobRecoveryRelease is RecoveryTest {
    function test_OpensTheJobForTheNextAttempt() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        pass(30);
        uint40 deadline = uint40(block.timestamp) + LEASE;
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobReopened(c.id, 1, deadline);
        release(c);
        assertState(c, JobState.Open);
        assertEq(deadlineOf(c.id), deadline);
        assertEq(attemptOf(c.id), 1);

        assignAgain(c, 3);
        assertEq(attemptOf(c.id), 2);
    }

    function test_EndsLocksAndTakesNoStake() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        uint128 stake = stakeOf(coordinator);
        release(c);
        assertUnlocked(3);
        assertEq(stakeOf(coordinator), stake);
        assertLane(RESERVED);
    }

    function test_RefundsOnceAttemptsAreUsedUp() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        release(c);
        assignAgain(c, 3);
        release(c);
        assignAgain(c, 3);
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobRefunded(c.id, RESERVED);
        release(c);
        assertState(c, JobState.Refunded);
        assertEq(deadlineOf(c.id), 0);
        assertEq(laneOf(client), RESERVED);
        assertUnlocked(3);
        assertLane(0);
    }

    function test_RefundsAJobThatTheClientStopped() public {
        JobCase memory c = assigned(rateTerms(), 1);
        stop(c);
        release(c);
        assertState(c, JobState.Refunded);
        assertEq(laneOf(client), RESERVED);
    }

    function test_WaitsNoLongerThanCompleteBy() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        uint40 completeBy = c.job.rules.completeBy();
        while (deadlineOf(c.id) != completeBy) {
            pass(LEASE - 1);
            heartbeat(c);
        }
        passUntil(completeBy - 1);
        release(c);
        assertState(c, JobState.Open);
        assertEq(deadlineOf(c.id), completeBy);
    }

    function test_ForgetsTheConvictionsOfTheAttempt() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        convict(c, 0);
        release(c);
        assertEq(seizedOf(c.id), 0);
        assertUnlocked(3);
    }

    function test_RevertGiven_TheLeaseIsOver() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        uint40 deadline = deadlineOf(c.id);
        passUntil(deadline);
        expectTooLate(c, deadline);
        release(c);
    }

    function test_RevertWhen_TheCallerDoesNotHoldTheLease() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        expectUnauthorized(c, stranger, coordinator.signer);
        vm.prank(stranger);
        house.jobs.release(c.id, c.job, c.assignment);
    }

    function test_RevertWhen_TheAssignmentIsAnother() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        c.assignment.nodes[0] = c.assignment.nodes[1];
        expectWrongCommitment(c);
        release(c);
    }

    function test_RevertGiven_TheJobIsNotAssigned() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        release(c);
        expectState(c, JobState.Open, ASSIGNED);
        release(c);

        assignAgain(c, 3);
        c.proposal = propose(c.id, c.job, c.assignment, 7);
        expectState(c, JobState.Proposed, ASSIGNED);
        release(c);

        pass(CHALLENGE_WINDOW);
        settleAs(stranger, c);
        expectState(c, JobState.Settled, ASSIGNED);
        release(c);
    }
}
