// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IStakingManager } from "../../contracts/interfaces/IStakingManager.sol";
import { StakingManagerStorage } from "../../contracts/staking/StakingManagerStorage.sol";
import { Seat, SeatLibrary } from "../../contracts/types/Seat.sol";
import { HouseTest, TestNode } from "../base/HouseTest.sol";

/// @notice Where `StakingManager` keeps its state.
contract StakingManagerLayoutProbe is HouseTest, StakingManagerStorage {
    uint128 internal constant AMOUNT = 10_000e18;

    TestNode internal node;
    address internal staker = makeAddr("staker");

    function setUp() public override {
        super.setUp();
        node = bondNode(WORKER, AMOUNT);
        stakeBehind(node, staker, AMOUNT);
        vm.prank(address(house.slashing));
        house.staking.slash(node.id, 2 * AMOUNT, 0, new IStakingManager.SlashShare[](0));

        stakeBehind(node, staker, AMOUNT);
        vm.prank(staker);
        house.staking.requestUnstake(node.id, AMOUNT * 250);
        vm.prank(address(house.jobs));
        house.staking.lock(SeatLibrary.seatOf(node.id, node.signer), new Seat[](0), 7);
        giveTally(staker, 9);
        vm.startPrank(staker);
        house.token.approve(address(house.staking), 9);
        house.staking.stake(node.id, 9);
        vm.stopPrank();
    }

    function test_SlotFollowsTheFormula() public pure {
        uint256 name = uint256(keccak256("tallystick.storage.StakingManager"));
        assertEq(bytes32(slotOf()), keccak256(abi.encode(name - 1)) & ~bytes32(uint256(0xff)));
    }

    function test_PoolsLieInTheFirstSlot() public view {
        uint256 start = uint256(keccak256(abi.encode(node.id, slotOf())));
        assertEq(lowAt(start), AMOUNT * 3 / 4, "stake");
        assertEq(highAt(start), 7, "locked");
        assertEq(lowAt(start + 1), AMOUNT * 750, "shares");
        assertEq(highAt(start + 1), AMOUNT / 4, "thawing");
        assertEq(lowAt(start + 2), AMOUNT * 250, "thawShares");
        assertEq(highAt(start + 2), 1, "epoch");
    }

    function test_PositionsLieInTheSecondSlot() public view {
        bytes32 ofNode = keccak256(abi.encode(node.id, slotOf() + 1));
        uint256 start = uint256(keccak256(abi.encode(staker, ofNode)));
        uint256 word = wordAt(start);
        assertEq(uint128(word), 9, "pending");
        assertEq(uint40(word >> 128), block.timestamp + MATURITY, "pendingUntil");
        assertEq(uint40(word >> 168), block.timestamp + THAW, "thawedAt");
        assertEq(word >> 208, 1, "epoch");
        assertEq(lowAt(start + 1), AMOUNT * 750, "shares");
        assertEq(highAt(start + 1), AMOUNT * 250, "thawShares");
    }

    function test_RulesLieInTheThirdSlot() public view {
        uint256 word = wordAt(slotOf() + 2);
        assertEq(uint128(word), MIN_STAKE);
        assertEq(uint40(word >> 128), MATURITY);
        assertEq(word >> 168, THAW);
    }

    function test_TheInsuranceAccountLiesInTheFourthSlot() public {
        (IStakingManager.StakingRules memory rules,) = house.staking.rules();
        vm.prank(address(house.profile));
        house.staking.setRules(rules, stranger);
        assertEq(wordAt(slotOf() + 3), uint160(stranger));
    }

    function wordAt(uint256 slot) private view returns (uint256) {
        return uint256(vm.load(address(house.staking), bytes32(slot)));
    }

    function lowAt(uint256 slot) private view returns (uint128) {
        return uint128(wordAt(slot));
    }

    function highAt(uint256 slot) private view returns (uint128) {
        return uint128(wordAt(slot) >> 128);
    }

    function slotOf() private pure returns (uint256 slot) {
        Layout storage $ = _layout();
        assembly ("memory-safe") {
            slot := $.slot
        }
    }
}
