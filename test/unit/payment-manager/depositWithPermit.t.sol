// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../../contracts/base/HouseContract.sol";
import { IPaymentManager } from "../../../contracts/interfaces/IPaymentManager.sol";
import { PaymentTest } from "../../base/PaymentTest.sol";
import {
    PausableUpgradeable
} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";
import { IERC20Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

/// @notice Tokens come in with a signed permit.
contract PaymentManagerDepositWithPermit is PaymentTest {
    bytes32 private constant PERMIT_TYPEHASH = keccak256(
        "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
    );
    uint128 private constant AMOUNT = 500;

    function setUp() public override {
        super.setUp();
        dollar.mint(client, AMOUNT);
    }

    function test_NeedsNoAllowance() public {
        (uint8 v, bytes32 r, bytes32 s) = _sign(AMOUNT, block.timestamp);
        vm.expectEmit(address(house.payments));
        emit IPaymentManager.Deposited(address(dollar), client, client, AMOUNT);
        _deposit(AMOUNT, block.timestamp, v, r, s);
        assertEq(free(client), AMOUNT);
        assertEq(dollar.allowance(client, address(house.payments)), 0);
    }

    function test_APermitThatSomebodyUsedFirstIsNoObstacle() public {
        (uint8 v, bytes32 r, bytes32 s) = _sign(AMOUNT, block.timestamp);
        vm.prank(stranger);
        dollar.permit(client, address(house.payments), AMOUNT, block.timestamp, v, r, s);
        _deposit(AMOUNT, block.timestamp, v, r, s);
        assertEq(free(client), AMOUNT);
    }

    function test_ATokenWithoutPermitsNeedsAnAllowance() public {
        accept(address(house.token));
        giveTally(client, 5);
        vm.startPrank(client);
        house.token.approve(address(house.payments), 5);
        house.payments.depositWithPermit(address(house.token), 5, 0, 0, 0, 0);
        vm.stopPrank();
        assertEq(house.payments.freeOf(client, address(house.token)), 5);
    }

    function test_RevertGiven_ThePermitIsWorthNothing() public {
        (uint8 v, bytes32 r, bytes32 s) = _sign(AMOUNT - 1, block.timestamp);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector, address(house.payments), 0, AMOUNT
            )
        );
        _deposit(AMOUNT, block.timestamp, v, r, s);
    }

    function test_RevertWhen_SomebodyElseBringsThePermit() public {
        (uint8 v, bytes32 r, bytes32 s) = _sign(AMOUNT, block.timestamp);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector, address(house.payments), 0, AMOUNT
            )
        );
        vm.prank(stranger);
        house.payments.depositWithPermit(address(dollar), AMOUNT, block.timestamp, v, r, s);
    }

    function test_RevertWhen_TheTokenIsNotAccepted() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IPaymentManager.PaymentManagerTokenNotAccepted.selector, stranger
            )
        );
        vm.prank(client);
        house.payments.depositWithPermit(stranger, AMOUNT, 0, 0, 0, 0);
    }

    function test_RevertWhen_TheAmountIsZero() public {
        vm.expectRevert(IPaymentManager.PaymentManagerZero.selector);
        _deposit(0, 0, 0, 0, 0);
    }

    function test_RevertGiven_DepositsArePaused() public {
        vm.prank(pauser);
        HouseContract(address(house.payments)).pause();
        vm.expectRevert(PausableUpgradeable.EnforcedPause.selector);
        _deposit(AMOUNT, 0, 0, 0, 0);
    }

    function _deposit(uint128 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) private {
        vm.prank(client);
        house.payments.depositWithPermit(address(dollar), amount, deadline, v, r, s);
    }

    function _sign(uint256 value, uint256 deadline)
        private
        view
        returns (uint8 v, bytes32 r, bytes32 s)
    {
        bytes32 permit = keccak256(
            abi.encode(
                PERMIT_TYPEHASH,
                client,
                address(house.payments),
                value,
                dollar.nonces(client),
                deadline
            )
        );
        bytes32 digest = keccak256(bytes.concat(hex"1901", dollar.DOMAIN_SEPARATOR(), permit));
        return vm.sign(clientKey, digest);
    }
}
