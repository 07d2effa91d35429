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
    function testFuzz_RoundTrips(JobRulesLibrary.Fields memory fields) public pure {
        JobRules rules = JobRulesLibrary.pack(fields);
        assertTrue(rules.isWellFormed());
        assertEq(uint8(rules.funding()), uint8(fields.funding));
        assertEq(uint8(rules.verification()), uint8(fields.verification));
        assertEq(uint8(rules.trust()), uint8(fields.trust));
        assertEq(rules.replicas(), fields.replicas);
        assertEq(rules.quorum(), fields.quorum);
        assertEq(rules.assignBy(), fields.assignBy);
        assertEq(rules.completeBy(), fields.completeBy);
        assertEq(rules.serviceLevel(), fields.serviceLevel);
        assertEq(rules.parametersVersion(), fields.parametersVersion);
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
