// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../contracts/interfaces/IJobMachine.sol";
import { ISlashingManager } from "../../contracts/interfaces/ISlashingManager.sol";
import { Assignment, Job, JobState, Proposal } from "../../contracts/types/Job.sol";
import { NodeId } from "../../contracts/types/NodeId.sol";
import { Seat } from "../../contracts/types/Seat.sol";
import { AnyoneActs } from "./AnyoneActs.sol";

/// @title Evidence acts
/// @notice Equivocators and who reports them, the committee, governance's veto, the jury.
abstract contract EvidenceActs is AnyoneActs {
    uint256 private constant NEVER = type(uint40).max;

    struct GhostRuling {
        bytes32 id;
        uint256 job;
        bytes data;
        uint256 from;
    }

    GhostRuling[] private rulings;
    uint256 private committeeEpoch;
    uint256 private slashedInEpoch;

    function _report(uint256 i) internal {
        GhostJob storage g = jobs[i];
        uint256 index = g.assigned ? _draw(g.assignment.nodes.length) : 0;
        if (_chance(4)) index = 16 + _draw(250);
        _report(i, index);
    }

    function _report(uint256 i, uint256 index) internal {
        _begin("reportEquivocation");
        GhostJob storage g = jobs[i];
        Seat seat;
        if (g.assigned && index < g.assignment.nodes.length) seat = g.assignment.nodes[index];
        address by = _chance(15) && NodeId.unwrap(seat.node()) != 0
            ? nodes[_indexOf(seat.node())].operator
            : settler;
        (ISlashingManager.SignedClaim[2] memory claims, bytes4 flaw) = _drawClaims(i, seat);
        bytes32 rest = _chance(5) ? bytes32(uint256(1)) : _restOf(i);
        bytes memory data = _reportCall(i, rest, index, claims);
        bytes4 expected = claims[0].outputRoot == claims[1].outputRoot
            ? ISlashingManager.SlashingManagerSameOutput.selector
            : _predictSeize(i, rest, index);
        if (expected == FINE) expected = flaw;
        if (expected == FINE) _seizeModel(i, index, by);
        _expect(by, address(house.slashing), data, expected);
        _checkDues();
    }

    /// @dev A ruling on a job as it stands, upheld or with some of the signers as liars.
    function _drawRuling(uint256 i, uint256 upheldPercent)
        private
        returns (ISlashingManager.Ruling memory ruling)
    {
        (ruling.job, ruling.assignment, ruling.proposal) = _papers(i);
        (ruling.id, ruling.challenger) = (jobs[i].id, jobs[i].challenger);
        ruling.upheld = _chance(upheldPercent);
        if (!ruling.upheld) ruling.liars = uint16(_draw(16)) & ruling.proposal.signers;
    }

    function _proposeRuling(uint256 i) internal {
        _begin("proposeRuling");
        ISlashingManager.Ruling memory ruling = _drawRuling(i, 35);
        if (_chance(6)) ruling.liars |= 1 << 15;
        bytes32 id = keccak256(abi.encode(ruling));
        bytes4 expected;
        if (ruling.liars >> 15 != 0) {
            expected = ISlashingManager.SlashingManagerInvalidLiars.selector;
        } else if (_fromOf(id) != 0) {
            expected = ISlashingManager.SlashingManagerRulingExists.selector;
        }
        if (expected == FINE) {
            uint256 from = block.timestamp + parameters.slashing.committeeDelaySeconds;
            for (uint256 k; k < rulings.length; ++k) {
                if (rulings[k].id == id) delete rulings[k];
            }
            rulings.push(GhostRuling(id, i, abi.encode(ruling), from));
        }
        bytes memory data = abi.encodeCall(house.slashing.proposeRuling, (ruling));
        _expect(committee, address(house.slashing), data, expected);
    }

    function _vetoRuling() internal {
        _begin("vetoRuling");
        bytes32 id = bytes32(uint256(1));
        bytes4 expected = ISlashingManager.SlashingManagerUnknownRuling.selector;
        if (rulings.length != 0 && _chance(80)) {
            GhostRuling storage ruling = rulings[_draw(rulings.length)];
            id = ruling.id;
            if (ruling.from != 0 && ruling.from != NEVER) {
                ruling.from = NEVER;
                expected = FINE;
                _saw("ruling vetoed");
            }
        }
        bytes memory data = abi.encodeCall(house.slashing.vetoRuling, (id));
        _expect(address(house.timelock), address(house.slashing), data, expected);
    }

    /// @dev A ruling from proposal to execution, where the clock lets it.
    function _rule(uint256 i) internal {
        uint256 before = rulings.length;
        _proposeRuling(i);
        if (rulings.length == before) return;
        pass(parameters.slashing.committeeDelaySeconds);
        _executeRuling(0);
    }

    function _executeRuling() internal {
        if (rulings.length == 0) return;
        _executeRuling(_draw(_least(rulings.length, 4)));
    }

    function _executeRuling(uint256 back) internal {
        _begin("executeRuling");
        GhostRuling storage kept = rulings[rulings.length - 1 - back];
        if (kept.id == 0) return;
        ISlashingManager.Ruling memory ruling = abi.decode(kept.data, (ISlashingManager.Ruling));
        bytes4 expected;
        if (kept.from == 0 || kept.from == NEVER) {
            expected = ISlashingManager.SlashingManagerUnknownRuling.selector;
        } else if (block.timestamp < kept.from) {
            expected = ISlashingManager.SlashingManagerNotYet.selector;
        } else {
            expected = _predictResolve(kept.job, ruling);
        }
        if (expected == FINE) {
            kept.from = 0;
            _executeModel(kept.job, ruling);
        }
        bytes memory data = abi.encodeCall(house.slashing.executeRuling, (ruling));
        _expect(settler, address(house.slashing), data, expected);
        _checkDues();
        _checkCommittee();
    }

    function _deliverVerdict(uint256 i) internal {
        _begin("deliverVerdict");
        ISlashingManager.Ruling memory ruling = _drawRuling(i, 50);
        bytes4 expected = parameters.slashing.jury == jury
            ? _predictResolve(i, ruling)
            : ISlashingManager.SlashingManagerNotJury.selector;
        if (expected == FINE) {
            _saw("verdict of a jury");
            _deliverModel(i, ruling, type(uint128).max);
        }
        bytes memory data = abi.encodeCall(house.slashing.deliverVerdict, (ruling));
        _expect(jury, address(house.slashing), data, expected);
        _checkDues();
    }

    function _checkCommittee() internal view {
        uint256 epoch = block.timestamp / parameters.slashing.committeeEpochSeconds;
        bool running = committeeEpoch == epoch;
        assertEq(
            house.slashing.committeeSlashed(), running ? slashedInEpoch : 0, "committee slashed"
        );
    }

    function _fromOf(bytes32 id) private view returns (uint256 from) {
        for (uint256 k; k < rulings.length; ++k) {
            if (rulings[k].id == id && rulings[k].from != 0) from = rulings[k].from;
        }
    }

    function _drawClaims(uint256 i, Seat seat)
        private
        returns (ISlashingManager.SignedClaim[2] memory claims, bytes4 flaw)
    {
        uint256 kind = _draw(12);
        for (uint256 k; k < 2; ++k) {
            claims[k].outputRoot = keccak256(abi.encode("output", kind == 0 ? 0 : k));
            claims[k].cost = uint128(1 + k);
            uint256 attempt = jobs[i].attempt;
            uint256 key = keyOf[seat.signer()];
            if (key == 0 || (kind == 1 && k == 1)) key = clients[0].key;
            if (kind == 2 && k == 0) ++attempt;
            bytes32 digest = _claimDigest(i, attempt, claims[k].outputRoot, claims[k].cost);
            claims[k].signature = signatureOf(key, digest);
            if (kind == 3 && k == 0) claims[k].cost += 5;
        }
        if (kind > 0 && kind < 4) flaw = ISlashingManager.SlashingManagerNotSignedBy.selector;
    }

    function _reportCall(
        uint256 i,
        bytes32 rest,
        uint256 index,
        ISlashingManager.SignedClaim[2] memory claims
    ) private view returns (bytes memory) {
        (Job memory job, Assignment memory assignment,) = _papers(i);
        return abi.encodeCall(
            house.slashing.reportEquivocation,
            (jobs[i].id, job, assignment, rest, index, claims[0], claims[1])
        );
    }

    function _predictSeize(uint256 i, bytes32 rest, uint256 index) private view returns (bytes4) {
        GhostJob storage g = jobs[i];
        if (g.state == JobState.Closed) return IJobMachine.JobManagerUnexpectedState.selector;
        if (!g.assigned || rest != _restOf(i)) {
            return IJobMachine.JobManagerWrongCommitment.selector;
        }
        bool open = index < g.assignment.nodes.length && g.seized >> index & 1 == 0;
        return open ? FINE : IJobMachine.JobManagerInvalidSigners.selector;
    }

    function _seizeModel(uint256 i, uint256 index, address by) private {
        GhostJob storage g = jobs[i];
        g.seized |= uint16(1 << index);
        bool held = _isLive(i);
        _saw(held ? bytes32("equivocation while live") : bytes32("equivocation afterwards"));
        NodeId node = g.assignment.nodes[index].node();
        _convict(node, g.job.client, g.lock, held ? g.lock : 0, by);
    }

    function _predictResolve(uint256 i, ISlashingManager.Ruling memory ruling)
        private
        view
        returns (bytes4)
    {
        GhostJob storage g = jobs[i];
        bytes4 expected = _predictOf(i, JobState.Challenged);
        if (expected != FINE) return expected;
        (Job memory job, Assignment memory assignment, Proposal memory proposal) = _papers(i);
        bytes32 now_ = keccak256(abi.encode(job, assignment, proposal, g.challenger));
        bytes32 then = keccak256(
            abi.encode(ruling.job, ruling.assignment, ruling.proposal, ruling.challenger)
        );
        if (now_ != then) return IJobMachine.JobManagerWrongCommitment.selector;
        return FINE;
    }

    function _executeModel(uint256 i, ISlashingManager.Ruling memory ruling) private {
        uint256 epoch = block.timestamp / parameters.slashing.committeeEpochSeconds;
        if (epoch != committeeEpoch) (committeeEpoch, slashedInEpoch) = (epoch, 0);
        uint256 cap = parameters.slashing.committeeCap;
        uint256 left = cap > slashedInEpoch ? cap - slashedInEpoch : 0;
        slashedInEpoch += _deliverModel(i, ruling, left);
    }

    function _deliverModel(uint256 i, ISlashingManager.Ruling memory ruling, uint256 left)
        private
        returns (uint256 taken)
    {
        GhostJob storage g = jobs[i];
        if (ruling.upheld) {
            _saw("challenge lost");
            _returnBond(i, _winnerOf(i));
            // Nobody sent a settlement: the coordinator has the tip.
            _concludeModel(i, _signerOf(i));
            return 0;
        }
        _saw(ruling.liars == 0 ? bytes32("overturned without liars") : bytes32("liars convicted"));
        _returnBond(i, g.challenger);
        if (ruling.liars & g.seized != 0) _saw("liar convicted before");
        uint16 liars = ruling.liars & ~g.seized;
        Seat[] memory seats = g.assignment.nodes;
        _unlockAll(i, g.seized | liars);
        g.seized |= liars;
        _lapseModel(i, address(0));
        for (uint256 k; k < seats.length; ++k) {
            if (liars >> k & 1 == 0) continue;
            uint256 amount = _least(g.lock, left - taken);
            if (amount < g.lock) _saw("ruling capped");
            taken += _convict(seats[k].node(), g.job.client, amount, g.lock, ruling.challenger);
        }
    }
}
