// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { NodeId } from "../../../contracts/types/NodeId.sol";
import { TestNode } from "../../base/HouseTest.sol";
import { JobCase, RecoveryTest } from "../../base/RecoveryTest.sol";

contract JobRecoveryCollectFees is RecoveryTest {
    function setUp() public override {
        super.setUp();
        _settleOne();
    }

    function test_MakesFeesFreeBalanceOfTheTreasury() public {
        assertEq(feesOf(coordinator), PROTOCOL_SHARE);
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.FeesCollected(address(dollar), PROTOCOL_SHARE);
        vm.prank(stranger);
        house.jobs.collectFees(address(dollar), _listOf(1));
        assertEq(feesOf(coordinator), 0);
        assertEq(house.payments.freeOf(treasury, address(dollar)), PROTOCOL_SHARE);
        assertEq(laneOf(coordinator), COORDINATOR_SHARE);
    }

    function test_CollectsAtSeveralCoordinators() public {
        TestNode memory first = coordinator;
        coordinator = bondNode(COORDINATOR, MIN_STAKE);
        _settleOne();
        NodeId[] memory list = _listOf(2);
        list[1] = first.id;
        house.jobs.collectFees(address(dollar), list);
        assertEq(house.payments.freeOf(treasury, address(dollar)), 2 * PROTOCOL_SHARE);
        assertEq(feesOf(first) + feesOf(coordinator), 0);
    }

    function test_CollectsOnceFromACoordinatorThatIsNamedTwice() public {
        NodeId[] memory list = _listOf(2);
        list[1] = list[0];
        house.jobs.collectFees(address(dollar), list);
        assertEq(house.payments.freeOf(treasury, address(dollar)), PROTOCOL_SHARE);
    }

    function test_CollectsNothingWhereNothingIsBooked() public {
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.FeesCollected(address(house.token), 0);
        house.jobs.collectFees(address(house.token), _listOf(1));
        house.jobs.collectFees(address(dollar), new NodeId[](0));
        assertEq(feesOf(coordinator), PROTOCOL_SHARE);
    }

    function test_TakesSixtyFourCoordinatorsAtATime() public {
        house.jobs.collectFees(address(dollar), _listOf(64));
        assertEq(feesOf(coordinator), 0);
    }

    function test_RevertWhen_TheListIsTooLong() public {
        NodeId[] memory list = _listOf(65);
        vm.expectRevert(abi.encodeWithSelector(IJobMachine.JobManagerTooMany.selector, 65, 64));
        house.jobs.collectFees(address(dollar), list);
    }

    function _listOf(uint256 count) private view returns (NodeId[] memory list) {
        list = new NodeId[](count);
        if (count != 0) list[0] = coordinator.id;
    }

    function _settleOne() private {
        JobCase memory c = proposed(quorumTerms());
        pass(CHALLENGE_WINDOW);
        settleAs(stranger, c);
    }
}
