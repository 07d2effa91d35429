// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Roles } from "../../../contracts/base/Roles.sol";
import { ISlashingManager } from "../../../contracts/interfaces/ISlashingManager.sol";
import { SlashingTest } from "./SlashingTest.sol";

contract SlashingManagerSetRules is SlashingTest {
    function test_ReplacesTheRules() public {
        ISlashingManager.SlashingRules memory rules = ISlashingManager.SlashingRules({
            victimPpm: 1,
            reporterPpm: 2,
            committeeCap: 3,
            committeeEpochSeconds: 4,
            committeeDelaySeconds: 5,
            jailSeconds: 6,
            jury: stranger
        });
        vm.expectEmit(address(house.slashing));
        emit ISlashingManager.SlashingRulesSet(rules);
        setRules(rules);
        assertEq(abi.encode(house.slashing.rules()), abi.encode(rules));
    }

    function test_LeavesTheTimeOfProposedRulingsAlone() public {
        ISlashingManager.SlashingRules memory rules = house.slashing.rules();
        ISlashingManager.Ruling memory ruling = rulingOf(challenged(quorumTerms()), false, 1);
        proposeRuling(ruling);
        uint40 from = house.slashing.executableAt(idOf(ruling));
        rules.committeeDelaySeconds = 50;
        setRules(rules);
        assertEq(house.slashing.executableAt(idOf(ruling)), from);
    }

    function test_RevertWhen_TheCallerIsNotTheProfile() public {
        ISlashingManager.SlashingRules memory rules = house.slashing.rules();
        address[3] memory others = [stranger, committee, address(house.timelock)];
        for (uint256 i; i < others.length; ++i) {
            expectNotAllowed(others[i], Roles.PARAMETER);
            vm.prank(others[i]);
            house.slashing.setRules(rules);
        }
    }
}
