// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {
    Assignment,
    Job,
    JobState,
    JobTerms,
    Proposal,
    Receipt as JobReceipt
} from "../../contracts/types/Job.sol";
import { JobId } from "../../contracts/types/JobId.sol";
import { JobTest } from "../base/JobTest.sol";

/// @notice What each call of the chain lane costs, each in a transaction of its own (`isolate`), on warm accounts: every
/// balance that is written was written before.
/// forge-config: default.isolate = true
contract JobLanesGas is JobTest {
    function setUp() public override {
        super.setUp();
        vm.prank(client);
        house.jobs.fund(address(dollar), 1000e6);
        // Warm the accounts: one job of each kind settles first.
        _oneNodeJob(1);
        _threeNodeJob(2);
    }

    function test_OneNodeJob() public {
        uint256 nonce = 1 | (1 << 232);
        JobTerms memory terms = attestedTerms();
        Job memory job = jobOf(terms);
        vm.prank(client);
        JobId id = house.jobs.create(nonce, terms, "");
        uint256 total = vm.snapshotGasLastCall("one-node job", "1 create");

        Assignment memory assignment = assignmentOf(1);
        vm.prank(coordinator.signer);
        house.jobs.assign(id, job, coordinator.id, assignment.nodes);
        total += vm.snapshotGasLastCall("one-node job", "2 assign");

        JobReceipt memory receipt = receiptOf(id, OUTPUT, COST, 1);
        vm.prank(coordinator.signer);
        house.jobs.propose(id, job, assignment, receipt);
        total += vm.snapshotGasLastCall("one-node job", "3 propose and settle");

        assertEq(uint8(stateOf(id)), uint8(JobState.Settled));
        vm.snapshotValue("one-node job", "total", total);
        assertLe(total, 180_000);
    }

    function test_ThreeNodeJob() public {
        uint256 nonce = 2 | (1 << 232);
        JobTerms memory terms = quorumTerms();
        Job memory job = jobOf(terms);
        vm.prank(client);
        JobId id = house.jobs.create(nonce, terms, "");
        uint256 total = vm.snapshotGasLastCall("three-node job", "1 create");

        Assignment memory assignment = assignmentOf(3);
        vm.prank(coordinator.signer);
        house.jobs.assign(id, job, coordinator.id, assignment.nodes);
        total += vm.snapshotGasLastCall("three-node job", "2 assign");

        JobReceipt memory receipt = receiptOf(id, OUTPUT, COST, 7);
        vm.prank(coordinator.signer);
        house.jobs.propose(id, job, assignment, receipt);
        total += vm.snapshotGasLastCall("three-node job", "3 propose");

        pass(CHALLENGE_WINDOW);
        vm.prank(coordinator.signer);
        house.jobs.settle(id, job, assignment, Proposal(OUTPUT, COST, 7));
        total += vm.snapshotGasLastCall("three-node job", "4 settle");

        assertEq(uint8(stateOf(id)), uint8(JobState.Settled));
        vm.snapshotValue("three-node job", "total", total);
        assertLe(total, 320_000);
    }

    function _oneNodeJob(uint256 nonce) private {
        (JobId id, Job memory job) = create(nonce, attestedTerms());
        propose(id, job, assign(id, job, 1), 1);
    }

    function _threeNodeJob(uint256 nonce) private {
        (JobId id, Job memory job) = create(nonce, quorumTerms());
        Assignment memory assignment = assign(id, job, 3);
        Proposal memory proposal = propose(id, job, assignment, 7);
        pass(CHALLENGE_WINDOW);
        vm.prank(coordinator.signer);
        house.jobs.settle(id, job, assignment, proposal);
    }
}
