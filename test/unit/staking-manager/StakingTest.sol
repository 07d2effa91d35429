// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../../contracts/base/HouseContract.sol";
import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { IStakingManager } from "../../../contracts/interfaces/IStakingManager.sol";
import { NodeId } from "../../../contracts/types/NodeId.sol";
import { Seat, SeatLibrary } from "../../../contracts/types/Seat.sol";
import { HouseTest, TestNode } from "../../base/HouseTest.sol";
import { IAccessControl } from "@openzeppelin/contracts/access/IAccessControl.sol";

/// @title Staking test
/// @notice A registered node without stake, and the chores of tests of the staking manager.
abstract contract StakingTest is HouseTest {
    uint128 internal constant AMOUNT = 10_000e18;
    /// @dev Shares of a pool that was never slashed nor rewarded, per unit of stake.
    uint128 internal constant SHARES = 1000;
    NodeId internal constant UNKNOWN = NodeId.wrap(404);

    TestNode internal node;
    address internal staker = makeAddr("staker");
    address internal other = makeAddr("other staker");

    function setUp() public virtual override {
        super.setUp();
        node = registerNode(WORKER | COORDINATOR);
    }

    /// @notice Gives a staker TLY and lets the staking manager draw it.
    function fund(address account, uint128 amount) internal {
        giveTally(account, amount);
        vm.prank(account);
        house.token.approve(address(house.staking), amount);
    }

    /// @notice Deposits behind the node without activating.
    function deposit(address account, uint128 amount) internal {
        fund(account, amount);
        vm.prank(account);
        house.staking.stake(node.id, amount);
    }

    /// @notice Deposits behind the node, waits, activates.
    function bond(address account, uint128 amount) internal {
        stakeBehind(node, account, amount);
    }

    /// @notice Begins to thaw some shares.
    function thaw(address account, uint128 shares) internal {
        vm.prank(account);
        house.staking.requestUnstake(node.id, shares);
    }

    /// @notice Begins to thaw all that an account has behind the node.
    function thawAll(address account) internal {
        thaw(account, positionOf(account).shares);
    }

    function withdraw(address account) internal returns (uint128) {
        vm.prank(account);
        return house.staking.withdraw(node.id);
    }

    /// @notice Locks stake of the node, which sits as coordinator of a job without workers.
    function lockStake(uint128 amount) internal {
        vm.prank(address(house.jobs));
        house.staking.lock(seatOf(node), noSeats(), amount);
    }

    function unlockStake(uint128 amount) internal {
        vm.prank(address(house.jobs));
        house.staking.unlock(seatOf(node), noSeats(), amount, 0);
    }

    /// @notice Slashes the node; all of it is burned.
    function slash(uint128 amount, uint128 release) internal returns (uint128) {
        vm.prank(address(house.slashing));
        return house.staking.slash(node.id, amount, release, noCuts());
    }

    /// @notice Locks stake of the node for a job and slashes all of that.
    function lockAndSlash(uint128 amount) internal returns (uint128) {
        lockStake(amount);
        return slash(amount, amount);
    }

    function pauseStaking() internal {
        vm.prank(pauser);
        HouseContract(address(house.staking)).pause();
    }

    function pool() internal view returns (IStakingManager.Pool memory) {
        return house.staking.poolOf(node.id);
    }

    function positionOf(address account) internal view returns (IStakingManager.Position memory) {
        return house.staking.positionOf(node.id, account);
    }

    function seatOf(TestNode memory node_) internal pure returns (Seat) {
        return SeatLibrary.seatOf(node_.id, node_.signer);
    }

    function seatsOf(TestNode memory first, TestNode memory second)
        internal
        pure
        returns (Seat[] memory seats)
    {
        seats = new Seat[](2);
        (seats[0], seats[1]) = (seatOf(first), seatOf(second));
    }

    function noSeats() internal pure returns (Seat[] memory) {
        return new Seat[](0);
    }

    function noCuts() internal pure returns (IStakingManager.SlashShare[] memory) {
        return new IStakingManager.SlashShare[](0);
    }

    function expectInvalidAmount(uint256 given, uint256 available) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingManager.StakingManagerInvalidAmount.selector, given, available
            )
        );
    }

    function expectNotYet(uint40 from) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingManager.StakingManagerNotYet.selector, from, block.timestamp
            )
        );
    }

    function expectInsufficientStake(NodeId node_, uint256 free, uint256 needed) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingManager.StakingManagerInsufficientStake.selector, node_, free, needed
            )
        );
    }

    function expectNotJobs(address caller) internal {
        vm.expectRevert(
            abi.encodeWithSelector(IStakingManager.StakingManagerNotJobs.selector, caller)
        );
    }

    function expectMissingRole(address account, bytes32 role) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControl.AccessControlUnauthorizedAccount.selector, account, role
            )
        );
    }

    function expectUnknownNode(NodeId node_) internal {
        vm.expectRevert(
            abi.encodeWithSelector(IStakingManager.StakingManagerUnknownNode.selector, node_)
        );
    }

    function expectLocked(uint256 remaining, uint256 locked) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingManager.StakingManagerLocked.selector, node.id, remaining, locked
            )
        );
    }

    function assertStatus(INodeRegistry.NodeStatus expected) internal view {
        assertEq(uint8(house.registry.nodeOf(node.id).status), uint8(expected));
    }

    function assertPool(uint128 stake, uint128 shares, uint128 thawing, uint128 thawShares)
        internal
        view
    {
        IStakingManager.Pool memory actual = pool();
        assertEq(actual.stake, stake, "stake");
        assertEq(actual.shares, shares, "shares");
        assertEq(actual.thawing, thawing, "thawing");
        assertEq(actual.thawShares, thawShares, "thawShares");
    }
}
