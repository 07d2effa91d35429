// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IERC1271 } from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Signatures
/// @notice Checks signatures of people (keys or contract wallets) and of machines (keys only).
library Signatures {
    /// @notice Gas that a contract wallet may use to judge a signature.
    uint256 internal constant WALLET_GAS = 200_000;

    /// @notice Length of one ECDSA signature: r, s, v.
    uint256 internal constant LENGTH = 65;

    /// @notice Whether `account` signed `digest`. An account with code is asked by ERC-1271, with
    /// bounded gas.
    function isFrom(address account, bytes32 digest, bytes calldata signature)
        internal
        view
        returns (bool)
    {
        if (account == address(0)) return false;
        if (account.code.length == 0) return signerOf(digest, signature) == account;
        (bool ok, bytes memory answer) = account.staticcall{ gas: WALLET_GAS }(
            abi.encodeCall(IERC1271.isValidSignature, (digest, signature))
        );
        return ok && answer.length == 32
            && abi.decode(answer, (bytes32)) == bytes32(IERC1271.isValidSignature.selector);
    }

    /// @notice The key that signed `digest`, or zero where the signature is malformed or malleable.
    function signerOf(bytes32 digest, bytes calldata signature) internal pure returns (address) {
        if (signature.length != LENGTH) return address(0);
        (address signer, ECDSA.RecoverError failure,) = ECDSA.tryRecoverCalldata(digest, signature);
        return failure == ECDSA.RecoverError.NoError ? signer : address(0);
    }
}
