// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../contracts/interfaces/INodeRegistry.sol";
import { ISlashingManager } from "../../contracts/interfaces/ISlashingManager.sol";
import { IStakingManager } from "../../contracts/interfaces/IStakingManager.sol";
import { MoneyActs } from "./MoneyActs.sol";
import {
    PausableUpgradeable
} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";

/// @title Stake acts
/// @notice What operators and delegating stakers do: deposit, activate, thaw, withdraw, rotate
/// keys, leave jail.
abstract contract StakeActs is MoneyActs {
    uint256 private keys;

    function _stakeAny() internal {
        (uint256 node, address by) = _drawStaker();
        uint128 amount = _chance(5) ? 0 : uint128(_chance(20) ? 1 + _draw(9) : _draw(4000e18));
        _stake(node, by, amount);
    }

    function _activateAny() internal {
        (uint256 node, address staker) = _drawStaker();
        _activate(node, staker);
    }

    function _stake(uint256 node, address by, uint128 amount) internal {
        _begin("stake");
        giveTally(by, amount);
        vm.prank(by);
        house.token.approve(address(house.staking), amount);
        bytes4 expected;
        if (pausedStaking) {
            expected = PausableUpgradeable.EnforcedPause.selector;
        } else if (ghosts[node].status == INodeRegistry.NodeStatus.Retired) {
            expected = IStakingManager.StakingManagerUnknownNode.selector;
        } else if (amount == 0) {
            expected = IStakingManager.StakingManagerInvalidAmount.selector;
        } else {
            positions[node][by].pending += amount;
            positions[node][by].pendingUntil = block.timestamp + parameters.staking.minStakeSeconds;
        }
        bytes memory data = abi.encodeCall(house.staking.stake, (nodes[node].id, amount));
        _expect(by, address(house.staking), data, expected);
    }

    function _cancelDeposit() internal {
        _begin("cancelDeposit");
        (uint256 node, address by) = _drawPending();
        uint256 amount = positions[node][by].pending;
        positions[node][by].pending = 0;
        _owe(address(house.token), by, amount);
        bytes4 expected = amount == 0 ? IStakingManager.StakingManagerInvalidAmount.selector : FINE;
        bytes memory data = abi.encodeCall(house.staking.cancelDeposit, (nodes[node].id));
        _expect(by, address(house.staking), data, expected);
        _checkDues();
    }

    function _activate(uint256 node, address staker) internal {
        _begin("activate");
        GhostPosition storage position = positions[node][staker];
        bool matured = position.pending != 0 && block.timestamp >= position.pendingUntil;
        uint256 stake = pools[node].stake + (matured ? position.pending : 0);
        bool eligible = stake >= parameters.staking.minStake
            && ghosts[node].status == INodeRegistry.NodeStatus.Registered;
        bytes4 expected;
        if (!matured && !eligible) {
            expected = position.pending != 0
                ? IStakingManager.StakingManagerNotYet.selector
                : stake < parameters.staking.minStake
                    ? IStakingManager.StakingManagerInsufficientStake.selector
                    : INodeRegistry.NodeRegistryUnexpectedStatus.selector;
        }
        if (matured) _mature(node, staker);
        else if (eligible) _current(node, staker);
        if (eligible) ghosts[node].status = INodeRegistry.NodeStatus.Active;
        bytes memory data = abi.encodeCall(house.staking.activate, (nodes[node].id, staker));
        _expect(settler, address(house.staking), data, expected);
    }

    function _requestUnstakeAny() internal {
        (uint256 node, address by) = _drawStaker();
        bool current = positions[node][by].epoch == pools[node].epoch;
        uint256 own = current ? positions[node][by].shares : 0;
        uint256 shares = _chance(10) ? own + 1 : _draw(_chance(25) ? own + 1 : own / 4 + 1);
        _requestUnstake(node, by, shares);
    }

    function _requestUnstake(uint256 node, address by, uint256 shares) internal {
        _begin("requestUnstake");
        GhostPool storage pool = pools[node];
        bool current = positions[node][by].epoch == pool.epoch;
        uint256 own = current ? positions[node][by].shares : 0;
        bool fine = shares != 0 && shares <= own;
        if (fine) {
            GhostPosition storage position = _current(node, by);
            uint256 amount = _amountOf(shares, pool.stake, pool.shares);
            uint256 thawShares = _sharesOf(amount, pool.thawing, pool.thawShares);
            pool.stake -= amount;
            pool.shares -= shares;
            pool.thawing += amount;
            pool.thawShares += thawShares;
            position.shares -= shares;
            position.thawShares += thawShares;
            position.thawedAt = block.timestamp + parameters.staking.thawSeconds;
            _fallsBelow(node);
            if (pool.stake < pool.locked) _saw("locks rest on thawing stake");
        }
        bytes memory data =
            abi.encodeCall(house.staking.requestUnstake, (nodes[node].id, uint128(shares)));
        _expect(
            by,
            address(house.staking),
            data,
            fine ? FINE : IStakingManager.StakingManagerInvalidAmount.selector
        );
    }

    function _cancelUnstake() internal {
        _begin("cancelUnstake");
        (uint256 node, address by) = _drawThawing();
        GhostPool storage pool = pools[node];
        bytes4 expected;
        if (positions[node][by].epoch != pool.epoch || positions[node][by].thawShares == 0) {
            expected = IStakingManager.StakingManagerInvalidAmount.selector;
        } else {
            uint256 amount = _leaveThaw(node, by);
            uint256 shares = _sharesOf(amount, pool.stake, pool.shares);
            pool.stake += amount;
            pool.shares += shares;
            positions[node][by].shares += shares;
        }
        bytes memory data = abi.encodeCall(house.staking.cancelUnstake, (nodes[node].id));
        _expect(by, address(house.staking), data, expected);
    }

    function _withdrawStakeAny() internal {
        (uint256 node, address by) = _drawThawing();
        _withdrawStake(node, by);
    }

    function _withdrawStake(uint256 node, address by) internal {
        _begin("withdraw stake");
        GhostPosition storage position = positions[node][by];
        bytes4 expected;
        if (block.timestamp < position.thawedAt) {
            expected = IStakingManager.StakingManagerNotYet.selector;
        } else if (position.epoch != pools[node].epoch || position.thawShares == 0) {
            expected = IStakingManager.StakingManagerInvalidAmount.selector;
        } else {
            expected = _predictLeave(node, position.thawShares);
        }
        if (expected == FINE) {
            _owe(address(house.token), by, _leaveThaw(node, by));
            _saw(pausedStaking ? bytes32("unstaked while paused") : bytes32("unstaked"));
        } else if (expected == IStakingManager.StakingManagerLocked.selector) {
            _saw("withdrawal would bare locks");
        }
        bytes memory data = abi.encodeCall(house.staking.withdraw, (nodes[node].id));
        _expect(by, address(house.staking), data, expected);
        _checkDues();
    }

    function _reward() internal {
        _begin("reward");
        uint256 node = _draw(NODES);
        uint128 amount = _chance(10) ? 0 : uint128(1 + _draw(500e18));
        giveTally(reporter, amount);
        vm.prank(reporter);
        house.token.approve(address(house.staking), amount);
        bool fine = amount != 0 && pools[node].shares != 0;
        if (fine) pools[node].stake += amount;
        bytes memory data = abi.encodeCall(house.staking.reward, (nodes[node].id, amount));
        _expect(
            reporter,
            address(house.staking),
            data,
            fine ? FINE : IStakingManager.StakingManagerInvalidAmount.selector
        );
    }

    function _leaveJail(uint256 node) internal {
        _begin("leave jail");
        GhostNode storage ghost = ghosts[node];
        bytes4 expected;
        if (ghost.jailedUntil == 0) {
            expected = ISlashingManager.SlashingManagerNotJailed.selector;
        } else if (block.timestamp < ghost.jailedUntil) {
            expected = ISlashingManager.SlashingManagerNotYet.selector;
        } else if (ghost.status != INodeRegistry.NodeStatus.Jailed) {
            expected = INodeRegistry.NodeRegistryUnexpectedStatus.selector;
        } else {
            ghost.jailedUntil = 0;
            ghost.status = INodeRegistry.NodeStatus.Registered;
            _saw("left jail");
        }
        bytes memory data = abi.encodeCall(house.slashing.release, (nodes[node].id));
        _expect(settler, address(house.slashing), data, expected);
    }

    function _rotate(uint256 node) internal {
        _begin("rotateSigner");
        bool taken = _chance(20);
        (address signer, uint256 key) =
            makeAddrAndKey(string.concat("rotated ", vm.toString(++keys)));
        if (taken) (signer, key) = (nodes[0].signer, keyOf[nodes[0].signer]);
        bytes4 expected;
        if (ghosts[node].status == INodeRegistry.NodeStatus.Retired) {
            expected = INodeRegistry.NodeRegistryUnexpectedStatus.selector;
        } else if (taken) {
            expected = INodeRegistry.NodeRegistrySignerTaken.selector;
        }
        bytes memory consent = consentOf(key, nodes[node].operator);
        if (expected == FINE) {
            keyOf[signer] = key;
            nodes[node].signer = signer;
            ghosts[node].frozen = false;
        }
        bytes memory data =
            abi.encodeCall(house.registry.rotateSigner, (nodes[node].id, signer, consent));
        _expect(nodes[node].operator, address(house.registry), data, expected);
    }

    function _freeze() internal {
        _begin("freezeSigner");
        uint256 node = FIRST_WORKER + _draw(7);
        bool own = _chance(60);
        if (own) ghosts[node].frozen = true;
        bytes memory data = abi.encodeCall(house.registry.freezeSigner, (nodes[node].id));
        _expect(
            own ? nodes[node].operator : thief,
            address(house.registry),
            data,
            own ? FINE : INodeRegistry.NodeRegistryNotOperator.selector
        );
    }

    function _vet() internal {
        _begin("vet");
        uint256 node = _draw(NODES);
        bool vetted = _chance(85);
        ghosts[node].vetted = vetted;
        bytes memory data = abi.encodeCall(house.registry.vet, (nodes[node].id, vetted));
        _expect(address(house.timelock), address(house.registry), data, FINE);
    }

    function _retireSpare() internal {
        _begin("retire");
        INodeRegistry.NodeStatus status = ghosts[SPARE].status;
        bool fine = status == INodeRegistry.NodeStatus.Registered
            || status == INodeRegistry.NodeStatus.Active;
        if (fine) ghosts[SPARE].status = INodeRegistry.NodeStatus.Retired;
        bytes memory data = abi.encodeCall(house.registry.retire, (nodes[SPARE].id));
        _expect(
            nodes[SPARE].operator,
            address(house.registry),
            data,
            fine ? FINE : INodeRegistry.NodeRegistryUnexpectedStatus.selector
        );
    }

    function _drawStaker() private returns (uint256 node, address staker) {
        node = _draw(NODES);
        uint256 who = _draw(stakers.length + 3);
        staker = who >= stakers.length ? nodes[node].operator : stakers[who];
    }

    /// @dev Somebody whose deposit does not count yet, where there is one.
    function _drawPending() private returns (uint256 node, address staker) {
        (node, staker) = _drawStaker();
        if (_chance(25)) return (node, staker);
        for (uint256 k; k < NODES * 4; ++k) {
            uint256 other = (node + k / 4) % NODES;
            address by = k % 4 == 3 ? nodes[other].operator : stakers[k % 4];
            if (positions[other][by].pending != 0) return (other, by);
        }
    }

    /// @dev Somebody with thawing stake, where there is one.
    function _drawThawing() private returns (uint256 node, address staker) {
        (node, staker) = _drawStaker();
        uint256 first = node;
        if (_chance(25)) return (node, staker);
        for (uint256 k; k < NODES * 4; ++k) {
            node = (first + k / 4) % NODES;
            staker = k % 4 == 3 ? nodes[node].operator : stakers[k % 4];
            if (positions[node][staker].thawShares != 0) return (node, staker);
        }
    }

    function _predictLeave(uint256 node, uint256 shares) private view returns (bytes4) {
        GhostPool storage pool = pools[node];
        uint256 amount = _amountOf(shares, pool.thawing, pool.thawShares);
        return pool.stake + pool.thawing - amount >= pool.locked
            ? FINE
            : IStakingManager.StakingManagerLocked.selector;
    }

    function _leaveThaw(uint256 node, address by) private returns (uint256 amount) {
        GhostPosition storage position = _current(node, by);
        GhostPool storage pool = pools[node];
        amount = _amountOf(position.thawShares, pool.thawing, pool.thawShares);
        pool.thawing -= amount;
        pool.thawShares -= position.thawShares;
        position.thawShares = 0;
    }
}
