// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../../contracts/base/HouseContract.sol";
import { IPaymentManager } from "../../../contracts/interfaces/IPaymentManager.sol";
import { Funding } from "../../../contracts/types/JobRules.sol";
import { PaymentTest } from "../../base/PaymentTest.sol";
import { FeeToken } from "../../tokens/FeeToken.sol";
import { IERC20Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

/// @notice The chain lane takes a client's money.
contract PaymentManagerTake is PaymentTest {
    function test_MovesFreeBalanceIntoTheLane() public {
        depositAs(dollar, client, 100);
        takeFree(client, 60);
        assertEq(free(client), 40);
        assertEq(house.payments.chainLaneOf(address(dollar)), 60);
        assertEq(house.payments.totalOf(address(dollar)), 100);
    }

    function test_PullsOnlyWhatIsMissing() public {
        depositAs(dollar, client, 100);
        equip(dollar, client, 50);
        _take(130, Funding.Allowance);
        assertEq(free(client), 0);
        assertEq(dollar.balanceOf(client), 20);
        assertEq(house.payments.chainLaneOf(address(dollar)), 130);
        assertEq(house.payments.totalOf(address(dollar)), 130);
    }

    function test_PullsNothingWhereTheFreeBalanceSuffices() public {
        depositAs(dollar, client, 100);
        equip(dollar, client, 50);
        _take(100, Funding.Allowance);
        assertEq(dollar.balanceOf(client), 50);
    }

    function test_WorksWhileDepositsArePaused() public {
        depositAs(dollar, client, 1);
        vm.prank(pauser);
        HouseContract(address(house.payments)).pause();
        takeFree(client, 1);
        assertEq(house.payments.chainLaneOf(address(dollar)), 1);
    }

    function test_RevertWhen_TheBalanceIsTooSmall() public {
        depositAs(dollar, client, 100);
        equip(dollar, client, 50);
        expectInsufficient(client, 100, 101);
        _take(101, Funding.Balance);
        expectInsufficient(client, 100, 101);
        _take(101, Funding.PullAtSettlement);
    }

    function test_RevertWhen_TheAllowanceIsTooSmall() public {
        equip(dollar, client, 50);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector, address(house.payments), 50, 51
            )
        );
        _take(51, Funding.Allowance);
    }

    function test_RevertGiven_TheTokenKeepsAFee() public {
        FeeToken token = new FeeToken();
        accept(address(token));
        token.setFee(100_000);
        equip(token, client, 50);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPaymentManager.PaymentManagerWrongAmountReceived.selector, address(token), 50, 45
            )
        );
        vm.prank(address(house.jobs));
        house.payments.take(client, address(token), 50, Funding.Allowance);
    }

    function test_RevertGiven_TheTotalWouldNotFit() public {
        depositAs(dollar, stranger, type(uint128).max);
        equip(dollar, client, 1);
        expectInsufficient(client, type(uint128).max, uint256(type(uint128).max) + 1);
        _take(1, Funding.Allowance);
    }

    function test_RevertWhen_TheCallerIsNotTheJobManager() public {
        depositAs(dollar, client, 100);
        expectNotJobs(client);
        vm.prank(client);
        house.payments.take(client, address(dollar), 1, Funding.Balance);
    }

    function _take(uint128 amount, Funding funding) private {
        vm.prank(address(house.jobs));
        house.payments.take(client, address(dollar), amount, funding);
    }
}
