// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { PpmMath } from "../../contracts/libraries/PpmMath.sol";
import { HouseTest } from "../base/HouseTest.sol";

contract PpmMathFuzz is HouseTest {
    uint256 internal constant WHOLE = 1_000_000;

    /// @dev down <= exact <= up, each within one unit, and equal where the share is exact.
    function testFuzz_DownAndUpEncloseTheExactShare(uint128 amount, uint32 ppm) public pure {
        uint256 down = PpmMath.shareDown(amount, ppm);
        uint256 up = PpmMath.shareUp(amount, ppm);
        uint256 exact = uint256(amount) * ppm; // in millionths of a unit
        assertLe(down * WHOLE, exact);
        assertLt(exact - down * WHOLE, WHOLE);
        assertGe(up * WHOLE, exact);
        assertLt(up * WHOLE - exact, WHOLE);
        assertEq(up - down, exact % WHOLE == 0 ? 0 : 1);
    }

    /// @dev A share and its complement, rounded in opposite directions, are the whole.
    function testFuzz_PartsSumToTheWhole(uint128 amount, uint32 ppm) public pure {
        ppm = uint32(bound(ppm, 0, WHOLE));
        assertEq(PpmMath.shareDown(amount, ppm) + PpmMath.shareUp(amount, WHOLE - ppm), amount);
    }

    /// @dev Any number of shares that are rounded down leave a remainder that is never negative.
    function testFuzz_SharesRoundedDownNeverExceedTheWhole(uint128 amount, uint32[5] memory parts)
        public
        pure
    {
        uint256 left = WHOLE;
        uint256 sum;
        for (uint256 i; i < parts.length; ++i) {
            uint256 ppm = bound(parts[i], 0, left);
            left -= ppm;
            sum += PpmMath.shareDown(amount, ppm);
        }
        sum += PpmMath.shareDown(amount, left);
        assertLe(sum, amount);
        assertLe(amount - sum, parts.length);
    }

    function testFuzz_TheWholeAndNothingAreExact(uint128 amount) public pure {
        assertEq(PpmMath.shareDown(amount, WHOLE), amount);
        assertEq(PpmMath.shareUp(amount, WHOLE), amount);
        assertEq(PpmMath.shareDown(amount, 0), 0);
        assertEq(PpmMath.shareUp(amount, 0), 0);
    }
}
