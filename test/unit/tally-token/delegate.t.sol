// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseTest } from "../../base/HouseTest.sol";
import { Votes } from "@openzeppelin/contracts/governance/utils/Votes.sol";

contract TallyTokenDelegate is HouseTest {
    address internal voter = makeAddr("voter");

    function setUp() public override {
        super.setUp();
        giveTally(client, 100);
    }

    function test_TokensVoteOnlyOnceTheyAreDelegated() public {
        assertEq(house.token.getVotes(client), 0);
        vm.prank(client);
        house.token.delegate(voter);
        assertEq(house.token.getVotes(voter), 100);
        assertEq(house.token.getVotes(client), 0);
        assertEq(house.token.balanceOf(client), 100);
    }

    function test_PastVotesAreCountedByTimestamp() public {
        vm.prank(client);
        house.token.delegate(voter);
        uint256 delegated = block.timestamp;
        pass(10);
        vm.prank(client);
        house.token.transfer(stranger, 60);
        pass(10);
        assertEq(house.token.getPastVotes(voter, delegated - 1), 0);
        assertEq(house.token.getPastVotes(voter, delegated), 100);
        assertEq(house.token.getPastVotes(voter, delegated + 9), 100);
        assertEq(house.token.getPastVotes(voter, delegated + 10), 40);
    }

    /// @dev What is borrowed and returned within one transaction never stands in the past.
    function test_BorrowedTokensLeaveNoVotes() public {
        uint256 start = block.timestamp;
        vm.prank(stranger);
        house.token.delegate(stranger);
        giveTally(stranger, 1_000_000e18);
        assertEq(house.token.getVotes(stranger), 1_000_000e18);
        vm.prank(stranger);
        house.token.transfer(treasury, 1_000_000e18);
        pass(1);
        assertEq(house.token.getPastVotes(stranger, start), 0);
    }

    function test_RevertWhen_VotesOfThePresentAreAskedAsPast() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                Votes.ERC5805FutureLookup.selector, block.timestamp, uint48(block.timestamp)
            )
        );
        house.token.getPastVotes(client, block.timestamp);
    }
}
