// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../contracts/interfaces/INodeRegistry.sol";
import { IStakingManager } from "../../contracts/interfaces/IStakingManager.sol";
import { Job, JobState } from "../../contracts/types/Job.sol";
import { Funding } from "../../contracts/types/JobRules.sol";
import { accountOf } from "../../contracts/types/NodeId.sol";
import { ThiefActs } from "./ThiefActs.sol";
import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Handler
/// @notice What the fuzzer calls. Each call draws one act from its seed, and the first ones draw it
/// so that jobs get on. Before every act at least two jobs are live.
contract Handler is ThiefActs {
    uint256 private constant PATRON_MONEY = 1e30;

    uint256 private clock;

    modifier lively(uint256 seed) {
        // A replay of a sequence does not bring time along.
        if (clock > block.timestamp) vm.warp(clock);
        _seed(seed);
        _keepTwoLive();
        _;
        clock = block.timestamp;
    }

    function setUp() public override {
        super.setUp();
        giveBalance(clients[0].at, uint128(PATRON_MONEY));
        _fundPatron(address(dollar), PATRON_MONEY);
        giveTally(clients[0].at, 1e26);
        vm.startPrank(clients[0].at);
        house.token.approve(address(house.payments), 1e26);
        house.payments.deposit(address(house.token), clients[0].at, 1e26);
        vm.stopPrank();
        _fundPatron(address(house.token), 1e26);
        for (uint256 i; i < 4; ++i) {
            dollar.mint(clients[i].at, 5000e6);
            giveTally(clients[i].at, 5000e18);
            giveBalance(clients[i].at, 2000e6);
            for (uint256 k; k < 2; ++k) {
                vm.prank(clients[i].at);
                IERC20(tokens[k]).approve(address(house.payments), 1e24);
            }
            free[address(dollar)][clients[i].at] += 2000e6;
            deposited[address(dollar)] += 2000e6;
        }
        for (uint256 i = FIRST_WORKER; i < SPARE; ++i) {
            giveBalance(nodes[i].signer, 2000e6);
            _know(nodes[i].signer);
            free[address(dollar)][nodes[i].signer] += 2000e6;
            deposited[address(dollar)] += 2000e6;
        }
        _keepTwoLive();
    }

    /// @notice The sensible next step of some live job.
    function work(uint256 seed) external lively(seed) {
        if (_chance(12)) return _heal();
        uint256 i = live[_draw(live.length)];
        JobState state = jobs[i].state;
        bool over = block.timestamp >= jobs[i].deadline;
        if (state == JobState.Open) over ? _advance(i) : _assign(i);
        else if (state == JobState.Assigned) _workAssigned(i, over);
        else if (state == JobState.Proposed) _workProposed(i, over);
        else over ? _advance(i) : _dispute(i);
    }

    /// @notice A client's act.
    function clientAct(uint256 seed) external lively(seed) {
        uint256 kind = _draw(12);
        if (kind < 4 && live.length < MOST_LIVE) _order();
        else if (kind < 5) _orderNonsense();
        else if (kind < 6) _orderAgain();
        else if (kind < 7) _voidOrder();
        else if (kind < 8) _cancel(_drawJob(JobState.Open));
        else if (kind < 9) _topUp(_drawTimed());
        else if (kind < 10) _stop(_drawTimed());
        else _challenge(_drawJob(JobState.Proposed));
    }

    /// @notice A coordinator's act, whether it fits the moment or not.
    function coordinatorAct(uint256 seed) external lively(seed) {
        uint256 kind = _draw(7);
        if (kind < 2) _assign(_drawJob(JobState.Open));
        else if (kind < 3) _enlistAfterRotation(_drawJob(JobState.Assigned));
        else if (kind < 4) _heartbeat(_drawTimed());
        else if (kind < 5) _release(_drawJob(JobState.Assigned));
        else _propose(_drawJob(JobState.Assigned));
    }

    /// @notice An act that anybody may do.
    function anyoneAct(uint256 seed) external lively(seed) {
        uint256 kind = _draw(6);
        if (kind < 2) _settle(_drawJob(JobState.Proposed));
        else if (kind < 3) _advance(_drawJob(JobState(1 + _draw(4))));
        else if (kind < 5) _forge(live[_draw(live.length)]);
        else _batch();
    }

    /// @notice Evidence, rulings and verdicts.
    function evidenceAct(uint256 seed) external lively(seed) {
        uint256 kind = _draw(8);
        if (kind < 2) _report(_drawJob(JobState(2 + _draw(3))));
        else if (kind < 3) _report(done.length == 0 ? live[0] : done[_draw(done.length)]);
        else _dispute(_drawJob(JobState.Challenged));
    }

    /// @notice Money outside of jobs.
    function moneyAct(uint256 seed) external lively(seed) {
        uint256 kind = _draw(11);
        if (kind == 0 || _chance(15)) _wallet();
        else if (kind == 1) _deposit();
        else if (kind == 2) _withdraw();
        else if (kind == 3) _fundLane();
        else if (kind == 4) _thawLane();
        else if (kind == 5) _releaseLane();
        else if (kind == 6) _fundAccount();
        else if (kind == 7) _withdrawAccount();
        else if (kind == 8) _withdrawNode();
        else if (kind == 9) _collectFees();
        else _donate();
    }

    /// @notice Stake, keys, jail.
    function stakeAct(uint256 seed) external lively(seed) {
        uint256 kind = _draw(16);
        if (kind < 2) _stakeAny();
        else if (kind < 4) _activateAny();
        else if (kind == 4) _cancelDeposit();
        else if (kind < 7) _requestUnstakeAny();
        else if (kind == 7) _cancelUnstake();
        else if (kind < 10) _withdrawStakeAny();
        else if (kind == 10) _reward();
        else if (kind == 11) _rotate(_draw(NODES));
        else if (kind == 12) _chance(30) ? _freeze() : _rotate(_draw(NODES));
        else if (kind == 13) _vet();
        else if (kind == 14) _leaveJail(_draw(NODES));
        else _chance(25) ? _retireSpare() : _heal();
    }

    /// @notice Parameters, tokens, pauses.
    function governanceAct(uint256 seed) external lively(seed) {
        uint256 kind = _draw(10);
        if (kind < 4) _setParameters();
        else if (kind < 7) _changeToken();
        else _pause();
    }

    /// @notice A call without right.
    function thiefAct(uint256 seed) external lively(seed) {
        _steal(_draw(THEFTS));
    }

    /// @notice Time passes: seconds, often to the very moment of a deadline, seldom a day.
    function timeAct(uint256 seed) external lively(seed) {
        uint256 kind = _draw(40);
        uint256 deadline = jobs[live[_draw(live.length)]].deadline;
        if (kind == 0) pass(1 days + _draw(20_000));
        else if (kind < 3) pass(1 hours);
        else if (kind < 10 && deadline > block.timestamp) passUntil(deadline);
        else if (kind < 14 && deadline > block.timestamp + 1) passUntil(deadline - 1);
        else pass(1 + _draw(12));
    }

    /// @notice Rule 3: from where it stands, a job reaches its end by `advance` alone, whatever
    /// coordinators do between. Nothing of it stays.
    function livenessAct(uint256 seed) external lively(seed) {
        uint256 snapshot = vm.snapshotState();
        _drive(live[_draw(live.length)], 70);
        assertTrue(vm.revertToState(snapshot));
        _saw("job driven to its end");
    }

    /// @notice Rule 5: a job without a result that nobody works on any more gives everything back,
    /// less the tip where nobody ever took it. Nothing of it stays.
    function abandonAct(uint256 seed) external lively(seed) {
        uint256 i = live[_draw(live.length)];
        if (jobs[i].state != JobState.Open && jobs[i].state != JobState.Assigned) return;
        uint256 snapshot = vm.snapshotState();
        (address owner, address token) = (jobs[i].job.client, jobs[i].job.token);
        uint256 held = jobs[i].held;
        (uint256 before,) = house.jobs.accountOf(owner, token);
        _drive(i, 0);
        (uint256 afterwards,) = house.jobs.accountOf(owner, token);
        assertEq(uint8(jobs[i].state), uint8(JobState.Refunded), "paid without a result");
        assertGe(afterwards - before + jobs[i].tip, held, "the client did not get all back");
        assertLe(afterwards - before, held, "the client got more than it paid");
        assertTrue(vm.revertToState(snapshot));
        _saw("job abandoned");
    }

    /// @notice Rule 6: with everything paused a job still reaches its end, and its client its
    /// money. Nothing of it stays.
    function pausedAct(uint256 seed) external lively(seed) {
        uint256 snapshot = vm.snapshotState();
        uint256 i = live[_draw(live.length)];
        _pauseAll();
        _drive(i, 70);
        (address owner, address token) = (jobs[i].job.client, jobs[i].job.token);
        (uint128 balance,) = house.jobs.accountOf(owner, token);
        uint256 wallet = IERC20(token).balanceOf(owner);
        vm.startPrank(owner);
        house.jobs.withdraw(token, balance);
        if (balance != 0) house.payments.withdraw(token, balance, owner);
        vm.stopPrank();
        assertEq(IERC20(token).balanceOf(owner) - wallet, balance, "money behind a pause");
        assertTrue(vm.revertToState(snapshot));
        _saw("job ended while all was paused");
    }

    /// @notice Rule 10: a month late, a job still reaches its end. Nothing of it stays.
    function lateAct(uint256 seed) external lively(seed) {
        uint256 snapshot = vm.snapshotState();
        uint256 i = live[_draw(live.length)];
        pass(30 days);
        _drive(i, 0);
        assertTrue(vm.revertToState(snapshot));
        _saw("job ended a month late");
    }

    /// @notice Rule 9: what a third party does before a settlement changes nothing for those
    /// concerned.
    function strangerAct(uint256 seed) external lively(seed) {
        uint256 i = live[_draw(live.length)];
        if (jobs[i].state == JobState.Open) return _donate();
        uint256 snapshot = vm.snapshotState();
        bytes32 alone = _outcomeOf(i);
        assertTrue(vm.revertToState(snapshot));
        snapshot = vm.snapshotState();
        _meddle(i);
        bytes32 meddled = _outcomeOf(i);
        assertTrue(vm.revertToState(snapshot));
        assertEq(meddled, alone, "a third party changed an outcome");
        _saw("outcome compared");
    }

    /// @notice Rule 4 at its edge: an operator leaves while a job locks its stake, with all that no
    /// lock needs or with more; then its node is convicted, for this job or for one that ended.
    /// Nothing of it stays.
    function exitAct(uint256 seed) external lively(seed) {
        uint256 i = live[_draw(live.length)];
        if (!jobs[i].assigned || jobs[i].lock == 0) return _requestUnstakeAny();
        uint256 index = _draw(jobs[i].assignment.nodes.length);
        if (jobs[i].seized >> index & 1 != 0) return;
        uint256 snapshot = vm.snapshotState();
        uint256[4] memory before = _edges();
        uint256 node = _indexOf(jobs[i].assignment.nodes[index].node());
        bool greedy = _chance(40);
        _leave(node, nodes[node].operator, greedy ? pools[node].stake : _surplusOf(node));
        _reportEnded(node);
        if (_isLive(i)) _report(i, index);
        _afterwards(node);
        uint256[4] memory afterwards = _edges();
        assertTrue(vm.revertToState(snapshot));
        for (uint256 k; k < 4; ++k) {
            if (afterwards[k] != before[k]) _saw(_edge(k));
        }
        _saw("operator left while locked");
    }

    /// @notice Rules 1, 3 and 5: the money of a token, account by account and in sum.
    function checkMoney() external view {
        for (uint256 k; k < 2; ++k) {
            uint256 accounts = _checkMoney(tokens[k]);
            assertEq(
                house.payments.chainLaneOf(tokens[k]),
                accounts + _heldByJobs(tokens[k]),
                "chain lane = accounts + jobs + bonds"
            );
        }
    }

    /// @notice Rule 4: locks are the live jobs', they have stake behind them, only the guilty lost
    /// stake.
    function checkStake() external view {
        _checkStake();
        for (uint256 i; i < NODES; ++i) {
            IStakingManager.Pool memory pool = house.staking.poolOf(nodes[i].id);
            assertEq(pool.locked, _locksOf(i), "locks = live jobs");
            assertGe(uint256(pool.stake) + pool.thawing, pool.locked, "locks without stake");
            assertLe(ghosts[i].lost, ghosts[i].guilt, "more slashed than locked");
        }
    }

    /// @notice Standing of nodes as the model has it.
    function checkNodes() external view {
        _checkNodes();
        _checkCommittee();
    }

    /// @notice Rules 2 and 3: live jobs stand where the model says, with a deadline; at least two
    /// of them, but for the moment after one ended.
    function checkLiveJobs() external view {
        for (uint256 k; k < live.length; ++k) {
            _checkJob(live[k]);
            assertNotEq(jobs[live[k]].deadline, 0, "a live job has no deadline");
        }
    }

    /// @notice Rule 2: nothing moves for a job that ended.
    function checkEndedJobs() external view {
        for (uint256 k; k < done.length; ++k) {
            _checkJob(done[k]);
            assertEq(jobs[done[k]].held, 0, "an ended job holds money");
            assertEq(jobs[done[k]].bond, 0, "an ended job holds a bond");
        }
    }

    /// @notice Rule 7: parameters of new jobs are those that governance set.
    function checkParameters() external view {
        assertEq(house.profile.currentVersion(), version, "version");
        for (uint256 k; k < 2; ++k) {
            uint24 adopted = house.jobs.parametersOf(tokens[k]).version();
            assertEq(house.payments.isAccepted(tokens[k]), accepted[tokens[k]], "accepted");
            assertEq(adopted == 0, !accepted[tokens[k]], "accepted by jobs");
        }
    }

    /// @dev Advances a job at each of its deadlines until it ends, and lets coordinators take it in
    /// between.
    function _drive(uint256 i, uint256 assignPercent) private {
        uint256 most = uint256(jobs[i].fields.maxAttempts) * 2 + 2;
        uint256 calls;
        for (; _isLive(i); ++calls) {
            assertLt(calls, most, "a job has no end");
            assertNotEq(jobs[i].deadline, 0, "a live job has no deadline");
            if (jobs[i].state == JobState.Open && _chance(assignPercent)) _assign(i);
            if (jobs[i].deadline > block.timestamp) passUntil(jobs[i].deadline);
            _advance(i);
        }
        _checkJob(i);
    }

    /// @dev A worker that rotated its signer is still the same node.
    function _enlistAfterRotation(uint256 i) private {
        uint256 node = _anyNodeOf(jobs[i].assignment);
        if (node != 0 && _chance(70)) _rotate(node);
        _enlist(i);
    }

    function _workAssigned(uint256 i, bool over) private {
        if (over) return _chance(50) ? _propose(i) : _advance(i);
        uint256 kind = _draw(10);
        if (jobs[i].rate != 0 && jobs[i].stoppedAt == 0 && _chance(15)) {
            pass(1 + _draw(5));
            _stop(i);
            _propose(i);
        } else if (kind < 6) {
            _propose(i);
        } else if (kind < 8 && jobs[i].rate != 0) {
            _heartbeat(i);
        } else if (kind < 9) {
            _enlist(i);
        } else {
            _report(i);
        }
    }

    function _workProposed(uint256 i, bool over) private {
        if (over) return _chance(70) ? _settle(i) : _advance(i);
        if (_chance(60)) _challenge(i);
        else if (_chance(60)) pass(jobs[i].deadline - block.timestamp);
        else _report(i);
    }

    function _dispute(uint256 i) private {
        uint256 kind = _draw(14);
        if (kind > 9) _rule(i);
        else if (kind < 4) _proposeRuling(i);
        else if (kind < 7) _executeRuling();
        else if (kind < 8) _deliverVerdict(i);
        else if (kind < 9) pass(parameters.slashing.committeeDelaySeconds);
        else _vetoRuling();
    }

    /// @dev The next step of an unwell node back to work: else the world would run dry.
    function _heal() private {
        uint256 first = _draw(SPARE);
        for (uint256 k; k < SPARE; ++k) {
            uint256 node = (first + k) % SPARE;
            GhostNode storage ghost = ghosts[node];
            bool jailed = ghost.status == INodeRegistry.NodeStatus.Jailed;
            if (jailed && block.timestamp >= ghost.jailedUntil) return _leaveJail(node);
            if (ghost.frozen) return _rotate(node);
            address operator = nodes[node].operator;
            uint256 pending = positions[node][operator].pending;
            bool poor = pools[node].stake < BOND / 2;
            if (pending == 0 && poor) return _stake(node, operator, BOND);
            bool idle = ghost.status == INodeRegistry.NodeStatus.Registered;
            if (pending != 0 || (idle && !poor)) return _activate(node, operator);
        }
    }

    /// @dev Situations at the edge of a pool, which would be forgotten with the snapshot.
    function _edge(uint256 k) private pure returns (bytes32) {
        if (k == 0) return "slash met other locks";
        if (k == 1) return "pool slashed to nothing";
        return
            k == 2 ? bytes32("withdrawal would bare locks") : bytes32("position of an ended epoch");
    }

    function _edges() private view returns (uint256[4] memory counts) {
        for (uint256 k; k < 4; ++k) {
            counts[k] = seen[_edge(k)];
        }
    }

    function _surplusOf(uint256 node) private view returns (uint256) {
        uint256 total = pools[node].stake + pools[node].thawing;
        return _least(pools[node].stake, total - pools[node].locked);
    }

    /// @dev Thaws this much stake of an operator, or all it has, and tries to withdraw it.
    function _leave(uint256 node, address operator, uint256 amount) private {
        GhostPool storage pool = pools[node];
        uint256 product = amount * (pool.shares + 1000);
        uint256 shares = (product + pool.stake) / (pool.stake + 1);
        _requestUnstake(node, operator, _least(shares, positions[node][operator].shares));
        pass(parameters.staking.thawSeconds);
        _withdrawStake(node, operator);
        _checkStake();
    }

    /// @dev Evidence from a job that ended, against a node whose stake backs other locks now.
    function _reportEnded(uint256 node) private {
        for (uint256 k = done.length; k != 0; --k) {
            GhostJob storage g = jobs[done[k - 1]];
            if (!g.assigned || g.lock == 0) continue;
            for (uint256 n; n < g.assignment.nodes.length; ++n) {
                bool same = _indexOf(g.assignment.nodes[n].node()) == node;
                if (same && g.seized >> n & 1 == 0) return _report(done[k - 1], n);
            }
        }
    }

    /// @dev New stake in a pool, and what old positions are worth in it.
    function _afterwards(uint256 node) private {
        address operator = nodes[node].operator;
        _stake(node, operator, BOND);
        pass(parameters.staking.minStakeSeconds);
        _activate(node, stakers[0]);
        if (!pausedStaking) _activate(node, operator);
        GhostPosition storage position = positions[node][operator];
        _requestUnstake(node, operator, position.shares);
        _checkStake();
    }

    function _drawTimed() private returns (uint256) {
        for (uint256 k; k < live.length; ++k) {
            if (jobs[live[k]].rate != 0 && jobs[live[k]].state == JobState.Assigned) {
                return live[k];
            }
        }
        return _drawJob(JobState.Assigned);
    }

    /// @dev Advances a job at its deadline and hashes what everyone concerned has afterwards.
    function _outcomeOf(uint256 i) private returns (bytes32 hash) {
        if (jobs[i].deadline > block.timestamp) passUntil(jobs[i].deadline);
        _begin("advance");
        (bytes memory data, bytes4 expected) = _advanceCall(i, settler);
        _expect(settler, address(house.jobs), data, expected);
        _checkDues();
        _checkJob(i);
        address token = jobs[i].job.token;
        hash = keccak256(abi.encode(jobs[i].state, _accountOf(jobs[i].job.client, token)));
        hash = keccak256(abi.encode(hash, _accountOf(settler, token)));
        for (uint256 node; node < NODES; ++node) {
            hash = keccak256(abi.encode(hash, _accountOf(accountOf(nodes[node].id), token)));
        }
    }

    function _accountOf(address owner, address token) private view returns (bytes memory) {
        (uint128 balance, uint128 fee) = house.jobs.accountOf(owner, token);
        return abi.encode(balance, fee);
    }

    /// @dev Deposits for others, donations, dust behind nodes, and an attempt to be first.
    function _meddle(uint256 i) private {
        _begin("meddle");
        address token = jobs[i].job.token;
        dollar.mint(thief, 3);
        giveTally(thief, 10);
        vm.startPrank(thief);
        dollar.transfer(address(house.payments), 1);
        house.token.transfer(address(house.staking), 1);
        house.token.transfer(address(house.payments), 1);
        house.token.approve(address(house.staking), 1);
        dollar.approve(address(house.payments), 1);
        house.token.approve(address(house.payments), 1);
        if (!pausedStaking) house.staking.stake(nodes[3].id, 1);
        if (accepted[token] && !pausedPayments) {
            house.payments.deposit(token, jobs[i].job.client, 1);
        }
        vm.stopPrank();
        if (block.timestamp >= jobs[i].deadline) return;
        (bytes memory data, bytes4 expected) = _advanceCall(i, thief);
        _expect(thief, address(house.jobs), data, expected);
    }

    function _fundPatron(address token, uint256 amount) private {
        deposited[token] += amount;
        balances[token][clients[0].at] += amount;
        vm.prank(clients[0].at);
        house.jobs.fund(token, uint128(amount));
    }
}
