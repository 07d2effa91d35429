// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../contracts/interfaces/IJobMachine.sol";
import { ISlashingManager } from "../../contracts/interfaces/ISlashingManager.sol";
import { Assignment, Job, JobState, JobTerms, Proposal } from "../../contracts/types/Job.sol";
import { JobId } from "../../contracts/types/JobId.sol";
import { Trust, Verification } from "../../contracts/types/JobRules.sol";
import { JobRulesLibrary } from "../../contracts/types/JobRules.sol";
import { NodeId } from "../../contracts/types/NodeId.sol";
import { Seat, SeatLibrary } from "../../contracts/types/Seat.sol";
import { JobTest } from "../base/JobTest.sol";

/// @notice What the invariants found, each as the shortest story that shows it.
contract Found is JobTest {
    function test_UnregisteredEquivocatorIsConvicted() external {
        JobRulesLibrary.Fields memory rules = attestedRules();
        rules.verification = Verification.Deterministic;
        (JobId id, Job memory job) = create(1, termsOf(rules));
        (address lone, uint256 key) = makeAddrAndKey("lone");
        Assignment memory assignment = assignmentOf(1);
        assignment.nodes[0] = SeatLibrary.seatOf(NodeId.wrap(0), lone);
        vm.prank(coordinator.signer);
        house.jobs.assign(id, job, coordinator.id, assignment.nodes);

        house.slashing.reportEquivocation(
            id, job, assignment, 0, 0, _claim(id, key, "one"), _claim(id, key, "two")
        );
        (,,, uint16 seized) = house.jobs.statusOf(id);
        assertEq(seized, 1);
    }

    function test_NodeTakesOneSeatThoughItsSignerRotated() external {
        (JobId id, Job memory job) = create(1, quorumTerms());
        Assignment memory assignment = assign(id, job, 1);
        (address signer, uint256 key) = makeAddrAndKey("rotated");
        bytes memory consent = consentOf(key, workers[0].operator);
        vm.prank(workers[0].operator);
        house.registry.rotateSigner(workers[0].id, signer, consent);

        Seat[] memory seats = new Seat[](1);
        seats[0] = SeatLibrary.seatOf(workers[0].id, signer);
        vm.expectRevert(
            abi.encodeWithSelector(IJobMachine.JobManagerInvalidNodes.selector, id, 2, 16)
        );
        vm.prank(coordinator.signer);
        house.jobs.enlist(id, job, assignment, seats);
    }

    function test_TipOfAnUpheldResultReturnsToTheClient() external {
        (JobId id, Job memory job) = create(1, quorumTerms());
        Assignment memory assignment = assign(id, job, 3);
        Proposal memory proposal = propose(id, job, assignment, 7);
        vm.prank(client);
        house.jobs.challenge(id, job, assignment, proposal);
        ISlashingManager.Ruling memory ruling =
            ISlashingManager.Ruling(id, job, assignment, proposal, client, true, 0);
        vm.prank(committee);
        house.slashing.proposeRuling(ruling);
        pass(10);
        house.slashing.executeRuling(ruling);

        assertEq(uint8(stateOf(id)), uint8(JobState.Settled));
        (uint128 stranded,) = house.jobs.accountOf(address(house.slashing), address(dollar));
        assertEq(stranded, 0);
        (uint128 change,) = house.jobs.accountOf(client, address(dollar));
        assertEq(change, PRICE - COST + TIP);
    }

    function _claim(JobId id, uint256 key, bytes32 output)
        private
        view
        returns (ISlashingManager.SignedClaim memory)
    {
        bytes32 digest = house.jobs.claimDigest(id, 1, output, 1);
        return ISlashingManager.SignedClaim(output, 1, signatureOf(key, digest));
    }
}
