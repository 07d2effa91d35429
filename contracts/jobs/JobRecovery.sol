// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Roles } from "../base/Roles.sol";
import { IJobRecovery } from "../interfaces/IJobRecovery.sol";
import { INodeRegistry } from "../interfaces/INodeRegistry.sol";
import { IPaymentManager } from "../interfaces/IPaymentManager.sol";
import { IStakingManager } from "../interfaces/IStakingManager.sol";
import { JobCodec } from "../libraries/JobCodec.sol";
import { JobLimits } from "../libraries/JobLimits.sol";
import { JobSplit } from "../libraries/JobSplit.sol";
import { PpmMath } from "../libraries/PpmMath.sol";
import { Assignment, Job, JobState, JobTerms, Proposal } from "../types/Job.sol";
import { JobId } from "../types/JobId.sol";
import { JobParameters } from "../types/JobParameters.sol";
import { Funding } from "../types/JobRules.sol";
import { JobWord, JobWordLibrary } from "../types/JobWord.sol";
import { NodeId } from "../types/NodeId.sol";
import { Seat } from "../types/Seat.sol";
import { JobAccounts } from "./JobAccounts.sol";
import { JobMachine } from "./JobMachine.sol";
import { IAccessControl } from "@openzeppelin/contracts/access/IAccessControl.sol";
import { Pausable } from "@openzeppelin/contracts/utils/Pausable.sol";

/// @title Job recovery
/// @notice The calls that a job needs when it does not go straight from order to payment, and the
/// views. `JobManager` delegates them here; on its own this contract holds nothing and grants
/// nothing.
contract JobRecovery is IJobRecovery, JobAccounts {
    using PpmMath for uint256;

    /// @dev What a coordinator loses of its lock when its lease runs out without a result.
    uint256 private constant STALL_PPM = 50_000;

    modifier onlyRole(bytes32 role) {
        _requireRole(role);
        _;
    }

    /// @param registry The `NodeRegistry` proxy.
    /// @param staking The `StakingManager` proxy.
    /// @param payments The `PaymentManager` proxy.
    constructor(INodeRegistry registry, IStakingManager staking, IPaymentManager payments)
        JobMachine(registry, staking, payments)
    { }

    /// @inheritdoc IJobRecovery
    function enlist(
        JobId id,
        Job calldata job,
        Assignment calldata assignment,
        Seat[] calldata nodes
    ) external {
        JobWord word = _loadLeased(id, job, assignment);
        _requireNodes(id, assignment.nodes, nodes);
        _REGISTRY.musterWorkers(nodes, job.rules.trust());

        bytes32 assigned = keccak256(
            abi.encode(
                assignment.startedAt, assignment.coordinator, _joined(assignment.nodes, nodes)
            )
        );
        bytes32 commitment = JobCodec.commitment(id, JobCodec.jobHash(job), assigned, 0);
        _store(id, word.committed(commitment));
        emit JobEnlisted(id, word.attempt(), nodes);

        uint128 amount = JobLimits.lockUp(job);
        if (amount != 0) _STAKING.lockWorkers(nodes, amount);
    }

    /// @inheritdoc IJobRecovery
    function heartbeat(JobId id, Job calldata job, Assignment calldata assignment) external {
        JobWord word = _loadLeased(id, job, assignment);
        if (job.price.ratePerSecond() != 0) {
            Meter storage meter = _layout().meters[id];
            _requireRunning(id, meter);
            meter.lastBeat = uint40(block.timestamp);
        }
        uint40 deadline = _leaseEnd(job);
        _store(id, word.moved(JobState.Assigned, deadline));
        emit JobHeartbeat(id, word.attempt(), deadline);
    }

    /// @inheritdoc IJobRecovery
    function release(JobId id, Job calldata job, Assignment calldata assignment) external {
        JobWord word = _loadLeased(id, job, assignment);
        _unlock(job, assignment, word.seized());
        _lapse(id, word, job, address(0));
    }

    /// @inheritdoc IJobRecovery
    function topUp(JobId id, Job calldata job, Assignment calldata assignment, uint128 amount)
        external
    {
        Meter storage meter = _meterOfClient(id, job, assignment);
        _requireRunning(id, meter);
        meter.toppedUp += amount;
        emit JobToppedUp(id, amount, meter.toppedUp);
        _hold(job.client, job.token, amount, job.rules.funding());
    }

    /// @inheritdoc IJobRecovery
    function stop(JobId id, Job calldata job, Assignment calldata assignment) external {
        Meter storage meter = _meterOfClient(id, job, assignment);
        _requireRunning(id, meter);
        meter.stoppedAt = uint40(block.timestamp);
        emit JobStopped(id, uint40(block.timestamp));
    }

    /// @inheritdoc IJobRecovery
    function challenge(
        JobId id,
        Job calldata job,
        Assignment calldata assignment,
        Proposal calldata proposal
    ) external {
        bytes32 assigned = JobCodec.assignmentHash(assignment);
        bytes32 unchallenged = JobCodec.restHash(proposal, address(0));
        JobWord word =
            _load(id, JobCodec.jobHash(job), _bit(JobState.Proposed), assigned, unchallenged);
        _requireBefore(id, word.deadline());
        require(
            msg.sender == job.client || _isAssigned(assignment, msg.sender),
            JobManagerUnauthorized(id, msg.sender, job.client)
        );

        uint40 deadline = uint40(block.timestamp) + job.parameters.verdictWindowSeconds();
        bytes32 rest = JobCodec.restHash(proposal, msg.sender);
        word = word.moved(JobState.Challenged, deadline);
        bytes32 commitment = JobCodec.commitment(id, JobCodec.jobHash(job), assigned, rest);
        _store(id, word.committed(commitment));
        uint128 bond = JobLimits.challengeBondUp(job);
        emit JobChallenged(id, msg.sender, bond, deadline);
        _hold(msg.sender, job.token, bond, Funding.Allowance);
    }

    /// @inheritdoc IJobRecovery
    function voidOrder(uint256 nonce, JobTerms calldata terms) external {
        JobId id = JobCodec.idOf(msg.sender, nonce, terms);
        _requireFreeSlot(id);
        _store(id, JobWordLibrary.make(JobState.Refunded, 0, 0, id.sequence(), 0));
        emit JobRefunded(id, 0);
    }

    /// @inheritdoc IJobRecovery
    function cancel(JobId id, Job calldata job) external {
        JobWord word = _load(id, JobCodec.jobHash(job), _bit(JobState.Open), 0, 0);
        _requireClient(id, job);
        _refund(id, word, job, _held(id, job), address(0));
    }

    /// @inheritdoc IJobRecovery
    function advance(
        JobId id,
        Job calldata job,
        Assignment calldata assignment,
        Proposal calldata proposal,
        address challenger
    ) external {
        JobWord word = _wordOf(id);
        JobState state = _stateOf(id, word);
        _requireState(id, state, _liveStates());
        _requireAfter(id, word.deadline());
        if (state == JobState.Open) {
            _requireCommitment(id, word, JobCodec.jobHash(job), 0, 0);
            return _refund(id, word, job, _held(id, job), msg.sender);
        }
        bool proposed = state != JobState.Assigned;
        bytes32 rest = proposed ? JobCodec.restHash(proposal, challenger) : bytes32(0);
        bytes32 assigned = JobCodec.assignmentHash(assignment);
        _requireCommitment(id, word, JobCodec.jobHash(job), assigned, rest);
        if (!proposed) return _expire(id, word, job, assignment);
        if (state == JobState.Challenged) {
            _credit(challenger, job.token, JobLimits.challengeBondUp(job));
        }
        _conclude(id, word, job, assignment, proposal, msg.sender);
    }

    /// @inheritdoc IJobRecovery
    function resolve(
        JobId id,
        Job calldata job,
        Assignment calldata assignment,
        Proposal calldata proposal,
        address challenger,
        bool upheld,
        uint16 liars
    ) external onlyRole(Roles.SLASHER) returns (uint128 amount) {
        JobWord word = _load(
            id,
            JobCodec.jobHash(job),
            _bit(JobState.Challenged),
            JobCodec.assignmentHash(assignment),
            JobCodec.restHash(proposal, challenger)
        );
        uint16 accepted = upheld ? 0 : proposal.signers & ~word.seized();
        require(liars & ~accepted == 0, JobManagerInvalidSigners(id, liars, accepted));
        emit JobResolved(id, upheld, liars);
        uint128 bond = JobLimits.challengeBondUp(job);
        if (upheld) {
            uint256 signers = proposal.signers & ~word.seized();
            _credit(_winnerOf(assignment, signers, challenger), job.token, bond);
            // No one who could withdraw it submitted this settlement: the tip is the coordinator's.
            address settler = assignment.coordinator.signer();
            _conclude(id, word, job, assignment, proposal, settler);
            return 0;
        }
        _credit(challenger, job.token, bond);
        _unlock(job, assignment, word.seized() | liars);
        _lapse(id, word.convicted(liars), job, address(0));
        return JobLimits.lockUp(job);
    }

    /// @inheritdoc IJobRecovery
    function seize(
        JobId id,
        Job calldata job,
        Assignment calldata assignment,
        bytes32 rest,
        uint256 index
    ) external onlyRole(Roles.SLASHER) returns (uint128 amount, bool held) {
        JobWord word = _load(
            id,
            JobCodec.jobHash(job),
            _liveStates() | _bit(JobState.Settled) | _bit(JobState.Refunded),
            JobCodec.assignmentHash(assignment),
            rest
        );
        uint16 accepted = _membersOf(assignment.nodes.length) & ~word.seized();
        uint16 bit = index < JobLimits.MAX_NODES ? uint16(1 << index) : 0;
        require(bit & accepted != 0, JobManagerInvalidSigners(id, bit, accepted));
        _store(id, word.convicted(bit));
        emit JobNodeSeized(id, word.attempt(), assignment.nodes[index]);
        amount = JobLimits.lockUp(job);
        held = _bit(word.state()) & _liveStates() != 0;
    }

    /// @inheritdoc IJobRecovery
    function adoptParameters(address token, JobParameters parameters)
        external
        onlyRole(Roles.PARAMETER)
    {
        Layout storage $ = _layout();
        bool known;
        for (uint256 i; i < $.tokens.length && !known; ++i) {
            known = $.tokens[i] == token;
        }
        if (!known) $.tokens.push(token);
        $.parameters[token] = parameters.withHalted(Pausable(address(this)).paused());
        emit JobParametersAdopted(token, parameters);
    }

    /// @inheritdoc IJobRecovery
    function idOf(address client, uint256 nonce, JobTerms calldata terms)
        external
        view
        returns (JobId)
    {
        return JobCodec.idOf(client, nonce, terms);
    }

    /// @inheritdoc IJobRecovery
    function orderDigest(address client, uint256 nonce, JobTerms calldata terms)
        external
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(JobCodec.orderHash(client, nonce, terms));
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
    function restOf(Proposal calldata proposal, address challenger)
        external
        pure
        returns (bytes32)
    {
        return JobCodec.restHash(proposal, challenger);
    }

    /// @inheritdoc IJobRecovery
    function statusOf(JobId id)
        external
        view
        returns (JobState state, uint8 attempt, uint40 deadline, uint16 seized)
    {
        JobWord word = _wordOf(id);
        state = _stateOf(id, word);
        if (state != JobState.None && state != JobState.Closed) {
            (attempt, deadline, seized) = (word.attempt(), word.deadline(), word.seized());
        }
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
    function parametersOf(address token) external view returns (JobParameters) {
        return _layout().parameters[token].withHalted(false);
    }

    /// @inheritdoc IJobRecovery
    function lockOf(Job calldata job) external pure returns (uint128) {
        return JobLimits.lockUp(job);
    }

    /// @dev Assigned, lease over: the coordinator's bond pays for the delay.
    function _expire(JobId id, JobWord word, Job calldata job, Assignment calldata assignment)
        private
    {
        _unlock(job, assignment, word.seized());
        uint128 locked = JobLimits.lockUp(job);
        _lapse(id, word, job, locked == 0 ? msg.sender : address(0));
        if (locked != 0) {
            uint128 penalty = uint128(uint256(locked).shareUp(STALL_PPM));
            _STAKING.forfeit(assignment.coordinator.node(), penalty, msg.sender);
        }
    }

    /// @dev A proposed result stands: settled, unless convictions broke its quorum or its money
    /// cannot be pulled.
    function _conclude(
        JobId id,
        JobWord word,
        Job calldata job,
        Assignment calldata assignment,
        Proposal calldata proposal,
        address settler
    ) private {
        _unlock(job, assignment, word.seized());
        uint256 signed = JobSplit.count(proposal.signers & ~word.seized());
        if (signed < _quorumOf(job.rules, assignment.nodes.length)) {
            return _lapse(id, word, job, address(0));
        }

        _store(id, word.moved(JobState.Settled, 0));
        uint128 held = _held(id, job);
        if (job.rules.funding() == Funding.PullAtSettlement) {
            held = proposal.price + job.price.tip();
            if (!_PAYMENTS.tryPull(job.client, job.token, held)) {
                emit JobUnpaid(id, job.client, held);
                return _refund(id, word, job, 0, address(0));
            }
        }
        _pay(id, job, assignment, proposal, word.seized(), held, settler);
    }

    /// @dev An attempt without a valid result is over: the next one, or the client's money back.
    function _lapse(JobId id, JobWord word, Job calldata job, address tipTo) private {
        bool again = word.attempt() < job.parameters.maxAttempts()
            && block.timestamp < job.rules.completeBy() && !_isStopped(id, job);
        if (!again) return _refund(id, word, job, _held(id, job), tipTo);
        uint40 deadline = _leaseEnd(job);
        bytes32 commitment = JobCodec.commitment(id, JobCodec.jobHash(job), 0, 0);
        _store(id, word.reopened(deadline, commitment));
        emit JobReopened(id, word.attempt(), deadline);
    }

    /// @dev Final: what is held goes back, less the tip where somebody earned it.
    function _refund(JobId id, JobWord word, Job calldata job, uint128 held, address tipTo)
        private
    {
        _store(id, word.moved(JobState.Refunded, 0));
        if (tipTo != address(0) && held != 0) {
            _credit(tipTo, job.token, job.price.tip());
            held -= job.price.tip();
        }
        _credit(job.client, job.token, held);
        emit JobRefunded(id, held);
    }

    /// @dev An assigned job whose lease lasts, called by the holder.
    function _loadLeased(JobId id, Job calldata job, Assignment calldata assignment)
        private
        view
        returns (JobWord word)
    {
        bytes32 assigned = JobCodec.assignmentHash(assignment);
        word = _load(id, JobCodec.jobHash(job), _bit(JobState.Assigned), assigned, 0);
        _requireBefore(id, word.deadline());
        _requireScheduler(id, assignment);
    }

    /// @dev The meter of an assigned job that is paid by time, for its client.
    function _meterOfClient(JobId id, Job calldata job, Assignment calldata assignment)
        private
        view
        returns (Meter storage)
    {
        _load(
            id,
            JobCodec.jobHash(job),
            _bit(JobState.Assigned),
            JobCodec.assignmentHash(assignment),
            0
        );
        _requireClient(id, job);
        require(job.price.ratePerSecond() != 0, JobManagerWrongPricing(id, 0));
        return _layout().meters[id];
    }

    function _isStopped(JobId id, Job calldata job) private view returns (bool) {
        return job.price.ratePerSecond() != 0 && _layout().meters[id].stoppedAt != 0;
    }

    function _requireRunning(JobId id, Meter storage meter) private view {
        uint40 stoppedAt = meter.stoppedAt;
        require(stoppedAt == 0, JobManagerTooLate(id, stoppedAt, block.timestamp));
    }

    /// @dev Roles are kept by `JobManager`, whose address this is while it delegates.
    function _requireRole(bytes32 role) private view {
        bool has = IAccessControl(address(this)).hasRole(role, msg.sender);
        require(has, IAccessControl.AccessControlUnauthorizedAccount(msg.sender, role));
    }

    function _requireClient(JobId id, Job calldata job) private view {
        require(msg.sender == job.client, JobManagerUnauthorized(id, msg.sender, job.client));
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

    /// @dev Who gets the bond of a challenge that failed: the first node that signed and is not
    /// convicted, for the wait. Where all are, the challenger was right about them and has it back.
    function _winnerOf(Assignment calldata assignment, uint256 signers, address challenger)
        private
        pure
        returns (address)
    {
        for (uint256 i; signers != 0; ++i) {
            if (signers & 1 != 0) return assignment.nodes[i].accountOf();
            signers >>= 1;
        }
        return challenger;
    }

    function _joined(Seat[] calldata first, Seat[] calldata second)
        private
        pure
        returns (Seat[] memory seats)
    {
        seats = new Seat[](first.length + second.length);
        for (uint256 i; i < seats.length; ++i) {
            seats[i] = i < first.length ? first[i] : second[i - first.length];
        }
    }

    function _liveStates() private pure returns (bytes32) {
        return _bit(JobState.Open) | _bit(JobState.Assigned) | _bit(JobState.Proposed)
            | _bit(JobState.Challenged);
    }
}
