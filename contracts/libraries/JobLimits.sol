// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../interfaces/IJobMachine.sol";
import { Job } from "../types/Job.sol";
import { Funding, JobRules, Trust } from "../types/JobRules.sol";
import { NodeId } from "../types/NodeId.sol";
import { Seat } from "../types/Seat.sol";
import { PpmMath } from "./PpmMath.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title Job limits
/// @notice What terms are allowed, and the amounts of stake and bonds that follow from them.
library JobLimits {
    using PpmMath for uint256;
    using SafeCast for uint256;

    /// @notice Most nodes that one assignment may hold: the width of the signers' bitmap.
    uint256 internal constant MAX_NODES = 16;

    /// @notice Refuses terms that no honest party could meet.
    function requireValid(bytes32 specification, Job memory job) internal view {
        JobRules rules = job.rules;
        uint24 version = job.parameters.version();
        require(
            version != 0 && version == rules.parametersVersion(),
            IJobMachine.JobManagerStaleParameters(job.token, rules.parametersVersion(), version)
        );
        _require(specification != 0, "specification", 0, 1);
        _require(rules.isWellFormed(), "rules", JobRules.unwrap(rules), 0);
        _require(job.price.maxPrice() != 0, "maxPrice", 0, 1);

        uint256 replicas = rules.replicas();
        _require(replicas != 0 && replicas <= MAX_NODES, "replicas", replicas, MAX_NODES);
        uint256 quorum = rules.quorum();
        _require(quorum <= replicas, "quorum", quorum, replicas);
        _require(quorum > replicas / 2, "quorum", quorum, replicas / 2 + 1);

        (uint256 assignBy, uint256 completeBy) = (rules.assignBy(), rules.completeBy());
        _require(assignBy > block.timestamp, "assignBy", assignBy, block.timestamp);
        _require(completeBy > assignBy, "completeBy", completeBy, assignBy);
        uint256 latest = block.timestamp + job.parameters.maxJobSeconds();
        _require(completeBy <= latest, "completeBy", completeBy, latest);
        if (job.price.ratePerSecond() != 0) {
            Funding funding = rules.funding();
            _require(
                funding != Funding.PullAtSettlement,
                "funding",
                uint8(funding),
                uint8(Funding.Allowance)
            );
        }
    }

    /// @notice Stake that each bonded node locks, in base units of TLY, rounded up; zero where
    /// anybody may work.
    function lockUp(Job calldata job) internal pure returns (uint128) {
        if (job.rules.trust() == Trust.Any) return 0;
        uint256 value = uint256(job.price.maxPrice()) * 10 ** job.parameters.lockShift();
        return value.shareUp(job.parameters.lockPpm()).toUint128();
    }

    /// @notice Bond of a challenge, in base units of the job's token, rounded up.
    function challengeBondUp(Job calldata job) internal pure returns (uint128) {
        return uint128(uint256(job.price.maxPrice()).shareUp(job.parameters.challengeBondPpm()));
    }

    /// @notice Whether no signer and no node occurs twice. Quadratic, over at most `MAX_NODES`.
    /// @param first Seats that are taken already. A node may have rotated its signer since, so they
    /// are compared by node too.
    /// @param second Seats to add, with the present signers of their nodes: one signer, one node.
    function areDistinct(Seat[] calldata first, Seat[] calldata second)
        internal
        pure
        returns (bool)
    {
        for (uint256 i; i < second.length; ++i) {
            address signer = second[i].signer();
            for (uint256 j; j < first.length; ++j) {
                if (first[j].signer() == signer) return false;
                NodeId node = second[i].node();
                if (NodeId.unwrap(node) != 0 && first[j].node() == node) return false;
            }
            for (uint256 j; j < i; ++j) {
                if (second[j].signer() == signer) return false;
            }
        }
        return true;
    }

    function _require(bool ok, bytes32 term, uint256 given, uint256 bound) private pure {
        require(ok, IJobMachine.JobManagerInvalidTerm(term, given, bound));
    }
}
