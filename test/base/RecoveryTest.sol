// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../contracts/base/HouseContract.sol";
import { IJobMachine } from "../../contracts/interfaces/IJobMachine.sol";
import { ISlashingManager } from "../../contracts/interfaces/ISlashingManager.sol";
import {
    Assignment,
    Job,
    JobState,
    JobTerms,
    Proposal,
    Receipt as JobReceipt
} from "../../contracts/types/Job.sol";
import { JobId } from "../../contracts/types/JobId.sol";
import { JobPriceLibrary } from "../../contracts/types/JobPrice.sol";
import { Funding, JobRulesLibrary } from "../../contracts/types/JobRules.sol";
import { Seat } from "../../contracts/types/Seat.sol";
import { TestNode } from "./HouseTest.sol";
import { JobTest } from "./JobTest.sol";

/// @notice A job and all that later calls about it take.
struct JobCase {
    JobId id;
    Job job;
    Assignment assignment;
    Proposal proposal;
    address challenger;
}

/// @title Recovery test
/// @notice Jobs that were brought into a state, and the calls that move them on from there.
abstract contract RecoveryTest is JobTest {
    /// @dev What the usual job locks of each node: half of its maximum price, in TLY.
    uint128 internal constant LOCK = 5e18;
    /// @dev What its coordinator forfeits when the lease runs out: 5 % of that.
    uint128 internal constant PENALTY = 0.25e18;
    /// @dev A tenth of the maximum price.
    uint128 internal constant BOND = 1e6;
    uint96 internal constant ODD_PRICE = 9_999_999;
    uint128 internal constant RESERVED = 10_050_000;
    /// @dev Shares of the usual cost among three replicas: 5 %, 2 %, 63 % and twice 15 %.
    uint128 internal constant COORDINATOR_SHARE = 400_000;
    uint128 internal constant PROTOCOL_SHARE = 160_000;
    uint128 internal constant PERFORMER_SHARE = 5_040_000;
    uint128 internal constant SECONDARY_SHARE = 1_200_000;
    bytes32 internal constant LIE = keccak256("another output");

    bytes32 internal constant NONE = bytes32(uint256(1));
    bytes32 internal constant OPEN = bytes32(uint256(2));
    bytes32 internal constant ASSIGNED = bytes32(uint256(4));
    bytes32 internal constant PROPOSED = bytes32(uint256(8));
    bytes32 internal constant CHALLENGED = bytes32(uint256(16));
    bytes32 internal constant LIVE = bytes32(uint256(30));
    bytes32 internal constant SEIZABLE = bytes32(uint256(126));

    address internal accuser = makeAddr("accuser");
    uint256 private noncesUsed;

    /// @notice A job that waits for a coordinator.
    function opened(JobTerms memory terms) internal returns (JobCase memory c) {
        (c.id, c.job) = create(++noncesUsed, terms);
    }

    /// @notice A job on which the first workers work.
    function assigned(JobTerms memory terms, uint256 count) internal returns (JobCase memory c) {
        c = opened(terms);
        c.assignment = assign(c.id, c.job, count);
    }

    /// @notice A job of three workers with a result that all of them signed.
    function proposed(JobTerms memory terms) internal returns (JobCase memory c) {
        c = assigned(terms, 3);
        c.proposal = propose(c.id, c.job, c.assignment, 7);
    }

    /// @notice The same with a result that the client denied.
    function challenged(JobTerms memory terms) internal returns (JobCase memory c) {
        c = proposed(terms);
        challengeAs(client, c);
    }

    function assignAgain(JobCase memory c, uint256 count) internal {
        c.assignment = assign(c.id, c.job, count);
        c.proposal = noProposal();
        c.challenger = address(0);
    }

    function challengeAs(address challenger, JobCase memory c) internal {
        vm.prank(challenger);
        house.jobs.challenge(c.id, c.job, c.assignment, c.proposal);
        c.challenger = challenger;
    }

    /// @notice The assignment after these nodes joined it.
    function joined(JobCase memory c, Seat[] memory joiners)
        internal
        pure
        returns (Assignment memory)
    {
        uint256 count = c.assignment.nodes.length;
        Seat[] memory nodes = new Seat[](count + joiners.length);
        for (uint256 i; i < nodes.length; ++i) {
            nodes[i] = i < count ? c.assignment.nodes[i] : joiners[i - count];
        }
        return Assignment(c.assignment.startedAt, c.assignment.coordinator, nodes);
    }

    function heartbeat(JobCase memory c) internal {
        vm.prank(coordinator.signer);
        house.jobs.heartbeat(c.id, c.job, c.assignment);
    }

    function release(JobCase memory c) internal {
        vm.prank(coordinator.signer);
        house.jobs.release(c.id, c.job, c.assignment);
    }

    function cancel(JobCase memory c) internal {
        vm.prank(client);
        house.jobs.cancel(c.id, c.job);
    }

    function stop(JobCase memory c) internal {
        vm.prank(client);
        house.jobs.stop(c.id, c.job, c.assignment);
    }

    function topUp(JobCase memory c, uint128 amount) internal {
        vm.prank(client);
        house.jobs.topUp(c.id, c.job, c.assignment, amount);
    }

    function advanceAs(address caller, JobCase memory c) internal {
        vm.prank(caller);
        house.jobs.advance(c.id, c.job, c.assignment, c.proposal, c.challenger);
    }

    function settleAs(address caller, JobCase memory c) internal {
        vm.prank(caller);
        house.jobs.settle(c.id, c.job, c.assignment, c.proposal);
    }

    /// @notice Proposes a result of the only worker at this cost.
    function proposeCost(JobCase memory c, uint128 cost) internal {
        JobReceipt memory receipt = receiptOf(c.id, OUTPUT, cost, 1);
        vm.prank(coordinator.signer);
        house.jobs.propose(c.id, c.job, c.assignment, receipt);
    }

    function resolve(JobCase memory c, bool upheld, uint16 liars) internal returns (uint128) {
        vm.prank(address(house.slashing));
        return
            house.jobs.resolve(c.id, c.job, c.assignment, c.proposal, c.challenger, upheld, liars);
    }

    function seize(JobCase memory c, uint256 index) internal returns (uint128, bool) {
        bytes32 rest = restOf(c);
        vm.prank(address(house.slashing));
        return house.jobs.seize(c.id, c.job, c.assignment, rest, index);
    }

    /// @notice Convicts a worker of two outputs for the present attempt.
    function convict(JobCase memory c, uint256 index) internal {
        report(c, index, claimOf(c, workers[index], OUTPUT), claimOf(c, workers[index], LIE));
    }

    function report(
        JobCase memory c,
        uint256 index,
        ISlashingManager.SignedClaim memory first,
        ISlashingManager.SignedClaim memory second
    ) internal {
        bytes32 rest = restOf(c);
        vm.prank(accuser);
        house.slashing.reportEquivocation(c.id, c.job, c.assignment, rest, index, first, second);
    }

    /// @notice A result that a node signed for the present attempt.
    function claimOf(JobCase memory c, TestNode memory node, bytes32 outputRoot)
        internal
        view
        returns (ISlashingManager.SignedClaim memory)
    {
        (, uint8 attempt,,) = house.jobs.statusOf(c.id);
        bytes32 digest = house.jobs.claimDigest(c.id, attempt, outputRoot, COST);
        return ISlashingManager.SignedClaim(outputRoot, COST, signatureOf(node.key, digest));
    }

    /// @notice What the commitment holds behind the assignment.
    function restOf(JobCase memory c) internal pure returns (bytes32) {
        Proposal memory p = c.proposal;
        if (p.signers == 0) return 0;
        return keccak256(abi.encode(p.outputRoot, p.price, p.signers, c.challenger));
    }

    /// @notice The usual job with a client that promises to pay at settlement.
    function pullTerms() internal view returns (JobTerms memory) {
        JobRulesLibrary.Fields memory rules = quorumRules();
        rules.funding = Funding.PullAtSettlement;
        return termsOf(rules);
    }

    /// @notice The usual job at a price that no share divides.
    function oddTerms() internal view returns (JobTerms memory terms) {
        terms = quorumTerms();
        terms.price = JobPriceLibrary.pack(ODD_PRICE, 0, TIP);
    }

    /// @notice The EIP-712 digest of a struct under the domain of the job manager.
    function digestOf(bytes32 structHash) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,"
                    "address verifyingContract)"
                ),
                keccak256("Tallystick JobManager"),
                keccak256("1"),
                block.chainid,
                address(house.jobs)
            )
        );
        return keccak256(abi.encodePacked("\x19\x01", domain, structHash));
    }

    /// @notice The emergency multisig stops whatever it can stop.
    function pauseJobs() internal {
        vm.startPrank(pauser);
        HouseContract(address(house.jobs)).pause();
        HouseContract(address(house.staking)).pause();
        HouseContract(address(house.payments)).pause();
        vm.stopPrank();
    }

    /// @notice What an owner has in the chain lane.
    function laneOf(address owner) internal view returns (uint128 balance) {
        (balance,) = house.jobs.accountOf(owner, address(dollar));
    }

    function laneOf(TestNode memory node) internal view returns (uint128) {
        return laneOf(node.id.accountOf());
    }

    function feesOf(TestNode memory node) internal view returns (uint128 fees) {
        (, fees) = house.jobs.accountOf(node.id.accountOf(), address(dollar));
    }

    function lockedOf(TestNode memory node) internal view returns (uint128) {
        return house.staking.poolOf(node.id).locked;
    }

    function stakeOf(TestNode memory node) internal view returns (uint128) {
        return house.staking.poolOf(node.id).stake;
    }

    function seizedOf(JobId id) internal view returns (uint16 seized) {
        (,,, seized) = house.jobs.statusOf(id);
    }

    function attemptOf(JobId id) internal view returns (uint8 attempt) {
        (, attempt,,) = house.jobs.statusOf(id);
    }

    function assertState(JobCase memory c, JobState state) internal view {
        assertEq(uint8(stateOf(c.id)), uint8(state));
    }

    /// @notice Every unit of the lane is somebody's: what jobs and bonds hold, and these balances.
    function assertLane(uint256 held) internal view {
        uint256 sum = held + laneOf(client) + laneOf(stranger) + laneOf(coordinator.signer)
            + laneOf(coordinator) + feesOf(coordinator);
        for (uint256 i; i < workers.length; ++i) {
            sum += laneOf(workers[i]) + laneOf(workers[i].signer);
        }
        assertEq(house.payments.chainLaneOf(address(dollar)), sum);
    }

    function assertUnlocked(uint256 count) internal view {
        assertEq(lockedOf(coordinator), 0);
        for (uint256 i; i < count; ++i) {
            assertEq(lockedOf(workers[i]), 0);
        }
    }

    function expectState(JobCase memory c, JobState actual, bytes32 expected) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobMachine.JobManagerUnexpectedState.selector, c.id, actual, expected
            )
        );
    }

    function expectTooLate(JobCase memory c, uint256 deadline) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobMachine.JobManagerTooLate.selector, c.id, deadline, block.timestamp
            )
        );
    }

    function expectTooEarly(JobCase memory c) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobMachine.JobManagerTooEarly.selector, c.id, deadlineOf(c.id), block.timestamp
            )
        );
    }

    function expectWrongCommitment(JobCase memory c) internal {
        vm.expectRevert(
            abi.encodeWithSelector(IJobMachine.JobManagerWrongCommitment.selector, c.id)
        );
    }

    function expectUnauthorized(JobCase memory c, address caller, address expected) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobMachine.JobManagerUnauthorized.selector, c.id, caller, expected
            )
        );
    }

    function expectInvalidSigners(JobCase memory c, uint16 given, uint16 accepted) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobMachine.JobManagerInvalidSigners.selector, c.id, given, accepted
            )
        );
    }

    function expectInvalidNodes(JobCase memory c, uint256 given) internal {
        vm.expectRevert(
            abi.encodeWithSelector(IJobMachine.JobManagerInvalidNodes.selector, c.id, given, 16)
        );
    }

    /// @notice The only worker signed a cost that the job cannot pay.
    function expectExcessiveCost(JobCase memory c, uint128 cost, uint256 most) internal {
        JobReceipt memory receipt = receiptOf(c.id, OUTPUT, cost, 1);
        vm.expectRevert(
            abi.encodeWithSelector(IJobMachine.JobManagerExcessiveCost.selector, c.id, cost, most)
        );
        vm.prank(coordinator.signer);
        house.jobs.propose(c.id, c.job, c.assignment, receipt);
    }

    function expectWrongPricing(JobCase memory c) internal {
        vm.expectRevert(
            abi.encodeWithSelector(IJobMachine.JobManagerWrongPricing.selector, c.id, 0)
        );
    }
}
