// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../contracts/base/HouseContract.sol";
import { Roles } from "../../contracts/base/Roles.sol";
import { INodeRegistry } from "../../contracts/interfaces/INodeRegistry.sol";
import { StakingManager } from "../../contracts/staking/StakingManager.sol";
import { TallyToken } from "../../contracts/token/TallyToken.sol";
import { NodeId } from "../../contracts/types/NodeId.sol";
import { Seat, SeatLibrary } from "../../contracts/types/Seat.sol";
import { HouseTest, TestNode } from "../base/HouseTest.sol";
import { DevelopmentDollar } from "../tokens/DevelopmentDollar.sol";
import { IAccessControl } from "@openzeppelin/contracts/access/IAccessControl.sol";
import { IERC1967 } from "@openzeppelin/contracts/interfaces/IERC1967.sol";
import { ERC1967Utils } from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";
import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";

/// @notice A later implementation: the same, and a getter.
contract StakingManagerWithTotals is StakingManager {
    constructor(TallyToken token, INodeRegistry registry, address jobs)
        StakingManager(token, registry, jobs)
    { }

    /// @notice Active and thawing stake of a node.
    function totalOf(NodeId node) external view returns (uint256) {
        return uint256(_layout().pools[node].stake) + _layout().pools[node].thawing;
    }
}

/// @notice An upgrade of a proxy that holds stake, as governance would send it.
contract StakingManagerUpgrade is HouseTest {
    uint128 internal constant AMOUNT = 10_000e18;

    TestNode internal node;
    address internal staker = makeAddr("staker");
    StakingManager internal proxy;
    address internal next;

    function setUp() public override {
        super.setUp();
        proxy = StakingManager(address(house.staking));
        next = address(
            new StakingManagerWithTotals(house.token, house.registry, address(house.jobs))
        );
        node = bondNode(WORKER, AMOUNT);
        stakeBehind(node, staker, AMOUNT);
        vm.prank(staker);
        proxy.requestUnstake(node.id, AMOUNT * 250);
        vm.prank(address(house.jobs));
        proxy.lock(SeatLibrary.seatOf(node.id, node.signer), new Seat[](0), AMOUNT / 2);
        giveTally(staker, 9);
        vm.startPrank(staker);
        house.token.approve(address(proxy), 9);
        proxy.stake(node.id, 9);
        vm.stopPrank();
        vm.prank(pauser);
        proxy.pause();
    }

    function test_KeepsTheValueOfEveryGetter() public {
        bytes32 before = everything();
        vm.expectEmit(address(proxy));
        emit IERC1967.Upgraded(next);
        upgrade(next);
        assertEq(everything(), before);
        assertEq(StakingManagerWithTotals(address(proxy)).totalOf(node.id), 2 * AMOUNT);
    }

    function test_StakeLeavesUnderTheNewImplementation() public {
        upgrade(next);
        pass(THAW);
        vm.prank(staker);
        assertEq(proxy.withdraw(node.id), AMOUNT / 4);
        vm.prank(staker);
        proxy.cancelDeposit(node.id);
        assertEq(house.token.balanceOf(staker), AMOUNT / 4 + 9);
    }

    function test_RevertWhen_AnUpgradeInitializesAgain() public {
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        vm.prank(address(house.timelock));
        proxy.upgradeToAndCall(next, abi.encodeCall(HouseContract.initialize, (stranger)));
    }

    function test_RevertWhen_CallerIsNotTheTimelock() public {
        address[5] memory callers =
            [address(this), pauser, committee, node.operator, address(house.profile)];
        for (uint256 i; i < callers.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IAccessControl.AccessControlUnauthorizedAccount.selector,
                    callers[i],
                    Roles.UPGRADER
                )
            );
            vm.prank(callers[i]);
            proxy.upgradeToAndCall(next, "");
        }
    }

    function test_RevertWhen_ImplementationIsNotUpgradeable() public {
        address dollars = address(new DevelopmentDollar());
        vm.expectRevert(
            abi.encodeWithSelector(ERC1967Utils.ERC1967InvalidImplementation.selector, dollars)
        );
        upgrade(dollars);
    }

    function upgrade(address implementation) private {
        vm.prank(address(house.timelock));
        proxy.upgradeToAndCall(implementation, "");
    }

    /// @dev A digest of what every getter tells.
    function everything() private view returns (bytes32) {
        (uint128 active, uint128 thawing) = proxy.valueOf(node.id, staker);
        (StakingManager.StakingRules memory rules, address insurance) = proxy.rules();
        bytes memory roles = abi.encode(
            proxy.hasRole(bytes32(0), address(house.timelock)),
            proxy.hasRole(Roles.UPGRADER, address(house.timelock)),
            proxy.hasRole(Roles.PARAMETER, address(house.profile)),
            proxy.hasRole(Roles.SLASHER, address(house.slashing)),
            proxy.hasRole(Roles.PAUSER, pauser),
            proxy.hasRole(Roles.REPORTER, reporter),
            proxy.paused(),
            proxy.version()
        );
        bytes memory stake = abi.encode(
            proxy.poolOf(node.id),
            proxy.positionOf(node.id, staker),
            proxy.positionOf(node.id, node.operator),
            active,
            thawing,
            rules,
            insurance
        );
        return keccak256(bytes.concat(roles, stake));
    }
}
