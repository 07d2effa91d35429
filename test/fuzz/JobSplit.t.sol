// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobSplit } from "../../contracts/libraries/JobSplit.sol";
import { PpmMath } from "../../contracts/libraries/PpmMath.sol";
import { JobParameters, JobParametersLibrary } from "../../contracts/types/JobParameters.sol";
import { Test } from "forge-std/Test.sol";

/// @notice Who earns what.
contract JobSplitFuzz is Test {
    uint256 private constant WHOLE = 1_000_000;
    uint256 private constant MAX_FEE_PPM = 200_000;

    function testFuzz_EveryShareIsItsFormula(
        uint128 price,
        uint24 c,
        uint24 s,
        uint24 f,
        uint8 replicas,
        uint8 signed
    ) public pure {
        (uint256 cPpm, uint256 sPpm, uint256 fPpm) = _shares(c, s, f);
        (uint256 r, uint256 k) = (bound(replicas, 1, 16), bound(signed, 1, 16));
        JobSplit.Shares memory shares =
            JobSplit.sharesOf(_parameters(cPpm, sPpm, fPpm), price, r, k);

        uint256 nodes = r > k ? r : k;
        uint256 pool = nodes > 1 ? uint256(price) * sPpm / WHOLE : 0;
        uint256 coordinator = uint256(price) * cPpm / WHOLE;
        uint256 protocol = uint256(price) * fPpm / WHOLE;
        assertEq(shares.coordinator, coordinator);
        assertEq(shares.protocol, protocol);
        assertEq(shares.secondary, nodes > 1 ? pool / (nodes - 1) : 0);
        assertEq(shares.performer, price - coordinator - protocol - pool);
    }

    function testFuzz_NothingIsMadeAndTheDustIsThePayers(
        uint128 price,
        uint24 c,
        uint24 s,
        uint24 f,
        uint8 replicas,
        uint8 signed
    ) public pure {
        (uint256 cPpm, uint256 sPpm, uint256 fPpm) = _shares(c, s, f);
        (uint256 r, uint256 k) = (bound(replicas, 1, 16), bound(signed, 1, 16));
        JobSplit.Shares memory shares =
            JobSplit.sharesOf(_parameters(cPpm, sPpm, fPpm), price, r, k);

        uint256 sum = uint256(shares.coordinator) + shares.protocol + shares.performer
            + shares.secondary * (k - 1);
        assertLe(sum, price);
        // Where every node signed, less than one unit per secondary is left.
        if (k >= r) assertLt(price - sum, k == 1 ? 1 : k - 1);
    }

    function testFuzz_AnotherSignerNeverRaisesWhatTheOthersEarn(
        uint128 price,
        uint24 s,
        uint8 replicas,
        uint8 signed
    ) public pure {
        (uint256 r, uint256 k) = (bound(replicas, 2, 16), bound(signed, 1, 15));
        (, uint256 sPpm,) = _shares(0, s, 0);
        JobParameters p = _parameters(0, sPpm, 0);
        JobSplit.Shares memory fewer = JobSplit.sharesOf(p, price, r, k);
        JobSplit.Shares memory more = JobSplit.sharesOf(p, price, r, k + 1);
        assertLe(more.secondary, fewer.secondary);
        assertEq(more.performer, fewer.performer);
    }

    function testFuzz_CountsBits(uint256 bitmap) public pure {
        uint256 bits;
        for (uint256 i; i < 256; ++i) {
            bits += (bitmap >> i) & 1;
        }
        assertEq(JobSplit.count(bitmap), bits);
    }

    function testFuzz_RoundingIsInTheName(uint128 amount, uint32 ppm) public pure {
        uint256 product = uint256(amount) * ppm;
        uint256 down = PpmMath.shareDown(amount, ppm);
        uint256 up = PpmMath.shareUp(amount, ppm);
        assertEq(down, product / WHOLE);
        assertEq(up, product % WHOLE == 0 ? down : down + 1);
    }

    function _shares(uint24 c, uint24 s, uint24 f)
        private
        pure
        returns (uint256 cPpm, uint256 sPpm, uint256 fPpm)
    {
        (cPpm, fPpm) = (bound(c, 0, MAX_FEE_PPM), bound(f, 0, MAX_FEE_PPM));
        sPpm = bound(s, 0, WHOLE - cPpm - fPpm);
    }

    function _parameters(uint256 c, uint256 s, uint256 f) private pure returns (JobParameters) {
        JobParametersLibrary.Fields memory fields;
        (fields.coordinatorPpm, fields.secondariesPpm) = (uint24(c), uint24(s));
        fields.protocolPpm = uint24(f);
        return JobParametersLibrary.pack(fields);
    }
}
