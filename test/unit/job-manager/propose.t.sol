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
import { JobRulesLibrary, Verification } from "../../../contracts/types/JobRules.sol";
import { NodeId } from "../../../contracts/types/NodeId.sol";
import { Seat, SeatLibrary } from "../../../contracts/types/Seat.sol";
import { JobStage, JobStageTest } from "../../base/JobStageTest.sol";
import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @notice A result comes with the signatures of its quorum.
contract JobManagerPropose is JobStageTest {
    bytes32 private constant DOMAIN_TYPEHASH = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );
    bytes32 private constant CLAIM_TYPEHASH =
        keccak256("ReceiptClaim(bytes32 jobId,uint8 attempt,bytes32 outputRoot,uint128 cost)");

    function test_OpensAWindowForDeterministicWork() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        _expectProposed(stage, Proposal(OUTPUT, COST, 7));
        propose(stage.id, stage.job, stage.assignment, 7);

        (JobState state, uint8 attempt, uint40 deadline,) = house.jobs.statusOf(stage.id);
        assertEq(uint8(state), uint8(JobState.Proposed));
        assertEq(attempt, 1);
        assertEq(deadline, uint40(block.timestamp) + CHALLENGE_WINDOW);
        assertEq(laneBalanceOf(coordinator.id.accountOf()), 0);
    }

    function test_OpensAWindowForFingerprints() public {
        JobRulesLibrary.Fields memory rules = quorumRules();
        rules.verification = Verification.Fingerprint;
        JobStage memory stage = stageOf(termsOf(rules), JobState.Proposed, 1);
        assertEq(uint8(stateOf(stage.id)), uint8(JobState.Proposed));
    }

    function test_SettlesAttestedWorkAtOnce() public {
        JobRulesLibrary.Fields memory rules = quorumRules();
        rules.verification = Verification.Attested;
        JobStage memory stage = stageOf(termsOf(rules), JobState.Assigned, 1);

        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobSettled(stage.id, OUTPUT, COST, coordinator.signer);
        propose(stage.id, stage.job, stage.assignment, 7);

        assertEq(uint8(stateOf(stage.id)), uint8(JobState.Settled));
        assertEq(deadlineOf(stage.id), 0);
        assertEq(laneBalanceOf(workers[0].id.accountOf()), 5_040_000);
        assertEq(house.staking.poolOf(workers[0].id).locked, 0);
    }

    function test_TheMostThatTheTermsAllowIsNotTooMuch() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        _propose(stage, receiptOf(stage.id, OUTPUT, PRICE, 7));
        assertEq(uint8(stateOf(stage.id)), uint8(JobState.Proposed));
    }

    function test_WorkMayBeFree() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        _propose(stage, receiptOf(stage.id, OUTPUT, 0, 7));
        assertEq(uint8(stateOf(stage.id)), uint8(JobState.Proposed));
    }

    function test_AnyTwoOfThreeMakeAQuorum() public {
        uint16[3] memory pairs = [uint16(3), 5, 6];
        for (uint256 i; i < pairs.length; ++i) {
            JobStage memory stage = stageAt(JobState.Assigned, i);
            propose(stage.id, stage.job, stage.assignment, pairs[i]);
            assertEq(uint8(stateOf(stage.id)), uint8(JobState.Proposed));
        }
    }

    function test_ALateResultCostsHalfRoundedDown() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        passUntil(stage.job.rules.completeBy());
        JobReceipt memory receipt = receiptOf(stage.id, OUTPUT, COST + 1, 7);
        _expectProposed(stage, Proposal(OUTPUT, COST / 2, 7));
        _propose(stage, receipt);
    }

    function test_AResultInTheLastSecondIsNotLate() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        passUntil(stage.job.rules.completeBy() - 1);
        JobReceipt memory receipt = receiptOf(stage.id, OUTPUT, COST, 7);
        _expectProposed(stage, Proposal(OUTPUT, COST, 7));
        _propose(stage, receipt);
    }

    function test_ALateAttestedResultIsPaidHalfAtOnce() public {
        (JobId id, Job memory job) = create(1, attestedTerms());
        Assignment memory assignment = assign(id, job, 1);
        passUntil(job.rules.completeBy());
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobSettled(id, OUTPUT, COST / 2, coordinator.signer);
        propose(id, job, assignment, 1);
    }

    function test_AnyoneMayProposeOnceTheLeaseIsOver() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        JobReceipt memory receipt = receiptOf(stage.id, OUTPUT, COST, 7);
        passUntil(deadlineOf(stage.id));
        vm.prank(stranger);
        house.jobs.propose(stage.id, stage.job, stage.assignment, receipt);
        assertEq(uint8(stateOf(stage.id)), uint8(JobState.Proposed));
    }

    function test_WorksWhileNewJobsArePaused() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        vm.prank(pauser);
        HouseContract(address(house.jobs)).pause();
        propose(stage.id, stage.job, stage.assignment, 7);
        assertEq(uint8(stateOf(stage.id)), uint8(JobState.Proposed));
    }

    function test_AWorkersRotationSpoilsNoSignature() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        JobReceipt memory receipt = receiptOf(stage.id, OUTPUT, COST, 7);
        (address signer, uint256 key) = makeAddrAndKey("rotated");
        bytes memory consent = consentOf(key, workers[0].operator);
        vm.prank(workers[0].operator);
        house.registry.rotateSigner(workers[0].id, signer, consent);
        _propose(stage, receipt);
        assertEq(uint8(stateOf(stage.id)), uint8(JobState.Proposed));
    }

    function test_WorkPaidByTimeCostsAtMostItsTime() public {
        (JobId id, Job memory job) = create(1, rateTerms());
        JobStage memory stage = _timed(id, job, 100);
        _refuseCost(stage, 100_001, 1, 100_000);
        _propose(stage, receiptOf(id, OUTPUT, 100_000, 1));
        assertEq(uint8(stateOf(id)), uint8(JobState.Settled));
    }

    function test_TimeAfterTheLastHeartbeatIsNotPaid() public {
        (JobId id, Job memory job) = create(1, rateTerms());
        JobStage memory stage = _timed(id, job, 100);
        pass(50);
        _refuseCost(stage, 150_000, 1, 100_000);
    }

    function test_AJobThatWasStoppedAfterItsLastHeartbeatIsPaidUntilTheHeartbeat() public {
        (JobId id, Job memory job) = create(1, rateTerms());
        JobStage memory stage = _timed(id, job, 100);
        pass(20);
        vm.prank(client);
        house.jobs.stop(id, job, stage.assignment);
        _refuseCost(stage, 120_000, 1, 100_000);
    }

    function test_WorkPaidByTimeCostsAtMostWhatItsClientPutIn() public {
        JobTerms memory terms = rateTerms();
        (JobId id, Job memory job) = create(1, terms);
        JobStage memory stage = _timed(id, job, 100);
        for (uint256 i; i < 110; ++i) {
            pass(100);
            vm.prank(coordinator.signer);
            house.jobs.heartbeat(id, job, stage.assignment);
        }
        _refuseCost(stage, PRICE + 1, 1, PRICE);

        vm.prank(client);
        house.jobs.topUp(id, job, stage.assignment, 500);
        _refuseCost(stage, PRICE + 501, 1, PRICE + 500);
        _propose(stage, receiptOf(id, OUTPUT, PRICE + 500, 1));
        assertEq(uint8(stateOf(id)), uint8(JobState.Settled));
    }

    function test_WorkPaidByTimeIsNeverLate() public {
        JobRulesLibrary.Fields memory rules = attestedRules();
        JobTerms memory terms = rateTerms();
        terms.rules = JobRulesLibrary.pack(rules);
        (JobId id, Job memory job) = create(1, terms);
        JobStage memory stage = _timed(id, job, 100);
        passUntil(rules.completeBy);
        JobReceipt memory receipt = receiptOf(id, OUTPUT, 100_000, 1);
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobSettled(id, OUTPUT, 100_000, coordinator.signer);
        _propose(stage, receipt);
    }

    function test_RevertWhen_TheCostIsAboveTheMaximum() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        _refuseCost(stage, PRICE + 1, 7, PRICE);
    }

    function test_RevertWhen_SomebodyElseProposesDuringTheLease() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        JobReceipt memory receipt = receiptOf(stage.id, OUTPUT, COST, 7);
        passUntil(deadlineOf(stage.id) - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobMachine.JobManagerUnauthorized.selector,
                stage.id,
                workers[0].signer,
                coordinator.signer
            )
        );
        vm.prank(workers[0].signer);
        house.jobs.propose(stage.id, stage.job, stage.assignment, receipt);
    }

    function test_RevertWhen_TooFewSigned() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        _refuseQuorum(stage, receiptOf(stage.id, OUTPUT, COST, 0), 0, 2);
        _refuseQuorum(stage, receiptOf(stage.id, OUTPUT, COST, 4), 1, 2);
    }

    function test_RevertWhen_TheRulesAskForMore() public {
        JobRulesLibrary.Fields memory rules = quorumRules();
        rules.quorum = 3;
        JobStage memory stage = stageOf(termsOf(rules), JobState.Assigned, 1);
        _refuseQuorum(stage, receiptOf(stage.id, OUTPUT, COST, 3), 2, 3);
    }

    function test_RevertWhen_TheSignersAreNoMajorityOfTheAssignedNodes() public {
        JobRulesLibrary.Fields memory rules = quorumRules();
        (rules.replicas, rules.quorum) = (1, 1);
        JobStage memory stage = stageOf(termsOf(rules), JobState.Assigned, 1);
        _refuseQuorum(stage, receiptOf(stage.id, OUTPUT, COST, 1), 1, 2);
    }

    function test_RevertGiven_EnlistedNodesRaisedTheMajority() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        Seat[] memory more = new Seat[](1);
        more[0] = SeatLibrary.seatOf(workers[3].id, workers[3].signer);
        vm.prank(coordinator.signer);
        house.jobs.enlist(stage.id, stage.job, stage.assignment, more);
        stage.assignment.nodes = seatsOf(4);

        _refuseQuorum(stage, receiptOf(stage.id, OUTPUT, COST, 3), 2, 3);
        propose(stage.id, stage.job, stage.assignment, 11);
        assertEq(uint8(stateOf(stage.id)), uint8(JobState.Proposed));
    }

    function test_RevertWhen_SignaturesAreMissingOrTooMany() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        JobReceipt memory receipt = receiptOf(stage.id, OUTPUT, COST, 3);
        bytes memory both = receipt.signatures;

        receipt.signatures = "";
        _refuseQuorum(stage, receipt, 0, 2);
        receipt.signatures = receiptOf(stage.id, OUTPUT, COST, 1).signatures;
        _refuseQuorum(stage, receipt, 1, 2);
        receipt.signatures = bytes.concat(both, hex"00");
        _refuseQuorum(stage, receipt, 2, 2);
        receipt.signatures = receiptOf(stage.id, OUTPUT, COST, 7).signatures;
        _refuseQuorum(stage, receipt, 3, 2);
    }

    function test_RevertWhen_SignaturesAreInAnotherOrder() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        JobReceipt memory receipt = receiptOf(stage.id, OUTPUT, COST, 3);
        receipt.signatures = bytes.concat(
            receiptOf(stage.id, OUTPUT, COST, 2).signatures,
            receiptOf(stage.id, OUTPUT, COST, 1).signatures
        );
        _refuseAttestation(stage, receipt, 0, workers[1].signer);
    }

    function test_RevertWhen_ASignatureIsForAnotherNode() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        JobReceipt memory receipt = receiptOf(stage.id, OUTPUT, COST, 3);
        receipt.signers = 5;
        _refuseAttestation(stage, receipt, 2, workers[1].signer);
    }

    function test_RevertWhen_ASignatureIsBySomebodyElse() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        JobReceipt memory receipt = receiptOf(stage.id, OUTPUT, COST, 1);
        receipt.signers = 3;
        receipt.signatures =
            bytes.concat(receipt.signatures, receiptOf(stage.id, OUTPUT, COST, 8).signatures);
        _refuseAttestation(stage, receipt, 1, workers[3].signer);
    }

    function test_RevertWhen_ASignatureIsNoSignature() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        JobReceipt memory receipt = receiptOf(stage.id, OUTPUT, COST, 1);
        receipt.signers = 3;
        receipt.signatures = bytes.concat(receipt.signatures, new bytes(65));
        _refuseAttestation(stage, receipt, 1, address(0));
    }

    /// A seat whose signer is nobody: what is no signature must not count as nobody's.
    function test_RevertWhen_NobodySignedForASeatOfNobody() public {
        (JobId id, Job memory job) = create(1, attestedTerms());
        JobStage memory stage;
        (stage.id, stage.job) = (id, job);
        stage.assignment = assignmentOf(1);
        stage.assignment.nodes[0] = SeatLibrary.seatOf(NodeId.wrap(0), address(0));
        vm.prank(coordinator.signer);
        house.jobs.assign(id, job, coordinator.id, stage.assignment.nodes);
        JobReceipt memory receipt = JobReceipt(OUTPUT, COST, 1, new bytes(65));
        _refuseAttestation(stage, receipt, 0, address(0));
    }

    function test_RevertWhen_ASignerIsNotInTheAssignment() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        _refuseSigners(stage, receiptOf(stage.id, OUTPUT, COST, 15), 7);
        JobReceipt memory receipt = receiptOf(stage.id, OUTPUT, COST, 3);
        receipt.signers |= 1 << 15;
        _refuseSigners(stage, receipt, 7);
    }

    function test_RevertGiven_ASignerWasConvicted() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        vm.prank(address(house.slashing));
        house.jobs.seize(stage.id, stage.job, stage.assignment, 0, 1);
        _refuseSigners(stage, receiptOf(stage.id, OUTPUT, COST, 7), 5);
        propose(stage.id, stage.job, stage.assignment, 5);
        assertEq(uint8(stateOf(stage.id)), uint8(JobState.Proposed));
    }

    function test_RevertWhen_AnythingInTheClaimDiffers() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        bytes32 id = JobId.unwrap(stage.id);
        _refuseClaim(stage, keccak256("another job"), 1, OUTPUT, COST);
        _refuseClaim(stage, id, 2, OUTPUT, COST);
        _refuseClaim(stage, id, 0, OUTPUT, COST);
        _refuseClaim(stage, id, 1, keccak256("another output"), COST);
        _refuseClaim(stage, id, 1, OUTPUT, COST - 1);
    }

    function test_RevertWhen_TheClaimWasSignedForAnEarlierAttempt() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        JobReceipt memory old = receiptOf(stage.id, OUTPUT, COST, 7);
        vm.prank(coordinator.signer);
        house.jobs.release(stage.id, stage.job, stage.assignment);
        stage.assignment = assign(stage.id, stage.job, 3);
        bytes32 digest = house.jobs.claimDigest(stage.id, 2, OUTPUT, COST);
        _refuseAttestation(stage, old, 0, _firstSigner(digest, old));
    }

    function test_RevertWhen_TheChainIsAnother() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        JobReceipt memory receipt = receiptOf(stage.id, OUTPUT, COST, 7);
        vm.chainId(block.chainid + 1);
        bytes32 digest = house.jobs.claimDigest(stage.id, 1, OUTPUT, COST);
        _refuseAttestation(stage, receipt, 0, _firstSigner(digest, receipt));
    }

    function test_RevertWhen_TheContractIsAnother() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        _refuseDomain(stage, "Tallystick JobManager", "1", address(this));
        _refuseDomain(stage, "Tallystick JobManager", "2", address(house.jobs));
        _refuseDomain(stage, "Another JobManager", "1", address(house.jobs));
    }

    function test_RevertWhen_AFieldOfTheJobDiffers() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        JobReceipt memory receipt = receiptOf(stage.id, OUTPUT, COST, 7);
        Job memory job = stage.job;
        for (uint256 field; field < 5; ++field) {
            stage.job = mutated(job, field);
            expectWrongCommitment(stage.id);
            _propose(stage, receipt);
        }
    }

    function test_RevertWhen_AFieldOfTheAssignmentDiffers() public {
        JobStage memory stage = stageAt(JobState.Assigned, 1);
        JobReceipt memory receipt = receiptOf(stage.id, OUTPUT, COST, 7);
        Assignment memory right = stage.assignment;

        stage.assignment = Assignment(right.startedAt + 1, right.coordinator, right.nodes);
        expectWrongCommitment(stage.id);
        _propose(stage, receipt);
        // Another coordinator would be another payee, and another caller.
        Seat other = SeatLibrary.seatOf(workers[3].id, coordinator.signer);
        stage.assignment = Assignment(right.startedAt, other, right.nodes);
        expectWrongCommitment(stage.id);
        _propose(stage, receipt);
        stage.assignment = Assignment(right.startedAt, right.coordinator, seatsOf(2));
        expectWrongCommitment(stage.id);
        _propose(stage, receipt);
        stage.assignment = Assignment(right.startedAt, right.coordinator, seatsOf(4));
        expectWrongCommitment(stage.id);
        _propose(stage, receipt);
        Seat[] memory swapped = seatsOf(3);
        (swapped[0], swapped[1]) = (swapped[1], swapped[0]);
        stage.assignment = Assignment(right.startedAt, right.coordinator, swapped);
        expectWrongCommitment(stage.id);
        _propose(stage, receipt);
    }

    function test_RevertGiven_TheJobIsNotAssigned() public {
        for (uint256 i; i < STATES; ++i) {
            if (JobState(i) == JobState.Assigned) continue;
            JobStage memory stage = stageAt(JobState(i), i);
            JobReceipt memory receipt = receiptOf(stage.id, OUTPUT, COST, 7);
            expectUnexpectedState(stage, JobState.Assigned);
            _propose(stage, receipt);
        }
    }

    /// An assigned job that ran for so long, with a heartbeat at the end.
    function _timed(JobId id, Job memory job, uint256 ran) private returns (JobStage memory stage) {
        (stage.id, stage.job, stage.assignment) = (id, job, assign(id, job, 1));
        pass(ran);
        vm.prank(coordinator.signer);
        house.jobs.heartbeat(id, job, stage.assignment);
    }

    function _propose(JobStage memory stage, JobReceipt memory receipt) private {
        vm.prank(coordinator.signer);
        house.jobs.propose(stage.id, stage.job, stage.assignment, receipt);
    }

    function _expectProposed(JobStage memory stage, Proposal memory proposal) private {
        uint40 deadline = uint40(block.timestamp) + CHALLENGE_WINDOW;
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobProposed(stage.id, 1, proposal, deadline);
    }

    function _refuseCost(JobStage memory stage, uint128 cost, uint16 signers, uint256 most)
        private
    {
        JobReceipt memory receipt = receiptOf(stage.id, OUTPUT, cost, signers);
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobMachine.JobManagerExcessiveCost.selector, stage.id, cost, most
            )
        );
        _propose(stage, receipt);
    }

    function _refuseQuorum(
        JobStage memory stage,
        JobReceipt memory receipt,
        uint256 given,
        uint256 needed
    ) private {
        vm.expectRevert(
            abi.encodeWithSelector(IJobMachine.JobManagerNoQuorum.selector, stage.id, given, needed)
        );
        _propose(stage, receipt);
    }

    function _refuseSigners(JobStage memory stage, JobReceipt memory receipt, uint16 accepted)
        private
    {
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobMachine.JobManagerInvalidSigners.selector, stage.id, receipt.signers, accepted
            )
        );
        _propose(stage, receipt);
    }

    function _refuseAttestation(
        JobStage memory stage,
        JobReceipt memory receipt,
        uint256 index,
        address actual
    ) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobMachine.JobManagerInvalidAttestation.selector,
                stage.id,
                index,
                stage.assignment.nodes[index].signer(),
                actual
            )
        );
        _propose(stage, receipt);
    }

    /// All three sign this claim in the right domain, but it is not the one that is proposed.
    function _refuseClaim(
        JobStage memory stage,
        bytes32 id,
        uint8 attempt,
        bytes32 outputRoot,
        uint128 cost
    ) private {
        bytes32 digest = house.jobs.claimDigest(JobId.wrap(id), attempt, outputRoot, cost);
        _refuseSigned(stage, digest);
    }

    function _refuseDomain(
        JobStage memory stage,
        string memory name,
        string memory version,
        address verifier
    ) private {
        bytes32 claim = keccak256(abi.encode(CLAIM_TYPEHASH, stage.id, uint8(1), OUTPUT, COST));
        bytes32 domain = keccak256(
            abi.encode(
                DOMAIN_TYPEHASH,
                keccak256(bytes(name)),
                keccak256(bytes(version)),
                block.chainid,
                verifier
            )
        );
        _refuseSigned(stage, keccak256(bytes.concat(hex"1901", domain, claim)));
    }

    function _refuseSigned(JobStage memory stage, bytes32 digest) private {
        JobReceipt memory receipt = JobReceipt(OUTPUT, COST, 7, "");
        for (uint256 i; i < 3; ++i) {
            receipt.signatures =
                bytes.concat(receipt.signatures, signatureOf(workers[i].key, digest));
        }
        bytes32 right = house.jobs.claimDigest(stage.id, 1, OUTPUT, COST);
        _refuseAttestation(stage, receipt, 0, _firstSigner(right, receipt));
    }

    /// Whoever the first signature of a receipt belongs to, if this was signed.
    function _firstSigner(bytes32 digest, JobReceipt memory receipt)
        private
        pure
        returns (address)
    {
        bytes memory first = new bytes(65);
        for (uint256 i; i < 65; ++i) {
            first[i] = receipt.signatures[i];
        }
        (address signer, ECDSA.RecoverError failure,) = ECDSA.tryRecover(digest, first);
        return failure == ECDSA.RecoverError.NoError ? signer : address(0);
    }
}
