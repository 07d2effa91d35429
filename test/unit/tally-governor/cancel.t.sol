// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { GovernorTest } from "./GovernorTest.sol";
import { IGovernor } from "@openzeppelin/contracts/governance/IGovernor.sol";

contract TallyGovernorCancel is GovernorTest {
    function test_TheProposerCancelsBeforeTheVote() public {
        uint256 id = propose();
        vm.expectEmit(address(house.governor));
        emit IGovernor.ProposalCanceled(id);
        cancel(voter);
        assertState(id, IGovernor.ProposalState.Canceled);
    }

    function test_RevertWhen_SomebodyElseCancels() public {
        uint256 id = propose();
        expectUnableToCancel(id, stranger);
        cancel(stranger);
    }

    function test_RevertGiven_TheVoteHasBegun() public {
        uint256 id = propose();
        passUntil(house.governor.proposalSnapshot(id) + 1);
        expectUnableToCancel(id, voter);
        cancel(voter);
    }

    function cancel(address caller) private {
        vm.prank(caller);
        house.governor.cancel(targets, values, calls, descriptionHash());
    }

    function expectUnableToCancel(uint256 id, address account) private {
        vm.expectRevert(
            abi.encodeWithSelector(IGovernor.GovernorUnableToCancel.selector, id, account)
        );
    }
}
