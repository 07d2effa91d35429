// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { Trust } from "../../../contracts/types/JobRules.sol";
import { NodeId } from "../../../contracts/types/NodeId.sol";
import { Seat, SeatLibrary } from "../../../contracts/types/Seat.sol";
import { TestNode } from "../../base/HouseTest.sol";
import { RegistryTest } from "./RegistryTest.sol";

contract NodeRegistryMusterWorkers is RegistryTest {
    uint8 internal constant BOTH = WORKER | COORDINATOR;

    function test_AnyTrustTakesRegisteredAndActiveNodes() public {
        muster(node.id, Trust.Any);
        activateNode();
        muster(node.id, Trust.Any);
    }

    function test_StakedTrustTakesActiveNodes() public {
        activateNode();
        muster(node.id, Trust.Staked);
    }

    function test_VettedTrustTakesActiveVettedNodes() public {
        activateNode();
        vetNode(true);
        muster(node.id, Trust.Vetted);
    }

    function test_NoWorkersAreFit() public view {
        house.registry.musterWorkers(new Seat[](0), Trust.Vetted);
    }

    function test_AnyTrustTakesUnregisteredWorkers() public {
        musterSeat(NodeId.wrap(0), makeAddr("unregistered"), Trust.Any);
    }

    function test_RevertWhen_StakedTrustMeetsAnUnregisteredWorker() public {
        expectUnfit(NodeId.wrap(0), INodeRegistry.NodeStatus.None, 0, false, false);
        musterSeat(NodeId.wrap(0), node.signer, Trust.Staked);
    }

    function test_RevertWhen_VettedTrustMeetsAnUnregisteredWorker() public {
        expectUnfit(NodeId.wrap(0), INodeRegistry.NodeStatus.None, 0, false, false);
        musterSeat(NodeId.wrap(0), node.signer, Trust.Vetted);
    }

    function test_RevertWhen_TheSignerIsNotTheNodes() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                INodeRegistry.NodeRegistryNotSigner.selector, node.id, node.operator, node.signer
            )
        );
        musterSeat(node.id, node.operator, Trust.Any);
    }

    function test_RevertGiven_StakedTrustAndARegisteredNode() public {
        expectUnfit(node.id, INodeRegistry.NodeStatus.Registered, BOTH, false, false);
        muster(node.id, Trust.Staked);
    }

    function test_RevertGiven_VettedTrustAndAVettedNodeWithoutStake() public {
        vetNode(true);
        expectUnfit(node.id, INodeRegistry.NodeStatus.Registered, BOTH, true, false);
        muster(node.id, Trust.Vetted);
    }

    function test_RevertGiven_VettedTrustAndANodeThatIsNotVetted() public {
        activateNode();
        expectUnfit(node.id, INodeRegistry.NodeStatus.Active, BOTH, false, false);
        muster(node.id, Trust.Vetted);
    }

    function test_RevertGiven_NodeIsFrozen() public {
        freezeNode();
        expectUnfit(node.id, INodeRegistry.NodeStatus.Registered, BOTH, false, true);
        muster(node.id, Trust.Any);
    }

    function test_RevertGiven_NodeIsInJail() public {
        jailNode();
        expectUnfit(node.id, INodeRegistry.NodeStatus.Jailed, BOTH, false, false);
        muster(node.id, Trust.Any);
    }

    function test_RevertGiven_NodeIsRetired() public {
        retireNode();
        expectUnfit(node.id, INodeRegistry.NodeStatus.Retired, BOTH, false, false);
        muster(node.id, Trust.Any);
    }

    function test_RevertGiven_NodeIsNoWorker() public {
        TestNode memory archive = registerNode(4);
        expectUnfit(archive.id, INodeRegistry.NodeStatus.Registered, 4, false, false);
        muster(archive.id, Trust.Any);
    }

    function test_RevertWhen_NodeIsUnknown() public {
        expectUnfit(UNKNOWN, INodeRegistry.NodeStatus.None, 0, false, false);
        muster(UNKNOWN, Trust.Any);
    }

    function muster(NodeId id, Trust trust) private view {
        musterSeat(id, node.signer, trust);
    }

    function musterSeat(NodeId id, address signer, Trust trust) private view {
        Seat[] memory seats = new Seat[](1);
        seats[0] = SeatLibrary.seatOf(id, signer);
        house.registry.musterWorkers(seats, trust);
    }
}
