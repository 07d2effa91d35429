// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { GovernorTest } from "./GovernorTest.sol";
import { IGovernor } from "@openzeppelin/contracts/governance/IGovernor.sol";

contract TallyGovernorCastVote is GovernorTest {
    function test_CountsTheVotesOfTheSnapshot() public {
        uint256 id = propose();
        passUntil(house.governor.proposalSnapshot(id) + 1);
        vm.prank(voter);
        house.token.transfer(stranger, QUORUM);
        vm.expectEmit(address(house.governor));
        emit IGovernor.VoteCast(voter, id, FOR, QUORUM, "");
        vm.prank(voter);
        house.governor.castVote(id, FOR);
        (uint256 against, uint256 inFavour,) = house.governor.proposalVotes(id);
        assertEq(inFavour, QUORUM);
        assertEq(against, 0);
    }

    /// @dev Tokens that are borrowed during the vote weigh nothing.
    function test_TokensThatCameAfterTheSnapshotWeighNothing() public {
        uint256 id = propose();
        passUntil(house.governor.proposalSnapshot(id) + 1);
        giveTally(stranger, QUORUM);
        vm.startPrank(stranger);
        house.token.delegate(stranger);
        assertEq(house.governor.castVote(id, AGAINST), 0);
        vm.stopPrank();
    }

    function test_WithoutAQuorumAProposalIsDefeated() public {
        vm.prank(voter);
        house.token.transfer(treasury, 1);
        uint256 id = propose();
        vote(id, FOR);
        passUntil(house.governor.proposalDeadline(id) + 1);
        assertState(id, IGovernor.ProposalState.Defeated);
    }

    function test_AMajorityAgainstDefeats() public {
        uint256 id = propose();
        vote(id, AGAINST);
        passUntil(house.governor.proposalDeadline(id) + 1);
        assertState(id, IGovernor.ProposalState.Defeated);
    }

    function test_RevertGiven_TheVoteHasNotBegun() public {
        uint256 id = propose();
        expectUnexpectedState(
            id, IGovernor.ProposalState.Pending, bit(IGovernor.ProposalState.Active)
        );
        vm.prank(voter);
        house.governor.castVote(id, FOR);
    }

    function test_RevertGiven_TheVoteIsOver() public {
        uint256 id = propose();
        passUntil(house.governor.proposalDeadline(id) + 1);
        expectUnexpectedState(
            id, IGovernor.ProposalState.Defeated, bit(IGovernor.ProposalState.Active)
        );
        vm.prank(voter);
        house.governor.castVote(id, FOR);
    }
}
