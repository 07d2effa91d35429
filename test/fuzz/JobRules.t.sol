// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {
    Funding,
    JobRules,
    JobRulesLibrary,
    Trust,
    Verification
} from "../../contracts/types/JobRules.sol";
import { Test } from "forge-std/Test.sol";

/// @notice Rules in one word.
contract JobRulesFuzz is Test {
    function testFuzz_RoundTrips(
        uint8[3] memory choices,
        uint8[2] memory counts,
        uint40[2] memory times,
        uint64 serviceLevel,
        uint24 version
    ) public pure {
        JobRulesLibrary.Fields memory fields;
        fields.funding = Funding(choices[0] % 3);
        fields.verification = Verification(choices[1] % 3);
        fields.trust = Trust(choices[2] % 3);
        (fields.replicas, fields.quorum) = (counts[0], counts[1]);
        (fields.assignBy, fields.completeBy) = (times[0], times[1]);
        (fields.serviceLevel, fields.parametersVersion) = (serviceLevel, version);

        JobRules rules = JobRulesLibrary.pack(fields);
        assertTrue(rules.isWellFormed());
        assertEq(uint8(rules.funding()), choices[0] % 3);
        assertEq(uint8(rules.verification()), choices[1] % 3);
        assertEq(uint8(rules.trust()), choices[2] % 3);
        assertEq(rules.replicas(), counts[0]);
        assertEq(rules.quorum(), counts[1]);
        assertEq(rules.assignBy(), times[0]);
        assertEq(rules.completeBy(), times[1]);
        assertEq(rules.serviceLevel(), serviceLevel);
        assertEq(rules.parametersVersion(), version);
    }

    function testFuzz_AWellFormedWordIsExactlyItsFields(uint256 word) public pure {
        word &= (1 << 208) - 1;
        word = (word & ~uint256(0xffffff)) | (word % 3) | ((word >> 8) % 3 << 8)
            | ((word >> 16) % 3 << 16);
        JobRules r = JobRules.wrap(word);
        assertTrue(r.isWellFormed());
        JobRules again = JobRulesLibrary.pack(
            JobRulesLibrary.Fields({
                funding: r.funding(),
                verification: r.verification(),
                trust: r.trust(),
                replicas: uint8(r.replicas()),
                quorum: uint8(r.quorum()),
                assignBy: r.assignBy(),
                completeBy: r.completeBy(),
                serviceLevel: r.serviceLevel(),
                parametersVersion: r.parametersVersion()
            })
        );
        assertEq(JobRules.unwrap(again), word);
    }

    function testFuzz_NothingElseIsWellFormed(uint256 word) public pure {
        bool well = word & 0xff <= uint8(type(Funding).max)
            && (word >> 8) & 0xff <= uint8(type(Verification).max)
            && (word >> 16) & 0xff <= uint8(type(Trust).max) && word < 1 << 208;
        assertEq(JobRules.wrap(word).isWellFormed(), well);
    }
}
