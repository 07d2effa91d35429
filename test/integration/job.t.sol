// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobState, JobTerms } from "../../contracts/types/Job.sol";
import { TestNode } from "../base/HouseTest.sol";
import { JobCase } from "../base/RecoveryTest.sol";
import { FlowTest } from "./FlowTest.sol";

/// @notice docs/flows/job.md
contract JobFlow is FlowTest {
    uint256 private constant NONCE = 4242;
    uint256 private constant WEALTH = 1_000_000e6;

    function test_AnOrderIsPaidAndEverybodyTakesItsPartHome() public {
        // The client only signs; somebody else sends the order.
        JobTerms memory terms = quorumTerms();
        bytes memory signature =
            signatureOf(clientKey, house.jobs.orderDigest(client, NONCE, terms));
        JobCase memory c;
        c.job = jobOf(terms);
        vm.prank(stranger);
        c.id = house.jobs.createFor(client, NONCE, terms, "", signature);
        assertEq(house.payments.freeOf(client, address(dollar)), WEALTH - RESERVED);

        c.assignment = assign(c.id, c.job, 3);
        c.proposal = propose(c.id, c.job, c.assignment, 7);
        pass(CHALLENGE_WINDOW);
        settleAs(stranger, c);

        _takeAllHome();
        assertEq(dollarsOf(client), WEALTH - COST - TIP);
        assertEq(dollarsOf(stranger), TIP);
        assertEq(dollarsOf(coordinator.operator), COORDINATOR_SHARE);
        assertEq(dollarsOf(treasury), PROTOCOL_SHARE);
        assertEq(dollarsOf(workers[0].operator), PERFORMER_SHARE);
        assertEq(dollarsOf(workers[1].operator), SECONDARY_SHARE);
        assertEq(dollarsOf(workers[2].operator), SECONDARY_SHARE);
        assertEq(COST, COORDINATOR_SHARE + PROTOCOL_SHARE + PERFORMER_SHARE + 2 * SECONDARY_SHARE);
        assertHouseIsEmpty();
    }

    function test_AnotherCoordinatorFinishesWhatTheFirstLetLapse() public {
        TestNode memory first = coordinator;
        JobCase memory c = assigned(quorumTerms(), 3);
        passUntil(deadlineOf(c.id));
        advanceAs(stranger, c);
        assertEq(stakeOf(first), 100_000e18 - PENALTY);
        assertEq(house.token.balanceOf(stranger), PENALTY / 2);

        coordinator = bondNode(COORDINATOR, MIN_STAKE);
        assignAgain(c, 3);
        c.proposal = propose(c.id, c.job, c.assignment, 7);
        pass(CHALLENGE_WINDOW);
        settleAs(coordinator.signer, c);

        _takeAllHome();
        assertEq(laneOf(first), 0);
        assertEq(dollarsOf(coordinator.operator), COORDINATOR_SHARE + TIP);
        assertEq(dollarsOf(client), WEALTH - COST - TIP);
        assertHouseIsEmpty();
    }

    function test_ALateResultIsPaidAtHalfPrice() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        passUntil(c.job.rules.completeBy());
        c.proposal = propose(c.id, c.job, c.assignment, 7);
        c.proposal.price = COST / 2;
        pass(CHALLENGE_WINDOW);
        settleAs(stranger, c);

        _takeAllHome();
        assertEq(dollarsOf(client), WEALTH - COST / 2 - TIP);
        assertEq(dollarsOf(workers[0].operator), PERFORMER_SHARE / 2);
        assertEq(dollarsOf(workers[2].operator), SECONDARY_SHARE / 2);
        assertEq(dollarsOf(coordinator.operator), COORDINATOR_SHARE / 2);
        assertEq(dollarsOf(treasury), PROTOCOL_SHARE / 2);
        assertHouseIsEmpty();
    }

    function test_AJobThatNobodyTakesCostsItsClientTheTip() public {
        JobCase memory c = opened(quorumTerms());
        passUntil(deadlineOf(c.id));
        advanceAs(stranger, c);
        _takeAllHome();
        assertEq(dollarsOf(client), WEALTH - TIP);
        assertEq(dollarsOf(stranger), TIP);
        assertHouseIsEmpty();
    }

    function test_AJobThatAllCoordinatorsLetLapseCostsItsClientNothing() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        for (uint256 i; i < 3; ++i) {
            if (i != 0) assignAgain(c, 3);
            passUntil(deadlineOf(c.id));
            advanceAs(stranger, c);
        }
        assertState(c, JobState.Refunded);
        _takeAllHome();
        assertEq(dollarsOf(client), WEALTH);
        assertEq(stakeOf(coordinator), 100_000e18 - 3 * PENALTY);
        assertEq(house.token.balanceOf(stranger), 3 * PENALTY / 2);
        assertUnlocked(3);
        assertHouseIsEmpty();
    }

    function test_WorkByTheSecondIsPaidForTimeThatWasVouchedFor() public {
        JobCase memory c = assigned(rateTerms(), 1);
        for (uint256 i; i < 120; ++i) {
            pass(100);
            heartbeat(c);
        }
        topUp(c, 5e6);
        pass(50);
        stop(c);
        // 12 000 seconds at a thousand units; the last fifty were not vouched for.
        expectExcessiveCost(c, 12e6 + 1, 12e6);
        proposeCost(c, 12e6);

        _takeAllHome();
        assertEq(dollarsOf(client), WEALTH - 12e6 - TIP);
        assertEq(dollarsOf(coordinator.operator), 0.6e6 + TIP);
        assertEq(dollarsOf(treasury), 0.24e6);
        assertEq(dollarsOf(workers[0].operator), 11.16e6);
        assertHouseIsEmpty();
    }

    function test_AJobThatPaysAtSettlementLeavesNodesTheRisk() public {
        takeHome(client);
        vm.prank(client);
        dollar.approve(address(house.payments), COST + TIP);
        JobCase memory c = proposed(pullTerms());
        JobCase memory d = proposed(pullTerms());
        pass(CHALLENGE_WINDOW);
        settleAs(stranger, c);
        // The allowance is used up: the second job ends unpaid, and nobody else is hurt.
        advanceAs(stranger, d);
        assertState(d, JobState.Refunded);

        _takeWorkHome();
        assertEq(dollarsOf(client), WEALTH - COST - TIP);
        assertEq(dollarsOf(workers[0].operator), PERFORMER_SHARE);
        assertUnlocked(3);
        assertHouseIsEmpty();
    }

    function _takeAllHome() private {
        takeHome(client);
        _takeWorkHome();
    }

    function _takeWorkHome() private {
        if (laneOf(stranger) != 0) takeHome(stranger);
        if (laneOf(coordinator) != 0) takeHome(coordinator);
        if (feesOf(coordinator) != 0) takeFeesHome();
        for (uint256 i; i < 3; ++i) {
            if (laneOf(workers[i]) != 0) takeHome(workers[i]);
        }
    }
}
