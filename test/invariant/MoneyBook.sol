// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INetworkProfile } from "../../contracts/interfaces/INetworkProfile.sol";
import { IPaymentManager } from "../../contracts/interfaces/IPaymentManager.sol";
import { Funding } from "../../contracts/types/JobRules.sol";
import { NodeId } from "../../contracts/types/NodeId.sol";
import { World } from "./World.sol";
import { IERC20Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Money book
/// @notice The model of all money: free balances, coordinators' lanes, accounts and fees of the
/// chain lane, and what governance said about tokens.
abstract contract MoneyBook is World {
    struct GhostLane {
        uint256 reserved;
        uint256 thawing;
        uint256 thawedAt;
    }

    /// @dev A payment in tokens that the present call owes to a wallet.
    struct Due {
        address token;
        address to;
        uint256 before;
        uint256 amount;
    }

    INetworkProfile.Parameters internal parameters;
    uint24 internal version;
    mapping(address token => bool) internal accepted;
    mapping(address token => INetworkProfile.TokenTerms) internal tokenTerms;
    bool internal pausedJobs;
    bool internal pausedPayments;
    bool internal pausedStaking;

    mapping(address token => mapping(address owner => uint256)) internal free;
    mapping(address token => mapping(address owner => uint256)) internal balances;
    mapping(address token => mapping(address owner => uint256)) internal fees;
    mapping(address client => mapping(address token => mapping(uint256 node => GhostLane))) internal
        lanes;
    mapping(address token => uint256) internal deposited;
    mapping(address token => uint256) internal withdrawn;
    mapping(address holder => mapping(address token => uint256)) internal donated;
    address[] internal owners;
    Due[] private dues;

    mapping(address owner => bool) private isOwner;

    function setUp() public virtual override {
        super.setUp();
        parameters = houseConfig().parameters;
        version = 1;
        for (uint256 i; i < 2; ++i) {
            accepted[tokens[i]] = true;
            tokenTerms[tokens[i]] = INetworkProfile.TokenTerms(LOCK_PPM, i == 0 ? 12 : 0);
        }
        _know(treasury);
        for (uint256 i; i < clients.length; ++i) {
            _know(clients[i].at);
        }
    }

    function _know(address owner) internal {
        if (isOwner[owner]) return;
        isOwner[owner] = true;
        owners.push(owner);
    }

    function _credit(address owner, address token, uint256 amount) internal {
        _know(owner);
        balances[token][owner] += amount;
    }

    /// @dev What the tokens would say if this were pulled from a wallet.
    function _predictPull(address owner, address token, uint256 amount)
        internal
        view
        returns (bytes4)
    {
        if (IERC20(token).allowance(owner, address(house.payments)) < amount) {
            return IERC20Errors.ERC20InsufficientAllowance.selector;
        }
        return IERC20(token).balanceOf(owner) < amount
            ? IERC20Errors.ERC20InsufficientBalance.selector
            : FINE;
    }

    /// @dev What taking money for a job, or a bond, would say.
    function _predictHold(address owner, address token, uint256 amount, Funding funding)
        internal
        view
        returns (bytes4)
    {
        uint256 own = balances[token][owner];
        if (own >= amount) return FINE;
        return _predictTake(owner, token, amount - own, funding);
    }

    function _predictTake(address owner, address token, uint256 amount, Funding funding)
        internal
        view
        returns (bytes4)
    {
        uint256 own = free[token][owner];
        if (own >= amount) return FINE;
        if (funding != Funding.Allowance) {
            return IPaymentManager.PaymentManagerInsufficientBalance.selector;
        }
        return _predictPull(owner, token, amount - own);
    }

    /// @dev Takes from the account first, then from the free balance, then from the wallet.
    function _hold(address owner, address token, uint256 amount) internal {
        _know(owner);
        uint256 part = _least(amount, balances[token][owner]);
        balances[token][owner] -= part;
        amount -= part;
        part = _least(amount, free[token][owner]);
        free[token][owner] -= part;
        deposited[token] += amount - part;
        if (amount != part) _saw("job funded by allowance");
    }

    /// @dev The model's promise that a wallet gets this much by the call that comes next.
    function _owe(address token, address to, uint256 amount) internal {
        for (uint256 i; i < dues.length; ++i) {
            if (dues[i].to == to && dues[i].token == token) {
                dues[i].amount += amount;
                return;
            }
        }
        dues.push(Due(token, to, IERC20(token).balanceOf(to), amount));
    }

    /// @dev Checks what was owed, once the call is over.
    function _checkDues() internal {
        for (uint256 i; i < dues.length; ++i) {
            Due storage due = dues[i];
            uint256 balance = IERC20(due.token).balanceOf(due.to);
            assertEq(balance, due.before + due.amount, "paid otherwise");
        }
        delete dues;
    }

    /// @dev Rule 1 for one token: what contracts say equals the model, account by account.
    function _checkMoney(address token) internal view returns (uint256 accounts) {
        uint256 sum;
        for (uint256 i; i < owners.length; ++i) {
            address owner = owners[i];
            uint256 own = house.payments.freeOf(owner, token);
            assertEq(own, free[token][owner], "free balance");
            (uint256 balance, uint256 fee) = house.jobs.accountOf(owner, token);
            assertEq(balance, balances[token][owner], "account of the chain lane");
            assertEq(fee, fees[token][owner], "fees");
            accounts += balance + fee;
            sum += own;
        }
        sum += _checkLanes(token) + house.payments.chainLaneOf(token);
        uint256 total = house.payments.totalOf(token);
        assertEq(total, sum, "total = free + lanes + chain lane");
        assertEq(total, deposited[token] - withdrawn[token], "total = deposits - withdrawals");
        assertEq(
            IERC20(token).balanceOf(address(house.payments)),
            total + donated[address(house.payments)][token],
            "tokens = total"
        );
    }

    function _least(uint256 a, uint256 b) internal pure returns (uint256) {
        return a < b ? a : b;
    }

    function _shareUp(uint256 amount, uint256 ppm) internal pure returns (uint256) {
        uint256 product = amount * ppm;
        return product / 1e6 + (product % 1e6 == 0 ? 0 : 1);
    }

    function _checkLanes(address token) private view returns (uint256 sum) {
        for (uint256 i; i < clients.length; ++i) {
            for (uint256 node; node < 3; ++node) {
                GhostLane storage ghost = lanes[clients[i].at][token][node];
                IPaymentManager.Lane memory lane =
                    house.payments.laneOf(clients[i].at, token, NodeId.wrap(uint64(node + 1)));
                assertEq(lane.reserved, ghost.reserved, "lane reserved");
                assertEq(lane.thawing, ghost.thawing, "lane thawing");
                sum += ghost.reserved + ghost.thawing;
            }
        }
    }
}
