// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../base/HouseContract.sol";
import { Roles } from "../base/Roles.sol";
import { IJobRecovery } from "../interfaces/IJobRecovery.sol";
import { INetworkProfile } from "../interfaces/INetworkProfile.sol";
import { IPaymentManager } from "../interfaces/IPaymentManager.sol";
import { ISlashingManager } from "../interfaces/ISlashingManager.sol";
import { IStakingManager } from "../interfaces/IStakingManager.sol";
import { ParameterBounds } from "../libraries/ParameterBounds.sol";
import { JobParameters, JobParametersLibrary } from "../types/JobParameters.sol";
import { NetworkProfileStorage } from "./NetworkProfileStorage.sol";
import { EnumerableSet } from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";

/// @title Network profile
/// @notice Keeps the parameters and tells them; its calls are described in `INetworkProfile`.
contract NetworkProfile is INetworkProfile, NetworkProfileStorage, HouseContract {
    using EnumerableSet for EnumerableSet.AddressSet;
    using EnumerableSet for EnumerableSet.Bytes32Set;

    /// @dev Every change of parameters visits every token.
    uint256 private constant MAX_TOKENS = 16;

    IJobRecovery private immutable _JOBS;
    IStakingManager private immutable _STAKING;
    IPaymentManager private immutable _PAYMENTS;
    ISlashingManager private immutable _SLASHING;

    /// @param jobs The `JobManager` proxy.
    /// @param staking The `StakingManager` proxy.
    /// @param payments The `PaymentManager` proxy.
    /// @param slashing The `SlashingManager` proxy.
    constructor(
        IJobRecovery jobs,
        IStakingManager staking,
        IPaymentManager payments,
        ISlashingManager slashing
    ) {
        _JOBS = jobs;
        _STAKING = staking;
        _PAYMENTS = payments;
        _SLASHING = slashing;
    }

    /// @inheritdoc INetworkProfile
    function setParameters(Parameters calldata parameters_) external onlyRole(Roles.PARAMETER) {
        ParameterBounds.requireWithin(parameters_);
        Layout storage $ = _layout();
        $.parameters = parameters_;
        uint24 version = ++$.version;
        emit ParametersSet(version, parameters_);

        _STAKING.setRules(parameters_.staking, parameters_.insurance);
        _SLASHING.setRules(parameters_.slashing);
        _PAYMENTS.setRules(parameters_.laneThawSeconds, parameters_.treasury);
        for (uint256 i; i < $.tokens.length(); ++i) {
            _tellJobs($, $.tokens.at(i));
        }
    }

    /// @inheritdoc INetworkProfile
    function allowToken(address token, TokenTerms calldata terms)
        external
        onlyRole(Roles.PARAMETER)
    {
        ParameterBounds.requireWithin(terms);
        Layout storage $ = _layout();
        $.tokens.add(token);
        require($.tokens.length() <= MAX_TOKENS, NetworkProfileTooManyTokens(MAX_TOKENS));
        $.terms[token] = terms;
        emit TokenAllowed(token, terms);
        _PAYMENTS.setToken(token, true);
        _tellJobs($, token);
    }

    /// @inheritdoc INetworkProfile
    function disallowToken(address token) external onlyRole(Roles.PARAMETER) {
        Layout storage $ = _layout();
        require($.tokens.remove(token), NetworkProfileTokenNotAllowed(token));
        delete $.terms[token];
        emit TokenDisallowed(token);
        _PAYMENTS.setToken(token, false);
        _JOBS.adoptParameters(token, JobParameters.wrap(0));
    }

    /// @inheritdoc INetworkProfile
    function setPrograms(bytes32[] calldata programs, bool allowed)
        external
        onlyRole(Roles.PARAMETER)
    {
        EnumerableSet.Bytes32Set storage list = _layout().programs;
        for (uint256 i; i < programs.length; ++i) {
            allowed ? list.add(programs[i]) : list.remove(programs[i]);
            emit ProgramAllowed(programs[i], allowed);
        }
    }

    /// @inheritdoc INetworkProfile
    function setKinds(bytes32[] calldata kinds, bool allowed) external onlyRole(Roles.PARAMETER) {
        EnumerableSet.Bytes32Set storage list = _layout().kinds;
        for (uint256 i; i < kinds.length; ++i) {
            allowed ? list.add(kinds[i]) : list.remove(kinds[i]);
            emit KindAllowed(kinds[i], allowed);
        }
    }

    /// @inheritdoc INetworkProfile
    function permits(bytes32 program, bytes32 kind) external view returns (bool) {
        Layout storage $ = _layout();
        return ($.programs.length() == 0 || $.programs.contains(program))
            && ($.kinds.length() == 0 || $.kinds.contains(kind));
    }

    /// @inheritdoc INetworkProfile
    function currentVersion() external view returns (uint24) {
        return _layout().version;
    }

    /// @inheritdoc INetworkProfile
    function parameters() external view returns (Parameters memory) {
        return _layout().parameters;
    }

    /// @inheritdoc INetworkProfile
    function tokens() external view returns (address[] memory) {
        return _layout().tokens.values();
    }

    /// @inheritdoc INetworkProfile
    function termsOf(address token) external view returns (TokenTerms memory) {
        return _layout().terms[token];
    }

    /// @dev Before the first `setParameters` there is no version, and jobs refuse every token.
    function _tellJobs(Layout storage $, address token) private {
        Parameters storage p = $.parameters;
        TokenTerms storage terms = $.terms[token];
        _JOBS.adoptParameters(
            token,
            JobParametersLibrary.pack(
                JobParametersLibrary.Fields({
                    version: $.version,
                    coordinatorPpm: p.coordinatorPpm,
                    secondariesPpm: p.secondariesPpm,
                    protocolPpm: p.protocolPpm,
                    challengeBondPpm: p.challengeBondPpm,
                    lockPpm: terms.lockPpm,
                    lockShift: terms.lockShift,
                    challengeWindowSeconds: p.challengeWindowSeconds,
                    verdictWindowSeconds: p.verdictWindowSeconds,
                    leaseSeconds: p.leaseSeconds,
                    maxJobSeconds: p.maxJobSeconds,
                    maxAttempts: p.maxAttempts
                })
            )
        );
    }
}
