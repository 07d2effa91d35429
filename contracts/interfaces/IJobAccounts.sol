// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { NodeId } from "../types/NodeId.sol";
import { IJobMachine } from "./IJobMachine.sol";

/// @title Job manager, accounts
/// @notice Whose the money of the chain lane is.
interface IJobAccounts is IJobMachine {
    /// @notice Brings free balance of the caller into the chain lane, where new jobs take it
    /// without another step.
    function fund(address token, uint128 amount) external;

    /// @notice Makes the caller's money in the chain lane free balance at `PaymentManager`.
    function withdraw(address token, uint128 amount) external;

    /// @notice Makes a node's earnings free balance of its operator, the caller, at
    /// `PaymentManager`.
    function withdrawNode(NodeId node, address token, uint128 amount) external;

    /// @notice Makes the fees booked at these coordinators free balance of the treasury. Anyone, at
    /// most 64 at a time.
    function collectFees(address token, NodeId[] calldata coordinators) external;

    /// @notice What an owner has in the chain lane.
    /// @return balance To fund jobs with, or to withdraw, in base units of the token.
    /// @return fees Fees of the protocol that are booked there, in base units of the token.
    function accountOf(address owner, address token)
        external
        view
        returns (uint128 balance, uint128 fees);
}
