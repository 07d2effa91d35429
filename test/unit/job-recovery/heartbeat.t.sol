// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { JobState } from "../../../contracts/types/Job.sol";
import { JobCase, RecoveryTest } from "../../base/RecoveryTest.sol";

contract JobRecoveryHeartbeat is RecoveryTest {
    function test_RenewsTheLease() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        pass(LEASE - 1);
        uint40 deadline = uint40(block.timestamp) + LEASE;
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobHeartbeat(c.id, 1, deadline);
        heartbeat(c);
        assertEq(deadlineOf(c.id), deadline);
        assertState(c, JobState.Assigned);
        assertEq(attemptOf(c.id), 1);
    }

    function test_NeverRenewsBeyondCompleteBy() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        uint40 completeBy = c.job.rules.completeBy();
        while (deadlineOf(c.id) != completeBy) {
            pass(LEASE - 1);
            heartbeat(c);
        }
        passUntil(completeBy - 1);
        heartbeat(c);
        assertEq(deadlineOf(c.id), completeBy);
        pass(1);
        expectTooLate(c, completeBy);
        heartbeat(c);
    }

    function test_VouchesForTimeThatIsPaid() public {
        JobCase memory c = assigned(rateTerms(), 1);
        uint40 startedAt = uint40(block.timestamp);
        (, uint40 lastBeat,) = house.jobs.meterOf(c.id);
        assertEq(lastBeat, startedAt);
        pass(100);
        heartbeat(c);
        (, lastBeat,) = house.jobs.meterOf(c.id);
        assertEq(lastBeat, startedAt + 100);
        assertEq(deadlineOf(c.id), startedAt + 100 + LEASE);
    }

    function test_KeepsNoMeterForWorkWithOnePrice() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        heartbeat(c);
        (, uint40 lastBeat,) = house.jobs.meterOf(c.id);
        assertEq(lastBeat, 0);
    }

    function test_KeepsConvictionsAndCommitment() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        convict(c, 1);
        heartbeat(c);
        assertEq(seizedOf(c.id), 2);
        heartbeat(c);
    }

    function test_RevertGiven_TheClientStoppedTheJob() public {
        JobCase memory c = assigned(rateTerms(), 1);
        pass(50);
        stop(c);
        uint256 stoppedAt = block.timestamp;
        pass(5);
        expectTooLate(c, stoppedAt);
        heartbeat(c);
    }

    function test_RevertGiven_TheLeaseIsOver() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        uint40 deadline = deadlineOf(c.id);
        passUntil(deadline);
        expectTooLate(c, deadline);
        heartbeat(c);
    }

    function test_RevertWhen_TheCallerDoesNotHoldTheLease() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        expectUnauthorized(c, client, coordinator.signer);
        vm.prank(client);
        house.jobs.heartbeat(c.id, c.job, c.assignment);

        expectUnauthorized(c, coordinator.operator, coordinator.signer);
        vm.prank(coordinator.operator);
        house.jobs.heartbeat(c.id, c.job, c.assignment);
    }

    function test_RevertWhen_TheAssignmentIsAnother() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        ++c.assignment.startedAt;
        expectWrongCommitment(c);
        heartbeat(c);
    }

    function test_RevertGiven_TheJobIsNotAssigned() public {
        JobCase memory c = opened(quorumTerms());
        expectState(c, JobState.Open, ASSIGNED);
        heartbeat(c);

        c = proposed(quorumTerms());
        expectState(c, JobState.Proposed, ASSIGNED);
        heartbeat(c);

        challengeAs(client, c);
        expectState(c, JobState.Challenged, ASSIGNED);
        heartbeat(c);

        resolve(c, true, 0);
        expectState(c, JobState.Settled, ASSIGNED);
        heartbeat(c);
    }
}
