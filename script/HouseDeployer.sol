// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Roles } from "../contracts/base/Roles.sol";
import { TallyGovernor } from "../contracts/governance/TallyGovernor.sol";
import { IJobManager } from "../contracts/interfaces/IJobManager.sol";
import { INetworkProfile } from "../contracts/interfaces/INetworkProfile.sol";
import { INodeRegistry } from "../contracts/interfaces/INodeRegistry.sol";
import { IPaymentManager } from "../contracts/interfaces/IPaymentManager.sol";
import { ISlashingManager } from "../contracts/interfaces/ISlashingManager.sol";
import { IStakingManager } from "../contracts/interfaces/IStakingManager.sol";
import { TallyToken } from "../contracts/token/TallyToken.sol";
import { IAccessControl } from "@openzeppelin/contracts/access/IAccessControl.sol";
import { TimelockController } from "@openzeppelin/contracts/governance/TimelockController.sol";
import { CommonBase } from "forge-std/Base.sol";

/// @notice The contracts of one deployment, behind their proxies.
struct House {
    TallyToken token;
    TimelockController timelock;
    TallyGovernor governor;
    INodeRegistry registry;
    IPaymentManager payments;
    IStakingManager staking;
    IJobManager jobs;
    ISlashingManager slashing;
    INetworkProfile profile;
}

/// @notice A payment token that a deployment accepts besides TLY.
struct TokenListing {
    address token;
    INetworkProfile.TokenTerms terms;
}

/// @notice What a deployment is made with.
struct HouseConfig {
    /// Sends the deployment and ends without any power.
    address deployer;
    /// Receives the supply of TLY.
    address treasury;
    /// The emergency multisig.
    address pauser;
    /// The slashing committee.
    address committee;
    /// The reward reporter.
    address reporter;
    uint256 timelockSeconds;
    uint48 votingDelaySeconds;
    uint32 votingPeriodSeconds;
    uint256 proposalThreshold;
    INetworkProfile.Parameters parameters;
    /// How TLY itself is accepted for payment.
    INetworkProfile.TokenTerms tokenTerms;
    TokenListing[] listings;
}

/// @title House deployer
/// @notice Builds the whole house in the topological order of its call graph. Scripts and tests use
/// this one path.
/// @dev `NodeRegistry`, `StakingManager` and `PaymentManager` know by address who above them may
/// call them. These addresses are computed from the deployer's nonces beforehand and compared
/// afterwards, so that no setter has to close a loop.
abstract contract HouseDeployer is CommonBase {
    /// @notice A contract did not get the address that others were built with. Another transaction
    /// of the deployer came between; nothing usable was deployed. Deploy again.
    error HouseDeployerWrongAddress(string name, address expected, address actual);

    /// @notice The constructor of a contract refused without a reason.
    error HouseDeployerNotCreated(string name);

    /// @dev Transactions that the deployer sends up to and including the proxy, counted from its
    /// first.
    uint256 private constant STAKING_OFFSET = 8;
    uint256 private constant JOBS_OFFSET = 11;

    /// @dev Builds the contracts, sets parameters, hands every power over. Every call is the
    /// deployer's.
    function _deployHouse(HouseConfig memory config) internal returns (House memory house) {
        uint256 nonce = vm.getNonce(config.deployer);
        address staking = vm.computeCreateAddress(config.deployer, nonce + STAKING_OFFSET);
        address jobs = vm.computeCreateAddress(config.deployer, nonce + JOBS_OFFSET);

        house.token = TallyToken(_create("TallyToken", abi.encode(config.treasury)));
        house.timelock = _newTimelock(config);
        house.governor = _newGovernor(house, config);
        house.registry = INodeRegistry(_deploy("NodeRegistry", abi.encode(staking), config));
        house.payments = IPaymentManager(_deploy("PaymentManager", abi.encode(jobs), config));
        house.staking = IStakingManager(
            _deploy("StakingManager", abi.encode(house.token, house.registry, jobs), config)
        );
        _requireAddress("StakingManager", staking, address(house.staking));
        house.jobs = IJobManager(_deployJobs(house, config));
        _requireAddress("JobManager", jobs, address(house.jobs));
        house.slashing = ISlashingManager(
            _deploy(
                "SlashingManager", abi.encode(house.jobs, house.staking, house.registry), config
            )
        );
        house.profile = INetworkProfile(
            _deploy(
                "NetworkProfile",
                abi.encode(house.jobs, house.staking, house.payments, house.slashing),
                config
            )
        );
        _wire(house);
        _grant(address(house.profile), Roles.PARAMETER, config.deployer);
        house.profile.setParameters(config.parameters);
        house.profile.allowToken(address(house.token), config.tokenTerms);
        for (uint256 i; i < config.listings.length; ++i) {
            house.profile.allowToken(config.listings[i].token, config.listings[i].terms);
        }
        _handOver(house, config);
    }

    function _deployJobs(House memory house, HouseConfig memory config) private returns (address) {
        bytes memory below = abi.encode(house.registry, house.staking, house.payments);
        address recovery = _create("JobRecovery", below);
        return _deploy("JobManager", bytes.concat(below, abi.encode(recovery)), config);
    }

    /// @dev The deployer administers the timelock until it hands over, to let the governor in.
    function _newTimelock(HouseConfig memory config) private returns (TimelockController) {
        address[] memory nobody = new address[](0);
        address[] memory anybody = new address[](1);
        return new TimelockController(config.timelockSeconds, nobody, anybody, config.deployer);
    }

    function _newGovernor(House memory house, HouseConfig memory config)
        private
        returns (TallyGovernor)
    {
        bytes memory arguments = abi.encode(
            house.token,
            house.timelock,
            config.votingDelaySeconds,
            config.votingPeriodSeconds,
            config.proposalThreshold
        );
        return TallyGovernor(payable(_create("TallyGovernor", arguments)));
    }

    /// @dev An implementation and its proxy.
    function _deploy(string memory name, bytes memory arguments, HouseConfig memory config)
        private
        returns (address)
    {
        address implementation = _create(name, arguments);
        return _create("HouseProxy", abi.encode(implementation, config.deployer));
    }

    /// @dev Creates a contract from its compiled artifact. `new` would copy the code of the whole
    /// house into every test contract, and would compile it as tests are compiled.
    function _create(string memory name, bytes memory arguments)
        internal
        returns (address created)
    {
        bytes memory code = bytes.concat(vm.getCode(string.concat(name, ".sol:", name)), arguments);
        assembly ("memory-safe") {
            created := create(0, add(code, 32), mload(code))
            if gt(returndatasize(), 0) {
                let reason := mload(0x40)
                returndatacopy(reason, 0, returndatasize())
                revert(reason, returndatasize())
            }
        }
        require(created != address(0), HouseDeployerNotCreated(name));
    }

    /// @dev The powers that contracts have over contracts below them.
    function _wire(House memory house) private {
        _grant(address(house.registry), Roles.SLASHER, address(house.slashing));
        _grant(address(house.staking), Roles.SLASHER, address(house.slashing));
        _grant(address(house.jobs), Roles.SLASHER, address(house.slashing));
        _grant(address(house.staking), Roles.PARAMETER, address(house.profile));
        _grant(address(house.slashing), Roles.PARAMETER, address(house.profile));
        _grant(address(house.payments), Roles.PARAMETER, address(house.profile));
        _grant(address(house.jobs), Roles.PARAMETER, address(house.profile));
    }

    /// @dev The powers that people have; the deployer keeps none.
    function _handOver(House memory house, HouseConfig memory config) private {
        _grant(address(house.slashing), Roles.SLASHER, config.committee);
        _grant(address(house.staking), Roles.REPORTER, config.reporter);
        _grant(address(house.jobs), Roles.PAUSER, config.pauser);
        _grant(address(house.staking), Roles.PAUSER, config.pauser);
        _grant(address(house.payments), Roles.PAUSER, config.pauser);
        _grant(address(house.registry), Roles.PARAMETER, address(house.timelock));
        _grant(address(house.profile), Roles.PARAMETER, address(house.timelock));
        IAccessControl(address(house.profile)).renounceRole(Roles.PARAMETER, config.deployer);

        address[6] memory upgradeable = [
            address(house.registry),
            address(house.payments),
            address(house.staking),
            address(house.jobs),
            address(house.slashing),
            address(house.profile)
        ];
        for (uint256 i; i < upgradeable.length; ++i) {
            _grant(upgradeable[i], Roles.UPGRADER, address(house.timelock));
            _grant(upgradeable[i], bytes32(0), address(house.timelock));
            IAccessControl(upgradeable[i]).renounceRole(Roles.UPGRADER, config.deployer);
            IAccessControl(upgradeable[i]).renounceRole(bytes32(0), config.deployer);
        }

        TimelockController timelock = house.timelock;
        timelock.grantRole(timelock.PROPOSER_ROLE(), address(house.governor));
        timelock.grantRole(timelock.CANCELLER_ROLE(), address(house.governor));
        timelock.renounceRole(bytes32(0), config.deployer);
    }

    function _grant(address on, bytes32 role, address to) private {
        IAccessControl(on).grantRole(role, to);
    }

    function _requireAddress(string memory name, address expected, address actual) private pure {
        require(expected == actual, HouseDeployerWrongAddress(name, expected, actual));
    }
}
