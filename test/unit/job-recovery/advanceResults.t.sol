// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { JobState } from "../../../contracts/types/Job.sol";
import { JobCase, RecoveryTest } from "../../base/RecoveryTest.sol";

/// @notice Advancing jobs with a proposed or a challenged result.
contract JobRecoveryAdvanceResults is RecoveryTest {
    function test_PaysAnUnchallengedResult() public {
        JobCase memory c = proposed(quorumTerms());
        pass(CHALLENGE_WINDOW - 1);
        expectTooEarly(c);
        advanceAs(stranger, c);

        pass(1);
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobSettled(c.id, OUTPUT, COST, stranger);
        advanceAs(stranger, c);
        assertState(c, JobState.Settled);
        assertEq(deadlineOf(c.id), 0);
        _assertPaid();
        assertEq(laneOf(client), RESERVED - COST - TIP);
        assertUnlocked(3);
        assertLane(0);
    }

    function test_LetsAResultStandThatNobodyDecidedAbout() public {
        JobCase memory c = challenged(quorumTerms());
        pass(VERDICT_WINDOW - 1);
        expectTooEarly(c);
        advanceAs(stranger, c);

        pass(1);
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobSettled(c.id, OUTPUT, COST, stranger);
        advanceAs(stranger, c);
        assertState(c, JobState.Settled);
        _assertPaid();
        assertEq(laneOf(client), RESERVED - COST - TIP + BOND);
        assertUnlocked(3);
        assertLane(0);
    }

    function test_ReturnsTheBondToANodeThatChallenged() public {
        JobCase memory c = proposed(quorumTerms());
        giveBalance(workers[2].signer, BOND);
        challengeAs(workers[2].signer, c);
        pass(VERDICT_WINDOW);
        advanceAs(stranger, c);
        assertEq(laneOf(workers[2].signer), BOND);
        assertLane(0);
    }

    function test_PaysOnlySignersThatAreNotConvicted() public {
        JobCase memory c = proposed(quorumTerms());
        convict(c, 0);
        pass(CHALLENGE_WINDOW);
        advanceAs(stranger, c);
        assertState(c, JobState.Settled);
        assertEq(laneOf(workers[0]), 0);
        // The next that signed is the performer; nobody earns the last secondary's share.
        assertEq(laneOf(workers[1]), PERFORMER_SHARE);
        assertEq(laneOf(workers[2]), SECONDARY_SHARE);
        assertEq(laneOf(client), RESERVED - COST - TIP + SECONDARY_SHARE);
        assertUnlocked(3);
        assertLane(0);
    }

    function test_OpensTheNextAttemptWhereConvictionsBrokeTheQuorum() public {
        JobCase memory c = proposed(quorumTerms());
        convict(c, 0);
        convict(c, 1);
        pass(CHALLENGE_WINDOW);
        uint40 deadline = uint40(block.timestamp) + LEASE;
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobReopened(c.id, 1, deadline);
        advanceAs(stranger, c);
        assertState(c, JobState.Open);
        assertEq(seizedOf(c.id), 0);
        assertUnlocked(3);
        assertLane(RESERVED);
    }

    function test_RefundsABrokenQuorumOnceAttemptsAreUsedUp() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        release(c);
        assignAgain(c, 3);
        release(c);
        assignAgain(c, 3);
        c.proposal = propose(c.id, c.job, c.assignment, 7);
        convict(c, 0);
        convict(c, 2);
        pass(CHALLENGE_WINDOW);
        advanceAs(stranger, c);
        assertState(c, JobState.Refunded);
        assertEq(seizedOf(c.id), 5);
        assertEq(laneOf(client), RESERVED);
        assertUnlocked(3);
        assertLane(0);
    }

    function test_ReturnsTheBondWhereConvictionsBrokeTheQuorum() public {
        JobCase memory c = challenged(quorumTerms());
        convict(c, 1);
        convict(c, 2);
        pass(VERDICT_WINDOW);
        advanceAs(stranger, c);
        assertState(c, JobState.Open);
        assertEq(laneOf(client), BOND);
        assertUnlocked(3);
        assertLane(RESERVED);
    }

    function test_PullsThePriceThatWasPromised() public {
        JobCase memory c = proposed(pullTerms());
        _allow(COST + TIP);
        pass(CHALLENGE_WINDOW);
        advanceAs(stranger, c);
        assertState(c, JobState.Settled);
        assertEq(dollar.balanceOf(client), 0);
        assertEq(laneOf(client), 0);
        _assertPaid();
        assertLane(0);
    }

    function test_PullsThePriceAfterAChallenge() public {
        JobCase memory c = challenged(pullTerms());
        _allow(COST + TIP + 3);
        pass(VERDICT_WINDOW);
        advanceAs(stranger, c);
        assertState(c, JobState.Settled);
        assertEq(dollar.balanceOf(client), 3);
        assertEq(laneOf(client), BOND);
        _assertPaid();
        assertLane(0);
    }

    function test_ClosesAJobUnpaidWhoseMoneyCannotBePulled() public {
        JobCase memory c = proposed(pullTerms());
        _allow(COST + TIP - 1);
        pass(CHALLENGE_WINDOW);
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobUnpaid(c.id, client, COST + TIP);
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobRefunded(c.id, 0);
        advanceAs(stranger, c);
        assertState(c, JobState.Refunded);
        assertEq(dollar.balanceOf(client), COST + TIP - 1);
        assertEq(laneOf(stranger), 0);
        assertUnlocked(3);
        assertLane(0);
    }

    function test_ReturnsTheBondOfAJobThatEndsUnpaid() public {
        JobCase memory c = challenged(pullTerms());
        pass(VERDICT_WINDOW);
        advanceAs(stranger, c);
        assertState(c, JobState.Refunded);
        assertEq(laneOf(client), BOND);
        assertUnlocked(3);
        assertLane(0);
    }

    function test_GivesTheTipToTheNodeOfACoordinatorThatCalls() public {
        JobCase memory c = proposed(quorumTerms());
        pass(CHALLENGE_WINDOW);
        advanceAs(coordinator.signer, c);
        assertEq(laneOf(coordinator), COORDINATOR_SHARE + TIP);
        assertEq(laneOf(coordinator.signer), 0);
        assertLane(0);
    }

    function test_RevertWhen_TheProposalIsAnother() public {
        JobCase memory c = proposed(quorumTerms());
        pass(CHALLENGE_WINDOW);
        c.proposal.signers = 3;
        expectWrongCommitment(c);
        advanceAs(stranger, c);
    }

    function test_RevertWhen_AChallengerIsMadeUp() public {
        JobCase memory c = proposed(quorumTerms());
        pass(CHALLENGE_WINDOW);
        c.challenger = stranger;
        expectWrongCommitment(c);
        advanceAs(stranger, c);
    }

    function test_RevertWhen_TheChallengerIsAnother() public {
        JobCase memory c = challenged(quorumTerms());
        pass(VERDICT_WINDOW);
        c.challenger = stranger;
        expectWrongCommitment(c);
        advanceAs(stranger, c);
    }

    function _allow(uint128 amount) private {
        dollar.mint(client, amount);
        vm.prank(client);
        dollar.approve(address(house.payments), amount);
    }

    function _assertPaid() private view {
        assertEq(laneOf(coordinator), COORDINATOR_SHARE);
        assertEq(feesOf(coordinator), PROTOCOL_SHARE);
        assertEq(laneOf(workers[0]), PERFORMER_SHARE);
        assertEq(laneOf(workers[1]), SECONDARY_SHARE);
        assertEq(laneOf(workers[2]), SECONDARY_SHARE);
        assertEq(laneOf(stranger), TIP);
    }
}
