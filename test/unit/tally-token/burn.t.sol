// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseTest } from "../../base/HouseTest.sol";
import { IERC20Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

contract TallyTokenBurn is HouseTest {
    function setUp() public override {
        super.setUp();
        giveTally(client, 100);
    }

    function test_TheSupplyIsFixedAtTheStartAndBelongsToTheTreasury() public view {
        assertEq(house.token.INITIAL_SUPPLY(), 1_000_000_000e18);
        assertEq(house.token.totalSupply(), house.token.INITIAL_SUPPLY());
        assertEq(house.token.balanceOf(treasury), house.token.INITIAL_SUPPLY() - 100);
        assertEq(house.token.name(), "Tally");
        assertEq(house.token.symbol(), "TLY");
        assertEq(house.token.decimals(), 18);
    }

    function test_ReducesBalanceSupplyAndVotes() public {
        vm.startPrank(client);
        house.token.delegate(client);
        house.token.burn(40);
        vm.stopPrank();
        assertEq(house.token.balanceOf(client), 60);
        assertEq(house.token.totalSupply(), house.token.INITIAL_SUPPLY() - 40);
        assertEq(house.token.getVotes(client), 60);
        uint256 burned = block.timestamp;
        pass(1);
        assertEq(house.token.getPastTotalSupply(burned), house.token.INITIAL_SUPPLY() - 40);
    }

    function test_RevertWhen_AmountExceedsTheBalance() public {
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, client, 100, 101)
        );
        vm.prank(client);
        house.token.burn(101);
    }

    function test_RevertWhen_SomebodyElsesTokensAreBurnedWithoutAllowance() public {
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, stranger, 0, 1)
        );
        vm.prank(stranger);
        house.token.burnFrom(client, 1);
    }
}
