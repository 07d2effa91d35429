// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { IStakingManager } from "../../../contracts/interfaces/IStakingManager.sol";
import { JobState, Proposal, Receipt as JobReceipt } from "../../../contracts/types/Job.sol";
import { JobRulesLibrary, Trust } from "../../../contracts/types/JobRules.sol";
import { NodeId } from "../../../contracts/types/NodeId.sol";
import { Seat, SeatLibrary } from "../../../contracts/types/Seat.sol";
import { TestNode } from "../../base/HouseTest.sol";
import { JobCase, RecoveryTest } from "../../base/RecoveryTest.sol";

contract JobRecoveryEnlist is RecoveryTest {
    JobCase internal c;

    function setUp() public override {
        super.setUp();
        c = assigned(quorumTerms(), 3);
    }

    function test_AddsNodesBehindThoseOfTheAttempt() public {
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobEnlisted(c.id, 1, _fourth());
        enlistAs(coordinator.signer, c, _fourth());
        assertState(c, JobState.Assigned);

        // Calls take the longer assignment from now on, and only that one.
        vm.expectRevert(
            abi.encodeWithSelector(IJobMachine.JobManagerWrongCommitment.selector, c.id)
        );
        heartbeat(c);
        c.assignment = joined(c, _fourth());
        heartbeat(c);
    }

    function test_LocksOnlyTheJoiners() public {
        uint40 deadline = deadlineOf(c.id);
        enlistAs(coordinator.signer, c, _fourth());
        assertEq(lockedOf(workers[3]), LOCK);
        for (uint256 i; i < 3; ++i) {
            assertEq(lockedOf(workers[i]), LOCK);
        }
        assertEq(lockedOf(coordinator), LOCK);
        assertEq(deadlineOf(c.id), deadline);
    }

    function test_LocksNothingWhereAnybodyMayWork() public {
        JobCase memory any = assigned(attestedTerms(), 1);
        Seat[] memory seats = new Seat[](1);
        seats[0] = SeatLibrary.seatOf(NodeId.wrap(0), stranger);
        enlistAs(coordinator.signer, any, seats);
        any.assignment = joined(any, seats);
        heartbeat(any);
        assertEq(lockedOf(workers[0]), LOCK);
    }

    function test_RaisesTheMajorityThatAResultNeeds() public {
        enlistAs(coordinator.signer, c, _fourth());
        c.assignment = joined(c, _fourth());
        JobReceipt memory two = receiptOf(c.id, OUTPUT, COST, 3);
        bytes4 noQuorum = IJobMachine.JobManagerNoQuorum.selector;
        vm.expectRevert(abi.encodeWithSelector(noQuorum, c.id, 2, 3));
        vm.prank(coordinator.signer);
        house.jobs.propose(c.id, c.job, c.assignment, two);

        propose(c.id, c.job, c.assignment, 11);
        assertState(c, JobState.Proposed);
    }

    function test_UnlocksTheJoinersWithTheOthers() public {
        enlistAs(coordinator.signer, c, _fourth());
        c.assignment = joined(c, _fourth());
        release(c);
        assertUnlocked(4);
    }

    function test_FillsTheAssignmentUpToSixteen() public {
        enlistAs(coordinator.signer, c, _bonded(13));
        c.assignment = joined(c, _enlisted);
        assertEq(c.assignment.nodes.length, 16);
        heartbeat(c);

        Seat[] memory one = _bonded(1);
        expectInvalidNodes(c, 17);
        enlistAs(coordinator.signer, c, one);
    }

    function test_WorksInTheLastSecondOfTheLease() public {
        passUntil(deadlineOf(c.id) - 1);
        enlistAs(coordinator.signer, c, _fourth());
        assertEq(lockedOf(workers[3]), LOCK);
    }

    function test_RevertWhen_MoreThanSixteenWouldWork() public {
        Seat[] memory seats = _bonded(14);
        expectInvalidNodes(c, 17);
        enlistAs(coordinator.signer, c, seats);
    }

    function test_RevertWhen_NobodyJoins() public {
        expectInvalidNodes(c, 3);
        enlistAs(coordinator.signer, c, new Seat[](0));
    }

    function test_RevertWhen_ANodeWorksAlready() public {
        Seat[] memory seats = new Seat[](1);
        seats[0] = c.assignment.nodes[2];
        expectInvalidNodes(c, 4);
        enlistAs(coordinator.signer, c, seats);
    }

    function test_RevertWhen_ANodeJoinsTwice() public {
        Seat[] memory seats = new Seat[](2);
        seats[0] = _fourth()[0];
        seats[1] = seats[0];
        expectInvalidNodes(c, 5);
        enlistAs(coordinator.signer, c, seats);
    }

    function test_RevertWhen_ANodeJoinsItselfUnderANewSigner() public {
        (address signer, uint256 key) = makeAddrAndKey("new signer");
        TestNode memory worker = workers[0];
        bytes memory consent = consentOf(key, worker.operator);
        vm.prank(worker.operator);
        house.registry.rotateSigner(worker.id, signer, consent);

        Seat[] memory seats = new Seat[](1);
        seats[0] = SeatLibrary.seatOf(worker.id, signer);
        expectInvalidNodes(c, 4);
        enlistAs(coordinator.signer, c, seats);
    }

    function test_RevertWhen_ASignerWorksAlreadyUnregistered() public {
        JobCase memory any = assigned(attestedTerms(), 1);
        Seat[] memory seats = new Seat[](1);
        seats[0] = SeatLibrary.seatOf(NodeId.wrap(0), workers[0].signer);
        expectInvalidNodes(any, 2);
        enlistAs(coordinator.signer, any, seats);
    }

    function test_RevertWhen_ANodeHasAnotherSigner() public {
        Seat[] memory seats = new Seat[](1);
        seats[0] = SeatLibrary.seatOf(workers[3].id, stranger);
        vm.expectRevert(
            abi.encodeWithSelector(
                INodeRegistry.NodeRegistryNotSigner.selector,
                workers[3].id,
                stranger,
                workers[3].signer
            )
        );
        enlistAs(coordinator.signer, c, seats);
    }

    function test_RevertWhen_ANodeIsUnfit() public {
        Seat[] memory seats = new Seat[](1);
        seats[0] = SeatLibrary.seatOf(coordinator.id, coordinator.signer);
        vm.expectRevert(
            abi.encodeWithSelector(
                INodeRegistry.NodeRegistryUnfit.selector,
                coordinator.id,
                INodeRegistry.NodeStatus.Active,
                COORDINATOR,
                false,
                false
            )
        );
        enlistAs(coordinator.signer, c, seats);
    }

    function test_RevertGiven_ANodeHasTooLittleFreeStake() public {
        TestNode memory poor = bondNode(WORKER, MIN_STAKE);
        for (uint256 i; i < MIN_STAKE / LOCK; ++i) {
            vm.prank(address(house.jobs));
            house.staking.lockWorkers(_seatOf(poor), LOCK);
        }
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingManager.StakingManagerInsufficientStake.selector, poor.id, 0, LOCK
            )
        );
        enlistAs(coordinator.signer, c, _seatOf(poor));
    }

    function test_RevertGiven_TheJobWantsVettedNodes() public {
        vm.startPrank(address(house.timelock));
        for (uint256 i; i < 3; ++i) {
            house.registry.vet(workers[i].id, true);
        }
        vm.stopPrank();
        JobRulesLibrary.Fields memory rules = quorumRules();
        rules.trust = Trust.Vetted;
        JobCase memory vetted = assigned(termsOf(rules), 3);
        vm.expectRevert(
            abi.encodeWithSelector(
                INodeRegistry.NodeRegistryUnfit.selector,
                workers[3].id,
                INodeRegistry.NodeStatus.Active,
                WORKER,
                false,
                false
            )
        );
        enlistAs(coordinator.signer, vetted, _fourth());
    }

    function test_RevertGiven_TheLeaseIsOver() public {
        uint40 deadline = deadlineOf(c.id);
        passUntil(deadline);
        expectTooLate(c, deadline);
        enlistAs(coordinator.signer, c, _fourth());
    }

    function test_RevertWhen_TheCallerDoesNotHoldTheLease() public {
        expectUnauthorized(c, client, coordinator.signer);
        enlistAs(client, c, _fourth());
    }

    function test_RevertWhen_TheJobIsAnother() public {
        c.job.client = stranger;
        expectWrongCommitment(c);
        enlistAs(coordinator.signer, c, _fourth());
    }

    function test_RevertGiven_TheJobIsNotAssigned() public {
        JobCase memory open = opened(quorumTerms());
        open.assignment = c.assignment;
        expectState(open, JobState.Open, ASSIGNED);
        enlistAs(coordinator.signer, open, _fourth());

        Proposal memory proposal = propose(c.id, c.job, c.assignment, 7);
        expectState(c, JobState.Proposed, ASSIGNED);
        enlistAs(coordinator.signer, c, _fourth());

        c.proposal = proposal;
        challengeAs(client, c);
        c.challenger = client;
        expectState(c, JobState.Challenged, ASSIGNED);
        enlistAs(coordinator.signer, c, _fourth());

        resolve(c, true, 0);
        expectState(c, JobState.Settled, ASSIGNED);
        enlistAs(coordinator.signer, c, _fourth());

        cancel(open);
        expectState(open, JobState.Refunded, ASSIGNED);
        enlistAs(coordinator.signer, open, _fourth());
    }

    Seat[] private _enlisted;

    function enlistAs(address caller, JobCase memory on, Seat[] memory seats) private {
        vm.prank(caller);
        house.jobs.enlist(on.id, on.job, on.assignment, seats);
    }

    function _fourth() private view returns (Seat[] memory) {
        return _seatOf(workers[3]);
    }

    function _seatOf(TestNode memory node) private pure returns (Seat[] memory seats) {
        seats = new Seat[](1);
        seats[0] = SeatLibrary.seatOf(node.id, node.signer);
    }

    /// @dev New bonded workers; the lease of the job lasts through their bonding.
    function _bonded(uint256 count) private returns (Seat[] memory seats) {
        seats = new Seat[](count);
        for (uint256 i; i < count; ++i) {
            TestNode memory node = bondNode(WORKER, MIN_STAKE);
            seats[i] = SeatLibrary.seatOf(node.id, node.signer);
        }
        _enlisted = seats;
    }
}
