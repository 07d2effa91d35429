// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../../contracts/base/HouseContract.sol";
import { Roles } from "../../../contracts/base/Roles.sol";
import { HouseContractTest } from "./HouseContractTest.sol";
import {
    PausableUpgradeable
} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";

contract HouseContractPause is HouseContractTest {
    function test_ThePauserPausesWhatTakesJobsAndDeposits() public {
        HouseContract[3] memory contracts = pausable();
        for (uint256 i; i < contracts.length; ++i) {
            assertFalse(contracts[i].paused());
            vm.expectEmit(address(contracts[i]));
            emit PausableUpgradeable.Paused(pauser);
            vm.prank(pauser);
            contracts[i].pause();
            assertTrue(contracts[i].paused());
        }
    }

    function test_RevertWhen_CallerIsNotThePauser() public {
        for (uint256 i; i < proxies.length; ++i) {
            expectMissingRole(address(house.timelock), Roles.PAUSER);
            vm.prank(address(house.timelock));
            proxies[i].pause();
            expectMissingRole(stranger, Roles.PAUSER);
            vm.prank(stranger);
            proxies[i].pause();
        }
    }

    function test_RevertGiven_ItIsPaused() public {
        vm.startPrank(pauser);
        proxies[2].pause();
        vm.expectRevert(PausableUpgradeable.EnforcedPause.selector);
        proxies[2].pause();
        vm.stopPrank();
    }
}
