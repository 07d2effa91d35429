// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../base/HouseContract.sol";
import { Roles } from "../base/Roles.sol";
import { IPaymentManager } from "../interfaces/IPaymentManager.sol";
import { Funding } from "../types/JobRules.sol";
import { NodeId } from "../types/NodeId.sol";
import { PaymentManagerStorage } from "./PaymentManagerStorage.sol";
import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {
    ReentrancyGuardTransient
} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @title Payment manager
/// @notice Keeps the money; its calls are described in `IPaymentManager`.
contract PaymentManager is
    IPaymentManager,
    PaymentManagerStorage,
    HouseContract,
    ReentrancyGuardTransient
{
    using SafeERC20 for IERC20;

    /// @dev What a token may use to move money at settlement.
    uint256 private constant PULL_GAS = 250_000;
    /// @dev Below this, the 63/64 rule could starve the pull and make a good token look like a bad
    /// one.
    uint256 private constant PULL_GAS_RESERVE = 300_000;

    /// @dev `JobManager`, the only one that moves money of the chain lane.
    address private immutable _JOBS;

    modifier onlyJobs() {
        require(msg.sender == _JOBS, PaymentManagerNotJobs(msg.sender));
        _;
    }

    /// @param jobs Address of the `JobManager` proxy.
    constructor(address jobs) {
        _JOBS = jobs;
    }

    /// @inheritdoc IPaymentManager
    function deposit(address token, address account, uint128 amount)
        external
        whenNotPaused
        nonReentrant
    {
        _deposit(token, account, amount);
    }

    /// @inheritdoc IPaymentManager
    function depositWithPermit(
        address token,
        uint128 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external whenNotPaused nonReentrant {
        require(_layout().accepted[token], PaymentManagerTokenNotAccepted(token));
        try IERC20Permit(token).permit(msg.sender, address(this), amount, deadline, v, r, s) { }
            catch { } // used already, by whoever saw it first: the allowance decides
        _deposit(token, msg.sender, amount);
    }

    /// @inheritdoc IPaymentManager
    function withdraw(address token, uint128 amount, address to) external nonReentrant {
        require(amount != 0 && to != address(0), PaymentManagerZero());
        Layout storage $ = _layout();
        _spend($, msg.sender, token, amount);
        $.totals[token] -= amount;
        emit Withdrawn(token, msg.sender, to, amount);
        IERC20(token).safeTransfer(to, amount);
    }

    /// @inheritdoc IPaymentManager
    function fundLane(address token, NodeId coordinator, uint128 amount) external whenNotPaused {
        require(amount != 0, PaymentManagerZero());
        Layout storage $ = _layout();
        _spend($, msg.sender, token, amount);
        $.lanes[msg.sender][token][coordinator].reserved += amount;
        emit LaneFunded(token, msg.sender, coordinator, amount);
    }

    /// @inheritdoc IPaymentManager
    function thawLane(address token, NodeId coordinator, uint128 amount) external {
        require(amount != 0, PaymentManagerZero());
        Layout storage $ = _layout();
        Lane storage lane = $.lanes[msg.sender][token][coordinator];
        uint128 reserved = lane.reserved;
        require(
            reserved >= amount,
            PaymentManagerInsufficientBalance(token, msg.sender, reserved, amount)
        );
        uint40 thawedAt = uint40(block.timestamp) + $.laneThawSeconds;
        lane.reserved = reserved - amount;
        lane.thawing += amount;
        lane.thawedAt = thawedAt;
        emit LaneThawing(token, msg.sender, coordinator, amount, thawedAt);
    }

    /// @inheritdoc IPaymentManager
    function releaseLane(address token, NodeId coordinator) external {
        Layout storage $ = _layout();
        Lane storage lane = $.lanes[msg.sender][token][coordinator];
        (uint128 amount, uint40 thawedAt) = (lane.thawing, lane.thawedAt);
        require(amount != 0, PaymentManagerZero());
        require(block.timestamp >= thawedAt, PaymentManagerNotYet(thawedAt, block.timestamp));
        lane.thawing = 0;
        $.free[msg.sender][token] += amount;
        emit LaneReleased(token, msg.sender, coordinator, amount);
    }

    /// @inheritdoc IPaymentManager
    function take(address client, address token, uint128 amount, Funding funding)
        external
        onlyJobs
        nonReentrant
    {
        Layout storage $ = _layout();
        uint128 free = $.free[client][token];
        if (free < amount && funding == Funding.Allowance) {
            _receive(token, client, amount - free);
            $.free[client][token] += amount - free;
        }
        _spend($, client, token, amount);
        $.chainLane[token] += amount;
    }

    /// @inheritdoc IPaymentManager
    function tryPull(address client, address token, uint128 amount)
        external
        onlyJobs
        nonReentrant
        returns (bool done)
    {
        require(
            gasleft() > PULL_GAS_RESERVE, PaymentManagerTooLittleGas(gasleft(), PULL_GAS_RESERVE)
        );
        try this.pullExactly{ gas: PULL_GAS }(client, token, amount) {
            _layout().chainLane[token] += amount;
            done = true;
        } catch { } // the token, or the client's allowance, said no: that is the answer
    }

    /// @notice Receives exactly `amount` or reverts. Only this contract calls it, to contain what a
    /// token may do.
    function pullExactly(address client, address token, uint128 amount) external {
        require(msg.sender == address(this), PaymentManagerNotJobs(msg.sender));
        _receive(token, client, amount);
    }

    /// @inheritdoc IPaymentManager
    function give(address owner, address token, uint128 amount) external onlyJobs {
        Layout storage $ = _layout();
        $.chainLane[token] -= amount;
        $.free[owner == address(0) ? $.treasury : owner][token] += amount;
    }

    /// @inheritdoc IPaymentManager
    function setToken(address token, bool accepted) external onlyRole(Roles.PARAMETER) {
        _layout().accepted[token] = accepted;
        emit TokenAccepted(token, accepted);
    }

    /// @inheritdoc IPaymentManager
    function setRules(uint40 laneThawSeconds, address treasury) external onlyRole(Roles.PARAMETER) {
        require(treasury != address(0), PaymentManagerZero());
        Layout storage $ = _layout();
        $.laneThawSeconds = laneThawSeconds;
        $.treasury = treasury;
        emit PaymentRulesSet(laneThawSeconds, treasury);
    }

    /// @inheritdoc IPaymentManager
    function freeOf(address owner, address token) external view returns (uint128) {
        return _layout().free[owner][token];
    }

    /// @inheritdoc IPaymentManager
    function chainLaneOf(address token) external view returns (uint128) {
        return _layout().chainLane[token];
    }

    /// @inheritdoc IPaymentManager
    function laneOf(address client, address token, NodeId coordinator)
        external
        view
        returns (Lane memory)
    {
        return _layout().lanes[client][token][coordinator];
    }

    /// @inheritdoc IPaymentManager
    function totalOf(address token) external view returns (uint256) {
        return _layout().totals[token];
    }

    /// @inheritdoc IPaymentManager
    function isAccepted(address token) external view returns (bool) {
        return _layout().accepted[token];
    }

    /// @inheritdoc IPaymentManager
    function rules() external view returns (uint40 laneThawSeconds, address treasury) {
        Layout storage $ = _layout();
        return ($.laneThawSeconds, $.treasury);
    }

    function _deposit(address token, address account, uint128 amount) private {
        Layout storage $ = _layout();
        require($.accepted[token], PaymentManagerTokenNotAccepted(token));
        require(amount != 0 && account != address(0), PaymentManagerZero());
        _receive(token, msg.sender, amount);
        $.free[account][token] += amount;
        emit Deposited(token, account, msg.sender, amount);
    }

    /// @dev Brings in exactly `amount`. The total stays below 2^128, so no account can ever
    /// overflow.
    function _receive(address token, address from, uint128 amount) private {
        Layout storage $ = _layout();
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(from, address(this), amount);
        uint256 received = IERC20(token).balanceOf(address(this)) - before;
        require(received == amount, PaymentManagerWrongAmountReceived(token, amount, received));
        uint256 total = $.totals[token] + amount;
        require(
            total <= type(uint128).max,
            PaymentManagerInsufficientBalance(token, from, type(uint128).max, total)
        );
        $.totals[token] = total;
    }

    function _spend(Layout storage $, address owner, address token, uint128 amount) private {
        uint128 free = $.free[owner][token];
        require(free >= amount, PaymentManagerInsufficientBalance(token, owner, free, amount));
        $.free[owner][token] = free - amount;
    }
}
