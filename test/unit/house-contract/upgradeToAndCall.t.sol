// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../../contracts/base/HouseContract.sol";
import { Roles } from "../../../contracts/base/Roles.sol";
import { DevelopmentDollar } from "../../tokens/DevelopmentDollar.sol";
import { HouseContractTest } from "./HouseContractTest.sol";
import { ERC1967Utils } from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";
import { UUPSUpgradeable } from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";

/// @notice Answers as if another slot held its implementation.
contract WrongSlot {
    function proxiableUUID() external pure returns (bytes32) {
        return keccak256("another slot");
    }
}

contract HouseContractUpgradeToAndCall is HouseContractTest {
    function test_TheTimelockReplacesTheImplementation() public {
        for (uint256 i; i < proxies.length; ++i) {
            address next = address(new Successor());
            vm.prank(address(house.timelock));
            proxies[i].upgradeToAndCall(next, "");
            assertEq(address(implementationOf(proxies[i])), next);
        }
    }

    function test_RevertWhen_CallerIsNotTheTimelock() public {
        address next = address(new Successor());
        address[5] memory callers =
            [address(this), pauser, committee, treasury, address(house.governor)];
        for (uint256 i; i < proxies.length; ++i) {
            for (uint256 j; j < callers.length; ++j) {
                expectMissingRole(callers[j], Roles.UPGRADER);
                vm.prank(callers[j]);
                proxies[i].upgradeToAndCall(next, "");
            }
        }
    }

    function test_RevertWhen_ImplementationIsNotUpgradeable() public {
        DevelopmentDollar next = new DevelopmentDollar();
        vm.expectRevert(
            abi.encodeWithSelector(
                ERC1967Utils.ERC1967InvalidImplementation.selector, address(next)
            )
        );
        vm.prank(address(house.timelock));
        proxies[2].upgradeToAndCall(address(next), "");
    }

    function test_RevertWhen_ImplementationIsForAnotherSlot() public {
        WrongSlot next = new WrongSlot();
        vm.expectRevert(
            abi.encodeWithSelector(
                UUPSUpgradeable.UUPSUnsupportedProxiableUUID.selector, next.proxiableUUID()
            )
        );
        vm.prank(address(house.timelock));
        proxies[2].upgradeToAndCall(address(next), "");
    }

    function test_RevertWhen_TheImplementationItselfIsCalled() public {
        HouseContract implementation = implementationOf(proxies[2]);
        address next = address(new Successor());
        vm.expectRevert(UUPSUpgradeable.UUPSUnauthorizedCallContext.selector);
        vm.prank(address(house.timelock));
        implementation.upgradeToAndCall(next, "");
    }
}

/// @notice The least that can follow an implementation.
contract Successor is HouseContract { }
