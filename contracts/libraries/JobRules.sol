// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../interfaces/IJobMachine.sol";
import { JobParameters } from "../types/JobParameters.sol";
import { Funding, JobTerms, Trust } from "../types/JobTerms.sol";
import { NodeId } from "../types/NodeId.sol";
import { Seat } from "../types/Seat.sol";
import { PpmMath } from "./PpmMath.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title Job rules
/// @notice What terms are allowed, and the amounts that follow from them.
library JobRules {
    using PpmMath for uint256;
    using SafeCast for uint256;

    /// @notice Most nodes that one assignment may hold: the width of the signers' bitmap.
    uint256 internal constant MAX_NODES = 16;

    /// @notice Refuses terms that no honest party could meet.
    function requireValid(JobTerms calldata terms, JobParameters parameters) internal view {
        uint24 version = parameters.version();
        require(
            version != 0 && version == terms.parametersVersion,
            IJobMachine.JobManagerStaleParameters(terms.token, terms.parametersVersion, version)
        );
        _require(terms.specification != 0, "specification", 0, 1);
        _require(terms.maxPrice != 0, "maxPrice", 0, 1);
        uint256 reserved = uint256(terms.maxPrice) + terms.tip;
        _require(reserved <= type(uint128).max, "tip", reserved, type(uint128).max);
        _require(
            terms.replicas != 0 && terms.replicas <= MAX_NODES,
            "replicas",
            terms.replicas,
            MAX_NODES
        );
        _require(terms.quorum <= terms.replicas, "quorum", terms.quorum, terms.replicas);
        uint256 majority = uint256(terms.replicas) / 2 + 1;
        _require(terms.quorum >= majority, "quorum", terms.quorum, majority);
        _require(terms.assignBy > block.timestamp, "assignBy", terms.assignBy, block.timestamp);
        _require(
            terms.completeBy > terms.assignBy, "completeBy", terms.completeBy, terms.assignBy
        );
        uint256 latest = block.timestamp + parameters.maxJobSeconds();
        _require(terms.completeBy <= latest, "completeBy", terms.completeBy, latest);
        bool pulledRate = terms.ratePerSecond != 0 && terms.funding == Funding.PullAtSettlement;
        _require(!pulledRate, "funding", uint8(terms.funding), uint8(Funding.Allowance));
    }

    /// @notice Stake that each bonded node locks, in base units of TLY, rounded up; zero where anybody may work.
    function lockUp(JobTerms calldata terms, JobParameters parameters)
        internal
        pure
        returns (uint128)
    {
        if (terms.trust == Trust.Any) return 0;
        uint256 value = uint256(terms.maxPrice) * 10 ** parameters.lockShift();
        return value.shareUp(parameters.lockPpm()).toUint128();
    }

    /// @notice Bond of a challenge, in base units of the job's token, rounded up.
    function challengeBondUp(JobTerms calldata terms, JobParameters parameters)
        internal
        pure
        returns (uint128)
    {
        return uint128(uint256(terms.maxPrice).shareUp(parameters.challengeBondPpm()));
    }

    /// @notice Whether no node occurs twice. Quadratic, over at most `MAX_NODES`.
    function areDistinct(Seat[] memory seats) internal pure returns (bool) {
        for (uint256 i = 1; i < seats.length; ++i) {
            NodeId node = seats[i].node();
            for (uint256 j; j < i; ++j) {
                if (seats[j].node() == node) return false;
            }
        }
        return true;
    }

    function _require(bool ok, bytes32 term, uint256 given, uint256 bound) private pure {
        require(ok, IJobMachine.JobManagerInvalidTerm(term, given, bound));
    }
}
