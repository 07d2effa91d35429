// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { NodeId } from "../types/NodeId.sol";
import { Seat } from "../types/Seat.sol";

/// @title Staking manager
/// @notice Stake behind nodes: deposits that mature, pools of shares, thawing, locks of running
/// jobs, slashing.
/// @dev Stake is TLY, in base units (10^-18). Each node has one pool. Active and thawing stake are
/// both slashable, in proportion, and locks rest on both. Locking and unlocking emit nothing here:
/// the events of `JobManager` carry nodes and amounts.
interface IStakingManager {
    /// @notice The stake behind one node.
    struct Pool {
        /// Active stake: counts for activation, new locks and draws.
        uint128 stake;
        /// Stake that running jobs locked; at most `stake + thawing`.
        uint128 locked;
        /// Shares of the active stake.
        uint128 shares;
        /// Stake on its way out, slashable until it is withdrawn.
        uint128 thawing;
        /// Shares of the thawing stake.
        uint128 thawShares;
        /// Counts the full slashes of the pool; positions of an earlier epoch are worth nothing.
        uint64 epoch;
    }

    /// @notice One staker's part in one pool.
    struct Position {
        /// Deposit that does not count yet.
        uint128 pending;
        /// When the deposit may be activated, Unix seconds.
        uint40 pendingUntil;
        /// When thawing stake may be withdrawn, Unix seconds.
        uint40 thawedAt;
        /// Epoch of the pool that the shares belong to.
        uint48 epoch;
        uint128 shares;
        uint128 thawShares;
    }

    /// @notice The rules of staking.
    struct StakingRules {
        /// Active stake that a node needs, in base units of TLY.
        uint128 minStake;
        /// Time between a deposit and its activation, in seconds.
        uint40 minStakeSeconds;
        /// Time between unstaking and withdrawal, in seconds.
        uint40 thawSeconds;
    }

    /// @notice A part of a slash that goes to somebody.
    struct SlashShare {
        address to;
        /// Parts per million of what was slashed.
        uint32 ppm;
    }

    /// @notice TLY was deposited behind a node. It counts once it is activated.
    event StakeDeposited(
        NodeId indexed node, address indexed staker, uint128 amount, uint40 pendingUntil
    );

    /// @notice A deposit was taken back before it counted.
    event StakeDepositCancelled(NodeId indexed node, address indexed staker, uint128 amount);

    /// @notice A deposit became active stake.
    event StakeActivated(
        NodeId indexed node, address indexed staker, uint128 amount, uint128 shares
    );

    /// @notice Active stake began to thaw.
    event UnstakeRequested(
        NodeId indexed node, address indexed staker, uint128 amount, uint40 thawedAt
    );

    /// @notice Thawing stake became active again.
    event UnstakeCancelled(NodeId indexed node, address indexed staker, uint128 amount);

    /// @notice Thawed stake left the pool.
    event StakeWithdrawn(NodeId indexed node, address indexed staker, uint128 amount);

    /// @notice A reward was added to a pool; every share is worth more.
    event StakeRewarded(NodeId indexed node, address indexed from, uint128 amount);

    /// @notice Stake was taken from a pool.
    /// @param amount What was taken, in base units of TLY.
    /// @param burned What of it was destroyed (or went to the insurance account).
    event StakeSlashed(NodeId indexed node, uint128 amount, uint128 burned);

    /// @notice The rules of staking changed.
    event StakingRulesSet(StakingRules rules, address insurance);

    /// @notice An amount of zero, or above what the position or pool holds.
    error StakingManagerInvalidAmount(uint256 given, uint256 available);

    /// @notice It is too early for this.
    error StakingManagerNotYet(uint40 from, uint256 timestamp);

    /// @notice The pool has not enough unlocked active stake.
    error StakingManagerInsufficientStake(NodeId node, uint256 free, uint256 needed);

    /// @notice The withdrawal would leave locks without stake behind them.
    error StakingManagerLocked(NodeId node, uint256 remaining, uint256 locked);

    /// @notice The caller is not `JobManager`.
    error StakingManagerNotJobs(address caller);

    /// @notice There is no such node, or it is retired.
    error StakingManagerUnknownNode(NodeId node);

    /// @notice Deposits TLY behind a node, from the caller's allowance. Adding to a pending deposit
    /// restarts its time.
    function stake(NodeId node, uint128 amount) external;

    /// @notice The same with an EIP-2612 permit. A permit that was used already is ignored if the
    /// allowance suffices.
    function stakeWithPermit(
        NodeId node,
        uint128 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice Takes back the caller's deposit that does not count yet.
    function cancelDeposit(NodeId node) external;

    /// @notice Turns a matured deposit into active stake and, where the pool reaches the minimum,
    /// activates the node. Anyone may call it. Without a matured deposit it only tries to activate
    /// the node.
    function activate(NodeId node, address staker) external;

    /// @notice Begins to thaw active stake. Adding to a thaw restarts its time.
    function requestUnstake(NodeId node, uint128 shares) external;

    /// @notice Makes all of the caller's thawing stake active again.
    function cancelUnstake(NodeId node) external;

    /// @notice Withdraws all of the caller's thawed stake.
    /// @return amount Base units of TLY, after any slash in the meantime.
    function withdraw(NodeId node) external returns (uint128 amount);

    /// @notice Adds TLY from the caller's allowance to a pool. Only the reward reporter.
    function reward(NodeId node, uint128 amount) external;

    /// @notice Locks stake of a coordinator and its workers for a job. Only `JobManager`.
    /// @param amount Stake to lock of each, in base units of TLY.
    function lock(Seat coordinator, Seat[] calldata nodes, uint128 amount) external;

    /// @notice Locks stake of further workers. Only `JobManager`.
    function lockWorkers(Seat[] calldata nodes, uint128 amount) external;

    /// @notice Unlocks what `lock` locked. Only `JobManager`.
    /// @param spare Bit `i` set: node `i` was slashed, its lock is gone already.
    function unlock(Seat coordinator, Seat[] calldata nodes, uint128 amount, uint16 spare) external;

    /// @notice Takes a part of a coordinator's lock because it let a lease run out; half goes to
    /// who noticed, half is burned. The rest of the lock stays. Only `JobManager`.
    function forfeit(NodeId coordinator, uint128 penalty, address tipTo) external;

    /// @notice Takes stake of a convicted node. Only `SlashingManager`.
    /// @param amount What to take, at most what the job locked of this node.
    /// @param release The node's lock that still stands and ends now; zero where it has ended.
    /// @param cuts Who gets which part; the rest is burned or goes to the insurance account.
    /// @return slashed What was taken; less than `amount` only where stake is gone or backs other
    /// locks, or by the last 10^-8 of a pool that a slash leaves without ending its epoch.
    function slash(NodeId node, uint128 amount, uint128 release, SlashShare[] calldata cuts)
        external
        returns (uint128 slashed);

    /// @notice Sets the rules. Only `NetworkProfile`, which bounds them.
    /// @param insurance Where the remainder of slashes goes; zero burns it.
    function setRules(StakingRules calldata rules, address insurance) external;

    /// @notice The pool of a node.
    function poolOf(NodeId node) external view returns (Pool memory);

    /// @notice A staker's position in a pool.
    function positionOf(NodeId node, address staker) external view returns (Position memory);

    /// @notice What a position is worth now: active and thawing stake, in base units of TLY,
    /// rounded down.
    function valueOf(NodeId node, address staker)
        external
        view
        returns (uint128 active, uint128 thawing);

    /// @notice The rules and the insurance account.
    function rules() external view returns (StakingRules memory, address insurance);
}
