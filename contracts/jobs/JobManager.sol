// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../base/HouseContract.sol";
import { IJobMainPath } from "../interfaces/IJobMainPath.sol";
import { INodeRegistry } from "../interfaces/INodeRegistry.sol";
import { IPaymentManager } from "../interfaces/IPaymentManager.sol";
import { IStakingManager } from "../interfaces/IStakingManager.sol";
import { JobCodec } from "../libraries/JobCodec.sol";
import { JobRules } from "../libraries/JobRules.sol";
import { JobSplit } from "../libraries/JobSplit.sol";
import { Signatures } from "../libraries/Signatures.sol";
import { JobId } from "../types/JobId.sol";
import { JobParameters } from "../types/JobParameters.sol";
import {
    Assignment,
    Funding,
    Job,
    JobState,
    JobTerms,
    Proposal,
    Receipt,
    Verification
} from "../types/JobTerms.sol";
import { JobWord, JobWordLibrary } from "../types/JobWord.sol";
import { NodeId } from "../types/NodeId.sol";
import { SeatLibrary } from "../types/Seat.sol";
import { JobMachine } from "./JobMachine.sol";
import { Proxy } from "@openzeppelin/contracts/proxy/Proxy.sol";

/// @title Job manager
/// @notice The main path of a job: create, assign, propose, settle. What is needed when something goes otherwise is in
/// `JobRecovery`, to which every other call is delegated: same address, same storage, a second piece of code, because
/// one contract would be too large. Callers see one contract, `IJobManager`.
contract JobManager is IJobMainPath, JobMachine, HouseContract, Proxy {
    uint256 private constant MAX_BATCH = 64;

    address private immutable _RECOVERY;

    /// @param registry The `NodeRegistry` proxy.
    /// @param staking The `StakingManager` proxy.
    /// @param payments The `PaymentManager` proxy.
    /// @param recovery The `JobRecovery` implementation, made with the same three.
    constructor(
        INodeRegistry registry,
        IStakingManager staking,
        IPaymentManager payments,
        address recovery
    ) JobMachine(registry, staking, payments) {
        _RECOVERY = recovery;
    }

    /// @notice Sets the first admin. Runs once.
    function initialize(address admin) external initializer {
        _initializeHouse(admin);
    }

    /// @inheritdoc IJobMainPath
    function create(uint256 nonce, JobTerms calldata terms, string calldata specificationUri)
        external
        whenNotPaused
        returns (JobId id)
    {
        id = _idOf(msg.sender, nonce, terms);
        _create(id, msg.sender, nonce, terms, specificationUri);
    }

    /// @inheritdoc IJobMainPath
    function createFor(
        address client,
        uint256 nonce,
        JobTerms calldata terms,
        string calldata specificationUri,
        bytes calldata signature
    ) external whenNotPaused returns (JobId id) {
        id = _idOf(client, nonce, terms);
        require(
            Signatures.isFrom(client, JobId.unwrap(id), signature),
            JobManagerInvalidOrderSignature(id, client)
        );
        _create(id, client, nonce, terms, specificationUri);
    }

    /// @inheritdoc IJobMainPath
    function batch(bytes[] calldata calls) external returns (bool[] memory done) {
        require(calls.length <= MAX_BATCH, JobManagerBatchTooLarge(calls.length, MAX_BATCH));
        done = new bool[](calls.length);
        for (uint256 i; i < calls.length; ++i) {
            bytes memory answer;
            (done[i], answer) = address(this).delegatecall(calls[i]);
            if (!done[i]) emit BatchItemFailed(i, bytes4(answer));
        }
    }

    /// @inheritdoc IJobMainPath
    function assign(Job calldata job, NodeId coordinator, NodeId[] calldata nodes) external {
        (JobId id, JobWord word) = _load(job, _bit(JobState.Open), 0, 0);
        _requireBefore(id, word.deadline());

        Assignment memory assignment = Assignment({
            startedAt: uint40(block.timestamp),
            coordinator: SeatLibrary.seatOf(coordinator, msg.sender),
            nodes: _REGISTRY.muster(coordinator, msg.sender, nodes, job.terms.trust)
        });
        _requireNodes(id, assignment.nodes);
        uint8 attempt = word.attempt() + 1;
        uint40 deadline = _leaseEnd(job);
        _store(
            id,
            JobWordLibrary.make(
                JobState.Assigned,
                attempt,
                deadline,
                JobCodec.commitment(job.parameters, JobCodec.assignmentHash(assignment), 0)
            )
        );
        if (job.terms.ratePerSecond != 0) {
            _layout().meters[id].lastBeat = uint40(block.timestamp);
        }
        emit JobAssigned(id, attempt, assignment, deadline);

        uint128 amount = JobRules.lockUp(job.terms, job.parameters);
        if (amount != 0) _STAKING.lock(assignment.coordinator, assignment.nodes, amount);
    }

    /// @inheritdoc IJobMainPath
    function propose(Job calldata job, Assignment calldata assignment, Receipt calldata receipt)
        external
    {
        bytes32 assigned = JobCodec.assignmentHash(assignment);
        (JobId id, JobWord word) = _load(job, _bit(JobState.Assigned), assigned, 0);
        if (block.timestamp < word.deadline()) _requireScheduler(id, assignment);
        _requireCost(id, job, assignment, receipt.cost);
        _requireQuorum(id, word, job, assignment, receipt);

        bool late = _isLate(job.terms);
        Proposal memory proposal =
            Proposal(receipt.outputRoot, late ? receipt.cost / 2 : receipt.cost, receipt.signers);
        word = word.committed(
            JobCodec.commitment(
                job.parameters, assigned, JobCodec.restHash(proposal, address(0))
            )
        );
        if (job.terms.verification == Verification.Attested) {
            _store(id, word.moved(JobState.Settled, 0));
            _settle(id, word, job, assignment, proposal, _funds(id, job, proposal.price));
        } else {
            uint40 deadline = uint40(block.timestamp) + job.parameters.challengeWindowSeconds();
            _store(id, word.moved(JobState.Proposed, deadline));
            emit JobProposed(id, word.attempt(), proposal, late, deadline);
        }
    }

    /// @inheritdoc IJobMainPath
    function settle(
        Job calldata job,
        Assignment calldata assignment,
        Proposal calldata proposal
    ) external {
        (JobId id, JobWord word) = _load(
            job,
            _bit(JobState.Proposed),
            JobCodec.assignmentHash(assignment),
            JobCodec.restHash(proposal, address(0))
        );
        _requireAfter(id, word.deadline());
        _requireEnough(id, job, assignment, proposal.signers & ~word.seized());
        _store(id, word.moved(JobState.Settled, 0));
        _settle(id, word, job, assignment, proposal, _funds(id, job, proposal.price));
    }

    function _create(
        JobId id,
        address client,
        uint256 nonce,
        JobTerms calldata terms,
        string calldata specificationUri
    ) private {
        Layout storage $ = _layout();
        _requireState(id, $.words[id].state(), _bit(JobState.None));
        JobParameters parameters = $.parameters[terms.token];
        JobRules.requireValid(terms, parameters);

        bytes32 commitment = JobCodec.commitment(parameters, 0, 0);
        _store(id, JobWordLibrary.make(JobState.Open, 0, terms.assignBy, commitment));
        emit JobCreated(id, client, nonce, terms, parameters, specificationUri);

        if (terms.funding != Funding.PullAtSettlement) {
            _PAYMENTS.reserve(client, terms.token, terms.maxPrice + terms.tip, terms.funding);
        }
    }

    /// @dev The money that is there for the job, pulled now where the terms say so.
    function _funds(JobId id, Job calldata job, uint128 price) private returns (uint128 held) {
        if (job.terms.funding != Funding.PullAtSettlement) return _held(id, job.terms);
        held = price + job.terms.tip;
        require(_tryPull(job, held), JobManagerPullFailed(id, job.client, held));
    }

    /// @dev A job paid by time ends with its time; only work with one price can be late.
    function _isLate(JobTerms calldata terms) private view returns (bool) {
        return terms.ratePerSecond == 0 && block.timestamp >= terms.completeBy;
    }

    function _requireCost(
        JobId id,
        Job calldata job,
        Assignment calldata assignment,
        uint128 cost
    ) private view {
        uint256 most = job.terms.maxPrice;
        if (job.terms.ratePerSecond != 0) {
            Meter storage meter = _layout().meters[id];
            (uint256 ran, uint256 stoppedAt) = (meter.lastBeat, meter.stoppedAt);
            if (stoppedAt != 0 && stoppedAt < ran) ran = stoppedAt;
            uint256 due = (ran - assignment.startedAt) * job.terms.ratePerSecond;
            most += meter.toppedUp;
            if (due < most) most = due;
        }
        require(cost <= most, JobManagerExcessiveCost(id, cost, most));
    }

    function _requireQuorum(
        JobId id,
        JobWord word,
        Job calldata job,
        Assignment calldata assignment,
        Receipt calldata receipt
    ) private view {
        uint16 signers = receipt.signers;
        uint16 accepted = _membersOf(assignment) & ~word.seized();
        require(signers & ~accepted == 0, JobManagerInvalidSigners(id, signers, accepted));
        uint256 signed = _requireEnough(id, job, assignment, signers);
        uint256 bytesNeeded = signed * Signatures.LENGTH;
        require(
            receipt.signatures.length == bytesNeeded,
            JobManagerNoQuorum(id, receipt.signatures.length / Signatures.LENGTH, signed)
        );
        bytes32 digest = _hashTypedDataV4(
            JobCodec.claimHash(id, word.attempt(), receipt.outputRoot, receipt.cost)
        );
        _requireAttestations(id, digest, assignment, signers, receipt.signatures);
    }

    function _requireEnough(
        JobId id,
        Job calldata job,
        Assignment calldata assignment,
        uint16 signers
    ) private pure returns (uint256 signed) {
        signed = JobSplit.count(signers);
        uint256 needed = _quorumOf(job, assignment);
        require(signed >= needed, JobManagerNoQuorum(id, signed, needed));
    }

    function _requireAttestations(
        JobId id,
        bytes32 digest,
        Assignment calldata assignment,
        uint256 signers,
        bytes calldata signatures
    ) private pure {
        for (uint256 i; signers != 0; ++i) {
            if (signers & 1 != 0) {
                address actual = Signatures.signerOf(digest, signatures[:Signatures.LENGTH]);
                address expected = assignment.nodes[i].signer();
                require(
                    actual == expected, JobManagerInvalidAttestation(id, i, expected, actual)
                );
                signatures = signatures[Signatures.LENGTH:];
            }
            signers >>= 1;
        }
    }

    /// @dev Where calls go that this code does not know.
    function _implementation() internal view override returns (address) {
        return _RECOVERY;
    }
}
