// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseTest } from "../../base/HouseTest.sol";
import { ERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

contract TallyTokenPermit is HouseTest {
    bytes32 internal constant PERMIT = keccak256(
        "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
    );

    uint256 internal deadline;

    function setUp() public override {
        super.setUp();
        deadline = block.timestamp + 60;
    }

    function test_SetsTheAllowanceOnce() public {
        (uint8 v, bytes32 r, bytes32 s) = sign(clientKey, 0);
        vm.prank(stranger);
        house.token.permit(client, stranger, 5, deadline, v, r, s);
        assertEq(house.token.allowance(client, stranger), 5);
        assertEq(house.token.nonces(client), 1);
    }

    function test_RevertWhen_PermitIsUsedAgain() public {
        (uint8 v, bytes32 r, bytes32 s) = sign(clientKey, 0);
        house.token.permit(client, stranger, 5, deadline, v, r, s);
        address recovered = ecrecover(digestOf(1), v, r, s);
        expectInvalidSigner(recovered);
        house.token.permit(client, stranger, 5, deadline, v, r, s);
    }

    function test_RevertWhen_SomebodyElseSigned() public {
        (address forger, uint256 key) = makeAddrAndKey("forger");
        (uint8 v, bytes32 r, bytes32 s) = sign(key, 0);
        expectInvalidSigner(forger);
        house.token.permit(client, stranger, 5, deadline, v, r, s);
    }

    function test_RevertWhen_DeadlineIsOver() public {
        (uint8 v, bytes32 r, bytes32 s) = sign(clientKey, 0);
        pass(61);
        vm.expectRevert(
            abi.encodeWithSelector(ERC20Permit.ERC2612ExpiredSignature.selector, deadline)
        );
        house.token.permit(client, stranger, 5, deadline, v, r, s);
    }

    function sign(uint256 key, uint256 nonce) private view returns (uint8, bytes32, bytes32) {
        return vm.sign(key, digestOf(nonce));
    }

    function digestOf(uint256 nonce) private view returns (bytes32) {
        bytes32 permit =
            keccak256(abi.encode(PERMIT, client, stranger, uint256(5), nonce, deadline));
        return keccak256(abi.encodePacked(hex"1901", house.token.DOMAIN_SEPARATOR(), permit));
    }

    function expectInvalidSigner(address signer) private {
        vm.expectRevert(
            abi.encodeWithSelector(ERC20Permit.ERC2612InvalidSigner.selector, signer, client)
        );
    }
}
