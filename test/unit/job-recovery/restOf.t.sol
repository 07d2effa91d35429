// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Proposal } from "../../../contracts/types/Job.sol";
import { RecoveryTest } from "../../base/RecoveryTest.sol";

contract JobRecoveryRestOf is RecoveryTest {
    function test_HashesProposalAndChallenger() public view {
        Proposal memory proposal = Proposal(OUTPUT, COST, 5);
        bytes32 expected = keccak256(abi.encode(OUTPUT, COST, uint16(5), client));
        assertEq(house.jobs.restOf(proposal, client), expected);
        assertNotEq(house.jobs.restOf(proposal, address(0)), expected);
    }
}
