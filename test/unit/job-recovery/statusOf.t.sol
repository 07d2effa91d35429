// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobState } from "../../../contracts/types/Job.sol";
import { JobId } from "../../../contracts/types/JobId.sol";
import { JobCase, RecoveryTest } from "../../base/RecoveryTest.sol";

contract JobRecoveryStatusOf is RecoveryTest {
    function test_TellsStateAttemptDeadlineAndConvictions() public {
        _assertStatus(JobId.wrap(keccak256("nothing")), JobState.None, 0, 0, 0);

        JobCase memory c = opened(quorumTerms());
        _assertStatus(c.id, JobState.Open, 0, block.timestamp + 60, 0);

        c.assignment = assign(c.id, c.job, 3);
        _assertStatus(c.id, JobState.Assigned, 1, block.timestamp + LEASE, 0);

        seize(c, 1);
        _assertStatus(c.id, JobState.Assigned, 1, block.timestamp + LEASE, 2);

        c.proposal = propose(c.id, c.job, c.assignment, 5);
        _assertStatus(c.id, JobState.Proposed, 1, block.timestamp + CHALLENGE_WINDOW, 2);

        challengeAs(client, c);
        _assertStatus(c.id, JobState.Challenged, 1, block.timestamp + VERDICT_WINDOW, 2);

        resolve(c, false, 0);
        _assertStatus(c.id, JobState.Open, 1, block.timestamp + LEASE, 0);

        cancel(c);
        _assertStatus(c.id, JobState.Refunded, 1, 0, 0);
    }

    function _assertStatus(JobId id, JobState state, uint8 attempt, uint256 deadline, uint16 seized)
        private
        view
    {
        (JobState state_, uint8 attempt_, uint40 deadline_, uint16 seized_) =
            house.jobs.statusOf(id);
        assertEq(uint8(state_), uint8(state));
        assertEq(attempt_, attempt);
        assertEq(deadline_, deadline);
        assertEq(seized_, seized);
    }
}
