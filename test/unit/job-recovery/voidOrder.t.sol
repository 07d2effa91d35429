// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { Job, JobState, JobTerms } from "../../../contracts/types/Job.sol";
import { JobId } from "../../../contracts/types/JobId.sol";
import { JobCase, RecoveryTest } from "../../base/RecoveryTest.sol";

contract JobRecoveryVoidOrder is RecoveryTest {
    uint256 private constant NONCE = 77;

    function test_KeepsASignedOrderFromBecomingAJob() public {
        JobTerms memory terms = quorumTerms();
        bytes memory signature =
            signatureOf(clientKey, house.jobs.orderDigest(client, NONCE, terms));
        JobCase memory c;
        c.id = house.jobs.idOf(client, NONCE, terms);

        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobRefunded(c.id, 0);
        vm.prank(client);
        house.jobs.voidOrder(NONCE, terms);
        assertState(c, JobState.Refunded);
        assertEq(deadlineOf(c.id), 0);

        expectState(c, JobState.Refunded, NONE);
        vm.prank(stranger);
        house.jobs.createFor(client, NONCE, terms, "", signature);

        expectState(c, JobState.Refunded, NONE);
        vm.prank(client);
        house.jobs.create(NONCE, terms, "");
    }

    function test_LeavesTheSameTermsOfOthersAlone() public {
        JobTerms memory terms = quorumTerms();
        JobId id = house.jobs.idOf(client, NONCE, terms);
        vm.prank(stranger);
        house.jobs.voidOrder(NONCE, terms);
        assertEq(uint8(stateOf(id)), uint8(JobState.None));
        create(NONCE, terms);
        assertEq(uint8(stateOf(id)), uint8(JobState.Open));
    }

    function test_LeavesAnotherNonceAlone() public {
        JobTerms memory terms = quorumTerms();
        vm.prank(client);
        house.jobs.voidOrder(NONCE, terms);
        (JobId id,) = create(NONCE + 1, terms);
        assertEq(uint8(stateOf(id)), uint8(JobState.Open));
    }

    function test_ClosesTheEarlierJobOfTheSlot() public {
        JobTerms memory terms = quorumTerms();
        (JobId first, Job memory job) = create(NONCE, terms);
        vm.startPrank(client);
        house.jobs.cancel(first, job);
        house.jobs.voidOrder(NONCE + (2 << 232), terms);
        vm.stopPrank();
        assertEq(uint8(stateOf(first)), uint8(JobState.Closed));

        // The sequence only goes up: what lies before the void order is closed with it.
        JobCase memory c;
        c.id = house.jobs.idOf(client, NONCE + (1 << 232), terms);
        expectState(c, JobState.Closed, NONE);
        vm.prank(client);
        house.jobs.create(NONCE + (1 << 232), terms, "");
    }

    function test_RevertGiven_TheSlotServesAnotherJob() public {
        JobTerms memory terms = quorumTerms();
        create(NONCE, terms);
        JobId next = house.jobs.idOf(client, NONCE + (1 << 232), terms);
        vm.expectRevert(
            abi.encodeWithSelector(IJobMachine.JobManagerSlotBusy.selector, next, 0, JobState.Open)
        );
        vm.prank(client);
        house.jobs.voidOrder(NONCE + (1 << 232), terms);
    }

    function test_RevertGiven_TheOrderIsAJob() public {
        JobTerms memory terms = quorumTerms();
        JobCase memory c;
        (c.id, c.job) = create(NONCE, terms);
        expectState(c, JobState.Open, NONE);
        vm.prank(client);
        house.jobs.voidOrder(NONCE, terms);
    }

    function test_RevertGiven_TheOrderIsVoid() public {
        JobTerms memory terms = quorumTerms();
        JobCase memory c;
        c.id = house.jobs.idOf(client, NONCE, terms);
        vm.startPrank(client);
        house.jobs.voidOrder(NONCE, terms);
        expectState(c, JobState.Refunded, NONE);
        house.jobs.voidOrder(NONCE, terms);
        vm.stopPrank();
    }
}
