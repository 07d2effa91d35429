// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../../contracts/base/HouseContract.sol";
import { IPaymentManager } from "../../../contracts/interfaces/IPaymentManager.sol";
import { PaymentTest } from "../../base/PaymentTest.sol";
import { BlocklistToken } from "../../tokens/BlocklistToken.sol";
import { FalseToken } from "../../tokens/FalseToken.sol";
import { RebasingToken } from "../../tokens/RebasingToken.sol";
import { IERC20Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @notice Tokens go out.
contract PaymentManagerWithdraw is PaymentTest {
    function test_SendsFreeBalanceAnywhere() public {
        depositAs(dollar, client, 100);
        vm.expectEmit(address(house.payments));
        emit IPaymentManager.Withdrawn(address(dollar), client, payee, 30);
        _withdraw(address(dollar), client, 30, payee);

        assertEq(dollar.balanceOf(payee), 30);
        assertEq(free(client), 70);
        assertEq(house.payments.totalOf(address(dollar)), 70);
    }

    function test_WorksWhilePausedAndAfterTheTokenIsGone() public {
        depositAs(dollar, client, 100);
        vm.prank(pauser);
        HouseContract(address(house.payments)).pause();
        vm.prank(address(house.timelock));
        house.profile.disallowToken(address(dollar));
        _withdraw(address(dollar), client, 100, client);
        assertEq(dollar.balanceOf(client), 100);
    }

    function test_ABlockedPayeeHurtsOnlyItself() public {
        BlocklistToken token = new BlocklistToken();
        accept(address(token));
        depositAs(token, client, 50);
        depositAs(token, stranger, 50);
        token.block_(stranger, true);

        vm.expectRevert(
            abi.encodeWithSelector(BlocklistToken.BlocklistTokenBlocked.selector, stranger)
        );
        _withdraw(address(token), stranger, 50, stranger);
        _withdraw(address(token), client, 50, client);
        assertEq(token.balanceOf(client), 50);

        _withdraw(address(token), stranger, 50, payee);
        assertEq(token.balanceOf(payee), 50);
    }

    function test_ARebaseDownHurtsTheLastOfItsOwnTokenAndNobodyElse() public {
        RebasingToken token = new RebasingToken();
        accept(address(token));
        depositAs(token, client, 100);
        depositAs(token, stranger, 100);
        depositAs(dollar, client, 100);
        token.rebase(500_000);

        _withdraw(address(token), client, 100, client);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientBalance.selector, address(house.payments), 0, 200
            )
        );
        _withdraw(address(token), stranger, 100, stranger);
        _withdraw(address(dollar), client, 100, client);
        assertEq(dollar.balanceOf(client), 100);
    }

    function test_ATransferThatIsRefusedKeepsTheBalance() public {
        FalseToken token = new FalseToken();
        accept(address(token));
        depositAs(token, client, 10);
        token.setRefuses(true);
        vm.expectRevert(
            abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token))
        );
        _withdraw(address(token), client, 10, client);
        assertEq(house.payments.freeOf(client, address(token)), 10);
        assertEq(house.payments.totalOf(address(token)), 10);
    }

    function test_RevertWhen_AmountOrRecipientIsZero() public {
        depositAs(dollar, client, 10);
        vm.expectRevert(IPaymentManager.PaymentManagerZero.selector);
        _withdraw(address(dollar), client, 0, client);
        vm.expectRevert(IPaymentManager.PaymentManagerZero.selector);
        _withdraw(address(dollar), client, 1, address(0));
    }

    function test_RevertWhen_TheBalanceIsTooSmall() public {
        depositAs(dollar, client, 10);
        depositAs(dollar, stranger, 10);
        expectInsufficient(client, 10, 11);
        _withdraw(address(dollar), client, 11, client);
    }

    function test_RevertGiven_TheMoneyIsPromised() public {
        depositAs(dollar, client, 10);
        vm.prank(client);
        house.payments.fundLane(address(dollar), LANE, 4);
        takeFree(client, 5);
        expectInsufficient(client, 1, 2);
        _withdraw(address(dollar), client, 2, client);
    }

    function _withdraw(address token, address owner, uint128 amount, address to) private {
        vm.prank(owner);
        house.payments.withdraw(token, amount, to);
    }
}
