// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobTerms } from "../../../contracts/types/Job.sol";
import { JobPriceLibrary } from "../../../contracts/types/JobPrice.sol";
import { Funding, JobRulesLibrary } from "../../../contracts/types/JobRules.sol";
import { RecoveryTest } from "../../base/RecoveryTest.sol";

contract JobRecoveryOrderDigest is RecoveryTest {
    bytes32 private constant TYPEHASH = keccak256(
        "JobOrder(address client,uint256 nonce,bytes32 specification,address token,"
        "uint128 maxPrice,uint128 tip,uint128 ratePerSecond,uint8 funding,uint8 verification,"
        "uint8 trust,uint8 replicas,uint8 quorum,uint40 assignBy,uint40 completeBy,"
        "uint64 serviceLevel,uint24 parametersVersion)"
    );

    function test_IsTheEip712DigestOfTheOrder() public view {
        JobRulesLibrary.Fields memory rules = quorumRules();
        rules.funding = Funding.Allowance;
        rules.serviceLevel = 9;
        JobTerms memory terms = termsOf(rules);
        terms.price = JobPriceLibrary.pack(PRICE, 1000, TIP);

        bytes memory head = abi.encode(TYPEHASH, client, 3, terms.specification, terms.token);
        bytes memory price = abi.encode(uint256(PRICE), uint256(TIP), 1000);
        bytes memory tail = abi.encode(
            rules.funding,
            rules.verification,
            rules.trust,
            rules.replicas,
            rules.quorum,
            rules.assignBy,
            rules.completeBy,
            rules.serviceLevel,
            rules.parametersVersion
        );
        bytes32 expected = digestOf(keccak256(bytes.concat(head, price, tail)));
        assertEq(house.jobs.orderDigest(client, 3, terms), expected);
    }

    function test_DiffersWithEveryPart() public view {
        JobTerms memory terms = quorumTerms();
        bytes32 digest = house.jobs.orderDigest(client, 3, terms);
        assertNotEq(house.jobs.orderDigest(stranger, 3, terms), digest);
        assertNotEq(house.jobs.orderDigest(client, 4, terms), digest);
        terms.specification = keccak256("other");
        assertNotEq(house.jobs.orderDigest(client, 3, terms), digest);
        assertNotEq(house.jobs.orderDigest(client, 3, attestedTerms()), digest);
        assertNotEq(house.jobs.orderDigest(client, 3, oddTerms()), digest);
    }
}
