// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { ISlashingManager } from "../../../contracts/interfaces/ISlashingManager.sol";
import { JobState } from "../../../contracts/types/Job.sol";
import { JobCase } from "../../base/RecoveryTest.sol";
import { SlashingTest } from "./SlashingTest.sol";

contract SlashingManagerDeliverVerdict is SlashingTest {
    address private jury = makeAddr("jury");

    function setUp() public override {
        super.setUp();
        setJury(jury);
    }

    function test_PaysAnUpheldResultAtOnce() public {
        JobCase memory c = challenged(quorumTerms());
        deliver(rulingOf(c, true, 0));
        assertState(c, JobState.Settled);
        assertEq(laneOf(workers[0]), PERFORMER_SHARE + BOND);
        assertStatus(workers[0], INodeRegistry.NodeStatus.Active);
        assertLane(0);
    }

    function test_ConvictsLiarsAndSparesTheOthers() public {
        JobCase memory c = challenged(quorumTerms());
        uint256 supply = house.token.totalSupply();
        expectSlashed(c, workers[0], client, LOCK);
        expectSlashed(c, workers[2], client, LOCK);
        deliver(rulingOf(c, false, 5));
        assertState(c, JobState.Open);
        assertJailed(workers[0]);
        assertStatus(workers[1], INodeRegistry.NodeStatus.Active);
        assertJailed(workers[2]);
        assertEq(stakeOf(workers[1]), 100_000e18);
        assertUnlocked(3);
        // The client is victim and accuser in one.
        assertEq(house.token.balanceOf(client), 2 * (VICTIM_PART + REPORTER_PART));
        assertEq(house.token.totalSupply(), supply - 2 * BURNED);
    }

    function test_IsBoundByNoCap() public {
        setCap(1);
        JobCase memory c = challenged(quorumTerms());
        deliver(rulingOf(c, false, 7));
        assertEq(stakeOf(workers[0]), 100_000e18 - LOCK);
        assertEq(stakeOf(workers[2]), 100_000e18 - LOCK);
        assertEq(house.slashing.committeeSlashed(), 0);
    }

    function test_RevertWhen_TheCallerIsNotTheJury() public {
        ISlashingManager.Ruling memory ruling = rulingOf(challenged(quorumTerms()), true, 0);
        expectNotJury(committee, jury);
        vm.prank(committee);
        house.slashing.deliverVerdict(ruling);
    }

    function test_RevertGiven_ThereIsNoJury() public {
        setJury(address(0));
        ISlashingManager.Ruling memory ruling = rulingOf(challenged(quorumTerms()), true, 0);
        expectNotJury(jury, address(0));
        deliver(ruling);
    }

    function test_RevertWhen_AnUpheldResultHasLiars() public {
        ISlashingManager.Ruling memory ruling = rulingOf(challenged(quorumTerms()), true, 1);
        expectInvalidLiars(1, 7);
        deliver(ruling);
    }

    function test_RevertWhen_ALiarDidNotSign() public {
        ISlashingManager.Ruling memory ruling = rulingOf(challenged(quorumTerms()), false, 8);
        expectInvalidLiars(8, 7);
        deliver(ruling);
    }

    function test_RevertGiven_TheJobIsNotChallenged() public {
        JobCase memory c = proposed(quorumTerms());
        expectState(c, JobState.Proposed, CHALLENGED);
        deliver(rulingOf(c, false, 0));

        challengeAs(client, c);
        deliver(rulingOf(c, false, 0));
        expectState(c, JobState.Open, CHALLENGED);
        deliver(rulingOf(c, false, 0));
    }

    function deliver(ISlashingManager.Ruling memory ruling) private {
        vm.prank(jury);
        house.slashing.deliverVerdict(ruling);
    }

    function expectNotJury(address caller, address expected) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                ISlashingManager.SlashingManagerNotJury.selector, caller, expected
            )
        );
    }
}
