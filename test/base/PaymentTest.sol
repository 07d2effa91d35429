// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INetworkProfile } from "../../contracts/interfaces/INetworkProfile.sol";
import { IPaymentManager } from "../../contracts/interfaces/IPaymentManager.sol";
import { Funding } from "../../contracts/types/JobRules.sol";
import { NodeId } from "../../contracts/types/NodeId.sol";
import { DevelopmentDollar } from "../tokens/DevelopmentDollar.sol";
import { HouseTest } from "./HouseTest.sol";

/// @title Payment test
/// @notice Chores of tests that move money: accepted tokens, approved owners, calls as the
/// chain lane.
abstract contract PaymentTest is HouseTest {
    NodeId internal constant LANE = NodeId.wrap(7);

    address internal payee = makeAddr("payee");

    /// @notice Puts a token on the list.
    function accept(address token) internal {
        vm.prank(address(house.timelock));
        house.profile
            .allowToken(token, INetworkProfile.TokenTerms({ lockPpm: LOCK_PPM, lockShift: 12 }));
    }

    /// @notice Gives somebody tokens that the payment manager may pull.
    function equip(DevelopmentDollar token, address owner, uint128 amount) internal {
        token.mint(owner, amount);
        vm.prank(owner);
        token.approve(address(house.payments), amount);
    }

    /// @notice Gives somebody a free balance in any token.
    function depositAs(DevelopmentDollar token, address owner, uint128 amount) internal {
        equip(token, owner, amount);
        vm.prank(owner);
        house.payments.deposit(address(token), owner, amount);
    }

    /// @notice Moves free balance into the chain lane.
    function takeFree(address owner, uint128 amount) internal {
        vm.prank(address(house.jobs));
        house.payments.take(owner, address(dollar), amount, Funding.Balance);
    }

    /// @notice What an owner has free in dollars.
    function free(address owner) internal view returns (uint128) {
        return house.payments.freeOf(owner, address(dollar));
    }

    /// @notice The client's lane in dollars.
    function lane() internal view returns (IPaymentManager.Lane memory) {
        return house.payments.laneOf(client, address(dollar), LANE);
    }

    /// @notice Expects that the next call finds too little.
    function expectInsufficient(address owner, uint256 available, uint256 needed) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                IPaymentManager.PaymentManagerInsufficientBalance.selector,
                address(dollar),
                owner,
                available,
                needed
            )
        );
    }

    /// @notice Expects that the next call refuses who makes it.
    function expectNotJobs(address caller) internal {
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentManager.PaymentManagerNotJobs.selector, caller)
        );
    }
}
