// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { NodeId } from "../../../contracts/types/NodeId.sol";
import { RegistryTest } from "./RegistryTest.sol";

contract NodeRegistryNodeOfSigner is RegistryTest {
    function test_TellsTheNodeOfASigner() public view {
        assertEq(NodeId.unwrap(house.registry.nodeOfSigner(node.signer)), NodeId.unwrap(node.id));
    }

    function test_StrangersAndZeroHaveNone() public view {
        assertEq(NodeId.unwrap(house.registry.nodeOfSigner(stranger)), 0);
        assertEq(NodeId.unwrap(house.registry.nodeOfSigner(address(0))), 0);
    }
}
