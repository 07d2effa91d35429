// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { NodeId } from "../../../contracts/types/NodeId.sol";
import { RegistryTest } from "./RegistryTest.sol";

contract NodeRegistryRegister is RegistryTest {
    address internal operator = makeAddr("operator");
    address internal signer;
    uint256 internal key;

    function setUp() public override {
        super.setUp();
        (signer, key) = makeAddrAndKey("signer");
    }

    function test_StoresTheNodeAndTellsItsId() public {
        INodeRegistry.NodeProfile memory profile = profileOf(WORKER | COORDINATOR);
        bytes memory consent = consentOf(key, operator);
        NodeId expected = NodeId.wrap(house.registry.nodeCount() + 1);
        vm.expectEmit(address(house.registry));
        emit INodeRegistry.NodeRegistered(expected, operator, signer, profile);
        vm.prank(operator);
        NodeId id = house.registry.register(signer, consent, profile);

        assertEq(NodeId.unwrap(id), NodeId.unwrap(expected));
        INodeRegistry.Node memory stored = house.registry.nodeOf(id);
        assertEq(stored.signer, signer);
        assertEq(uint8(stored.status), uint8(INodeRegistry.NodeStatus.Registered));
        assertEq(stored.roles, WORKER | COORDINATOR);
        assertFalse(stored.vetted);
        assertFalse(stored.frozen);
        assertEq(stored.region, profile.region);
        assertEq(stored.operator, operator);
        assertEq(stored.successor, address(0));
        assertEq(stored.identityKey, profile.identityKey);
        assertEq(stored.peerId, profile.peerId);
        assertEq(stored.metadataUri, profile.metadataUri);
        assertEq(NodeId.unwrap(house.registry.nodeOfSigner(signer)), NodeId.unwrap(id));
    }

    function test_OneOperatorMayOwnManyNodes() public {
        bytes memory consent = consentOf(key, node.operator);
        vm.prank(node.operator);
        NodeId second = house.registry.register(signer, consent, profileOf(WORKER));
        assertTrue(second != node.id);
        assertEq(house.registry.operatorOf(second), node.operator);
    }

    function test_AcceptsTheLargestProfile() public {
        INodeRegistry.NodeProfile memory profile = profileOf(31);
        profile.peerId = new bytes(64);
        profile.metadataUri = string(new bytes(256));
        assertEq(house.registry.nodeOf(register(profile)).roles, 31);
    }

    function test_RevertWhen_SignerServesAnotherNode() public {
        bytes memory consent = consentOf(node.key, operator);
        expectSignerTaken(node.signer, node.id);
        vm.prank(operator);
        house.registry.register(node.signer, consent, profileOf(WORKER));
    }

    function test_RevertGiven_SignerServedAnotherNodeBefore() public {
        bytes memory consent = consentOf(key, node.operator);
        vm.prank(node.operator);
        house.registry.rotateSigner(node.id, signer, consent);
        consent = consentOf(node.key, operator);
        expectSignerTaken(node.signer, node.id);
        vm.prank(operator);
        house.registry.register(node.signer, consent, profileOf(WORKER));
    }

    function test_RevertWhen_AnotherKeyConsents() public {
        expectRefusedConsent(signer, consentOf(clientKey, operator));
    }

    function test_RevertWhen_ConsentNamesAnotherOperator() public {
        expectRefusedConsent(signer, consentOf(key, stranger));
    }

    function test_RevertWhen_ConsentIsMalformed() public {
        expectRefusedConsent(signer, "");
        expectRefusedConsent(signer, bytes.concat(consentOf(key, operator), hex"00"));
    }

    /// @dev The other s of the same signature recovers the same key; it is refused all the same.
    function test_RevertWhen_ConsentIsMalleable() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, house.registry.consentDigest(operator));
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        bytes32 mirrored = bytes32(order - uint256(s));
        expectRefusedConsent(signer, abi.encodePacked(r, mirrored, v == 27 ? 28 : uint8(27)));
    }

    function test_RevertWhen_SignerIsZeroAndTheConsentRecoversToZero() public {
        expectRefusedConsent(address(0), new bytes(65));
    }

    function test_RevertWhen_ThereIsNoRole() public {
        expectRefusedProfile(profileOf(0));
    }

    function test_RevertWhen_ARoleIsUnknown() public {
        expectRefusedProfile(profileOf(32));
    }

    function test_RevertWhen_PeerIdIsTooLong() public {
        INodeRegistry.NodeProfile memory profile = profileOf(WORKER);
        profile.peerId = new bytes(65);
        expectRefusedProfile(profile);
    }

    function test_RevertWhen_MetadataUriIsTooLong() public {
        INodeRegistry.NodeProfile memory profile = profileOf(WORKER);
        profile.metadataUri = string(new bytes(257));
        expectRefusedProfile(profile);
    }

    function register(INodeRegistry.NodeProfile memory profile) private returns (NodeId) {
        bytes memory consent = consentOf(key, operator);
        vm.prank(operator);
        return house.registry.register(signer, consent, profile);
    }

    function expectRefusedConsent(address signer_, bytes memory consent) private {
        expectNoConsent(signer_, operator);
        vm.prank(operator);
        house.registry.register(signer_, consent, profileOf(WORKER));
    }

    function expectRefusedProfile(INodeRegistry.NodeProfile memory profile) private {
        bytes memory consent = consentOf(key, operator);
        expectInvalidProfile(profile);
        vm.prank(operator);
        house.registry.register(signer, consent, profile);
    }
}
