// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../base/HouseContract.sol";
import { IJobMainPath } from "../interfaces/IJobMainPath.sol";
import { INodeRegistry } from "../interfaces/INodeRegistry.sol";
import { IPaymentManager } from "../interfaces/IPaymentManager.sol";
import { IStakingManager } from "../interfaces/IStakingManager.sol";
import { JobCodec } from "../libraries/JobCodec.sol";
import { JobLimits } from "../libraries/JobLimits.sol";
import { JobSplit } from "../libraries/JobSplit.sol";
import { Signatures } from "../libraries/Signatures.sol";
import { Assignment, Job, JobState, JobTerms, Proposal, Receipt } from "../types/Job.sol";
import { JobId } from "../types/JobId.sol";
import { Funding, JobRules, Verification } from "../types/JobRules.sol";
import { JobWord, JobWordLibrary } from "../types/JobWord.sol";
import { NodeId } from "../types/NodeId.sol";
import { Seat, SeatLibrary } from "../types/Seat.sol";
import { JobMachine } from "./JobMachine.sol";
import { Proxy } from "@openzeppelin/contracts/proxy/Proxy.sol";

/// @title Job manager
/// @notice The main path of a job: create, assign, propose, settle. What is needed when something
/// goes otherwise is in `JobRecovery`, to which every other call is delegated: same address, same
/// storage, a second piece of code, because one contract would be too large. Callers see one
/// contract, `IJobManager`.
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

    /// @inheritdoc IJobMainPath
    function create(uint256 nonce, JobTerms calldata terms, string calldata specificationUri)
        external
        returns (JobId id)
    {
        return _create(msg.sender, nonce, terms, specificationUri);
    }

    /// @inheritdoc IJobMainPath
    function createFor(
        address client,
        uint256 nonce,
        JobTerms calldata terms,
        string calldata specificationUri,
        bytes calldata signature
    ) external returns (JobId id) {
        id = _create(client, nonce, terms, specificationUri);
        // After the terms were judged: what is no member of an enumeration has no hash.
        bytes32 digest = _hashTypedDataV4(JobCodec.orderHash(client, nonce, terms));
        require(
            Signatures.isFrom(client, digest, signature),
            JobManagerInvalidOrderSignature(id, client)
        );
    }

    /// @inheritdoc IJobMainPath
    function batch(bytes[] calldata calls) external returns (bool[] memory done) {
        require(calls.length <= MAX_BATCH, JobManagerTooMany(calls.length, MAX_BATCH));
        done = new bool[](calls.length);
        for (uint256 i; i < calls.length; ++i) {
            bytes memory answer;
            (done[i], answer) = address(this).delegatecall(calls[i]);
            if (!done[i]) emit BatchItemFailed(i, bytes4(answer));
        }
    }

    /// @inheritdoc IJobMainPath
    function assign(JobId id, Job calldata job, NodeId coordinator, Seat[] calldata nodes)
        external
    {
        bytes32 hash = JobCodec.jobHash(job);
        JobWord word = _load(id, hash, _bit(JobState.Open), 0, 0);
        _requireBefore(id, word.deadline());
        _requireNodes(id, nodes[:0], nodes);
        _REGISTRY.muster(coordinator, msg.sender, nodes, job.rules.trust());

        Seat seat = SeatLibrary.seatOf(coordinator, msg.sender);
        uint40 deadline = _leaseEnd(job);
        bytes32 assigned = JobCodec.newAssignmentHash(uint40(block.timestamp), seat, nodes);
        word = word.begun(deadline, JobCodec.commitment(id, hash, assigned, 0));
        _store(id, word);
        if (job.price.ratePerSecond() != 0) {
            _layout().meters[id].lastBeat = uint40(block.timestamp);
        }
        emit JobAssigned(id, word.attempt(), seat, nodes, deadline);

        uint128 amount = JobLimits.lockUp(job);
        if (amount != 0) _STAKING.lock(seat, nodes, amount);
    }

    /// @inheritdoc IJobMainPath
    function propose(
        JobId id,
        Job calldata job,
        Assignment calldata assignment,
        Receipt calldata receipt
    ) external {
        bytes32 hash = JobCodec.jobHash(job);
        bytes32 assigned = JobCodec.assignmentHash(assignment);
        JobWord word = _load(id, hash, _bit(JobState.Assigned), assigned, 0);
        if (block.timestamp < word.deadline()) _requireScheduler(id, assignment);
        _requireCost(id, job, assignment, receipt.cost);
        _requireQuorum(id, word, job, assignment.nodes, receipt);

        uint128 price = _isLate(job) ? receipt.cost / 2 : receipt.cost;
        Proposal memory proposal = Proposal(receipt.outputRoot, price, receipt.signers);
        bytes32 rest = JobCodec.restHash(proposal, address(0));
        word = word.committed(JobCodec.commitment(id, hash, assigned, rest));
        if (job.rules.verification() == Verification.Attested) {
            _settle(id, word, job, assignment, proposal);
        } else {
            uint40 deadline = uint40(block.timestamp) + job.parameters.challengeWindowSeconds();
            _store(id, word.moved(JobState.Proposed, deadline));
            emit JobProposed(id, word.attempt(), proposal, deadline);
        }
    }

    /// @inheritdoc IJobMainPath
    function settle(
        JobId id,
        Job calldata job,
        Assignment calldata assignment,
        Proposal calldata proposal
    ) external {
        JobWord word = _load(
            id,
            JobCodec.jobHash(job),
            _bit(JobState.Proposed),
            JobCodec.assignmentHash(assignment),
            JobCodec.restHash(proposal, address(0))
        );
        _requireAfter(id, word.deadline());
        uint16 seized = word.seized();
        if (seized != 0) {
            _requireEnough(id, job.rules, assignment.nodes.length, proposal.signers & ~seized);
        }
        _settle(id, word, job, assignment, proposal);
    }

    function _create(
        address client,
        uint256 nonce,
        JobTerms calldata terms,
        string calldata specificationUri
    ) private returns (JobId id) {
        id = JobCodec.idOf(client, nonce, terms);
        _requireFreeSlot(id);
        Job memory job = Job({
            client: client,
            token: terms.token,
            price: terms.price,
            rules: terms.rules,
            parameters: _layout().parameters[terms.token]
        });
        require(!job.parameters.isHalted(), EnforcedPause());
        JobLimits.requireValid(terms.specification, job);

        uint40 assignBy = job.rules.assignBy();
        bytes32 commitment = JobCodec.commitment(id, JobCodec.newJobHash(job), 0, 0);
        _store(id, JobWordLibrary.make(JobState.Open, 0, assignBy, id.sequence(), commitment));
        emit JobCreated(id, client, nonce, terms, job.parameters);
        if (bytes(specificationUri).length != 0) emit JobSpecification(id, specificationUri);
        Funding funding = job.rules.funding();
        if (funding != Funding.PullAtSettlement) {
            _hold(client, job.token, job.price.reserved(), funding);
        }
    }

    /// @dev Final. Money that cannot be pulled fails the call; the job can then only be advanced.
    function _settle(
        JobId id,
        JobWord word,
        Job calldata job,
        Assignment calldata assignment,
        Proposal memory proposal
    ) private {
        _store(id, word.moved(JobState.Settled, 0));
        _unlock(job, assignment, word.seized());
        uint128 held = _held(id, job);
        if (job.rules.funding() == Funding.PullAtSettlement) {
            held = proposal.price + job.price.tip();
            bool pulled = _PAYMENTS.tryPull(job.client, job.token, held);
            require(pulled, JobManagerPullFailed(id, job.client, held));
        }
        _pay(id, job, assignment, proposal, word.seized(), held, msg.sender);
    }

    /// @dev A job paid by time ends with its time; only work with one price can be late.
    function _isLate(Job calldata job) private view returns (bool) {
        return job.price.ratePerSecond() == 0 && block.timestamp >= job.rules.completeBy();
    }

    function _requireCost(JobId id, Job calldata job, Assignment calldata assignment, uint128 cost)
        private
        view
    {
        uint256 most = job.price.maxPrice();
        if (job.price.ratePerSecond() != 0) {
            Meter storage meter = _layout().meters[id];
            // No heartbeat is accepted after a stop.
            uint256 ran = meter.lastBeat - assignment.startedAt;
            uint256 due = ran * job.price.ratePerSecond();
            most += meter.toppedUp;
            if (due < most) most = due;
        }
        require(cost <= most, JobManagerExcessiveCost(id, cost, most));
    }

    function _requireQuorum(
        JobId id,
        JobWord word,
        Job calldata job,
        Seat[] calldata nodes,
        Receipt calldata receipt
    ) private view {
        uint16 signers = receipt.signers;
        uint16 accepted = _membersOf(nodes.length) & ~word.seized();
        require(signers & ~accepted == 0, JobManagerInvalidSigners(id, signers, accepted));
        uint256 signed = _requireEnough(id, job.rules, nodes.length, signers);
        bytes calldata signatures = receipt.signatures;
        require(
            signatures.length == signed * Signatures.LENGTH,
            JobManagerNoQuorum(id, signatures.length / Signatures.LENGTH, signed)
        );
        bytes32 digest = _hashTypedDataV4(
            JobCodec.claimHash(id, word.attempt(), receipt.outputRoot, receipt.cost)
        );
        _requireAttestations(id, digest, nodes, signers, signatures);
    }

    function _requireEnough(JobId id, JobRules rules, uint256 nodes, uint16 signers)
        private
        pure
        returns (uint256 signed)
    {
        signed = JobSplit.count(signers);
        uint256 needed = _quorumOf(rules, nodes);
        require(signed >= needed, JobManagerNoQuorum(id, signed, needed));
    }

    function _requireAttestations(
        JobId id,
        bytes32 digest,
        Seat[] calldata nodes,
        uint256 signers,
        bytes calldata signatures
    ) private pure {
        for (uint256 i; signers != 0; ++i) {
            if (signers & 1 != 0) {
                address actual = Signatures.signerOf(digest, signatures[:Signatures.LENGTH]);
                address expected = nodes[i].signer();
                // Zero stands for no signature, so a seat of nobody never attests.
                require(
                    actual == expected && actual != address(0),
                    JobManagerInvalidAttestation(id, i, expected, actual)
                );
                signatures = signatures[Signatures.LENGTH:];
            }
            signers >>= 1;
        }
    }

    /// @dev New jobs read only the parameters of their token, so these carry the pause.
    function _pause() internal override {
        super._pause();
        _halt(true);
    }

    function _unpause() internal override {
        super._unpause();
        _halt(false);
    }

    function _halt(bool halted) private {
        Layout storage $ = _layout();
        for (uint256 i; i < $.tokens.length; ++i) {
            address token = $.tokens[i];
            $.parameters[token] = $.parameters[token].withHalted(halted);
        }
    }

    /// @dev Where calls go that this code does not know.
    function _implementation() internal view override returns (address) {
        return _RECOVERY;
    }
}
