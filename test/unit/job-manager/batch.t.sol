// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { JobState, JobTerms } from "../../../contracts/types/Job.sol";
import { JobId } from "../../../contracts/types/JobId.sol";
import { JobStage, JobStageTest } from "../../base/JobStageTest.sol";

/// @notice Many calls in one transaction.
contract JobManagerBatch is JobStageTest {
    uint256 private constant MAX_BATCH = 64;
    uint256 private constant SIZE = 5;

    function test_MakesEveryCallAsItsCaller() public {
        JobTerms memory terms = quorumTerms();
        bytes[] memory calls = new bytes[](SIZE);
        for (uint256 i; i < SIZE; ++i) {
            calls[i] = abi.encodeCall(house.jobs.create, (i, terms, ""));
        }
        vm.prank(client);
        bool[] memory done = house.jobs.batch(calls);

        for (uint256 i; i < SIZE; ++i) {
            assertTrue(done[i]);
            JobId id = house.jobs.idOf(client, i, terms);
            assertEq(uint8(stateOf(id)), uint8(JobState.Open));
        }
    }

    function test_APoisonedCallAtAnyPlaceLeavesTheOthers() public {
        for (uint256 poisoned; poisoned < SIZE; ++poisoned) {
            uint256 snapshot = vm.snapshotState();
            JobStage[] memory stages = _proposed();
            settle(stages[poisoned]);
            bytes[] memory calls = _settlements(stages);

            vm.expectEmit(address(house.jobs));
            emit IJobMachine.BatchItemFailed(
                poisoned, IJobMachine.JobManagerUnexpectedState.selector
            );
            vm.prank(stranger);
            bool[] memory done = house.jobs.batch(calls);

            for (uint256 i; i < SIZE; ++i) {
                assertEq(done[i], i != poisoned);
                assertEq(uint8(stateOf(stages[i].id)), uint8(JobState.Settled));
            }
            assertEq(laneBalanceOf(stranger), (SIZE - 1) * TIP);
            vm.revertToState(snapshot);
        }
    }

    function test_TheSameCallTwiceCountsOnce() public {
        JobStage[] memory stages = _proposed();
        bytes[] memory calls = new bytes[](2);
        calls[0] = _settlement(stages[0]);
        calls[1] = calls[0];
        vm.prank(stranger);
        bool[] memory done = house.jobs.batch(calls);

        assertTrue(done[0]);
        assertFalse(done[1]);
        assertEq(laneBalanceOf(stranger), TIP);
    }

    function test_ReachesTheRecoveryCallsToo() public {
        (JobId id,) = create(1, quorumTerms());
        bytes[] memory calls = new bytes[](2);
        calls[0] = abi.encodeCall(house.jobs.cancel, (id, jobOf(quorumTerms())));
        calls[1] = abi.encodeCall(house.jobs.withdraw, (address(dollar), uint128(PRICE)));
        uint128 free = house.payments.freeOf(client, address(dollar));
        vm.prank(client);
        bool[] memory done = house.jobs.batch(calls);

        assertTrue(done[0] && done[1]);
        assertEq(house.payments.freeOf(client, address(dollar)), free + PRICE);
    }

    function test_ABatchInABatchKeepsItsCaller() public {
        JobTerms memory terms = quorumTerms();
        bytes[] memory inner = new bytes[](1);
        inner[0] = abi.encodeCall(house.jobs.create, (1, terms, ""));
        bytes[] memory outer = new bytes[](1);
        outer[0] = abi.encodeCall(house.jobs.batch, (inner));
        JobId id = house.jobs.idOf(client, 1, terms);
        vm.prank(client);
        house.jobs.batch(outer);
        assertEq(uint8(stateOf(id)), uint8(JobState.Open));
    }

    function test_AnUnknownCallFailsWithoutAName() public {
        bytes[] memory calls = new bytes[](3);
        calls[0] = hex"deadbeef";
        calls[1] = hex"";
        calls[2] = abi.encodeCall(house.jobs.fund, (address(dollar), 5));

        vm.expectEmit(address(house.jobs));
        emit IJobMachine.BatchItemFailed(0, bytes4(0));
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.BatchItemFailed(1, bytes4(0));
        vm.prank(client);
        bool[] memory done = house.jobs.batch(calls);

        assertFalse(done[0] || done[1]);
        assertTrue(done[2]);
        assertEq(laneBalanceOf(client), 5);
    }

    function test_AnEmptyBatchDoesNothing() public {
        assertEq(house.jobs.batch(new bytes[](0)).length, 0);
    }

    function test_TakesAsManyCallsAsItSays() public {
        bytes[] memory calls = _cheapCalls(MAX_BATCH);
        vm.prank(client);
        bool[] memory done = house.jobs.batch(calls);
        for (uint256 i; i < MAX_BATCH; ++i) {
            assertTrue(done[i]);
        }
        assertEq(laneBalanceOf(client), MAX_BATCH);
    }

    function test_RevertWhen_ThereAreTooManyCalls() public {
        bytes[] memory calls = _cheapCalls(MAX_BATCH + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IJobMachine.JobManagerTooMany.selector, MAX_BATCH + 1, MAX_BATCH)
        );
        vm.prank(client);
        house.jobs.batch(calls);
    }

    function _cheapCalls(uint256 count) private view returns (bytes[] memory calls) {
        calls = new bytes[](count);
        for (uint256 i; i < count; ++i) {
            calls[i] = abi.encodeCall(house.jobs.fund, (address(dollar), 1));
        }
    }

    function _proposed() private returns (JobStage[] memory stages) {
        stages = new JobStage[](SIZE);
        for (uint256 i; i < SIZE; ++i) {
            stages[i] = stageAt(JobState.Proposed, i);
        }
        pass(CHALLENGE_WINDOW);
    }

    function _settlements(JobStage[] memory stages) private view returns (bytes[] memory calls) {
        calls = new bytes[](stages.length);
        for (uint256 i; i < calls.length; ++i) {
            calls[i] = _settlement(stages[i]);
        }
    }

    function _settlement(JobStage memory stage) private view returns (bytes memory) {
        return abi.encodeCall(
            house.jobs.settle, (stage.id, stage.job, stage.assignment, stage.proposal)
        );
    }
}
