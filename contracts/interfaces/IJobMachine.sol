// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobState, JobTerms, Proposal } from "../types/Job.sol";
import { JobId } from "../types/JobId.sol";
import { JobParameters } from "../types/JobParameters.sol";
import { NodeId } from "../types/NodeId.sol";
import { Seat } from "../types/Seat.sol";

/// @title Job machine
/// @notice Events and errors of the job machine.
interface IJobMachine {
    /// @notice A job exists and its money is reserved (unless it is pulled at settlement).
    event JobCreated(
        JobId indexed id,
        address indexed client,
        uint256 nonce,
        JobTerms terms,
        JobParameters parameters
    );

    /// @notice Where the specification of a new job can be fetched. Without this event, ask the
    /// network for its digest.
    event JobSpecification(JobId indexed id, string uri);

    /// @notice A coordinator took the job's lease and named the nodes of a new attempt. With the
    /// block's timestamp as its start, this is the `Assignment`.
    event JobAssigned(
        JobId indexed id, uint8 indexed attempt, Seat coordinator, Seat[] nodes, uint40 deadline
    );

    /// @notice Further nodes joined the attempt, behind those that it had.
    event JobEnlisted(JobId indexed id, uint8 indexed attempt, Seat[] nodes);

    /// @notice The lease was renewed.
    event JobHeartbeat(JobId indexed id, uint8 indexed attempt, uint40 deadline);

    /// @notice A client added money to a job that is paid by time.
    event JobToppedUp(JobId indexed id, uint128 amount, uint128 toppedUp);

    /// @notice A client ended a job that is paid by time; time after `stoppedAt` is not paid.
    event JobStopped(JobId indexed id, uint40 stoppedAt);

    /// @notice A quorum signed a result. It stands unless it is challenged before the deadline. The
    /// price of a result that came after `completeBy` is half the cost that the quorum signed.
    event JobProposed(JobId indexed id, uint8 indexed attempt, Proposal proposal, uint40 deadline);

    /// @notice A bonded party denied the result.
    /// @param bond Its bond, in base units of the job's token.
    event JobChallenged(
        JobId indexed id, address indexed challenger, uint128 bond, uint40 deadline
    );

    /// @notice A challenge was decided.
    /// @param upheld Whether the result stands.
    /// @param liars Bit `i` set: node `i` of the assignment was convicted.
    event JobResolved(JobId indexed id, bool upheld, uint16 liars);

    /// @notice A node of the job was convicted of signing two results.
    event JobNodeSeized(JobId indexed id, uint8 indexed attempt, Seat seat);

    /// @notice The attempt is over without a result; the job waits for the next one.
    event JobReopened(JobId indexed id, uint8 indexed attempt, uint40 deadline);

    /// @notice The job is paid. Final.
    /// @param paid What the client was charged for the work, in base units of the job's token; the
    /// tip comes on top.
    /// @param settler Who got the tip.
    event JobSettled(JobId indexed id, bytes32 outputRoot, uint128 paid, address indexed settler);

    /// @notice The money went back to the client. Final.
    /// @param returned What the client got back, in base units of the job's token.
    event JobRefunded(JobId indexed id, uint128 returned);

    /// @notice A settlement could not pull the money that a client had promised. The job is
    /// refunded and unpaid. Final.
    event JobUnpaid(JobId indexed id, address indexed client, uint128 owed);

    /// @notice One call of a batch failed; the others stand.
    /// @param index Its place in the batch.
    /// @param selector First four bytes of its error.
    event BatchItemFailed(uint256 index, bytes4 selector);

    /// @notice Money came from the client's free balance, or its allowance, into the chain lane.
    event LaneFunded(address indexed owner, address indexed token, uint128 amount);

    /// @notice Money of the chain lane became free balance at `PaymentManager`.
    event LaneWithdrawn(
        address indexed owner, address indexed token, address indexed to, uint128 amount
    );

    /// @notice Fees became free balance of the treasury at `PaymentManager`.
    event FeesCollected(address indexed token, uint128 amount);

    /// @notice New jobs in this token live under other parameters; zero: the token is no longer
    /// accepted.
    event JobParametersAdopted(address indexed token, JobParameters parameters);

    /// @notice The job is not in a state this call accepts.
    /// @param actual The state it is in.
    /// @param expected Accepted states; bit `n` stands for the member of value `n`.
    error JobManagerUnexpectedState(JobId id, JobState actual, bytes32 expected);

    /// @notice The slot of the nonce still serves another job. Wait until that is final, or take
    /// another key.
    /// @param sequence Which of the slot's jobs it is.
    /// @param state Where that job stands.
    error JobManagerSlotBusy(JobId id, uint24 sequence, JobState state);

    /// @notice What was given is not what the job's word commits to. Take it from the job's last
    /// event.
    error JobManagerWrongCommitment(JobId id);

    /// @notice A term is out of bounds.
    /// @param term Name of the term in ASCII, padded with zeros.
    /// @param given What was given.
    /// @param bound The bound that it broke.
    error JobManagerInvalidTerm(bytes32 term, uint256 given, uint256 bound);

    /// @notice The client agreed to parameters that are not in force (zero: the token is not
    /// accepted).
    error JobManagerStaleParameters(address token, uint24 given, uint24 current);

    /// @notice The order is not signed by its client.
    error JobManagerInvalidOrderSignature(JobId id, address client);

    /// @notice It is too late for this call.
    error JobManagerTooLate(JobId id, uint40 deadline, uint256 timestamp);

    /// @notice It is too early for this call.
    error JobManagerTooEarly(JobId id, uint40 deadline, uint256 timestamp);

    /// @notice The caller is not who may make this call.
    /// @param expected The client, or the coordinator's signer, whichever the call is for.
    error JobManagerUnauthorized(JobId id, address caller, address expected);

    /// @notice An assignment has no nodes, too many, or one of them twice.
    error JobManagerInvalidNodes(JobId id, uint256 given, uint256 most);

    /// @notice The signers do not make a quorum. Where convictions broke it after the proposal,
    /// advance the job.
    error JobManagerNoQuorum(JobId id, uint256 given, uint256 needed);

    /// @notice A signature is not by the node it is given for.
    /// @param index The node's place in the assignment.
    error JobManagerInvalidAttestation(JobId id, uint256 index, address expected, address actual);

    /// @notice A signer was convicted, or is not in the assignment.
    error JobManagerInvalidSigners(JobId id, uint16 given, uint16 accepted);

    /// @notice The cost is above what the job can pay.
    error JobManagerExcessiveCost(JobId id, uint256 cost, uint256 most);

    /// @notice The call is for jobs of another kind of price (by time, or fixed; reserved, or
    /// pulled).
    error JobManagerWrongPricing(JobId id, uint128 ratePerSecond);

    /// @notice The client's money could not be pulled. Ask it to approve the amount, or advance the
    /// job to close it unpaid.
    error JobManagerPullFailed(JobId id, address client, uint256 owed);

    /// @notice The chain lane holds less for this owner.
    error JobManagerInsufficientBalance(
        address owner, address token, uint256 available, uint256 needed
    );

    /// @notice The caller is not the operator of the node.
    error JobManagerNotOperator(NodeId node, address caller);

    /// @notice A batch, or a list, is longer than the call takes.
    error JobManagerTooMany(uint256 given, uint256 most);
}
