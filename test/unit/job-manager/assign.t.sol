// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../../contracts/base/HouseContract.sol";
import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { INetworkProfile } from "../../../contracts/interfaces/INetworkProfile.sol";
import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { IStakingManager } from "../../../contracts/interfaces/IStakingManager.sol";
import { Job, JobState, JobTerms } from "../../../contracts/types/Job.sol";
import { JobId } from "../../../contracts/types/JobId.sol";
import { JobPriceLibrary } from "../../../contracts/types/JobPrice.sol";
import { JobRulesLibrary, Trust } from "../../../contracts/types/JobRules.sol";
import { NodeId } from "../../../contracts/types/NodeId.sol";
import { Seat, SeatLibrary } from "../../../contracts/types/Seat.sol";
import { TestNode } from "../../base/HouseTest.sol";
import { JobStage, JobStageTest } from "../../base/JobStageTest.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @notice A coordinator takes a job and names its workers.
contract JobManagerAssign is JobStageTest {
    uint128 private constant LOCK = 5e18;

    function test_TellsTheWholeAssignment() public {
        (JobId id, Job memory job) = create(1, quorumTerms());
        Seat[] memory seats = seatsOf(3);
        Seat seat = SeatLibrary.seatOf(coordinator.id, coordinator.signer);
        uint40 deadline = uint40(block.timestamp) + LEASE;

        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobAssigned(id, 1, seat, seats, deadline);
        _assign(id, job, seats);

        (JobState state, uint8 attempt, uint40 until, uint16 seized) = house.jobs.statusOf(id);
        assertEq(uint8(state), uint8(JobState.Assigned));
        assertEq(attempt, 1);
        assertEq(until, deadline);
        assertEq(seized, 0);
    }

    function test_LocksStakeOfEveryNodeAndTheCoordinator() public {
        stageAt(JobState.Assigned, 1);

        assertEq(house.staking.poolOf(coordinator.id).locked, LOCK);
        for (uint256 i; i < 3; ++i) {
            assertEq(house.staking.poolOf(workers[i].id).locked, LOCK);
        }
        assertEq(house.staking.poolOf(workers[3].id).locked, 0);
    }

    function test_LocksAtLeastOneUnitOfStakeForTheSmallestPrice() public {
        JobTerms memory terms = quorumTerms();
        terms.price = JobPriceLibrary.pack(1, 0, 0);
        terms.token = address(house.token);
        JobRulesLibrary.Fields memory rules = quorumRules();
        terms.rules = JobRulesLibrary.pack(rules);
        giveTally(client, 1);
        vm.startPrank(client);
        house.token.approve(address(house.payments), 1);
        house.payments.deposit(address(house.token), client, 1);
        vm.stopPrank();
        (JobId id, Job memory job) = create(1, terms);

        _assign(id, job, seatsOf(3));
        assertEq(house.staking.poolOf(workers[0].id).locked, 1);
    }

    function test_LocksTwiceWhereTheCoordinatorWorksToo() public {
        TestNode memory both = bondNode(WORKER | COORDINATOR, 100_000e18);
        (JobId id, Job memory job) = create(1, quorumTerms());
        Seat[] memory seats = seatsOf(3);
        seats[2] = SeatLibrary.seatOf(both.id, both.signer);
        vm.prank(both.signer);
        house.jobs.assign(id, job, both.id, seats);
        assertEq(house.staking.poolOf(both.id).locked, 2 * LOCK);
    }

    function test_LocksNothingWhereAnybodyMayWork() public {
        (JobId id, Job memory job) = create(1, attestedTerms());
        _assign(id, job, seatsOf(1));
        assertEq(house.staking.poolOf(coordinator.id).locked, 0);
        assertEq(house.staking.poolOf(workers[0].id).locked, 0);
    }

    function test_TheLeaseEndsWithTheJob() public {
        JobRulesLibrary.Fields memory rules = quorumRules();
        rules.completeBy = uint40(block.timestamp + LEASE - 1);
        (JobId id, Job memory job) = create(1, termsOf(rules));
        _assign(id, job, seatsOf(3));
        assertEq(deadlineOf(id), rules.completeBy);
    }

    function test_StartsTheMeterOfWorkPaidByTimeOnly() public {
        (JobId timed, Job memory job) = create(1, rateTerms());
        _assign(timed, job, seatsOf(1));
        (uint128 toppedUp, uint40 lastBeat, uint40 stoppedAt) = house.jobs.meterOf(timed);
        assertEq(toppedUp, 0);
        assertEq(lastBeat, block.timestamp);
        assertEq(stoppedAt, 0);

        (JobId fixedPrice, Job memory other) = create(2, attestedTerms());
        _assign(fixedPrice, other, seatsOf(1));
        (, lastBeat,) = house.jobs.meterOf(fixedPrice);
        assertEq(lastBeat, 0);
    }

    function test_CountsAttempts() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        vm.prank(coordinator.signer);
        house.jobs.release(stage.id, stage.job, stage.assignment);
        assign(stage.id, stage.job, 3);
        (, uint8 attempt,,) = house.jobs.statusOf(stage.id);
        assertEq(attempt, 2);
    }

    function test_TakesSixteenUnregisteredWorkersWhereAnybodyMayWork() public {
        JobRulesLibrary.Fields memory rules = attestedRules();
        (rules.replicas, rules.quorum) = (16, 9);
        (JobId id, Job memory job) = create(1, termsOf(rules));
        _assign(id, job, _anonymous(16));
        assertEq(uint8(stateOf(id)), uint8(JobState.Assigned));
    }

    function test_TakesRegisteredWorkersWhereAnybodyMayWork() public {
        TestNode memory unbonded = registerNode(WORKER);
        (JobId id, Job memory job) = create(1, attestedTerms());
        _assign(id, job, _seatOf(unbonded));
        assertEq(uint8(stateOf(id)), uint8(JobState.Assigned));
    }

    function test_TakesVettedWorkersWhereTheyAreAskedFor() public {
        (JobId id, Job memory job) = create(1, _vettedTerms());
        for (uint256 i; i < 3; ++i) {
            vm.prank(address(house.timelock));
            house.registry.vet(workers[i].id, true);
        }
        _assign(id, job, seatsOf(3));
        assertEq(uint8(stateOf(id)), uint8(JobState.Assigned));
    }

    function test_WorksWhileNewJobsArePaused() public {
        (JobId id, Job memory job) = create(1, quorumTerms());
        vm.prank(pauser);
        HouseContract(address(house.jobs)).pause();
        _assign(id, job, seatsOf(3));
        assertEq(uint8(stateOf(id)), uint8(JobState.Assigned));
    }

    function test_IsInTimeUntilTheLastSecond() public {
        (JobId id, Job memory job) = create(1, quorumTerms());
        passUntil(job.rules.assignBy() - 1);
        _assign(id, job, seatsOf(3));
        assertEq(uint8(stateOf(id)), uint8(JobState.Assigned));
    }

    function test_RevertGiven_TheTimeToAssignIsOver() public {
        (JobId id, Job memory job) = create(1, quorumTerms());
        uint40 assignBy = job.rules.assignBy();
        passUntil(assignBy);
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobMachine.JobManagerTooLate.selector, id, assignBy, uint256(assignBy)
            )
        );
        _assign(id, job, seatsOf(3));
    }

    function test_RevertWhen_TheCoordinatorHasNotTheRole() public {
        (JobId id, Job memory job) = create(1, quorumTerms());
        _expectUnfit(workers[3].id, INodeRegistry.NodeStatus.Active, WORKER, false, false);
        _assignAs(workers[3], id, job);
    }

    function test_RevertGiven_TheCoordinatorIsNotBonded() public {
        (JobId id, Job memory job) = create(1, quorumTerms());
        TestNode memory unbonded = registerNode(COORDINATOR);
        _expectUnfit(unbonded.id, INodeRegistry.NodeStatus.Registered, COORDINATOR, false, false);
        _assignAs(unbonded, id, job);
    }

    function test_RevertGiven_TheCoordinatorIsFrozenJailedOrRetired() public {
        (JobId id, Job memory job) = create(1, quorumTerms());
        uint256 snapshot = vm.snapshotState();
        vm.prank(coordinator.operator);
        house.registry.freezeSigner(coordinator.id);
        _expectUnfit(coordinator.id, INodeRegistry.NodeStatus.Active, COORDINATOR, false, true);
        _assignAs(coordinator, id, job);

        vm.revertToState(snapshot);
        vm.prank(address(house.slashing));
        house.registry.jail(coordinator.id);
        _expectUnfit(coordinator.id, INodeRegistry.NodeStatus.Jailed, COORDINATOR, false, false);
        _assignAs(coordinator, id, job);

        vm.revertToState(snapshot);
        vm.prank(coordinator.operator);
        house.registry.retire(coordinator.id);
        _expectUnfit(coordinator.id, INodeRegistry.NodeStatus.Retired, COORDINATOR, false, false);
        _assignAs(coordinator, id, job);
    }

    function test_RevertWhen_ThereIsNoSuchCoordinator() public {
        (JobId id, Job memory job) = create(1, quorumTerms());
        TestNode memory nobody = coordinator;
        nobody.id = NodeId.wrap(0);
        _expectUnfit(nobody.id, INodeRegistry.NodeStatus.None, 0, false, false);
        _assignAs(nobody, id, job);
    }

    function test_RevertWhen_TheCallerIsNotTheCoordinatorsSigner() public {
        (JobId id, Job memory job) = create(1, quorumTerms());
        TestNode memory thief = coordinator;
        thief.signer = stranger;
        _expectNotSigner(coordinator.id, stranger, _signerOf(coordinator.id));
        _assignAs(thief, id, job);
    }

    function test_RevertGiven_AWorkerIsNotBonded() public {
        (JobId id, Job memory job) = create(1, quorumTerms());
        TestNode memory unbonded = registerNode(WORKER);
        _expectUnfit(unbonded.id, INodeRegistry.NodeStatus.Registered, WORKER, false, false);
        _assign(id, job, _seatOf(unbonded));
    }

    function test_RevertGiven_AWorkerIsNotVetted() public {
        (JobId id, Job memory job) = create(1, _vettedTerms());
        vm.prank(address(house.timelock));
        house.registry.vet(workers[0].id, true);
        _expectUnfit(workers[1].id, INodeRegistry.NodeStatus.Active, WORKER, false, false);
        _assign(id, job, seatsOf(3));
    }

    function test_RevertGiven_AVettedWorkerLostItsStake() public {
        (JobId id, Job memory job) = create(1, _vettedTerms());
        TestNode memory unbonded = registerNode(WORKER);
        vm.prank(address(house.timelock));
        house.registry.vet(unbonded.id, true);
        _expectUnfit(unbonded.id, INodeRegistry.NodeStatus.Registered, WORKER, true, false);
        _assign(id, job, _seatOf(unbonded));
    }

    function test_RevertGiven_AWorkerIsUnfitForEveryTrust() public {
        (JobId id, Job memory job) = create(1, attestedTerms());
        _expectUnfitWorkers(id, job);
        (id, job) = create(2, quorumTerms());
        _expectUnfitWorkers(id, job);
    }

    function test_RevertWhen_AWorkerIsUnregisteredWhereStakeIsAskedFor() public {
        (JobId id, Job memory job) = create(1, quorumTerms());
        _expectUnfit(NodeId.wrap(0), INodeRegistry.NodeStatus.None, 0, false, false);
        _assign(id, job, _anonymous(3));
    }

    function test_RevertWhen_AWorkerIsNamedWithAnotherSigner() public {
        (JobId id, Job memory job) = create(1, quorumTerms());
        Seat[] memory seats = seatsOf(3);
        seats[1] = SeatLibrary.seatOf(workers[1].id, stranger);
        _expectNotSigner(workers[1].id, stranger, workers[1].signer);
        _assign(id, job, seats);
    }

    function test_RevertWhen_AWorkerOccursTwice() public {
        (JobId id, Job memory job) = create(1, quorumTerms());
        Seat[] memory seats = seatsOf(3);
        seats[2] = seats[0];
        _expectInvalidNodes(id, 3);
        _assign(id, job, seats);
    }

    function test_RevertWhen_ASignerOccursWithAndWithoutItsNode() public {
        (JobId id, Job memory job) = create(1, attestedTerms());
        Seat[] memory seats = seatsOf(2);
        seats[1] = SeatLibrary.seatOf(NodeId.wrap(0), workers[0].signer);
        _expectInvalidNodes(id, 2);
        _assign(id, job, seats);
    }

    function test_RevertWhen_ThereAreNoWorkersOrTooMany() public {
        (JobId id, Job memory job) = create(1, attestedTerms());
        _expectInvalidNodes(id, 0);
        _assign(id, job, _anonymous(0));
        _expectInvalidNodes(id, 17);
        _assign(id, job, _anonymous(17));
    }

    function test_RevertGiven_AWorkerHasTooLittleStake() public {
        TestNode memory small = bondNode(WORKER, MIN_STAKE);
        JobTerms memory terms = quorumTerms();
        terms.price = JobPriceLibrary.pack(2000e6 + 1, 0, TIP);
        (JobId id, Job memory job) = create(1, terms);
        uint128 needed = house.jobs.lockOf(job);
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingManager.StakingManagerInsufficientStake.selector,
                small.id,
                MIN_STAKE,
                needed
            )
        );
        _assign(id, job, _seatOf(small));
    }

    function test_RevertGiven_TheStakeIsLockedByAnotherJob() public {
        TestNode memory small = bondNode(WORKER, MIN_STAKE);
        JobTerms memory terms = quorumTerms();
        terms.price = JobPriceLibrary.pack(1200e6, 0, TIP);
        (JobId id, Job memory job) = create(1, terms);
        _assign(id, job, _seatOf(small));
        (id,) = create(2, terms);
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingManager.StakingManagerInsufficientStake.selector, small.id, 400e18, 600e18
            )
        );
        _assign(id, job, _seatOf(small));
    }

    function test_RevertGiven_TheLockIsBeyondAllStakeButTheMoneyComesBack() public {
        vm.prank(address(house.timelock));
        house.profile
            .allowToken(
                address(dollar), INetworkProfile.TokenTerms({ lockPpm: 1e9, lockShift: 18 })
            );
        giveBalance(client, type(uint96).max);
        JobTerms memory terms = quorumTerms();
        terms.price = JobPriceLibrary.pack(type(uint96).max, 0, 0);
        (JobId id, Job memory job) = create(1, terms);

        vm.expectRevert(
            abi.encodeWithSelector(
                SafeCast.SafeCastOverflowedUintDowncast.selector,
                128,
                uint256(type(uint96).max) * 1e18 * 1000
            )
        );
        _assign(id, job, seatsOf(3));
        vm.prank(client);
        house.jobs.cancel(id, job);
        assertEq(laneBalanceOf(client), type(uint96).max);
    }

    function test_RevertWhen_AFieldOfTheJobDiffers() public {
        (JobId id, Job memory job) = create(1, quorumTerms());
        for (uint256 field; field < 5; ++field) {
            expectWrongCommitment(id);
            _assign(id, mutated(job, field), seatsOf(3));
        }
    }

    function test_RevertWhen_TheJobIsAnother() public {
        (JobId id,) = create(1, quorumTerms());
        (, Job memory other) = create(2, attestedTerms());
        expectWrongCommitment(id);
        _assign(id, other, seatsOf(1));
    }

    function test_RevertGiven_TheJobIsNotOpen() public {
        Seat[] memory seats = seatsOf(3);
        for (uint256 i; i < STATES; ++i) {
            if (JobState(i) == JobState.Open) continue;
            JobStage memory stage = stageAt(JobState(i), i);
            expectUnexpectedState(stage, JobState.Open);
            _assign(stage.id, stage.job, seats);
        }
    }

    function _expectUnfitWorkers(JobId id, Job memory job) private {
        uint256 snapshot = vm.snapshotState();
        TestNode memory worker = workers[0];
        vm.prank(worker.operator);
        house.registry.freezeSigner(worker.id);
        _expectUnfit(worker.id, INodeRegistry.NodeStatus.Active, WORKER, false, true);
        _assign(id, job, seatsOf(1));

        vm.revertToState(snapshot);
        vm.prank(address(house.slashing));
        house.registry.jail(worker.id);
        _expectUnfit(worker.id, INodeRegistry.NodeStatus.Jailed, WORKER, false, false);
        _assign(id, job, seatsOf(1));

        vm.revertToState(snapshot);
        vm.prank(worker.operator);
        house.registry.retire(worker.id);
        _expectUnfit(worker.id, INodeRegistry.NodeStatus.Retired, WORKER, false, false);
        _assign(id, job, seatsOf(1));

        vm.revertToState(snapshot);
        _expectUnfit(coordinator.id, INodeRegistry.NodeStatus.Active, COORDINATOR, false, false);
        _assign(id, job, _seatOf(coordinator));

        Seat[] memory unknown = new Seat[](1);
        unknown[0] = SeatLibrary.seatOf(NodeId.wrap(999), worker.signer);
        _expectUnfit(NodeId.wrap(999), INodeRegistry.NodeStatus.None, 0, false, false);
        _assign(id, job, unknown);
    }

    function _vettedTerms() private view returns (JobTerms memory) {
        JobRulesLibrary.Fields memory rules = quorumRules();
        rules.trust = Trust.Vetted;
        return termsOf(rules);
    }

    function _seatOf(TestNode memory node) private pure returns (Seat[] memory seats) {
        seats = new Seat[](1);
        seats[0] = SeatLibrary.seatOf(node.id, node.signer);
    }

    function _anonymous(uint256 count) private pure returns (Seat[] memory seats) {
        seats = new Seat[](count);
        for (uint256 i; i < count; ++i) {
            seats[i] = SeatLibrary.seatOf(NodeId.wrap(0), address(uint160(0xa11ce000 + i)));
        }
    }

    function _signerOf(NodeId node) private view returns (address) {
        return house.registry.nodeOf(node).signer;
    }

    function _assign(JobId id, Job memory job, Seat[] memory seats) private {
        vm.prank(coordinator.signer);
        house.jobs.assign(id, job, coordinator.id, seats);
    }

    function _assignAs(TestNode memory node, JobId id, Job memory job) private {
        Seat[] memory seats = seatsOf(3);
        vm.prank(node.signer);
        house.jobs.assign(id, job, node.id, seats);
    }

    function _expectUnfit(
        NodeId node,
        INodeRegistry.NodeStatus status,
        uint8 roles,
        bool vetted,
        bool frozen
    ) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                INodeRegistry.NodeRegistryUnfit.selector, node, status, roles, vetted, frozen
            )
        );
    }

    function _expectNotSigner(NodeId node, address given, address signer) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                INodeRegistry.NodeRegistryNotSigner.selector, node, given, signer
            )
        );
    }

    function _expectInvalidNodes(JobId id, uint256 given) private {
        vm.expectRevert(
            abi.encodeWithSelector(IJobMachine.JobManagerInvalidNodes.selector, id, given, 16)
        );
    }
}
