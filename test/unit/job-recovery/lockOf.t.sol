// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Job, JobTerms } from "../../../contracts/types/Job.sol";
import { JobParameters } from "../../../contracts/types/JobParameters.sol";
import { JobPriceLibrary } from "../../../contracts/types/JobPrice.sol";
import { RecoveryTest } from "../../base/RecoveryTest.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";

contract JobRecoveryLockOf is RecoveryTest {
    function test_IsAPartOfTheMaximumPriceInStake() public view {
        assertEq(house.jobs.lockOf(jobOf(quorumTerms())), LOCK);
    }

    function test_IsZeroWhereAnybodyMayWork() public view {
        assertEq(house.jobs.lockOf(jobOf(attestedTerms())), 0);
    }

    function test_IsRoundedUp() public view {
        JobTerms memory terms = quorumTerms();
        terms.token = address(house.token);
        terms.price = JobPriceLibrary.pack(3, 0, 0);
        assertEq(house.jobs.lockOf(jobOf(terms)), 2);
    }

    function test_RevertWhen_NoStakeCouldBeThatHigh() public {
        Job memory job = jobOf(quorumTerms());
        job.price = JobPriceLibrary.pack(type(uint96).max, 0, 0);
        uint256 word = JobParameters.unwrap(job.parameters);
        job.parameters = JobParameters.wrap(word | (uint256(type(uint32).max) << 104));
        uint256 value = uint256(type(uint96).max) * 1e12 * type(uint32).max;
        vm.expectRevert(
            abi.encodeWithSelector(
                SafeCast.SafeCastOverflowedUintDowncast.selector, 128, (value + 999_999) / 1_000_000
            )
        );
        house.jobs.lockOf(job);
    }
}
