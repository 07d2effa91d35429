// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { ISlashingManager } from "./ISlashingManager.sol";
import { IStakingManager } from "./IStakingManager.sol";

/// @title Network profile
/// @notice The one place where governance sets parameters: versioned, bounded in code, told to the
/// contracts that use them.
interface INetworkProfile {
    /// @notice All parameters of the network.
    struct Parameters {
        /// Share of a job's price for its coordinator, in parts per million.
        uint24 coordinatorPpm;
        /// Share for all secondaries together, in parts per million.
        uint24 secondariesPpm;
        /// The protocol's fee, in parts per million.
        uint24 protocolPpm;
        /// Bond of a challenge, in parts per million of the job's maximum price.
        uint24 challengeBondPpm;
        /// Time in which a proposed result may be challenged, in seconds.
        uint24 challengeWindowSeconds;
        /// Time in which a challenge must be decided, in seconds.
        uint24 verdictWindowSeconds;
        /// Time for which one assignment or heartbeat holds the lease, in seconds.
        uint24 leaseSeconds;
        /// Longest time from a job's creation to its `completeBy`, in seconds.
        uint24 maxJobSeconds;
        /// Assignments that a job may have.
        uint8 maxAttempts;
        /// Time for which money that a client asks back from a lane stays reserved, in seconds.
        uint40 laneThawSeconds;
        /// Where fees go.
        address treasury;
        /// Where the remainder of slashes goes; zero burns it.
        address insurance;
        IStakingManager.StakingRules staking;
        ISlashingManager.SlashingRules slashing;
    }

    /// @notice How a payment token is accepted.
    struct TokenTerms {
        /// Stake locked per node, in parts per million of the job's maximum price after
        /// `lockShift`.
        uint32 lockPpm;
        /// Decimal places that TLY has more than the token, 0 to 18.
        uint8 lockShift;
    }

    /// @notice New parameters are in force for new jobs.
    event ParametersSet(uint24 indexed version, Parameters parameters);

    /// @notice A token is accepted, under these terms.
    event TokenAllowed(address indexed token, TokenTerms terms);

    /// @notice A token is no longer accepted for new deposits and jobs.
    event TokenDisallowed(address indexed token);

    /// @notice A program was put on the list of allowed programs, or taken off.
    event ProgramAllowed(bytes32 indexed program, bool allowed);

    /// @notice A kind of job was put on the list of allowed kinds, or taken off.
    event KindAllowed(bytes32 indexed kind, bool allowed);

    /// @notice A parameter is out of its bounds.
    /// @param parameter Its name in ASCII, padded with zeros.
    error NetworkProfileOutOfBounds(bytes32 parameter, uint256 given, uint256 least, uint256 most);

    /// @notice The thaw of stake must outlast the longest job with its windows.
    error NetworkProfileThawTooShort(uint256 given, uint256 least);

    /// @notice The list of tokens is full.
    error NetworkProfileTooManyTokens(uint256 most);

    /// @notice The token is not on the list.
    error NetworkProfileTokenNotAllowed(address token);

    /// @notice Sets all parameters and tells every contract. Running jobs keep theirs.
    function setParameters(Parameters calldata parameters) external;

    /// @notice Accepts a token, or changes its terms for new jobs.
    function allowToken(address token, TokenTerms calldata terms) external;

    /// @notice No longer accepts a token for new deposits and jobs. What is there can be spent down
    /// and withdrawn.
    function disallowToken(address token) external;

    /// @notice Puts programs on the list of allowed ones or takes them off. An empty list allows
    /// all.
    function setPrograms(bytes32[] calldata programs, bool allowed) external;

    /// @notice Puts kinds of jobs (keccak256 of the kind's name) on the list or takes them off. An
    /// empty list allows all.
    function setKinds(bytes32[] calldata kinds, bool allowed) external;

    /// @notice Whether the network runs this program as this kind of job.
    function permits(bytes32 program, bytes32 kind) external view returns (bool);

    /// @notice The present version, from 1.
    function currentVersion() external view returns (uint24);

    /// @notice The parameters in force.
    function parameters() external view returns (Parameters memory);

    /// @notice The accepted tokens.
    function tokens() external view returns (address[] memory);

    /// @notice The terms of an accepted token.
    function termsOf(address token) external view returns (TokenTerms memory);
}
