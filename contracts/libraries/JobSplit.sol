// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IPaymentManager } from "../interfaces/IPaymentManager.sol";
import { JobParameters } from "../types/JobParameters.sol";
import { Assignment, Job } from "../types/JobTerms.sol";
import { PpmMath } from "./PpmMath.sol";

/// @title Job split
/// @notice Who earns what of a job's price. Every share is rounded down and what no share takes stays with the payer.
library JobSplit {
    using PpmMath for uint256;

    /// @notice Number of set bits.
    function count(uint256 bitmap) internal pure returns (uint256 bits) {
        for (; bitmap != 0; bitmap &= bitmap - 1) {
            ++bits;
        }
    }

    /// @notice What one role each earns, in base units of the job's token.
    struct Shares {
        uint128 coordinator;
        uint128 protocol;
        /// For the performer: the first node of the assignment that signed.
        uint128 performer;
        /// For each further node that signed.
        uint128 secondary;
    }

    /// @notice Splits the price of a result.
    ///
    /// With price p, shares c (coordinator), s (secondaries), f (protocol) and r replicas:
    /// coordinator floor(p c); protocol floor(p f); each secondary floor(floor(p s) / max(r, signed) - 1); performer
    /// p - floor(p c) - floor(p f) - floor(p s). With one replica and one signer there are no secondaries and s counts
    /// as zero. What secondaries that did not sign would have earned stays with the payer.
    ///
    /// @param price Base units of the job's token.
    /// @param signed How many signers are paid.
    function sharesOf(Job calldata job, uint256 price, uint256 signed)
        internal
        pure
        returns (Shares memory shares)
    {
        JobParameters parameters = job.parameters;
        shares.coordinator = uint128(price.shareDown(parameters.coordinatorPpm()));
        shares.protocol = uint128(price.shareDown(parameters.protocolPpm()));
        uint256 work = price - shares.coordinator - shares.protocol;
        uint256 nodes = signed > job.terms.replicas ? signed : job.terms.replicas;
        if (nodes > 1) {
            uint256 pool = price.shareDown(parameters.secondariesPpm());
            shares.secondary = uint128(pool / (nodes - 1));
            work -= pool;
        }
        shares.performer = uint128(work);
    }

    /// @notice Turns the shares and the tip into credits.
    /// @param paid The signers that are paid, as a bitmap.
    /// @param settler Who gets the tip; the coordinator's signer gets it on its node's account.
    /// @return credits The coordinator first, then the signers in order, then the settler where it is another.
    function creditsOf(
        Shares memory shares,
        Assignment calldata assignment,
        uint256 paid,
        uint128 tip,
        address settler
    ) internal pure returns (IPaymentManager.Credit[] memory credits) {
        bool tipped = settler != assignment.coordinator.signer();
        uint256 last = count(paid) + 1;
        credits = new IPaymentManager.Credit[](tipped ? last + 1 : last);
        credits[0].account = assignment.coordinator.node().accountOf();
        credits[0].amount = tipped ? shares.coordinator : shares.coordinator + tip;
        if (tipped) credits[last] = IPaymentManager.Credit(settler, tip);

        uint256 place = 1;
        for (uint256 i; place < last; ++i) {
            if (paid & (1 << i) == 0) continue;
            credits[place].account = assignment.nodes[i].node().accountOf();
            credits[place].amount = place == 1 ? shares.performer : shares.secondary;
            ++place;
        }
    }
}
