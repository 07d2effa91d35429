// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../../contracts/base/HouseContract.sol";
import { IPaymentManager } from "../../../contracts/interfaces/IPaymentManager.sol";
import { PaymentTest } from "../../base/PaymentTest.sol";
import { DevelopmentDollar } from "../../tokens/DevelopmentDollar.sol";
import { FalseToken } from "../../tokens/FalseToken.sol";
import { FeeToken } from "../../tokens/FeeToken.sol";
import { RevertingToken } from "../../tokens/RevertingToken.sol";

/// @notice The half of `tryPull` that the payment manager calls on itself.
interface IPullsExactly {
    function pullExactly(address client, address token, uint128 amount) external;
}

/// @notice The chain lane asks for money that was promised.
contract PaymentManagerTryPull is PaymentTest {
    uint256 private constant RESERVE = 300_000;

    function test_BringsTheWholeAmountIntoTheLane() public {
        equip(dollar, client, 50);
        assertTrue(_pull(dollar, 50));
        assertEq(house.payments.chainLaneOf(address(dollar)), 50);
        assertEq(house.payments.totalOf(address(dollar)), 50);
        assertEq(free(client), 0);
    }

    function test_LeavesTheFreeBalanceAlone() public {
        depositAs(dollar, client, 70);
        assertFalse(_pull(dollar, 50));
        assertEq(free(client), 70);
        equip(dollar, client, 50);
        assertTrue(_pull(dollar, 50));
        assertEq(free(client), 70);
    }

    function test_SaysNoWithoutAllowanceOrTokens() public {
        equip(dollar, client, 50);
        assertFalse(_pull(dollar, 51));
        vm.prank(client);
        dollar.approve(address(house.payments), 51);
        assertFalse(_pull(dollar, 51));
        assertEq(dollar.balanceOf(client), 50);
        assertEq(house.payments.totalOf(address(dollar)), 0);
    }

    function test_SaysNoToEveryTokenThatMisbehaves() public {
        FeeToken fee = new FeeToken();
        fee.setFee(1000);
        equip(fee, client, 5000);
        assertFalse(_pull(fee, 5000));
        assertEq(fee.balanceOf(client), 5000);

        FalseToken no = new FalseToken();
        equip(no, client, 50);
        no.setRefuses(true);
        assertFalse(_pull(no, 50));

        RevertingToken stopped = new RevertingToken();
        equip(stopped, client, 50);
        stopped.setFailure(RevertingToken.Failure.Reverts);
        assertFalse(_pull(stopped, 50));

        assertFalse(_pull(DevelopmentDollar(stranger), 50));
    }

    function test_SaysNoAtBoundedCostWhereTheTokenBurnsAllGas() public {
        RevertingToken hungry = new RevertingToken();
        equip(hungry, client, 50);
        hungry.setFailure(RevertingToken.Failure.BurnsGas);
        uint256 gas = gasleft();
        assertFalse(_pull(hungry, 50));
        assertLt(gas - gasleft(), RESERVE);
    }

    function test_SaysNoWhereTheTotalWouldNotFit() public {
        depositAs(dollar, stranger, type(uint128).max);
        equip(dollar, client, 1);
        assertFalse(_pull(dollar, 1));
    }

    function test_WorksWhileDepositsArePausedAndAfterTheTokenIsGone() public {
        equip(dollar, client, 50);
        vm.prank(pauser);
        HouseContract(address(house.payments)).pause();
        vm.prank(address(house.timelock));
        house.profile.disallowToken(address(dollar));
        assertTrue(_pull(dollar, 50));
    }

    function test_AGoodTokenIsNeverJudgedWithTooLittleGas() public {
        equip(dollar, client, 50);
        bytes memory data =
            abi.encodeCall(house.payments.tryPull, (client, address(dollar), uint128(50)));
        for (uint256 gas = 20_000; gas < 500_000; gas += 5000) {
            uint256 snapshot = vm.snapshotState();
            vm.prank(address(house.jobs));
            (bool ok, bytes memory answer) = address(house.payments).call{ gas: gas }(data);
            assertTrue(!ok || abi.decode(answer, (bool)));
            vm.revertToState(snapshot);
        }
    }

    function test_RevertWhen_TheGasIsTooLittle() public {
        equip(dollar, client, 50);
        vm.expectPartialRevert(IPaymentManager.PaymentManagerTooLittleGas.selector);
        vm.prank(address(house.jobs));
        house.payments.tryPull{ gas: RESERVE }(client, address(dollar), 50);
    }

    function test_RevertWhen_TheCallerIsNotTheJobManager() public {
        expectNotJobs(client);
        vm.prank(client);
        house.payments.tryPull(client, address(dollar), 1);
    }

    function test_RevertWhen_SomebodyCallsTheInnerHalf() public {
        IPullsExactly payments = IPullsExactly(address(house.payments));
        equip(dollar, client, 50);
        expectNotJobs(address(house.jobs));
        vm.prank(address(house.jobs));
        payments.pullExactly(client, address(dollar), 50);
        expectNotJobs(stranger);
        vm.prank(stranger);
        payments.pullExactly(client, address(dollar), 50);
    }

    function _pull(DevelopmentDollar token, uint128 amount) private returns (bool) {
        vm.prank(address(house.jobs));
        return house.payments.tryPull(client, address(token), amount);
    }
}
