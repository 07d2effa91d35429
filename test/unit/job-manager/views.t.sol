// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobState, JobTerms } from "../../../contracts/types/Job.sol";
import { JobId } from "../../../contracts/types/JobId.sol";
import { JobParameters } from "../../../contracts/types/JobParameters.sol";
import { JobPrice } from "../../../contracts/types/JobPrice.sol";
import { JobRules } from "../../../contracts/types/JobRules.sol";
import { JobStage, JobStageTest } from "../../base/JobStageTest.sol";

/// @notice What the chain lane tells about itself: ids, digests, amounts and states.
contract JobManagerViews is JobStageTest {
    bytes32 private constant ORDER_TYPEHASH = keccak256(
        "JobOrder(address client,uint256 nonce,bytes32 specification,address token,"
        "uint128 maxPrice,uint128 tip,uint128 ratePerSecond,uint8 funding,uint8 verification,"
        "uint8 trust,uint8 replicas,uint8 quorum,uint40 assignBy,uint40 completeBy,"
        "uint64 serviceLevel,uint24 parametersVersion)"
    );
    string private constant CLAIM =
        "ReceiptClaim(bytes32 jobId,uint8 attempt,bytes32 outputRoot,uint128 cost)";

    function test_AnIdCommitsToChainContractClientNonceAndTerms() public {
        JobTerms memory terms = quorumTerms();
        uint256 nonce = 5 + 3 * NEXT_IN_SLOT;
        bytes memory place = abi.encode(block.chainid, address(house.jobs), client);
        bytes32 slot = keccak256(bytes.concat(place, abi.encode(uint256(5))));
        bytes32 order = keccak256(bytes.concat(place, abi.encode(nonce, terms)));
        uint256 expected = (uint256(order) >> 104 << 104) | (uint256(slot) >> 176 << 24) | 3;
        assertEq(uint256(_idOf(client, nonce, terms)), expected);

        bytes32 base = _idOf(client, 5, terms);
        assertNotEq(_idOf(stranger, 5, terms), base);
        assertNotEq(_idOf(client, 6, terms), base);
        vm.chainId(block.chainid + 1);
        assertNotEq(_idOf(client, 5, terms), base);
    }

    function test_AnIdCommitsToEveryBitOfTheTerms() public view {
        JobTerms memory terms = quorumTerms();
        bytes32 base = _idOf(client, 5, terms);
        for (uint256 bit; bit < 256; ++bit) {
            JobTerms memory other = quorumTerms();
            other.price = JobPrice.wrap(JobPrice.unwrap(terms.price) ^ (1 << bit));
            assertNotEq(_idOf(client, 5, other), base);
            other.price = terms.price;
            other.rules = JobRules.wrap(JobRules.unwrap(terms.rules) ^ (1 << bit));
            assertNotEq(_idOf(client, 5, other), base);
            other.rules = terms.rules;
            other.specification = bytes32(uint256(terms.specification) ^ (1 << bit));
            assertNotEq(_idOf(client, 5, other), base);
        }
        terms.token = address(house.token);
        assertNotEq(_idOf(client, 5, terms), base);
    }

    function test_AnOrderIsTypedDataThatAWalletCanShow() public view {
        JobTerms memory terms = rateTerms();
        bytes memory amounts = abi.encode(PRICE, TIP, 1000);
        JobRules rules = terms.rules;
        bytes memory choices = abi.encode(
            rules.funding(), rules.verification(), rules.trust(), rules.replicas(), rules.quorum()
        );
        bytes memory limits = abi.encode(
            rules.assignBy(), rules.completeBy(), rules.serviceLevel(), rules.parametersVersion()
        );
        bytes memory head =
            abi.encode(ORDER_TYPEHASH, client, uint256(3), terms.specification, terms.token);
        bytes32 order = keccak256(bytes.concat(head, amounts, choices, limits));
        assertEq(house.jobs.orderDigest(client, 3, terms), _typed(order));
    }

    function test_AClaimIsTypedData() public view {
        JobId id = JobId.wrap(keccak256("id"));
        bytes32 claim = keccak256(abi.encode(keccak256(bytes(CLAIM)), id, uint8(3), OUTPUT, COST));
        assertEq(house.jobs.claimDigest(id, 3, OUTPUT, COST), _typed(claim));
    }

    function test_ALockIsAShareOfThePriceRoundedUp() public {
        JobStage memory stage = stageAt(JobState.None, 1);
        assertEq(house.jobs.lockOf(stage.job), 5e18);
        JobTerms memory terms = attestedTerms();
        assertEq(house.jobs.lockOf(jobOf(terms)), 0);
    }

    function test_WhatNeverWasHasNoStatus() public view {
        (JobState state, uint8 attempt, uint40 deadline, uint16 seized) =
            house.jobs.statusOf(JobId.wrap(keccak256("nothing")));
        assertEq(uint8(state), uint8(JobState.None));
        assertEq(attempt, 0);
        assertEq(deadline, 0);
        assertEq(seized, 0);
    }

    function test_TellsTheParametersOfNewJobs() public view {
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
        assertEq(JobParameters.unwrap(house.jobs.parametersOf(stranger)), 0);
    }

    function test_RevertWhen_TheCallIsUnknownToBothPartsOfTheCode() public {
        (bool ok, bytes memory answer) = address(house.jobs).call(hex"deadbeef");
        assertFalse(ok);
        assertEq(answer.length, 0);
        (ok,) = address(house.jobs).call{ value: 1 }("");
        assertFalse(ok);
    }

    function test_SaysWhichVersionItIs() public {
        (, bytes memory answer) = address(house.jobs).call(abi.encodeWithSignature("version()"));
        assertEq(abi.decode(answer, (string)), "1.0.0");
    }

    function _idOf(address account, uint256 nonce, JobTerms memory terms)
        private
        view
        returns (bytes32)
    {
        return JobId.unwrap(house.jobs.idOf(account, nonce, terms));
    }

    function _typed(bytes32 hash) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,"
                    "address verifyingContract)"
                ),
                keccak256("Tallystick JobManager"),
                keccak256("1"),
                block.chainid,
                address(house.jobs)
            )
        );
        return keccak256(bytes.concat(hex"1901", domain, hash));
    }
}
