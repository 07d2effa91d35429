// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { ISlashingManager } from "../../../contracts/interfaces/ISlashingManager.sol";
import { TestNode } from "../../base/HouseTest.sol";
import { JobCase, RecoveryTest } from "../../base/RecoveryTest.sol";
import { IAccessControl } from "@openzeppelin/contracts/access/IAccessControl.sol";

/// @title Slashing test
/// @notice Rulings, and what convictions leave behind.
abstract contract SlashingTest is RecoveryTest {
    uint40 internal constant DELAY = 10;
    uint40 internal constant JAIL = 1 hours;
    /// @dev Parts of the usual lock: 40 % to the client, 10 % to the accuser, the rest burned.
    uint128 internal constant VICTIM_PART = 2e18;
    uint128 internal constant REPORTER_PART = 0.5e18;
    uint128 internal constant BURNED = 2.5e18;

    function rulingOf(JobCase memory c, bool upheld, uint16 liars)
        internal
        pure
        returns (ISlashingManager.Ruling memory)
    {
        return ISlashingManager.Ruling({
            id: c.id,
            job: c.job,
            assignment: c.assignment,
            proposal: c.proposal,
            challenger: c.challenger,
            upheld: upheld,
            liars: liars
        });
    }

    function idOf(ISlashingManager.Ruling memory ruling) internal pure returns (bytes32) {
        return keccak256(abi.encode(ruling));
    }

    function proposeRuling(ISlashingManager.Ruling memory ruling) internal returns (bytes32) {
        vm.prank(committee);
        return house.slashing.proposeRuling(ruling);
    }

    /// @notice Proposes a ruling and executes it once its delay is over.
    function rule(ISlashingManager.Ruling memory ruling) internal {
        proposeRuling(ruling);
        pass(DELAY);
        house.slashing.executeRuling(ruling);
    }

    function veto(bytes32 ruling) internal {
        vm.prank(address(house.timelock));
        house.slashing.vetoRuling(ruling);
    }

    function setRules(ISlashingManager.SlashingRules memory rules) internal {
        vm.prank(address(house.profile));
        house.slashing.setRules(rules);
    }

    function setCap(uint128 cap) internal {
        ISlashingManager.SlashingRules memory rules = house.slashing.rules();
        rules.committeeCap = cap;
        setRules(rules);
    }

    function setJury(address jury) internal {
        ISlashingManager.SlashingRules memory rules = house.slashing.rules();
        rules.jury = jury;
        setRules(rules);
    }

    function statusOf(TestNode memory node) internal view returns (INodeRegistry.NodeStatus) {
        return house.registry.nodeOf(node.id).status;
    }

    function assertStatus(TestNode memory node, INodeRegistry.NodeStatus status) internal view {
        assertEq(uint8(statusOf(node)), uint8(status));
    }

    function assertJailed(TestNode memory node) internal view {
        assertStatus(node, INodeRegistry.NodeStatus.Jailed);
        assertEq(house.slashing.jailedUntil(node.id), block.timestamp + JAIL);
    }

    function expectSlashed(JobCase memory c, TestNode memory node, address by, uint128 amount)
        internal
    {
        vm.expectEmit(address(house.slashing));
        emit ISlashingManager.NodeSlashed(node.id, c.id, by, amount);
    }

    function expectUnknownRuling(bytes32 ruling) internal {
        vm.expectRevert(
            abi.encodeWithSelector(ISlashingManager.SlashingManagerUnknownRuling.selector, ruling)
        );
    }

    function expectNotYet(uint256 from) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                ISlashingManager.SlashingManagerNotYet.selector, from, block.timestamp
            )
        );
    }

    function expectInvalidLiars(uint16 liars, uint16 signers) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                ISlashingManager.SlashingManagerInvalidLiars.selector, liars, signers
            )
        );
    }

    function expectNotAllowed(address caller, bytes32 role) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControl.AccessControlUnauthorizedAccount.selector, caller, role
            )
        );
    }
}
