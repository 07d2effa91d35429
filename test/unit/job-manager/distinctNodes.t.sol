// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { JobState } from "../../../contracts/types/Job.sol";
import { Seat, SeatLibrary } from "../../../contracts/types/Seat.sol";
import { JobStage, JobStageTest } from "../../base/JobStageTest.sol";

/// @notice One node counts once in a quorum, whatever its operator does with its keys.
contract JobManagerDistinctNodes is JobStageTest {
    function test_RevertWhen_ANodeIsEnlistedAgainUnderARotatedSigner() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        (address signer, uint256 key) = makeAddrAndKey("rotated");
        bytes memory consent = consentOf(key, workers[0].operator);
        vm.prank(workers[0].operator);
        house.registry.rotateSigner(workers[0].id, signer, consent);
        Seat[] memory again = new Seat[](1);
        again[0] = SeatLibrary.seatOf(workers[0].id, signer);

        vm.expectRevert(
            abi.encodeWithSelector(IJobMachine.JobManagerInvalidNodes.selector, stage.id, 4, 16)
        );
        vm.prank(coordinator.signer);
        house.jobs.enlist(stage.id, stage.job, stage.assignment, again);
    }

    function test_RevertWhen_ASignerIsEnlistedAgain() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        Seat[] memory again = new Seat[](2);
        again[0] = SeatLibrary.seatOf(workers[3].id, workers[3].signer);
        again[1] = SeatLibrary.seatOf(workers[2].id, workers[2].signer);

        vm.expectRevert(
            abi.encodeWithSelector(IJobMachine.JobManagerInvalidNodes.selector, stage.id, 5, 16)
        );
        vm.prank(coordinator.signer);
        house.jobs.enlist(stage.id, stage.job, stage.assignment, again);
    }
}
