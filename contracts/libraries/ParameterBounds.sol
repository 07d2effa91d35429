// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INetworkProfile } from "../interfaces/INetworkProfile.sol";
import { PpmMath } from "./PpmMath.sol";

/// @title Parameter bounds
/// @notice What governance may set at all. Durations have low minima so that local networks can use
/// short parameters of the same shape; what ties them to each other holds everywhere.
library ParameterBounds {
    uint256 private constant MAX_FEE_PPM = 200_000;
    uint256 private constant MAX_CHALLENGE_BOND_PPM = 1_000_000;
    uint256 private constant MAX_LOCK_PPM = 1_000_000_000;
    uint256 private constant MAX_LOCK_SHIFT = 18;
    uint256 private constant MAX_ATTEMPTS = 16;
    uint256 private constant MAX_WINDOW_SECONDS = 30 days;
    uint256 private constant MAX_LEASE_SECONDS = 7 days;
    uint256 private constant MAX_JOB_SECONDS = 90 days;
    uint256 private constant MAX_THAW_SECONDS = 365 days;
    uint256 private constant MAX_SLASH_CUT_PPM = 900_000;

    /// @notice Refuses parameters that are out of bounds, or that do not fit each other.
    function requireWithin(INetworkProfile.Parameters calldata p) internal pure {
        _within("coordinatorPpm", p.coordinatorPpm, 0, MAX_FEE_PPM);
        _within("protocolPpm", p.protocolPpm, 0, MAX_FEE_PPM);
        uint256 rest = PpmMath.WHOLE - p.coordinatorPpm - p.protocolPpm;
        _within("secondariesPpm", p.secondariesPpm, 0, rest);
        _within("challengeBondPpm", p.challengeBondPpm, 1, MAX_CHALLENGE_BOND_PPM);
        _within("challengeWindowSeconds", p.challengeWindowSeconds, 1, MAX_WINDOW_SECONDS);
        _within("verdictWindowSeconds", p.verdictWindowSeconds, 1, MAX_WINDOW_SECONDS);
        _within("leaseSeconds", p.leaseSeconds, 1, MAX_LEASE_SECONDS);
        _within("maxJobSeconds", p.maxJobSeconds, 2, MAX_JOB_SECONDS);
        _within("maxAttempts", p.maxAttempts, 1, MAX_ATTEMPTS);
        _within("laneThawSeconds", p.laneThawSeconds, p.maxJobSeconds, MAX_THAW_SECONDS);
        _within("treasury", uint160(p.treasury), 1, type(uint160).max);
        _requireStaking(p);
        _requireSlashing(p);
    }

    /// @notice Refuses terms of a token that are out of bounds.
    function requireWithin(INetworkProfile.TokenTerms calldata terms) internal pure {
        _within("lockPpm", terms.lockPpm, 1, MAX_LOCK_PPM);
        _within("lockShift", terms.lockShift, 0, MAX_LOCK_SHIFT);
    }

    /// @dev Stake must stay slashable for longer than the longest job, its window and its verdict.
    function _requireStaking(INetworkProfile.Parameters calldata p) private pure {
        _within("minStake", p.staking.minStake, 1, type(uint128).max);
        _within("minStakeSeconds", p.staking.minStakeSeconds, 1, MAX_WINDOW_SECONDS);
        _within("thawSeconds", p.staking.thawSeconds, 1, MAX_THAW_SECONDS);
        uint256 longest =
            uint256(p.maxJobSeconds) + p.challengeWindowSeconds + p.verdictWindowSeconds;
        require(
            p.staking.thawSeconds > longest,
            INetworkProfile.NetworkProfileThawTooShort(p.staking.thawSeconds, longest + 1)
        );
    }

    /// @dev A ruling must be able to take effect while its challenge is open, and no accuser gets
    /// everything.
    function _requireSlashing(INetworkProfile.Parameters calldata p) private pure {
        _within("victimPpm", p.slashing.victimPpm, 0, MAX_SLASH_CUT_PPM);
        uint256 rest = MAX_SLASH_CUT_PPM - p.slashing.victimPpm;
        _within("reporterPpm", p.slashing.reporterPpm, 0, rest);
        _within(
            "committeeDelaySeconds",
            p.slashing.committeeDelaySeconds,
            0,
            uint256(p.verdictWindowSeconds) - 1
        );
        _within("committeeEpochSeconds", p.slashing.committeeEpochSeconds, 1, MAX_THAW_SECONDS);
        _within("jailSeconds", p.slashing.jailSeconds, 1, MAX_THAW_SECONDS);
    }

    function _within(bytes32 parameter, uint256 given, uint256 least, uint256 most) private pure {
        require(
            given >= least && given <= most,
            INetworkProfile.NetworkProfileOutOfBounds(parameter, given, least, most)
        );
    }
}
