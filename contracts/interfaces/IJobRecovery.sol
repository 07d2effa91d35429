// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Assignment, Job, JobState, JobTerms, Proposal } from "../types/Job.sol";
import { JobId } from "../types/JobId.sol";
import { JobParameters } from "../types/JobParameters.sol";
import { NodeId } from "../types/NodeId.sol";
import { Seat } from "../types/Seat.sol";
import { IJobMachine } from "./IJobMachine.sol";

/// @title Job manager, recovery
/// @notice What a job needs when it does not go straight from order to payment.
interface IJobRecovery is IJobMachine {
    /// @notice Adds nodes to the present attempt: secondaries that were drawn after the primary's
    /// commitment, or a further one after a disagreement. Assigned -> Assigned. Only the lease's
    /// holder.
    function enlist(
        JobId id,
        Job calldata job,
        Assignment calldata assignment,
        Seat[] calldata nodes
    ) external;

    /// @notice Renews the lease, and for a job paid by time vouches that it ran until now. Assigned
    /// -> Assigned. Only the lease's holder.
    function heartbeat(JobId id, Job calldata job, Assignment calldata assignment) external;

    /// @notice Gives the lease back in time and without penalty. Assigned -> Open, or Refunded when
    /// attempts are used up. Only the lease's holder.
    function release(JobId id, Job calldata job, Assignment calldata assignment) external;

    /// @notice Adds money to a job that is paid by time. Assigned -> Assigned. Only the client.
    function topUp(JobId id, Job calldata job, Assignment calldata assignment, uint128 amount)
        external;

    /// @notice Ends a job that is paid by time: time from now on is not paid. Assigned -> Assigned.
    /// Only the client.
    function stop(JobId id, Job calldata job, Assignment calldata assignment) external;

    /// @notice Denies a proposed result, with a bond from the caller's balance or allowance.
    /// Proposed -> Challenged. Only the client or the signer of an assigned node.
    function challenge(
        JobId id,
        Job calldata job,
        Assignment calldata assignment,
        Proposal calldata proposal
    ) external;

    /// @notice Makes sure that the caller's order can never become a job. None -> Refunded.
    function voidOrder(uint256 nonce, JobTerms calldata terms) external;

    /// @notice Takes a job back before anybody works on it. Open -> Refunded. Only the client.
    function cancel(JobId id, Job calldata job) external;

    /// @notice Moves a job on once its deadline is over. Anyone, for the tip; it cannot fail then.
    /// Open -> Refunded. Assigned -> Open or Refunded. Proposed -> Settled. Challenged -> Settled:
    /// what was proved by a quorum stands unless it is disproved.
    /// @param assignment The assignment; empty while the job is open.
    /// @param proposal The proposal; empty before there is one.
    /// @param challenger The challenger; zero where there is none.
    function advance(
        JobId id,
        Job calldata job,
        Assignment calldata assignment,
        Proposal calldata proposal,
        address challenger
    ) external;

    /// @notice Decides a challenge. Challenged -> Settled if upheld, else Open or Refunded. Only
    /// `SlashingManager`. The bond of a challenge that failed goes to the first signer that is not
    /// convicted, the tip to the coordinator.
    /// @param liars Bit `i` set: node `i` signed the wrong result and is to be slashed.
    /// @return amount Stake that each liar had locked, in base units of TLY.
    function resolve(
        JobId id,
        Job calldata job,
        Assignment calldata assignment,
        Proposal calldata proposal,
        address challenger,
        bool upheld,
        uint16 liars
    ) external returns (uint128 amount);

    /// @notice Marks a node that signed two results for the present, or the settled, attempt. Only
    /// `SlashingManager`.
    /// @param rest `restOf` what follows the assignment in the job's commitment.
    /// @param index The node's place in the assignment.
    /// @return amount Stake that the job locked of it, in base units of TLY.
    /// @return held Whether that lock still stands.
    function seize(
        JobId id,
        Job calldata job,
        Assignment calldata assignment,
        bytes32 rest,
        uint256 index
    ) external returns (uint128 amount, bool held);

    /// @notice Sets the parameters of new jobs in a token; zero refuses the token. Only
    /// `NetworkProfile`.
    function adoptParameters(address token, JobParameters parameters) external;

    /// @notice The meter of a job that is paid by time.
    /// @return toppedUp Money added after creation, in base units of its token.
    /// @return lastBeat Last time that its coordinator vouched for it, Unix seconds.
    /// @return stoppedAt When its client stopped it, Unix seconds; zero: it was not.
    function meterOf(JobId id)
        external
        view
        returns (uint128 toppedUp, uint40 lastBeat, uint40 stoppedAt);

    /// @notice Stake that each bonded node of a job locks, in base units of TLY.
    function lockOf(Job calldata job) external pure returns (uint128);

    /// @notice What the commitment of a job holds behind its assignment: zero while it is assigned,
    /// then a hash of the proposal and the challenger.
    function restOf(Proposal calldata proposal, address challenger) external pure returns (bytes32);

    /// @notice The id that a client's order gets as a job.
    function idOf(address client, uint256 nonce, JobTerms calldata terms)
        external
        view
        returns (JobId);

    /// @notice The EIP-712 digest that a client signs to let somebody else create its job.
    function orderDigest(address client, uint256 nonce, JobTerms calldata terms)
        external
        view
        returns (bytes32);

    /// @notice The EIP-712 digest that a node signs to attest a result.
    function claimDigest(JobId id, uint8 attempt, bytes32 outputRoot, uint128 cost)
        external
        view
        returns (bytes32);

    /// @notice Where a job stands.
    /// @return state Its state.
    /// @return attempt Its attempts so far.
    /// @return deadline When the present state ends, Unix seconds; zero in a final state.
    /// @return seized Convicted nodes of the present attempt, as a bitmap.
    function statusOf(JobId id)
        external
        view
        returns (JobState state, uint8 attempt, uint40 deadline, uint16 seized);

    /// @notice The parameters of new jobs in a token; zero: not accepted.
    function parametersOf(address token) external view returns (JobParameters);
}
