// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { RegistryTest } from "./RegistryTest.sol";

contract NodeRegistryConsentDigest is RegistryTest {
    function test_IsTheTypedDataDigestOfThisContractAndChain() public view {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,"
                    "address verifyingContract)"
                ),
                keccak256("Tallystick NodeRegistry"),
                keccak256("1"),
                block.chainid,
                address(house.registry)
            )
        );
        bytes32 consent =
            keccak256(abi.encode(keccak256("SignerConsent(address operator)"), node.operator));
        assertEq(
            house.registry.consentDigest(node.operator),
            keccak256(abi.encodePacked(hex"1901", domain, consent))
        );
    }

    function test_DiffersByOperatorAndChain() public {
        bytes32 here = house.registry.consentDigest(node.operator);
        assertNotEq(house.registry.consentDigest(stranger), here);
        vm.chainId(block.chainid + 1);
        assertNotEq(house.registry.consentDigest(node.operator), here);
    }
}
