// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../contracts/interfaces/IJobMachine.sol";
import { Assignment, Job, JobState, JobTerms, Proposal } from "../../contracts/types/Job.sol";
import { JobId } from "../../contracts/types/JobId.sol";
import { JobTest } from "./JobTest.sol";

/// @notice A job somewhere on its way, with all that its calls take.
struct JobStage {
    JobId id;
    Job job;
    Assignment assignment;
    Proposal proposal;
    JobState state;
}

/// @title Job stage test
/// @notice Brings jobs of three workers into any state, and expects the refusals of the machine.
abstract contract JobStageTest is JobTest {
    uint16 internal constant ALL_SIGN = 7;
    /// @notice Added to a nonce, it names the next job in the same slot.
    uint256 internal constant NEXT_IN_SLOT = 1 << 232;
    uint256 internal constant STATES = 8;

    /// @notice A job of three staked workers in this state.
    function stageAt(JobState state, uint256 nonce) internal returns (JobStage memory stage) {
        return stageOf(quorumTerms(), state, nonce);
    }

    /// @notice A job of three workers under these terms in this state.
    function stageOf(JobTerms memory terms, JobState state, uint256 nonce)
        internal
        returns (JobStage memory stage)
    {
        stage.state = state;
        stage.id = house.jobs.idOf(client, nonce, terms);
        stage.job = jobOf(terms);
        if (state == JobState.None) return stage;
        create(nonce, terms);
        if (state == JobState.Open) return stage;
        if (state == JobState.Refunded) {
            vm.prank(client);
            house.jobs.cancel(stage.id, stage.job);
            return stage;
        }
        stage.assignment = assign(stage.id, stage.job, 3);
        if (state == JobState.Assigned) return stage;
        stage.proposal = propose(stage.id, stage.job, stage.assignment, ALL_SIGN);
        if (state == JobState.Proposed) return stage;
        if (state == JobState.Challenged) {
            vm.prank(client);
            house.jobs.challenge(stage.id, stage.job, stage.assignment, stage.proposal);
            return stage;
        }
        pass(CHALLENGE_WINDOW);
        settle(stage);
        if (state == JobState.Closed) create(nonce + NEXT_IN_SLOT, terms);
    }

    /// @notice Settles a job as its coordinator.
    function settle(JobStage memory stage) internal {
        vm.prank(coordinator.signer);
        house.jobs.settle(stage.id, stage.job, stage.assignment, stage.proposal);
    }

    /// @notice Expects that the next call refuses the state of this job.
    function expectUnexpectedState(JobStage memory stage, JobState accepted) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobMachine.JobManagerUnexpectedState.selector,
                stage.id,
                stage.state,
                bytes32(1 << uint8(accepted))
            )
        );
    }

    /// @notice Expects that the next call finds another commitment.
    function expectWrongCommitment(JobId id) internal {
        vm.expectRevert(abi.encodeWithSelector(IJobMachine.JobManagerWrongCommitment.selector, id));
    }

    /// @notice What an owner has in the chain lane.
    function laneBalanceOf(address owner) internal view returns (uint128 balance) {
        (balance,) = house.jobs.accountOf(owner, address(dollar));
    }

    /// @notice The protocol's fees that are booked at an owner.
    function feesAt(address owner) internal view returns (uint128 fees) {
        (, fees) = house.jobs.accountOf(owner, address(dollar));
    }

    /// @notice The job with one of its fields changed.
    /// @param field 0 to 4, in the order of the fields.
    function mutated(Job memory job, uint256 field) internal pure returns (Job memory) {
        bytes memory raw = abi.encode(job);
        uint256 last = field * 32 + 31;
        raw[last] = bytes1(uint8(raw[last]) ^ 1);
        return abi.decode(raw, (Job));
    }
}
