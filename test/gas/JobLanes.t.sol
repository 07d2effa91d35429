// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Assignment, Job, JobState, Proposal, Receipt as JobReceipt } from "../../contracts/types/JobTerms.sol";
import { NodeId } from "../../contracts/types/NodeId.sol";
import { JobTest } from "../base/JobTest.sol";

/// @notice What each call of the chain lane costs, each in a transaction of its own (`isolate`), on warm accounts: every
/// balance that is written was written before.
/// forge-config: default.isolate = true
contract JobLanesGas is JobTest {
    function setUp() public override {
        super.setUp();
        // Warm the accounts: one job of each kind settles first.
        _oneNodeJob(1);
        _threeNodeJob(2);
    }

    function test_OneNodeJob() public {
        Job memory job = jobOf(3, attestedTerms());
        vm.prank(client);
        house.jobs.create(3, job.terms, "");
        uint256 total = vm.snapshotGasLastCall("one-node job", "1 create");

        Assignment memory assignment = assignmentOf(1);
        NodeId[] memory ids = workerIds(1);
        vm.prank(coordinator.signer);
        house.jobs.assign(job, coordinator.id, ids);
        total += vm.snapshotGasLastCall("one-node job", "2 assign");

        JobReceipt memory receipt = receiptOf(job, OUTPUT, COST, 1);
        vm.prank(coordinator.signer);
        house.jobs.propose(job, assignment, receipt);
        total += vm.snapshotGasLastCall("one-node job", "3 propose and settle");

        assertEq(uint8(stateOf(job)), uint8(JobState.Settled));
        vm.snapshotValue("one-node job", "total", total);
        assertLe(total, 180_000);
    }

    function test_ThreeNodeJob() public {
        Job memory job = jobOf(4, quorumTerms());
        vm.prank(client);
        house.jobs.create(4, job.terms, "");
        uint256 total = vm.snapshotGasLastCall("three-node job", "1 create");

        Assignment memory assignment = assignmentOf(3);
        NodeId[] memory ids = workerIds(3);
        vm.prank(coordinator.signer);
        house.jobs.assign(job, coordinator.id, ids);
        total += vm.snapshotGasLastCall("three-node job", "2 assign");

        JobReceipt memory receipt = receiptOf(job, OUTPUT, COST, 7);
        vm.prank(coordinator.signer);
        house.jobs.propose(job, assignment, receipt);
        total += vm.snapshotGasLastCall("three-node job", "3 propose");

        pass(CHALLENGE_WINDOW);
        vm.prank(coordinator.signer);
        house.jobs.settle(job, assignment, Proposal(OUTPUT, COST, 7));
        total += vm.snapshotGasLastCall("three-node job", "4 settle");

        assertEq(uint8(stateOf(job)), uint8(JobState.Settled));
        vm.snapshotValue("three-node job", "total", total);
        assertLe(total, 320_000);
    }

    function _oneNodeJob(uint256 nonce) private {
        Job memory job = create(nonce, attestedTerms());
        propose(job, assign(job, 1), 1);
    }

    function _threeNodeJob(uint256 nonce) private {
        Job memory job = create(nonce, quorumTerms());
        Assignment memory assignment = assign(job, 3);
        Proposal memory proposal = propose(job, assignment, 7);
        pass(CHALLENGE_WINDOW);
        vm.prank(coordinator.signer);
        house.jobs.settle(job, assignment, proposal);
    }
}
