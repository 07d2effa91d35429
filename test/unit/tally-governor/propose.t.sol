// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { GovernorTest } from "./GovernorTest.sol";
import { IGovernor } from "@openzeppelin/contracts/governance/IGovernor.sol";

contract TallyGovernorPropose is GovernorTest {
    function test_OpensAVoteAfterTheDelay() public {
        uint256 start = block.timestamp + VOTING_DELAY;
        uint256 expected = house.governor.hashProposal(targets, values, calls, descriptionHash());
        vm.expectEmit(address(house.governor));
        emit IGovernor.ProposalCreated(
            expected,
            voter,
            targets,
            values,
            new string[](1),
            calls,
            start,
            start + VOTING_PERIOD,
            DESCRIPTION
        );
        uint256 id = propose();
        assertEq(id, expected);
        assertEq(house.governor.proposalSnapshot(id), start);
        assertEq(house.governor.proposalDeadline(id), start + VOTING_PERIOD);
        assertTrue(house.governor.proposalNeedsQueuing(id));
        assertState(id, IGovernor.ProposalState.Pending);
        passUntil(start + 1);
        assertState(id, IGovernor.ProposalState.Active);
    }

    function test_SettingsAreThoseOfTheDeployment() public {
        assertEq(house.governor.proposalThreshold(), THRESHOLD);
        assertEq(house.governor.votingDelay(), VOTING_DELAY);
        assertEq(house.governor.votingPeriod(), VOTING_PERIOD);
        pass(1);
        assertEq(house.governor.quorum(block.timestamp - 1), QUORUM);
        assertEq(house.governor.timelock(), address(house.timelock));
        assertEq(address(house.governor.token()), address(house.token));
    }

    function test_RevertWhen_ProposerIsBelowTheThreshold() public {
        giveTally(stranger, THRESHOLD - 1);
        vm.prank(stranger);
        house.token.delegate(stranger);
        pass(1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IGovernor.GovernorInsufficientProposerVotes.selector,
                stranger,
                THRESHOLD - 1,
                THRESHOLD
            )
        );
        vm.prank(stranger);
        house.governor.propose(targets, values, calls, DESCRIPTION);
    }

    function test_RevertGiven_ItWasProposedAlready() public {
        uint256 id = propose();
        expectUnexpectedState(id, IGovernor.ProposalState.Pending, 0);
        propose();
    }
}
