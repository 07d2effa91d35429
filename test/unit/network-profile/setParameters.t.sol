// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INetworkProfile } from "../../../contracts/interfaces/INetworkProfile.sol";
import { ISlashingManager } from "../../../contracts/interfaces/ISlashingManager.sol";
import { IStakingManager } from "../../../contracts/interfaces/IStakingManager.sol";
import { JobParameters } from "../../../contracts/types/JobParameters.sol";
import { ProfileTest } from "../../base/ProfileTest.sol";

/// @notice Governance sets all parameters at once.
contract NetworkProfileSetParameters is ProfileTest {
    function test_TellsEveryContractExactlyWhatWasSet() public {
        INetworkProfile.Parameters memory p = _distinct();
        uint24 version = house.profile.currentVersion() + 1;
        vm.expectEmit(address(house.profile));
        emit INetworkProfile.ParametersSet(version, p);
        set(p);

        assertEq(house.profile.currentVersion(), version);
        assertEq(abi.encode(house.profile.parameters()), abi.encode(p));
        (IStakingManager.StakingRules memory staking, address insurance) = house.staking.rules();
        assertEq(abi.encode(staking), abi.encode(p.staking));
        assertEq(insurance, p.insurance);
        ISlashingManager.SlashingRules memory slashing = house.slashing.rules();
        assertEq(abi.encode(slashing), abi.encode(p.slashing));
        (uint40 thaw, address to) = house.payments.rules();
        assertEq(thaw, p.laneThawSeconds);
        assertEq(to, p.treasury);
    }

    function test_TellsJobsTheParametersOfEveryToken() public {
        allow(stranger, 777, 5);
        INetworkProfile.Parameters memory p = _distinct();
        set(p);

        uint24 version = house.profile.currentVersion();
        _assertJobs(p, house.jobs.parametersOf(stranger), version);
        assertEq(house.jobs.parametersOf(stranger).lockPpm(), 777);
        assertEq(house.jobs.parametersOf(stranger).lockShift(), 5);
        _assertJobs(p, house.jobs.parametersOf(address(dollar)), version);
        assertEq(house.jobs.parametersOf(address(dollar)).lockPpm(), LOCK_PPM);
        assertEq(house.jobs.parametersOf(address(dollar)).lockShift(), 12);
        _assertJobs(p, house.jobs.parametersOf(address(house.token)), version);
        assertEq(house.jobs.parametersOf(address(house.token)).lockShift(), 0);
    }

    function test_CountsVersionsEvenWhereNothingChanges() public {
        uint24 version = house.profile.currentVersion();
        set(networkParameters());
        set(networkParameters());
        assertEq(house.profile.currentVersion(), version + 2);
    }

    function test_AcceptsEveryUpperBound() public {
        INetworkProfile.Parameters memory p = _upper();
        set(p);
        assertEq(abi.encode(house.profile.parameters()), abi.encode(p));
        _assertJobs(p, house.jobs.parametersOf(address(dollar)), house.profile.currentVersion());
    }

    function test_AcceptsEveryLowerBound() public {
        INetworkProfile.Parameters memory p = networkParameters();
        (p.coordinatorPpm, p.secondariesPpm, p.protocolPpm) = (0, 0, 0);
        p.challengeBondPpm = 1;
        (p.challengeWindowSeconds, p.verdictWindowSeconds, p.leaseSeconds) = (1, 1, 1);
        (p.maxJobSeconds, p.laneThawSeconds, p.maxAttempts) = (2, 2, 1);
        p.staking = IStakingManager.StakingRules(1, 1, 5);
        (p.slashing.victimPpm, p.slashing.reporterPpm) = (0, 0);
        (p.slashing.committeeCap, p.slashing.committeeDelaySeconds) = (0, 0);
        (p.slashing.committeeEpochSeconds, p.slashing.jailSeconds) = (1, 1);
        set(p);
        assertEq(abi.encode(house.profile.parameters()), abi.encode(p));
    }

    function test_RevertWhen_StakeThawsBeforeTheLongestJobIsOver() public {
        INetworkProfile.Parameters memory p = networkParameters();
        uint256 longest = uint256(MAX_JOB) + CHALLENGE_WINDOW + VERDICT_WINDOW;
        p.staking.thawSeconds = uint40(longest);
        _expectThawTooShort(longest, longest + 1);
        set(p);

        p.staking.thawSeconds = uint40(longest + 1);
        set(p);
        p.challengeWindowSeconds += 1;
        _expectThawTooShort(longest + 1, longest + 2);
        set(p);
    }

    function test_RevertWhen_TheTreasuryIsNobody() public {
        INetworkProfile.Parameters memory p = networkParameters();
        p.treasury = address(0);
        expectOutOfBounds("treasury", 0, 1, type(uint160).max);
        set(p);
    }

    function test_RevertWhen_SomebodyElseSetsThem() public {
        address[4] memory callers = [stranger, pauser, treasury, address(this)];
        for (uint256 i; i < callers.length; ++i) {
            expectNoParameterRole(callers[i]);
            vm.prank(callers[i]);
            house.profile.setParameters(networkParameters());
        }
    }

    function test_RevertWhen_CoordinatorPpmIsOutOfBounds() public {
        INetworkProfile.Parameters memory p = networkParameters();
        p.coordinatorPpm = 200001;
        expectOutOfBounds("coordinatorPpm", 200001, 0, 200000);
        set(p);
    }

    function test_RevertWhen_ProtocolPpmIsOutOfBounds() public {
        INetworkProfile.Parameters memory p = networkParameters();
        p.protocolPpm = 200001;
        expectOutOfBounds("protocolPpm", 200001, 0, 200000);
        set(p);
    }

    function test_RevertWhen_SecondariesPpmIsOutOfBounds() public {
        INetworkProfile.Parameters memory p = networkParameters();
        p.secondariesPpm = 930001;
        expectOutOfBounds("secondariesPpm", 930001, 0, 930000);
        set(p);
    }

    function test_RevertWhen_ChallengeBondPpmIsOutOfBounds() public {
        INetworkProfile.Parameters memory p = networkParameters();
        p.challengeBondPpm = 0;
        expectOutOfBounds("challengeBondPpm", 0, 1, 1000000);
        set(p);
        p.challengeBondPpm = 1000001;
        expectOutOfBounds("challengeBondPpm", 1000001, 1, 1000000);
        set(p);
    }

    function test_RevertWhen_ChallengeWindowSecondsIsOutOfBounds() public {
        INetworkProfile.Parameters memory p = networkParameters();
        p.challengeWindowSeconds = 0;
        expectOutOfBounds("challengeWindowSeconds", 0, 1, 2592000);
        set(p);
        p.challengeWindowSeconds = 2592001;
        expectOutOfBounds("challengeWindowSeconds", 2592001, 1, 2592000);
        set(p);
    }

    function test_RevertWhen_VerdictWindowSecondsIsOutOfBounds() public {
        INetworkProfile.Parameters memory p = networkParameters();
        p.verdictWindowSeconds = 0;
        expectOutOfBounds("verdictWindowSeconds", 0, 1, 2592000);
        set(p);
        p.verdictWindowSeconds = 2592001;
        expectOutOfBounds("verdictWindowSeconds", 2592001, 1, 2592000);
        set(p);
    }

    function test_RevertWhen_LeaseSecondsIsOutOfBounds() public {
        INetworkProfile.Parameters memory p = networkParameters();
        p.leaseSeconds = 0;
        expectOutOfBounds("leaseSeconds", 0, 1, 604800);
        set(p);
        p.leaseSeconds = 604801;
        expectOutOfBounds("leaseSeconds", 604801, 1, 604800);
        set(p);
    }

    function test_RevertWhen_MaxJobSecondsIsOutOfBounds() public {
        INetworkProfile.Parameters memory p = networkParameters();
        p.maxJobSeconds = 1;
        expectOutOfBounds("maxJobSeconds", 1, 2, 7776000);
        set(p);
        p.maxJobSeconds = 7776001;
        expectOutOfBounds("maxJobSeconds", 7776001, 2, 7776000);
        set(p);
    }

    function test_RevertWhen_MaxAttemptsIsOutOfBounds() public {
        INetworkProfile.Parameters memory p = networkParameters();
        p.maxAttempts = 0;
        expectOutOfBounds("maxAttempts", 0, 1, 16);
        set(p);
        p.maxAttempts = 17;
        expectOutOfBounds("maxAttempts", 17, 1, 16);
        set(p);
    }

    function test_RevertWhen_LaneThawSecondsIsOutOfBounds() public {
        INetworkProfile.Parameters memory p = networkParameters();
        p.laneThawSeconds = 86399;
        expectOutOfBounds("laneThawSeconds", 86399, 86400, 31536000);
        set(p);
        p.laneThawSeconds = 31536001;
        expectOutOfBounds("laneThawSeconds", 31536001, 86400, 31536000);
        set(p);
    }

    function test_RevertWhen_MinStakeIsOutOfBounds() public {
        INetworkProfile.Parameters memory p = networkParameters();
        p.staking.minStake = 0;
        expectOutOfBounds("minStake", 0, 1, type(uint128).max);
        set(p);
    }

    function test_RevertWhen_MinStakeSecondsIsOutOfBounds() public {
        INetworkProfile.Parameters memory p = networkParameters();
        p.staking.minStakeSeconds = 0;
        expectOutOfBounds("minStakeSeconds", 0, 1, 2592000);
        set(p);
        p.staking.minStakeSeconds = 2592001;
        expectOutOfBounds("minStakeSeconds", 2592001, 1, 2592000);
        set(p);
    }

    function test_RevertWhen_ThawSecondsIsOutOfBounds() public {
        INetworkProfile.Parameters memory p = networkParameters();
        p.staking.thawSeconds = 0;
        expectOutOfBounds("thawSeconds", 0, 1, 31536000);
        set(p);
        p.staking.thawSeconds = 31536001;
        expectOutOfBounds("thawSeconds", 31536001, 1, 31536000);
        set(p);
    }

    function test_RevertWhen_VictimPpmIsOutOfBounds() public {
        INetworkProfile.Parameters memory p = networkParameters();
        p.slashing.victimPpm = 900001;
        expectOutOfBounds("victimPpm", 900001, 0, 900000);
        set(p);
    }

    function test_RevertWhen_ReporterPpmIsOutOfBounds() public {
        INetworkProfile.Parameters memory p = networkParameters();
        p.slashing.reporterPpm = 500001;
        expectOutOfBounds("reporterPpm", 500001, 0, 500000);
        set(p);
    }

    function test_RevertWhen_CommitteeDelaySecondsIsOutOfBounds() public {
        INetworkProfile.Parameters memory p = networkParameters();
        p.slashing.committeeDelaySeconds = 60;
        expectOutOfBounds("committeeDelaySeconds", 60, 0, 59);
        set(p);
    }

    function test_RevertWhen_CommitteeEpochSecondsIsOutOfBounds() public {
        INetworkProfile.Parameters memory p = networkParameters();
        p.slashing.committeeEpochSeconds = 0;
        expectOutOfBounds("committeeEpochSeconds", 0, 1, 31536000);
        set(p);
        p.slashing.committeeEpochSeconds = 31536001;
        expectOutOfBounds("committeeEpochSeconds", 31536001, 1, 31536000);
        set(p);
    }

    function test_RevertWhen_JailSecondsIsOutOfBounds() public {
        INetworkProfile.Parameters memory p = networkParameters();
        p.slashing.jailSeconds = 0;
        expectOutOfBounds("jailSeconds", 0, 1, 31536000);
        set(p);
        p.slashing.jailSeconds = 31536001;
        expectOutOfBounds("jailSeconds", 31536001, 1, 31536000);
        set(p);
    }

    function _expectThawTooShort(uint256 given, uint256 least) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                INetworkProfile.NetworkProfileThawTooShort.selector, given, least
            )
        );
    }

    function _assertJobs(INetworkProfile.Parameters memory p, JobParameters told, uint24 version)
        private
        pure
    {
        assertEq(told.version(), version);
        assertEq(told.coordinatorPpm(), p.coordinatorPpm);
        assertEq(told.secondariesPpm(), p.secondariesPpm);
        assertEq(told.protocolPpm(), p.protocolPpm);
        assertEq(told.challengeBondPpm(), p.challengeBondPpm);
        assertEq(told.challengeWindowSeconds(), p.challengeWindowSeconds);
        assertEq(told.verdictWindowSeconds(), p.verdictWindowSeconds);
        assertEq(told.leaseSeconds(), p.leaseSeconds);
        assertEq(told.maxJobSeconds(), p.maxJobSeconds);
        assertEq(told.maxAttempts(), p.maxAttempts);
    }

    /// Every field has a value of its own.
    function _distinct() private returns (INetworkProfile.Parameters memory p) {
        p = networkParameters();
        (p.coordinatorPpm, p.secondariesPpm, p.protocolPpm) = (11, 22, 33);
        (p.challengeBondPpm, p.challengeWindowSeconds) = (44, 55);
        (p.verdictWindowSeconds, p.leaseSeconds, p.maxJobSeconds) = (66, 77, 88);
        (p.maxAttempts, p.laneThawSeconds) = (9, 110);
        (p.treasury, p.insurance) = (makeAddr("next treasury"), makeAddr("insurance"));
        p.staking = IStakingManager.StakingRules(121, 132, 143_000);
        p.slashing = ISlashingManager.SlashingRules(154, 165, 176, 187, 19, 209, stranger);
    }

    function _upper() private view returns (INetworkProfile.Parameters memory p) {
        p = networkParameters();
        (p.coordinatorPpm, p.protocolPpm, p.secondariesPpm) = (200_000, 200_000, 600_000);
        p.challengeBondPpm = 1_000_000;
        (p.challengeWindowSeconds, p.verdictWindowSeconds) = (30 days, 30 days);
        (p.leaseSeconds, p.maxJobSeconds, p.maxAttempts) = (7 days, 90 days, 16);
        p.laneThawSeconds = 365 days;
        p.staking = IStakingManager.StakingRules(type(uint128).max, 30 days, 365 days);
        (p.slashing.victimPpm, p.slashing.reporterPpm) = (900_000, 0);
        p.slashing.committeeDelaySeconds = 30 days - 1;
        (p.slashing.committeeEpochSeconds, p.slashing.jailSeconds) = (365 days, 365 days);
    }
}
