// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IERC1271 } from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import { Address } from "@openzeppelin/contracts/utils/Address.sol";
import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Test wallet
/// @notice A contract wallet that judges signatures well, or in one of several bad ways.
contract TestWallet is IERC1271 {
    /// @notice How the wallet answers when it is asked about a signature.
    enum Mood {
        Honest,
        Refuses,
        Reverts,
        BurnsGas,
        ReturnsMegabyte,
        ReturnsMuch,
        ReturnsShort,
        ReturnsDirty
    }

    address private immutable _OWNER;

    /// @notice How it answers now.
    Mood public mood;

    constructor(address owner) {
        _OWNER = owner;
    }

    /// @notice Changes how it answers.
    function feel(Mood mood_) external {
        mood = mood_;
    }

    /// @notice Makes a call as this wallet; its error is passed on.
    function call(address to, bytes calldata data) external {
        Address.functionCall(to, data);
    }

    /// @inheritdoc IERC1271
    function isValidSignature(bytes32 digest, bytes calldata signature)
        external
        view
        returns (bytes4)
    {
        bytes4 yes = IERC1271.isValidSignature.selector;
        if (mood == Mood.Honest) {
            return ECDSA.recoverCalldata(digest, signature) == _OWNER ? yes : bytes4(0);
        }
        if (mood == Mood.Reverts) revert("no");
        if (mood == Mood.BurnsGas) while (true) { }
        if (mood == Mood.ReturnsMegabyte) _answer(yes, 1_000_000);
        if (mood == Mood.ReturnsMuch) _answer(yes, 200_000);
        if (mood == Mood.ReturnsShort) _answer(yes, 4);
        if (mood == Mood.ReturnsDirty) _answer(bytes32(yes) | bytes32(uint256(1)), 32);
        return bytes4(0);
    }

    function _answer(bytes32 word, uint256 length) private pure {
        assembly ("memory-safe") {
            let at := mload(0x40)
            mstore(at, word)
            return(at, length)
        }
    }
}
