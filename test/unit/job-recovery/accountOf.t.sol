// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobCase, RecoveryTest } from "../../base/RecoveryTest.sol";

contract JobRecoveryAccountOf is RecoveryTest {
    function test_TellsBalanceAndFeesOfOneToken() public {
        JobCase memory c = proposed(quorumTerms());
        pass(CHALLENGE_WINDOW);
        settleAs(coordinator.signer, c);

        address owner = coordinator.id.accountOf();
        (uint128 balance, uint128 fees) = house.jobs.accountOf(owner, address(dollar));
        assertEq(balance, COORDINATOR_SHARE + TIP);
        assertEq(fees, PROTOCOL_SHARE);

        (balance, fees) = house.jobs.accountOf(owner, address(house.token));
        assertEq(balance, 0);
        assertEq(fees, 0);
    }
}
