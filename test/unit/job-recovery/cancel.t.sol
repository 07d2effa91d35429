// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { JobState } from "../../../contracts/types/Job.sol";
import { JobCase, RecoveryTest } from "../../base/RecoveryTest.sol";

contract JobRecoveryCancel is RecoveryTest {
    function test_ReturnsEverything() public {
        JobCase memory c = opened(quorumTerms());
        assertLane(RESERVED);
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobRefunded(c.id, RESERVED);
        cancel(c);
        assertState(c, JobState.Refunded);
        assertEq(deadlineOf(c.id), 0);
        assertEq(laneOf(client), RESERVED);
        assertLane(0);
    }

    function test_ReturnsNothingWhereNothingIsReserved() public {
        JobCase memory c = opened(pullTerms());
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobRefunded(c.id, 0);
        cancel(c);
        assertEq(laneOf(client), 0);
        assertLane(0);
    }

    function test_WorksBetweenAttempts() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        release(c);
        cancel(c);
        assertState(c, JobState.Refunded);
        assertEq(attemptOf(c.id), 1);
        assertEq(laneOf(client), RESERVED);
    }

    function test_WorksAfterTheDeadlineAndSavesTheTip() public {
        JobCase memory c = opened(quorumTerms());
        passUntil(deadlineOf(c.id));
        cancel(c);
        assertEq(laneOf(client), RESERVED);
    }

    function test_WorksWhilePaused() public {
        JobCase memory c = opened(quorumTerms());
        pauseJobs();
        cancel(c);
        assertState(c, JobState.Refunded);
    }

    function test_RevertWhen_TheCallerIsNotTheClient() public {
        JobCase memory c = opened(quorumTerms());
        expectUnauthorized(c, stranger, client);
        vm.prank(stranger);
        house.jobs.cancel(c.id, c.job);
    }

    function test_RevertWhen_TheJobIsAnother() public {
        JobCase memory c = opened(quorumTerms());
        c.job.client = stranger;
        expectWrongCommitment(c);
        vm.prank(stranger);
        house.jobs.cancel(c.id, c.job);
    }

    function test_RevertGiven_TheJobIsNotOpen() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        expectState(c, JobState.Assigned, OPEN);
        cancel(c);

        c.proposal = propose(c.id, c.job, c.assignment, 7);
        expectState(c, JobState.Proposed, OPEN);
        cancel(c);

        challengeAs(client, c);
        expectState(c, JobState.Challenged, OPEN);
        cancel(c);

        resolve(c, true, 0);
        expectState(c, JobState.Settled, OPEN);
        cancel(c);

        c = opened(quorumTerms());
        cancel(c);
        expectState(c, JobState.Refunded, OPEN);
        cancel(c);
    }
}
