// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INetworkProfile } from "../../../contracts/interfaces/INetworkProfile.sol";
import { IPaymentManager } from "../../../contracts/interfaces/IPaymentManager.sol";
import { JobState, JobTerms } from "../../../contracts/types/Job.sol";
import { JobId } from "../../../contracts/types/JobId.sol";
import { JobPriceLibrary } from "../../../contracts/types/JobPrice.sol";
import { Funding, JobRulesLibrary } from "../../../contracts/types/JobRules.sol";
import { NodeId } from "../../../contracts/types/NodeId.sol";
import { JobStageTest } from "../../base/JobStageTest.sol";
import { ReentrantToken } from "../../tokens/ReentrantToken.sol";
import { TestWallet } from "../../wallets/TestWallet.sol";
import {
    ReentrancyGuardTransient
} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @notice A token calls its owner in the middle of a transfer, and the owner calls the house.
contract PaymentManagerReentrancy is JobStageTest {
    NodeId private constant LANE = NodeId.wrap(7);
    uint128 private constant START = 100e6;

    ReentrantToken private token;
    TestWallet private wallet;

    function setUp() public override {
        super.setUp();
        token = new ReentrantToken();
        wallet = new TestWallet(client);
        vm.prank(address(house.timelock));
        house.profile
            .allowToken(
                address(token), INetworkProfile.TokenTerms({ lockPpm: LOCK_PPM, lockShift: 12 })
            );
        token.mint(address(wallet), 10 * START);
        vm.startPrank(address(wallet));
        token.approve(address(house.payments), type(uint256).max);
        house.payments.deposit(address(token), address(wallet), START);
        house.payments.fundLane(address(token), LANE, 2e6);
        house.payments.thawLane(address(token), LANE, 1e6);
        house.jobs.fund(address(token), 1e6);
        vm.stopPrank();
        pass(MAX_JOB);
    }

    function test_NoGuardedEntryIsOpenDuringADeposit() public {
        bytes[] memory entries = _guarded();
        for (uint256 i; i < entries.length; ++i) {
            _arm(address(house.payments), entries[i]);
            wallet.call(address(house.payments), entries[0]);
            _assertRefused();
        }
    }

    function test_NoGuardedEntryIsOpenDuringAWithdrawal() public {
        bytes[] memory entries = _guarded();
        for (uint256 i; i < entries.length; ++i) {
            _arm(address(house.payments), entries[i]);
            wallet.call(address(house.payments), entries[2]);
            _assertRefused();
        }
    }

    function test_NoGuardedEntryIsOpenWhileAJobPullsItsMoney() public {
        bytes[] memory entries = _guarded();
        for (uint256 i; i < entries.length; ++i) {
            _arm(address(house.payments), entries[i]);
            _order(i, Funding.Allowance);
            _assertRefused();
        }
    }

    function test_MovingOwnMoneyDuringADepositLosesNothing() public {
        bytes[] memory entries = _unguarded();
        for (uint256 i; i < entries.length; ++i) {
            uint256 snapshot = vm.snapshotState();
            _arm(address(house.payments), entries[i]);
            wallet.call(address(house.payments), _guarded()[0]);
            assertTrue(token.called() && token.succeeded());
            _assertConserved();
            vm.revertToState(snapshot);
        }
    }

    function test_MovingOwnMoneyWhileAJobPullsItsMoneyLosesNothing() public {
        bytes[] memory entries = _unguarded();
        for (uint256 i; i < entries.length; ++i) {
            uint256 snapshot = vm.snapshotState();
            _arm(address(house.payments), entries[i]);
            (bool ok,) = address(wallet).call(_orderCall(1, Funding.Allowance));
            // What was counted on may be gone; then the whole order fails.
            assertTrue(!ok || token.succeeded());
            _assertConserved();
            vm.revertToState(snapshot);
        }
    }

    function test_TheJobManagerIsNoWayAround() public {
        bytes[] memory entries = new bytes[](3);
        entries[0] = abi.encodeCall(house.jobs.withdraw, (address(token), uint128(1)));
        entries[1] = abi.encodeCall(house.jobs.fund, (address(token), uint128(1)));
        entries[2] = abi.encodeCall(house.jobs.create, (9, _terms(Funding.Allowance), ""));
        for (uint256 i; i < entries.length; ++i) {
            uint256 snapshot = vm.snapshotState();
            _arm(address(house.jobs), entries[i]);
            (bool ok,) = address(wallet).call(_orderCall(1, Funding.Allowance));
            assertTrue(ok || !token.called());
            _assertConserved();
            vm.revertToState(snapshot);
        }
    }

    function test_AnOrderCannotBecomeTwoJobsByReentering() public {
        JobTerms memory terms = _terms(Funding.Allowance);
        bytes memory order = abi.encodeCall(house.jobs.create, (1, terms, ""));
        _arm(address(house.jobs), order);
        (bool ok,) = address(wallet).call(_orderCall(1, Funding.Allowance));
        assertTrue(ok && token.called() && !token.succeeded());
        JobId id = house.jobs.idOf(address(wallet), 1, terms);
        assertEq(uint8(stateOf(id)), uint8(JobState.Open));
        _assertConserved();
    }

    function test_TheTokenItselfGainsNothing() public {
        bytes[] memory entries = _guarded();
        for (uint256 i; i < entries.length; ++i) {
            token.arm(address(house.payments), entries[i]);
            wallet.call(address(house.payments), entries[0]);
            _assertRefused();
        }
        _assertConserved();
    }

    function _guarded() private view returns (bytes[] memory entries) {
        entries = new bytes[](3);
        IPaymentManager payments = house.payments;
        address owner = address(wallet);
        entries[0] = abi.encodeCall(payments.deposit, (address(token), owner, uint128(5)));
        entries[1] =
            abi.encodeCall(payments.depositWithPermit, (address(token), uint128(5), 0, 0, 0, 0));
        entries[2] =
            abi.encodeCall(payments.withdraw, (address(token), uint128(5), address(wallet)));
    }

    function _unguarded() private view returns (bytes[] memory entries) {
        entries = new bytes[](3);
        IPaymentManager payments = house.payments;
        uint128 free = payments.freeOf(address(wallet), address(token));
        entries[0] = abi.encodeCall(payments.fundLane, (address(token), LANE, free));
        entries[1] = abi.encodeCall(payments.thawLane, (address(token), LANE, uint128(1e6)));
        entries[2] = abi.encodeCall(payments.releaseLane, (address(token), LANE));
    }

    function _terms(Funding funding) private view returns (JobTerms memory terms) {
        JobRulesLibrary.Fields memory rules = quorumRules();
        rules.funding = funding;
        terms = termsOf(rules);
        terms.token = address(token);
        terms.price = JobPriceLibrary.pack(uint96(2 * START), 0, TIP);
    }

    function _orderCall(uint256 nonce, Funding funding) private view returns (bytes memory) {
        bytes memory order = abi.encodeCall(house.jobs.create, (nonce, _terms(funding), ""));
        return abi.encodeCall(wallet.call, (address(house.jobs), order));
    }

    function _order(uint256 nonce, Funding funding) private {
        (bool ok,) = address(wallet).call(_orderCall(nonce, funding));
        assertTrue(ok);
    }

    function _arm(address to, bytes memory entry) private {
        token.arm(address(wallet), abi.encodeCall(wallet.call, (to, entry)));
    }

    function _assertRefused() private view {
        assertTrue(token.called());
        assertFalse(token.succeeded());
        assertEq(token.answer(), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
    }

    /// Free balances, lanes and the chain lane are the total, and the tokens are there.
    function _assertConserved() private view {
        IPaymentManager payments = house.payments;
        IPaymentManager.Lane memory held = payments.laneOf(address(wallet), address(token), LANE);
        uint256 sum = uint256(payments.freeOf(address(wallet), address(token)))
            + payments.chainLaneOf(address(token)) + held.reserved + held.thawing;
        assertEq(sum, payments.totalOf(address(token)));
        assertEq(sum, token.balanceOf(address(payments)));
    }
}
