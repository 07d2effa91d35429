// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IStakingManager } from "../../../contracts/interfaces/IStakingManager.sol";
import { StakingTest } from "./StakingTest.sol";

contract StakingManagerPositionOf is StakingTest {
    function test_TellsThePosition() public {
        bond(staker, AMOUNT);
        thaw(staker, AMOUNT * SHARES / 4);
        deposit(staker, 7);
        assertEq(
            abi.encode(positionOf(staker)),
            abi.encode(
                IStakingManager.Position({
                    pending: 7,
                    pendingUntil: uint40(block.timestamp) + MATURITY,
                    thawedAt: uint40(block.timestamp) + THAW,
                    epoch: 0,
                    shares: AMOUNT * SHARES * 3 / 4,
                    thawShares: AMOUNT * SHARES / 4
                })
            )
        );
    }

    function test_StrangersHaveNone() public view {
        IStakingManager.Position memory nothing;
        assertEq(abi.encode(positionOf(stranger)), abi.encode(nothing));
    }
}
