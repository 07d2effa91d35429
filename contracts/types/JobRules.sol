// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

/// @dev Where the money of a job comes from. `Balance` takes it from the client's balance in the
/// chain lane, then from its free balance at `PaymentManager`. `Allowance` also pulls what is
/// missing there from the token allowance. `PullAtSettlement` reserves nothing and pulls at
/// settlement, a risk that nodes may decline.
enum Funding {
    Balance,
    Allowance,
    PullAtSettlement
}

/// @dev How results are checked. `Attested`: the quorum's signatures settle the job at once.
/// `Deterministic` and `Fingerprint`: a challenge window stands between proposal and settlement.
enum Verification {
    Attested,
    Deterministic,
    Fingerprint
}

/// @dev Who may execute. `Any`: every registered worker, and unregistered ones, which are known by
/// their signer alone; no stake locked. `Staked`: active workers, stake locked. `Vetted`: active
/// workers that governance vetted, stake locked.
enum Trust {
    Any,
    Staked,
    Vetted
}

/// @dev The rules that a client sets for its job, in one word, lowest bits first:
///
/// | bits | field             | meaning                                              |
/// |------|-------------------|------------------------------------------------------|
/// | 8    | funding           | `Funding`                                            |
/// | 8    | verification      | `Verification`                                       |
/// | 8    | trust             | `Trust`                                              |
/// | 8    | replicas          | nodes that are to execute the job, 1 to 16           |
/// | 8    | quorum            | equal signatures that make a result                  |
/// | 40   | assignBy          | first moment at which assigning is too late, Unix s  |
/// | 40   | completeBy        | first moment at which a result is late, Unix seconds |
/// | 64   | serviceLevel      | service level that the job asks for, zero for none   |
/// | 24   | parametersVersion | version of the network's parameters agreed to        |
/// | 48   | none              | zero                                                 |
type JobRules is uint256;

using JobRulesLibrary for JobRules global;

/// @notice Reads and writes the packed rules of a job.
library JobRulesLibrary {
    /// @notice The same rules, one field each.
    struct Fields {
        Funding funding;
        Verification verification;
        Trust trust;
        uint8 replicas;
        uint8 quorum;
        uint40 assignBy;
        uint40 completeBy;
        uint64 serviceLevel;
        uint24 parametersVersion;
    }

    /// @notice Packs the fields.
    function pack(Fields memory f) internal pure returns (JobRules) {
        uint256 word = uint256(uint8(f.funding)) | (uint256(uint8(f.verification)) << 8)
            | (uint256(uint8(f.trust)) << 16) | (uint256(f.replicas) << 24);
        word |= (uint256(f.quorum) << 32) | (uint256(f.assignBy) << 40)
            | (uint256(f.completeBy) << 80) | (uint256(f.serviceLevel) << 120)
            | (uint256(f.parametersVersion) << 184);
        return JobRules.wrap(word);
    }

    /// @notice Whether every enumeration has a known member and the unused bits are zero.
    function isWellFormed(JobRules r) internal pure returns (bool) {
        uint256 word = JobRules.unwrap(r);
        return word & 0xff <= uint8(type(Funding).max)
            && (word >> 8) & 0xff <= uint8(type(Verification).max)
            && (word >> 16) & 0xff <= uint8(type(Trust).max) && word >> 208 == 0;
    }

    /// @notice Where the money comes from.
    function funding(JobRules r) internal pure returns (Funding) {
        return Funding(uint8(JobRules.unwrap(r)));
    }

    /// @notice How results are checked.
    function verification(JobRules r) internal pure returns (Verification) {
        return Verification(uint8(JobRules.unwrap(r) >> 8));
    }

    /// @notice Who may execute.
    function trust(JobRules r) internal pure returns (Trust) {
        return Trust(uint8(JobRules.unwrap(r) >> 16));
    }

    /// @notice Nodes that are to execute the job.
    function replicas(JobRules r) internal pure returns (uint256) {
        return uint8(JobRules.unwrap(r) >> 24);
    }

    /// @notice Equal signatures that make a result.
    function quorum(JobRules r) internal pure returns (uint256) {
        return uint8(JobRules.unwrap(r) >> 32);
    }

    /// @notice First moment at which assigning is too late, Unix seconds.
    function assignBy(JobRules r) internal pure returns (uint40) {
        return uint40(JobRules.unwrap(r) >> 40);
    }

    /// @notice First moment at which a result is late, Unix seconds.
    function completeBy(JobRules r) internal pure returns (uint40) {
        return uint40(JobRules.unwrap(r) >> 80);
    }

    /// @notice Service level that the job asks for, zero for none.
    function serviceLevel(JobRules r) internal pure returns (uint64) {
        return uint64(JobRules.unwrap(r) >> 120);
    }

    /// @notice Version of the network's parameters that the client agreed to.
    function parametersVersion(JobRules r) internal pure returns (uint24) {
        return uint24(JobRules.unwrap(r) >> 184);
    }
}
