// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {
    Assignment,
    Job,
    JobState,
    Proposal,
    Receipt as JobReceipt
} from "../../../contracts/types/Job.sol";
import { JobId } from "../../../contracts/types/JobId.sol";
import { JobStage, JobStageTest } from "../../base/JobStageTest.sol";

/// @notice A job answers to one id alone, although its slot and sequence do not tell its order.
contract JobManagerIdentity is JobStageTest {
    function test_RevertWhen_AJobIsAssignedUnderAnotherName() public {
        JobStage memory stage = stageAt(JobState.Open, 1);
        for (uint256 bit = 104; bit < 256; ++bit) {
            JobId alias_ = _aliasOf(stage.id, bit);
            expectWrongCommitment(alias_);
            vm.prank(coordinator.signer);
            house.jobs.assign(alias_, stage.job, coordinator.id, seatsOf(3));
        }
    }

    function test_RevertWhen_AResultIsProposedUnderAnotherName() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        JobId alias_ = _aliasOf(stage.id, 255);
        JobReceipt memory receipt = receiptOf(alias_, OUTPUT, COST, ALL_SIGN);
        expectWrongCommitment(alias_);
        vm.prank(coordinator.signer);
        house.jobs.propose(alias_, stage.job, stage.assignment, receipt);
    }

    function test_RevertWhen_AResultIsSettledUnderAnotherName() public {
        JobStage memory stage = stageAt(JobState.Proposed, 1);
        pass(CHALLENGE_WINDOW);
        stage.id = _aliasOf(stage.id, 104);
        expectWrongCommitment(stage.id);
        settle(stage);
    }

    /// Meters are kept by id: under another name, a job would run on after its client stopped it.
    function test_RevertWhen_AStoppedJobBeatsUnderAnotherName() public {
        (JobId id, Job memory job) = create(1, rateTerms());
        Assignment memory assignment = assign(id, job, 1);
        vm.prank(client);
        house.jobs.stop(id, job, assignment);
        JobId alias_ = _aliasOf(id, 200);
        expectWrongCommitment(alias_);
        vm.prank(coordinator.signer);
        house.jobs.heartbeat(alias_, job, assignment);
    }

    function test_RevertWhen_ACancelledJobHasAnotherName() public {
        JobStage memory stage = stageAt(JobState.Open, 1);
        JobId alias_ = _aliasOf(stage.id, 150);
        expectWrongCommitment(alias_);
        vm.prank(client);
        house.jobs.cancel(alias_, stage.job);
        passUntil(deadlineOf(stage.id));
        Proposal memory proposal;
        expectWrongCommitment(alias_);
        house.jobs.advance(alias_, stage.job, stage.assignment, proposal, address(0));
    }

    function _aliasOf(JobId id, uint256 bit) private pure returns (JobId) {
        return JobId.wrap(bytes32(uint256(JobId.unwrap(id)) ^ (1 << bit)));
    }
}
