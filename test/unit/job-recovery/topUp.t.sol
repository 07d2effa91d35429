// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { IPaymentManager } from "../../../contracts/interfaces/IPaymentManager.sol";
import { JobState, JobTerms } from "../../../contracts/types/Job.sol";
import { JobPriceLibrary } from "../../../contracts/types/JobPrice.sol";
import { Funding, JobRulesLibrary } from "../../../contracts/types/JobRules.sol";
import { JobCase, RecoveryTest } from "../../base/RecoveryTest.sol";

contract JobRecoveryTopUp is RecoveryTest {
    function test_AddsFreeBalanceOfTheClient() public {
        JobCase memory c = assigned(rateTerms(), 1);
        uint128 free = house.payments.freeOf(client, address(dollar));
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobToppedUp(c.id, 3e6, 3e6);
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.LaneFunded(client, address(dollar), 3e6);
        topUp(c, 3e6);
        assertEq(house.payments.freeOf(client, address(dollar)), free - 3e6);

        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobToppedUp(c.id, 1e6, 4e6);
        topUp(c, 1e6);
        (uint128 toppedUp,,) = house.jobs.meterOf(c.id);
        assertEq(toppedUp, 4e6);
        assertLane(RESERVED + 4e6);
    }

    function test_TakesTheBalanceInTheLaneFirst() public {
        JobCase memory c = assigned(rateTerms(), 1);
        vm.prank(client);
        house.jobs.fund(address(dollar), 2e6);
        uint128 free = house.payments.freeOf(client, address(dollar));
        topUp(c, 3e6);
        assertEq(laneOf(client), 0);
        assertEq(house.payments.freeOf(client, address(dollar)), free - 1e6);
    }

    function test_PullsTheAllowanceWhereTheTermsSaySo() public {
        JobRulesLibrary.Fields memory rules = attestedRules();
        rules.funding = Funding.Allowance;
        JobTerms memory terms = termsOf(rules);
        terms.price = JobPriceLibrary.pack(PRICE, 1000, TIP);
        JobCase memory c = assigned(terms, 1);
        uint128 free = house.payments.freeOf(client, address(dollar));
        dollar.mint(client, 2e6);
        vm.prank(client);
        dollar.approve(address(house.payments), 2e6);
        topUp(c, free + 2e6);
        assertEq(dollar.balanceOf(client), 0);
        assertEq(house.payments.freeOf(client, address(dollar)), 0);
    }

    function test_RaisesWhatTheTimeMayCost() public {
        JobCase memory c = assigned(rateTerms(), 1);
        // 1000 units the second: the price alone is used up after 10 000 seconds.
        for (uint256 i; i < 110; ++i) {
            pass(100);
            heartbeat(c);
        }
        expectExcessiveCost(c, 11e6, PRICE);

        topUp(c, 5e6);
        expectExcessiveCost(c, 11e6 + 1, 11e6);
        proposeCost(c, 11e6);
        assertState(c, JobState.Settled);
        assertEq(laneOf(client), PRICE + 5e6 - 11e6);
        assertLane(0);
    }

    function test_GoesBackWithTheRefund() public {
        JobCase memory c = assigned(rateTerms(), 1);
        topUp(c, 5e6);
        stop(c);
        release(c);
        assertEq(laneOf(client), RESERVED + 5e6);
        assertLane(0);
    }

    function test_StaysWithTheNextAttempt() public {
        JobCase memory c = assigned(rateTerms(), 1);
        topUp(c, 5e6);
        release(c);
        assignAgain(c, 1);
        (uint128 toppedUp,,) = house.jobs.meterOf(c.id);
        assertEq(toppedUp, 5e6);
        release(c);
        cancel(c);
        assertEq(laneOf(client), RESERVED + 5e6);
        assertLane(0);
    }

    function test_RevertGiven_TheClientHasTooLittle() public {
        JobCase memory c = assigned(rateTerms(), 1);
        uint128 free = house.payments.freeOf(client, address(dollar));
        vm.expectRevert(
            abi.encodeWithSelector(
                IPaymentManager.PaymentManagerInsufficientBalance.selector,
                address(dollar),
                client,
                free,
                free + 1
            )
        );
        topUp(c, free + 1);
    }

    function test_RevertGiven_TheClientStoppedTheJob() public {
        JobCase memory c = assigned(rateTerms(), 1);
        stop(c);
        uint256 stoppedAt = block.timestamp;
        pass(1);
        expectTooLate(c, stoppedAt);
        topUp(c, 1);
    }

    function test_RevertWhen_TheWorkHasOnePrice() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        expectWrongPricing(c);
        topUp(c, 1);
    }

    function test_RevertWhen_TheCallerIsNotTheClient() public {
        JobCase memory c = assigned(rateTerms(), 1);
        expectUnauthorized(c, coordinator.signer, client);
        vm.prank(coordinator.signer);
        house.jobs.topUp(c.id, c.job, c.assignment, 1);
    }

    function test_RevertWhen_TheAssignmentIsAnother() public {
        JobCase memory c = assigned(rateTerms(), 1);
        c.assignment = noAssignment();
        expectWrongCommitment(c);
        topUp(c, 1);
    }

    function test_RevertGiven_TheJobIsNotAssigned() public {
        JobCase memory c = opened(rateTerms());
        expectState(c, JobState.Open, ASSIGNED);
        topUp(c, 1);
        cancel(c);
        expectState(c, JobState.Refunded, ASSIGNED);
        topUp(c, 1);
    }
}
