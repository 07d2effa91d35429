// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../../contracts/base/HouseContract.sol";
import { Roles } from "../../../contracts/base/Roles.sol";
import { HouseContractTest } from "./HouseContractTest.sol";

contract HouseContractHasRole is HouseContractTest {
    bytes32 internal constant ADMIN = 0;

    function test_TheTimelockAdministersAndUpgradesEveryContract() public view {
        for (uint256 i; i < proxies.length; ++i) {
            assertTrue(proxies[i].hasRole(ADMIN, address(house.timelock)));
            assertTrue(proxies[i].hasRole(Roles.UPGRADER, address(house.timelock)));
            assertEq(proxies[i].getRoleAdmin(Roles.UPGRADER), ADMIN);
        }
        assertTrue(proxies[0].hasRole(Roles.PARAMETER, address(house.timelock)));
        assertTrue(proxies[5].hasRole(Roles.PARAMETER, address(house.timelock)));
    }

    function test_TheDeployerHoldsNothing() public view {
        for (uint256 i; i < proxies.length; ++i) {
            assertHoldsNothing(proxies[i], address(this));
        }
        assertHoldsNothingInTheTimelock(address(this));
        assertEq(house.token.balanceOf(address(this)), 0);
    }

    function test_TheGovernorHoldsNothingButTheTimelock() public view {
        address governor = address(house.governor);
        for (uint256 i; i < proxies.length; ++i) {
            assertHoldsNothing(proxies[i], governor);
        }
        assertTrue(house.timelock.hasRole(house.timelock.PROPOSER_ROLE(), governor));
        assertTrue(house.timelock.hasRole(house.timelock.CANCELLER_ROLE(), governor));
        assertFalse(house.timelock.hasRole(ADMIN, governor));
    }

    function test_TheTimelockIsItsOwnOnlyAdmin() public view {
        assertTrue(house.timelock.hasRole(ADMIN, address(house.timelock)));
        assertTrue(house.timelock.hasRole(house.timelock.EXECUTOR_ROLE(), address(0)));
    }

    function test_PeopleHoldOnlyTheirOwnRoles() public view {
        for (uint256 i; i < proxies.length; ++i) {
            address[4] memory people = [pauser, committee, reporter, treasury];
            for (uint256 j; j < people.length; ++j) {
                assertFalse(proxies[i].hasRole(ADMIN, people[j]));
                assertFalse(proxies[i].hasRole(Roles.UPGRADER, people[j]));
                assertFalse(proxies[i].hasRole(Roles.PARAMETER, people[j]));
            }
            bool judges = address(proxies[i]) == address(house.slashing);
            assertEq(proxies[i].hasRole(Roles.SLASHER, committee), judges);
            bool pools = address(proxies[i]) == address(house.staking);
            assertEq(proxies[i].hasRole(Roles.REPORTER, reporter), pools);
        }
    }

    function assertHoldsNothing(HouseContract proxy, address account) private view {
        bytes32[7] memory roles = [
            ADMIN,
            Roles.UPGRADER,
            Roles.PARAMETER,
            Roles.PAUSER,
            Roles.SLASHER,
            Roles.REPORTER,
            Roles.SCHEDULER
        ];
        for (uint256 i; i < roles.length; ++i) {
            assertFalse(proxy.hasRole(roles[i], account));
        }
    }

    function assertHoldsNothingInTheTimelock(address account) private view {
        assertFalse(house.timelock.hasRole(ADMIN, account));
        assertFalse(house.timelock.hasRole(house.timelock.PROPOSER_ROLE(), account));
        assertFalse(house.timelock.hasRole(house.timelock.CANCELLER_ROLE(), account));
        assertFalse(house.timelock.hasRole(house.timelock.EXECUTOR_ROLE(), account));
    }
}
