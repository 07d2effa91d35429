// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobId } from "../../contracts/types/JobId.sol";
import {
    Assignment,
    Funding,
    Job,
    JobState,
    JobTerms,
    Proposal,
    Receipt as JobReceipt,
    Trust,
    Verification
} from "../../contracts/types/JobTerms.sol";
import { NodeId } from "../../contracts/types/NodeId.sol";
import { Seat, SeatLibrary } from "../../contracts/types/Seat.sol";
import { HouseTest, TestNode } from "./HouseTest.sol";

/// @title Job test
/// @notice A client with money, a coordinator, four workers, and the steps of a job.
abstract contract JobTest is HouseTest {
    uint128 internal constant PRICE = 10e6;
    uint128 internal constant COST = 8e6;
    uint128 internal constant TIP = 50_000;
    bytes32 internal constant OUTPUT = keccak256("output");

    TestNode internal coordinator;
    TestNode[] internal workers;

    function setUp() public virtual override {
        super.setUp();
        coordinator = bondNode(COORDINATOR, 100_000e18);
        for (uint256 i; i < 4; ++i) {
            workers.push(bondNode(WORKER, 100_000e18));
        }
        giveBalance(client, 1_000_000e6);
    }

    /// @notice Terms for one worker that is trusted to attest its own work: no lock, no window.
    function attestedTerms() internal view returns (JobTerms memory) {
        return JobTerms({
            specification: keccak256("specification"),
            token: address(dollar),
            maxPrice: PRICE,
            tip: TIP,
            ratePerSecond: 0,
            funding: Funding.Balance,
            verification: Verification.Attested,
            trust: Trust.Any,
            replicas: 1,
            quorum: 1,
            assignBy: uint40(block.timestamp + 60),
            completeBy: uint40(block.timestamp + 600),
            serviceLevel: 0,
            parametersVersion: house.profile.currentVersion()
        });
    }

    /// @notice Terms for three staked workers of which two must agree, with a challenge window.
    function quorumTerms() internal view returns (JobTerms memory terms) {
        terms = attestedTerms();
        terms.verification = Verification.Deterministic;
        terms.trust = Trust.Staked;
        terms.replicas = 3;
        terms.quorum = 2;
    }

    /// @notice Terms for work that is paid by time, a micro-dollar the second and more.
    function rateTerms() internal view returns (JobTerms memory terms) {
        terms = attestedTerms();
        terms.ratePerSecond = 1000;
        terms.completeBy = uint40(block.timestamp + 6 hours);
    }

    /// @notice The job that creating these terms makes.
    function jobOf(uint256 nonce, JobTerms memory terms) internal view returns (Job memory) {
        return Job(client, nonce, terms, house.jobs.parametersOf(terms.token));
    }

    function idOf(Job memory job) internal view returns (JobId) {
        return house.jobs.idOf(job.client, job.nonce, job.terms);
    }

    /// @notice Creates a job of the client.
    function create(uint256 nonce, JobTerms memory terms) internal returns (Job memory job) {
        job = jobOf(nonce, terms);
        vm.prank(client);
        house.jobs.create(nonce, terms, "");
    }

    /// @notice The ids of the first workers.
    function workerIds(uint256 count) internal view returns (NodeId[] memory ids) {
        ids = new NodeId[](count);
        for (uint256 i; i < count; ++i) {
            ids[i] = workers[i].id;
        }
    }

    /// @notice The assignment of the first workers, made now.
    function assignmentOf(uint256 count) internal view returns (Assignment memory assignment) {
        assignment.startedAt = uint40(block.timestamp);
        assignment.coordinator = SeatLibrary.seatOf(coordinator.id, coordinator.signer);
        assignment.nodes = new Seat[](count);
        for (uint256 i; i < count; ++i) {
            assignment.nodes[i] = SeatLibrary.seatOf(workers[i].id, workers[i].signer);
        }
    }

    /// @notice Assigns the first workers.
    function assign(Job memory job, uint256 count)
        internal
        returns (Assignment memory assignment)
    {
        assignment = assignmentOf(count);
        vm.prank(coordinator.signer);
        house.jobs.assign(job, coordinator.id, workerIds(count));
    }

    /// @notice The receipt that these workers sign for the job's present attempt.
    /// @param signers Bit `i` set: worker `i` signs.
    function receiptOf(Job memory job, bytes32 outputRoot, uint128 cost, uint16 signers)
        internal
        view
        returns (JobReceipt memory receipt)
    {
        JobId id = idOf(job);
        (, uint8 attempt,,) = house.jobs.statusOf(id);
        bytes32 digest = house.jobs.claimDigest(id, attempt, outputRoot, cost);
        receipt = JobReceipt(outputRoot, cost, signers, "");
        for (uint256 i; i < workers.length; ++i) {
            if (signers & (1 << i) == 0) continue;
            receipt.signatures =
                bytes.concat(receipt.signatures, signatureOf(workers[i].key, digest));
        }
    }

    /// @notice Proposes the usual result, signed by these workers.
    function propose(Job memory job, Assignment memory assignment, uint16 signers)
        internal
        returns (Proposal memory proposal)
    {
        JobReceipt memory receipt = receiptOf(job, OUTPUT, COST, signers);
        vm.prank(coordinator.signer);
        house.jobs.propose(job, assignment, receipt);
        return Proposal(OUTPUT, COST, signers);
    }

    function stateOf(Job memory job) internal view returns (JobState state) {
        (state,,,) = house.jobs.statusOf(idOf(job));
    }

    function deadlineOf(Job memory job) internal view returns (uint40 deadline) {
        (,, deadline,) = house.jobs.statusOf(idOf(job));
    }

    /// @notice A proposal for calls that take one before there is any.
    function noProposal() internal pure returns (Proposal memory proposal) { }

    /// @notice An assignment for calls that take one before there is any.
    function noAssignment() internal pure returns (Assignment memory assignment) { }
}
