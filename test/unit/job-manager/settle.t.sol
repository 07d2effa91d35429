// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../../contracts/base/HouseContract.sol";
import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import {
    Assignment,
    Job,
    JobState,
    JobTerms,
    Proposal,
    Receipt as JobReceipt
} from "../../../contracts/types/Job.sol";
import { JobId } from "../../../contracts/types/JobId.sol";
import { JobPriceLibrary } from "../../../contracts/types/JobPrice.sol";
import { Funding, JobRulesLibrary } from "../../../contracts/types/JobRules.sol";
import { NodeId } from "../../../contracts/types/NodeId.sol";
import { Seat, SeatLibrary } from "../../../contracts/types/Seat.sol";
import { JobStage, JobStageTest } from "../../base/JobStageTest.sol";

/// @notice A result that nobody challenged is paid.
contract JobManagerSettle is JobStageTest {
    uint128 private constant ODD = 7_777_777;
    uint128 private constant RESERVED = uint128(PRICE) + TIP;

    function test_PaysThreeOfThreeToTheLastUnit() public {
        JobStage memory stage = _proposed(ODD, 7);
        settle(stage);

        assertEq(_paid(0), 4_900_001);
        assertEq(_paid(1), 1_166_666);
        assertEq(_paid(2), 1_166_666);
        assertEq(laneBalanceOf(coordinator.id.accountOf()), 388_888 + TIP);
        assertEq(feesAt(coordinator.id.accountOf()), 155_555);
        // The unit that two secondaries cannot share stays with the payer.
        assertEq(laneBalanceOf(client), PRICE - ODD + 1);
        _assertNothingLost(0);
    }

    function test_PaysTwoOfThreeToTheLastUnit() public {
        JobStage memory stage = _proposed(ODD, 6);
        settle(stage);

        assertEq(_paid(0), 0);
        assertEq(_paid(1), 4_900_001);
        assertEq(_paid(2), 1_166_666);
        assertEq(laneBalanceOf(coordinator.id.accountOf()), 388_888 + TIP);
        assertEq(laneBalanceOf(client), PRICE - ODD + 1 + 1_166_666);
        _assertNothingLost(0);
    }

    function test_PaysOneOfOneToTheLastUnit() public {
        (JobId id, Job memory job) = create(1, attestedTerms());
        Assignment memory assignment = assign(id, job, 1);
        JobReceipt memory receipt = receiptOf(id, OUTPUT, ODD, 1);
        vm.prank(coordinator.signer);
        house.jobs.propose(id, job, assignment, receipt);

        assertEq(_paid(0), ODD - 388_888 - 155_555);
        assertEq(laneBalanceOf(coordinator.id.accountOf()), 388_888 + TIP);
        assertEq(feesAt(coordinator.id.accountOf()), 155_555);
        assertEq(laneBalanceOf(client), PRICE - ODD);
        _assertNothingLost(0);
    }

    function test_FourSignersOfThreeReplicasShareOnePool() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        Seat[] memory more = new Seat[](1);
        more[0] = SeatLibrary.seatOf(workers[3].id, workers[3].signer);
        vm.prank(coordinator.signer);
        house.jobs.enlist(stage.id, stage.job, stage.assignment, more);
        stage.assignment.nodes = seatsOf(4);
        stage.proposal = propose(stage.id, stage.job, stage.assignment, 15);
        pass(CHALLENGE_WINDOW);
        settle(stage);

        assertEq(_paid(0), 5_040_000);
        assertEq(_paid(1), 800_000);
        assertEq(_paid(3), 800_000);
        _assertNothingLost(0);
    }

    function test_PaysTheTipToTheCoordinatorsNodeWhenItsSignerSettles() public {
        JobStage memory stage = _proposed(COST, 7);
        settle(stage);
        assertEq(laneBalanceOf(coordinator.id.accountOf()), 400_000 + TIP);
        assertEq(laneBalanceOf(coordinator.signer), 0);
    }

    function test_PaysTheTipToWhoeverElseSettles() public {
        JobStage memory stage = _proposed(COST, 7);
        _settleAs(stranger, stage);
        assertEq(laneBalanceOf(coordinator.id.accountOf()), 400_000);
        assertEq(laneBalanceOf(stranger), TIP);
        _assertNothingLost(TIP);
    }

    function test_TheClientMaySettleAndKeepsItsTip() public {
        JobStage memory stage = _proposed(COST, 7);
        _settleAs(client, stage);
        assertEq(laneBalanceOf(client), PRICE - COST + TIP);
    }

    function test_TellsWhatWasPaidAndWhoSettled() public {
        JobStage memory stage = _proposed(COST, 7);
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobSettled(stage.id, OUTPUT, COST, stranger);
        _settleAs(stranger, stage);

        (JobState state, uint8 attempt, uint40 deadline, uint16 seized) =
            house.jobs.statusOf(stage.id);
        assertEq(uint8(state), uint8(JobState.Settled));
        assertEq(attempt, 1);
        assertEq(deadline, 0);
        assertEq(seized, 0);
    }

    function test_FreeWorkReturnsEverythingButTheTip() public {
        JobStage memory stage = _proposed(0, 7);
        settle(stage);
        assertEq(laneBalanceOf(client), PRICE);
        assertEq(_paid(0), 0);
    }

    function test_AJobWithoutATipPaysNone() public {
        JobTerms memory terms = quorumTerms();
        terms.price = JobPriceLibrary.pack(PRICE, 0, 0);
        JobStage memory stage = stageOf(terms, JobState.Proposed, 1);
        pass(CHALLENGE_WINDOW);
        _settleAs(stranger, stage);
        assertEq(laneBalanceOf(stranger), 0);
        assertEq(laneBalanceOf(client), PRICE - COST);
    }

    function test_PaysAnUnregisteredWorkerAtItsSigner() public {
        (JobId id, Job memory job) = create(1, attestedTerms());
        Assignment memory assignment = assignmentOf(1);
        assignment.nodes[0] = SeatLibrary.seatOf(NodeId.wrap(0), workers[0].signer);
        vm.prank(coordinator.signer);
        house.jobs.assign(id, job, coordinator.id, assignment.nodes);
        propose(id, job, assignment, 1);
        assertEq(laneBalanceOf(workers[0].signer), 7_440_000);
    }

    /// A coordinator that garnishes a seat must not lead its worker's earnings astray.
    function test_PaysTheNodeWhateverTheUnusedBitsOfItsSeatHold() public {
        (JobId id, Job memory job) = create(1, attestedTerms());
        Assignment memory assignment = assignmentOf(1);
        assignment.nodes[0] = Seat.wrap(Seat.unwrap(assignment.nodes[0]) | (1 << 224));
        vm.prank(coordinator.signer);
        house.jobs.assign(id, job, coordinator.id, assignment.nodes);
        propose(id, job, assignment, 1);
        assertEq(_paid(0), 7_440_000);
    }

    function test_ReturnsTopUpsThatWereNotUsed() public {
        (JobId id, Job memory job) = create(1, rateTerms());
        Assignment memory assignment = assign(id, job, 1);
        vm.prank(client);
        house.jobs.topUp(id, job, assignment, 700);
        pass(100);
        vm.prank(coordinator.signer);
        house.jobs.heartbeat(id, job, assignment);
        JobReceipt memory receipt = receiptOf(id, OUTPUT, 100_000, 1);
        vm.prank(coordinator.signer);
        house.jobs.propose(id, job, assignment, receipt);

        assertEq(laneBalanceOf(client), PRICE + 700 - 100_000);
        _assertNothingLost(0);
    }

    function test_EndsEveryLock() public {
        JobStage memory stage = _proposed(COST, 7);
        settle(stage);
        assertEq(house.staking.poolOf(coordinator.id).locked, 0);
        for (uint256 i; i < 3; ++i) {
            assertEq(house.staking.poolOf(workers[i].id).locked, 0);
        }
    }

    function test_AConvictedSignerIsNotPaidAndItsLockIsNotEndedTwice() public {
        JobStage memory stage = _proposed(COST, 7);
        _seize(stage, 0);
        uint128 locked = house.staking.poolOf(workers[0].id).locked;
        settle(stage);

        assertEq(_paid(0), 0);
        assertEq(_paid(1), 5_040_000);
        assertEq(_paid(2), 1_200_000);
        assertEq(laneBalanceOf(client), PRICE - COST + 1_200_000);
        assertEq(house.staking.poolOf(workers[0].id).locked, locked);
        assertEq(house.staking.poolOf(workers[1].id).locked, 0);
        (,,, uint16 seized) = house.jobs.statusOf(stage.id);
        assertEq(seized, 1);
    }

    function test_WorksWhileNewJobsArePaused() public {
        JobStage memory stage = _proposed(COST, 7);
        vm.startPrank(pauser);
        HouseContract(address(house.jobs)).pause();
        HouseContract(address(house.payments)).pause();
        HouseContract(address(house.staking)).pause();
        vm.stopPrank();
        settle(stage);
        assertEq(uint8(stateOf(stage.id)), uint8(JobState.Settled));
    }

    function test_GovernanceCannotRepriceARunningJob() public {
        JobStage memory stage = _proposed(ODD, 7);
        vm.startPrank(address(house.timelock));
        house.profile.disallowToken(address(dollar));
        vm.stopPrank();
        settle(stage);
        assertEq(_paid(0), 4_900_001);
    }

    function test_PullsWhatWasPromised() public {
        JobStage memory stage = _pulled();
        uint128 free = house.payments.freeOf(client, address(dollar));
        dollar.mint(client, COST + TIP);
        vm.prank(client);
        dollar.approve(address(house.payments), COST + TIP);
        settle(stage);

        assertEq(_paid(0), 5_040_000);
        assertEq(laneBalanceOf(client), 0);
        assertEq(dollar.balanceOf(client), 0);
        assertEq(house.payments.freeOf(client, address(dollar)), free);
        _assertNothingLost(0);
    }

    function test_RevertGiven_ThePullFailsUntilTheClientApproves() public {
        JobStage memory stage = _pulled();
        dollar.mint(client, COST + TIP);
        vm.prank(client);
        dollar.approve(address(house.payments), COST + TIP - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobMachine.JobManagerPullFailed.selector, stage.id, client, COST + TIP
            )
        );
        settle(stage);
        assertEq(uint8(stateOf(stage.id)), uint8(JobState.Proposed));
        assertEq(dollar.balanceOf(client), COST + TIP);

        vm.prank(client);
        dollar.approve(address(house.payments), COST + TIP);
        settle(stage);
        assertEq(uint8(stateOf(stage.id)), uint8(JobState.Settled));
    }

    function test_RevertWhen_TheWindowIsOpenForAnotherSecond() public {
        JobStage memory stage = stageAt(JobState.Proposed, 1);
        uint40 deadline = deadlineOf(stage.id);
        passUntil(deadline - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobMachine.JobManagerTooEarly.selector, stage.id, deadline, deadline - 1
            )
        );
        settle(stage);
        pass(1);
        settle(stage);
        assertEq(uint8(stateOf(stage.id)), uint8(JobState.Settled));
    }

    function test_RevertGiven_ConvictionsBrokeTheQuorum() public {
        JobStage memory stage = _proposed(COST, 7);
        _seize(stage, 0);
        _seize(stage, 2);
        vm.expectRevert(
            abi.encodeWithSelector(IJobMachine.JobManagerNoQuorum.selector, stage.id, 1, 2)
        );
        settle(stage);
    }

    function test_RevertWhen_AFieldOfTheProposalDiffers() public {
        JobStage memory stage = _proposed(COST, 3);
        stage.proposal = Proposal(keccak256("another output"), COST, 3);
        expectWrongCommitment(stage.id);
        settle(stage);
        stage.proposal = Proposal(OUTPUT, COST + 1, 3);
        expectWrongCommitment(stage.id);
        settle(stage);
        stage.proposal = Proposal(OUTPUT, COST, 7);
        expectWrongCommitment(stage.id);
        settle(stage);
    }

    function test_RevertWhen_AFieldOfTheJobDiffers() public {
        JobStage memory stage = _proposed(COST, 7);
        Job memory job = stage.job;
        for (uint256 field; field < 5; ++field) {
            stage.job = mutated(job, field);
            expectWrongCommitment(stage.id);
            settle(stage);
        }
    }

    function test_RevertWhen_AFieldOfTheAssignmentDiffers() public {
        JobStage memory stage = _proposed(COST, 7);
        Assignment memory right = stage.assignment;
        stage.assignment = Assignment(right.startedAt - 1, right.coordinator, right.nodes);
        expectWrongCommitment(stage.id);
        settle(stage);
        stage.assignment =
            Assignment(right.startedAt, SeatLibrary.seatOf(NodeId.wrap(9), stranger), right.nodes);
        expectWrongCommitment(stage.id);
        settle(stage);
        stage.assignment = Assignment(right.startedAt, right.coordinator, seatsOf(4));
        expectWrongCommitment(stage.id);
        settle(stage);
    }

    function test_RevertGiven_TheJobIsNotProposed() public {
        for (uint256 i; i < STATES; ++i) {
            if (JobState(i) == JobState.Proposed) continue;
            JobStage memory stage = stageAt(JobState(i), i);
            expectUnexpectedState(stage, JobState.Proposed);
            settle(stage);
        }
    }

    /// A result at this cost whose window is over.
    function _proposed(uint128 cost, uint16 signers) private returns (JobStage memory stage) {
        stage = stageAt(JobState.Assigned, 1);
        JobReceipt memory receipt = receiptOf(stage.id, OUTPUT, cost, signers);
        vm.prank(coordinator.signer);
        house.jobs.propose(stage.id, stage.job, stage.assignment, receipt);
        stage.proposal = Proposal(OUTPUT, cost, signers);
        pass(CHALLENGE_WINDOW);
    }

    /// A result whose money is still the client's.
    function _pulled() private returns (JobStage memory stage) {
        JobRulesLibrary.Fields memory rules = quorumRules();
        rules.funding = Funding.PullAtSettlement;
        stage = stageOf(termsOf(rules), JobState.Proposed, 1);
        pass(CHALLENGE_WINDOW);
    }

    function _settleAs(address settler, JobStage memory stage) private {
        vm.prank(settler);
        house.jobs.settle(stage.id, stage.job, stage.assignment, stage.proposal);
    }

    function _seize(JobStage memory stage, uint256 index) private {
        bytes32 rest = house.jobs.restOf(stage.proposal, address(0));
        vm.prank(address(house.slashing));
        house.jobs.seize(stage.id, stage.job, stage.assignment, rest, index);
    }

    function _paid(uint256 worker) private view returns (uint128) {
        return laneBalanceOf(workers[worker].id.accountOf());
    }

    /// The lane holds what its accounts hold, and `elsewhere`.
    function _assertNothingLost(uint256 elsewhere) private view {
        uint256 sum = elsewhere + laneBalanceOf(client);
        sum += laneBalanceOf(coordinator.id.accountOf()) + feesAt(coordinator.id.accountOf());
        for (uint256 i; i < workers.length; ++i) {
            sum += _paid(i);
        }
        assertEq(house.payments.chainLaneOf(address(dollar)), sum);
    }
}
