// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../contracts/interfaces/IJobMachine.sol";
import { Assignment, Job, JobState, JobTerms, Proposal } from "../../contracts/types/Job.sol";
import { JobId } from "../../contracts/types/JobId.sol";
import { JobParametersLibrary } from "../../contracts/types/JobParameters.sol";
import { JobPrice, JobPriceLibrary } from "../../contracts/types/JobPrice.sol";
import {
    Funding,
    JobRules,
    JobRulesLibrary,
    Trust,
    Verification
} from "../../contracts/types/JobRules.sol";
import { Seat } from "../../contracts/types/Seat.sol";
import { JobBook } from "./JobBook.sol";
import {
    PausableUpgradeable
} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";

/// @title Client acts
/// @notice What clients do: order, void, cancel, top up, stop, challenge.
abstract contract ClientActs is JobBook {
    uint256 internal constant MOST_LIVE = 7;

    uint256 private nonces;

    /// @dev Two jobs are live before every act: with one, a sum that is too small can hide.
    function _keepTwoLive() internal {
        if (live.length >= 2) return;
        if (pausedJobs) {
            _begin("unpause for new jobs");
            pausedJobs = false;
            _expect(pauser, address(house.jobs), abi.encodeWithSignature("unpause()"), FINE);
        }
        while (live.length < 2) {
            _begin("create for the patron");
            uint256 i = _draft(0, accepted[tokens[0]] ? tokens[0] : tokens[1], Funding.Balance);
            _create(i, jobs[i].job.client, false);
        }
    }

    function _order() internal {
        Funding funding = Funding(_draw(3));
        uint256 i = _draft(_draw(clients.length), _anyToken(), funding);
        if (_chance(35)) {
            _begin("createFor");
            return _create(i, settler, true);
        }
        _begin("create");
        _create(i, jobs[i].job.client, false);
    }

    function _orderAgain() internal {
        _begin("create again");
        uint256 i = _draw(jobs.length);
        JobTerms memory terms = _termsOf(i);
        bytes4 expected = IJobMachine.JobManagerUnexpectedState.selector;
        bytes memory data = abi.encodeCall(house.jobs.create, (jobs[i].nonce, terms, ""));
        if (_chance(30)) {
            _begin("void again");
            data = abi.encodeCall(house.jobs.voidOrder, (jobs[i].nonce, terms));
        }
        _expect(jobs[i].job.client, address(house.jobs), data, expected);
    }

    function _voidOrder() internal {
        _begin("voidOrder");
        uint256 i = _draft(_draw(clients.length), _anyToken(), Funding.Balance);
        bytes memory data = abi.encodeCall(house.jobs.voidOrder, (jobs[i].nonce, _termsOf(i)));
        address by = jobs[i].job.client;
        bytes4 expected = _predictSlot(i);
        _expect(by, address(house.jobs), data, expected);
        if (expected != FINE) return jobs.pop();
        _occupy(i);
        jobs[i].state = JobState.Refunded;
        done.push(i);
        _saw("order voided");
    }

    /// @dev Terms that no honest party could meet.
    function _orderNonsense() internal {
        _begin("create nonsense");
        uint256 i = _draft(_draw(clients.length), _anyToken(), Funding.Balance);
        JobTerms memory terms = _termsOf(i);
        JobRulesLibrary.Fields memory rules = jobs[i].rules;
        bytes4 expected = IJobMachine.JobManagerInvalidTerm.selector;
        uint256 kind = _draw(12);
        if (kind == 0) rules.replicas = 17;
        else if (kind == 1) rules.quorum = rules.replicas / 2;
        else if (kind == 2) rules.quorum = rules.replicas + 1;
        else if (kind == 3) rules.assignBy = _now();
        else if (kind == 4) rules.completeBy = rules.assignBy;
        else if (kind == 5) rules.completeBy = _now() + parameters.maxJobSeconds + 1;
        else if (kind == 6) (rules.replicas, rules.quorum) = (0, 0);
        else if (kind == 7) rules.funding = Funding.PullAtSettlement;
        else if (kind == 8) rules.parametersVersion += 1;
        terms.rules = JobRulesLibrary.pack(rules);
        uint96 price = uint96(jobs[i].maxPrice);
        if (kind == 7) terms.price = JobPriceLibrary.pack(price, 1, 0);
        else if (kind == 9) terms.price = JobPriceLibrary.pack(0, 0, 1);
        else if (kind == 10) terms.specification = 0;
        else if (kind == 11) terms.rules = JobRules.wrap(JobRules.unwrap(terms.rules) | 1 << 208);
        if (kind == 8 || !accepted[terms.token]) {
            expected = IJobMachine.JobManagerStaleParameters.selector;
        }
        if (pausedJobs) expected = PausableUpgradeable.EnforcedPause.selector;
        if (_predictSlot(i) != FINE) expected = _predictSlot(i);
        address by = jobs[i].job.client;
        bytes memory data = abi.encodeCall(house.jobs.create, (jobs[i].nonce, terms, ""));
        jobs.pop();
        _expect(by, address(house.jobs), data, expected);
    }

    function _predictOf(uint256 i, JobState state) internal view returns (bytes4) {
        return jobs[i].state == state ? FINE : IJobMachine.JobManagerUnexpectedState.selector;
    }

    function _cancel(uint256 i) internal {
        _begin("cancel");
        address by = _chance(90) ? jobs[i].job.client : thief;
        (Job memory job,,) = _papers(i);
        bytes4 expected = _predictOf(i, JobState.Open);
        if (expected == FINE && by != job.client) {
            expected = IJobMachine.JobManagerUnauthorized.selector;
        }
        if (expected == FINE) {
            if (jobs[i].attempt != 0) _saw("cancelled between attempts");
            _refundModel(i, address(0));
        }
        _expect(
            by, address(house.jobs), abi.encodeCall(house.jobs.cancel, (jobs[i].id, job)), expected
        );
    }

    function _topUp(uint256 i) internal {
        _begin("topUp");
        GhostJob storage g = jobs[i];
        address by = _chance(90) ? g.job.client : thief;
        uint128 amount = uint128(_draw(g.maxPrice));
        bytes4 expected = _predictMeter(i, by);
        if (expected == FINE) {
            expected = _predictHold(g.job.client, g.job.token, amount, g.rules.funding);
        }
        if (expected == FINE) {
            _hold(g.job.client, g.job.token, amount);
            g.toppedUp += amount;
            g.held += amount;
            _saw("topped up");
        }
        (Job memory job, Assignment memory assignment,) = _papers(i);
        bytes memory data = abi.encodeCall(house.jobs.topUp, (g.id, job, assignment, amount));
        _expect(by, address(house.jobs), data, expected);
    }

    function _stop(uint256 i) internal {
        _begin("stop");
        address by = _chance(90) ? jobs[i].job.client : thief;
        bytes4 expected = _predictMeter(i, by);
        if (expected == FINE) {
            jobs[i].stoppedAt = _now();
            _saw("stopped");
        }
        (Job memory job, Assignment memory assignment,) = _papers(i);
        bytes memory data = abi.encodeCall(house.jobs.stop, (jobs[i].id, job, assignment));
        _expect(by, address(house.jobs), data, expected);
    }

    function _challenge(uint256 i) internal {
        _begin("challenge");
        GhostJob storage g = jobs[i];
        address by = g.job.client;
        if (_chance(10)) by = thief;
        else if (g.assigned && _chance(40)) by = g.assignment.nodes[0].signer();
        bytes4 expected = _predictChallenge(i, by);
        (Job memory job, Assignment memory assignment, Proposal memory proposal) = _papers(i);
        if (expected == FINE) {
            g.bond = _shareUp(g.maxPrice, g.fields.challengeBondPpm);
            _hold(by, g.job.token, g.bond);
            g.challenger = by;
            _to(i, JobState.Challenged, _now() + g.fields.verdictWindowSeconds);
            if (pausedJobs) _saw("challenged while paused");
            if (by != g.job.client) _saw("challenged by a node");
        }
        bytes memory data = abi.encodeCall(house.jobs.challenge, (g.id, job, assignment, proposal));
        _expect(by, address(house.jobs), data, expected);
    }

    function _draft(uint256 who, address token, Funding funding) internal returns (uint256 i) {
        i = jobs.length;
        GhostJob storage g = jobs.push();
        g.nonce = _drawNonce(clients[who].at, i);
        bool timed = funding != Funding.PullAtSettlement && _chance(30);
        g.maxPrice = 1 + _draw(token == tokens[0] ? 2500e6 : 2500e18);
        g.rate = timed ? 1 + g.maxPrice / (20 + _draw(200)) : 0;
        g.tip = _chance(85) ? _draw(1e6) : 0;
        _draftRules(g.rules, funding);
        _draftFields(g.fields, token);
        g.job.client = clients[who].at;
        g.job.token = token;
        g.job.price = JobPriceLibrary.pack(uint96(g.maxPrice), uint96(g.rate), uint64(g.tip));
        g.job.rules = JobRulesLibrary.pack(g.rules);
        if (accepted[token]) g.job.parameters = JobParametersLibrary.pack(g.fields);
        g.id = _idOf(i);
        if (g.rules.trust != Trust.Any) {
            uint256 value = g.maxPrice * 10 ** tokenTerms[token].lockShift;
            g.lock = _shareUp(value, tokenTerms[token].lockPpm);
        }
    }

    function _create(uint256 i, address by, bool signed) internal {
        GhostJob storage g = jobs[i];
        address owner = g.job.client;
        uint256 reserved = _isPulled(i) ? 0 : g.maxPrice + g.tip;
        bytes4 expected = _predictCreate(i, reserved);
        bytes memory data = abi.encodeCall(house.jobs.create, (g.nonce, _termsOf(i), ""));
        if (signed) {
            bool forged = _chance(10);
            if (forged && expected == FINE) {
                expected = IJobMachine.JobManagerInvalidOrderSignature.selector;
            }
            bytes memory signature =
                signatureOf(forged ? keyOf[loners[0].at] : keyOf[owner], _orderDigest(i));
            data = abi.encodeCall(
                house.jobs.createFor, (owner, g.nonce, _termsOf(i), "", signature)
            );
        }
        if (expected != FINE) jobs.pop();
        else _open(i, reserved);
        _expect(by, address(house.jobs), data, expected);
        if (expected == FINE) _checkJob(i);
    }

    /// @dev A fresh slot, or the next place in one that another job had; a busy one is refused.
    function _drawNonce(address client_, uint256 i) private returns (uint256) {
        if (i == 0 || _chance(65)) return ++nonces;
        uint256 other = _draw(i);
        if (jobs[other].job.client != client_ || live.length < 2) return ++nonces;
        uint256 held = slots[client_][uint232(jobs[other].nonce)] - 1;
        return jobs[held].nonce + (1 << 232);
    }

    /// @dev The id by the book: order and slot are hashes, the sequence is the nonce's top.
    function _idOf(uint256 i) private view returns (JobId) {
        GhostJob storage g = jobs[i];
        uint256 order = uint256(
            keccak256(
                abi.encode(block.chainid, address(house.jobs), g.job.client, g.nonce, _termsOf(i))
            )
        );
        uint256 key = uint232(g.nonce);
        uint256 slot =
            uint256(keccak256(abi.encode(block.chainid, address(house.jobs), g.job.client, key)));
        return JobId.wrap(bytes32((order >> 104 << 104) | (slot >> 176 << 24) | (g.nonce >> 232)));
    }

    function _predictSlot(uint256 i) private view returns (bytes4) {
        uint256 held = slots[jobs[i].job.client][uint232(jobs[i].nonce)];
        bool free = held == 0 || !_isLive(held - 1);
        return free ? FINE : IJobMachine.JobManagerSlotBusy.selector;
    }

    /// @dev A job moves into its slot; the one that had it is closed for good.
    function _occupy(uint256 i) private {
        uint256 key = uint232(jobs[i].nonce);
        uint256 held = slots[jobs[i].job.client][key];
        slots[jobs[i].job.client][key] = i + 1;
        if (held == 0) return;
        GhostJob storage old = jobs[held - 1];
        (old.state, old.attempt, old.seized) = (JobState.Closed, 0, 0);
        _saw("slot used again");
    }

    function _open(uint256 i, uint256 reserved) private {
        GhostJob storage g = jobs[i];
        _occupy(i);
        _hold(g.job.client, g.job.token, reserved);
        g.held = reserved;
        _to(i, JobState.Open, g.rules.assignBy);
        live.push(i);
        if (live.length == MOST_LIVE) _saw("seven live jobs");
    }

    /// @dev EIP-712 by the book, without the contract's help.
    function _orderDigest(uint256 i) private view returns (bytes32) {
        GhostJob storage g = jobs[i];
        bytes32 typehash = keccak256(
            "JobOrder(address client,uint256 nonce,bytes32 specification,address token,"
            "uint128 maxPrice,uint128 tip,uint128 ratePerSecond,uint8 funding,uint8 verification,"
            "uint8 trust,uint8 replicas,uint8 quorum,uint40 assignBy,uint40 completeBy,"
            "uint64 serviceLevel,uint24 parametersVersion)"
        );
        bytes memory head = abi.encode(
            typehash, g.job.client, g.nonce, _specificationOf(g.nonce), g.job.token, g.maxPrice
        );
        JobRulesLibrary.Fields memory r = g.rules;
        bytes memory middle = abi.encode(g.tip, g.rate, r.funding, r.verification, r.trust);
        bytes memory tail = abi.encode(
            r.replicas, r.quorum, r.assignBy, r.completeBy, r.serviceLevel, r.parametersVersion
        );
        return _typed(keccak256(bytes.concat(head, middle, tail)));
    }

    function _typed(bytes32 structHash) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,"
                    "uint256 chainId,address verifyingContract)"
                ),
                keccak256("Tallystick JobManager"),
                keccak256("1"),
                block.chainid,
                address(house.jobs)
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function _predictCreate(uint256 i, uint256 reserved) private view returns (bytes4) {
        GhostJob storage g = jobs[i];
        if (_predictSlot(i) != FINE) return _predictSlot(i);
        if (pausedJobs) return PausableUpgradeable.EnforcedPause.selector;
        if (!accepted[g.job.token]) return IJobMachine.JobManagerStaleParameters.selector;
        return _predictHold(g.job.client, g.job.token, reserved, g.rules.funding);
    }

    function _predictMeter(uint256 i, address by) private view returns (bytes4) {
        GhostJob storage g = jobs[i];
        bytes4 expected = _predictOf(i, JobState.Assigned);
        if (expected != FINE) return expected;
        if (by != g.job.client) return IJobMachine.JobManagerUnauthorized.selector;
        if (g.rate == 0) return IJobMachine.JobManagerWrongPricing.selector;
        return g.stoppedAt == 0 ? FINE : IJobMachine.JobManagerTooLate.selector;
    }

    function _predictChallenge(uint256 i, address by) private view returns (bytes4) {
        GhostJob storage g = jobs[i];
        bytes4 expected = _predictOf(i, JobState.Proposed);
        if (expected != FINE) return expected;
        if (block.timestamp >= g.deadline) return IJobMachine.JobManagerTooLate.selector;
        if (by == thief) return IJobMachine.JobManagerUnauthorized.selector;
        uint256 bond = _shareUp(g.maxPrice, g.fields.challengeBondPpm);
        return _predictHold(by, g.job.token, bond, Funding.Allowance);
    }

    function _draftRules(JobRulesLibrary.Fields storage rules, Funding funding) private {
        rules.funding = funding;
        rules.verification = Verification(_chance(25) ? 0 : 1 + _draw(2));
        rules.trust = Trust(_chance(20) ? 0 : _chance(80) ? 1 : 2);
        rules.replicas = uint8(1 + _draw(4));
        rules.quorum = rules.replicas / 2 + 1;
        if (rules.quorum < rules.replicas && _chance(30)) ++rules.quorum;
        rules.assignBy = _now() + uint40(10 + _draw(120));
        rules.completeBy = rules.assignBy + uint40(1 + _draw(500));
        rules.serviceLevel = uint64(_draw(3));
        rules.parametersVersion = version;
    }

    function _draftFields(JobParametersLibrary.Fields storage fields, address token) private {
        fields.version = version;
        fields.coordinatorPpm = parameters.coordinatorPpm;
        fields.secondariesPpm = parameters.secondariesPpm;
        fields.protocolPpm = parameters.protocolPpm;
        fields.challengeBondPpm = parameters.challengeBondPpm;
        fields.lockPpm = tokenTerms[token].lockPpm;
        fields.lockShift = tokenTerms[token].lockShift;
        fields.challengeWindowSeconds = parameters.challengeWindowSeconds;
        fields.verdictWindowSeconds = parameters.verdictWindowSeconds;
        fields.leaseSeconds = parameters.leaseSeconds;
        fields.maxJobSeconds = parameters.maxJobSeconds;
        fields.maxAttempts = parameters.maxAttempts;
    }
}
