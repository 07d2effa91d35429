// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Funding } from "../types/JobRules.sol";
import { NodeId } from "../types/NodeId.sol";

/// @title Payment manager
/// @notice Every token in the house: who brought it, what is free, what is promised to which lane.
/// @dev A lane is a purpose for which money is set aside. The chain lane is `JobManager`: this
/// contract guarantees what it holds of a token in all, `JobManager` keeps whose it is. A
/// coordinator's lane is what one client promised to one coordinator. Amounts are base units of the
/// token. For each token, at every moment: deposits - withdrawals = total = sum of free balances +
/// chain lane + sum over lanes (reserved + thawing).
interface IPaymentManager {
    /// @notice Money that a client promised to one coordinator.
    struct Lane {
        uint128 reserved;
        /// Part that the client asked back.
        uint128 thawing;
        /// When the thawing part may be released, Unix seconds.
        uint40 thawedAt;
    }

    /// @notice Tokens came in.
    event Deposited(
        address indexed token, address indexed account, address indexed from, uint128 amount
    );

    /// @notice Tokens went out.
    event Withdrawn(
        address indexed token, address indexed account, address indexed to, uint128 amount
    );

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

    /// @notice A token was accepted or is no longer accepted for new deposits.
    event TokenAccepted(address indexed token, bool accepted);

    /// @notice The thaw of lanes or the treasury changed.
    event PaymentRulesSet(uint40 laneThawSeconds, address treasury);

    /// @notice The token is not on the list.
    error PaymentManagerTokenNotAccepted(address token);

    /// @notice The token delivered another amount than was asked: fee on transfer, rebasing or
    /// lying.
    error PaymentManagerWrongAmountReceived(address token, uint256 asked, uint256 received);

    /// @notice The account holds too little. Deposit the difference, or approve it and fund by
    /// allowance.
    error PaymentManagerInsufficientBalance(
        address token, address account, uint256 available, uint256 needed
    );

    /// @notice Zero is no amount, no recipient.
    error PaymentManagerZero();

    /// @notice It is too early for this.
    error PaymentManagerNotYet(uint40 from, uint256 timestamp);

    /// @notice The caller is not `JobManager`.
    error PaymentManagerNotJobs(address caller);

    /// @notice Too little gas to judge a token fairly. Send the call with more.
    error PaymentManagerTooLittleGas(uint256 given, uint256 needed);

    /// @notice Deposits from the caller's allowance into an account.
    function deposit(address token, address account, uint128 amount) external;

    /// @notice The same into the caller's account with an EIP-2612 permit. A permit that was used
    /// already is ignored if the allowance suffices.
    function depositWithPermit(
        address token,
        uint128 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice Sends free balance of the caller to `to`.
    function withdraw(address token, uint128 amount, address to) external;

    /// @notice Promises free balance to a coordinator's lane.
    function fundLane(address token, NodeId coordinator, uint128 amount) external;

    /// @notice Asks money of a lane back. Adding to a thaw restarts its time.
    function thawLane(address token, NodeId coordinator, uint128 amount) external;

    /// @notice Frees the thawed money of a lane.
    function releaseLane(address token, NodeId coordinator) external;

    /// @notice Moves a client's money into the chain lane. Only `JobManager`.
    /// @param funding `Balance`: from the free balance. `Allowance`: what is missing there is
    /// pulled from the token.
    function take(address client, address token, uint128 amount, Funding funding) external;

    /// @notice Tries to pull a client's tokens into the chain lane, for a job that is paid at
    /// settlement. Only `JobManager`.
    /// @return done Whether they are there. A token that reverts or delivers another amount changes
    /// nothing.
    function tryPull(address client, address token, uint128 amount) external returns (bool done);

    /// @notice Moves money of the chain lane to an owner's free balance; zero stands for the
    /// treasury. Only `JobManager`.
    function give(address owner, address token, uint128 amount) external;

    /// @notice Accepts a token for deposits, or no longer. Only `NetworkProfile`.
    function setToken(address token, bool accepted) external;

    /// @notice Sets the thaw of lanes, in seconds, and where fees go. Only `NetworkProfile`.
    function setRules(uint40 laneThawSeconds, address treasury) external;

    /// @notice What an owner can spend or withdraw, in base units of the token.
    function freeOf(address owner, address token) external view returns (uint128);

    /// @notice What the chain lane holds in all, in base units of the token.
    function chainLaneOf(address token) external view returns (uint128);

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
