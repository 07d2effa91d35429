// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Assignment, Job, Proposal } from "../types/Job.sol";
import { JobId } from "../types/JobId.sol";
import { NodeId } from "../types/NodeId.sol";

/// @title Slashing manager
/// @notice The only holder of slash rights: evidence in, verdict out.
interface ISlashingManager {
    /// @notice One signed result.
    struct SignedClaim {
        bytes32 outputRoot;
        uint128 cost;
        /// The node's signature over the claim, 65 bytes.
        bytes signature;
    }

    /// @notice A decision on a challenged job.
    struct Ruling {
        JobId id;
        Job job;
        Assignment assignment;
        Proposal proposal;
        address challenger;
        /// Whether the proposed result stands.
        bool upheld;
        /// Bit `i` set: node `i` of the assignment signed the wrong result.
        uint16 liars;
    }

    /// @notice The rules of slashing.
    struct SlashingRules {
        /// Part of a slash that goes to the job's client, in parts per million.
        uint32 victimPpm;
        /// Part of a slash that goes to who brought the evidence, in parts per million.
        uint32 reporterPpm;
        /// Most that the committee may slash in one epoch, in base units of TLY.
        uint128 committeeCap;
        /// Length of the committee's epoch, in seconds.
        uint40 committeeEpochSeconds;
        /// Time in which governance may veto a ruling of the committee, in seconds.
        uint40 committeeDelaySeconds;
        /// Time for which a convicted node stays in jail, in seconds.
        uint40 jailSeconds;
        /// The contract that delivers verdicts of juries; zero until there is one.
        address jury;
    }

    /// @notice A node was convicted.
    /// @param amount What it lost, in base units of TLY.
    event NodeSlashed(
        NodeId indexed node, JobId indexed job, address indexed reporter, uint128 amount
    );

    /// @notice The committee ruled on a challenge; it takes effect at `executableAt` unless vetoed.
    event RulingProposed(
        bytes32 indexed ruling, JobId indexed job, bool upheld, uint16 liars, uint40 executableAt
    );

    /// @notice Governance vetoed a ruling.
    event RulingVetoed(bytes32 indexed ruling);

    /// @notice A ruling of the committee took effect.
    event RulingExecuted(bytes32 indexed ruling, JobId indexed job);

    /// @notice The rules changed.
    event SlashingRulesSet(SlashingRules rules);

    /// @notice The two claims name the same output: that is no offence, whatever else differs.
    error SlashingManagerSameOutput(bytes32 outputRoot);

    /// @notice A claim is not signed by the accused node.
    error SlashingManagerNotSignedBy(address expected, address actual);

    /// @notice The caller is not the jury.
    error SlashingManagerNotJury(address caller, address jury);

    /// @notice There is no such ruling, or it was vetoed or executed.
    error SlashingManagerUnknownRuling(bytes32 ruling);

    /// @notice The ruling was proposed before.
    error SlashingManagerRulingExists(bytes32 ruling);

    /// @notice It is too early for this.
    error SlashingManagerNotYet(uint40 from, uint256 timestamp);

    /// @notice A ruling that upholds a result convicts nobody; one that overturns it convicts only
    /// signers.
    error SlashingManagerInvalidLiars(uint16 liars, uint16 signers);

    /// @notice The node is not in jail.
    error SlashingManagerNotJailed(NodeId node);

    /// @notice Convicts a node that signed two different outputs for one attempt of a job, at once.
    /// @param rest What the job's commitment holds behind the assignment (`JobManager.restOf`),
    /// zero while assigned.
    /// @param index The node's place in the assignment.
    function reportEquivocation(
        JobId id,
        Job calldata job,
        Assignment calldata assignment,
        bytes32 rest,
        uint256 index,
        SignedClaim calldata first,
        SignedClaim calldata second
    ) external;

    /// @notice Delivers the verdict of a jury. Only the jury.
    function deliverVerdict(Ruling calldata ruling) external;

    /// @notice Proposes a ruling of the committee on a challenged job. Only the committee.
    /// @return id The ruling's id.
    function proposeRuling(Ruling calldata ruling) external returns (bytes32 id);

    /// @notice Vetoes a ruling of the committee. Only governance.
    function vetoRuling(bytes32 id) external;

    /// @notice Executes a ruling of the committee once its delay is over. Anyone.
    function executeRuling(Ruling calldata ruling) external;

    /// @notice Lets a node out of jail once its time is over. Anyone.
    function release(NodeId node) external;

    /// @notice Sets the rules. Only `NetworkProfile`, which bounds them.
    function setRules(SlashingRules calldata rules) external;

    /// @notice The rules.
    function rules() external view returns (SlashingRules memory);

    /// @notice When a ruling may be executed, Unix seconds; zero: there is none.
    function executableAt(bytes32 ruling) external view returns (uint40);

    /// @notice What the committee slashed in the running epoch, in base units of TLY.
    function committeeSlashed() external view returns (uint128);

    /// @notice When a node's time in jail ends, Unix seconds.
    function jailedUntil(NodeId node) external view returns (uint40);
}
