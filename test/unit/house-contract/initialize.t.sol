// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../../contracts/base/HouseContract.sol";
import { HouseContractTest } from "./HouseContractTest.sol";
import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";

contract HouseContractInitialize is HouseContractTest {
    function test_GivesTheFirstAdminItsRoles() public {
        address implementation = address(implementationOf(proxies[0]));
        HouseContract fresh =
            HouseContract(_create("HouseProxy", abi.encode(implementation, stranger)));
        assertTrue(fresh.hasRole(fresh.DEFAULT_ADMIN_ROLE(), stranger));
        assertTrue(fresh.hasRole(keccak256("UPGRADER_ROLE"), stranger));
        assertFalse(fresh.paused());
    }

    function test_RevertGiven_AProxyWasInitialized() public {
        for (uint256 i; i < proxies.length; ++i) {
            vm.expectRevert(Initializable.InvalidInitialization.selector);
            proxies[i].initialize(stranger);
        }
    }

    function test_RevertWhen_AnImplementationIsInitialized() public {
        for (uint256 i; i < proxies.length; ++i) {
            HouseContract implementation = implementationOf(proxies[i]);
            vm.expectRevert(Initializable.InvalidInitialization.selector);
            implementation.initialize(stranger);
        }
    }
}
