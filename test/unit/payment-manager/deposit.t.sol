// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../../contracts/base/HouseContract.sol";
import { IPaymentManager } from "../../../contracts/interfaces/IPaymentManager.sol";
import { PaymentTest } from "../../base/PaymentTest.sol";
import { DevelopmentDollar } from "../../tokens/DevelopmentDollar.sol";
import { FalseToken } from "../../tokens/FalseToken.sol";
import { FeeToken } from "../../tokens/FeeToken.sol";
import { RebasingToken } from "../../tokens/RebasingToken.sol";
import { RevertingToken } from "../../tokens/RevertingToken.sol";
import { SilentToken } from "../../tokens/SilentToken.sol";
import {
    PausableUpgradeable
} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";
import { IERC20Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @notice Tokens come in.
contract PaymentManagerDeposit is PaymentTest {
    function test_BooksWhatArrived() public {
        equip(dollar, client, 100);
        vm.expectEmit(address(house.payments));
        emit IPaymentManager.Deposited(address(dollar), client, client, 60);
        _deposit(address(dollar), client, client, 60);

        assertEq(free(client), 60);
        assertEq(house.payments.totalOf(address(dollar)), 60);
        assertEq(dollar.balanceOf(address(house.payments)), 60);
        assertEq(dollar.balanceOf(client), 40);
    }

    function test_BooksAGiftForSomebodyElse() public {
        equip(dollar, stranger, 5);
        vm.expectEmit(address(house.payments));
        emit IPaymentManager.Deposited(address(dollar), client, stranger, 5);
        _deposit(address(dollar), stranger, client, 5);
        assertEq(free(client), 5);
        assertEq(free(stranger), 0);
    }

    function test_IgnoresTokensThatWereSentWithoutADeposit() public {
        depositAs(dollar, client, 10);
        dollar.mint(address(house.payments), 1_000_000);
        depositAs(dollar, stranger, 3);

        assertEq(free(client), 10);
        assertEq(free(stranger), 3);
        assertEq(house.payments.totalOf(address(dollar)), 13);
    }

    function test_AcceptsATokenThatReturnsNothing() public {
        SilentToken silent = new SilentToken();
        accept(address(silent));
        silent.mint(client, 9);
        vm.prank(client);
        silent.approve(address(house.payments), 9);
        _deposit(address(silent), client, client, 9);
        assertEq(house.payments.freeOf(client, address(silent)), 9);
    }

    function test_AcceptsAsMuchAsFits() public {
        depositAs(dollar, client, type(uint128).max);
        assertEq(free(client), type(uint128).max);
    }

    function test_RevertGiven_TheTotalWouldNotFit() public {
        depositAs(dollar, client, type(uint128).max - 1);
        equip(dollar, stranger, 2);
        expectInsufficient(stranger, type(uint128).max, uint256(type(uint128).max) + 1);
        _deposit(address(dollar), stranger, stranger, 2);
        _deposit(address(dollar), stranger, stranger, 1);
        assertEq(house.payments.totalOf(address(dollar)), type(uint128).max);
    }

    function test_RevertWhen_TheTokenIsNotAccepted() public {
        DevelopmentDollar other = new DevelopmentDollar();
        equip(other, client, 5);
        _expectNotAccepted(address(other));
        _deposit(address(other), client, client, 5);
    }

    function test_RevertGiven_TheTokenIsNoLongerAccepted() public {
        equip(dollar, client, 5);
        vm.prank(address(house.timelock));
        house.profile.disallowToken(address(dollar));
        _expectNotAccepted(address(dollar));
        _deposit(address(dollar), client, client, 5);
    }

    function test_RevertWhen_AmountOrAccountIsZero() public {
        equip(dollar, client, 5);
        vm.expectRevert(IPaymentManager.PaymentManagerZero.selector);
        _deposit(address(dollar), client, client, 0);
        vm.expectRevert(IPaymentManager.PaymentManagerZero.selector);
        _deposit(address(dollar), client, address(0), 5);
    }

    function test_RevertWhen_TheAllowanceIsTooSmall() public {
        equip(dollar, client, 5);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector, address(house.payments), 5, 6
            )
        );
        _deposit(address(dollar), client, client, 6);
    }

    function test_RevertGiven_TheTokenKeepsAFee() public {
        FeeToken token = new FeeToken();
        accept(address(token));
        token.setFee(10_000);
        equip(token, client, 1000);
        _expectWrongAmount(address(token), 1000, 990);
        _deposit(address(token), client, client, 1000);
        token.setFee(1_000_000);
        _expectWrongAmount(address(token), 1000, 0);
        _deposit(address(token), client, client, 1000);
        assertEq(house.payments.totalOf(address(token)), 0);
    }

    function test_RevertGiven_TheTokenSaysNo() public {
        FalseToken token = new FalseToken();
        accept(address(token));
        equip(token, client, 10);
        token.setRefuses(true);
        vm.expectRevert(
            abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token))
        );
        _deposit(address(token), client, client, 10);
    }

    function test_RevertGiven_TheTokenReverts() public {
        RevertingToken token = new RevertingToken();
        accept(address(token));
        equip(token, client, 10);
        token.setFailure(RevertingToken.Failure.Reverts);
        vm.expectRevert(RevertingToken.RevertingTokenStopped.selector);
        _deposit(address(token), client, client, 10);
    }

    function test_RevertGiven_TheTokenWasRebasedToUnevenUnits() public {
        RebasingToken token = new RebasingToken();
        accept(address(token));
        equip(token, client, 1000);
        token.rebase(300_000);
        _expectWrongAmount(address(token), 100, 99);
        _deposit(address(token), client, client, 100);
    }

    function test_RevertGiven_DepositsArePaused() public {
        equip(dollar, client, 10);
        vm.prank(pauser);
        HouseContract(address(house.payments)).pause();
        vm.expectRevert(PausableUpgradeable.EnforcedPause.selector);
        _deposit(address(dollar), client, client, 10);
    }

    function _deposit(address token, address from, address account, uint128 amount) private {
        vm.prank(from);
        house.payments.deposit(token, account, amount);
    }

    function _expectNotAccepted(address token) private {
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentManager.PaymentManagerTokenNotAccepted.selector, token)
        );
    }

    function _expectWrongAmount(address token, uint256 asked, uint256 received) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IPaymentManager.PaymentManagerWrongAmountReceived.selector, token, asked, received
            )
        );
    }
}
