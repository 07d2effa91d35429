// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobParameters, JobParametersLibrary } from "../../contracts/types/JobParameters.sol";
import { Test } from "forge-std/Test.sol";

/// @notice Parameters in one word.
contract JobParametersFuzz is Test {
    uint24 private constant WHOLE_PPM = 1_000_000;

    function testFuzz_RoundTrips(JobParametersLibrary.Fields memory f) public pure {
        _bound(f);
        JobParameters p = JobParametersLibrary.pack(f);
        assertEq(p.version(), f.version);
        assertEq(p.coordinatorPpm(), f.coordinatorPpm);
        assertEq(p.secondariesPpm(), f.secondariesPpm);
        assertEq(p.protocolPpm(), f.protocolPpm);
        assertEq(p.challengeBondPpm(), f.challengeBondPpm);
        assertEq(p.lockPpm(), f.lockPpm);
        assertEq(p.lockShift(), f.lockShift);
        assertEq(p.challengeWindowSeconds(), f.challengeWindowSeconds);
        assertEq(p.verdictWindowSeconds(), f.verdictWindowSeconds);
        assertEq(p.leaseSeconds(), f.leaseSeconds);
        assertEq(p.maxJobSeconds(), f.maxJobSeconds);
        assertEq(p.maxAttempts(), f.maxAttempts);
        assertEq(JobParameters.unwrap(p) >> 248, 0);
    }

    function testFuzz_EveryWordIsExactlyItsFields(uint256 word) public pure {
        word &= (1 << 248) - 1;
        JobParameters p = JobParameters.wrap(word);
        JobParametersLibrary.Fields memory f;
        f.version = p.version();
        f.coordinatorPpm = uint24(p.coordinatorPpm());
        f.secondariesPpm = uint24(p.secondariesPpm());
        f.protocolPpm = uint24(p.protocolPpm());
        f.challengeBondPpm = uint24(p.challengeBondPpm());
        f.lockPpm = uint32(p.lockPpm());
        f.lockShift = uint8(p.lockShift());
        f.challengeWindowSeconds = uint24(p.challengeWindowSeconds());
        f.verdictWindowSeconds = uint24(p.verdictWindowSeconds());
        f.leaseSeconds = uint24(p.leaseSeconds());
        f.maxJobSeconds = uint24(p.maxJobSeconds());
        f.maxAttempts = p.maxAttempts();
        assertEq(JobParameters.unwrap(JobParametersLibrary.pack(f)), word);
    }

    function testFuzz_HaltingChangesNothingElse(uint256 word, bool halted) public pure {
        JobParameters p = JobParameters.wrap(word);
        JobParameters next = p.withHalted(halted);
        assertEq(next.isHalted(), halted);
        uint256 kept = (1 << 248) - 1;
        assertEq(JobParameters.unwrap(next) & kept, word & kept);
    }

    /// Shares as the network profile bounds them.
    function _bound(JobParametersLibrary.Fields memory f) private pure {
        f.coordinatorPpm = uint24(bound(f.coordinatorPpm, 0, WHOLE_PPM));
        f.secondariesPpm = uint24(bound(f.secondariesPpm, 0, WHOLE_PPM));
        f.protocolPpm = uint24(bound(f.protocolPpm, 0, WHOLE_PPM));
        f.challengeBondPpm = uint24(bound(f.challengeBondPpm, 0, WHOLE_PPM));
    }
}
