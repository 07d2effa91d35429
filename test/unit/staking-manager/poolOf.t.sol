// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IStakingManager } from "../../../contracts/interfaces/IStakingManager.sol";
import { StakingTest } from "./StakingTest.sol";

contract StakingManagerPoolOf is StakingTest {
    function test_TellsThePool() public {
        bond(staker, AMOUNT);
        lockStake(AMOUNT / 2);
        thaw(staker, AMOUNT * SHARES / 4);
        assertEq(
            abi.encode(pool()),
            abi.encode(
                IStakingManager.Pool({
                    stake: AMOUNT * 3 / 4,
                    locked: AMOUNT / 2,
                    shares: AMOUNT * SHARES * 3 / 4,
                    thawing: AMOUNT / 4,
                    thawShares: AMOUNT * SHARES / 4,
                    epoch: 0
                })
            )
        );
    }

    function test_UnknownPoolsAreEmpty() public view {
        IStakingManager.Pool memory nothing;
        assertEq(abi.encode(house.staking.poolOf(UNKNOWN)), abi.encode(nothing));
    }
}
