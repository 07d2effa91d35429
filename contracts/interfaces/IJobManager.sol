// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobAccounts } from "./IJobAccounts.sol";
import { IJobMainPath } from "./IJobMainPath.sol";
import { IJobRecovery } from "./IJobRecovery.sol";

/// @title Job manager
/// @notice The job machine of the chain lane: from an order to settled payment, or to a refund.
/// @dev The chain stores one word per job (`JobWord`). Everything else travels in calls and events
/// and is checked against the job's id and the word's commitment, so every call that acts on a job
/// takes the `Job`, and from the assignment on the `Assignment`, as the last events told them.
///
/// ```text
///   None --create--> Open --assign--> Assigned --propose--> Proposed --settle--> Settled
///                     |  ^               |  \                   |  \
///               cancel|  |        advance|   \ propose          |   \ challenge
///              advance|  +---release-----+    \ (Attested)      |    v
///                     v                  |     v                |  Challenged --resolve,
///                     advance--> Settled
///                  Refunded <------------+   Settled            |    \--resolve--> Open | Refunded
/// ```
///
/// A duration ends at its deadline: acting at the deadline is already too late, advancing at it is
/// not too early.
interface IJobManager is IJobMainPath, IJobRecovery, IJobAccounts { }
