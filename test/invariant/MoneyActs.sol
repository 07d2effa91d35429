// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../contracts/interfaces/IJobMachine.sol";
import { IPaymentManager } from "../../contracts/interfaces/IPaymentManager.sol";
import { Funding } from "../../contracts/types/JobRules.sol";
import { NodeId, accountOf } from "../../contracts/types/NodeId.sol";
import { DevelopmentDollar } from "../tokens/DevelopmentDollar.sol";
import { EvidenceActs } from "./EvidenceActs.sol";
import { Person } from "./World.sol";
import {
    PausableUpgradeable
} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";
import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

/// @title Money acts
/// @notice What happens to money outside of jobs: deposits, lanes, withdrawals, earnings, fees.
abstract contract MoneyActs is EvidenceActs {
    bytes4 private constant POOR = IPaymentManager.PaymentManagerInsufficientBalance.selector;

    function _wallet() internal {
        _begin("wallet");
        address owner = _anyClient().at;
        address token = _anyToken();
        uint256 amount = _draw(4) == 0 ? 0 : _draw(9000) * 10 ** (token == tokens[0] ? 6 : 18);
        uint256 have = IERC20(token).balanceOf(owner);
        if (have > amount) {
            vm.prank(owner);
            IERC20(token).transfer(treasury, have - amount);
        } else if (token == tokens[1]) {
            giveTally(owner, amount - have);
        } else {
            dollar.mint(owner, amount - have);
        }
        bytes memory data =
            abi.encodeCall(IERC20.approve, (address(house.payments), _chance(70) ? amount : 0));
        _expect(owner, token, data, FINE);
    }

    function _deposit() internal {
        _begin("deposit");
        Person memory from = _anyClient();
        address to = _chance(60) ? from.at : _anyClient().at;
        address token = _chance(95) ? _anyToken() : address(foreign);
        uint256 amount = _chance(4) ? 0 : _draw(3000) * (token == tokens[1] ? 1e18 : 1e6);
        bool permitted = _chance(20) && accepted[token];
        if (permitted) to = from.at;
        if (token == tokens[0]) dollar.mint(from.at, amount);
        else if (token == tokens[1]) giveTally(from.at, amount);
        if (!permitted && _chance(90)) {
            vm.prank(from.at);
            IERC20(token).approve(address(house.payments), amount);
        }
        bytes memory data = permitted
            ? _permitCall(from, token, amount)
            : abi.encodeCall(house.payments.deposit, (token, to, uint128(amount)));
        bytes4 expected = _predictDeposit(from.at, token, amount, permitted);
        if (expected == FINE) {
            free[token][to] += amount;
            deposited[token] += amount;
            if (to != from.at) _saw("deposit for another");
        }
        _expect(from.at, address(house.payments), data, expected);
    }

    function _withdraw() internal {
        _begin("withdraw");
        address owner = owners[_draw(owners.length)];
        if (_isPatron(owner)) owner = clients[1].at;
        address token = _anyToken();
        uint256 own = free[token][owner];
        uint256 amount = _chance(10) ? own + 1 : own == 0 ? 0 : 1 + _draw(own);
        bytes4 expected;
        if (amount == 0) expected = IPaymentManager.PaymentManagerZero.selector;
        else if (amount > own) expected = POOR;
        if (expected == FINE) {
            free[token][owner] -= amount;
            withdrawn[token] += amount;
            _owe(token, owner, amount);
            if (pausedPayments) _saw("withdrawn while paused");
            if (!accepted[token]) _saw("withdrawn though not accepted");
        }
        IPaymentManager p = house.payments;
        bytes memory data = abi.encodeCall(p.withdraw, (token, uint128(amount), owner));
        _expect(owner, address(p), data, expected);
        _checkDues();
    }

    function _fundLane() internal {
        _begin("fundLane");
        (address owner, address token) = (_anyClient().at, _anyToken());
        uint256 node = _draw(3);
        uint256 own = free[token][owner];
        uint256 amount = _chance(10) ? own + 1 : _draw(own + 1);
        bytes4 expected;
        if (pausedPayments) expected = PausableUpgradeable.EnforcedPause.selector;
        else if (amount == 0) expected = IPaymentManager.PaymentManagerZero.selector;
        else if (amount > own) expected = POOR;
        if (expected == FINE) {
            free[token][owner] -= amount;
            lanes[owner][token][node].reserved += amount;
        }
        bytes memory data =
            abi.encodeCall(house.payments.fundLane, (token, nodes[node].id, uint128(amount)));
        _expect(owner, address(house.payments), data, expected);
    }

    function _thawLane() internal {
        _begin("thawLane");
        (address owner, address token, uint256 node) = _drawLane();
        GhostLane storage lane = lanes[owner][token][node];
        uint256 amount = _chance(10) ? lane.reserved + 1 : _draw(lane.reserved + 1);
        bytes4 expected;
        if (amount == 0) {
            expected = IPaymentManager.PaymentManagerZero.selector;
        } else if (amount > lane.reserved) {
            expected = IPaymentManager.PaymentManagerInsufficientBalance.selector;
        }
        if (expected == FINE) {
            lane.reserved -= amount;
            lane.thawing += amount;
            lane.thawedAt = block.timestamp + parameters.laneThawSeconds;
        }
        bytes memory data =
            abi.encodeCall(house.payments.thawLane, (token, nodes[node].id, uint128(amount)));
        _expect(owner, address(house.payments), data, expected);
    }

    function _releaseLane() internal {
        _begin("releaseLane");
        (address owner, address token, uint256 node) = _drawLane();
        GhostLane storage lane = lanes[owner][token][node];
        bytes4 expected;
        if (lane.thawing == 0) {
            expected = IPaymentManager.PaymentManagerZero.selector;
        } else if (block.timestamp < lane.thawedAt) {
            expected = IPaymentManager.PaymentManagerNotYet.selector;
        } else {
            free[token][owner] += lane.thawing;
            lane.thawing = 0;
            _saw("lane released");
        }
        bytes memory data = abi.encodeCall(house.payments.releaseLane, (token, nodes[node].id));
        _expect(owner, address(house.payments), data, expected);
    }

    function _fundAccount() internal {
        _begin("fund");
        (address owner, address token) = (_anyClient().at, _anyToken());
        uint256 amount = _draw(2 * free[token][owner] + 1);
        bytes4 expected = _predictTake(owner, token, amount, Funding.Balance);
        if (expected == FINE) {
            free[token][owner] -= amount;
            _credit(owner, token, amount);
        }
        bytes memory data = abi.encodeCall(house.jobs.fund, (token, uint128(amount)));
        _expect(owner, address(house.jobs), data, expected);
    }

    function _withdrawAccount() internal {
        _begin("withdraw account");
        (address owner, address token) = (owners[_draw(owners.length)], _anyToken());
        if (_isPatron(owner) || uint160(owner) <= NODES) owner = settler;
        uint256 amount = _draw(balances[token][owner] + 1);
        if (_chance(10)) amount = balances[token][owner] + 1;
        bool fine = amount <= balances[token][owner];
        if (fine) {
            balances[token][owner] -= amount;
            free[token][owner] += amount;
            _know(owner);
        }
        _expect(
            owner,
            address(house.jobs),
            abi.encodeCall(house.jobs.withdraw, (token, uint128(amount))),
            fine ? FINE : IJobMachine.JobManagerInsufficientBalance.selector
        );
    }

    function _withdrawNode() internal {
        _begin("withdrawNode");
        (uint256 node, address token) = (_draw(NODES), _anyToken());
        address account = accountOf(nodes[node].id);
        uint256 amount = _draw(balances[token][account] + 1);
        if (_chance(10)) amount = balances[token][account] + 1;
        address by = _chance(90) ? nodes[node].operator : thief;
        bytes4 expected;
        if (by == thief) {
            expected = IJobMachine.JobManagerNotOperator.selector;
        } else if (amount > balances[token][account]) {
            expected = IJobMachine.JobManagerInsufficientBalance.selector;
        } else {
            balances[token][account] -= amount;
            free[token][by] += amount;
            _know(by);
            if (amount != 0) _saw("earnings withdrawn");
        }
        bytes memory data =
            abi.encodeCall(house.jobs.withdrawNode, (nodes[node].id, token, uint128(amount)));
        _expect(by, address(house.jobs), data, expected);
    }

    function _collectFees() internal {
        _begin("collectFees");
        address token = _anyToken();
        bool tooMany = _chance(25);
        NodeId[] memory list = new NodeId[](tooMany ? 65 : 1 + _draw(4));
        uint256 sum;
        for (uint256 k; k < list.length && !tooMany; ++k) {
            uint256 node = _draw(3);
            list[k] = nodes[node].id;
            address account = accountOf(list[k]);
            sum += fees[token][account];
            fees[token][account] = 0;
        }
        _know(parameters.treasury);
        free[token][parameters.treasury] += sum;
        if (sum != 0) _saw("fees collected");
        bytes memory data = abi.encodeCall(house.jobs.collectFees, (token, list));
        bytes4 expected = tooMany ? IJobMachine.JobManagerTooMany.selector : FINE;
        _expect(settler, address(house.jobs), data, expected);
    }

    /// @dev Tokens that nobody booked: they change no book.
    function _donate() internal {
        _begin("donate");
        address token = _anyToken();
        address[3] memory holders =
            [address(house.payments), address(house.staking), address(house.jobs)];
        address holder = holders[_draw(3)];
        uint256 amount = 1 + _draw(1e20);
        if (token == tokens[0]) dollar.mint(thief, amount);
        else giveTally(thief, amount);
        donated[holder][token] += amount;
        _expect(thief, token, abi.encodeCall(IERC20.transfer, (holder, amount)), FINE);
    }

    function _isPatron(address owner) internal view returns (bool) {
        return owner == clients[0].at;
    }

    function _drawLane() private returns (address owner, address token, uint256 node) {
        uint256 first = _draw(24);
        for (uint256 k; k < 24; ++k) {
            uint256 place = (first + k) % 24;
            (owner, token, node) = (clients[place / 6].at, tokens[place % 2], place / 2 % 3);
            GhostLane storage lane = lanes[owner][token][node];
            if (lane.reserved + lane.thawing != 0) return (owner, token, node);
        }
    }

    function _predictDeposit(address from, address token, uint256 amount, bool permitted)
        private
        view
        returns (bytes4)
    {
        if (pausedPayments) return PausableUpgradeable.EnforcedPause.selector;
        if (!accepted[token]) return IPaymentManager.PaymentManagerTokenNotAccepted.selector;
        if (amount == 0) return IPaymentManager.PaymentManagerZero.selector;
        return permitted ? FINE : _predictPull(from, token, amount);
    }

    function _permitCall(Person memory from, address token, uint256 amount)
        private
        returns (bytes memory)
    {
        IERC20Permit permit = IERC20Permit(token);
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Permit(address owner,address spender,"
                    "uint256 value,uint256 nonce,uint256 deadline)"
                ),
                from.at,
                address(house.payments),
                amount,
                permit.nonces(from.at),
                block.timestamp
            )
        );
        bytes32 digest =
            keccak256(abi.encodePacked(hex"1901", permit.DOMAIN_SEPARATOR(), structHash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(from.key, digest);
        if (_chance(60)) {
            // Somebody saw the permit first and used it: the deposit does not suffer.
            vm.prank(thief);
            permit.permit(from.at, address(house.payments), amount, block.timestamp, v, r, s);
            _saw("permit front-run");
        }
        return abi.encodeCall(
            house.payments.depositWithPermit, (token, uint128(amount), block.timestamp, v, r, s)
        );
    }
}
