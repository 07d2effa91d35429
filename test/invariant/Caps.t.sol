// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../contracts/interfaces/IJobMachine.sol";
import { Assignment, Job, JobState, JobTerms, Proposal } from "../../contracts/types/Job.sol";
import { JobId } from "../../contracts/types/JobId.sol";
import { JobRulesLibrary } from "../../contracts/types/JobRules.sol";
import { NodeId } from "../../contracts/types/NodeId.sol";
import { JobTest } from "../base/JobTest.sol";

/// @notice Rule 8: every list has a cap, and at its cap a call stays far below a block's gas.
contract Caps is JobTest {
    uint256 private constant MOST_NODES = 16;
    uint256 private constant MOST_CALLS = 64;
    uint256 private constant BLOCK_GAS = 30_000_000;

    function setUp() public override {
        super.setUp();
        while (workers.length < MOST_NODES) {
            workers.push(bondNode(WORKER, 100_000e18));
        }
    }

    function test_SixteenNodesFitIntoEveryCall() external {
        JobRulesLibrary.Fields memory rules = quorumRules();
        (rules.replicas, rules.quorum) = (16, 16);
        (JobId id, Job memory job) = create(1, termsOf(rules));
        uint256 used = gasleft();
        Assignment memory assignment = assign(id, job, MOST_NODES);
        _requireBelow(used - gasleft(), 2_000_000);
        used = gasleft();
        Proposal memory proposal = propose(id, job, assignment, type(uint16).max);
        _requireBelow(used - gasleft(), 2_000_000);
        pass(CHALLENGE_WINDOW);
        used = gasleft();
        house.jobs.settle(id, job, assignment, proposal);
        _requireBelow(used - gasleft(), 2_000_000);
        assertEq(uint8(stateOf(id)), uint8(JobState.Settled));
    }

    function test_SixtyFourSettlementsFitIntoABatch() external {
        bytes[] memory calls = new bytes[](MOST_CALLS);
        JobId[] memory ids = new JobId[](MOST_CALLS);
        for (uint256 i; i < MOST_CALLS; ++i) {
            (JobId id, Job memory job) = create(i + 1, quorumTerms());
            Assignment memory assignment = assign(id, job, 3);
            Proposal memory proposal = propose(id, job, assignment, 7);
            ids[i] = id;
            calls[i] = abi.encodeCall(house.jobs.settle, (id, job, assignment, proposal));
        }
        pass(CHALLENGE_WINDOW);
        uint256 used = gasleft();
        house.jobs.batch(calls);
        _requireBelow(used - gasleft(), BLOCK_GAS * 3 / 10);
        for (uint256 i; i < MOST_CALLS; ++i) {
            assertEq(uint8(stateOf(ids[i])), uint8(JobState.Settled));
        }
    }

    function test_LongerListsAreRefused() external {
        bytes[] memory calls = new bytes[](MOST_CALLS + 1);
        bytes memory tooMany =
            abi.encodeWithSelector(IJobMachine.JobManagerTooMany.selector, 65, 64);
        vm.expectRevert(tooMany);
        house.jobs.batch(calls);
        vm.expectRevert(tooMany);
        house.jobs.collectFees(address(dollar), new NodeId[](MOST_CALLS + 1));

        workers.push(bondNode(WORKER, 100_000e18));
        (JobId id, Job memory job) = create(1, quorumTerms());
        Assignment memory assignment = assignmentOf(MOST_NODES + 1);
        vm.prank(coordinator.signer);
        vm.expectRevert(
            abi.encodeWithSelector(IJobMachine.JobManagerInvalidNodes.selector, id, 17, 16)
        );
        house.jobs.assign(id, job, coordinator.id, assignment.nodes);
    }

    function _requireBelow(uint256 used, uint256 cap) private pure {
        assertLt(used, cap, "gas of a call at its cap");
    }
}
