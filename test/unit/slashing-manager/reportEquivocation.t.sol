// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INetworkProfile } from "../../../contracts/interfaces/INetworkProfile.sol";
import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { ISlashingManager } from "../../../contracts/interfaces/ISlashingManager.sol";
import { IStakingManager } from "../../../contracts/interfaces/IStakingManager.sol";
import { JobState, Receipt as JobReceipt } from "../../../contracts/types/Job.sol";
import { NodeId } from "../../../contracts/types/NodeId.sol";
import { Seat, SeatLibrary } from "../../../contracts/types/Seat.sol";
import { TestNode } from "../../base/HouseTest.sol";
import { JobCase } from "../../base/RecoveryTest.sol";
import { SlashingTest } from "./SlashingTest.sol";
import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

contract SlashingManagerReportEquivocation is SlashingTest {
    function test_TakesTheLockAndSharesIt() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        uint128 stake = stakeOf(workers[1]);
        uint256 supply = house.token.totalSupply();
        expectSlashed(c, workers[1], accuser, LOCK);
        convict(c, 1);
        assertEq(stakeOf(workers[1]), stake - LOCK);
        assertEq(house.token.balanceOf(client), VICTIM_PART);
        assertEq(house.token.balanceOf(accuser), REPORTER_PART);
        assertEq(house.token.totalSupply(), supply - BURNED);
        assertEq(lockedOf(workers[1]), 0);
        assertEq(seizedOf(c.id), 2);
        assertJailed(workers[1]);
    }

    function test_GivesTheRemainderToTheInsurance() public {
        address insurance = makeAddr("insurance");
        INetworkProfile.Parameters memory parameters = networkParameters();
        parameters.insurance = insurance;
        vm.prank(address(house.timelock));
        house.profile.setParameters(parameters);
        JobCase memory c = assigned(quorumTerms(), 3);
        uint256 supply = house.token.totalSupply();
        convict(c, 1);
        assertEq(house.token.balanceOf(insurance), BURNED);
        assertEq(house.token.totalSupply(), supply);
    }

    function test_TakesThawingStakeInProportion() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        TestNode memory worker = workers[1];
        uint128 shares = house.staking.positionOf(worker.id, worker.operator).shares;
        vm.prank(worker.operator);
        house.staking.requestUnstake(worker.id, shares / 4);
        convict(c, 1);
        IStakingManager.Pool memory pool = house.staking.poolOf(worker.id);
        assertEq(pool.stake, 75_000e18 - LOCK * 3 / 4);
        assertEq(pool.thawing, 25_000e18 - LOCK / 4);
    }

    function test_ConvictsWhileTheResultIsProposed() public {
        JobCase memory c = proposed(quorumTerms());
        convict(c, 0);
        assertEq(seizedOf(c.id), 1);
        assertEq(lockedOf(workers[0]), 0);
        assertJailed(workers[0]);
    }

    function test_ConvictsWhileTheResultIsChallenged() public {
        JobCase memory c = challenged(quorumTerms());
        convict(c, 2);
        assertEq(seizedOf(c.id), 4);
        assertJailed(workers[2]);
    }

    function test_KeepsTheConvictedFromTheQuorum() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        convict(c, 1);
        JobReceipt memory receipt = receiptOf(c.id, OUTPUT, COST, 3);
        expectInvalidSigners(c, 3, 5);
        vm.prank(coordinator.signer);
        house.jobs.propose(c.id, c.job, c.assignment, receipt);
    }

    function test_TakesUnlockedStakeAfterSettlement() public {
        JobCase memory c = proposed(quorumTerms());
        pass(CHALLENGE_WINDOW);
        settleAs(stranger, c);
        _lockAllBut(workers[0], 2e18);
        uint128 stake = stakeOf(workers[0]);
        uint128 locked = lockedOf(workers[0]);
        expectSlashed(c, workers[0], accuser, 2e18);
        convict(c, 0);
        assertEq(stakeOf(workers[0]), stake - 2e18);
        assertEq(lockedOf(workers[0]), locked);
        assertEq(house.token.balanceOf(client), 0.8e18);
        assertEq(house.token.balanceOf(accuser), 0.2e18);
        assertJailed(workers[0]);
    }

    function test_TakesNothingAfterSettlementWhereAllStakeBacksOtherJobs() public {
        JobCase memory c = proposed(quorumTerms());
        pass(CHALLENGE_WINDOW);
        settleAs(stranger, c);
        _lockAllBut(workers[0], 0);
        expectSlashed(c, workers[0], accuser, 0);
        convict(c, 0);
        assertJailed(workers[0]);
    }

    function test_OnlyJailsWhereNothingIsLocked() public {
        JobCase memory c = assigned(attestedTerms(), 1);
        uint128 stake = stakeOf(workers[0]);
        expectSlashed(c, workers[0], accuser, 0);
        convict(c, 0);
        assertEq(stakeOf(workers[0]), stake);
        assertEq(house.token.balanceOf(accuser), 0);
        assertJailed(workers[0]);
    }

    function test_OnlyJailsANodeWithoutStake() public {
        TestNode memory bonded = workers[0];
        workers[0] = registerNode(WORKER);
        JobCase memory c = assigned(attestedTerms(), 1);
        convict(c, 0);
        assertJailed(workers[0]);
        assertStatus(bonded, INodeRegistry.NodeStatus.Active);
    }

    function test_MarksAnUnregisteredWorkerThatHasNothingToLose() public {
        workers[0].id = NodeId.wrap(0);
        (workers[0].signer, workers[0].key) = makeAddrAndKey("unregistered");
        JobCase memory c = assigned(attestedTerms(), 1);
        convict(c, 0);
        assertEq(seizedOf(c.id), 1);
        assertEq(house.slashing.jailedUntil(NodeId.wrap(0)), 0);
        assertEq(house.staking.poolOf(NodeId.wrap(0)).epoch, 0);
    }

    function test_PaysNoOperatorForEvidenceAgainstItself() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        accuser = workers[1].operator;
        uint256 balance = house.token.balanceOf(accuser);
        uint256 supply = house.token.totalSupply();
        expectSlashed(c, workers[1], accuser, LOCK);
        convict(c, 1);
        assertEq(house.token.balanceOf(accuser), balance);
        assertEq(house.token.balanceOf(client), VICTIM_PART);
        assertEq(house.token.totalSupply(), supply - BURNED - REPORTER_PART);
    }

    function test_PaysNoOperatorForAJobOfItsOwn() public {
        client = workers[1].operator;
        giveBalance(client, 100e6);
        JobCase memory c = assigned(quorumTerms(), 3);
        uint256 balance = house.token.balanceOf(client);
        uint256 supply = house.token.totalSupply();
        convict(c, 1);
        assertEq(house.token.balanceOf(client), balance);
        assertEq(house.token.balanceOf(accuser), REPORTER_PART);
        assertEq(house.token.totalSupply(), supply - BURNED - VICTIM_PART);
    }

    function test_ReachesASignerThatWasRotatedAway() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        TestNode memory worker = workers[1];
        (address signer, uint256 key) = makeAddrAndKey("new signer");
        bytes memory consent = consentOf(key, worker.operator);
        vm.prank(worker.operator);
        house.registry.rotateSigner(worker.id, signer, consent);
        expectSlashed(c, worker, accuser, LOCK);
        convict(c, 1);
    }

    function test_ReachesARetiredNode() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        vm.prank(workers[1].operator);
        house.registry.retire(workers[1].id);
        expectSlashed(c, workers[1], accuser, LOCK);
        convict(c, 1);
        assertStatus(workers[1], INodeRegistry.NodeStatus.Retired);
    }

    function test_ConvictsForASecondJobFromJail() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        JobCase memory d = assigned(quorumTerms(), 3);
        uint128 stake = stakeOf(workers[1]);
        convict(c, 1);
        pass(60);
        convict(d, 1);
        assertEq(stakeOf(workers[1]), stake - 2 * LOCK);
        assertJailed(workers[1]);
    }

    function test_WorksWhilePaused() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        pauseJobs();
        convict(c, 1);
        assertJailed(workers[1]);
    }

    function test_TakesEachOfTwoCostsForTwoOutputs() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        ISlashingManager.SignedClaim memory cheap = _claimAt(c, LIE, COST / 2);
        report(c, 1, claimOf(c, workers[1], OUTPUT), cheap);
        assertJailed(workers[1]);
    }

    function test_RevertWhen_OnlyTheCostDiffers() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        ISlashingManager.SignedClaim memory first = claimOf(c, workers[1], OUTPUT);
        ISlashingManager.SignedClaim memory second = _claimAt(c, OUTPUT, COST / 2);
        vm.expectRevert(
            abi.encodeWithSelector(ISlashingManager.SlashingManagerSameOutput.selector, OUTPUT)
        );
        report(c, 1, first, second);
    }

    function testFuzz_NeverConvictsForOneOutput(uint128 cost, uint128 other, bytes32 root) public {
        JobCase memory c = assigned(quorumTerms(), 3);
        ISlashingManager.SignedClaim memory first = _claimAt(c, root, cost);
        ISlashingManager.SignedClaim memory second = _claimAt(c, root, other);
        vm.expectRevert(
            abi.encodeWithSelector(ISlashingManager.SlashingManagerSameOutput.selector, root)
        );
        report(c, 1, first, second);
    }

    function test_RevertWhen_AClaimIsOfAnotherAttempt() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        ISlashingManager.SignedClaim memory old = claimOf(c, workers[1], OUTPUT);
        release(c);
        assignAgain(c, 3);
        ISlashingManager.SignedClaim memory present = claimOf(c, workers[1], LIE);
        bytes32 digest = house.jobs.claimDigest(c.id, 2, OUTPUT, COST);
        expectNotSignedBy(workers[1].signer, ECDSA.recover(digest, old.signature));
        report(c, 1, old, present);
    }

    function test_RevertWhen_AClaimIsOfAnotherJob() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        JobCase memory d = assigned(quorumTerms(), 3);
        ISlashingManager.SignedClaim memory first = claimOf(c, workers[1], OUTPUT);
        ISlashingManager.SignedClaim memory second = claimOf(d, workers[1], LIE);
        bytes32 digest = house.jobs.claimDigest(c.id, 1, LIE, COST);
        expectNotSignedBy(workers[1].signer, ECDSA.recover(digest, second.signature));
        report(c, 1, first, second);
    }

    function test_RevertWhen_AClaimIsOfAnotherNode() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        ISlashingManager.SignedClaim memory first = claimOf(c, workers[1], OUTPUT);
        ISlashingManager.SignedClaim memory second = claimOf(c, workers[2], LIE);
        expectNotSignedBy(workers[1].signer, workers[2].signer);
        report(c, 1, first, second);
        expectNotSignedBy(workers[2].signer, workers[1].signer);
        report(c, 2, first, second);
    }

    function test_RevertWhen_ASignatureIsForged() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        ISlashingManager.SignedClaim memory first = claimOf(c, workers[1], OUTPUT);
        ISlashingManager.SignedClaim memory second = claimOf(c, workers[1], LIE);
        second.cost = COST - 1;
        bytes32 digest = house.jobs.claimDigest(c.id, 1, LIE, COST - 1);
        expectNotSignedBy(workers[1].signer, ECDSA.recover(digest, second.signature));
        report(c, 1, first, second);

        second.signature = hex"00";
        expectNotSignedBy(workers[1].signer, address(0));
        report(c, 1, first, second);
        expectNotSignedBy(workers[1].signer, address(0));
        report(c, 1, second, first);
    }

    function test_RevertGiven_TheNodeWasConvictedForTheAttempt() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        ISlashingManager.SignedClaim memory first = claimOf(c, workers[1], OUTPUT);
        ISlashingManager.SignedClaim memory second = claimOf(c, workers[1], LIE);
        report(c, 1, first, second);
        expectInvalidSigners(c, 2, 5);
        report(c, 1, second, first);
    }

    function test_RevertGiven_TheAttemptIsOver() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        ISlashingManager.SignedClaim memory first = claimOf(c, workers[1], OUTPUT);
        ISlashingManager.SignedClaim memory second = claimOf(c, workers[1], LIE);
        release(c);
        expectWrongCommitment(c);
        report(c, 1, first, second);
    }

    function test_RevertWhen_TheIndexIsOutOfRange() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        ISlashingManager.SignedClaim memory first = claimOf(c, workers[3], OUTPUT);
        ISlashingManager.SignedClaim memory second = claimOf(c, workers[3], LIE);
        expectInvalidSigners(c, 8, 7);
        report(c, 3, first, second);
        expectInvalidSigners(c, 0, 7);
        report(c, 256, first, second);
    }

    function test_RevertGiven_ThereIsNoJob() public {
        JobCase memory c;
        ISlashingManager.SignedClaim memory first = claimOf(c, workers[0], OUTPUT);
        ISlashingManager.SignedClaim memory second = claimOf(c, workers[0], LIE);
        expectState(c, JobState.None, SEIZABLE);
        report(c, 0, first, second);
    }

    function _claimAt(JobCase memory c, bytes32 outputRoot, uint128 cost)
        private
        view
        returns (ISlashingManager.SignedClaim memory)
    {
        bytes32 digest = house.jobs.claimDigest(c.id, 1, outputRoot, cost);
        bytes memory signature = signatureOf(workers[1].key, digest);
        return ISlashingManager.SignedClaim(outputRoot, cost, signature);
    }

    /// @dev Other jobs lock all stake of a node but this.
    function _lockAllBut(TestNode memory node, uint128 spare) private {
        Seat[] memory seats = new Seat[](1);
        seats[0] = SeatLibrary.seatOf(node.id, node.signer);
        uint128 free = stakeOf(node) - lockedOf(node);
        vm.prank(address(house.jobs));
        house.staking.lockWorkers(seats, free - spare);
    }

    function expectNotSignedBy(address expected, address actual) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                ISlashingManager.SlashingManagerNotSignedBy.selector, expected, actual
            )
        );
    }
}
