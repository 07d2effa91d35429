// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

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
import { Funding, JobRulesLibrary, Trust, Verification } from "../../contracts/types/JobRules.sol";
import { Seat, SeatLibrary } from "../../contracts/types/Seat.sol";
import { HouseTest, TestNode } from "./HouseTest.sol";

/// @title Job test
/// @notice A client with money, a coordinator, four workers, and the steps of a job.
abstract contract JobTest is HouseTest {
    uint96 internal constant PRICE = 10e6;
    uint128 internal constant COST = 8e6;
    uint64 internal constant TIP = 50_000;
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

    /// @notice Rules for one worker that is trusted to attest its own work: no lock, no window.
    function attestedRules() internal view returns (JobRulesLibrary.Fields memory) {
        return JobRulesLibrary.Fields({
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

    /// @notice Rules for three staked workers of which two must agree, with a challenge window.
    function quorumRules() internal view returns (JobRulesLibrary.Fields memory rules) {
        rules = attestedRules();
        rules.verification = Verification.Deterministic;
        rules.trust = Trust.Staked;
        rules.replicas = 3;
        rules.quorum = 2;
    }

    /// @notice The usual price and tip under these rules.
    function termsOf(JobRulesLibrary.Fields memory rules) internal view returns (JobTerms memory) {
        return JobTerms({
            specification: keccak256("specification"),
            token: address(dollar),
            price: JobPriceLibrary.pack(PRICE, 0, TIP),
            rules: JobRulesLibrary.pack(rules)
        });
    }

    /// @notice Terms for one worker that is trusted to attest its own work.
    function attestedTerms() internal view returns (JobTerms memory) {
        return termsOf(attestedRules());
    }

    /// @notice Terms for three staked workers of which two must agree.
    function quorumTerms() internal view returns (JobTerms memory) {
        return termsOf(quorumRules());
    }

    /// @notice Terms for work that is paid by time, a thousand units the second.
    function rateTerms() internal view returns (JobTerms memory terms) {
        JobRulesLibrary.Fields memory rules = attestedRules();
        rules.completeBy = uint40(block.timestamp + 6 hours);
        terms = termsOf(rules);
        terms.price = JobPriceLibrary.pack(PRICE, 1000, TIP);
    }

    /// @notice The job that these terms make for the client.
    function jobOf(JobTerms memory terms) internal view returns (Job memory) {
        return Job({
            client: client,
            token: terms.token,
            price: terms.price,
            rules: terms.rules,
            parameters: house.jobs.parametersOf(terms.token)
        });
    }

    /// @notice Creates a job of the client.
    function create(uint256 nonce, JobTerms memory terms)
        internal
        returns (JobId id, Job memory job)
    {
        job = jobOf(terms);
        vm.prank(client);
        id = house.jobs.create(nonce, terms, "");
    }

    /// @notice The seats of the first workers.
    function seatsOf(uint256 count) internal view returns (Seat[] memory seats) {
        seats = new Seat[](count);
        for (uint256 i; i < count; ++i) {
            seats[i] = SeatLibrary.seatOf(workers[i].id, workers[i].signer);
        }
    }

    /// @notice The assignment of the first workers, made now.
    function assignmentOf(uint256 count) internal view returns (Assignment memory) {
        return Assignment({
            startedAt: uint40(block.timestamp),
            coordinator: SeatLibrary.seatOf(coordinator.id, coordinator.signer),
            nodes: seatsOf(count)
        });
    }

    /// @notice Assigns the first workers.
    function assign(JobId id, Job memory job, uint256 count)
        internal
        returns (Assignment memory assignment)
    {
        assignment = assignmentOf(count);
        vm.prank(coordinator.signer);
        house.jobs.assign(id, job, coordinator.id, assignment.nodes);
    }

    /// @notice The receipt that these workers sign for the job's present attempt.
    /// @param signers Bit `i` set: worker `i` signs.
    function receiptOf(JobId id, bytes32 outputRoot, uint128 cost, uint16 signers)
        internal
        view
        returns (JobReceipt memory receipt)
    {
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
    function propose(JobId id, Job memory job, Assignment memory assignment, uint16 signers)
        internal
        returns (Proposal memory proposal)
    {
        JobReceipt memory receipt = receiptOf(id, OUTPUT, COST, signers);
        vm.prank(coordinator.signer);
        house.jobs.propose(id, job, assignment, receipt);
        return Proposal(OUTPUT, COST, signers);
    }

    function stateOf(JobId id) internal view returns (JobState state) {
        (state,,,) = house.jobs.statusOf(id);
    }

    function deadlineOf(JobId id) internal view returns (uint40 deadline) {
        (,, deadline,) = house.jobs.statusOf(id);
    }

    /// @notice A proposal for calls that take one before there is any.
    function noProposal() internal pure returns (Proposal memory proposal) { }

    /// @notice An assignment for calls that take one before there is any.
    function noAssignment() internal pure returns (Assignment memory assignment) { }
}
