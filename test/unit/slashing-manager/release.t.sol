// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { ISlashingManager } from "../../../contracts/interfaces/ISlashingManager.sol";
import { NodeId } from "../../../contracts/types/NodeId.sol";
import { JobCase } from "../../base/RecoveryTest.sol";
import { SlashingTest } from "./SlashingTest.sol";

contract SlashingManagerRelease is SlashingTest {
    function test_LetsANodeOutOnceItsTimeIsOver() public {
        convict(assigned(quorumTerms(), 3), 1);
        uint256 until = block.timestamp + JAIL;
        passUntil(until - 1);
        expectNotYet(until);
        house.slashing.release(workers[1].id);

        pass(1);
        vm.prank(stranger);
        house.slashing.release(workers[1].id);
        assertStatus(workers[1], INodeRegistry.NodeStatus.Registered);
        assertEq(house.slashing.jailedUntil(workers[1].id), 0);
    }

    function test_LetsTheNodeBeActivatedAgain() public {
        convict(assigned(quorumTerms(), 3), 1);
        pass(JAIL);
        house.slashing.release(workers[1].id);
        house.staking.activate(workers[1].id, workers[1].operator);
        assertStatus(workers[1], INodeRegistry.NodeStatus.Active);
        assigned(quorumTerms(), 3);
    }

    function test_KeepsANodeFromNewWorkUntilThen() public {
        convict(assigned(quorumTerms(), 3), 1);
        JobCase memory c = opened(quorumTerms());
        vm.expectRevert(
            abi.encodeWithSelector(
                INodeRegistry.NodeRegistryUnfit.selector,
                workers[1].id,
                INodeRegistry.NodeStatus.Jailed,
                WORKER,
                false,
                false
            )
        );
        assign(c.id, c.job, 3);
    }

    function test_CountsFromTheLastConviction() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        JobCase memory d = assigned(quorumTerms(), 3);
        convict(c, 1);
        pass(60);
        convict(d, 1);
        uint256 until = block.timestamp + JAIL;
        passUntil(until - 1);
        expectNotYet(until);
        house.slashing.release(workers[1].id);
    }

    function test_RevertGiven_TheNodeIsNotInJail() public {
        expectNotJailed(workers[1].id);
        house.slashing.release(workers[1].id);

        convict(assigned(quorumTerms(), 3), 1);
        pass(JAIL);
        house.slashing.release(workers[1].id);
        expectNotJailed(workers[1].id);
        house.slashing.release(workers[1].id);
    }

    function test_RevertGiven_TheNodeRetiredBeforeItsConviction() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        vm.prank(workers[1].operator);
        house.registry.retire(workers[1].id);
        convict(c, 1);
        pass(JAIL);
        vm.expectRevert(
            abi.encodeWithSelector(
                INodeRegistry.NodeRegistryUnexpectedStatus.selector,
                workers[1].id,
                INodeRegistry.NodeStatus.Retired,
                bytes32(1 << uint8(INodeRegistry.NodeStatus.Jailed))
            )
        );
        house.slashing.release(workers[1].id);
    }

    function expectNotJailed(NodeId node) private {
        vm.expectRevert(
            abi.encodeWithSelector(ISlashingManager.SlashingManagerNotJailed.selector, node)
        );
    }
}
