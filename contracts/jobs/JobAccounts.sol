// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobAccounts } from "../interfaces/IJobAccounts.sol";
import { Funding } from "../types/JobRules.sol";
import { NodeId } from "../types/NodeId.sol";
import { JobMachine } from "./JobMachine.sol";

/// @title Job accounts
/// @notice How money enters and leaves the chain lane.
abstract contract JobAccounts is IJobAccounts, JobMachine {
    uint256 private constant MAX_COLLECTED = 64;

    /// @inheritdoc IJobAccounts
    function fund(address token, uint128 amount) external {
        _bring(msg.sender, token, amount, Funding.Balance);
        _credit(msg.sender, token, amount);
    }

    /// @inheritdoc IJobAccounts
    function withdraw(address token, uint128 amount) external {
        _withdraw(msg.sender, token, amount);
    }

    /// @inheritdoc IJobAccounts
    function withdrawNode(NodeId node, address token, uint128 amount) external {
        require(_REGISTRY.operatorOf(node) == msg.sender, JobManagerNotOperator(node, msg.sender));
        _withdraw(node.accountOf(), token, amount);
    }

    /// @inheritdoc IJobAccounts
    function collectFees(address token, NodeId[] calldata coordinators) external {
        require(
            coordinators.length <= MAX_COLLECTED,
            JobManagerTooMany(coordinators.length, MAX_COLLECTED)
        );
        uint128 collected;
        for (uint256 i; i < coordinators.length; ++i) {
            LaneAccount storage account = _layout().accounts[token][coordinators[i].accountOf()];
            collected += account.fees;
            account.fees = 0;
        }
        emit FeesCollected(token, collected);
        _PAYMENTS.give(address(0), token, collected);
    }

    /// @inheritdoc IJobAccounts
    function accountOf(address owner, address token)
        external
        view
        returns (uint128 balance, uint128 fees)
    {
        LaneAccount storage account = _layout().accounts[token][owner];
        return (account.balance, account.fees);
    }

    function _withdraw(address owner, address token, uint128 amount) private {
        LaneAccount storage account = _layout().accounts[token][owner];
        uint128 balance = account.balance;
        require(balance >= amount, JobManagerInsufficientBalance(owner, token, balance, amount));
        account.balance = balance - amount;
        emit LaneWithdrawn(owner, token, msg.sender, amount);
        _PAYMENTS.give(msg.sender, token, amount);
    }
}
