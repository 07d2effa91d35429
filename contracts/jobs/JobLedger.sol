// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../interfaces/IJobMachine.sol";
import { IPaymentManager } from "../interfaces/IPaymentManager.sol";
import { Funding } from "../types/JobRules.sol";
import { JobManagerStorage } from "./JobManagerStorage.sol";

/// @title Job ledger
/// @notice Whose the money of the chain lane is. `PaymentManager` holds it in one sum per token;
/// here it is split over the accounts of owners and what open jobs and challenges hold, so that a
/// job touches no second contract for its money.
/// @dev For each token: chain lane at `PaymentManager` = sum over accounts (balance + fees) + sum
/// over live jobs (what they hold) + sum over open challenges (bonds). No sum exceeds 2^128 because
/// `PaymentManager` keeps every token's total below it.
abstract contract JobLedger is IJobMachine, JobManagerStorage {
    IPaymentManager internal immutable _PAYMENTS;

    /// @param payments The `PaymentManager` proxy.
    constructor(IPaymentManager payments) {
        _PAYMENTS = payments;
    }

    /// @dev Takes money for a job: from the account here, then as the funding says.
    function _hold(address owner, address token, uint128 amount, Funding funding) internal {
        LaneAccount storage account = _layout().accounts[token][owner];
        uint128 balance = account.balance;
        if (balance >= amount) {
            account.balance = balance - amount;
            return;
        }
        account.balance = 0;
        _bring(owner, token, amount - balance, funding);
    }

    /// @dev Brings money of an owner into the lane without booking it anywhere yet.
    function _bring(address owner, address token, uint128 amount, Funding funding) internal {
        emit LaneFunded(owner, token, amount);
        _PAYMENTS.take(owner, token, amount, funding);
    }

    /// @dev Books money that the lane holds on an account.
    function _credit(address owner, address token, uint256 amount) internal {
        if (amount == 0) return;
        LaneAccount storage account = _layout().accounts[token][owner];
        // Cannot overflow: no sum of the lane reaches 2^128.
        unchecked {
            account.balance += uint128(amount);
        }
    }
}
