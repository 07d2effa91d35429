// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../contracts/interfaces/INodeRegistry.sol";
import { IStakingManager } from "../../contracts/interfaces/IStakingManager.sol";
import { Trust } from "../../contracts/types/JobRules.sol";
import { NodeId } from "../../contracts/types/NodeId.sol";
import { Seat } from "../../contracts/types/Seat.sol";
import { MoneyBook } from "./MoneyBook.sol";

/// @title Stake book
/// @notice The model of nodes and of the stake behind them: pools, positions, locks, slashes.
abstract contract StakeBook is MoneyBook {
    struct GhostPool {
        uint256 stake;
        uint256 locked;
        uint256 shares;
        uint256 thawing;
        uint256 thawShares;
        uint256 epoch;
    }

    struct GhostPosition {
        uint256 pending;
        uint256 pendingUntil;
        uint256 thawedAt;
        uint256 epoch;
        uint256 shares;
        uint256 thawShares;
    }

    struct GhostNode {
        INodeRegistry.NodeStatus status;
        uint8 roles;
        bool vetted;
        bool frozen;
        uint256 jailedUntil;
        /// Stake that it lost, and stake that somebody guilty may lose.
        uint256 lost;
        uint256 guilt;
    }

    GhostPool[NODES] internal pools;
    GhostNode[NODES] internal ghosts;
    mapping(uint256 node => mapping(address staker => GhostPosition)) internal positions;
    uint256 internal burned;

    function setUp() public virtual override {
        super.setUp();
        for (uint256 i; i < NODES; ++i) {
            uint8 roles = i < FIRST_WORKER ? COORDINATOR : WORKER;
            if (i == FIRST_WORKER) roles = WORKER | COORDINATOR;
            nodes.push(registerNode(roles));
            keyOf[nodes[i].signer] = nodes[i].key;
            ghosts[i].roles = roles;
            ghosts[i].status = INodeRegistry.NodeStatus.Registered;
            if (i == 5) _sellNode(i, clients[0].at);
            if (i < SPARE) _bond(i, nodes[i].operator, BOND);
            if (i % 4 == 0) continue;
            vm.prank(address(house.timelock));
            house.registry.vet(nodes[i].id, true);
            ghosts[i].vetted = true;
        }
    }

    function _bond(uint256 node, address staker, uint128 amount) internal {
        stakeBehind(nodes[node], staker, amount);
        positions[node][staker].pending += amount;
        positions[node][staker].pendingUntil = block.timestamp;
        _mature(node, staker);
        if (pools[node].stake >= parameters.staking.minStake) {
            ghosts[node].status = INodeRegistry.NodeStatus.Active;
        }
    }

    /// @dev The position, emptied where a full slash ended its epoch.
    function _current(uint256 node, address staker)
        internal
        returns (GhostPosition storage position)
    {
        position = positions[node][staker];
        if (position.epoch == pools[node].epoch) return position;
        if (position.shares + position.thawShares != 0) _saw("position of an ended epoch");
        (position.epoch, position.shares, position.thawShares) = (pools[node].epoch, 0, 0);
    }

    function _mature(uint256 node, address staker) internal {
        GhostPosition storage position = _current(node, staker);
        uint256 shares = _sharesOf(position.pending, pools[node].stake, pools[node].shares);
        pools[node].stake += position.pending;
        pools[node].shares += shares;
        position.shares += shares;
        position.pending = 0;
    }

    function _sharesOf(uint256 amount, uint256 stake, uint256 shares)
        internal
        pure
        returns (uint256)
    {
        return amount * (shares + 1000) / (stake + 1);
    }

    function _amountOf(uint256 shares, uint256 stake, uint256 allShares)
        internal
        pure
        returns (uint256)
    {
        return shares * (stake + 1) / (allShares + 1000);
    }

    /// @dev What may be taken without making one unit worth more than 10^11 shares.
    function _spareOf(uint256 stake, uint256 shares) private pure returns (uint256) {
        uint256 least = (shares + 1000) / 1e11;
        return stake > least ? stake - least : 0;
    }

    function _fallsBelow(uint256 node) internal {
        if (pools[node].stake >= parameters.staking.minStake) return;
        if (ghosts[node].status == INodeRegistry.NodeStatus.Active) {
            ghosts[node].status = INodeRegistry.NodeStatus.Registered;
            _saw("node fell below the minimum");
        }
    }

    /// @dev Takes from what backs no lock. The remainder of a slash is burned, or insured.
    function _take(uint256 node, uint256 amount) internal returns (uint256 taken) {
        GhostPool storage pool = pools[node];
        uint256 total = pool.stake + pool.thawing;
        taken = _least(amount, total - pool.locked);
        if (taken < amount) _saw("slash met other locks");
        if (pool.thawing != 0 && taken != 0) _saw("slash while thawing");
        if (taken == total) {
            if (total != 0) _saw("pool slashed to nothing");
            (pool.stake, pool.thawing, pool.shares, pool.thawShares) = (0, 0, 0, 0);
            ++pool.epoch;
        } else {
            uint256 active = taken * pool.stake / total;
            uint256 thawing = _least(taken - active, _spareOf(pool.thawing, pool.thawShares));
            active = _least(active, _spareOf(pool.stake, pool.shares));
            pool.stake -= active;
            pool.thawing -= thawing;
            taken = active + thawing;
        }
        ghosts[node].lost += taken;
        _fallsBelow(node);
    }

    function _retireRemainder(uint256 amount) internal {
        if (parameters.insurance == address(0)) burned += amount;
        else _owe(address(house.token), parameters.insurance, amount);
    }

    /// @dev Rule 4 in the model: nobody loses more than the job locked, and only the guilty.
    function _convict(NodeId id, address victim, uint256 amount, uint256 release, address reporter_)
        internal
        returns (uint256 slashed)
    {
        if (NodeId.unwrap(id) == 0) {
            _saw("unregistered node convicted");
            return 0;
        }
        uint256 node = _indexOf(id);
        ghosts[node].guilt += amount;
        pools[node].locked -= release;
        slashed = _take(node, amount);
        uint256 toVictim =
            victim == nodes[node].operator ? 0 : slashed * parameters.slashing.victimPpm / 1e6;
        uint256 toReporter =
            reporter_ == nodes[node].operator ? 0 : slashed * parameters.slashing.reporterPpm / 1e6;
        if (reporter_ == nodes[node].operator && slashed != 0) _saw("operator reported itself");
        _owe(address(house.token), victim, toVictim);
        _owe(address(house.token), reporter_, toReporter);
        _retireRemainder(slashed - toVictim - toReporter);
        _jail(node);
    }

    function _predictLock(uint256 coordinator_, Seat[] memory seats, uint256 amount)
        internal
        view
        returns (bytes4)
    {
        uint256[NODES] memory locked;
        for (uint256 i; i < NODES; ++i) {
            locked[i] = pools[i].locked;
        }
        if (coordinator_ < NODES) locked[coordinator_] += amount;
        for (uint256 i; i < seats.length; ++i) {
            locked[_indexOf(seats[i].node())] += amount;
        }
        for (uint256 i; i < NODES; ++i) {
            if (locked[i] != pools[i].locked && locked[i] > pools[i].stake) {
                return IStakingManager.StakingManagerInsufficientStake.selector;
            }
        }
        return FINE;
    }

    function _predictWorkers(Seat[] memory seats, Trust trust) internal view returns (bytes4) {
        for (uint256 i; i < seats.length; ++i) {
            NodeId id = seats[i].node();
            if (NodeId.unwrap(id) == 0) {
                if (trust == Trust.Any) continue;
                return INodeRegistry.NodeRegistryUnfit.selector;
            }
            if (!_isFit(ghosts[_indexOf(id)], trust)) {
                return INodeRegistry.NodeRegistryUnfit.selector;
            }
            if (nodes[_indexOf(id)].signer != seats[i].signer()) {
                return INodeRegistry.NodeRegistryNotSigner.selector;
            }
        }
        return FINE;
    }

    /// @dev Every pool and position equals the model; TLY at `StakingManager` is their sum.
    function _checkStake() internal view {
        uint256 sum = donated[address(house.staking)][address(house.token)];
        for (uint256 i; i < NODES; ++i) {
            IStakingManager.Pool memory pool = house.staking.poolOf(nodes[i].id);
            GhostPool storage ghost = pools[i];
            assertEq(pool.stake, ghost.stake, "stake of a pool");
            assertEq(pool.locked, ghost.locked, "locks of a pool");
            assertEq(pool.shares, ghost.shares, "shares of a pool");
            assertEq(pool.thawing, ghost.thawing, "thaw of a pool");
            assertEq(pool.thawShares, ghost.thawShares, "thaw shares of a pool");
            assertEq(pool.epoch, ghost.epoch, "epoch of a pool");
            sum += ghost.stake + ghost.thawing + _checkPositions(i);
        }
        assertEq(house.token.balanceOf(address(house.staking)), sum, "TLY = pools + pending");
        assertEq(house.token.totalSupply(), house.token.INITIAL_SUPPLY() - burned, "TLY burned");
    }

    function _checkNodes() internal view {
        for (uint256 i; i < NODES; ++i) {
            INodeRegistry.Node memory node = house.registry.nodeOf(nodes[i].id);
            assertEq(uint8(node.status), uint8(ghosts[i].status), "standing of a node");
            assertEq(node.signer, nodes[i].signer, "signer of a node");
            assertEq(node.frozen, ghosts[i].frozen, "frozen signer");
        }
    }

    function _jail(uint256 node) private {
        uint256 until = block.timestamp + parameters.slashing.jailSeconds;
        if (until > ghosts[node].jailedUntil) ghosts[node].jailedUntil = until;
        INodeRegistry.NodeStatus status = ghosts[node].status;
        if (
            status == INodeRegistry.NodeStatus.Registered
                || status == INodeRegistry.NodeStatus.Active
        ) ghosts[node].status = INodeRegistry.NodeStatus.Jailed;
    }

    function _sellNode(uint256 node, address buyer) private {
        vm.prank(nodes[node].operator);
        house.registry.offerNode(nodes[node].id, buyer);
        vm.prank(buyer);
        house.registry.acceptNode(nodes[node].id);
        nodes[node].operator = buyer;
        ghosts[node].frozen = true;
    }

    function _isFit(GhostNode storage node, Trust trust) internal view returns (bool) {
        if (node.frozen || node.roles & WORKER == 0) return false;
        if (trust == Trust.Vetted && !node.vetted) return false;
        return node.status == INodeRegistry.NodeStatus.Active
            || (trust == Trust.Any && node.status == INodeRegistry.NodeStatus.Registered);
    }

    function _checkPositions(uint256 node) private view returns (uint256 pending) {
        for (uint256 i; i <= stakers.length; ++i) {
            address staker = i == stakers.length ? nodes[node].operator : stakers[i];
            IStakingManager.Position memory position =
                house.staking.positionOf(nodes[node].id, staker);
            GhostPosition storage ghost = positions[node][staker];
            assertEq(position.pending, ghost.pending, "pending deposit");
            assertEq(position.shares, ghost.shares, "shares of a staker");
            assertEq(position.thawShares, ghost.thawShares, "thaw shares of a staker");
            pending += ghost.pending;
        }
    }
}
