// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../base/HouseContract.sol";
import { Roles } from "../base/Roles.sol";
import { INodeRegistry } from "../interfaces/INodeRegistry.sol";
import { IStakingManager } from "../interfaces/IStakingManager.sol";
import { PpmMath } from "../libraries/PpmMath.sol";
import { StakeShares } from "../libraries/StakeShares.sol";
import { TallyToken } from "../token/TallyToken.sol";
import { NodeId } from "../types/NodeId.sol";
import { Seat } from "../types/Seat.sol";
import { StakingManagerStorage } from "./StakingManagerStorage.sol";
import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title Staking manager
/// @notice Keeps the stake; its calls are described in `IStakingManager`.
contract StakingManager is IStakingManager, StakingManagerStorage, HouseContract {
    using SafeERC20 for TallyToken;
    using SafeCast for uint256;
    using PpmMath for uint256;

    uint256 private constant HALF_PPM = 500_000;

    TallyToken private immutable _TOKEN;
    INodeRegistry private immutable _REGISTRY;
    /// @dev `JobManager`, the only one that locks.
    address private immutable _JOBS;

    modifier onlyJobs() {
        require(msg.sender == _JOBS, StakingManagerNotJobs(msg.sender));
        _;
    }

    /// @param token TLY.
    /// @param registry The `NodeRegistry` proxy.
    /// @param jobs Address of the `JobManager` proxy.
    constructor(TallyToken token, INodeRegistry registry, address jobs) {
        _TOKEN = token;
        _REGISTRY = registry;
        _JOBS = jobs;
    }

    /// @inheritdoc IStakingManager
    function stake(NodeId node, uint128 amount) external whenNotPaused {
        _deposit(node, amount);
    }

    /// @inheritdoc IStakingManager
    function stakeWithPermit(
        NodeId node,
        uint128 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external whenNotPaused {
        try IERC20Permit(address(_TOKEN))
            .permit(msg.sender, address(this), amount, deadline, v, r, s) { }
            catch { } // used already, by whoever saw it first: the allowance decides
        _deposit(node, amount);
    }

    /// @inheritdoc IStakingManager
    function cancelDeposit(NodeId node) external {
        Position storage position = _layout().positions[node][msg.sender];
        uint128 amount = position.pending;
        require(amount != 0, StakingManagerInvalidAmount(0, 0));
        position.pending = 0;
        emit StakeDepositCancelled(node, msg.sender, amount);
        _TOKEN.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IStakingManager
    function activate(NodeId node, address staker) external {
        Layout storage $ = _layout();
        Pool storage pool = $.pools[node];
        Position storage position = _current($, pool, node, staker);
        uint40 pendingUntil = position.pendingUntil;
        bool matured = position.pending != 0 && block.timestamp >= pendingUntil;
        if (matured) _mature(pool, position, node, staker);

        // Without anything to mature, activating the node is all there is, and its refusal the
        // answer.
        bool enough = pool.stake >= $.rules.minStake;
        bool eligible = enough && _REGISTRY.statusOf(node) == INodeRegistry.NodeStatus.Registered;
        if (!eligible && !matured) {
            require(position.pending == 0, StakingManagerNotYet(pendingUntil, block.timestamp));
            uint128 stake_ = pool.stake;
            require(enough, StakingManagerInsufficientStake(node, stake_, $.rules.minStake));
        }
        if (eligible || !matured) _REGISTRY.activate(node);
    }

    /// @inheritdoc IStakingManager
    function requestUnstake(NodeId node, uint128 shares) external {
        Layout storage $ = _layout();
        Pool storage pool = $.pools[node];
        Position storage position = _current($, pool, node, msg.sender);
        require(
            shares != 0 && shares <= position.shares,
            StakingManagerInvalidAmount(shares, position.shares)
        );

        uint128 amount = StakeShares.toAmountDown(shares, pool.stake, pool.shares);
        uint128 thawShares = StakeShares.toSharesDown(amount, pool.thawing, pool.thawShares);
        uint40 thawedAt = uint40(block.timestamp) + $.rules.thawSeconds;
        pool.stake -= amount;
        pool.shares -= shares;
        pool.thawing += amount;
        pool.thawShares += thawShares;
        position.shares -= shares;
        position.thawShares += thawShares;
        position.thawedAt = thawedAt;
        emit UnstakeRequested(node, msg.sender, amount, thawedAt);
        if (pool.stake < $.rules.minStake) _REGISTRY.deactivate(node);
    }

    /// @inheritdoc IStakingManager
    function cancelUnstake(NodeId node) external {
        Layout storage $ = _layout();
        Pool storage pool = $.pools[node];
        Position storage position = _current($, pool, node, msg.sender);
        uint128 amount = _leaveThaw(pool, position);

        uint128 shares = StakeShares.toSharesDown(amount, pool.stake, pool.shares);
        pool.stake += amount;
        pool.shares += shares;
        position.shares += shares;
        emit UnstakeCancelled(node, msg.sender, amount);
    }

    /// @inheritdoc IStakingManager
    function withdraw(NodeId node) external returns (uint128 amount) {
        Layout storage $ = _layout();
        Pool storage pool = $.pools[node];
        Position storage position = _current($, pool, node, msg.sender);
        uint40 thawedAt = position.thawedAt;
        require(block.timestamp >= thawedAt, StakingManagerNotYet(thawedAt, block.timestamp));

        amount = _leaveThaw(pool, position);
        uint256 remaining = uint256(pool.stake) + pool.thawing;
        require(remaining >= pool.locked, StakingManagerLocked(node, remaining, pool.locked));
        emit StakeWithdrawn(node, msg.sender, amount);
        _TOKEN.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IStakingManager
    function reward(NodeId node, uint128 amount) external onlyRole(Roles.REPORTER) {
        Pool storage pool = _layout().pools[node];
        require(amount != 0 && pool.shares != 0, StakingManagerInvalidAmount(amount, pool.shares));
        pool.stake += amount;
        emit StakeRewarded(node, msg.sender, amount);
        _TOKEN.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IStakingManager
    function lock(Seat coordinator, Seat[] calldata nodes, uint128 amount) external onlyJobs {
        Layout storage $ = _layout();
        _lock($, coordinator.node(), amount);
        for (uint256 i; i < nodes.length; ++i) {
            _lock($, nodes[i].node(), amount);
        }
    }

    /// @inheritdoc IStakingManager
    function lockWorkers(Seat[] calldata nodes, uint128 amount) external onlyJobs {
        Layout storage $ = _layout();
        for (uint256 i; i < nodes.length; ++i) {
            _lock($, nodes[i].node(), amount);
        }
    }

    /// @inheritdoc IStakingManager
    function unlock(Seat coordinator, Seat[] calldata nodes, uint128 amount, uint16 spare)
        external
        onlyJobs
    {
        Layout storage $ = _layout();
        $.pools[coordinator.node()].locked -= amount;
        for (uint256 i; i < nodes.length; ++i) {
            if (spare & (1 << i) == 0) $.pools[nodes[i].node()].locked -= amount;
        }
    }

    /// @inheritdoc IStakingManager
    function forfeit(NodeId coordinator, uint128 penalty, address tipTo) external onlyJobs {
        Layout storage $ = _layout();
        uint128 taken = _take($, coordinator, penalty);
        uint256 tip = uint256(taken).shareDown(HALF_PPM);
        emit StakeSlashed(coordinator, taken, taken - uint128(tip));
        _TOKEN.safeTransfer(tipTo, tip);
        _retireRemainder($.insurance, taken - tip);
    }

    /// @inheritdoc IStakingManager
    function slash(NodeId node, uint128 amount, uint128 release, SlashShare[] calldata cuts)
        external
        onlyRole(Roles.SLASHER)
        returns (uint128 slashed)
    {
        Layout storage $ = _layout();
        $.pools[node].locked -= release;
        slashed = _take($, node, amount);
        uint256 rest = slashed;
        for (uint256 i; i < cuts.length; ++i) {
            uint256 part = uint256(slashed).shareDown(cuts[i].ppm);
            rest -= part;
            _TOKEN.safeTransfer(cuts[i].to, part);
        }
        emit StakeSlashed(node, slashed, uint128(rest));
        _retireRemainder($.insurance, rest);
    }

    /// @inheritdoc IStakingManager
    function setRules(StakingRules calldata rules_, address insurance)
        external
        onlyRole(Roles.PARAMETER)
    {
        Layout storage $ = _layout();
        $.rules = rules_;
        $.insurance = insurance;
        emit StakingRulesSet(rules_, insurance);
    }

    /// @inheritdoc IStakingManager
    function poolOf(NodeId node) external view returns (Pool memory) {
        return _layout().pools[node];
    }

    /// @inheritdoc IStakingManager
    function positionOf(NodeId node, address staker) external view returns (Position memory) {
        return _layout().positions[node][staker];
    }

    /// @inheritdoc IStakingManager
    function valueOf(NodeId node, address staker)
        external
        view
        returns (uint128 active, uint128 thawing)
    {
        Layout storage $ = _layout();
        Pool storage pool = $.pools[node];
        Position storage position = $.positions[node][staker];
        if (position.epoch != pool.epoch) return (0, 0);
        active = StakeShares.toAmountDown(position.shares, pool.stake, pool.shares);
        thawing = StakeShares.toAmountDown(position.thawShares, pool.thawing, pool.thawShares);
    }

    /// @inheritdoc IStakingManager
    function rules() external view returns (StakingRules memory, address insurance) {
        Layout storage $ = _layout();
        return ($.rules, $.insurance);
    }

    function _deposit(NodeId node, uint128 amount) private {
        INodeRegistry.NodeStatus status = _REGISTRY.statusOf(node);
        bool open =
            status != INodeRegistry.NodeStatus.None && status != INodeRegistry.NodeStatus.Retired;
        require(open, StakingManagerUnknownNode(node));
        require(amount != 0, StakingManagerInvalidAmount(0, type(uint128).max));

        Layout storage $ = _layout();
        Position storage position = $.positions[node][msg.sender];
        uint40 pendingUntil = uint40(block.timestamp) + $.rules.minStakeSeconds;
        position.pending += amount;
        position.pendingUntil = pendingUntil;
        emit StakeDeposited(node, msg.sender, amount, pendingUntil);
        _TOKEN.safeTransferFrom(msg.sender, address(this), amount);
    }

    function _mature(Pool storage pool, Position storage position, NodeId node, address staker)
        private
    {
        uint128 amount = position.pending;
        uint128 shares = StakeShares.toSharesDown(amount, pool.stake, pool.shares);
        pool.stake += amount;
        pool.shares += shares;
        position.pending = 0;
        position.shares += shares;
        emit StakeActivated(node, staker, amount, shares);
    }

    /// @dev Takes all of a position's thaw out of the pool's.
    function _leaveThaw(Pool storage pool, Position storage position)
        private
        returns (uint128 amount)
    {
        uint128 thawShares = position.thawShares;
        require(thawShares != 0, StakingManagerInvalidAmount(0, 0));
        amount = StakeShares.toAmountDown(thawShares, pool.thawing, pool.thawShares);
        pool.thawing -= amount;
        pool.thawShares -= thawShares;
        position.thawShares = 0;
    }

    /// @dev The position, emptied first where a full slash ended the epoch that it belongs to.
    function _current(Layout storage $, Pool storage pool, NodeId node, address staker)
        private
        returns (Position storage position)
    {
        position = $.positions[node][staker];
        if (position.epoch != pool.epoch) {
            position.epoch = uint48(pool.epoch);
            position.shares = 0;
            position.thawShares = 0;
        }
    }

    function _lock(Layout storage $, NodeId node, uint256 amount) private {
        Pool storage pool = $.pools[node];
        (uint256 active, uint256 locked) = (pool.stake, pool.locked);
        uint256 free = active > locked ? active - locked : 0;
        require(amount <= free, StakingManagerInsufficientStake(node, free, amount));
        // Cannot overflow: at most the active stake.
        unchecked {
            pool.locked = uint128(locked + amount);
        }
    }

    /// @dev Takes up to `amount` of what backs no lock, from active and thawing stake in
    /// proportion. It takes all, or leaves enough that shares do not become too cheap (see
    /// `StakeShares`).
    function _take(Layout storage $, NodeId node, uint128 amount) private returns (uint128 taken) {
        Pool storage pool = $.pools[node];
        (uint256 active, uint256 thawing) = (pool.stake, pool.thawing);
        uint256 total = active + thawing;
        uint256 unlocked = total - pool.locked;
        uint256 take = Math.min(amount, unlocked);
        if (take == total) {
            (pool.stake, pool.thawing, pool.shares, pool.thawShares) = (0, 0, 0, 0);
            ++pool.epoch;
        } else {
            uint256 fromActive = take * active / total;
            uint256 fromThawing =
                Math.min(take - fromActive, StakeShares.spareOf(thawing, pool.thawShares));
            fromActive = Math.min(fromActive, StakeShares.spareOf(active, pool.shares));
            pool.stake = uint128(active - fromActive);
            pool.thawing = uint128(thawing - fromThawing);
            take = fromActive + fromThawing;
        }
        if (pool.stake < $.rules.minStake) _REGISTRY.deactivate(node);
        return uint128(take);
    }

    function _retireRemainder(address insurance, uint256 amount) private {
        if (insurance == address(0)) _TOKEN.burn(amount);
        else _TOKEN.safeTransfer(insurance, amount);
    }
}
