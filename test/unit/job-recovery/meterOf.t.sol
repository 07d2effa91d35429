// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobCase, RecoveryTest } from "../../base/RecoveryTest.sol";

contract JobRecoveryMeterOf is RecoveryTest {
    function test_TellsMoneyBeatAndStop() public {
        JobCase memory c = opened(rateTerms());
        _assertMeter(c, 0, 0, 0);
        c.assignment = assign(c.id, c.job, 1);
        uint256 startedAt = block.timestamp;
        _assertMeter(c, 0, startedAt, 0);
        topUp(c, 6);
        pass(9);
        stop(c);
        _assertMeter(c, 6, startedAt, startedAt + 9);
    }

    function test_StartsAgainWithTheNextAttempt() public {
        JobCase memory c = assigned(rateTerms(), 1);
        pass(50);
        heartbeat(c);
        release(c);
        pass(10);
        assignAgain(c, 1);
        _assertMeter(c, 0, block.timestamp, 0);
    }

    function _assertMeter(JobCase memory c, uint128 toppedUp, uint256 lastBeat, uint256 stoppedAt)
        private
        view
    {
        (uint128 toppedUp_, uint40 lastBeat_, uint40 stoppedAt_) = house.jobs.meterOf(c.id);
        assertEq(toppedUp_, toppedUp);
        assertEq(lastBeat_, lastBeat);
        assertEq(stoppedAt_, stoppedAt);
    }
}
