// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobParameters } from "../../../contracts/types/JobParameters.sol";
import { RecoveryTest } from "../../base/RecoveryTest.sol";

contract JobRecoveryParametersOf is RecoveryTest {
    function test_TellsWhatNewJobsLiveUnder() public view {
        JobParameters p = house.jobs.parametersOf(address(dollar));
        assertEq(p.version(), house.profile.currentVersion());
        assertEq(p.coordinatorPpm(), 50_000);
        assertEq(p.secondariesPpm(), 300_000);
        assertEq(p.protocolPpm(), 20_000);
        assertEq(p.challengeBondPpm(), 100_000);
        assertEq(p.lockPpm(), LOCK_PPM);
        assertEq(p.lockShift(), 12);
        assertEq(p.challengeWindowSeconds(), CHALLENGE_WINDOW);
        assertEq(p.verdictWindowSeconds(), VERDICT_WINDOW);
        assertEq(p.leaseSeconds(), LEASE);
        assertEq(p.maxJobSeconds(), MAX_JOB);
        assertEq(p.maxAttempts(), 3);
    }

    function test_IsZeroForATokenThatIsNotAccepted() public view {
        assertEq(JobParameters.unwrap(house.jobs.parametersOf(stranger)), 0);
    }
}
