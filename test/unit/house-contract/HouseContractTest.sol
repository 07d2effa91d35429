// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../../contracts/base/HouseContract.sol";
import { HouseTest } from "../../base/HouseTest.sol";
import { IAccessControl } from "@openzeppelin/contracts/access/IAccessControl.sol";
import { ERC1967Utils } from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";

/// @title House contract test
/// @notice The proxies of the house, of which every rule of `HouseContract` holds.
abstract contract HouseContractTest is HouseTest {
    HouseContract[] internal proxies;

    function setUp() public virtual override {
        super.setUp();
        proxies.push(HouseContract(address(house.registry)));
        proxies.push(HouseContract(address(house.payments)));
        proxies.push(HouseContract(address(house.staking)));
        proxies.push(HouseContract(address(house.jobs)));
        proxies.push(HouseContract(address(house.slashing)));
        proxies.push(HouseContract(address(house.profile)));
    }

    /// @notice The contracts that have something to pause.
    function pausable() internal view returns (HouseContract[3] memory) {
        return [
            HouseContract(address(house.payments)),
            HouseContract(address(house.staking)),
            HouseContract(address(house.jobs))
        ];
    }

    function implementationOf(HouseContract proxy) internal view returns (HouseContract) {
        bytes32 word = vm.load(address(proxy), ERC1967Utils.IMPLEMENTATION_SLOT);
        return HouseContract(address(uint160(uint256(word))));
    }

    function expectMissingRole(address account, bytes32 role) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControl.AccessControlUnauthorizedAccount.selector, account, role
            )
        );
    }
}
