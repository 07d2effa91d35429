// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

/// @dev The parameters under which a job lives, in one word, lowest bits first:
///
/// | bits | field                  | unit                                                     |
/// |------|------------------------|----------------------------------------------------------|
/// | 24   | version                | counts from 1; zero: the token is not accepted           |
/// | 20   | coordinatorPpm         | parts per million of the price                           |
/// | 20   | secondariesPpm         | parts per million of the price, for all secondaries      |
/// | 20   | protocolPpm            | parts per million of the price                           |
/// | 20   | challengeBondPpm       | parts per million of the maximum price                   |
/// | 32   | lockPpm                | stake locked per node, parts per million of the price    |
/// | 8    | lockShift              | decimal places that the stake token has more             |
/// | 24   | challengeWindowSeconds | seconds                                                  |
/// | 24   | verdictWindowSeconds   | seconds                                                  |
/// | 24   | leaseSeconds           | seconds                                                  |
/// | 24   | maxJobSeconds          | seconds                                                  |
/// | 8    | maxAttempts            | assignments that a job may have                          |
/// | 8    | halted                 | one while new jobs are paused; never in a job's own      |
type JobParameters is uint256;

using JobParametersLibrary for JobParameters global;

/// @notice Reads and writes the packed parameters of a job.
library JobParametersLibrary {
    /// @notice The same parameters, one field each.
    struct Fields {
        uint24 version;
        uint24 coordinatorPpm;
        uint24 secondariesPpm;
        uint24 protocolPpm;
        uint24 challengeBondPpm;
        uint32 lockPpm;
        uint8 lockShift;
        uint24 challengeWindowSeconds;
        uint24 verdictWindowSeconds;
        uint24 leaseSeconds;
        uint24 maxJobSeconds;
        uint8 maxAttempts;
    }

    uint256 private constant PPM_MASK = (1 << 20) - 1;

    /// @notice Packs the fields. Shares are below 2^20 because one million is; `NetworkProfile`
    /// bounds them before it packs.
    function pack(Fields memory f) internal pure returns (JobParameters) {
        uint256 word = uint256(f.version) | (uint256(f.coordinatorPpm) << 24)
            | (uint256(f.secondariesPpm) << 44) | (uint256(f.protocolPpm) << 64)
            | (uint256(f.challengeBondPpm) << 84) | (uint256(f.lockPpm) << 104);
        word |= (uint256(f.lockShift) << 136) | (uint256(f.challengeWindowSeconds) << 144)
            | (uint256(f.verdictWindowSeconds) << 168) | (uint256(f.leaseSeconds) << 192)
            | (uint256(f.maxJobSeconds) << 216) | (uint256(f.maxAttempts) << 240);
        return JobParameters.wrap(word);
    }

    /// @notice Version of the network's parameters; zero where the token is not accepted.
    function version(JobParameters p) internal pure returns (uint24) {
        return uint24(JobParameters.unwrap(p));
    }

    /// @notice Share of the price that the coordinator earns, in parts per million.
    function coordinatorPpm(JobParameters p) internal pure returns (uint256) {
        return (JobParameters.unwrap(p) >> 24) & PPM_MASK;
    }

    /// @notice Share of the price that all secondaries earn together, in parts per million.
    function secondariesPpm(JobParameters p) internal pure returns (uint256) {
        return (JobParameters.unwrap(p) >> 44) & PPM_MASK;
    }

    /// @notice Share of the price that is the protocol's fee, in parts per million.
    function protocolPpm(JobParameters p) internal pure returns (uint256) {
        return (JobParameters.unwrap(p) >> 64) & PPM_MASK;
    }

    /// @notice Bond of a challenge, in parts per million of the maximum price.
    function challengeBondPpm(JobParameters p) internal pure returns (uint256) {
        return (JobParameters.unwrap(p) >> 84) & PPM_MASK;
    }

    /// @notice Stake locked per node, in parts per million of the maximum price (may exceed a
    /// million).
    function lockPpm(JobParameters p) internal pure returns (uint256) {
        return uint32(JobParameters.unwrap(p) >> 104);
    }

    /// @notice Decimal places that the stake token has more than the payment token.
    function lockShift(JobParameters p) internal pure returns (uint256) {
        return uint8(JobParameters.unwrap(p) >> 136);
    }

    /// @notice Time in which a proposed result may be challenged, in seconds.
    function challengeWindowSeconds(JobParameters p) internal pure returns (uint40) {
        return uint24(JobParameters.unwrap(p) >> 144);
    }

    /// @notice Time in which a challenge must be decided, in seconds.
    function verdictWindowSeconds(JobParameters p) internal pure returns (uint40) {
        return uint24(JobParameters.unwrap(p) >> 168);
    }

    /// @notice Time for which one assignment or heartbeat holds the lease, in seconds.
    function leaseSeconds(JobParameters p) internal pure returns (uint40) {
        return uint24(JobParameters.unwrap(p) >> 192);
    }

    /// @notice Longest time from creation to `completeBy`, in seconds.
    function maxJobSeconds(JobParameters p) internal pure returns (uint40) {
        return uint24(JobParameters.unwrap(p) >> 216);
    }

    /// @notice Assignments that a job may have before it is refunded.
    function maxAttempts(JobParameters p) internal pure returns (uint8) {
        return uint8(JobParameters.unwrap(p) >> 240);
    }

    /// @notice Whether new jobs are paused.
    function isHalted(JobParameters p) internal pure returns (bool) {
        return JobParameters.unwrap(p) >> 248 != 0;
    }

    /// @notice The same parameters with new jobs paused, or not.
    function withHalted(JobParameters p, bool halted) internal pure returns (JobParameters) {
        uint256 kept = JobParameters.unwrap(p) & ~(uint256(0xff) << 248);
        return JobParameters.wrap(halted ? kept | (1 << 248) : kept);
    }
}
