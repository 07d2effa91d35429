// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { GovernorTest } from "./GovernorTest.sol";
import { IGovernor } from "@openzeppelin/contracts/governance/IGovernor.sol";

contract TallyGovernorQueue is GovernorTest {
    function test_PutsTheProposalIntoTheTimelockForItsDelay() public {
        uint256 id = succeed();
        assertState(id, IGovernor.ProposalState.Succeeded);
        vm.expectEmit(address(house.governor));
        emit IGovernor.ProposalQueued(id, block.timestamp + 48 hours);
        queue();
        assertState(id, IGovernor.ProposalState.Queued);
        assertEq(house.governor.proposalEta(id), block.timestamp + 48 hours);
        assertEq(house.timelock.getMinDelay(), 48 hours);
    }

    function test_RevertGiven_TheVoteIsStillOn() public {
        uint256 id = propose();
        vote(id, FOR);
        expectUnexpectedState(
            id, IGovernor.ProposalState.Active, bit(IGovernor.ProposalState.Succeeded)
        );
        queue();
    }

    function test_RevertGiven_TheProposalWasDefeated() public {
        uint256 id = propose();
        vote(id, AGAINST);
        passUntil(house.governor.proposalDeadline(id) + 1);
        expectUnexpectedState(
            id, IGovernor.ProposalState.Defeated, bit(IGovernor.ProposalState.Succeeded)
        );
        queue();
    }
}
