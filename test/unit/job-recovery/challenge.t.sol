// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { JobState } from "../../../contracts/types/Job.sol";
import { JobCase, RecoveryTest } from "../../base/RecoveryTest.sol";
import { IERC20Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

contract JobRecoveryChallenge is RecoveryTest {
    function test_LetsTheClientDenyTheResult() public {
        JobCase memory c = proposed(quorumTerms());
        uint40 deadline = uint40(block.timestamp) + VERDICT_WINDOW;
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobChallenged(c.id, client, BOND, deadline);
        challengeAs(client, c);
        assertState(c, JobState.Challenged);
        assertEq(deadlineOf(c.id), deadline);
        assertEq(attemptOf(c.id), 1);
        assertLane(RESERVED + BOND);
    }

    function test_LetsTheSignerOfAnAssignedNodeDenyTheResult() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        c.proposal = propose(c.id, c.job, c.assignment, 3);
        giveBalance(workers[2].signer, BOND);
        challengeAs(workers[2].signer, c);
        assertState(c, JobState.Challenged);
        assertEq(house.payments.freeOf(workers[2].signer, address(dollar)), 0);
    }

    function test_TakesTheBondFromTheLane() public {
        JobCase memory c = proposed(quorumTerms());
        vm.prank(client);
        house.jobs.fund(address(dollar), BOND + 7);
        uint128 free = house.payments.freeOf(client, address(dollar));
        challengeAs(client, c);
        assertEq(laneOf(client), 7);
        assertEq(house.payments.freeOf(client, address(dollar)), free);
    }

    function test_TakesTheBondFromTheFreeBalance() public {
        JobCase memory c = proposed(quorumTerms());
        vm.prank(client);
        house.jobs.fund(address(dollar), 7);
        uint128 free = house.payments.freeOf(client, address(dollar));
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.LaneFunded(client, address(dollar), BOND - 7);
        challengeAs(client, c);
        assertEq(laneOf(client), 0);
        assertEq(house.payments.freeOf(client, address(dollar)), free - BOND + 7);
    }

    function test_PullsTheBondFromTheAllowance() public {
        JobCase memory c = proposed(quorumTerms());
        address challenger = workers[1].signer;
        dollar.mint(challenger, BOND);
        vm.prank(challenger);
        dollar.approve(address(house.payments), BOND);
        challengeAs(challenger, c);
        assertEq(dollar.balanceOf(challenger), 0);
        assertLane(RESERVED + BOND);
    }

    function test_RoundsTheBondUp() public {
        JobCase memory c = proposed(oddTerms());
        challengeAs(client, c);
        assertLane(uint256(ODD_PRICE) + TIP + ODD_PRICE / 10 + 1);
    }

    function test_WorksInTheLastSecondOfTheWindow() public {
        JobCase memory c = proposed(quorumTerms());
        pass(CHALLENGE_WINDOW - 1);
        challengeAs(client, c);
        assertState(c, JobState.Challenged);
        assertEq(deadlineOf(c.id), block.timestamp + VERDICT_WINDOW);
    }

    function test_RevertGiven_TheWindowIsOver() public {
        JobCase memory c = proposed(quorumTerms());
        uint40 deadline = deadlineOf(c.id);
        pass(CHALLENGE_WINDOW);
        expectTooLate(c, deadline);
        challengeAs(client, c);
    }

    function test_RevertWhen_TheCallerHasNoPartInTheJob() public {
        JobCase memory c = proposed(quorumTerms());
        address[4] memory others =
            [stranger, coordinator.signer, workers[0].operator, workers[3].signer];
        for (uint256 i; i < others.length; ++i) {
            expectUnauthorized(c, others[i], client);
            challengeAs(others[i], c);
        }
    }

    function test_RevertGiven_TheChallengerCannotPayTheBond() public {
        JobCase memory c = proposed(quorumTerms());
        address challenger = workers[1].signer;
        giveBalance(challenger, BOND - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector, house.payments, 0, 1
            )
        );
        challengeAs(challenger, c);
        assertState(c, JobState.Proposed);
    }

    function test_RevertWhen_TheProposalIsAnother() public {
        JobCase memory c = proposed(quorumTerms());
        ++c.proposal.price;
        expectWrongCommitment(c);
        challengeAs(client, c);
    }

    function test_RevertWhen_TheAssignmentIsAnother() public {
        JobCase memory c = proposed(quorumTerms());
        c.assignment.nodes[1] = c.assignment.coordinator;
        expectWrongCommitment(c);
        challengeAs(client, c);
    }

    function test_RevertGiven_NoResultIsProposed() public {
        JobCase memory c = opened(quorumTerms());
        expectState(c, JobState.Open, PROPOSED);
        challengeAs(client, c);

        c.assignment = assign(c.id, c.job, 3);
        expectState(c, JobState.Assigned, PROPOSED);
        challengeAs(client, c);

        c.proposal = propose(c.id, c.job, c.assignment, 7);
        challengeAs(client, c);
        expectState(c, JobState.Challenged, PROPOSED);
        challengeAs(client, c);

        resolve(c, true, 0);
        expectState(c, JobState.Settled, PROPOSED);
        challengeAs(client, c);
    }
}
