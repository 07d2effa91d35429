// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { IJobMainPath } from "../../../contracts/interfaces/IJobMainPath.sol";
import { IJobRecovery } from "../../../contracts/interfaces/IJobRecovery.sol";
import { JobState, JobTerms, Receipt as JobReceipt } from "../../../contracts/types/Job.sol";
import { Funding, JobRulesLibrary, Verification } from "../../../contracts/types/JobRules.sol";
import { Seat, SeatLibrary } from "../../../contracts/types/Seat.sol";
import { JobCase, RecoveryTest } from "../../base/RecoveryTest.sol";

/// @notice The job machine, row by row of `test/vectors/job-transitions.json`; the README beside it
/// says what rows mean.
contract Transitions is RecoveryTest {
    struct MachineCall {
        string name;
        string[] accepts;
    }

    struct MachineRow {
        string call;
        string state;
        string[] given;
        string at;
        string outcome;
    }

    uint256 private constant NONCE = 1_000_000;
    /// @dev Added to a nonce: the next job of the same slot.
    uint256 private constant SECOND = 1 << 232;
    uint8 private constant BEFORE = 1;
    uint8 private constant DEADLINE = 2;

    string private json;
    string[] private states;
    /// @dev The order, and the signature on it, behind the job of the present row.
    JobTerms private terms;
    uint256 private nonce;
    bytes private signature;

    function setUp() public override {
        super.setUp();
        json = vm.readFile("test/vectors/job-transitions.json");
        states = vm.parseJsonStringArray(json, ".states");
        for (uint256 i; i < workers.length; ++i) {
            giveBalance(workers[i].signer, 100e6);
        }
    }

    function test_NamesStatesInTheOrderOfTheirValues() public view {
        assertEq(states.length, uint8(type(JobState).max) + 1);
        string[8] memory expected = [
            "None", "Open", "Assigned", "Proposed", "Challenged", "Settled", "Refunded", "Closed"
        ];
        for (uint256 i; i < states.length; ++i) {
            assertEq(states[i], expected[i]);
        }
    }

    function test_HasEveryStateForEveryCallBeforeAndAtTheDeadline() public view {
        MachineCall[] memory calls = _calls();
        MachineRow[] memory rows = _rows();
        assertEq(calls.length, 16);
        for (uint256 c; c < calls.length; ++c) {
            for (uint8 s; s < states.length; ++s) {
                uint8 seen;
                for (uint256 i; i < rows.length; ++i) {
                    bool here =
                        _same(rows[i].call, calls[c].name) && _same(rows[i].state, states[s]);
                    if (here) seen |= _timesOf(rows[i]);
                }
                assertEq(seen, BEFORE | DEADLINE, string.concat(calls[c].name, states[s]));
            }
        }
    }

    function test_Create() public {
        _checkRowsOf("create");
    }

    function test_CreateFor() public {
        _checkRowsOf("createFor");
    }

    function test_VoidOrder() public {
        _checkRowsOf("voidOrder");
    }

    function test_Cancel() public {
        _checkRowsOf("cancel");
    }

    function test_Assign() public {
        _checkRowsOf("assign");
    }

    function test_Enlist() public {
        _checkRowsOf("enlist");
    }

    function test_Heartbeat() public {
        _checkRowsOf("heartbeat");
    }

    function test_Release() public {
        _checkRowsOf("release");
    }

    function test_TopUp() public {
        _checkRowsOf("topUp");
    }

    function test_Stop() public {
        _checkRowsOf("stop");
    }

    function test_Propose() public {
        _checkRowsOf("propose");
    }

    function test_Challenge() public {
        _checkRowsOf("challenge");
    }

    function test_Settle() public {
        _checkRowsOf("settle");
    }

    function test_Resolve() public {
        _checkRowsOf("resolve");
    }

    function test_Advance() public {
        _checkRowsOf("advance");
    }

    function test_Seize() public {
        _checkRowsOf("seize");
    }

    function _checkRowsOf(string memory call) private {
        MachineRow[] memory rows = _rows();
        bytes32 accepted = _acceptedBy(call);
        uint256 fresh = vm.snapshotState();
        for (uint256 i; i < rows.length; ++i) {
            if (!_same(rows[i].call, call)) continue;
            for (uint8 time = BEFORE; time <= DEADLINE; ++time) {
                if (_timesOf(rows[i]) & time == 0) continue;
                _checkRow(rows[i], time, accepted);
                vm.revertToState(fresh);
            }
        }
    }

    function _checkRow(MachineRow memory row, uint8 time, bytes32 accepted) private {
        JobCase memory c = _bring(row);
        uint40 deadline = deadlineOf(c.id);
        if (deadline != 0 && time == BEFORE && block.timestamp < deadline) passUntil(deadline - 1);
        if (deadline != 0 && time == DEADLINE && block.timestamp < deadline) passUntil(deadline);

        JobState before = stateOf(c.id);
        string memory where = string.concat(row.call, " in ", row.state, " -> ", row.outcome);
        assertEq(states[uint8(before)], row.state, where);
        (address caller, bytes memory data) = _callOf(c, row);
        vm.prank(caller);
        (bool done, bytes memory answer) = address(house.jobs).call(data);
        if (_isError(row.outcome)) {
            assertFalse(done, where);
            assertEq(bytes4(answer), _selectorOf(row.outcome), where);
            assertEq(uint8(stateOf(c.id)), uint8(before), where);
            if (_same(row.outcome, "JobManagerUnexpectedState")) {
                assertEq(
                    answer,
                    abi.encodeWithSelector(
                        IJobMachine.JobManagerUnexpectedState.selector, c.id, before, accepted
                    ),
                    where
                );
            }
        } else {
            assertTrue(done, where);
            assertEq(states[uint8(stateOf(c.id))], row.outcome, where);
        }
    }

    /// @dev A job in the state of the row, under its circumstances.
    function _bring(MachineRow memory row) private returns (JobCase memory c) {
        JobTerms memory order = _termsOf(row);
        terms = order;
        nonce = NONCE;
        signature = signatureOf(clientKey, house.jobs.orderDigest(client, NONCE, order));
        c.id = house.jobs.idOf(client, NONCE, order);
        c.job = jobOf(order);
        c.assignment = assignmentOf(3);
        if (_same(row.state, "None")) {
            // The first job of the slot; the row's order would be the second.
            if (_has(row, "slotBusy")) _bringToSecondPlace(c, order);
            return c;
        }

        create(NONCE, order);
        if (_same(row.state, "Open")) return c;
        if (_same(row.state, "Closed")) {
            cancel(c);
            create(NONCE + SECOND, order);
            return c;
        }
        if (_has(row, "neverAssigned")) {
            cancel(c);
            return c;
        }
        _bringToWork(c, row);
        if (_same(row.state, "Assigned")) return c;
        if (_same(row.state, "Refunded")) {
            if (_has(row, "convicted")) convict(c, 0);
            passUntil(c.job.rules.completeBy());
            advanceAs(stranger, c);
            return c;
        }
        _bringAResult(c, row);
    }

    function _bringToSecondPlace(JobCase memory c, JobTerms memory order) private {
        create(NONCE, order);
        nonce = NONCE + SECOND;
        signature = signatureOf(clientKey, house.jobs.orderDigest(client, nonce, order));
        c.id = house.jobs.idOf(client, nonce, order);
    }

    function _bringToWork(JobCase memory c, MachineRow memory row) private {
        uint256 count = c.job.price.ratePerSecond() == 0 ? 3 : 1;
        assignAgain(c, count);
        while (_has(row, "attemptsUsedUp") && attemptOf(c.id) < 3) {
            release(c);
            assignAgain(c, count);
        }
        if (_has(row, "stopped")) stop(c);
        if (_has(row, "completeByOver")) passUntil(c.job.rules.completeBy());
        if (_same(row.state, "Assigned") && _has(row, "convicted")) convict(c, 0);
    }

    function _bringAResult(JobCase memory c, MachineRow memory row) private {
        bool late = block.timestamp >= c.job.rules.completeBy();
        c.proposal = propose(c.id, c.job, c.assignment, 7);
        if (late) c.proposal.price = COST / 2;
        if (_has(row, "convicted")) convict(c, 0);
        if (_has(row, "quorumBroken")) {
            convict(c, 0);
            convict(c, 1);
        }
        if (_same(row.state, "Challenged")) challengeAs(client, c);
        if (_same(row.state, "Settled")) {
            pass(CHALLENGE_WINDOW);
            settleAs(stranger, c);
        }
    }

    function _termsOf(MachineRow memory row) private view returns (JobTerms memory) {
        if (_has(row, "paidByTime") || _has(row, "stopped")) return rateTerms();
        JobRulesLibrary.Fields memory rules = quorumRules();
        if (_has(row, "pullFails")) rules.funding = Funding.PullAtSettlement;
        if (_has(row, "attested")) rules.verification = Verification.Attested;
        return termsOf(rules);
    }

    /// @dev Who makes the call, and what it says.
    function _callOf(JobCase memory c, MachineRow memory row)
        private
        view
        returns (address, bytes memory)
    {
        string memory call = row.call;
        if (_same(call, "create")) {
            return (client, abi.encodeCall(IJobMainPath.create, (nonce, terms, "")));
        }
        if (_same(call, "createFor")) {
            return (
                stranger,
                abi.encodeCall(IJobMainPath.createFor, (client, nonce, terms, "", signature))
            );
        }
        if (_same(call, "voidOrder")) {
            return (client, abi.encodeCall(IJobRecovery.voidOrder, (nonce, terms)));
        }
        if (_same(call, "cancel")) {
            return (client, abi.encodeCall(IJobRecovery.cancel, (c.id, c.job)));
        }
        if (_same(call, "topUp")) {
            return (client, abi.encodeCall(IJobRecovery.topUp, (c.id, c.job, c.assignment, 1)));
        }
        if (_same(call, "stop")) {
            return (client, abi.encodeCall(IJobRecovery.stop, (c.id, c.job, c.assignment)));
        }
        if (_same(call, "challenge")) {
            return (
                client,
                abi.encodeCall(IJobRecovery.challenge, (c.id, c.job, c.assignment, c.proposal))
            );
        }
        return _callOfOthers(c, row);
    }

    function _callOfOthers(JobCase memory c, MachineRow memory row)
        private
        view
        returns (address, bytes memory)
    {
        string memory call = row.call;
        if (_same(call, "settle")) {
            return (
                stranger,
                abi.encodeCall(IJobMainPath.settle, (c.id, c.job, c.assignment, c.proposal))
            );
        }
        if (_same(call, "advance")) {
            return (
                stranger,
                abi.encodeCall(
                    IJobRecovery.advance, (c.id, c.job, c.assignment, c.proposal, c.challenger)
                )
            );
        }
        if (_same(call, "resolve")) {
            return (address(house.slashing), _resolve(c, _has(row, "upheld")));
        }
        if (_same(call, "seize")) {
            return (
                address(house.slashing),
                abi.encodeCall(IJobRecovery.seize, (c.id, c.job, c.assignment, restOf(c), 0))
            );
        }
        return (coordinator.signer, _callOfCoordinator(c, call));
    }

    function _callOfCoordinator(JobCase memory c, string memory call)
        private
        view
        returns (bytes memory)
    {
        if (_same(call, "assign")) {
            return abi.encodeCall(
                IJobMainPath.assign, (c.id, c.job, coordinator.id, c.assignment.nodes)
            );
        }
        if (_same(call, "enlist")) {
            Seat[] memory fourth = new Seat[](1);
            fourth[0] = SeatLibrary.seatOf(workers[3].id, workers[3].signer);
            return abi.encodeCall(IJobRecovery.enlist, (c.id, c.job, c.assignment, fourth));
        }
        if (_same(call, "heartbeat")) {
            return abi.encodeCall(IJobRecovery.heartbeat, (c.id, c.job, c.assignment));
        }
        if (_same(call, "release")) {
            return abi.encodeCall(IJobRecovery.release, (c.id, c.job, c.assignment));
        }
        assertEq(call, "propose");
        JobReceipt memory receipt = receiptOf(c.id, OUTPUT, COST, 7);
        return abi.encodeCall(IJobMainPath.propose, (c.id, c.job, c.assignment, receipt));
    }

    function _resolve(JobCase memory c, bool upheld) private pure returns (bytes memory) {
        return abi.encodeCall(
            IJobRecovery.resolve, (c.id, c.job, c.assignment, c.proposal, c.challenger, upheld, 0)
        );
    }

    function _acceptedBy(string memory call) private view returns (bytes32) {
        MachineCall[] memory calls = _calls();
        for (uint256 i; i < calls.length; ++i) {
            if (!_same(calls[i].name, call)) continue;
            uint256 bits;
            for (uint256 j; j < calls[i].accepts.length; ++j) {
                bits |= 1 << _valueOf(calls[i].accepts[j]);
            }
            return bytes32(bits);
        }
        revert(string.concat("unknown call ", call));
    }

    function _valueOf(string memory state) private view returns (uint256) {
        for (uint256 i; i < states.length; ++i) {
            if (_same(states[i], state)) return i;
        }
        revert(string.concat("unknown state ", state));
    }

    function _calls() private view returns (MachineCall[] memory) {
        return abi.decode(
            vm.parseJsonTypeArray(json, ".calls", "MachineCall(string name,string[] accepts)"),
            (MachineCall[])
        );
    }

    function _rows() private view returns (MachineRow[] memory) {
        return abi.decode(
            vm.parseJsonTypeArray(
                json,
                ".transitions",
                "MachineRow(string call,string state,string[] given,string at,string outcome)"
            ),
            (MachineRow[])
        );
    }

    function _timesOf(MachineRow memory row) private pure returns (uint8) {
        if (_same(row.at, "before")) return BEFORE;
        if (_same(row.at, "deadline")) return DEADLINE;
        assertEq(row.at, "any");
        return BEFORE | DEADLINE;
    }

    function _selectorOf(string memory error_) private pure returns (bytes4) {
        if (_same(error_, "JobManagerUnexpectedState")) {
            return IJobMachine.JobManagerUnexpectedState.selector;
        }
        if (_same(error_, "JobManagerTooLate")) return IJobMachine.JobManagerTooLate.selector;
        if (_same(error_, "JobManagerTooEarly")) return IJobMachine.JobManagerTooEarly.selector;
        if (_same(error_, "JobManagerNoQuorum")) return IJobMachine.JobManagerNoQuorum.selector;
        if (_same(error_, "JobManagerSlotBusy")) return IJobMachine.JobManagerSlotBusy.selector;
        if (_same(error_, "JobManagerWrongCommitment")) {
            return IJobMachine.JobManagerWrongCommitment.selector;
        }
        if (_same(error_, "JobManagerWrongPricing")) {
            return IJobMachine.JobManagerWrongPricing.selector;
        }
        if (_same(error_, "JobManagerInvalidSigners")) {
            return IJobMachine.JobManagerInvalidSigners.selector;
        }
        assertEq(error_, "JobManagerPullFailed");
        return IJobMachine.JobManagerPullFailed.selector;
    }

    function _isError(string memory outcome) private pure returns (bool) {
        bytes memory text = bytes(outcome);
        return text.length > 10 && bytes10(text) == bytes10("JobManager");
    }

    function _has(MachineRow memory row, string memory name) private pure returns (bool) {
        for (uint256 i; i < row.given.length; ++i) {
            if (_same(row.given[i], name)) return true;
        }
        return false;
    }

    function _same(string memory a, string memory b) private pure returns (bool) {
        return keccak256(bytes(a)) == keccak256(bytes(b));
    }
}
