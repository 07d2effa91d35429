// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Handler } from "./Handler.sol";
import { Test } from "forge-std/Test.sol";

/// @notice The rules of the job machine, after every call of random sequences. What a rule says of a single call is
/// checked by the handler at that call: it predicts each outcome, and the exact error of each refusal.
contract ChainLaneInvariants is Test {
    Handler private handler;

    function setUp() public {
        handler = new Handler();
        handler.setUp();
        bytes4[] memory selectors = new bytes4[](13);
        selectors[0] = Handler.work.selector;
        selectors[1] = Handler.clientAct.selector;
        selectors[2] = Handler.coordinatorAct.selector;
        selectors[3] = Handler.anyoneAct.selector;
        selectors[4] = Handler.evidenceAct.selector;
        selectors[5] = Handler.moneyAct.selector;
        selectors[6] = Handler.stakeAct.selector;
        selectors[7] = Handler.governanceAct.selector;
        selectors[8] = Handler.thiefAct.selector;
        selectors[9] = Handler.timeAct.selector;
        selectors[10] = Handler.livenessAct.selector;
        selectors[11] = Handler.strangerAct.selector;
        selectors[12] = Handler.exitAct.selector;
        targetContract(address(handler));
        targetSelector(FuzzSelector(address(handler), selectors));
    }

    /// @notice Rules 1, 5 and 10: every token is somebody's, exactly.
    function invariant_MoneyIsConserved() external view {
        handler.checkMoney();
    }

    /// @notice Rule 4: locks are those of live jobs, with stake behind them, and only the guilty lost stake.
    function invariant_SlashedIsAtMostLocked() external view {
        handler.checkStake();
        handler.checkNodes();
    }

    /// @notice Rules 2 and 3: each job stands where the model says; what ended rests, what lives has a deadline.
    function invariant_JobsFollowTheMachine() external view {
        handler.checkLiveJobs();
        handler.checkEndedJobs();
    }

    /// @notice Rule 7: governance reaches new jobs, and only them.
    function invariant_JobsKeepTheirParameters() external view {
        handler.checkParameters();
        handler.checkLiveJobs();
    }
}
