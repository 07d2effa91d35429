// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "./HouseContract.sol";
import { ERC1967Proxy } from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";

/// @title House proxy
/// @notice The proxy in front of every upgradeable contract of the network. It is initialised as it
/// is created, so that nobody can come between.
contract HouseProxy is ERC1967Proxy {
    /// @param implementation A `HouseContract`.
    /// @param admin Who receives the first roles.
    constructor(address implementation, address admin)
        ERC1967Proxy(implementation, abi.encodeCall(HouseContract.initialize, (admin)))
    { }
}
