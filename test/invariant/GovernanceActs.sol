// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INetworkProfile } from "../../contracts/interfaces/INetworkProfile.sol";
import { StakeActs } from "./StakeActs.sol";
import {
    PausableUpgradeable
} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";

/// @title Governance acts
/// @notice What the timelock and the pauser do: parameters, tokens, pauses.
abstract contract GovernanceActs is StakeActs {
    function _setParameters() internal {
        _begin("setParameters");
        INetworkProfile.Parameters memory p = parameters;
        p.coordinatorPpm = uint24(_draw(200_001));
        p.protocolPpm = uint24(_draw(200_001));
        p.secondariesPpm = uint24(_draw(600_001));
        p.challengeBondPpm = uint24(1 + _draw(400_000));
        p.leaseSeconds = uint24(20 + _draw(200));
        p.challengeWindowSeconds = uint24(5 + _draw(60));
        p.verdictWindowSeconds = uint24(30 + _draw(100));
        p.maxAttempts = uint8(1 + _draw(4));
        p.treasury = _chance(50) ? treasury : stranger;
        p.insurance = _chance(50) ? insurance : address(0);
        p.staking.minStake = uint128(500e18 + _draw(1500e18));
        p.slashing.committeeCap = uint128(_draw(2000e18));
        p.slashing.victimPpm = uint32(_draw(450_000));
        p.slashing.reporterPpm = uint32(_draw(450_000));
        p.slashing.jury = _chance(70) ? jury : address(0);
        bytes4 expected;
        uint256 kind = _draw(12);
        if (kind == 0) p.maxAttempts = 0;
        else if (kind == 1) p.slashing.committeeDelaySeconds = p.verdictWindowSeconds;
        else if (kind == 2) p.protocolPpm = 200_001;
        else if (kind == 3) p.slashing.reporterPpm = 900_001 - p.slashing.victimPpm;
        if (kind < 4) expected = INetworkProfile.NetworkProfileOutOfBounds.selector;
        if (kind == 4) {
            p.staking.thawSeconds = p.maxJobSeconds;
            expected = INetworkProfile.NetworkProfileThawTooShort.selector;
        }
        if (expected == FINE) {
            parameters = p;
            ++version;
        }
        bytes memory data = abi.encodeCall(house.profile.setParameters, (p));
        _expect(address(house.timelock), address(house.profile), data, expected);
    }

    /// @dev One of the two tokens is always accepted.
    function _changeToken() internal {
        uint256 which = _draw(2);
        address token = tokens[which];
        if (!accepted[token] || _chance(40)) {
            _begin("allowToken");
            uint8 shift = which == 0 ? 12 : 0;
            INetworkProfile.TokenTerms memory terms =
                INetworkProfile.TokenTerms(uint32(100_000 + _draw(900_000)), shift);
            if (_chance(10)) terms.lockPpm = 0;
            bytes4 expected =
                terms.lockPpm == 0 ? INetworkProfile.NetworkProfileOutOfBounds.selector : FINE;
            if (expected == FINE) (accepted[token], tokenTerms[token]) = (true, terms);
            bytes memory allow = abi.encodeCall(house.profile.allowToken, (token, terms));
            return _expectOf(address(house.timelock), allow, expected);
        }
        _begin("disallowToken");
        bool fine = accepted[tokens[1 - which]];
        if (!fine) token = address(foreign);
        else accepted[token] = false;
        bytes4 refusal = fine ? FINE : INetworkProfile.NetworkProfileTokenNotAllowed.selector;
        bytes memory data = abi.encodeCall(house.profile.disallowToken, (token));
        _expectOf(address(house.timelock), data, refusal);
    }

    function _pause() internal {
        uint256 which = _draw(3);
        bool paused = which == 0 ? pausedJobs : which == 1 ? pausedPayments : pausedStaking;
        address target = which == 0
            ? address(house.jobs)
            : which == 1 ? address(house.payments) : address(house.staking);
        bool stop = _chance(50);
        _begin(stop ? bytes32("pause") : bytes32("unpause"));
        bytes4 expected;
        if (stop && paused) expected = PausableUpgradeable.EnforcedPause.selector;
        if (!stop && !paused) expected = PausableUpgradeable.ExpectedPause.selector;
        if (which == 0) pausedJobs = stop;
        else if (which == 1) pausedPayments = stop;
        else pausedStaking = stop;
        bytes memory data =
            stop ? abi.encodeWithSignature("pause()") : abi.encodeWithSignature("unpause()");
        _expect(pauser, target, data, expected);
    }

    function _pauseAll() internal {
        _begin("pause all");
        bytes memory data = abi.encodeWithSignature("pause()");
        if (!pausedJobs) _expect(pauser, address(house.jobs), data, FINE);
        if (!pausedPayments) _expect(pauser, address(house.payments), data, FINE);
        if (!pausedStaking) _expect(pauser, address(house.staking), data, FINE);
        (pausedJobs, pausedPayments, pausedStaking) = (true, true, true);
    }

    function _expectOf(address by, bytes memory data, bytes4 expected) private {
        _expect(by, address(house.profile), data, expected);
    }
}
