// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INetworkProfile } from "../../contracts/interfaces/INetworkProfile.sol";
import { INodeRegistry } from "../../contracts/interfaces/INodeRegistry.sol";
import { ISlashingManager } from "../../contracts/interfaces/ISlashingManager.sol";
import { IStakingManager } from "../../contracts/interfaces/IStakingManager.sol";
import { NodeId } from "../../contracts/types/NodeId.sol";
import { House, HouseConfig, HouseDeployer, TokenListing } from "../../script/HouseDeployer.sol";
import { DevelopmentDollar } from "../tokens/DevelopmentDollar.sol";
import { Test } from "forge-std/Test.sol";

/// @notice A node that tests act with.
struct TestNode {
    NodeId id;
    address operator;
    address signer;
    uint256 key;
}

/// @title House test
/// @notice The whole house, deployed as scripts deploy it, and the chores that every test needs.
/// @dev With `TALLY_PERSONA=rollup` in the environment the chain behaves like an Arbitrum-like
/// rollup: the block number stands still for long and then jumps, `prevrandao` is a constant, block
/// hashes are predictable.
abstract contract HouseTest is Test, HouseDeployer {
    uint8 internal constant WORKER = 1;
    uint8 internal constant COORDINATOR = 2;
    uint24 internal constant LEASE = 120;
    uint24 internal constant CHALLENGE_WINDOW = 20;
    uint24 internal constant VERDICT_WINDOW = 60;
    uint24 internal constant MAX_JOB = 1 days;
    uint40 internal constant THAW = 90_000;
    uint40 internal constant MATURITY = 5;
    uint128 internal constant MIN_STAKE = 1000e18;
    uint32 internal constant LOCK_PPM = 500_000;

    House internal house;
    DevelopmentDollar internal dollar;

    address internal treasury = makeAddr("treasury");
    address internal pauser = makeAddr("pauser");
    address internal committee = makeAddr("committee");
    address internal reporter = makeAddr("reporter");
    address internal stranger = makeAddr("stranger");
    address internal client;
    uint256 internal clientKey;

    uint256 private calls;
    uint256 private nodesMade;

    function setUp() public virtual {
        vm.warp(1_750_000_000);
        if (isRollup()) {
            vm.roll(22_000_000);
            vm.prevrandao(bytes32(uint256(1)));
        }
        (client, clientKey) = makeAddrAndKey("client");
        house = _deployHouse(houseConfig());
        dollar = new DevelopmentDollar();
        vm.startPrank(address(house.timelock));
        house.profile
            .allowToken(
                address(dollar), INetworkProfile.TokenTerms({ lockPpm: LOCK_PPM, lockShift: 12 })
            );
        vm.stopPrank();
        vm.label(address(house.jobs), "JobManager");
        vm.label(address(house.payments), "PaymentManager");
        vm.label(address(house.staking), "StakingManager");
        vm.label(address(house.registry), "NodeRegistry");
        vm.label(address(house.slashing), "SlashingManager");
        vm.label(address(house.profile), "NetworkProfile");
    }

    /// @notice Whether the chain is to behave like a rollup.
    function isRollup() internal view returns (bool) {
        return keccak256(bytes(vm.envOr("TALLY_PERSONA", string("plain")))) == keccak256("rollup");
    }

    /// @notice Lets time pass. The block number follows it, except on a rollup, where it stands
    /// still and then jumps.
    function pass(uint256 seconds_) internal {
        vm.warp(block.timestamp + seconds_);
        if (!isRollup()) {
            vm.roll(block.number + seconds_ / 12 + 1);
        } else if (++calls % 100 == 0) {
            vm.roll(block.number + 7);
        }
    }

    /// @notice Moves time to a moment, which must not lie in the past.
    function passUntil(uint256 timestamp) internal {
        pass(timestamp - block.timestamp);
    }

    function houseConfig() internal view virtual returns (HouseConfig memory) {
        return HouseConfig({
            deployer: address(this),
            treasury: treasury,
            pauser: pauser,
            committee: committee,
            reporter: reporter,
            timelockSeconds: 48 hours,
            votingDelaySeconds: 3600,
            votingPeriodSeconds: 1 days,
            proposalThreshold: 100_000e18,
            parameters: networkParameters(),
            tokenTerms: INetworkProfile.TokenTerms({ lockPpm: LOCK_PPM, lockShift: 0 }),
            listings: new TokenListing[](0)
        });
    }

    function networkParameters() internal view returns (INetworkProfile.Parameters memory) {
        return INetworkProfile.Parameters({
            coordinatorPpm: 50_000,
            secondariesPpm: 300_000,
            protocolPpm: 20_000,
            challengeBondPpm: 100_000,
            challengeWindowSeconds: CHALLENGE_WINDOW,
            verdictWindowSeconds: VERDICT_WINDOW,
            leaseSeconds: LEASE,
            maxJobSeconds: MAX_JOB,
            maxAttempts: 3,
            laneThawSeconds: MAX_JOB,
            treasury: treasury,
            insurance: address(0),
            staking: IStakingManager.StakingRules({
                minStake: MIN_STAKE, minStakeSeconds: MATURITY, thawSeconds: THAW
            }),
            slashing: ISlashingManager.SlashingRules({
                victimPpm: 400_000,
                reporterPpm: 100_000,
                committeeCap: 100_000e18,
                committeeEpochSeconds: 1 days,
                committeeDelaySeconds: 10,
                jailSeconds: 1 hours,
                jury: address(0)
            })
        });
    }

    /// @notice Gives an account TLY from the treasury.
    function giveTally(address to, uint256 amount) internal {
        vm.prank(treasury);
        house.token.transfer(to, amount);
    }

    /// @notice Gives an account a free balance of dollars at the payment manager.
    function giveBalance(address to, uint128 amount) internal {
        dollar.mint(to, amount);
        vm.startPrank(to);
        dollar.approve(address(house.payments), amount);
        house.payments.deposit(address(dollar), to, amount);
        vm.stopPrank();
    }

    /// @notice A profile with these roles.
    function profileOf(uint8 roles) internal pure returns (INodeRegistry.NodeProfile memory) {
        return INodeRegistry.NodeProfile({
            peerId: hex"0024080112200102030405060708090a0b0c0d0e0f",
            identityKey: keccak256("identity"),
            roles: roles,
            region: 276,
            metadataUri: "https://node.example/about.json"
        });
    }

    /// @notice Registers a node with a new operator and signer.
    function registerNode(uint8 roles) internal returns (TestNode memory node) {
        string memory name = vm.toString(++nodesMade);
        node.operator = makeAddr(string.concat("operator ", name));
        (node.signer, node.key) = makeAddrAndKey(string.concat("signer ", name));
        bytes memory consent = consentOf(node.key, node.operator);
        vm.prank(node.operator);
        node.id = house.registry.register(node.signer, consent, profileOf(roles));
    }

    /// @notice Registers a node and bonds it: stake deposited, matured, active.
    function bondNode(uint8 roles, uint128 stake) internal returns (TestNode memory node) {
        node = registerNode(roles);
        stakeBehind(node, node.operator, stake);
    }

    /// @notice Deposits TLY of a staker behind a node and activates it once it matured.
    function stakeBehind(TestNode memory node, address staker, uint128 amount) internal {
        giveTally(staker, amount);
        vm.startPrank(staker);
        house.token.approve(address(house.staking), amount);
        house.staking.stake(node.id, amount);
        vm.stopPrank();
        pass(MATURITY);
        house.staking.activate(node.id, staker);
    }

    /// @notice A signer's consent to serve an operator's node.
    function consentOf(uint256 key, address operator) internal view returns (bytes memory) {
        return signatureOf(key, house.registry.consentDigest(operator));
    }

    /// @notice A signature as contracts take it: r, s, v.
    function signatureOf(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }
}
