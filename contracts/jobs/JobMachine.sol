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
import { JobWord } from "../types/JobWord.sol";
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

    /// @dev Final: pays the signers that are not convicted from what is held.
    function _settle(
        JobId id,
        JobWord word,
        Job calldata job,
        Assignment calldata assignment,
        Proposal memory proposal,
        uint128 held
    ) internal {
        _unlock(job, assignment, word.seized());
        uint16 paid = proposal.signers & ~word.seized();
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

    /// @dev Tries to pull what a job costs that is paid at settlement.
    function _tryPull(Job calldata job, uint128 owed) internal returns (bool) {
        return _PAYMENTS.tryPull(job.client, job.terms.token, owed);
    }

    /// @dev What the job has reserved of its client's money.
    function _held(JobId id, JobTerms calldata terms) internal view returns (uint128 held) {
        if (terms.funding == Funding.PullAtSettlement) return 0;
        held = terms.maxPrice + terms.tip;
        if (terms.ratePerSecond != 0) held += _layout().meters[id].toppedUp;
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

    /// @dev Equal signatures that make a result: what the terms ask for and more than half of the assigned nodes, so
    /// that neither can two results have a quorum nor can a coordinator outvote the drawn nodes by adding others.
    function _quorumOf(Job calldata job, Assignment calldata assignment)
        internal
        pure
        returns (uint256)
    {
        uint256 majority = assignment.nodes.length / 2 + 1;
        return majority > job.terms.quorum ? majority : job.terms.quorum;
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
