// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { Trust } from "../../../contracts/types/JobTerms.sol";
import { NodeId } from "../../../contracts/types/NodeId.sol";
import { Seat } from "../../../contracts/types/Seat.sol";
import { TestNode } from "../../base/HouseTest.sol";
import { RegistryTest } from "./RegistryTest.sol";

contract NodeRegistryMusterWorkers is RegistryTest {
    uint8 internal constant BOTH = WORKER | COORDINATOR;

    function test_AnyTrustTakesRegisteredAndActiveNodes() public {
        assertSeated(Trust.Any);
        activateNode();
        assertSeated(Trust.Any);
    }

    function test_StakedTrustTakesActiveNodes() public {
        activateNode();
        assertSeated(Trust.Staked);
    }

    function test_VettedTrustTakesActiveVettedNodes() public {
        activateNode();
        vetNode(true);
        assertSeated(Trust.Vetted);
    }

    function test_NoWorkersGetNoSeats() public view {
        assertEq(house.registry.musterWorkers(new NodeId[](0), Trust.Vetted).length, 0);
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

    function assertSeated(Trust trust) private view {
        Seat[] memory seats = muster(node.id, trust);
        assertEq(seats.length, 1);
        assertTrue(seats[0].node() == node.id);
        assertEq(seats[0].signer(), node.signer);
    }

    function muster(NodeId id, Trust trust) private view returns (Seat[] memory) {
        NodeId[] memory ids = new NodeId[](1);
        ids[0] = id;
        return house.registry.musterWorkers(ids, trust);
    }
}
