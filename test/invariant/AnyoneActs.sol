// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../contracts/interfaces/IJobMachine.sol";
import { Assignment, Job, JobState, Proposal } from "../../contracts/types/Job.sol";
import { JobId } from "../../contracts/types/JobId.sol";
import { JobParameters } from "../../contracts/types/JobParameters.sol";
import { JobPrice } from "../../contracts/types/JobPrice.sol";
import { JobRules } from "../../contracts/types/JobRules.sol";
import { Seat } from "../../contracts/types/Seat.sol";
import { CoordinatorActs } from "./CoordinatorActs.sol";

/// @title Anyone's acts
/// @notice What anybody may do: settle and advance, one by one and in batches; and try with papers
/// that are not the job's.
abstract contract AnyoneActs is CoordinatorActs {
    JobId private target;

    function _settle(uint256 i) internal {
        _begin("settle");
        address by = _drawSettler(i);
        (bytes memory data, bytes4 expected) = _settleCall(i, by);
        _expect(by, address(house.jobs), data, expected);
    }

    function _advance(uint256 i) internal {
        _begin("advance");
        address by = _drawSettler(i);
        (bytes memory data, bytes4 expected) = _advanceCall(i, by);
        _expect(by, address(house.jobs), data, expected);
        _checkDues();
    }

    /// @dev One transaction, several calls, some of them poison.
    function _batch() internal {
        _begin("batch");
        uint256 count = 1 + _draw(6);
        bytes[] memory calls = new bytes[](count);
        bool[] memory expected = new bool[](count);
        uint256 good;
        for (uint256 k; k < count; ++k) {
            (calls[k], expected[k]) = _drawItem();
            if (expected[k]) ++good;
        }
        if (good != 0 && good != count) _saw("poison item in a batch");
        bytes memory answer = _expect(
            settler, address(house.jobs), abi.encodeCall(house.jobs.batch, (calls)), FINE
        );
        assertEq(answer, abi.encode(expected), "outcomes of a batch");
        _checkDues();
    }

    /// @dev The job's papers with one field changed: the word does not commit to them.
    function _forge(uint256 i) internal {
        _begin("forge");
        (Job memory job, Assignment memory assignment, Proposal memory proposal) = _papers(i);
        address challenger = jobs[i].challenger;
        JobState state = jobs[i].state;
        uint256 fields = state == JobState.Open ? 5 : state == JobState.Assigned ? 9 : 13;
        uint256 field = _draw(fields);
        bool byId = _chance(12);
        target = byId ? _twinOf(i) : jobs[i].id;
        if (byId) _saw("papers of a twin");
        else if (field < 5) _forgeJob(job, field);
        else if (field < 9) _forgeAssignment(assignment, field);
        else if (field == 9) proposal.outputRoot ^= bytes32(uint256(1));
        else if (field == 10) proposal.price += 1;
        else if (field == 11) proposal.signers ^= 1;
        else challenger = challenger == thief ? settler : thief;
        bytes memory data =
            abi.encodeCall(house.jobs.advance, (target, job, assignment, proposal, challenger));
        bytes4 expected = IJobMachine.JobManagerWrongCommitment.selector;
        if (!_isLive(i)) {
            expected = IJobMachine.JobManagerUnexpectedState.selector;
        } else if (block.timestamp < jobs[i].deadline) {
            (data, expected) = _forgeEarly(i, field, job, assignment, proposal);
        }
        _expect(state == JobState.Open ? job.client : thief, address(house.jobs), data, expected);
    }

    function _settleCall(uint256 i, address by)
        internal
        returns (bytes memory data, bytes4 expected)
    {
        (Job memory job, Assignment memory assignment, Proposal memory proposal) = _papers(i);
        data = abi.encodeCall(house.jobs.settle, (jobs[i].id, job, assignment, proposal));
        expected = _predictSettle(i);
        if (expected == FINE) _settleModel(i, by);
    }

    function _advanceCall(uint256 i, address by)
        internal
        returns (bytes memory data, bytes4 expected)
    {
        (Job memory job, Assignment memory assignment, Proposal memory proposal) = _papers(i);
        address challenger = jobs[i].challenger;
        data = abi.encodeCall(
            house.jobs.advance, (jobs[i].id, job, assignment, proposal, challenger)
        );
        JobState state = jobs[i].state;
        if (!_isLive(i)) return (data, IJobMachine.JobManagerUnexpectedState.selector);
        if (block.timestamp < jobs[i].deadline) {
            return (data, IJobMachine.JobManagerTooEarly.selector);
        }
        if (state == JobState.Open) {
            _saw("open job closed");
            _refundModel(i, by);
        } else if (state == JobState.Assigned) {
            _expireModel(i, by);
        } else {
            if (state == JobState.Challenged) {
                _saw("challenge undecided");
                _returnBond(i, challenger);
            }
            _concludeModel(i, by);
        }
    }

    function _predictSettle(uint256 i) internal view returns (bytes4) {
        bytes4 expected = _predictOf(i, JobState.Proposed);
        if (expected != FINE) return expected;
        if (block.timestamp < jobs[i].deadline) return IJobMachine.JobManagerTooEarly.selector;
        if (_signed(i) < _needed(i)) return IJobMachine.JobManagerNoQuorum.selector;
        return _predictPullOf(i, jobs[i].proposal.price) == FINE
            ? FINE
            : IJobMachine.JobManagerPullFailed.selector;
    }

    function _drawJob(JobState state) internal returns (uint256) {
        // A batch may end the last live job before its own end.
        if (live.length == 0 || (done.length != 0 && _chance(4))) return done[_draw(done.length)];
        uint256 first = _draw(live.length);
        if (_chance(4)) return live[first];
        for (uint256 k; k < live.length; ++k) {
            uint256 i = live[(first + k) % live.length];
            if (jobs[i].state == state) return i;
        }
        return live[first];
    }

    function _drawSettler(uint256 i) private returns (address) {
        uint256 kind = _draw(4);
        if (kind == 0 && jobs[i].assigned) return _signerOf(i);
        return kind == 1 ? clients[1].at : settler;
    }

    function _drawItem() private returns (bytes memory data, bool fine) {
        uint256 kind = _draw(8);
        if (kind == 0) return (hex"deadbeef", false);
        if (kind == 1) {
            return (abi.encodeCall(house.jobs.withdraw, (tokens[0], type(uint128).max)), false);
        }
        bytes4 expected;
        if (kind < 5) {
            (data, expected) = _settleCall(_drawJob(JobState.Proposed), settler);
        } else {
            (data, expected) = _advanceCall(_drawJob(JobState(1 + _draw(4))), settler);
        }
        fine = expected == FINE;
    }

    /// @dev The deadline is not over: other calls read papers as well.
    function _forgeEarly(
        uint256 i,
        uint256 field,
        Job memory job,
        Assignment memory assignment,
        Proposal memory proposal
    ) private view returns (bytes memory data, bytes4 expected) {
        expected = IJobMachine.JobManagerWrongCommitment.selector;
        if (jobs[i].state == JobState.Open) {
            data = abi.encodeCall(house.jobs.cancel, (target, job));
        } else if (jobs[i].state == JobState.Assigned) {
            data = abi.encodeCall(house.jobs.release, (target, job, assignment));
        } else if (jobs[i].state == JobState.Proposed && field < 12) {
            data = abi.encodeCall(house.jobs.challenge, (target, job, assignment, proposal));
        } else {
            data = abi.encodeCall(
                house.jobs.advance, (target, job, assignment, proposal, address(0))
            );
            expected = IJobMachine.JobManagerTooEarly.selector;
        }
    }

    /// @dev The id of another order in the same slot, as if two hashes met.
    function _twinOf(uint256 i) private view returns (JobId) {
        return JobId.wrap(JobId.unwrap(jobs[i].id) ^ bytes32(uint256(1) << 200));
    }

    function _forgeJob(Job memory job, uint256 field) private view {
        if (field == 0) {
            job.client = thief;
        } else if (field == 1) {
            job.token = job.token == tokens[0] ? tokens[1] : tokens[0];
        } else if (field == 2) {
            job.price = JobPrice.wrap(JobPrice.unwrap(job.price) ^ 1);
        } else if (field == 3) {
            job.rules = JobRules.wrap(JobRules.unwrap(job.rules) ^ (1 << 120));
        } else {
            job.parameters = JobParameters.wrap(JobParameters.unwrap(job.parameters) ^ (1 << 24));
        }
    }

    function _forgeAssignment(Assignment memory assignment, uint256 field) private view {
        if (field == 5) assignment.startedAt += 1;
        else if (field == 6) assignment.coordinator = _loneSeat(0);
        else if (field == 7) assignment.nodes[0] = _seatOf(SPARE);
        else assignment.nodes = new Seat[](0);
    }
}
