// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Roles } from "../contracts/base/Roles.sol";
import { House, HouseConfig } from "./HouseDeployer.sol";
import { IAccessControl } from "@openzeppelin/contracts/access/IAccessControl.sol";
import { CommonBase } from "forge-std/Base.sol";
import { stdJson } from "forge-std/StdJson.sol";

/// @title Deployment record
/// @notice Writes what a deployment made, and compares such a record with the chain.
/// @dev `deployments/<chain id>.json`: chain id, block from which to read events, deployer, name of
/// the parameters; under `contracts` for each its `address`, `codeHash` and, behind a proxy,
/// `implementation` and `implementationCodeHash`; under `holders` who holds the powers of people.
abstract contract DeploymentRecord is CommonBase {
    using stdJson for string;

    /// @dev keccak256("eip1967.proxy.implementation") - 1
    bytes32 private constant IMPLEMENTATION_SLOT =
        0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;

    string[9] private NAMES = [
        "TallyToken",
        "TimelockController",
        "TallyGovernor",
        "NodeRegistry",
        "PaymentManager",
        "StakingManager",
        "JobManager",
        "SlashingManager",
        "NetworkProfile"
    ];
    uint256 private constant FIRST_PROXY = 3;

    /// @notice There is no record for this chain. Deploy first.
    error DeploymentRecordMissing(string file);

    /// @notice There is no code where the record names a contract: the deployment stopped half way.
    /// Remove the pending file and deploy again; nothing of what is there can be used.
    error DeploymentRecordNoCode(string name, address at);

    /// @notice The chain holds other code than the record says. Never use these addresses before
    /// you know why.
    error DeploymentRecordWrongCode(string name, address at, bytes32 recorded, bytes32 actual);

    /// @notice A proxy runs another implementation than the record says. After an upgrade, the
    /// record must be renewed.
    error DeploymentRecordWrongImplementation(string name, address recorded, address actual);

    /// @notice Somebody lacks a role that the deployment must give: it stopped half way. Remove the
    /// pending file and deploy again.
    error DeploymentRecordRoleMissing(string name, bytes32 role, address holder);

    /// @notice Somebody holds a role that he must not hold. If it is the deployer, the deployment
    /// stopped half way.
    error DeploymentRecordRoleLeft(string name, bytes32 role, address holder);

    /// @notice Where the record of a finished deployment is.
    function recordPath() public view returns (string memory) {
        return string.concat("deployments/", vm.toString(block.chainid), ".json");
    }

    /// @notice Where the record of a deployment is that nobody checked yet.
    function pendingPath() public view returns (string memory) {
        return string.concat("deployments/", vm.toString(block.chainid), ".pending.json");
    }

    /// @dev Writes what was sent, before anybody knows whether it arrived.
    function writePending(House memory house, HouseConfig memory config, string memory parameters)
        internal
    {
        address[9] memory at = _addressesOf(house);
        string memory contracts;
        for (uint256 i; i < at.length; ++i) {
            contracts = vm.serializeString("contracts", NAMES[i], _entryOf(i, at[i]));
        }
        if (config.listings.length != 0) {
            contracts = vm.serializeString(
                "contracts", "DevelopmentDollar", _codeOf("dollar", config.listings[0].token)
            );
        }
        vm.serializeAddress("holders", "treasury", config.treasury);
        vm.serializeAddress("holders", "pauser", config.pauser);
        vm.serializeAddress("holders", "committee", config.committee);
        string memory holders = vm.serializeAddress("holders", "reporter", config.reporter);
        vm.serializeUint("record", "chainId", block.chainid);
        vm.serializeUint("record", "block", block.number);
        vm.serializeAddress("record", "deployer", config.deployer);
        vm.serializeString("record", "parameters", parameters);
        vm.serializeString("record", "holders", holders);
        vm.writeJson(vm.serializeString("record", "contracts", contracts), pendingPath());
    }

    /// @dev Passes if the chain is as the record says. Then a pending record becomes the record.
    function checkRecord() internal {
        bool pending = vm.exists(pendingPath());
        string memory path = pending ? pendingPath() : recordPath();
        require(vm.exists(path), DeploymentRecordMissing(path));
        string memory json = vm.readFile(path);
        for (uint256 i; i < NAMES.length; ++i) {
            _checkCode(json, NAMES[i], i >= FIRST_PROXY);
        }
        _checkRoles(json);
        if (pending) {
            vm.writeFile(recordPath(), json);
            vm.removeFile(path);
        }
    }

    function _checkCode(string memory json, string memory name, bool proxied) private view {
        string memory at = string.concat(".contracts.", name);
        _checkHash(json, name, at, ".address", ".codeHash");
        if (!proxied) return;
        _checkHash(json, name, at, ".implementation", ".implementationCodeHash");
        address recorded = json.readAddress(string.concat(at, ".implementation"));
        address actual = _implementationOf(json.readAddress(string.concat(at, ".address")));
        require(recorded == actual, DeploymentRecordWrongImplementation(name, recorded, actual));
    }

    function _checkHash(
        string memory json,
        string memory name,
        string memory at,
        string memory addressKey,
        string memory hashKey
    ) private view {
        address account = json.readAddress(string.concat(at, addressKey));
        bytes32 recorded = json.readBytes32(string.concat(at, hashKey));
        require(account.code.length != 0, DeploymentRecordNoCode(name, account));
        require(
            account.codehash == recorded,
            DeploymentRecordWrongCode(name, account, recorded, account.codehash)
        );
    }

    /// @dev The timelock rules, people hold what is theirs, contracts what is theirs, the deployer
    /// nothing.
    function _checkRoles(string memory json) private view {
        address timelock = _at(json, "TimelockController");
        address deployer = json.readAddress(".deployer");
        for (uint256 i = FIRST_PROXY; i < NAMES.length; ++i) {
            _requireRole(json, NAMES[i], bytes32(0), timelock);
            _requireRole(json, NAMES[i], Roles.UPGRADER, timelock);
            _requireNoRole(json, NAMES[i], bytes32(0), deployer);
            _requireNoRole(json, NAMES[i], Roles.UPGRADER, deployer);
            _requireNoRole(json, NAMES[i], Roles.PARAMETER, deployer);
        }
        _requireNoRole(json, "TimelockController", bytes32(0), deployer);
        bytes32 proposer = keccak256("PROPOSER_ROLE");
        _requireRole(json, "TimelockController", proposer, _at(json, "TallyGovernor"));
        _requireNoRole(json, "TimelockController", proposer, deployer);
        _checkHouseRoles(json, timelock);
        _checkPeople(json);
    }

    function _checkHouseRoles(string memory json, address timelock) private view {
        address slashing = _at(json, "SlashingManager");
        address profile = _at(json, "NetworkProfile");
        _requireRole(json, "NodeRegistry", Roles.SLASHER, slashing);
        _requireRole(json, "StakingManager", Roles.SLASHER, slashing);
        _requireRole(json, "JobManager", Roles.SLASHER, slashing);
        _requireRole(json, "StakingManager", Roles.PARAMETER, profile);
        _requireRole(json, "SlashingManager", Roles.PARAMETER, profile);
        _requireRole(json, "PaymentManager", Roles.PARAMETER, profile);
        _requireRole(json, "JobManager", Roles.PARAMETER, profile);
        _requireRole(json, "NetworkProfile", Roles.PARAMETER, timelock);
        _requireRole(json, "NodeRegistry", Roles.PARAMETER, timelock);
    }

    function _checkPeople(string memory json) private view {
        address pauser = json.readAddress(".holders.pauser");
        _requireRole(json, "JobManager", Roles.PAUSER, pauser);
        _requireRole(json, "StakingManager", Roles.PAUSER, pauser);
        _requireRole(json, "PaymentManager", Roles.PAUSER, pauser);
        address committee = json.readAddress(".holders.committee");
        _requireRole(json, "SlashingManager", Roles.SLASHER, committee);
        address reporter = json.readAddress(".holders.reporter");
        _requireRole(json, "StakingManager", Roles.REPORTER, reporter);
    }

    function _requireRole(string memory json, string memory name, bytes32 role, address holder)
        private
        view
    {
        bool has = IAccessControl(_at(json, name)).hasRole(role, holder);
        require(has, DeploymentRecordRoleMissing(name, role, holder));
    }

    function _requireNoRole(string memory json, string memory name, bytes32 role, address holder)
        private
        view
    {
        bool has = IAccessControl(_at(json, name)).hasRole(role, holder);
        require(!has, DeploymentRecordRoleLeft(name, role, holder));
    }

    function _at(string memory json, string memory name) private pure returns (address) {
        return json.readAddress(string.concat(".contracts.", name, ".address"));
    }

    function _entryOf(uint256 i, address at) private returns (string memory) {
        string memory key = NAMES[i];
        if (i < FIRST_PROXY) return _codeOf(key, at);
        address implementation = _implementationOf(at);
        vm.serializeAddress(key, "implementation", implementation);
        vm.serializeBytes32(key, "implementationCodeHash", implementation.codehash);
        return _codeOf(key, at);
    }

    function _codeOf(string memory key, address at) private returns (string memory) {
        vm.serializeAddress(key, "address", at);
        return vm.serializeBytes32(key, "codeHash", at.codehash);
    }

    function _implementationOf(address proxy) private view returns (address) {
        return address(uint160(uint256(vm.load(proxy, IMPLEMENTATION_SLOT))));
    }

    function _addressesOf(House memory house) private pure returns (address[9] memory) {
        return [
            address(house.token),
            address(house.timelock),
            address(house.governor),
            address(house.registry),
            address(house.payments),
            address(house.staking),
            address(house.jobs),
            address(house.slashing),
            address(house.profile)
        ];
    }
}
