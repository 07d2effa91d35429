// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../../contracts/base/HouseContract.sol";
import { IPaymentManager } from "../../../contracts/interfaces/IPaymentManager.sol";
import { PaymentTest } from "../../base/PaymentTest.sol";
import { stdError } from "forge-std/StdError.sol";

/// @notice The chain lane pays out to free balances.
contract PaymentManagerGive is PaymentTest {
    function setUp() public override {
        super.setUp();
        depositAs(dollar, client, 100);
        takeFree(client, 100);
    }

    function test_TheMoneyIsFreeAtItsOwner() public {
        _give(payee, 30);
        assertEq(free(payee), 30);
        assertEq(house.payments.chainLaneOf(address(dollar)), 70);
        assertEq(house.payments.totalOf(address(dollar)), 100);
    }

    function test_ZeroStandsForTheTreasury() public {
        _give(address(0), 30);
        assertEq(free(treasury), 30);
        assertEq(free(address(0)), 0);
    }

    function test_WorksWhileDepositsArePaused() public {
        vm.prank(pauser);
        HouseContract(address(house.payments)).pause();
        _give(payee, 100);
        assertEq(free(payee), 100);
    }

    function test_RevertWhen_TheLaneHoldsLess() public {
        vm.expectRevert(stdError.arithmeticError);
        _give(payee, 101);
    }

    function test_RevertWhen_TheCallerIsNotTheJobManager() public {
        expectNotJobs(treasury);
        vm.prank(treasury);
        house.payments.give(treasury, address(dollar), 1);
    }

    function _give(address owner, uint128 amount) private {
        vm.prank(address(house.jobs));
        house.payments.give(owner, address(dollar), amount);
    }
}
