// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../../contracts/base/HouseContract.sol";
import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { INetworkProfile } from "../../../contracts/interfaces/INetworkProfile.sol";
import { IPaymentManager } from "../../../contracts/interfaces/IPaymentManager.sol";
import { Job, JobState, JobTerms } from "../../../contracts/types/Job.sol";
import { JobId } from "../../../contracts/types/JobId.sol";
import { JobParameters } from "../../../contracts/types/JobParameters.sol";
import { JobPriceLibrary } from "../../../contracts/types/JobPrice.sol";
import { Funding, JobRules, JobRulesLibrary } from "../../../contracts/types/JobRules.sol";
import { JobStage, JobStageTest } from "../../base/JobStageTest.sol";
import {
    PausableUpgradeable
} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";
import { IERC20Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import { Vm } from "forge-std/Vm.sol";

/// @notice A client orders a job itself.
contract JobManagerCreate is JobStageTest {
    uint128 private constant RESERVED = uint128(PRICE) + TIP;

    function test_StoresAnOpenJobThatNobodyHasTaken() public {
        JobTerms memory terms = quorumTerms();
        JobId expected = house.jobs.idOf(client, 1, terms);
        (JobId id,) = create(1, terms);

        assertEq(JobId.unwrap(id), JobId.unwrap(expected));
        (JobState state, uint8 attempt, uint40 deadline, uint16 seized) = house.jobs.statusOf(id);
        assertEq(uint8(state), uint8(JobState.Open));
        assertEq(attempt, 0);
        assertEq(deadline, terms.rules.assignBy());
        assertEq(seized, 0);
    }

    function test_TellsEverythingThatLaterCallsNeed() public {
        JobTerms memory terms = quorumTerms();
        JobId id = house.jobs.idOf(client, 7, terms);
        JobParameters parameters = house.jobs.parametersOf(address(dollar));

        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobCreated(id, client, 7, terms, parameters);
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobSpecification(id, "ipfs://specification");
        vm.prank(client);
        house.jobs.create(7, terms, "ipfs://specification");
    }

    function test_TellsNoPlaceOfTheSpecificationWhereThereIsNone() public {
        JobTerms memory terms = quorumTerms();
        vm.recordLogs();
        vm.prank(client);
        house.jobs.create(7, terms, "");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            assertNotEq(logs[i].topics[0], IJobMachine.JobSpecification.selector);
        }
    }

    function test_AFinalJobLeavesItsSlotToTheNext() public {
        JobState[2] memory finals = [JobState.Settled, JobState.Refunded];
        for (uint256 i; i < finals.length; ++i) {
            JobStage memory stage = stageAt(finals[i], i);
            (JobId next,) = create(i + NEXT_IN_SLOT, quorumTerms());
            assertEq(uint8(stateOf(stage.id)), uint8(JobState.Closed));
            assertEq(deadlineOf(stage.id), 0);
            assertEq(uint8(stateOf(next)), uint8(JobState.Open));
        }
    }

    function test_SequencesMayBeSkippedButNotGoBack() public {
        create(1 + 5 * NEXT_IN_SLOT, attestedTerms());
        JobTerms memory terms = quorumTerms();
        JobStage memory stage;
        stage.id = house.jobs.idOf(client, 1 + 4 * NEXT_IN_SLOT, terms);
        stage.state = JobState.Closed;
        expectUnexpectedState(stage, JobState.None);
        vm.prank(client);
        house.jobs.create(1 + 4 * NEXT_IN_SLOT, terms, "");
    }

    function test_RevertGiven_TheSlotIsBusy() public {
        JobTerms memory terms = quorumTerms();
        for (uint256 i = uint8(JobState.Open); i <= uint8(JobState.Challenged); ++i) {
            stageOf(terms, JobState(i), i);
            JobId next = house.jobs.idOf(client, i + NEXT_IN_SLOT, terms);
            vm.expectRevert(
                abi.encodeWithSelector(
                    IJobMachine.JobManagerSlotBusy.selector, next, 0, JobState(i)
                )
            );
            vm.prank(client);
            house.jobs.create(i + NEXT_IN_SLOT, terms, "");
        }
    }

    function test_RevertGiven_OtherTermsTookTheNonce() public {
        create(1, quorumTerms());
        JobTerms memory terms = attestedTerms();
        JobStage memory stage;
        stage.id = house.jobs.idOf(client, 1, terms);
        stage.state = JobState.Open;
        expectUnexpectedState(stage, JobState.None);
        _create(terms);
    }

    function test_TakesMoneyFromTheLaneFirst() public {
        vm.prank(client);
        house.jobs.fund(address(dollar), RESERVED);
        uint128 free = house.payments.freeOf(client, address(dollar));

        create(1, quorumTerms());

        assertEq(laneBalanceOf(client), 0);
        assertEq(house.payments.freeOf(client, address(dollar)), free);
        assertEq(house.payments.chainLaneOf(address(dollar)), RESERVED);
    }

    function test_LeavesTheRestOfTheLaneAlone() public {
        vm.prank(client);
        house.jobs.fund(address(dollar), RESERVED + 3);

        create(1, quorumTerms());

        assertEq(laneBalanceOf(client), 3);
    }

    function test_TakesWhatTheLaneLacksFromTheFreeBalance() public {
        vm.prank(client);
        house.jobs.fund(address(dollar), 1e6);
        uint128 free = house.payments.freeOf(client, address(dollar));
        JobTerms memory terms = quorumTerms();

        vm.expectEmit(address(house.jobs));
        emit IJobMachine.LaneFunded(client, address(dollar), RESERVED - 1e6);
        vm.prank(client);
        house.jobs.create(1, terms, "");

        assertEq(laneBalanceOf(client), 0);
        assertEq(house.payments.freeOf(client, address(dollar)), free - (RESERVED - 1e6));
        assertEq(house.payments.chainLaneOf(address(dollar)), RESERVED);
    }

    function test_PullsWhatIsMissingFromTheAllowance() public {
        _keepFree(2e6);
        dollar.mint(client, RESERVED);
        vm.prank(client);
        dollar.approve(address(house.payments), RESERVED - 2e6);

        create(1, termsOf(_rulesWith(Funding.Allowance)));

        assertEq(house.payments.freeOf(client, address(dollar)), 0);
        assertEq(dollar.balanceOf(client), 2e6);
        assertEq(house.payments.chainLaneOf(address(dollar)), RESERVED);
    }

    function test_PullsNothingWhereTheFreeBalanceSuffices() public {
        vm.prank(client);
        dollar.approve(address(house.payments), RESERVED);
        dollar.mint(client, RESERVED);

        create(1, termsOf(_rulesWith(Funding.Allowance)));

        assertEq(dollar.balanceOf(client), RESERVED);
        assertEq(house.payments.chainLaneOf(address(dollar)), RESERVED);
    }

    function test_ReservesNothingThatIsPulledAtSettlement() public {
        uint128 free = house.payments.freeOf(client, address(dollar));
        (JobId id,) = create(1, termsOf(_rulesWith(Funding.PullAtSettlement)));

        assertEq(uint8(stateOf(id)), uint8(JobState.Open));
        assertEq(house.payments.freeOf(client, address(dollar)), free);
        assertEq(house.payments.chainLaneOf(address(dollar)), 0);
    }

    function test_AcceptsTheOuterBounds() public {
        JobRulesLibrary.Fields memory rules = quorumRules();
        (rules.replicas, rules.quorum) = (16, 16);
        rules.assignBy = uint40(block.timestamp + 1);
        rules.completeBy = uint40(block.timestamp + MAX_JOB);
        create(1, termsOf(rules));

        (rules.replicas, rules.quorum) = (16, 9);
        rules.completeBy = rules.assignBy + 1;
        create(2, termsOf(rules));

        JobTerms memory terms = quorumTerms();
        terms.price = JobPriceLibrary.pack(1, 0, 0);
        create(3, terms);
    }

    function test_TheSameTermsUnderAnotherNonceAreAnotherJob() public {
        (JobId first,) = create(1, quorumTerms());
        (JobId second,) = create(2, quorumTerms());

        assertNotEq(JobId.unwrap(first), JobId.unwrap(second));
        assertEq(house.payments.chainLaneOf(address(dollar)), 2 * RESERVED);
    }

    function test_AJobKeepsTheParametersOfItsCreation() public {
        (JobId id, Job memory job) = create(1, quorumTerms());
        INetworkProfile.Parameters memory next = networkParameters();
        next.leaseSeconds = 7;
        vm.prank(address(house.timelock));
        house.profile.setParameters(next);

        assign(id, job, 3);
        assertEq(deadlineOf(id), uint40(block.timestamp) + LEASE);
    }

    function test_RevertWhen_TheSpecificationIsMissing() public {
        JobTerms memory terms = quorumTerms();
        terms.specification = 0;
        _expectInvalid("specification", 0, 1);
        _create(terms);
    }

    function test_RevertWhen_AnEnumerationHasNoSuchMember() public {
        JobTerms memory terms = quorumTerms();
        uint256 good = JobRules.unwrap(terms.rules);
        for (uint256 shift; shift <= 16; shift += 8) {
            uint256 bad = (good & ~(uint256(0xff) << shift)) | (uint256(3) << shift);
            terms.rules = JobRules.wrap(bad);
            _expectInvalid("rules", bad, 0);
            _create(terms);
        }
    }

    function test_RevertWhen_AnUnusedBitIsSet() public {
        JobTerms memory terms = quorumTerms();
        uint256 good = JobRules.unwrap(terms.rules);
        for (uint256 bit = 208; bit < 256; ++bit) {
            uint256 bad = good | (1 << bit);
            terms.rules = JobRules.wrap(bad);
            _expectInvalid("rules", bad, 0);
            _create(terms);
        }
    }

    function test_RevertWhen_TheMaximumPriceIsZero() public {
        JobTerms memory terms = quorumTerms();
        terms.price = JobPriceLibrary.pack(0, 5, TIP);
        _expectInvalid("maxPrice", 0, 1);
        _create(terms);
    }

    function test_RevertWhen_ThereAreNoReplicasOrTooMany() public {
        JobRulesLibrary.Fields memory rules = quorumRules();
        (rules.replicas, rules.quorum) = (0, 0);
        JobTerms memory terms = termsOf(rules);
        _expectInvalid("replicas", 0, 16);
        _create(terms);

        (rules.replicas, rules.quorum) = (17, 9);
        terms = termsOf(rules);
        _expectInvalid("replicas", 17, 16);
        _create(terms);
    }

    function test_RevertWhen_TheQuorumIsAboveTheReplicas() public {
        JobRulesLibrary.Fields memory rules = quorumRules();
        rules.quorum = 4;
        JobTerms memory terms = termsOf(rules);
        _expectInvalid("quorum", 4, 3);
        _create(terms);
    }

    function test_RevertWhen_TheQuorumIsNoMajority() public {
        JobRulesLibrary.Fields memory rules = quorumRules();
        (rules.replicas, rules.quorum) = (4, 2);
        JobTerms memory terms = termsOf(rules);
        _expectInvalid("quorum", 2, 3);
        _create(terms);

        (rules.replicas, rules.quorum) = (1, 0);
        terms = termsOf(rules);
        _expectInvalid("quorum", 0, 1);
        _create(terms);
    }

    function test_RevertWhen_TheTimeToAssignIsOver() public {
        JobRulesLibrary.Fields memory rules = quorumRules();
        rules.assignBy = uint40(block.timestamp);
        JobTerms memory terms = termsOf(rules);
        _expectInvalid("assignBy", block.timestamp, block.timestamp);
        _create(terms);
    }

    function test_RevertWhen_TheJobEndsBeforeItMustBeAssigned() public {
        JobRulesLibrary.Fields memory rules = quorumRules();
        rules.completeBy = rules.assignBy;
        JobTerms memory terms = termsOf(rules);
        _expectInvalid("completeBy", rules.assignBy, rules.assignBy);
        _create(terms);
    }

    function test_RevertWhen_TheJobIsTooLong() public {
        JobRulesLibrary.Fields memory rules = quorumRules();
        rules.completeBy = uint40(block.timestamp + MAX_JOB + 1);
        JobTerms memory terms = termsOf(rules);
        _expectInvalid("completeBy", rules.completeBy, block.timestamp + MAX_JOB);
        _create(terms);
    }

    function test_RevertWhen_WorkPaidByTimeIsPulledAtSettlement() public {
        JobTerms memory terms = termsOf(_rulesWith(Funding.PullAtSettlement));
        terms.price = JobPriceLibrary.pack(PRICE, 1, TIP);
        _expectInvalid("funding", uint8(Funding.PullAtSettlement), uint8(Funding.Allowance));
        _create(terms);
    }

    function test_RevertWhen_TheClientAgreedToOtherParameters() public {
        JobRulesLibrary.Fields memory rules = quorumRules();
        uint24 current = rules.parametersVersion;
        rules.parametersVersion = current + 1;
        JobTerms memory terms = termsOf(rules);
        _expectStale(address(dollar), current + 1, current);
        _create(terms);
    }

    function test_RevertGiven_GovernanceSetNewParameters() public {
        JobTerms memory terms = quorumTerms();
        uint24 agreed = terms.rules.parametersVersion();
        vm.prank(address(house.timelock));
        house.profile.setParameters(networkParameters());
        _expectStale(address(dollar), agreed, agreed + 1);
        _create(terms);
    }

    function test_RevertGiven_TheTokenIsNoLongerAccepted() public {
        JobTerms memory terms = quorumTerms();
        vm.prank(address(house.timelock));
        house.profile.disallowToken(address(dollar));
        _expectStale(address(dollar), terms.rules.parametersVersion(), 0);
        _create(terms);
    }

    function test_RevertWhen_TheTokenWasNeverAcceptedAndTheVersionIsZero() public {
        JobRulesLibrary.Fields memory rules = quorumRules();
        rules.parametersVersion = 0;
        JobTerms memory terms = termsOf(rules);
        terms.token = address(0xdead);
        _expectStale(address(0xdead), 0, 0);
        _create(terms);
    }

    function test_RevertWhen_TheMoneyIsNotThere() public {
        _keepFree(2e6);
        JobTerms memory terms = quorumTerms();
        vm.prank(client);
        house.jobs.fund(address(dollar), 1e6);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPaymentManager.PaymentManagerInsufficientBalance.selector,
                address(dollar),
                client,
                1e6,
                RESERVED - 1e6
            )
        );
        _create(terms);
        assertEq(laneBalanceOf(client), 1e6);
    }

    function test_RevertWhen_TheAllowanceIsTooSmall() public {
        _keepFree(2e6);
        dollar.mint(client, RESERVED);
        vm.prank(client);
        dollar.approve(address(house.payments), RESERVED - 2e6 - 1);
        JobTerms memory terms = termsOf(_rulesWith(Funding.Allowance));
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector,
                address(house.payments),
                RESERVED - 2e6 - 1,
                RESERVED - 2e6
            )
        );
        _create(terms);
    }

    function test_RevertGiven_NewJobsArePaused() public {
        JobTerms memory terms = quorumTerms();
        vm.prank(pauser);
        HouseContract(address(house.jobs)).pause();
        vm.expectRevert(PausableUpgradeable.EnforcedPause.selector);
        _create(terms);

        vm.prank(pauser);
        HouseContract(address(house.jobs)).unpause();
        _create(terms);
    }

    function test_RevertGiven_TheOrderWasAJobAlready() public {
        for (uint256 i = 1; i < STATES; ++i) {
            JobTerms memory terms = quorumTerms();
            JobStage memory stage = stageOf(terms, JobState(i), i);
            expectUnexpectedState(stage, JobState.None);
            vm.prank(client);
            house.jobs.create(i, terms, "");
        }
    }

    function test_RevertGiven_TheClientVoidedTheOrder() public {
        JobTerms memory terms = quorumTerms();
        vm.prank(client);
        house.jobs.voidOrder(1, terms);
        JobStage memory stage;
        stage.id = house.jobs.idOf(client, 1, terms);
        stage.state = JobState.Refunded;
        expectUnexpectedState(stage, JobState.None);
        _create(terms);
    }

    function _create(JobTerms memory terms) private {
        vm.prank(client);
        house.jobs.create(1, terms, "");
    }

    function _rulesWith(Funding funding)
        private
        view
        returns (JobRulesLibrary.Fields memory rules)
    {
        rules = quorumRules();
        rules.funding = funding;
    }

    function _keepFree(uint128 amount) private {
        uint128 free = house.payments.freeOf(client, address(dollar));
        vm.prank(client);
        house.payments.withdraw(address(dollar), free - amount, stranger);
    }

    function _expectInvalid(bytes32 term, uint256 given, uint256 bound) private {
        vm.expectRevert(
            abi.encodeWithSelector(IJobMachine.JobManagerInvalidTerm.selector, term, given, bound)
        );
    }

    function _expectStale(address token, uint24 given, uint24 current) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobMachine.JobManagerStaleParameters.selector, token, given, current
            )
        );
    }
}
