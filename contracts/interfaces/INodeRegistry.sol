// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Trust } from "../types/JobRules.sol";
import { NodeId } from "../types/NodeId.sol";
import { Seat } from "../types/Seat.sol";

/// @title Node registry
/// @notice Who the machines are: their operators, keys, roles, region and standing.
interface INodeRegistry {
    /// @notice A node's standing. `Registered`: known, without counted stake. `Active`: bonded.
    /// `Jailed`: convicted, no new work. `Retired`: gone for good.
    enum NodeStatus {
        None,
        Registered,
        Active,
        Jailed,
        Retired
    }

    /// @notice What an operator says of its machine.
    struct NodeProfile {
        /// libp2p peer id in its binary form, at most 64 bytes.
        bytes peerId;
        /// Ed25519 public key that signs receipts for offline checks.
        bytes32 identityKey;
        /// Roles as a bitmap: 1 worker, 2 coordinator, 4 archive, 8 relay, 16 settler.
        uint8 roles;
        /// Region number of the network's region table.
        uint16 region;
        /// Where more about the node can be read, at most 256 bytes.
        string metadataUri;
    }

    /// @notice One registered node.
    struct Node {
        /// Hot key that signs attestations and, for a coordinator, sends its calls.
        address signer;
        NodeStatus status;
        uint8 roles;
        /// Governance looked at this node and trusts it.
        bool vetted;
        /// The operator withdrew its trust in the signer: no new work until it is rotated.
        bool frozen;
        uint16 region;
        /// Cold key that owns the node and its earnings.
        address operator;
        /// Operator that may take the node over, zero for none.
        address successor;
        bytes32 identityKey;
        bytes peerId;
        string metadataUri;
    }

    /// @notice A node joined.
    event NodeRegistered(
        NodeId indexed node, address indexed operator, address indexed signer, NodeProfile profile
    );

    /// @notice An operator changed what it says of its node.
    event NodeProfileUpdated(NodeId indexed node, NodeProfile profile);

    /// @notice A node got another signer. Signatures of the old one stay evidence.
    event NodeSignerRotated(NodeId indexed node, address indexed signer);

    /// @notice An operator withdrew its trust in the node's signer.
    event NodeSignerFrozen(NodeId indexed node, address indexed signer);

    /// @notice An operator offered its node to another, or to nobody (zero).
    event NodeOffered(NodeId indexed node, address indexed successor);

    /// @notice A node got another operator.
    event NodeTransferred(NodeId indexed node, address indexed operator);

    /// @notice A node changed its standing.
    event NodeStatusChanged(NodeId indexed node, NodeStatus status);

    /// @notice Governance vetted a node, or took that back.
    event NodeVetted(NodeId indexed node, bool vetted);

    /// @notice There is no such node.
    error NodeRegistryUnknownNode(NodeId node);

    /// @notice The caller is not the operator (or, for `acceptNode`, the successor) of the node.
    error NodeRegistryNotOperator(NodeId node, address caller, address expected);

    /// @notice The caller is not the contract that may make this call.
    error NodeRegistryNotStaking(address caller);

    /// @notice The signer belongs, or belonged, to a node; a signer serves one node for ever.
    error NodeRegistrySignerTaken(address signer, NodeId node);

    /// @notice The signer did not sign the consent `SignerConsent(address operator)`.
    error NodeRegistryNoConsent(address signer, address operator);

    /// @notice A part of the profile is out of bounds.
    /// @param roles Given roles, of which at least one and only known ones are allowed.
    /// @param peerIdBytes Given length of the peer id, at most 64.
    /// @param metadataBytes Given length of the metadata URI, at most 256.
    error NodeRegistryInvalidProfile(uint8 roles, uint256 peerIdBytes, uint256 metadataBytes);

    /// @notice The node is not in a state this call accepts.
    /// @param expected Accepted states; bit `n` stands for the member of value `n`.
    error NodeRegistryUnexpectedStatus(NodeId node, NodeStatus actual, bytes32 expected);

    /// @notice The node may not do this work: its signer is frozen, it lacks the role, its standing
    /// or vetting is not what the job demands.
    error NodeRegistryUnfit(NodeId node, NodeStatus status, uint8 roles, bool vetted, bool frozen);

    /// @notice The address is not the node's present signer.
    error NodeRegistryNotSigner(NodeId node, address given, address signer);

    /// @notice Registers the caller's machine. None -> Registered.
    /// @param signer The node's hot key, never used by another node.
    /// @param consent The signer's EIP-712 signature over `SignerConsent(address operator)`.
    /// @return node The new node's id.
    function register(address signer, bytes calldata consent, NodeProfile calldata profile)
        external
        returns (NodeId node);

    /// @notice Replaces what the operator says of its node.
    function updateProfile(NodeId node, NodeProfile calldata profile) external;

    /// @notice Gives the node another signer and unfreezes it. Old signatures stay valid evidence.
    function rotateSigner(NodeId node, address signer, bytes calldata consent) external;

    /// @notice Withdraws trust in the node's signer at once: new assignments refuse the node.
    function freezeSigner(NodeId node) external;

    /// @notice Offers the node and its earnings to another operator; zero withdraws the offer.
    /// Stake stays with its stakers.
    function offerNode(NodeId node, address successor) external;

    /// @notice Takes over a node that was offered to the caller. Its signer, which the former
    /// operator may know, is frozen until the new one rotates it.
    function acceptNode(NodeId node) external;

    /// @notice Leaves for good. Registered or Active -> Retired. Stake can be unstaked as ever.
    function retire(NodeId node) external;

    /// @notice The pool reached the minimum stake. Registered -> Active. Only `StakingManager`.
    function activate(NodeId node) external;

    /// @notice The pool fell below the minimum stake. Active -> Registered, else nothing. Only
    /// `StakingManager`.
    function deactivate(NodeId node) external;

    /// @notice Bars a convicted node from new work. Registered or Active -> Jailed, else nothing.
    function jail(NodeId node) external;

    /// @notice Ends a node's time in jail. Jailed -> Registered.
    function unjail(NodeId node) external;

    /// @notice Marks a node as vetted by governance, or takes that back.
    function vet(NodeId node, bool vetted) external;

    /// @notice Passes if these may work on a job, else reverts with who may not.
    /// @param coordinator An active node with the coordinator role.
    /// @param scheduler Who must be the coordinator's signer.
    /// @param workers The workers with their present signers, each fit for the demanded trust.
    /// @param trust What the job demands of the workers.
    function muster(NodeId coordinator, address scheduler, Seat[] calldata workers, Trust trust)
        external
        view;

    /// @notice The same for further workers of a running assignment.
    function musterWorkers(Seat[] calldata workers, Trust trust) external view;

    /// @notice A node in full.
    function nodeOf(NodeId node) external view returns (Node memory);

    /// @notice The standing of a node.
    function statusOf(NodeId node) external view returns (NodeStatus);

    /// @notice The operator of a node, zero for an unknown one.
    function operatorOf(NodeId node) external view returns (address);

    /// @notice The node that a signer belongs or belonged to, zero for none.
    function nodeOfSigner(address signer) external view returns (NodeId);

    /// @notice How many nodes were ever registered; ids run from 1 to this.
    function nodeCount() external view returns (uint64);

    /// @notice EIP-712 digest that a signer signs to serve an operator's node.
    function consentDigest(address operator) external view returns (bytes32);
}
