// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { NodeId } from "../../contracts/types/NodeId.sol";
import { Seat, SeatLibrary } from "../../contracts/types/Seat.sol";
import { Test } from "forge-std/Test.sol";

/// @notice Nodes and signers in one word.
contract SeatFuzz is Test {
    function testFuzz_RoundTrips(uint64 node, address signer) public pure {
        Seat seat = SeatLibrary.seatOf(NodeId.wrap(node), signer);
        assertEq(NodeId.unwrap(seat.node()), node);
        assertEq(seat.signer(), signer);
        assertEq(Seat.unwrap(seat) >> 224, 0);
    }

    function testFuzz_ARegisteredNodeEarnsAtItsOwnAccount(uint64 node, address signer) public pure {
        vm.assume(node != 0);
        Seat seat = SeatLibrary.seatOf(NodeId.wrap(node), signer);
        assertEq(seat.accountOf(), address(uint160(node)));
        assertEq(seat.accountOf(), NodeId.wrap(node).accountOf());
    }

    function testFuzz_AnUnregisteredWorkerEarnsAtItsSigner(address signer) public pure {
        assertEq(SeatLibrary.seatOf(NodeId.wrap(0), signer).accountOf(), signer);
    }

    function testFuzz_UnusedBitsChangeNothing(uint64 node, address signer, uint32 dirt)
        public
        pure
    {
        Seat clean = SeatLibrary.seatOf(NodeId.wrap(node), signer);
        Seat seat = Seat.wrap(Seat.unwrap(clean) | (uint256(dirt) << 224));
        assertTrue(seat.node() == clean.node());
        assertEq(seat.signer(), clean.signer());
        assertEq(seat.accountOf(), clean.accountOf());
    }

    function testFuzz_NodesAreEqualByTheirNumbers(uint64 a, uint64 b) public pure {
        assertEq(NodeId.wrap(a) == NodeId.wrap(b), a == b);
        assertEq(NodeId.wrap(a) != NodeId.wrap(b), a != b);
        assertTrue(NodeId.wrap(a) == NodeId.wrap(a));
        assertFalse(NodeId.wrap(a) != NodeId.wrap(a));
    }
}
