// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Assignment, Job, JobState, JobTerms, Proposal } from "../../contracts/types/Job.sol";
import { JobId } from "../../contracts/types/JobId.sol";
import { JobParametersLibrary } from "../../contracts/types/JobParameters.sol";
import { Funding, JobRulesLibrary, Trust, Verification } from "../../contracts/types/JobRules.sol";
import { NodeId, accountOf } from "../../contracts/types/NodeId.sol";
import { Seat, SeatLibrary } from "../../contracts/types/Seat.sol";
import { StakeBook } from "./StakeBook.sol";

/// @title Job book
/// @notice The model of the job machine: where each job stands, what it holds, who is paid what.
abstract contract JobBook is StakeBook {
    struct GhostJob {
        JobId id;
        uint256 nonce;
        Job job;
        JobParametersLibrary.Fields fields;
        JobRulesLibrary.Fields rules;
        uint256 maxPrice;
        uint256 rate;
        uint256 tip;
        JobState state;
        uint8 attempt;
        uint40 deadline;
        uint16 seized;
        /// What the commitment holds: an assignment, and behind it a proposal.
        bool assigned;
        bool proposed;
        Assignment assignment;
        Proposal proposal;
        address challenger;
        uint256 held;
        uint256 bond;
        uint256 toppedUp;
        uint40 lastBeat;
        uint40 stoppedAt;
        uint256 lock;
        bool late;
    }

    GhostJob[] internal jobs;
    uint256[] internal live;
    uint256[] internal done;
    /// @dev The job that a client's slot holds, as its index and one.
    mapping(address client => mapping(uint256 key => uint256)) internal slots;

    function _isLive(uint256 i) internal view returns (bool) {
        JobState state = jobs[i].state;
        return state == JobState.Open || state == JobState.Assigned || state == JobState.Proposed
            || state == JobState.Challenged;
    }

    function _to(uint256 i, JobState state, uint40 deadline) internal {
        (jobs[i].state, jobs[i].deadline) = (state, deadline);
    }

    function _leaseEnd(uint256 i) internal view returns (uint40) {
        uint256 end = block.timestamp + jobs[i].fields.leaseSeconds;
        return uint40(_least(end, jobs[i].rules.completeBy));
    }

    function _bits(uint256 bitmap) internal pure returns (uint256 bits) {
        for (uint256 i; i < 16; ++i) {
            bits += bitmap >> i & 1;
        }
    }

    function _signed(uint256 i) internal view returns (uint256) {
        return _bits(jobs[i].proposal.signers & ~jobs[i].seized);
    }

    function _needed(uint256 i) internal view returns (uint256) {
        uint256 majority = jobs[i].assignment.nodes.length / 2 + 1;
        return majority > jobs[i].rules.quorum ? majority : jobs[i].rules.quorum;
    }

    function _isPulled(uint256 i) internal view returns (bool) {
        return jobs[i].rules.funding == Funding.PullAtSettlement;
    }

    function _predictPullOf(uint256 i, uint256 price) internal view returns (bytes4) {
        if (!_isPulled(i)) return FINE;
        return _predictPull(jobs[i].job.client, jobs[i].job.token, price + jobs[i].tip);
    }

    function _lockAll(uint256 i, Seat[] memory seats, bool withCoordinator) internal {
        GhostJob storage g = jobs[i];
        if (g.lock == 0) return;
        if (withCoordinator) pools[_indexOf(g.assignment.coordinator.node())].locked += g.lock;
        for (uint256 k; k < seats.length; ++k) {
            pools[_indexOf(seats[k].node())].locked += g.lock;
        }
    }

    function _unlockAll(uint256 i, uint16 except) internal {
        GhostJob storage g = jobs[i];
        if (g.lock == 0) return;
        pools[_indexOf(g.assignment.coordinator.node())].locked -= g.lock;
        for (uint256 k; k < g.assignment.nodes.length; ++k) {
            if (except >> k & 1 != 0) continue;
            pools[_indexOf(g.assignment.nodes[k].node())].locked -= g.lock;
        }
    }

    /// @dev Proposed or challenged work is paid. Who is paid what, once more and by itself.
    function _settleModel(uint256 i, address caller) internal {
        GhostJob storage g = jobs[i];
        _unlockAll(i, g.seized);
        _to(i, JobState.Settled, 0);
        _retire(i);
        uint256 price = g.proposal.price;
        uint256 purse = g.held;
        if (_isPulled(i)) {
            purse = price + g.tip;
            deposited[g.job.token] += purse;
            _saw("settled by pull");
        }
        g.held = 0;
        purse -= _payWorkers(i, price);
        uint256 own = price * g.fields.coordinatorPpm / 1e6;
        uint256 fee = price * g.fields.protocolPpm / 1e6;
        address account = accountOf(g.assignment.coordinator.node());
        _credit(account, g.job.token, own);
        fees[g.job.token][account] += fee;
        bool byCoordinator = caller == g.assignment.coordinator.signer();
        _credit(byCoordinator ? account : caller, g.job.token, g.tip);
        _credit(g.job.client, g.job.token, purse - own - fee - g.tip);
        _sawSettled(i);
    }

    /// @dev A proposed result stands at its deadline, unless convictions or the client's wallet say
    /// otherwise.
    function _concludeModel(uint256 i, address caller) internal {
        if (_signed(i) < _needed(i)) {
            _saw("quorum broken by conviction");
            _unlockAll(i, jobs[i].seized);
            return _lapseModel(i, address(0));
        }
        if (_predictPullOf(i, jobs[i].proposal.price) != FINE) {
            _saw("unpaid pull");
            _unlockAll(i, jobs[i].seized);
            return _refundModel(i, address(0));
        }
        _settleModel(i, caller);
    }

    function _lapseModel(uint256 i, address tipTo) internal {
        GhostJob storage g = jobs[i];
        if (
            g.attempt >= g.fields.maxAttempts || block.timestamp >= g.rules.completeBy
                || g.stoppedAt != 0
        ) {
            _saw(
                g.attempt >= g.fields.maxAttempts
                    ? bytes32("attempts used up")
                    : bytes32("time used up")
            );
            return _refundModel(i, tipTo);
        }
        _to(i, JobState.Open, _leaseEnd(i));
        (g.assigned, g.proposed, g.seized) = (false, false, 0);
        _saw("job reopened");
    }

    /// @dev Rule 5: everything that is held goes back, less the tip where an untaken job was
    /// closed.
    function _refundModel(uint256 i, address tipTo) internal {
        GhostJob storage g = jobs[i];
        _to(i, JobState.Refunded, 0);
        _retire(i);
        uint256 held = g.held;
        g.held = 0;
        if (tipTo != address(0) && held != 0) {
            _credit(tipTo, g.job.token, g.tip);
            held -= g.tip;
        }
        _credit(g.job.client, g.job.token, held);
        if (pausedJobs) _saw("refunded while paused");
        if (g.job.parameters.version() != version) _saw("refunded under old parameters");
    }

    /// @dev The lease ran out: the coordinator's lock pays a twentieth, half of it to who noticed.
    function _expireModel(uint256 i, address caller) internal {
        GhostJob storage g = jobs[i];
        _unlockAll(i, g.seized);
        _lapseModel(i, g.lock == 0 ? caller : address(0));
        if (g.lock == 0) return;
        uint256 node = _indexOf(g.assignment.coordinator.node());
        uint256 penalty = _shareUp(g.lock, 50_000);
        ghosts[node].guilt += penalty;
        uint256 taken = _take(node, penalty);
        _owe(address(house.token), caller, taken / 2);
        _retireRemainder(taken - taken / 2);
        _saw("coordinator stalled");
    }

    function _returnBond(uint256 i, address to) internal {
        _credit(to, jobs[i].job.token, jobs[i].bond);
        jobs[i].bond = 0;
    }

    /// @dev The account of the first signer that is not convicted; without one, the challenger.
    function _winnerOf(uint256 i) internal view returns (address) {
        GhostJob storage g = jobs[i];
        for (uint256 k; k < 16; ++k) {
            bool signed = (g.proposal.signers & ~g.seized) >> k & 1 != 0;
            if (signed) return _payee(g.assignment.nodes[k]);
        }
        return g.challenger;
    }

    function _payee(Seat seat) internal pure returns (address) {
        NodeId node = seat.node();
        return NodeId.unwrap(node) == 0 ? seat.signer() : accountOf(node);
    }

    function _termsOf(uint256 i) internal view returns (JobTerms memory) {
        GhostJob storage g = jobs[i];
        return JobTerms(_specificationOf(g.nonce), g.job.token, g.job.price, g.job.rules);
    }

    function _specificationOf(uint256 nonce) internal pure returns (bytes32) {
        return keccak256(abi.encode("specification", nonce));
    }

    /// @dev What a call takes of a job besides its terms, as the job's last event told it.
    function _papers(uint256 i)
        internal
        view
        returns (Job memory job, Assignment memory assignment, Proposal memory proposal)
    {
        GhostJob storage g = jobs[i];
        job = g.job;
        if (g.assigned) assignment = g.assignment;
        if (g.proposed) proposal = g.proposal;
    }

    function _restOf(uint256 i) internal view returns (bytes32) {
        GhostJob storage g = jobs[i];
        if (!g.proposed) return 0;
        return keccak256(
            abi.encode(g.proposal.outputRoot, g.proposal.price, g.proposal.signers, g.challenger)
        );
    }

    function _checkJob(uint256 i) internal view {
        GhostJob storage g = jobs[i];
        (JobState state, uint8 attempt, uint40 deadline, uint16 seized) = house.jobs.statusOf(g.id);
        assertEq(uint8(state), uint8(g.state), "state of a job");
        assertEq(attempt, g.attempt, "attempt of a job");
        assertEq(deadline, g.deadline, "deadline of a job");
        assertEq(seized, g.seized, "convicted nodes of a job");
        if (g.rate == 0) return;
        (uint128 toppedUp, uint40 lastBeat, uint40 stoppedAt) = house.jobs.meterOf(g.id);
        assertEq(toppedUp, g.toppedUp, "top-up of a job");
        assertEq(lastBeat, g.lastBeat, "last beat of a job");
        assertEq(stoppedAt, g.stoppedAt, "stop of a job");
    }

    /// @dev What live jobs hold of a token, and the bonds of open challenges.
    function _heldByJobs(address token) internal view returns (uint256 sum) {
        for (uint256 k; k < live.length; ++k) {
            GhostJob storage g = jobs[live[k]];
            if (g.job.token == token) sum += g.held + g.bond;
        }
    }

    /// @dev Locks of live jobs behind one node.
    function _locksOf(uint256 node) internal view returns (uint256 sum) {
        for (uint256 k; k < live.length; ++k) {
            GhostJob storage g = jobs[live[k]];
            if (g.lock == 0 || g.state == JobState.Open) continue;
            if (_indexOf(g.assignment.coordinator.node()) == node) sum += g.lock;
            for (uint256 n; n < g.assignment.nodes.length; ++n) {
                bool free = g.seized >> n & 1 != 0;
                if (!free && _indexOf(g.assignment.nodes[n].node()) == node) sum += g.lock;
            }
        }
    }

    function _retire(uint256 i) private {
        for (uint256 k; k < live.length; ++k) {
            if (live[k] != i) continue;
            live[k] = live[live.length - 1];
            live.pop();
            done.push(i);
            return;
        }
        revert("settled or refunded twice");
    }

    function _payWorkers(uint256 i, uint256 price) private returns (uint256 charged) {
        GhostJob storage g = jobs[i];
        uint256 paid = g.proposal.signers & ~g.seized;
        uint256 count = _bits(paid);
        if (count < g.rules.replicas) count = g.rules.replicas;
        uint256 first =
            price - price * g.fields.coordinatorPpm / 1e6 - price * g.fields.protocolPpm / 1e6;
        uint256 pool = count > 1 ? price * g.fields.secondariesPpm / 1e6 : 0;
        uint256 part = first - pool;
        for (uint256 k; k < g.assignment.nodes.length; ++k) {
            if (paid >> k & 1 == 0) continue;
            _credit(_payee(g.assignment.nodes[k]), g.job.token, part);
            charged += part;
            part = count > 1 ? pool / (count - 1) : 0;
        }
    }

    function _sawSettled(uint256 i) private {
        GhostJob storage g = jobs[i];
        if (pausedJobs) _saw("settled while paused");
        if (g.fields.version != version) _saw("settled under old parameters");
        if (!accepted[g.job.token]) _saw("settled in a refused token");
        if (g.attempt > 1) _saw("settled at a later attempt");
        if (g.rate != 0) _saw("paid by time");
        if (g.seized != 0) _saw("settled without the convicted");
        if (g.late) _saw("late settlement");
        if (g.rules.trust == Trust.Any) _saw("settled work of anybody");
        if (g.rules.verification == Verification.Attested) _saw("settled at the proposal");
        if (g.assignment.nodes.length > g.rules.replicas) _saw("settled with enlisted nodes");
    }
}
