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

    /// A price and who shares it.
    struct Case {
        uint128 price;
        uint24 coordinatorPpm;
        uint24 secondariesPpm;
        uint24 protocolPpm;
        uint8 replicas;
        uint8 signed;
    }

    function testFuzz_EveryShareIsItsFormula(Case memory c) public pure {
        JobSplit.Shares memory shares = _split(c);
        uint256 price = c.price;
        uint256 nodes = c.replicas > c.signed ? c.replicas : c.signed;
        uint256 pool = nodes > 1 ? price * c.secondariesPpm / WHOLE : 0;
        assertEq(shares.coordinator, price * c.coordinatorPpm / WHOLE);
        assertEq(shares.protocol, price * c.protocolPpm / WHOLE);
        assertEq(shares.secondary, nodes > 1 ? pool / (nodes - 1) : 0);
        assertEq(shares.performer, price - shares.coordinator - shares.protocol - pool);
    }

    function testFuzz_NothingIsMadeAndTheDustIsThePayers(Case memory c) public pure {
        JobSplit.Shares memory shares = _split(c);
        uint256 secondaries = c.signed - 1;
        uint256 sum = uint256(shares.coordinator) + shares.protocol + shares.performer
            + shares.secondary * secondaries;
        assertLe(sum, c.price);
        // Where every node signed, less than one unit per secondary is left.
        if (c.signed >= c.replicas) {
            assertLt(c.price - sum, secondaries == 0 ? 1 : secondaries);
        }
    }

    function testFuzz_AnotherSignerNeverRaisesWhatTheOthersEarn(
        uint128 price,
        uint24 s,
        uint8 replicas,
        uint8 signed
    ) public pure {
        (uint256 r, uint256 k) = (bound(replicas, 2, 16), bound(signed, 1, 15));
        JobParameters p = _parameters(0, bound(s, 0, WHOLE), 0);
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

    /// Brings the case within bounds first.
    function _split(Case memory c) private pure returns (JobSplit.Shares memory) {
        c.coordinatorPpm = uint24(bound(c.coordinatorPpm, 0, MAX_FEE_PPM));
        c.protocolPpm = uint24(bound(c.protocolPpm, 0, MAX_FEE_PPM));
        uint256 rest = WHOLE - c.coordinatorPpm - c.protocolPpm;
        c.secondariesPpm = uint24(bound(c.secondariesPpm, 0, rest));
        c.replicas = uint8(bound(c.replicas, 1, 16));
        c.signed = uint8(bound(c.signed, 1, 16));
        JobParameters p = _parameters(c.coordinatorPpm, c.secondariesPpm, c.protocolPpm);
        return JobSplit.sharesOf(p, c.price, c.replicas, c.signed);
    }

    function _parameters(uint256 c, uint256 s, uint256 f) private pure returns (JobParameters) {
        JobParametersLibrary.Fields memory fields;
        (fields.coordinatorPpm, fields.secondariesPpm) = (uint24(c), uint24(s));
        fields.protocolPpm = uint24(f);
        return JobParametersLibrary.pack(fields);
    }
}
