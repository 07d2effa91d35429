// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Handler } from "./Handler.sol";

/// @title Sequence
/// @notice One long sequence of acts that never changes. Every step is a call of its own, with gas
/// of its own.
contract Sequence {
    /// @dev One of the seeds under which every situation occurs.
    uint256 private constant SEED = 7;

    Handler public immutable handler;

    bytes4[] private selectors;
    uint256 private steps;

    constructor() {
        handler = new Handler();
        handler.setUp();
        for (uint256 k; k < 12; ++k) {
            selectors.push(Handler.work.selector);
        }
        selectors.push(Handler.clientAct.selector);
        selectors.push(Handler.clientAct.selector);
        selectors.push(Handler.coordinatorAct.selector);
        selectors.push(Handler.anyoneAct.selector);
        selectors.push(Handler.timeAct.selector);
        selectors.push(Handler.clientAct.selector);
        selectors.push(Handler.coordinatorAct.selector);
        selectors.push(Handler.anyoneAct.selector);
        selectors.push(Handler.evidenceAct.selector);
        selectors.push(Handler.moneyAct.selector);
        selectors.push(Handler.moneyAct.selector);
        selectors.push(Handler.stakeAct.selector);
        selectors.push(Handler.stakeAct.selector);
        selectors.push(Handler.governanceAct.selector);
        selectors.push(Handler.thiefAct.selector);
        selectors.push(Handler.timeAct.selector);
        selectors.push(Handler.livenessAct.selector);
        selectors.push(Handler.abandonAct.selector);
        selectors.push(Handler.pausedAct.selector);
        selectors.push(Handler.lateAct.selector);
        selectors.push(Handler.strangerAct.selector);
        selectors.push(Handler.exitAct.selector);
        selectors.push(Handler.exitAct.selector);
    }

    /// @notice The next act, and every few acts every rule.
    function step() external {
        uint256 seed = uint256(keccak256(abi.encode(SEED, ++steps)));
        bytes4 selector = selectors[seed % selectors.length];
        (bool ok, bytes memory answer) =
            address(handler).call(abi.encodeWithSelector(selector, seed));
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(answer, 32), mload(answer))
            }
        }
        if (steps % 10 != 0) return;
        handler.checkMoney();
        handler.checkStake();
        handler.checkNodes();
        handler.checkLiveJobs();
        handler.checkParameters();
        if (steps % 100 == 0) handler.checkEndedJobs();
    }
}
