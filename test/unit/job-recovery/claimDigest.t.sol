// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobId } from "../../../contracts/types/JobId.sol";
import { RecoveryTest } from "../../base/RecoveryTest.sol";

contract JobRecoveryClaimDigest is RecoveryTest {
    JobId private constant ID = JobId.wrap(keccak256("job"));

    function test_IsTheEip712DigestOfTheClaim() public view {
        bytes32 typehash = keccak256(
            "ReceiptClaim(bytes32 jobId,uint8 attempt,bytes32 outputRoot,uint128 cost)"
        );
        bytes32 claim = keccak256(abi.encode(typehash, ID, uint8(2), OUTPUT, COST));
        assertEq(house.jobs.claimDigest(ID, 2, OUTPUT, COST), digestOf(claim));
    }

    function test_DiffersWithEveryPart() public view {
        bytes32 digest = house.jobs.claimDigest(ID, 2, OUTPUT, COST);
        JobId other = JobId.wrap(keccak256("other"));
        assertNotEq(house.jobs.claimDigest(other, 2, OUTPUT, COST), digest);
        assertNotEq(house.jobs.claimDigest(ID, 3, OUTPUT, COST), digest);
        assertNotEq(house.jobs.claimDigest(ID, 2, LIE, COST), digest);
        assertNotEq(house.jobs.claimDigest(ID, 2, OUTPUT, COST + 1), digest);
    }

    function test_FollowsTheChainId() public {
        bytes32 digest = house.jobs.claimDigest(ID, 2, OUTPUT, COST);
        vm.chainId(block.chainid + 1);
        assertNotEq(house.jobs.claimDigest(ID, 2, OUTPUT, COST), digest);
    }
}
