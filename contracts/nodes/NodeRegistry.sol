// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../base/HouseContract.sol";
import { Roles } from "../base/Roles.sol";
import { INodeRegistry } from "../interfaces/INodeRegistry.sol";
import { Signatures } from "../libraries/Signatures.sol";
import { Trust } from "../types/JobRules.sol";
import { NodeId } from "../types/NodeId.sol";
import { Seat } from "../types/Seat.sol";
import { NodeRegistryStorage } from "./NodeRegistryStorage.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title Node registry
/// @notice Keeps the nodes; its calls are described in `INodeRegistry`.
contract NodeRegistry is INodeRegistry, NodeRegistryStorage, HouseContract, EIP712 {
    uint8 private constant WORKER = 1;
    uint8 private constant COORDINATOR = 2;
    uint8 private constant KNOWN_ROLES = 31;
    uint256 private constant MAX_PEER_ID_BYTES = 64;
    uint256 private constant MAX_METADATA_BYTES = 256;
    bytes32 private constant CONSENT_TYPEHASH = keccak256("SignerConsent(address operator)");

    /// @dev `StakingManager`, the only one that activates nodes.
    address private immutable _STAKING;

    /// @param staking Address of the `StakingManager` proxy.
    constructor(address staking) EIP712("Tallystick NodeRegistry", "1") {
        _STAKING = staking;
    }

    /// @inheritdoc INodeRegistry
    function register(address signer, bytes calldata consent, NodeProfile calldata profile)
        external
        returns (NodeId node)
    {
        Layout storage $ = _layout();
        node = NodeId.wrap(++$.nodeCount);
        _bindSigner($, node, signer, consent);

        Node storage stored = $.nodes[node];
        stored.operator = msg.sender;
        stored.status = NodeStatus.Registered;
        _storeProfile(stored, profile);
        emit NodeRegistered(node, msg.sender, signer, profile);
    }

    /// @inheritdoc INodeRegistry
    function updateProfile(NodeId node, NodeProfile calldata profile) external {
        Node storage stored = _owned(node);
        _requireStatus(node, stored.status, _beforeRetirement());
        _storeProfile(stored, profile);
        emit NodeProfileUpdated(node, profile);
    }

    /// @inheritdoc INodeRegistry
    function rotateSigner(NodeId node, address signer, bytes calldata consent) external {
        Node storage stored = _owned(node);
        _requireStatus(node, stored.status, _beforeRetirement());
        _bindSigner(_layout(), node, signer, consent);
        stored.frozen = false;
        emit NodeSignerRotated(node, signer);
    }

    /// @inheritdoc INodeRegistry
    function freezeSigner(NodeId node) external {
        Node storage stored = _owned(node);
        stored.frozen = true;
        emit NodeSignerFrozen(node, stored.signer);
    }

    /// @inheritdoc INodeRegistry
    function offerNode(NodeId node, address successor) external {
        Node storage stored = _owned(node);
        stored.successor = successor;
        emit NodeOffered(node, successor);
    }

    /// @inheritdoc INodeRegistry
    function acceptNode(NodeId node) external {
        Node storage stored = _known(node);
        address successor = stored.successor;
        require(msg.sender == successor, NodeRegistryNotOperator(node, msg.sender, successor));
        stored.operator = successor;
        delete stored.successor;
        stored.frozen = true;
        emit NodeTransferred(node, successor);
        emit NodeSignerFrozen(node, stored.signer);
    }

    /// @inheritdoc INodeRegistry
    function retire(NodeId node) external {
        Node storage stored = _owned(node);
        _requireStatus(node, stored.status, _bit(NodeStatus.Registered) | _bit(NodeStatus.Active));
        _setStatus(node, stored, NodeStatus.Retired);
    }

    /// @inheritdoc INodeRegistry
    function activate(NodeId node) external {
        require(msg.sender == _STAKING, NodeRegistryNotStaking(msg.sender));
        Node storage stored = _known(node);
        _requireStatus(node, stored.status, _bit(NodeStatus.Registered));
        _setStatus(node, stored, NodeStatus.Active);
    }

    /// @inheritdoc INodeRegistry
    function deactivate(NodeId node) external {
        require(msg.sender == _STAKING, NodeRegistryNotStaking(msg.sender));
        Node storage stored = _known(node);
        if (stored.status == NodeStatus.Active) _setStatus(node, stored, NodeStatus.Registered);
    }

    /// @inheritdoc INodeRegistry
    function jail(NodeId node) external onlyRole(Roles.SLASHER) {
        Node storage stored = _known(node);
        bool free = stored.status == NodeStatus.Registered || stored.status == NodeStatus.Active;
        if (free) _setStatus(node, stored, NodeStatus.Jailed);
    }

    /// @inheritdoc INodeRegistry
    function unjail(NodeId node) external onlyRole(Roles.SLASHER) {
        Node storage stored = _known(node);
        _requireStatus(node, stored.status, _bit(NodeStatus.Jailed));
        _setStatus(node, stored, NodeStatus.Registered);
    }

    /// @inheritdoc INodeRegistry
    function vet(NodeId node, bool vetted) external onlyRole(Roles.PARAMETER) {
        _known(node).vetted = vetted;
        emit NodeVetted(node, vetted);
    }

    /// @inheritdoc INodeRegistry
    function muster(NodeId coordinator, address scheduler, Seat[] calldata workers, Trust trust)
        external
        view
    {
        Node storage stored = _layout().nodes[coordinator];
        (address signer, NodeStatus status, uint8 roles, bool frozen) =
            (stored.signer, stored.status, stored.roles, stored.frozen);
        if (status != NodeStatus.Active || roles & COORDINATOR == 0 || frozen) {
            _revertUnfit(coordinator, stored);
        }
        require(signer == scheduler, NodeRegistryNotSigner(coordinator, scheduler, signer));
        _requireFit(workers, trust);
    }

    /// @inheritdoc INodeRegistry
    function musterWorkers(Seat[] calldata workers, Trust trust) external view {
        _requireFit(workers, trust);
    }

    /// @inheritdoc INodeRegistry
    function nodeOf(NodeId node) external view returns (Node memory) {
        return _layout().nodes[node];
    }

    /// @inheritdoc INodeRegistry
    function statusOf(NodeId node) external view returns (NodeStatus) {
        return _layout().nodes[node].status;
    }

    /// @inheritdoc INodeRegistry
    function operatorOf(NodeId node) external view returns (address) {
        return _layout().nodes[node].operator;
    }

    /// @inheritdoc INodeRegistry
    function nodeOfSigner(address signer) external view returns (NodeId) {
        return _layout().nodeOfSigner[signer];
    }

    /// @inheritdoc INodeRegistry
    function nodeCount() external view returns (uint64) {
        return _layout().nodeCount;
    }

    /// @inheritdoc INodeRegistry
    function consentDigest(address operator) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CONSENT_TYPEHASH, operator)));
    }

    /// @dev A signer that agreed, and that no node ever had, becomes the node's signer.
    function _bindSigner(Layout storage $, NodeId node, address signer, bytes calldata consent)
        private
    {
        NodeId holder = $.nodeOfSigner[signer];
        require(NodeId.unwrap(holder) == 0, NodeRegistrySignerTaken(signer, holder));
        address agreed = Signatures.signerOf(consentDigest(msg.sender), consent);
        bool consents = agreed == signer && signer != address(0);
        require(consents, NodeRegistryNoConsent(signer, msg.sender));
        $.nodeOfSigner[signer] = node;
        $.nodes[node].signer = signer;
    }

    function _storeProfile(Node storage stored, NodeProfile calldata profile) private {
        uint256 peerIdBytes = profile.peerId.length;
        uint256 metadataBytes = bytes(profile.metadataUri).length;
        require(
            profile.roles != 0 && profile.roles <= KNOWN_ROLES && peerIdBytes <= MAX_PEER_ID_BYTES
                && metadataBytes <= MAX_METADATA_BYTES,
            NodeRegistryInvalidProfile(profile.roles, peerIdBytes, metadataBytes)
        );
        stored.roles = profile.roles;
        stored.region = profile.region;
        stored.identityKey = profile.identityKey;
        stored.peerId = profile.peerId;
        stored.metadataUri = profile.metadataUri;
    }

    function _setStatus(NodeId node, Node storage stored, NodeStatus status) private {
        stored.status = status;
        emit NodeStatusChanged(node, status);
    }

    /// @dev An unregistered worker (node zero) is fit where anybody is.
    function _requireFit(Seat[] calldata workers, Trust trust) private view {
        Layout storage $ = _layout();
        for (uint256 i; i < workers.length; ++i) {
            Seat worker = workers[i];
            NodeId node = worker.node();
            if (trust == Trust.Any && NodeId.unwrap(node) == 0) continue;
            Node storage stored = $.nodes[node];
            // Read at once, these are one load.
            (address signer, NodeStatus status, uint8 roles, bool vetted, bool frozen) =
                (stored.signer, stored.status, stored.roles, stored.vetted, stored.frozen);
            bool fit = status == NodeStatus.Active
                || (trust == Trust.Any && status == NodeStatus.Registered);
            fit = fit && !frozen && roles & WORKER != 0 && (trust != Trust.Vetted || vetted);
            if (!fit) _revertUnfit(node, stored);
            address given = worker.signer();
            require(signer == given, NodeRegistryNotSigner(node, given, signer));
        }
    }

    function _revertUnfit(NodeId node, Node storage stored) private view {
        revert NodeRegistryUnfit(node, stored.status, stored.roles, stored.vetted, stored.frozen);
    }

    function _known(NodeId node) private view returns (Node storage stored) {
        stored = _layout().nodes[node];
        require(stored.status != NodeStatus.None, NodeRegistryUnknownNode(node));
    }

    function _owned(NodeId node) private view returns (Node storage stored) {
        stored = _known(node);
        address operator = stored.operator;
        require(msg.sender == operator, NodeRegistryNotOperator(node, msg.sender, operator));
    }

    function _beforeRetirement() private pure returns (bytes32) {
        return _bit(NodeStatus.Registered) | _bit(NodeStatus.Active) | _bit(NodeStatus.Jailed);
    }

    function _requireStatus(NodeId node, NodeStatus actual, bytes32 expected) private pure {
        require(_bit(actual) & expected != 0, NodeRegistryUnexpectedStatus(node, actual, expected));
    }

    function _bit(NodeStatus status) private pure returns (bytes32) {
        return bytes32(1 << uint8(status));
    }
}
