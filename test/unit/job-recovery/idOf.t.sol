// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobTerms } from "../../../contracts/types/Job.sol";
import { JobId } from "../../../contracts/types/JobId.sol";
import { JobPriceLibrary } from "../../../contracts/types/JobPrice.sol";
import { RecoveryTest } from "../../base/RecoveryTest.sol";

contract JobRecoveryIdOf is RecoveryTest {
    function test_JoinsOrderSlotAndSequence() public view {
        JobTerms memory terms = quorumTerms();
        uint256 key = 5;
        uint256 nonce = key | (3 << 232);
        uint256 order = uint256(
            keccak256(abi.encode(block.chainid, address(house.jobs), client, nonce, terms))
        );
        uint256 slot =
            uint256(keccak256(abi.encode(block.chainid, address(house.jobs), client, key)));
        uint256 expected = ((order >> 104) << 104) | ((slot >> 176) << 24) | 3;
        assertEq(uint256(JobId.unwrap(house.jobs.idOf(client, nonce, terms))), expected);
    }

    function test_IsTheIdThatTheOrderGets() public {
        JobTerms memory terms = quorumTerms();
        JobId expected = house.jobs.idOf(client, 5, terms);
        (JobId id,) = create(5, terms);
        assertEq(JobId.unwrap(id), JobId.unwrap(expected));
    }

    function test_DiffersWithEveryPart() public {
        JobTerms memory terms = quorumTerms();
        bytes32 id = JobId.unwrap(house.jobs.idOf(client, 5, terms));
        assertNotEq(JobId.unwrap(house.jobs.idOf(stranger, 5, terms)), id);
        assertNotEq(JobId.unwrap(house.jobs.idOf(client, 6, terms)), id);
        terms.price = JobPriceLibrary.pack(PRICE, 1, TIP);
        assertNotEq(JobId.unwrap(house.jobs.idOf(client, 5, terms)), id);
        vm.chainId(block.chainid + 1);
        assertNotEq(JobId.unwrap(house.jobs.idOf(client, 5, quorumTerms())), id);
    }
}
