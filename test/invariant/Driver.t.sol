// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Handler } from "./Handler.sol";
import { Sequence } from "./Sequence.sol";
import { Test } from "forge-std/Test.sol";
import { console } from "forge-std/console.sol";

/// @notice One long sequence that never changes: quick enough for every mutant, long enough for
/// every situation.
contract Driver is Test {
    Handler private handler;

    function setUp() public {
        Sequence sequence = new Sequence();
        handler = sequence.handler();
        targetContract(address(sequence));
    }

    /// @notice The steps check every rule themselves.
    /// forge-config: default.invariant.runs = 1
    /// forge-config: default.invariant.depth = 8000
    /// forge-config: default.invariant.fail-on-revert = true
    /// forge-config: default.invariant.shrink-run-limit = 0
    function invariant_EverySituationOccurs() external { }

    function afterInvariant() external view {
        uint256 missing = _missingSituations();
        uint256 idle = _idleActs();
        assertEq(idle, 0, "acts without success, or without refusal");
        assertEq(missing, 0, "situations that never occurred");
    }

    function _missingSituations() private view returns (uint256 missing) {
        bytes32[54] memory situations = _situations();
        for (uint256 k; k < situations.length; ++k) {
            uint256 count = handler.occurrences(situations[k]);
            console.log(string.concat(_text(situations[k]), ": ", vm.toString(count)));
            if (count == 0) ++missing;
        }
    }

    /// @dev Prints successes and refusals. Thefts never succeed; every other act does.
    function _idleActs() private view returns (uint256 idle) {
        (bytes32[] memory names, uint64[] memory done, uint64[] memory refused) = handler.record();
        for (uint256 k; k < names.length; ++k) {
            string memory line = string.concat(_text(names[k]), ": ", vm.toString(done[k]));
            console.log(string.concat(line, " done, ", vm.toString(refused[k]), " refused"));
            bool theft = bytes6(names[k]) == "theft ";
            if (theft ? done[k] != 0 : _mustSucceed(names[k]) && done[k] == 0) ++idle;
            if (_mayRefuse(names[k]) && refused[k] == 0) ++idle;
        }
    }

    function _mustSucceed(bytes32 name) private pure returns (bool) {
        return name != "create nonsense" && name != "create again" && name != "void again"
            && name != "forge" && name != "meddle";
    }

    function _mayRefuse(bytes32 name) private pure returns (bool) {
        return name != "create for the patron" && name != "unpause for new jobs" && name != "batch"
            && name != "wallet" && name != "voidOrder" && name != "donate" && name != "vet"
            && name != "heal";
    }

    function _text(bytes32 word) private pure returns (string memory) {
        uint256 length;
        while (length < 32 && word[length] != 0) ++length;
        bytes memory text = new bytes(length);
        for (uint256 k; k < length; ++k) {
            text[k] = word[k];
        }
        return string(text);
    }

    function _situations() private pure returns (bytes32[54] memory) {
        return [
            bytes32("job reopened"),
            "attempts used up",
            "time used up",
            "open job closed",
            "coordinator stalled",
            "cancelled between attempts",
            "job funded by allowance",
            "settled by pull",
            "unpaid pull",
            "late proposal",
            "late settlement",
            "proposed by a stranger",
            "settled while paused",
            "refunded while paused",
            "challenged while paused",
            "withdrawn while paused",
            "unstaked while paused",
            "settled under old parameters",
            "settled at a later attempt",
            "settled without the convicted",
            "settled work of anybody",
            "settled at the proposal",
            "settled with enlisted nodes",
            "paid by time",
            "topped up",
            "stopped",
            "challenged by a node",
            "challenge lost",
            "challenge undecided",
            "liars convicted",
            "overturned without liars",
            "ruling capped",
            "ruling vetoed",
            "verdict of a jury",
            "quorum broken by conviction",
            "equivocation while live",
            "equivocation afterwards",
            "unregistered node convicted",
            "slash while thawing",
            "poison item in a batch",
            "slot used again",
            "slash met other locks",
            "pool slashed to nothing",
            "withdrawal would bare locks",
            "position of an ended epoch",
            "operator left while locked",
            "job driven to its end",
            "outcome compared",
            "permit front-run",
            "papers of a twin",
            "second seat refused",
            "job abandoned",
            "job ended while all was paused",
            "job ended a month late"
        ];
    }
}
