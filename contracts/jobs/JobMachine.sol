// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../interfaces/INodeRegistry.sol";
import { IPaymentManager } from "../interfaces/IPaymentManager.sol";
import { IStakingManager } from "../interfaces/IStakingManager.sol";
import { JobCodec } from "../libraries/JobCodec.sol";
import { JobLimits } from "../libraries/JobLimits.sol";
import { JobSplit } from "../libraries/JobSplit.sol";
import { Assignment, Job, JobState, Proposal } from "../types/Job.sol";
import { JobId } from "../types/JobId.sol";
import { Funding, JobRules } from "../types/JobRules.sol";
import { JobWord } from "../types/JobWord.sol";
import { Seat } from "../types/Seat.sol";
import { JobLedger } from "./JobLedger.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title Job machine
/// @notice What `JobManager` and `JobRecovery` share: loading a job, and paying for it.
abstract contract JobMachine is JobLedger, EIP712 {
    INodeRegistry internal immutable _REGISTRY;
    IStakingManager internal immutable _STAKING;

    /// @param registry The `NodeRegistry` proxy.
    /// @param staking The `StakingManager` proxy.
    /// @param payments The `PaymentManager` proxy.
    constructor(INodeRegistry registry, IStakingManager staking, IPaymentManager payments)
        EIP712("Tallystick JobManager", "1")
        JobLedger(payments)
    {
        _REGISTRY = registry;
        _STAKING = staking;
    }

    /// @dev Pays the signers that are not convicted from what is held, and the client its change.
    /// The job is stored as settled already.
    /// @param settler Who gets the tip; for the coordinator's signer, its node.
    function _pay(
        JobId id,
        Job calldata job,
        Assignment calldata assignment,
        Proposal memory proposal,
        uint16 seized,
        uint256 held,
        address settler
    ) internal {
        uint256 paid = proposal.signers & ~seized;
        JobSplit.Shares memory shares = JobSplit.sharesOf(
            job.parameters, proposal.price, job.rules.replicas(), JobSplit.count(paid)
        );
        held -= _creditWorkers(job.token, assignment.nodes, paid, shares);
        held -= _creditCoordinator(job, assignment.coordinator, shares, settler);
        _credit(job.client, job.token, held);
        emit JobSettled(id, proposal.outputRoot, proposal.price, settler);
    }

    function _unlock(Job calldata job, Assignment calldata assignment, uint16 except) internal {
        uint128 amount = JobLimits.lockUp(job);
        if (amount != 0) {
            _STAKING.unlock(assignment.coordinator, assignment.nodes, amount, except);
        }
    }

    function _store(JobId id, JobWord word) internal {
        _layout().words[id.slot()] = word;
    }

    function _load(JobId id, bytes32 job, bytes32 expected, bytes32 assigned, bytes32 rest)
        internal
        view
        returns (JobWord word)
    {
        word = _wordOf(id);
        _requireState(id, _stateOf(id, word), expected);
        _requireCommitment(id, word, job, assigned, rest);
    }

    /// @dev The word in the job's slot, which may be of another job.
    function _wordOf(JobId id) internal view returns (JobWord) {
        return _layout().words[id.slot()];
    }

    /// @dev What the job holds of its client's money.
    function _held(JobId id, Job calldata job) internal view returns (uint128 held) {
        if (job.rules.funding() == Funding.PullAtSettlement) return 0;
        held = job.price.reserved();
        if (job.price.ratePerSecond() != 0) held += _layout().meters[id].toppedUp;
    }

    function _leaseEnd(Job calldata job) internal view returns (uint40) {
        uint40 end = uint40(block.timestamp) + job.parameters.leaseSeconds();
        uint40 completeBy = job.rules.completeBy();
        return end < completeBy ? end : completeBy;
    }

    /// @dev The job was never made, and the job that its slot holds is final.
    function _requireFreeSlot(JobId id) internal view {
        JobWord word = _wordOf(id);
        _requireState(id, _stateOf(id, word), _bit(JobState.None));
        JobState held = word.state();
        bool free = held == JobState.None || held == JobState.Settled || held == JobState.Refunded;
        require(free, JobManagerSlotBusy(id, word.sequence(), held));
    }

    function _requireScheduler(JobId id, Assignment calldata assignment) internal view {
        address scheduler = assignment.coordinator.signer();
        require(msg.sender == scheduler, JobManagerUnauthorized(id, msg.sender, scheduler));
    }

    function _requireBefore(JobId id, uint40 deadline) internal view {
        require(block.timestamp < deadline, JobManagerTooLate(id, deadline, block.timestamp));
    }

    function _requireAfter(JobId id, uint40 deadline) internal view {
        require(block.timestamp >= deadline, JobManagerTooEarly(id, deadline, block.timestamp));
    }

    function _requireNodes(JobId id, Seat[] calldata first, Seat[] calldata second) internal pure {
        uint256 count = first.length + second.length;
        bool ok = second.length != 0 && count <= JobLimits.MAX_NODES
            && JobLimits.areDistinct(first, second);
        require(ok, JobManagerInvalidNodes(id, count, JobLimits.MAX_NODES));
    }

    function _requireCommitment(JobId id, JobWord word, bytes32 job, bytes32 assigned, bytes32 rest)
        internal
        pure
    {
        bytes32 commitment = JobCodec.commitment(id, job, assigned, rest);
        require(word.commitsTo(commitment), JobManagerWrongCommitment(id));
    }

    function _requireState(JobId id, JobState actual, bytes32 expected) internal pure {
        require(_bit(actual) & expected != 0, JobManagerUnexpectedState(id, actual, expected));
    }

    /// @dev Equal signatures that make a result: what the rules ask for and more than half of the
    /// assigned nodes, so that neither can two results have a quorum nor can a coordinator outvote
    /// the drawn nodes by adding others.
    function _quorumOf(JobRules rules, uint256 nodes) internal pure returns (uint256) {
        uint256 majority = nodes / 2 + 1;
        uint256 quorum = rules.quorum();
        return majority > quorum ? majority : quorum;
    }

    /// @dev A bitmap of all nodes of an assignment.
    function _membersOf(uint256 nodes) internal pure returns (uint16) {
        return uint16((1 << nodes) - 1);
    }

    /// @dev The state of the job, which the slot may not hold yet or no longer.
    function _stateOf(JobId id, JobWord word) internal pure returns (JobState) {
        (uint24 asked, uint24 held) = (id.sequence(), word.sequence());
        if (asked == held) return word.state();
        return asked < held ? JobState.Closed : JobState.None;
    }

    function _bit(JobState state) internal pure returns (bytes32) {
        return bytes32(1 << uint8(state));
    }

    /// @dev The first paid signer gets the performer's share, the others a secondary's.
    function _creditWorkers(
        address token,
        Seat[] calldata nodes,
        uint256 paid,
        JobSplit.Shares memory shares
    ) private returns (uint256 charged) {
        uint256 amount = shares.performer;
        for (uint256 i; paid != 0; ++i) {
            if (paid & 1 != 0) {
                _credit(nodes[i].accountOf(), token, amount);
                charged += amount;
                amount = shares.secondary;
            }
            paid >>= 1;
        }
    }

    /// @dev Its share, and beside it the protocol's. The tip goes to the settler, which for the
    /// coordinator's signer means its node.
    function _creditCoordinator(
        Job calldata job,
        Seat coordinator,
        JobSplit.Shares memory shares,
        address settler
    ) private returns (uint256 charged) {
        address token = job.token;
        uint256 tip = job.price.tip();
        uint256 own = shares.coordinator;
        charged = own + shares.protocol + tip;
        if (settler == coordinator.signer()) own += tip;
        else _credit(settler, token, tip);

        LaneAccount storage account = _layout().accounts[token][coordinator.accountOf()];
        (uint256 balance, uint256 fees) = (account.balance, account.fees);
        // Cannot overflow: no sum of the lane reaches 2^128.
        unchecked {
            account.balance = uint128(balance + own);
            account.fees = uint128(fees + shares.protocol);
        }
    }
}
