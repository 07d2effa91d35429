// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Roles } from "./Roles.sol";
import {
    AccessControlUpgradeable
} from "@openzeppelin/contracts-upgradeable/access/AccessControlUpgradeable.sol";
import {
    PausableUpgradeable
} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";
import { UUPSUpgradeable } from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";

/// @title House contract
/// @notice What every upgradeable contract of the network shares: roles, pause, upgrades, version.
abstract contract HouseContract is UUPSUpgradeable, AccessControlUpgradeable, PausableUpgradeable {
    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    /// @notice Gives the admin and upgrade roles to `admin`: in deployment the deployer, which
    /// passes them on to the timelock and renounces them before it ends. Runs once.
    function initialize(address admin) external initializer {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(Roles.UPGRADER, admin);
    }

    /// @notice Version of this implementation, as `major.minor.patch`.
    function version() external pure returns (string memory) {
        return "1.0.0";
    }

    /// @notice Stops what `whenNotPaused` guards: new jobs and new deposits, nothing else.
    function pause() external onlyRole(Roles.PAUSER) {
        _pause();
    }

    /// @notice Resumes what `pause` stopped.
    function unpause() external onlyRole(Roles.PAUSER) {
        _unpause();
    }

    function _authorizeUpgrade(address) internal override onlyRole(Roles.UPGRADER) { }
}
