// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Roles } from "../../../contracts/base/Roles.sol";
import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { JobState, JobTerms } from "../../../contracts/types/Job.sol";
import { JobParameters } from "../../../contracts/types/JobParameters.sol";
import { JobCase, RecoveryTest } from "../../base/RecoveryTest.sol";
import { IAccessControl } from "@openzeppelin/contracts/access/IAccessControl.sol";

contract JobRecoveryAdoptParameters is RecoveryTest {
    function test_SetsTheParametersOfNewJobs() public {
        JobParameters parameters = JobParameters.wrap(12_345);
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobParametersAdopted(address(dollar), parameters);
        adoptAs(address(house.profile), parameters);
        JobParameters actual = house.jobs.parametersOf(address(dollar));
        assertEq(JobParameters.unwrap(actual), 12_345);
    }

    function test_LeavesRunningJobsTheirs() public {
        JobCase memory c = proposed(quorumTerms());
        adoptAs(address(house.profile), JobParameters.wrap(0));
        pass(CHALLENGE_WINDOW);
        settleAs(stranger, c);
        assertState(c, JobState.Settled);
        assertEq(laneOf(workers[0]), PERFORMER_SHARE);
    }

    function test_RefusesNewJobsInATokenWithoutParameters() public {
        JobTerms memory terms = quorumTerms();
        adoptAs(address(house.profile), JobParameters.wrap(0));
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobMachine.JobManagerStaleParameters.selector,
                address(dollar),
                house.profile.currentVersion(),
                0
            )
        );
        vm.prank(client);
        house.jobs.create(1, terms, "");
    }

    function test_RevertWhen_TheCallerIsNotTheProfile() public {
        address[3] memory others = [address(house.timelock), stranger, address(this)];
        for (uint256 i; i < others.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IAccessControl.AccessControlUnauthorizedAccount.selector,
                    others[i],
                    Roles.PARAMETER
                )
            );
            adoptAs(others[i], JobParameters.wrap(0));
        }
    }

    function adoptAs(address caller, JobParameters parameters) private {
        vm.prank(caller);
        house.jobs.adoptParameters(address(dollar), parameters);
    }
}
