// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Funding } from "../types/JobTerms.sol";
import { NodeId } from "../types/NodeId.sol";

/// @title Payment manager
/// @notice Every token in the house: balances, reservations, earnings, fees.
/// @dev Amounts are base units of the token. For each token, at every moment:
/// deposits - withdrawals = sum over accounts (free + reserved + earned + fees) + sum over lanes (reserved + thawing).
/// Movements for jobs emit nothing here: the events of `JobManager` carry every amount.
interface IPaymentManager {
    /// @notice What one owner has of one token. The payer's half and the payee's half are one storage word each.
    struct Account {
        /// To spend or withdraw.
        uint128 free;
        /// Promised to jobs of the chain lane.
        uint128 reserved;
        /// Credited for work, tips and the like; to withdraw or move to `free`.
        uint128 earned;
        /// The protocol's fee, booked beside the coordinator's earnings until it is collected.
        uint128 fees;
    }

    /// @notice Money that a client promised to one coordinator.
    struct Lane {
        uint128 reserved;
        /// Part that the client asked back.
        uint128 thawing;
        /// When the thawing part may be released, Unix seconds.
        uint40 thawedAt;
    }

    /// @notice A credit for somebody's account.
    struct Credit {
        address account;
        uint128 amount;
    }

    /// @notice Tokens came in.
    event Deposited(
        address indexed token, address indexed account, address indexed from, uint128 amount
    );

    /// @notice Tokens went out.
    event Withdrawn(
        address indexed token, address indexed account, address indexed to, uint128 amount
    );

    /// @notice Earnings became free balance.
    event EarningsMoved(address indexed token, address indexed account, uint128 amount);

    /// @notice A client promised money to a coordinator's lane.
    event LaneFunded(
        address indexed token, address indexed client, NodeId indexed coordinator, uint128 amount
    );

    /// @notice A client asked money of a lane back.
    event LaneThawing(
        address indexed token,
        address indexed client,
        NodeId indexed coordinator,
        uint128 amount,
        uint40 thawedAt
    );

    /// @notice Thawed money of a lane is free again.
    event LaneReleased(
        address indexed token, address indexed client, NodeId indexed coordinator, uint128 amount
    );

    /// @notice Fees were credited to the treasury.
    event FeesCollected(address indexed token, address indexed treasury, uint128 amount);

    /// @notice A token was accepted or is no longer accepted for new deposits.
    event TokenAccepted(address indexed token, bool accepted);

    /// @notice The thaw of lanes or the treasury changed.
    event PaymentRulesSet(uint40 laneThawSeconds, address treasury);

    /// @notice The token is not on the list.
    error PaymentManagerTokenNotAccepted(address token);

    /// @notice The token delivered another amount than was asked: fee on transfer, rebasing or lying.
    error PaymentManagerWrongAmountReceived(address token, uint256 asked, uint256 received);

    /// @notice The account holds too little. Deposit the difference, or approve it and fund by allowance.
    error PaymentManagerInsufficientBalance(
        address token, address account, uint256 available, uint256 needed
    );

    /// @notice The credits exceed what was held.
    error PaymentManagerOvercharged(address token, address client, uint256 held, uint256 charged);

    /// @notice Zero is no amount, no recipient.
    error PaymentManagerZero();

    /// @notice It is too early for this.
    error PaymentManagerNotYet(uint40 from, uint256 timestamp);

    /// @notice The caller is not the operator of the node.
    error PaymentManagerNotOperator(NodeId node, address caller);

    /// @notice The caller is not `JobManager`.
    error PaymentManagerNotJobs(address caller);

    /// @notice Too little gas to judge a token fairly. Send the call with more.
    error PaymentManagerTooLittleGas(uint256 given, uint256 needed);

    /// @notice More items than a call takes.
    error PaymentManagerTooMany(uint256 given, uint256 most);

    /// @notice Deposits from the caller's allowance into an account.
    function deposit(address token, address account, uint128 amount) external;

    /// @notice The same into the caller's account with an EIP-2612 permit. A permit that was used already is
    /// ignored if the allowance suffices.
    function depositWithPermit(
        address token,
        uint128 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice Sends the caller's free balance and earnings, up to `amount`, earnings last, to `to`.
    function withdraw(address token, uint128 amount, address to) external;

    /// @notice Sends a node's earnings to `to`. Only its operator.
    function withdrawNode(NodeId node, address token, uint128 amount, address to) external;

    /// @notice Turns the caller's earnings into free balance.
    function moveEarnings(address token) external;

    /// @notice Promises free balance to a coordinator's lane.
    function fundLane(address token, NodeId coordinator, uint128 amount) external;

    /// @notice Asks money of a lane back. Adding to a thaw restarts its time.
    function thawLane(address token, NodeId coordinator, uint128 amount) external;

    /// @notice Frees the thawed money of a lane.
    function releaseLane(address token, NodeId coordinator) external;

    /// @notice Credits the fees booked at these coordinators to the treasury. Anyone, at most 64 at a time.
    function collectFees(address token, NodeId[] calldata coordinators) external;

    /// @notice Reserves a client's money for a job. Only `JobManager`.
    function reserve(address client, address token, uint128 amount, Funding funding) external;

    /// @notice Tries to pull a client's money for a job that was to be paid at settlement. Only `JobManager`.
    /// @return done Whether the money is now reserved. A token that reverts or delivers another amount changes nothing.
    function tryPull(address client, address token, uint128 amount) external returns (bool done);

    /// @notice Pays out reserved money; what is not charged is free again. Only `JobManager`.
    /// @param held What the job has reserved.
    /// @param credits Who gets what.
    /// @param fee The protocol's fee, booked at the first credit's account.
    function charge(
        address client,
        address token,
        uint128 held,
        Credit[] calldata credits,
        uint128 fee
    ) external;

    /// @notice Accepts a token for deposits, or no longer. Only `NetworkProfile`.
    function setToken(address token, bool accepted) external;

    /// @notice Sets the thaw of lanes, in seconds, and where fees go. Only `NetworkProfile`.
    function setRules(uint40 laneThawSeconds, address treasury) external;

    /// @notice What an owner has of a token.
    function accountOf(address owner, address token) external view returns (Account memory);

    /// @notice A client's lane at a coordinator.
    function laneOf(address client, address token, NodeId coordinator)
        external
        view
        returns (Lane memory);

    /// @notice Everything held of a token, in base units: deposits less withdrawals.
    function totalOf(address token) external view returns (uint256);

    /// @notice Whether a token is accepted for new deposits.
    function isAccepted(address token) external view returns (bool);

    /// @notice Thaw of lanes in seconds, and the treasury.
    function rules() external view returns (uint40 laneThawSeconds, address treasury);
}
