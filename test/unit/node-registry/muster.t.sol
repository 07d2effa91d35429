// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { Trust } from "../../../contracts/types/JobRules.sol";
import { Seat, SeatLibrary } from "../../../contracts/types/Seat.sol";
import { TestNode } from "../../base/HouseTest.sol";
import { RegistryTest } from "./RegistryTest.sol";

contract NodeRegistryMuster is RegistryTest {
    TestNode internal worker;
    Seat[] internal workers;

    function setUp() public override {
        super.setUp();
        activateNode();
        worker = registerNode(WORKER);
        workers.push(SeatLibrary.seatOf(worker.id, worker.signer));
    }

    function test_PassesWorkersWithTheirPresentSigners() public {
        workers.push(SeatLibrary.seatOf(node.id, node.signer));
        muster(Trust.Any);
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
        expectNotSigner(node.operator, node.signer);
        house.registry.muster(node.id, node.operator, workers, Trust.Any);
    }

    function test_RevertWhen_SchedulerIsARotatedSigner() public {
        (address signer, uint256 key) = makeAddrAndKey("next signer");
        bytes memory consent = consentOf(key, node.operator);
        vm.prank(node.operator);
        house.registry.rotateSigner(node.id, signer, consent);
        expectNotSigner(node.signer, signer);
        muster(Trust.Any);
    }

    function test_RevertWhen_AWorkerIsUnfit() public {
        expectUnfit(worker.id, INodeRegistry.NodeStatus.Registered, WORKER, false, false);
        muster(Trust.Staked);
    }

    function muster(Trust trust) private view {
        house.registry.muster(node.id, node.signer, workers, trust);
    }

    function expectUnfitCoordinator(INodeRegistry.NodeStatus status, bool frozen) private {
        expectUnfit(node.id, status, WORKER | COORDINATOR, false, frozen);
    }

    function expectNotSigner(address caller, address signer) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                INodeRegistry.NodeRegistryNotSigner.selector, node.id, caller, signer
            )
        );
    }
}
