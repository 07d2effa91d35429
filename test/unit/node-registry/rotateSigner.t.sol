// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { NodeId } from "../../../contracts/types/NodeId.sol";
import { RegistryTest } from "./RegistryTest.sol";

contract NodeRegistryRotateSigner is RegistryTest {
    address internal signer;
    uint256 internal key;

    function setUp() public override {
        super.setUp();
        (signer, key) = makeAddrAndKey("next signer");
    }

    function test_ReplacesTheSignerAndRemembersTheOldOne() public {
        bytes memory consent = consentOf(key, node.operator);
        vm.expectEmit(address(house.registry));
        emit INodeRegistry.NodeSignerRotated(node.id, signer);
        rotate(consent);
        assertEq(house.registry.nodeOf(node.id).signer, signer);
        assertEq(NodeId.unwrap(house.registry.nodeOfSigner(signer)), NodeId.unwrap(node.id));
        assertEq(NodeId.unwrap(house.registry.nodeOfSigner(node.signer)), NodeId.unwrap(node.id));
    }

    function test_UnfreezesTheNode() public {
        freezeNode();
        rotate(consentOf(key, node.operator));
        assertFalse(house.registry.nodeOf(node.id).frozen);
    }

    function test_WorksInJail() public {
        jailNode();
        rotate(consentOf(key, node.operator));
        assertEq(house.registry.nodeOf(node.id).signer, signer);
        assertStatus(INodeRegistry.NodeStatus.Jailed);
    }

    function test_RevertWhen_SignerIsThePresentOne() public {
        bytes memory consent = consentOf(node.key, node.operator);
        expectSignerTaken(node.signer, node.id);
        vm.prank(node.operator);
        house.registry.rotateSigner(node.id, node.signer, consent);
    }

    function test_RevertWhen_SignerWasThePreviousOne() public {
        rotate(consentOf(key, node.operator));
        bytes memory consent = consentOf(node.key, node.operator);
        expectSignerTaken(node.signer, node.id);
        vm.prank(node.operator);
        house.registry.rotateSigner(node.id, node.signer, consent);
    }

    function test_RevertWhen_SignerDidNotConsent() public {
        bytes memory consent = consentOf(key, stranger);
        expectNoConsent(signer, node.operator);
        rotate(consent);
    }

    function test_RevertWhen_CallerIsNotTheOperator() public {
        bytes memory consent = consentOf(key, stranger);
        expectNotOperator(stranger, node.operator);
        vm.prank(stranger);
        house.registry.rotateSigner(node.id, signer, consent);
    }

    function test_RevertWhen_NodeIsUnknown() public {
        expectUnknownNode();
        house.registry.rotateSigner(UNKNOWN, signer, "");
    }

    function test_RevertGiven_NodeIsRetired() public {
        retireNode();
        bytes memory consent = consentOf(key, node.operator);
        expectUnexpectedStatus(INodeRegistry.NodeStatus.Retired, BEFORE_RETIREMENT);
        rotate(consent);
    }

    function rotate(bytes memory consent) private {
        vm.prank(node.operator);
        house.registry.rotateSigner(node.id, signer, consent);
    }
}
