// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobPrice, JobPriceLibrary } from "../../contracts/types/JobPrice.sol";
import { Test } from "forge-std/Test.sol";

/// @notice Prices in one word.
contract JobPriceFuzz is Test {
    function testFuzz_RoundTrips(uint96 maxPrice, uint96 rate, uint64 tip) public pure {
        JobPrice price = JobPriceLibrary.pack(maxPrice, rate, tip);
        assertEq(price.maxPrice(), maxPrice);
        assertEq(price.ratePerSecond(), rate);
        assertEq(price.tip(), tip);
        assertEq(price.reserved(), uint256(maxPrice) + tip);
    }

    function testFuzz_EveryWordIsExactlyItsFields(uint256 word) public pure {
        JobPrice price = JobPrice.wrap(word);
        JobPrice again = JobPriceLibrary.pack(
            uint96(price.maxPrice()), uint96(price.ratePerSecond()), uint64(price.tip())
        );
        assertEq(JobPrice.unwrap(again), word);
    }

    function test_TheLargestPriceDoesNotOverflow() public pure {
        JobPrice price = JobPrice.wrap(type(uint256).max);
        assertEq(price.reserved(), uint256(type(uint96).max) + type(uint64).max);
    }
}
