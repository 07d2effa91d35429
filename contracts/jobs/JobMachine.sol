// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../interfaces/IJobMachine.sol";
import { INodeRegistry } from "../interfaces/INodeRegistry.sol";
import { IPaymentManager } from "../interfaces/IPaymentManager.sol";
import { IStakingManager } from "../interfaces/IStakingManager.sol";
import { JobCodec } from "../libraries/JobCodec.sol";
import { JobRules } from "../libraries/JobRules.sol";
import { JobSplit } from "../libraries/JobSplit.sol";
import { JobId } from "../types/JobId.sol";
import { Assignment, Funding, Job, JobState, JobTerms, Proposal } from "../types/JobTerms.sol";
import { JobWord, JobWordLibrary } from "../types/JobWord.sol";
import { Seat } from "../types/Seat.sol";
import { JobManagerStorage } from "./JobManagerStorage.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title Job machine
/// @notice What `JobManager` and `JobRecovery` share: loading a job, and the ways in which it ends.
abstract contract JobMachine is IJobMachine, JobManagerStorage, EIP712 {
    INodeRegistry internal immutable _REGISTRY;
    IStakingManager internal immutable _STAKING;
    IPaymentManager internal immutable _PAYMENTS;

    /// @param registry The `NodeRegistry` proxy.
    /// @param staking The `StakingManager` proxy.
    /// @param payments The `PaymentManager` proxy.
    constructor(INodeRegistry registry, IStakingManager staking, IPaymentManager payments)
        EIP712("Tallystick JobManager", "1")
    {
        _REGISTRY = registry;
        _STAKING = staking;
        _PAYMENTS = payments;
    }

    /// @dev An attempt without a valid result is over: the next one, or the client's money back.
    function _lapse(JobId id, JobWord word, Job calldata job, address tipTo) internal {
        bool again = word.attempt() < job.parameters.maxAttempts()
            && block.timestamp < job.terms.completeBy && !_isStopped(id, job.terms);
        if (!again) return _refund(id, word, job, _held(id, job.terms), tipTo);
        uint40 deadline = _leaseEnd(job);
        bytes32 commitment = JobCodec.commitment(job.parameters, 0, 0);
        _store(id, JobWordLibrary.make(JobState.Open, word.attempt(), deadline, commitment));
        emit JobReopened(id, word.attempt(), deadline);
    }

    /// @dev Final: what is held goes back, less the tip where somebody earned it.
    function _refund(
        JobId id,
        JobWord word,
        Job calldata job,
        uint128 held,
        address tipTo
    ) internal {
        _store(id, word.moved(JobState.Refunded, 0));
        bool tipped = tipTo != address(0) && held != 0;
        IPaymentManager.Credit[] memory credits = new IPaymentManager.Credit[](tipped ? 1 : 0);
        if (tipped) credits[0] = IPaymentManager.Credit(tipTo, job.terms.tip);
        emit JobRefunded(id, tipped ? held - job.terms.tip : held);
        if (held != 0) _PAYMENTS.charge(job.client, job.terms.token, held, credits, 0);
    }

    /// @dev Final: pays the signers that are not convicted, provided they still are a quorum.
    /// @param strict Whether money that cannot be pulled fails the call, or closes the job unpaid.
    function _settle(
        JobId id,
        JobWord word,
        Job calldata job,
        Assignment calldata assignment,
        Proposal memory proposal,
        bool strict
    ) internal {
        _unlock(job, assignment, word.seized());
        uint16 paid = proposal.signers & ~word.seized();
        if (JobSplit.count(paid) < job.terms.quorum) return _lapse(id, word, job, address(0));

        uint128 held = _held(id, job.terms);
        if (job.terms.funding == Funding.PullAtSettlement) {
            held = proposal.price + job.terms.tip;
            if (!_PAYMENTS.tryPull(job.client, job.terms.token, held)) {
                require(!strict, JobManagerPullFailed(id, job.client, held));
                emit JobUnpaid(id, job.client, held);
                return _refund(id, word, job, 0, address(0));
            }
        }
        _store(id, word.moved(JobState.Settled, 0));
        _pay(id, job, assignment, proposal, paid, held);
    }

    function _pay(
        JobId id,
        Job calldata job,
        Assignment calldata assignment,
        Proposal memory proposal,
        uint16 paid,
        uint128 held
    ) internal {
        JobSplit.Shares memory shares =
            JobSplit.sharesOf(job, proposal.price, JobSplit.count(paid));
        IPaymentManager.Credit[] memory credits =
            JobSplit.creditsOf(shares, assignment, paid, job.terms.tip, msg.sender);
        emit JobSettled(id, proposal.outputRoot, proposal.price, msg.sender);
        _PAYMENTS.charge(job.client, job.terms.token, held, credits, shares.protocol);
    }

    function _unlock(Job calldata job, Assignment calldata assignment, uint16 except) internal {
        uint128 amount = JobRules.lockUp(job.terms, job.parameters);
        if (amount != 0) {
            _STAKING.unlock(assignment.coordinator, assignment.nodes, amount, except);
        }
    }

    function _store(JobId id, JobWord word) internal {
        _layout().words[id] = word;
    }

    function _load(Job calldata job, bytes32 expected, bytes32 assigned, bytes32 rest)
        internal
        view
        returns (JobId id, JobWord word)
    {
        id = _idOf(job.client, job.nonce, job.terms);
        word = _layout().words[id];
        _requireState(id, word.state(), expected);
        _requireCommitment(id, word, job, assigned, rest);
    }

    /// @dev What the job has reserved of its client's money.
    function _held(JobId id, JobTerms calldata terms) internal view returns (uint128 held) {
        if (terms.funding == Funding.PullAtSettlement) return 0;
        held = terms.maxPrice + terms.tip;
        if (terms.ratePerSecond != 0) held += _layout().meters[id].toppedUp;
    }

    function _isStopped(JobId id, JobTerms calldata terms) internal view returns (bool) {
        return terms.ratePerSecond != 0 && _layout().meters[id].stoppedAt != 0;
    }

    function _leaseEnd(Job calldata job) internal view returns (uint40) {
        uint40 end = uint40(block.timestamp) + job.parameters.leaseSeconds();
        return end < job.terms.completeBy ? end : job.terms.completeBy;
    }

    /// @dev The EIP-712 digest of the client's order.
    function _idOf(address client, uint256 nonce, JobTerms calldata terms)
        internal
        view
        returns (JobId)
    {
        return JobId.wrap(_hashTypedDataV4(JobCodec.orderHash(client, nonce, terms)));
    }

    function _requireScheduler(JobId id, Assignment calldata assignment) internal view {
        address scheduler = assignment.coordinator.signer();
        require(msg.sender == scheduler, JobManagerUnauthorized(id, msg.sender, scheduler));
    }

    function _requireBefore(JobId id, uint40 deadline) internal view {
        require(
            block.timestamp < deadline, JobManagerTooLate(id, deadline, block.timestamp)
        );
    }

    function _requireAfter(JobId id, uint40 deadline) internal view {
        require(
            block.timestamp >= deadline, JobManagerTooEarly(id, deadline, block.timestamp)
        );
    }

    function _requireNodes(JobId id, Seat[] memory nodes) internal pure {
        bool ok = nodes.length != 0 && nodes.length <= JobRules.MAX_NODES
            && JobRules.areDistinct(nodes);
        require(ok, JobManagerInvalidNodes(id, nodes.length, JobRules.MAX_NODES));
    }

    function _requireCommitment(
        JobId id,
        JobWord word,
        Job calldata job,
        bytes32 assigned,
        bytes32 rest
    ) internal pure {
        bytes32 commitment = JobCodec.commitment(job.parameters, assigned, rest);
        require(word.commitsTo(commitment), JobManagerWrongCommitment(id));
    }

    function _requireState(JobId id, JobState actual, bytes32 expected) internal pure {
        require(_bit(actual) & expected != 0, JobManagerUnexpectedState(id, actual, expected));
    }

    function _membersOf(Assignment calldata assignment) internal pure returns (uint16) {
        return uint16((1 << assignment.nodes.length) - 1);
    }

    function _liveStates() internal pure returns (bytes32) {
        return _bit(JobState.Open) | _bit(JobState.Assigned) | _bit(JobState.Proposed)
            | _bit(JobState.Challenged);
    }

    function _bit(JobState state) internal pure returns (bytes32) {
        return bytes32(1 << uint8(state));
    }
}
