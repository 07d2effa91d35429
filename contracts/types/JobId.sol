// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

/// @dev Identifies one job: the EIP-712 digest of its order (client, nonce, terms) under the domain
/// of the `JobManager` that holds it. It therefore commits to chain, contract, client, nonce and
/// every term, and a client's signature over its order is a signature over the id.
type JobId is bytes32;
