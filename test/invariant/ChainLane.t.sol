// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Handler } from "./Handler.sol";
import { Test } from "forge-std/Test.sol";

/// @notice The rules of the job machine, after every call of random sequences. What a rule says of
/// a single call is checked by the handler at that call: it predicts each outcome, and the exact
/// error of each refusal.
contract ChainLaneInvariants is Test {
    /// @dev No call of the chain lane, batches aside, may cost more.
    uint256 private constant GAS_CAP = 2_000_000;

    Handler private handler;

    function setUp() public {
        handler = new Handler();
        handler.setUp();
        bytes4[] memory selectors = new bytes4[](16);
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
        selectors[13] = Handler.abandonAct.selector;
        selectors[14] = Handler.pausedAct.selector;
        selectors[15] = Handler.lateAct.selector;
        targetContract(address(handler));
        targetSelector(FuzzSelector(address(handler), selectors));
    }

    /// @notice Deposits = balances + lanes + jobs + bonds + paid out, account by account, for every
    /// token.
    function invariant_01_MoneyIsConserved() external view {
        handler.checkMoney();
    }

    /// @notice Nothing moves for a job that ended.
    function invariant_02_AJobEndsOnce() external view {
        handler.checkEndedJobs();
    }

    /// @notice Every live job stands where the model says and has a deadline; `advance` brings any
    /// of them to its end.
    function invariant_03_EveryStateHasAWayOut() external {
        handler.checkLiveJobs();
        handler.livenessAct(handler.randomness());
    }

    /// @notice Locks are those of live jobs, with stake behind them; only the guilty lost stake, at
    /// most what was locked.
    function invariant_04_SlashedIsAtMostLocked() external view {
        handler.checkStake();
        handler.checkNodes();
    }

    /// @notice Without a result the client gets back what it paid.
    function invariant_05_NoResultIsRefunded() external {
        handler.abandonAct(handler.randomness());
    }

    /// @notice Settlement, refund, challenge and withdrawal go on while everything is paused.
    function invariant_06_APauseStopsNoExit() external {
        handler.pausedAct(handler.randomness());
    }

    /// @notice Governance reaches new jobs, and only them.
    function invariant_07_JobsKeepTheirParameters() external view {
        handler.checkParameters();
        handler.checkLiveJobs();
    }

    /// @notice No call grows with what strangers did.
    function invariant_08_NoCallIsUnbounded() external view {
        assertLe(handler.dearest(), GAS_CAP, "gas of a single call");
    }

    /// @notice Donations, deposits, dust and early calls of strangers change no outcome.
    function invariant_09_StrangersChangeNoOutcome() external {
        handler.strangerAct(handler.randomness());
    }

    /// @notice A job that everybody forgot for a month still ends.
    function invariant_10_LateIsNeverStuck() external {
        handler.lateAct(handler.randomness());
    }
}
