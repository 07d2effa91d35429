// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Roles } from "../base/Roles.sol";
import { IJobRecovery } from "../interfaces/IJobRecovery.sol";
import { INodeRegistry } from "../interfaces/INodeRegistry.sol";
import { IPaymentManager } from "../interfaces/IPaymentManager.sol";
import { IStakingManager } from "../interfaces/IStakingManager.sol";
import { JobCodec } from "../libraries/JobCodec.sol";
import { JobRules } from "../libraries/JobRules.sol";
import { JobSplit } from "../libraries/JobSplit.sol";
import { PpmMath } from "../libraries/PpmMath.sol";
import { JobId } from "../types/JobId.sol";
import { JobParameters } from "../types/JobParameters.sol";
import { Assignment, Funding, Job, JobState, JobTerms, Proposal } from "../types/JobTerms.sol";
import { JobWord, JobWordLibrary } from "../types/JobWord.sol";
import { NodeId } from "../types/NodeId.sol";
import { Seat } from "../types/Seat.sol";
import { JobMachine } from "./JobMachine.sol";
import {
    AccessControlUpgradeable
} from "@openzeppelin/contracts-upgradeable/access/AccessControlUpgradeable.sol";

/// @title Job recovery
/// @notice The calls that a job needs when it does not go straight from order to payment. `JobManager` delegates them
/// here; on its own this contract holds nothing and nobody has a role on it.
contract JobRecovery is IJobRecovery, JobMachine, AccessControlUpgradeable {
    using PpmMath for uint256;

    /// @dev What a coordinator loses of its lock when its lease runs out without a result.
    uint256 private constant STALL_PPM = 50_000;

    /// @custom:oz-upgrades-unsafe-allow constructor
    /// @param registry The `NodeRegistry` proxy.
    /// @param staking The `StakingManager` proxy.
    /// @param payments The `PaymentManager` proxy.
    constructor(INodeRegistry registry, IStakingManager staking, IPaymentManager payments)
        JobMachine(registry, staking, payments)
    {
        _disableInitializers();
    }

    /// @inheritdoc IJobRecovery
    function enlist(Job calldata job, Assignment calldata assignment, NodeId[] calldata nodes)
        external
    {
        (JobId id, JobWord word) = _loadLeased(job, assignment);

        Seat[] memory joining = _REGISTRY.musterWorkers(nodes, job.terms.trust);
        Assignment memory enlarged = Assignment({
            startedAt: assignment.startedAt,
            coordinator: assignment.coordinator,
            nodes: _joined(assignment.nodes, joining)
        });
        _requireNodes(id, enlarged.nodes);
        _store(
            id,
            word.committed(
                JobCodec.commitment(job.parameters, JobCodec.assignmentHash(enlarged), 0)
            )
        );
        emit JobEnlisted(id, word.attempt(), enlarged, word.deadline());

        uint128 amount = JobRules.lockUp(job.terms, job.parameters);
        if (amount != 0) _STAKING.lockWorkers(joining, amount);
    }

    /// @inheritdoc IJobRecovery
    function heartbeat(Job calldata job, Assignment calldata assignment) external {
        (JobId id, JobWord word) = _loadLeased(job, assignment);
        if (job.terms.ratePerSecond != 0) {
            Meter storage meter = _layout().meters[id];
            require(
                meter.stoppedAt == 0, JobManagerTooLate(id, meter.stoppedAt, block.timestamp)
            );
            meter.lastBeat = uint40(block.timestamp);
        }
        uint40 deadline = _leaseEnd(job);
        _store(id, word.moved(JobState.Assigned, deadline));
        emit JobHeartbeat(id, word.attempt(), deadline);
    }

    /// @inheritdoc IJobRecovery
    function release(Job calldata job, Assignment calldata assignment) external {
        (JobId id, JobWord word) = _loadLeased(job, assignment);
        _unlock(job, assignment, word.seized());
        _lapse(id, word, job, address(0));
    }

    /// @inheritdoc IJobRecovery
    function topUp(Job calldata job, uint128 amount) external {
        JobId id = _requireClient(job);
        _requireState(
            id, _layout().words[id].state(), _bit(JobState.Open) | _bit(JobState.Assigned)
        );
        _requireByTime(id, job.terms);
        Meter storage meter = _layout().meters[id];
        meter.toppedUp += amount;
        emit JobToppedUp(id, amount, meter.toppedUp);
        _PAYMENTS.reserve(job.client, job.terms.token, amount, job.terms.funding);
    }

    /// @inheritdoc IJobRecovery
    function stop(Job calldata job) external {
        JobId id = _requireClient(job);
        _requireState(id, _layout().words[id].state(), _bit(JobState.Assigned));
        _requireByTime(id, job.terms);
        Meter storage meter = _layout().meters[id];
        require(meter.stoppedAt == 0, JobManagerTooLate(id, meter.stoppedAt, block.timestamp));
        meter.stoppedAt = uint40(block.timestamp);
        emit JobStopped(id, uint40(block.timestamp));
    }

    /// @inheritdoc IJobRecovery
    function challenge(
        Job calldata job,
        Assignment calldata assignment,
        Proposal calldata proposal
    ) external {
        bytes32 assigned = JobCodec.assignmentHash(assignment);
        (JobId id, JobWord word) = _load(
            job, _bit(JobState.Proposed), assigned, JobCodec.restHash(proposal, address(0))
        );
        _requireBefore(id, word.deadline());
        require(
            msg.sender == job.client || _isAssigned(assignment, msg.sender),
            JobManagerUnauthorized(id, msg.sender, job.client)
        );

        uint40 deadline = uint40(block.timestamp) + job.parameters.verdictWindowSeconds();
        bytes32 rest = JobCodec.restHash(proposal, msg.sender);
        word = word.moved(JobState.Challenged, deadline);
        _store(id, word.committed(JobCodec.commitment(job.parameters, assigned, rest)));
        uint128 bond = JobRules.challengeBondUp(job.terms, job.parameters);
        emit JobChallenged(id, msg.sender, bond, deadline);
        _PAYMENTS.reserve(msg.sender, job.terms.token, bond, Funding.Allowance);
    }

    /// @inheritdoc IJobRecovery
    function cancel(Job calldata job) external {
        JobId id = _requireClient(job);
        JobWord word = _layout().words[id];
        _requireState(id, word.state(), _bit(JobState.None) | _bit(JobState.Open));
        uint128 held = word.state() == JobState.None ? 0 : _held(id, job.terms);
        _refund(id, word, job, held, address(0));
    }

    /// @inheritdoc IJobRecovery
    function advance(
        Job calldata job,
        Assignment calldata assignment,
        Proposal calldata proposal,
        address challenger
    ) external {
        JobId id = _idOf(job.client, job.nonce, job.terms);
        JobWord word = _layout().words[id];
        JobState state = word.state();
        _requireState(id, state, _liveStates());
        _requireAfter(id, word.deadline());
        if (state == JobState.Open) {
            _requireCommitment(id, word, job, 0, 0);
            _refund(id, word, job, _held(id, job.terms), msg.sender);
            return;
        }
        bool proposed = state != JobState.Assigned;
        _requireCommitment(
            id,
            word,
            job,
            JobCodec.assignmentHash(assignment),
            proposed ? JobCodec.restHash(proposal, challenger) : bytes32(0)
        );
        if (!proposed) return _expire(id, word, job, assignment);
        if (state == JobState.Challenged) _returnBond(job, challenger);
        _conclude(id, word, job, assignment, proposal);
    }

    /// @inheritdoc IJobRecovery
    function resolve(
        Job calldata job,
        Assignment calldata assignment,
        Proposal calldata proposal,
        address challenger,
        bool upheld,
        uint16 liars
    ) external onlyRole(Roles.SLASHER) returns (uint128 amount) {
        (JobId id, JobWord word) = _load(
            job,
            _bit(JobState.Challenged),
            JobCodec.assignmentHash(assignment),
            JobCodec.restHash(proposal, challenger)
        );
        uint16 accepted = upheld ? 0 : proposal.signers & ~word.seized();
        require(liars & ~accepted == 0, JobManagerInvalidSigners(id, liars, accepted));
        emit JobResolved(id, upheld, liars);
        if (upheld) {
            _forfeitBond(job, assignment, proposal, challenger);
            _conclude(id, word, job, assignment, proposal);
            return 0;
        }
        _returnBond(job, challenger);
        _unlock(job, assignment, word.seized() | liars);
        _lapse(id, word.convicted(liars), job, address(0));
        return JobRules.lockUp(job.terms, job.parameters);
    }

    /// @inheritdoc IJobRecovery
    function seize(
        Job calldata job,
        Assignment calldata assignment,
        bytes32 rest,
        uint256 index
    ) external onlyRole(Roles.SLASHER) returns (uint128 amount, bool held) {
        (JobId id, JobWord word) = _load(
            job,
            _liveStates() | _bit(JobState.Settled) | _bit(JobState.Refunded),
            JobCodec.assignmentHash(assignment),
            rest
        );
        uint16 accepted = _membersOf(assignment) & ~word.seized();
        uint16 bit = index < JobRules.MAX_NODES ? uint16(1 << index) : 0;
        require(bit & accepted != 0, JobManagerInvalidSigners(id, bit, accepted));
        _store(id, word.convicted(bit));
        emit JobNodeSeized(id, word.attempt(), assignment.nodes[index]);
        amount = JobRules.lockUp(job.terms, job.parameters);
        held = _bit(word.state()) & _liveStates() != 0;
    }

    /// @inheritdoc IJobRecovery
    function adoptParameters(address token, JobParameters parameters)
        external
        onlyRole(Roles.PARAMETER)
    {
        _layout().parameters[token] = parameters;
        emit JobParametersAdopted(token, parameters);
    }

    /// @inheritdoc IJobRecovery
    function meterOf(JobId id)
        external
        view
        returns (uint128 toppedUp, uint40 lastBeat, uint40 stoppedAt)
    {
        Meter storage meter = _layout().meters[id];
        return (meter.toppedUp, meter.lastBeat, meter.stoppedAt);
    }

    /// @inheritdoc IJobRecovery
    function lockOf(JobTerms calldata terms, JobParameters parameters)
        external
        pure
        returns (uint128)
    {
        return JobRules.lockUp(terms, parameters);
    }

    /// @inheritdoc IJobRecovery
    function restOf(Proposal calldata proposal, address challenger)
        external
        pure
        returns (bytes32)
    {
        return JobCodec.restHash(proposal, challenger);
    }

    /// @inheritdoc IJobRecovery
    function idOf(address client, uint256 nonce, JobTerms calldata terms)
        external
        view
        returns (JobId)
    {
        return _idOf(client, nonce, terms);
    }

    /// @inheritdoc IJobRecovery
    function claimDigest(JobId id, uint8 attempt, bytes32 outputRoot, uint128 cost)
        external
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(JobCodec.claimHash(id, attempt, outputRoot, cost));
    }

    /// @inheritdoc IJobRecovery
    function statusOf(JobId id)
        external
        view
        returns (JobState state, uint8 attempt, uint40 deadline, uint16 seized)
    {
        JobWord word = _layout().words[id];
        return (word.state(), word.attempt(), word.deadline(), word.seized());
    }

    /// @inheritdoc IJobRecovery
    function parametersOf(address token) external view returns (JobParameters) {
        return _layout().parameters[token];
    }

    /// @dev Assigned, lease over: the coordinator's bond pays for the delay.
    function _expire(JobId id, JobWord word, Job calldata job, Assignment calldata assignment)
        private
    {
        _unlock(job, assignment, word.seized());
        uint128 locked = JobRules.lockUp(job.terms, job.parameters);
        _lapse(id, word, job, locked == 0 ? msg.sender : address(0));
        if (locked != 0) {
            uint128 penalty = uint128(uint256(locked).shareUp(STALL_PPM));
            _STAKING.forfeit(assignment.coordinator.node(), penalty, msg.sender);
        }
    }

    /// @dev A proposed result stands: settled, unless convictions broke its quorum or its money cannot be pulled.
    function _conclude(
        JobId id,
        JobWord word,
        Job calldata job,
        Assignment calldata assignment,
        Proposal calldata proposal
    ) private {
        uint256 signed = JobSplit.count(proposal.signers & ~word.seized());
        if (signed < _quorumOf(job, assignment)) {
            _unlock(job, assignment, word.seized());
            return _lapse(id, word, job, address(0));
        }
        _store(id, word.moved(JobState.Settled, 0));
        uint128 held = _held(id, job.terms);
        if (job.terms.funding == Funding.PullAtSettlement) {
            held = proposal.price + job.terms.tip;
            if (!_tryPull(job, held)) {
                _unlock(job, assignment, word.seized());
                emit JobUnpaid(id, job.client, held);
                return _refund(id, word, job, 0, address(0));
            }
        }
        _settle(id, word, job, assignment, proposal, held);
    }

    /// @dev An attempt without a valid result is over: the next one, or the client's money back.
    function _lapse(JobId id, JobWord word, Job calldata job, address tipTo) private {
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
    ) private {
        _store(id, word.moved(JobState.Refunded, 0));
        bool tipped = tipTo != address(0) && held != 0;
        IPaymentManager.Credit[] memory credits = new IPaymentManager.Credit[](tipped ? 1 : 0);
        if (tipped) credits[0] = IPaymentManager.Credit(tipTo, job.terms.tip);
        emit JobRefunded(id, tipped ? held - job.terms.tip : held);
        if (held != 0) _PAYMENTS.charge(job.client, job.terms.token, held, credits, 0);
    }

    function _returnBond(Job calldata job, address challenger) private {
        uint128 bond = JobRules.challengeBondUp(job.terms, job.parameters);
        _PAYMENTS.charge(
            challenger, job.terms.token, bond, new IPaymentManager.Credit[](0), 0
        );
    }

    /// @dev A challenge that failed pays the performer, whom it kept waiting.
    function _forfeitBond(
        Job calldata job,
        Assignment calldata assignment,
        Proposal calldata proposal,
        address challenger
    ) private {
        uint128 bond = JobRules.challengeBondUp(job.terms, job.parameters);
        uint256 performer;
        while (proposal.signers & (1 << performer) == 0) ++performer;
        IPaymentManager.Credit[] memory credits = new IPaymentManager.Credit[](1);
        credits[0] = IPaymentManager.Credit(assignment.nodes[performer].node().accountOf(), bond);
        _PAYMENTS.charge(challenger, job.terms.token, bond, credits, 0);
    }

    /// @dev An assigned job whose lease lasts, called by the holder.
    function _loadLeased(Job calldata job, Assignment calldata assignment)
        private
        view
        returns (JobId id, JobWord word)
    {
        (id, word) = _load(job, _bit(JobState.Assigned), JobCodec.assignmentHash(assignment), 0);
        _requireBefore(id, word.deadline());
        _requireScheduler(id, assignment);
    }

    function _requireClient(Job calldata job) private view returns (JobId id) {
        id = _idOf(job.client, job.nonce, job.terms);
        require(msg.sender == job.client, JobManagerUnauthorized(id, msg.sender, job.client));
    }

    function _isStopped(JobId id, JobTerms calldata terms) private view returns (bool) {
        return terms.ratePerSecond != 0 && _layout().meters[id].stoppedAt != 0;
    }

    function _requireByTime(JobId id, JobTerms calldata terms) private pure {
        require(terms.ratePerSecond != 0, JobManagerWrongPricing(id, 0));
    }

    function _isAssigned(Assignment calldata assignment, address signer)
        private
        pure
        returns (bool)
    {
        for (uint256 i; i < assignment.nodes.length; ++i) {
            if (assignment.nodes[i].signer() == signer) return true;
        }
        return false;
    }

    function _joined(Seat[] calldata first, Seat[] memory second)
        private
        pure
        returns (Seat[] memory seats)
    {
        seats = new Seat[](first.length + second.length);
        for (uint256 i; i < seats.length; ++i) {
            seats[i] = i < first.length ? first[i] : second[i - first.length];
        }
    }
}
