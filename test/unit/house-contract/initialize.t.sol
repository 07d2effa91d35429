// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { NodeRegistry } from "../../../contracts/nodes/NodeRegistry.sol";
import { HouseContractTest } from "./HouseContractTest.sol";
import { ERC1967Proxy } from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";

contract HouseContractInitialize is HouseContractTest {
    function test_GivesTheFirstAdminItsRoles() public {
        address implementation = address(implementationOf(proxies[0]));
        bytes memory call = abi.encodeCall(NodeRegistry.initialize, (stranger));
        NodeRegistry fresh = NodeRegistry(address(new ERC1967Proxy(implementation, call)));
        assertTrue(fresh.hasRole(fresh.DEFAULT_ADMIN_ROLE(), stranger));
        assertTrue(fresh.hasRole(keccak256("UPGRADER_ROLE"), stranger));
        assertFalse(fresh.paused());
    }

    /// @dev Every upgradeable contract of the house has this initializer.
    function test_RevertGiven_AProxyWasInitialized() public {
        for (uint256 i; i < proxies.length; ++i) {
            vm.expectRevert(Initializable.InvalidInitialization.selector);
            NodeRegistry(address(proxies[i])).initialize(stranger);
        }
    }

    function test_RevertWhen_AnImplementationIsInitialized() public {
        for (uint256 i; i < proxies.length; ++i) {
            address implementation = address(implementationOf(proxies[i]));
            vm.expectRevert(Initializable.InvalidInitialization.selector);
            NodeRegistry(implementation).initialize(stranger);
        }
    }
}
