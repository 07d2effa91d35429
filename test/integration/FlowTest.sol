// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { NodeId } from "../../contracts/types/NodeId.sol";
import { TestNode } from "../base/HouseTest.sol";
import { RecoveryTest } from "../base/RecoveryTest.sol";

/// @title Flow test
/// @notice What actors of a flow do with money at its ends, and the sums that must hold in between.
abstract contract FlowTest is RecoveryTest {
    /// @notice An operator takes all that its node earned home.
    function takeHome(TestNode memory node) internal returns (uint128 amount) {
        amount = laneOf(node);
        vm.startPrank(node.operator);
        house.jobs.withdrawNode(node.id, address(dollar), amount);
        house.payments.withdraw(address(dollar), amount, node.operator);
        vm.stopPrank();
    }

    /// @notice An owner takes all that it has in the house home.
    function takeHome(address owner) internal returns (uint128 amount) {
        uint128 lane = laneOf(owner);
        vm.startPrank(owner);
        house.jobs.withdraw(address(dollar), lane);
        amount = house.payments.freeOf(owner, address(dollar));
        house.payments.withdraw(address(dollar), amount, owner);
        vm.stopPrank();
    }

    /// @notice The treasury takes its fees home.
    function takeFeesHome() internal {
        NodeId[] memory coordinators = new NodeId[](1);
        coordinators[0] = coordinator.id;
        house.jobs.collectFees(address(dollar), coordinators);
        uint128 fees = house.payments.freeOf(treasury, address(dollar));
        vm.prank(treasury);
        house.payments.withdraw(address(dollar), fees, treasury);
    }

    function dollarsOf(address owner) internal view returns (uint256) {
        return dollar.balanceOf(owner);
    }

    /// @notice Nobody left a dollar behind, and none is missing.
    function assertHouseIsEmpty() internal view {
        assertEq(house.payments.chainLaneOf(address(dollar)), 0);
        assertEq(house.payments.totalOf(address(dollar)), 0);
        assertEq(dollarsOf(address(house.payments)), 0);
    }
}
