// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Roles } from "../../../contracts/base/Roles.sol";
import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { Assignment, JobState, JobTerms } from "../../../contracts/types/Job.sol";
import { JobCase, RecoveryTest } from "../../base/RecoveryTest.sol";
import { IAccessControl } from "@openzeppelin/contracts/access/IAccessControl.sol";

contract JobRecoverySeize is RecoveryTest {
    function test_MarksANodeWhileItWorks() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobNodeSeized(c.id, 1, c.assignment.nodes[1]);
        _assertSeized(c, 1, true);
        assertEq(seizedOf(c.id), 2);
        assertState(c, JobState.Assigned);

        _assertSeized(c, 2, true);
        assertEq(seizedOf(c.id), 6);
    }

    function test_MarksANodeOfAProposedResult() public {
        JobCase memory c = proposed(quorumTerms());
        uint40 deadline = deadlineOf(c.id);
        _assertSeized(c, 0, true);
        assertState(c, JobState.Proposed);
        assertEq(deadlineOf(c.id), deadline);
    }

    function test_MarksANodeOfAChallengedResult() public {
        JobCase memory c = challenged(quorumTerms());
        _assertSeized(c, 2, true);
        assertState(c, JobState.Challenged);
    }

    function test_MarksANodeOfASettledJobWhoseLockHasEnded() public {
        JobCase memory c = proposed(quorumTerms());
        pass(CHALLENGE_WINDOW);
        settleAs(stranger, c);
        _assertSeized(c, 0, false);
        assertEq(seizedOf(c.id), 1);
        assertState(c, JobState.Settled);
    }

    function test_MarksANodeOfARefundedJobThatKeptItsCommitment() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        passUntil(c.job.rules.completeBy());
        advanceAs(stranger, c);
        _assertSeized(c, 0, false);
        assertState(c, JobState.Refunded);
    }

    function test_NamesNoStakeWhereAnybodyMayWork() public {
        JobCase memory c = assigned(attestedTerms(), 1);
        (uint128 amount, bool held) = seize(c, 0);
        assertEq(amount, 0);
        assertTrue(held);
    }

    function test_RevertWhen_TheIndexIsOutOfRange() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        expectInvalidSigners(c, 8, 7);
        seize(c, 3);
        expectInvalidSigners(c, 1 << 15, 7);
        seize(c, 15);
        expectInvalidSigners(c, 0, 7);
        seize(c, 16);
        expectInvalidSigners(c, 0, 7);
        seize(c, type(uint256).max);
    }

    function test_RevertGiven_TheNodeIsMarked() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        seize(c, 1);
        expectInvalidSigners(c, 2, 5);
        seize(c, 1);

        c.proposal = propose(c.id, c.job, c.assignment, 5);
        expectInvalidSigners(c, 2, 5);
        seize(c, 1);
    }

    function test_RevertGiven_TheAttemptIsOver() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        release(c);
        expectWrongCommitment(c);
        seize(c, 0);

        JobCase memory again = c;
        pass(1);
        Assignment memory old = c.assignment;
        assignAgain(again, 3);
        again.assignment = old;
        expectWrongCommitment(again);
        seize(again, 0);
    }

    function test_RevertGiven_NobodyWasEverAssigned() public {
        JobCase memory c = opened(quorumTerms());
        expectWrongCommitment(c);
        seize(c, 0);
        cancel(c);
        expectWrongCommitment(c);
        seize(c, 0);
    }

    function test_RevertGiven_TheSlotServesALaterJob() public {
        JobTerms memory terms = quorumTerms();
        JobCase memory c;
        (c.id, c.job) = create(1 << 40, terms);
        c.assignment = assign(c.id, c.job, 3);
        passUntil(c.job.rules.completeBy());
        advanceAs(stranger, c);
        create((1 << 40) + (1 << 232), quorumTerms());
        expectState(c, JobState.Closed, SEIZABLE);
        seize(c, 0);
    }

    function test_RevertGiven_ThereIsNoJob() public {
        JobCase memory c;
        expectState(c, JobState.None, SEIZABLE);
        seize(c, 0);
    }

    function test_RevertWhen_TheCallerIsNotTheSlashingManager() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControl.AccessControlUnauthorizedAccount.selector, stranger, Roles.SLASHER
            )
        );
        vm.prank(stranger);
        house.jobs.seize(c.id, c.job, c.assignment, 0, 0);
    }

    function _assertSeized(JobCase memory c, uint256 index, bool expected) private {
        (uint128 amount, bool held) = seize(c, index);
        assertEq(amount, LOCK);
        assertEq(held, expected);
    }
}
