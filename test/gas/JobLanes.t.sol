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

/// @notice What each call of the chain lane costs, each in a transaction of its own (`isolate`), on
/// warm accounts: every balance that is written was written before.
contract JobLanesGas is JobTest {
    uint256 private constant BATCH = 32;
    uint256 private constant WHOLE_PERCENT = 100;
    uint256 private constant BATCH_SAVES_PERCENT = 40;

    function setUp() public override {
        super.setUp();
        vm.prank(client);
        house.jobs.fund(address(dollar), 1000e6);
        // Warm the accounts: one job of each kind settles first.
        _oneNodeJob(1);
        _threeNodeJob(2);
        _batchOfOneNodeJobs(0);
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

    function test_BatchOfOneNodeJobs() public {
        uint256 total = _batchOfOneNodeJobs(1);
        vm.snapshotValue("batch of 32 one-node jobs", "total per job", total / BATCH);
        uint256 single = _singleOneNodeJob(5);
        assertLe(total / BATCH, single * (WHOLE_PERCENT - BATCH_SAVES_PERCENT) / WHOLE_PERCENT);
    }

    function test_FirstUseOfASlotCostsAFreshWord() public {
        JobTerms memory terms = attestedTerms();
        vm.prank(client);
        house.jobs.create(77, terms, "");
        vm.snapshotGasLastCall("one-node job", "1 create in a fresh slot");
    }

    function test_CreateWithMoneyFromPaymentManager() public {
        vm.startPrank(client);
        (uint128 balance,) = house.jobs.accountOf(client, address(dollar));
        house.jobs.withdraw(address(dollar), balance - 1);
        JobTerms memory terms = attestedTerms();
        house.jobs.create(1 | (1 << 232), terms, "");
        vm.snapshotGasLastCall("one-node job", "1 create with money from PaymentManager");
        vm.stopPrank();
    }

    /// @dev The three calls of a one-node job in a used slot, in single transactions.
    function _singleOneNodeJob(uint256 nonce) private returns (uint256 total) {
        _oneNodeJob(nonce);
        JobTerms memory terms = attestedTerms();
        Job memory job = jobOf(terms);
        vm.prank(client);
        JobId id = house.jobs.create(nonce | (1 << 232), terms, "");
        total = vm.lastCallGas().gasTotalUsed;
        Assignment memory assignment = assign(id, job, 1);
        total += vm.lastCallGas().gasTotalUsed;
        propose(id, job, assignment, 1);
        total += vm.lastCallGas().gasTotalUsed;
    }

    /// @dev Creates, assigns and settles a batch; returns its gas. The first, which warms the
    /// slots, is not recorded.
    function _batchOfOneNodeJobs(uint256 sequence) private returns (uint256 total) {
        bytes[] memory calls = new bytes[](BATCH);
        JobTerms memory terms = attestedTerms();
        Job memory job = jobOf(terms);
        JobId[] memory ids = new JobId[](BATCH);
        for (uint256 i; i < BATCH; ++i) {
            uint256 nonce = (100 + i) | (sequence << 232);
            ids[i] = house.jobs.idOf(client, nonce, terms);
            calls[i] = abi.encodeCall(house.jobs.create, (nonce, terms, ""));
        }
        total += _sendBatch(client, calls, sequence == 0 ? "" : "1 create per job");

        Assignment memory assignment = assignmentOf(1);
        for (uint256 i; i < BATCH; ++i) {
            calls[i] = abi.encodeCall(
                house.jobs.assign, (ids[i], job, coordinator.id, assignment.nodes)
            );
        }
        total += _sendBatch(coordinator.signer, calls, sequence == 0 ? "" : "2 assign per job");

        for (uint256 i; i < BATCH; ++i) {
            JobReceipt memory receipt = receiptOf(ids[i], OUTPUT, COST, 1);
            calls[i] = abi.encodeCall(house.jobs.propose, (ids[i], job, assignment, receipt));
        }
        total += _sendBatch(
            coordinator.signer, calls, sequence == 0 ? "" : "3 propose and settle per job"
        );
        assertEq(uint8(stateOf(ids[BATCH - 1])), uint8(JobState.Settled));
    }

    function _sendBatch(address sender, bytes[] memory calls, string memory name)
        private
        returns (uint256 gas)
    {
        vm.prank(sender);
        bool[] memory done = house.jobs.batch(calls);
        gas = vm.lastCallGas().gasTotalUsed;
        for (uint256 i; i < done.length; ++i) {
            assertTrue(done[i]);
        }
        if (bytes(name).length != 0) {
            vm.snapshotValue("batch of 32 one-node jobs", name, gas / BATCH);
        }
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
