// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Roles } from "../../../contracts/base/Roles.sol";
import { INetworkProfile } from "../../../contracts/interfaces/INetworkProfile.sol";
import { GovernorTest } from "./GovernorTest.sol";
import { IAccessControl } from "@openzeppelin/contracts/access/IAccessControl.sol";
import { IGovernor } from "@openzeppelin/contracts/governance/IGovernor.sol";
import { TimelockController } from "@openzeppelin/contracts/governance/TimelockController.sol";

contract TallyGovernorExecute is GovernorTest {
    function test_ChangesAParameterOnceTheTimelockIsOver() public {
        uint256 id = succeed();
        queue();
        pass(48 hours);
        uint24 version = house.profile.currentVersion();
        vm.expectEmit(address(house.governor));
        emit IGovernor.ProposalExecuted(id);
        vm.prank(stranger);
        house.governor.execute(targets, values, calls, descriptionHash());
        assertState(id, IGovernor.ProposalState.Executed);
        assertEq(house.profile.parameters().maxAttempts, ATTEMPTS);
        assertEq(house.profile.currentVersion(), version + 1);
    }

    function test_RevertGiven_TheTimelockIsNotOver() public {
        succeed();
        queue();
        pass(48 hours - 1);
        bytes32 salt = bytes20(address(house.governor)) ^ descriptionHash();
        bytes32 operation = house.timelock.hashOperationBatch(targets, values, calls, 0, salt);
        vm.expectRevert(
            abi.encodeWithSelector(
                TimelockController.TimelockUnexpectedOperationState.selector,
                operation,
                bytes32(1 << uint8(TimelockController.OperationState.Ready))
            )
        );
        execute();
        assertEq(house.profile.parameters().maxAttempts, 3);
        pass(1);
        execute();
        assertEq(house.profile.parameters().maxAttempts, ATTEMPTS);
    }

    function test_RevertGiven_TheProposalIsNotQueued() public {
        uint256 id = succeed();
        expectUnexpectedState(
            id, IGovernor.ProposalState.Succeeded, bit(IGovernor.ProposalState.Queued)
        );
        execute();
    }

    function test_RevertGiven_ItWasExecutedAlready() public {
        uint256 id = succeed();
        queue();
        pass(48 hours);
        execute();
        expectUnexpectedState(
            id, IGovernor.ProposalState.Executed, bit(IGovernor.ProposalState.Queued)
        );
        execute();
    }

    function test_RevertWhen_AParameterIsOutOfBounds() public {
        INetworkProfile.Parameters memory parameters = networkParameters();
        parameters.maxAttempts = 17;
        calls[0] = abi.encodeCall(INetworkProfile.setParameters, (parameters));
        succeed();
        queue();
        pass(48 hours);
        vm.expectRevert(
            abi.encodeWithSelector(
                INetworkProfile.NetworkProfileOutOfBounds.selector,
                bytes32("maxAttempts"),
                17,
                1,
                16
            )
        );
        execute();
    }

    function test_RevertWhen_TheGovernorActsWithoutTheTimelock() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControl.AccessControlUnauthorizedAccount.selector,
                address(house.governor),
                Roles.PARAMETER
            )
        );
        vm.prank(address(house.governor));
        house.profile.setParameters(networkParameters());
    }
}
