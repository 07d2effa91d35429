// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../base/HouseContract.sol";
import { Roles } from "../base/Roles.sol";
import { IJobManager } from "../interfaces/IJobManager.sol";
import { INodeRegistry } from "../interfaces/INodeRegistry.sol";
import { ISlashingManager } from "../interfaces/ISlashingManager.sol";
import { IStakingManager } from "../interfaces/IStakingManager.sol";
import { Signatures } from "../libraries/Signatures.sol";
import { Assignment, Job } from "../types/Job.sol";
import { JobId } from "../types/JobId.sol";
import { NodeId } from "../types/NodeId.sol";
import { Seat } from "../types/Seat.sol";
import { SlashingManagerStorage } from "./SlashingManagerStorage.sol";

/// @title Slashing manager
/// @notice Judges; its calls are described in `ISlashingManager`.
contract SlashingManager is ISlashingManager, SlashingManagerStorage, HouseContract {
    /// @dev Stands for the time of a vetoed ruling, so that it cannot be proposed again.
    uint40 private constant VETOED = type(uint40).max;

    IJobManager private immutable _JOBS;
    IStakingManager private immutable _STAKING;
    INodeRegistry private immutable _REGISTRY;

    /// @param jobs The `JobManager` proxy.
    /// @param staking The `StakingManager` proxy.
    /// @param registry The `NodeRegistry` proxy.
    constructor(IJobManager jobs, IStakingManager staking, INodeRegistry registry) {
        _JOBS = jobs;
        _STAKING = staking;
        _REGISTRY = registry;
    }

    /// @inheritdoc ISlashingManager
    function reportEquivocation(
        JobId id,
        Job calldata job,
        Assignment calldata assignment,
        bytes32 rest,
        uint256 index,
        SignedClaim calldata first,
        SignedClaim calldata second
    ) external {
        require(first.outputRoot != second.outputRoot, SlashingManagerSameOutput(first.outputRoot));
        (, uint8 attempt,,) = _JOBS.statusOf(id);
        (uint128 amount, bool held) = _JOBS.seize(id, job, assignment, rest, index);
        Seat accused = assignment.nodes[index];
        _requireSigned(id, attempt, accused, first);
        _requireSigned(id, attempt, accused, second);
        _convict(id, job.client, accused.node(), amount, held ? amount : 0, msg.sender);
    }

    /// @inheritdoc ISlashingManager
    function deliverVerdict(Ruling calldata ruling) external {
        address jury = _layout().rules.jury;
        require(msg.sender == jury, SlashingManagerNotJury(msg.sender, jury));
        _requireLiars(ruling);
        _deliver(ruling, type(uint128).max);
    }

    /// @inheritdoc ISlashingManager
    function proposeRuling(Ruling calldata ruling)
        external
        onlyRole(Roles.SLASHER)
        returns (bytes32 id)
    {
        _requireLiars(ruling);
        Layout storage $ = _layout();
        id = keccak256(abi.encode(ruling));
        require($.executableAt[id] == 0, SlashingManagerRulingExists(id));
        uint40 executableAt_ = uint40(block.timestamp) + $.rules.committeeDelaySeconds;
        $.executableAt[id] = executableAt_;
        emit RulingProposed(id, ruling.id, ruling.upheld, ruling.liars, executableAt_);
    }

    /// @inheritdoc ISlashingManager
    function vetoRuling(bytes32 id) external onlyRole(DEFAULT_ADMIN_ROLE) {
        Layout storage $ = _layout();
        uint40 from = $.executableAt[id];
        require(from != 0 && from != VETOED, SlashingManagerUnknownRuling(id));
        $.executableAt[id] = VETOED;
        emit RulingVetoed(id);
    }

    /// @inheritdoc ISlashingManager
    function executeRuling(Ruling calldata ruling) external {
        Layout storage $ = _layout();
        bytes32 id = keccak256(abi.encode(ruling));
        uint40 from = $.executableAt[id];
        require(from != 0 && from != VETOED, SlashingManagerUnknownRuling(id));
        require(block.timestamp >= from, SlashingManagerNotYet(from, block.timestamp));
        delete $.executableAt[id];

        uint64 epoch = uint64(block.timestamp / $.rules.committeeEpochSeconds);
        if ($.epoch != epoch) ($.epoch, $.slashedInEpoch) = (epoch, 0);
        uint128 cap = $.rules.committeeCap;
        uint128 left = cap > $.slashedInEpoch ? cap - $.slashedInEpoch : 0;
        $.slashedInEpoch += _deliver(ruling, left);
        emit RulingExecuted(id, ruling.id);
    }

    /// @inheritdoc ISlashingManager
    function release(NodeId node) external {
        uint40 until = _layout().jailedUntil[node];
        require(until != 0, SlashingManagerNotJailed(node));
        require(block.timestamp >= until, SlashingManagerNotYet(until, block.timestamp));
        delete _layout().jailedUntil[node];
        _REGISTRY.unjail(node);
    }

    /// @inheritdoc ISlashingManager
    function setRules(SlashingRules calldata rules_) external onlyRole(Roles.PARAMETER) {
        _layout().rules = rules_;
        emit SlashingRulesSet(rules_);
    }

    /// @inheritdoc ISlashingManager
    function rules() external view returns (SlashingRules memory) {
        return _layout().rules;
    }

    /// @inheritdoc ISlashingManager
    function executableAt(bytes32 ruling) external view returns (uint40) {
        return _layout().executableAt[ruling];
    }

    /// @inheritdoc ISlashingManager
    function committeeSlashed() external view returns (uint128) {
        Layout storage $ = _layout();
        bool running = $.epoch == block.timestamp / $.rules.committeeEpochSeconds;
        return running ? $.slashedInEpoch : 0;
    }

    /// @inheritdoc ISlashingManager
    function jailedUntil(NodeId node) external view returns (uint40) {
        return _layout().jailedUntil[node];
    }

    /// @dev Carries a decision out; takes at most `left` in all. A liar that was convicted of two
    /// results in the meantime is passed over: it could otherwise stop the ruling by accusing
    /// itself.
    /// @return taken What was slashed.
    function _deliver(Ruling calldata ruling, uint128 left) private returns (uint128 taken) {
        (,,, uint16 seized) = _JOBS.statusOf(ruling.id);
        uint16 liars = ruling.liars & ~seized;
        uint128 lock = _JOBS.resolve(
            ruling.id,
            ruling.job,
            ruling.assignment,
            ruling.proposal,
            ruling.challenger,
            ruling.upheld,
            liars
        );
        for (uint256 i; i < ruling.assignment.nodes.length; ++i) {
            if (liars & (1 << i) == 0) continue;
            uint128 amount = lock < left - taken ? lock : left - taken;
            taken += _convict(
                ruling.id,
                ruling.job.client,
                ruling.assignment.nodes[i].node(),
                amount,
                lock,
                ruling.challenger
            );
        }
    }

    /// @dev Slashes and jails. Nobody is paid for evidence against a node of its own: its
    /// operator's part is burned. An unregistered worker (node zero) has neither stake nor
    /// standing; all it loses is its part in the job.
    function _convict(
        JobId job,
        address victim,
        NodeId node,
        uint128 amount,
        uint128 held,
        address reporter
    ) private returns (uint128 slashed) {
        if (NodeId.unwrap(node) == 0) return 0;
        Layout storage $ = _layout();
        IStakingManager.SlashShare[] memory cuts = new IStakingManager.SlashShare[](2);
        address operator = _REGISTRY.operatorOf(node);
        cuts[0] = IStakingManager.SlashShare(victim, victim == operator ? 0 : $.rules.victimPpm);
        cuts[1] =
            IStakingManager.SlashShare(reporter, reporter == operator ? 0 : $.rules.reporterPpm);
        slashed = _STAKING.slash(node, amount, held, cuts);
        uint40 until = uint40(block.timestamp) + $.rules.jailSeconds;
        if (until > $.jailedUntil[node]) $.jailedUntil[node] = until;
        _REGISTRY.jail(node);
        emit NodeSlashed(node, job, reporter, slashed);
    }

    function _requireSigned(JobId id, uint8 attempt, Seat accused, SignedClaim calldata claim)
        private
        view
    {
        bytes32 digest = _JOBS.claimDigest(id, attempt, claim.outputRoot, claim.cost);
        address actual = Signatures.signerOf(digest, claim.signature);
        address expected = accused.signer();
        require(actual == expected, SlashingManagerNotSignedBy(expected, actual));
    }

    function _requireLiars(Ruling calldata ruling) private pure {
        uint16 accepted = ruling.upheld ? 0 : ruling.proposal.signers;
        require(
            ruling.liars & ~accepted == 0,
            SlashingManagerInvalidLiars(ruling.liars, ruling.proposal.signers)
        );
    }
}
