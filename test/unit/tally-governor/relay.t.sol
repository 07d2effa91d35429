// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { GovernorTest } from "./GovernorTest.sol";
import { IGovernor } from "@openzeppelin/contracts/governance/IGovernor.sol";

contract TallyGovernorRelay is GovernorTest {
    function test_RevertWhen_CallerIsNotTheTimelock() public {
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorOnlyExecutor.selector, voter));
        vm.prank(voter);
        house.governor.relay(address(house.token), 0, "");
    }
}
