// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { JobState, Receipt as JobReceipt } from "../../../contracts/types/Job.sol";
import { JobCase, RecoveryTest } from "../../base/RecoveryTest.sol";

contract JobRecoveryStop is RecoveryTest {
    function test_EndsTheTimeThatIsPaid() public {
        JobCase memory c = assigned(rateTerms(), 1);
        pass(60);
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobStopped(c.id, uint40(block.timestamp));
        stop(c);
        (,, uint40 stoppedAt) = house.jobs.meterOf(c.id);
        assertEq(stoppedAt, block.timestamp);
        assertState(c, JobState.Assigned);
    }

    function test_LeavesWhatWasVouchedForToBePaid() public {
        JobCase memory c = assigned(rateTerms(), 1);
        pass(100);
        heartbeat(c);
        pass(20);
        stop(c);
        pass(30);
        expectExcessiveCost(c, 100_001, 100_000);
        proposeCost(c, 100_000);
        assertState(c, JobState.Settled);
        // 5 % to the coordinator with the tip, 2 % to the protocol, the rest to the only worker.
        assertEq(laneOf(coordinator), 5000 + TIP);
        assertEq(feesOf(coordinator), 2000);
        assertEq(laneOf(workers[0]), 93_000);
        assertEq(laneOf(client), PRICE - 100_000);
        assertLane(0);
    }

    function test_LetsAnybodyBringTheResultAfterTheLease() public {
        JobCase memory c = assigned(rateTerms(), 1);
        pass(100);
        heartbeat(c);
        stop(c);
        passUntil(deadlineOf(c.id));
        JobReceipt memory receipt = receiptOf(c.id, OUTPUT, 100_000, 1);
        vm.prank(stranger);
        house.jobs.propose(c.id, c.job, c.assignment, receipt);
        assertState(c, JobState.Settled);
        assertEq(laneOf(stranger), TIP);
    }

    function test_WorksAfterTheLease() public {
        JobCase memory c = assigned(rateTerms(), 1);
        pass(LEASE);
        stop(c);
        advanceAs(stranger, c);
        assertState(c, JobState.Refunded);
    }

    function test_RevertGiven_TheJobIsStopped() public {
        JobCase memory c = assigned(rateTerms(), 1);
        stop(c);
        uint256 stoppedAt = block.timestamp;
        expectTooLate(c, stoppedAt);
        stop(c);
    }

    function test_RevertWhen_TheWorkHasOnePrice() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        expectWrongPricing(c);
        stop(c);
    }

    function test_RevertWhen_TheCallerIsNotTheClient() public {
        JobCase memory c = assigned(rateTerms(), 1);
        expectUnauthorized(c, stranger, client);
        vm.prank(stranger);
        house.jobs.stop(c.id, c.job, c.assignment);
    }

    function test_RevertWhen_TheJobIsAnother() public {
        JobCase memory c = assigned(rateTerms(), 1);
        c.job.client = stranger;
        expectWrongCommitment(c);
        vm.prank(stranger);
        house.jobs.stop(c.id, c.job, c.assignment);
    }

    function test_RevertGiven_TheJobIsNotAssigned() public {
        JobCase memory c = opened(rateTerms());
        expectState(c, JobState.Open, ASSIGNED);
        stop(c);

        c = assigned(rateTerms(), 1);
        proposeCost(c, 0);
        expectState(c, JobState.Settled, ASSIGNED);
        stop(c);
    }
}
