// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IStakingManager } from "../../../contracts/interfaces/IStakingManager.sol";
import { StakingTest } from "./StakingTest.sol";
import {
    PausableUpgradeable
} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";
import { IERC20Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

contract StakingManagerStakeWithPermit is StakingTest {
    bytes32 internal constant PERMIT = keccak256(
        "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
    );

    uint256 internal key;
    uint256 internal deadline;
    uint8 internal v;
    bytes32 internal r;
    bytes32 internal s;

    function setUp() public override {
        super.setUp();
        (staker, key) = makeAddrAndKey("staker with a key");
        giveTally(staker, AMOUNT);
        deadline = block.timestamp + 60;
        sign(AMOUNT);
    }

    function test_DepositsWithoutAnAllowance() public {
        uint40 pendingUntil = uint40(block.timestamp) + MATURITY;
        vm.expectEmit(address(house.staking));
        emit IStakingManager.StakeDeposited(node.id, staker, AMOUNT, pendingUntil);
        stakeWithPermit(AMOUNT);
        assertEq(positionOf(staker).pending, AMOUNT);
        assertEq(house.token.balanceOf(staker), 0);
        assertEq(house.token.nonces(staker), 1);
    }

    function test_PermitThatSomebodyUsedBeforeStillDeposits() public {
        vm.prank(stranger);
        house.token.permit(staker, address(house.staking), AMOUNT, deadline, v, r, s);
        stakeWithPermit(AMOUNT);
        assertEq(positionOf(staker).pending, AMOUNT);
    }

    function test_BadPermitIsIgnoredWhereTheAllowanceSuffices() public {
        vm.prank(staker);
        house.token.approve(address(house.staking), AMOUNT);
        deadline = block.timestamp - 1;
        stakeWithPermit(AMOUNT);
        assertEq(positionOf(staker).pending, AMOUNT);
    }

    function test_RevertWhen_PermitIsOfAnotherAmount() public {
        expectNoAllowance(AMOUNT - 1);
        stakeWithPermit(AMOUNT - 1);
    }

    function test_RevertWhen_PermitExpired() public {
        pass(61);
        expectNoAllowance(AMOUNT);
        stakeWithPermit(AMOUNT);
    }

    function test_RevertWhen_CallerIsNotWhoSigned() public {
        expectNoAllowance(AMOUNT);
        vm.prank(stranger);
        house.staking.stakeWithPermit(node.id, AMOUNT, deadline, v, r, s);
    }

    function test_RevertWhen_AmountIsZero() public {
        sign(0);
        expectInvalidAmount(0, type(uint128).max);
        stakeWithPermit(0);
    }

    function test_RevertWhen_NodeIsUnknown() public {
        expectUnknownNode(UNKNOWN);
        vm.prank(staker);
        house.staking.stakeWithPermit(UNKNOWN, AMOUNT, deadline, v, r, s);
    }

    function test_RevertGiven_NodeIsRetired() public {
        vm.prank(node.operator);
        house.registry.retire(node.id);
        expectUnknownNode(node.id);
        stakeWithPermit(AMOUNT);
    }

    function test_RevertGiven_ContractIsPaused() public {
        pauseStaking();
        vm.expectRevert(PausableUpgradeable.EnforcedPause.selector);
        stakeWithPermit(AMOUNT);
    }

    function stakeWithPermit(uint128 amount) private {
        vm.prank(staker);
        house.staking.stakeWithPermit(node.id, amount, deadline, v, r, s);
    }

    function sign(uint256 amount) private {
        bytes32 permit =
            keccak256(abi.encode(PERMIT, staker, address(house.staking), amount, 0, deadline));
        bytes32 domain = house.token.DOMAIN_SEPARATOR();
        (v, r, s) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", domain, permit)));
    }

    function expectNoAllowance(uint256 needed) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector, address(house.staking), 0, needed
            )
        );
    }
}
