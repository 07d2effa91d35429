// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../../contracts/base/HouseContract.sol";
import { Roles } from "../../../contracts/base/Roles.sol";
import { HouseContractTest } from "./HouseContractTest.sol";
import {
    PausableUpgradeable
} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";

contract HouseContractUnpause is HouseContractTest {
    function test_ThePauserResumes() public {
        HouseContract[3] memory contracts = pausable();
        for (uint256 i; i < contracts.length; ++i) {
            vm.startPrank(pauser);
            contracts[i].pause();
            vm.expectEmit(address(contracts[i]));
            emit PausableUpgradeable.Unpaused(pauser);
            contracts[i].unpause();
            vm.stopPrank();
            assertFalse(contracts[i].paused());
        }
    }

    function test_TheTimelockCanReplaceAPauserThatDoesNotResume() public {
        HouseContract staking = proxies[2];
        vm.prank(pauser);
        staking.pause();
        vm.startPrank(address(house.timelock));
        staking.revokeRole(Roles.PAUSER, pauser);
        staking.grantRole(Roles.PAUSER, address(house.timelock));
        staking.unpause();
        vm.stopPrank();
        assertFalse(staking.paused());
    }

    function test_RevertWhen_CallerIsNotThePauser() public {
        vm.prank(pauser);
        proxies[2].pause();
        expectMissingRole(stranger, Roles.PAUSER);
        vm.prank(stranger);
        proxies[2].unpause();
    }

    function test_RevertGiven_ItIsNotPaused() public {
        vm.expectRevert(PausableUpgradeable.ExpectedPause.selector);
        vm.prank(pauser);
        proxies[2].unpause();
    }
}
