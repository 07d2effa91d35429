// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { NodeId } from "../../../contracts/types/NodeId.sol";
import { JobCase, RecoveryTest } from "../../base/RecoveryTest.sol";

contract JobRecoveryWithdrawNode is RecoveryTest {
    function setUp() public override {
        super.setUp();
        JobCase memory c = proposed(quorumTerms());
        pass(CHALLENGE_WINDOW);
        settleAs(stranger, c);
    }

    function test_MakesEarningsFreeBalanceOfTheOperator() public {
        address operator = workers[0].operator;
        address account = workers[0].id.accountOf();
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.LaneWithdrawn(account, address(dollar), operator, PERFORMER_SHARE);
        withdrawAs(operator, workers[0].id, PERFORMER_SHARE);
        assertEq(laneOf(workers[0]), 0);
        assertEq(house.payments.freeOf(operator, address(dollar)), PERFORMER_SHARE);
        assertEq(laneOf(workers[1]), SECONDARY_SHARE);
    }

    function test_LeavesFeesToTheProtocol() public {
        withdrawAs(coordinator.operator, coordinator.id, COORDINATOR_SHARE);
        assertEq(feesOf(coordinator), PROTOCOL_SHARE);
        expectInsufficient(coordinator.id, 0, 1);
        withdrawAs(coordinator.operator, coordinator.id, 1);
    }

    function test_PaysTheSuccessorOfAnOperator() public {
        vm.prank(workers[0].operator);
        house.registry.offerNode(workers[0].id, stranger);
        vm.prank(stranger);
        house.registry.acceptNode(workers[0].id);

        expectNotOperator(workers[0].id, workers[0].operator);
        withdrawAs(workers[0].operator, workers[0].id, 1);
        withdrawAs(stranger, workers[0].id, PERFORMER_SHARE);
        assertEq(house.payments.freeOf(stranger, address(dollar)), PERFORMER_SHARE);
    }

    function test_WorksAfterRetirement() public {
        vm.prank(workers[0].operator);
        house.registry.retire(workers[0].id);
        withdrawAs(workers[0].operator, workers[0].id, PERFORMER_SHARE);
        assertEq(laneOf(workers[0]), 0);
    }

    function test_RevertGiven_TheNodeEarnedLess() public {
        expectInsufficient(workers[1].id, SECONDARY_SHARE, SECONDARY_SHARE + 1);
        withdrawAs(workers[1].operator, workers[1].id, SECONDARY_SHARE + 1);
    }

    function test_RevertWhen_TheCallerIsNotTheOperator() public {
        expectNotOperator(workers[0].id, workers[0].signer);
        withdrawAs(workers[0].signer, workers[0].id, 1);
        expectNotOperator(workers[0].id, workers[1].operator);
        withdrawAs(workers[1].operator, workers[0].id, 1);
    }

    function test_RevertWhen_ThereIsNoSuchNode() public {
        expectNotOperator(NodeId.wrap(0), stranger);
        withdrawAs(stranger, NodeId.wrap(0), 0);
    }

    function expectInsufficient(NodeId node, uint128 available, uint128 needed) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobMachine.JobManagerInsufficientBalance.selector,
                node.accountOf(),
                address(dollar),
                available,
                needed
            )
        );
    }

    function expectNotOperator(NodeId node, address caller) private {
        vm.expectRevert(
            abi.encodeWithSelector(IJobMachine.JobManagerNotOperator.selector, node, caller)
        );
    }

    function withdrawAs(address caller, NodeId node, uint128 amount) private {
        vm.prank(caller);
        house.jobs.withdrawNode(node, address(dollar), amount);
    }
}
