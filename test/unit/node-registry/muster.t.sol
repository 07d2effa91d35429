// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { Trust } from "../../../contracts/types/JobTerms.sol";
import { NodeId } from "../../../contracts/types/NodeId.sol";
import { Seat } from "../../../contracts/types/Seat.sol";
import { TestNode } from "../../base/HouseTest.sol";
import { RegistryTest } from "./RegistryTest.sol";

contract NodeRegistryMuster is RegistryTest {
    TestNode internal worker;
    NodeId[] internal workers;

    function setUp() public override {
        super.setUp();
        activateNode();
        worker = registerNode(WORKER);
        workers.push(worker.id);
    }

    function test_SeatsWorkersWithTheirPresentSigners() public {
        workers.push(node.id);
        Seat[] memory seats = muster(Trust.Any);
        assertEq(seats.length, 2);
        assertTrue(seats[0].node() == worker.id);
        assertEq(seats[0].signer(), worker.signer);
        assertTrue(seats[1].node() == node.id);
        assertEq(seats[1].signer(), node.signer);
    }

    function test_RevertWhen_CoordinatorIsUnknown() public {
        expectUnfit(UNKNOWN, INodeRegistry.NodeStatus.None, 0, false, false);
        house.registry.muster(UNKNOWN, address(0), workers, Trust.Any);
    }

    function test_RevertGiven_CoordinatorLacksTheRole() public {
        vm.prank(address(house.staking));
        house.registry.activate(worker.id);
        expectUnfit(worker.id, INodeRegistry.NodeStatus.Active, WORKER, false, false);
        house.registry.muster(worker.id, worker.signer, workers, Trust.Any);
    }

    function test_RevertGiven_CoordinatorIsNotActive() public {
        TestNode memory idle = registerNode(COORDINATOR);
        expectUnfit(idle.id, INodeRegistry.NodeStatus.Registered, COORDINATOR, false, false);
        house.registry.muster(idle.id, idle.signer, workers, Trust.Any);
    }

    function test_RevertGiven_CoordinatorIsInJail() public {
        jailNode();
        expectUnfitCoordinator(INodeRegistry.NodeStatus.Jailed, false);
        muster(Trust.Any);
    }

    function test_RevertGiven_CoordinatorIsRetired() public {
        retireNode();
        expectUnfitCoordinator(INodeRegistry.NodeStatus.Retired, false);
        muster(Trust.Any);
    }

    function test_RevertGiven_CoordinatorIsFrozen() public {
        freezeNode();
        expectUnfitCoordinator(INodeRegistry.NodeStatus.Active, true);
        muster(Trust.Any);
    }

    function test_RevertWhen_SchedulerIsNotTheCoordinatorsSigner() public {
        expectNotScheduler(node.operator, node.signer);
        house.registry.muster(node.id, node.operator, workers, Trust.Any);
    }

    function test_RevertWhen_SchedulerIsARotatedSigner() public {
        (address signer, uint256 key) = makeAddrAndKey("next signer");
        bytes memory consent = consentOf(key, node.operator);
        vm.prank(node.operator);
        house.registry.rotateSigner(node.id, signer, consent);
        expectNotScheduler(node.signer, signer);
        muster(Trust.Any);
    }

    function test_RevertWhen_AWorkerIsUnfit() public {
        expectUnfit(worker.id, INodeRegistry.NodeStatus.Registered, WORKER, false, false);
        muster(Trust.Staked);
    }

    function muster(Trust trust) private view returns (Seat[] memory) {
        return house.registry.muster(node.id, node.signer, workers, trust);
    }

    function expectUnfitCoordinator(INodeRegistry.NodeStatus status, bool frozen) private {
        expectUnfit(node.id, status, WORKER | COORDINATOR, false, frozen);
    }

    function expectNotScheduler(address caller, address signer) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                INodeRegistry.NodeRegistryNotScheduler.selector, node.id, caller, signer
            )
        );
    }
}
