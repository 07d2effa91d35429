// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../contracts/interfaces/IJobMachine.sol";
import { INodeRegistry } from "../../contracts/interfaces/INodeRegistry.sol";
import {
    Assignment,
    Job,
    JobState,
    Proposal,
    Receipt as JobReceipt
} from "../../contracts/types/Job.sol";
import { Trust, Verification } from "../../contracts/types/JobRules.sol";
import { NodeId } from "../../contracts/types/NodeId.sol";
import { Seat } from "../../contracts/types/Seat.sol";
import { ClientActs } from "./ClientActs.sol";

/// @title Coordinator acts
/// @notice What holders of leases do: assign, enlist, vouch, release, propose.
abstract contract CoordinatorActs is ClientActs {
    function _assign(uint256 i) internal {
        _begin("assign");
        GhostJob storage g = jobs[i];
        uint256 node = _draw(FIRST_WORKER + 1);
        address by = nodes[node].signer;
        Seat[] memory seats = _drawSeats(i);
        bytes4 expected = _predictAssign(i, node, by, seats);
        bool insists = _chance(85);
        for (uint256 k; k < 6 && insists && expected != FINE; ++k) {
            node = _draw(FIRST_WORKER + 1);
            by = nodes[node].signer;
            seats = _drawSeats(i);
            expected = _predictAssign(i, node, by, seats);
        }
        if (!insists) {
            if (_chance(30)) node = FIRST_WORKER + 1 + _draw(6);
            by = _chance(50) ? thief : nodes[node].signer;
            expected = _predictAssign(i, node, by, seats);
        }
        if (expected == FINE) {
            g.assignment.startedAt = _now();
            g.assignment.coordinator = _seatOf(node);
            g.assignment.nodes = seats;
            g.assigned = true;
            ++g.attempt;
            _to(i, JobState.Assigned, _leaseEnd(i));
            if (g.rate != 0) g.lastBeat = _now();
            _lockAll(i, seats, true);
        }
        bytes memory data = abi.encodeCall(house.jobs.assign, (g.id, g.job, nodes[node].id, seats));
        _expect(by, address(house.jobs), data, expected);
    }

    function _enlist(uint256 i) internal {
        _begin("enlist");
        GhostJob storage g = jobs[i];
        address by = _holderOf(i);
        Seat[] memory seats = new Seat[](1);
        bool lone = g.rules.trust == Trust.Any && _chance(50);
        seats[0] = lone ? _loneSeat(_draw(loners.length)) : _seatOf(FIRST_WORKER + _draw(7));
        (Job memory job, Assignment memory assignment,) = _papers(i);
        uint256 old = _chance(45) ? _anyNodeOf(assignment) : 0;
        if (old != 0) seats[0] = _seatOf(old);
        bytes4 expected = _predictLeased(i, by);
        if (expected == FINE && _isAmong(seats[0], assignment.nodes)) {
            expected = IJobMachine.JobManagerInvalidNodes.selector;
            if (old != 0 && !_hasSigner(assignment, seats[0])) _saw("second seat refused");
        }
        if (expected == FINE) expected = _predictWorkers(seats, g.rules.trust);
        if (expected == FINE && g.lock != 0) expected = _predictLock(NODES, seats, g.lock);
        if (expected == FINE) {
            g.assignment.nodes.push(seats[0]);
            _lockAll(i, seats, false);
            _saw("enlisted");
        }
        bytes memory data = abi.encodeCall(house.jobs.enlist, (g.id, job, assignment, seats));
        _expect(by, address(house.jobs), data, expected);
    }

    function _heartbeat(uint256 i) internal {
        _begin("heartbeat");
        GhostJob storage g = jobs[i];
        address by = _holderOf(i);
        bytes4 expected = _predictLeased(i, by);
        if (expected == FINE && g.rate != 0 && g.stoppedAt != 0) {
            expected = IJobMachine.JobManagerTooLate.selector;
        }
        (Job memory job, Assignment memory assignment,) = _papers(i);
        if (expected == FINE) {
            if (g.rate != 0) g.lastBeat = _now();
            _to(i, JobState.Assigned, _leaseEnd(i));
        }
        bytes memory data = abi.encodeCall(house.jobs.heartbeat, (g.id, job, assignment));
        _expect(by, address(house.jobs), data, expected);
    }

    function _release(uint256 i) internal {
        _begin("release");
        GhostJob storage g = jobs[i];
        address by = _holderOf(i);
        bytes4 expected = _predictLeased(i, by);
        (Job memory job, Assignment memory assignment,) = _papers(i);
        if (expected == FINE) {
            _unlockAll(i, g.seized);
            _lapseModel(i, address(0));
        }
        bytes memory data = abi.encodeCall(house.jobs.release, (g.id, job, assignment));
        _expect(by, address(house.jobs), data, expected);
    }

    function _propose(uint256 i) internal {
        _begin("propose");
        GhostJob storage g = jobs[i];
        bool over = block.timestamp >= g.deadline;
        address by = _chance(over ? 60 : 10) ? settler : _holderOf(i);
        (Job memory job, Assignment memory assignment,) = _papers(i);
        (JobReceipt memory receipt, bytes4 flaw) = _drawReceipt(i);
        bytes4 expected = _predictOf(i, JobState.Assigned);
        if (expected == FINE && block.timestamp < g.deadline && by != _signerOf(i)) {
            expected = IJobMachine.JobManagerUnauthorized.selector;
        }
        if (expected == FINE) expected = _predictReceipt(i, receipt, flaw);
        if (expected == FINE) expected = _proposeModel(i, receipt, by);
        bytes memory data = abi.encodeCall(house.jobs.propose, (g.id, job, assignment, receipt));
        _expect(by, address(house.jobs), data, expected);
    }

    /// @dev The digest that nodes sign, by the book.
    function _claimDigest(uint256 i, uint256 attempt, bytes32 output, uint256 cost)
        internal
        view
        returns (bytes32)
    {
        bytes32 typehash = keccak256(
            "ReceiptClaim(bytes32 jobId,uint8 attempt,bytes32 outputRoot,uint128 cost)"
        );
        return _typed(keccak256(abi.encode(typehash, jobs[i].id, attempt, output, cost)));
    }

    function _isAmong(Seat seat, Seat[] memory seats) internal pure returns (bool) {
        for (uint256 k; k < seats.length; ++k) {
            if (seats[k].signer() == seat.signer()) return true;
            bool none = NodeId.unwrap(seat.node()) == 0;
            if (!none && seats[k].node() == seat.node()) return true;
        }
        return false;
    }

    /// @dev A registered worker of an assignment, or zero where none is.
    function _anyNodeOf(Assignment memory assignment) internal returns (uint256) {
        if (assignment.nodes.length == 0) return 0;
        NodeId node = assignment.nodes[_draw(assignment.nodes.length)].node();
        return NodeId.unwrap(node) == 0 ? 0 : _indexOf(node);
    }

    function _hasSigner(Assignment memory assignment, Seat seat) private pure returns (bool) {
        for (uint256 k; k < assignment.nodes.length; ++k) {
            if (assignment.nodes[k].signer() == seat.signer()) return true;
        }
        return false;
    }

    function _signerOf(uint256 i) internal view returns (address) {
        return jobs[i].assignment.coordinator.signer();
    }

    function _holderOf(uint256 i) private returns (address) {
        if (_chance(5)) return thief;
        return jobs[i].assigned ? _signerOf(i) : nodes[0].signer;
    }

    function _predictLeased(uint256 i, address by) private view returns (bytes4) {
        bytes4 expected = _predictOf(i, JobState.Assigned);
        if (expected != FINE) return expected;
        if (block.timestamp >= jobs[i].deadline) return IJobMachine.JobManagerTooLate.selector;
        return by == _signerOf(i) ? FINE : IJobMachine.JobManagerUnauthorized.selector;
    }

    function _drawSeats(uint256 i) private returns (Seat[] memory seats) {
        uint256 count = _chance(3) ? 0 : jobs[i].rules.replicas;
        uint256 first = _draw(7);
        bool loose = jobs[i].rules.trust == Trust.Any;
        bool picks = _chance(90);
        seats = new Seat[](count);
        uint256 node = first;
        for (uint256 k; k < count; ++k) {
            bool lone = k < loners.length && loose && _chance(60);
            if (lone) {
                seats[k] = _loneSeat(k);
                continue;
            }
            for (uint256 tries; tries < 6 && picks; ++tries) {
                GhostPool storage pool = pools[FIRST_WORKER + node % 7];
                bool rich = pool.stake >= pool.locked + jobs[i].lock;
                if (rich && _isFit(ghosts[FIRST_WORKER + node % 7], jobs[i].rules.trust)) break;
                ++node;
            }
            seats[k] = _seatOf(FIRST_WORKER + node++ % 7);
        }
        if (count > 1 && _chance(3)) seats[1] = seats[0];
        if (count > 0 && _chance(3)) seats[count - 1] = _loneSeat(0);
    }

    function _predictAssign(uint256 i, uint256 node, address by, Seat[] memory seats)
        internal
        view
        returns (bytes4 expected)
    {
        expected = _predictOf(i, JobState.Open);
        if (expected != FINE) return expected;
        if (block.timestamp >= jobs[i].deadline) return IJobMachine.JobManagerTooLate.selector;
        if (seats.length == 0) return IJobMachine.JobManagerInvalidNodes.selector;
        for (uint256 k = 1; k < seats.length; ++k) {
            for (uint256 n; n < k; ++n) {
                if (seats[n].signer() == seats[k].signer()) {
                    return IJobMachine.JobManagerInvalidNodes.selector;
                }
            }
        }
        GhostNode storage ghost = ghosts[node];
        bool fit = ghost.status == INodeRegistry.NodeStatus.Active && !ghost.frozen
            && ghost.roles & COORDINATOR != 0;
        if (!fit) return INodeRegistry.NodeRegistryUnfit.selector;
        if (by != nodes[node].signer) return INodeRegistry.NodeRegistryNotSigner.selector;
        expected = _predictWorkers(seats, jobs[i].rules.trust);
        if (expected != FINE || jobs[i].lock == 0) return expected;
        return _predictLock(node, seats, jobs[i].lock);
    }

    /// @dev A receipt, mostly a good one. A flaw is one that its numbers do not show.
    function _drawReceipt(uint256 i) private returns (JobReceipt memory receipt, bytes4 flaw) {
        GhostJob storage g = jobs[i];
        uint256 count = g.assigned ? g.assignment.nodes.length : 1;
        uint256 all = (1 << count) - 1;
        receipt.outputRoot = keccak256(abi.encode("output", _draw(2)));
        receipt.signers = uint16(all & ~g.seized);
        uint256 kind = _draw(20);
        if (g.stoppedAt != 0 && _chance(50)) kind = 7;
        if (kind < 4 && count > 1) receipt.signers &= ~uint16(1 << _draw(count));
        if (kind == 4) receipt.signers = uint16(all | 1 << count);
        if (kind == 5) receipt.signers = uint16(all);
        if (kind == 6) receipt.signers = uint16(1 << _draw(count));
        uint256 most = _mostOf(i);
        receipt.cost = uint128(kind < 7 ? _draw(most + 1) : kind == 7 ? most + 1 : most);
        uint256 attempt = kind == 8 ? g.attempt + 1 : g.attempt;
        uint256 cost = kind == 9 ? uint256(receipt.cost) + 1 : receipt.cost;
        if (kind == 8 || kind == 9) flaw = IJobMachine.JobManagerInvalidAttestation.selector;
        bytes32 digest = _claimDigest(i, attempt, receipt.outputRoot, cost);
        for (uint256 k; k < count && g.assigned; ++k) {
            if (receipt.signers >> k & 1 == 0) continue;
            uint256 key = keyOf[g.assignment.nodes[k].signer()];
            receipt.signatures = bytes.concat(receipt.signatures, signatureOf(key, digest));
        }
        if (kind == 10) {
            receipt.signatures = bytes.concat(receipt.signatures, new bytes(65));
            flaw = IJobMachine.JobManagerNoQuorum.selector;
        }
    }

    /// @dev What the work may cost: the price, or the time that the coordinator vouched for.
    function _mostOf(uint256 i) private view returns (uint256) {
        GhostJob storage g = jobs[i];
        if (g.rate == 0) return g.maxPrice;
        uint256 ran = g.lastBeat;
        if (g.stoppedAt != 0 && g.stoppedAt < ran) ran = g.stoppedAt;
        return _least((ran - g.assignment.startedAt) * g.rate, g.maxPrice + g.toppedUp);
    }

    function _predictReceipt(uint256 i, JobReceipt memory receipt, bytes4 flaw)
        private
        view
        returns (bytes4)
    {
        GhostJob storage g = jobs[i];
        if (receipt.cost > _mostOf(i)) return IJobMachine.JobManagerExcessiveCost.selector;
        uint256 members = (1 << g.assignment.nodes.length) - 1;
        if (receipt.signers & ~(members & ~g.seized) != 0) {
            return IJobMachine.JobManagerInvalidSigners.selector;
        }
        if (_bits(receipt.signers) < _needed(i)) return IJobMachine.JobManagerNoQuorum.selector;
        return flaw;
    }

    function _proposeModel(uint256 i, JobReceipt memory receipt, address by)
        private
        returns (bytes4)
    {
        GhostJob storage g = jobs[i];
        bool late = g.rate == 0 && block.timestamp >= g.rules.completeBy;
        uint256 price = late ? receipt.cost / 2 : receipt.cost;
        bool attested = g.rules.verification == Verification.Attested;
        if (attested && _predictPullOf(i, price) != FINE) {
            return IJobMachine.JobManagerPullFailed.selector;
        }
        if (late) _saw("late proposal");
        if (by == settler) _saw("proposed by a stranger");
        g.proposal = Proposal(receipt.outputRoot, uint128(price), receipt.signers);
        g.proposed = true;
        g.challenger = address(0);
        g.late = late;
        if (attested) _settleModel(i, by);
        else _to(i, JobState.Proposed, _now() + g.fields.challengeWindowSeconds);
        return FINE;
    }
}
