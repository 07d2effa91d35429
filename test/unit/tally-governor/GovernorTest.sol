// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INetworkProfile } from "../../../contracts/interfaces/INetworkProfile.sol";
import { HouseTest } from "../../base/HouseTest.sol";
import { IGovernor } from "@openzeppelin/contracts/governance/IGovernor.sol";

/// @title Governor test
/// @notice A voter with a quorum, and the one proposal that these tests carry through: a new
/// maximum of attempts.
abstract contract GovernorTest is HouseTest {
    uint8 internal constant AGAINST = 0;
    uint8 internal constant FOR = 1;
    uint48 internal constant VOTING_DELAY = 3600;
    uint32 internal constant VOTING_PERIOD = 1 days;
    uint256 internal constant THRESHOLD = 100_000e18;
    uint256 internal constant QUORUM = 40_000_000e18;
    uint8 internal constant ATTEMPTS = 5;
    string internal constant DESCRIPTION = "Five attempts for every job";

    address internal voter = makeAddr("voter");
    address[] internal targets;
    uint256[] internal values;
    bytes[] internal calls;

    function setUp() public virtual override {
        super.setUp();
        giveTally(voter, QUORUM);
        vm.prank(voter);
        house.token.delegate(voter);
        pass(1);
        INetworkProfile.Parameters memory parameters = networkParameters();
        parameters.maxAttempts = ATTEMPTS;
        targets.push(address(house.profile));
        values.push(0);
        calls.push(abi.encodeCall(INetworkProfile.setParameters, (parameters)));
    }

    function propose() internal returns (uint256 id) {
        vm.prank(voter);
        return house.governor.propose(targets, values, calls, DESCRIPTION);
    }

    function vote(uint256 id, uint8 support) internal {
        passUntil(house.governor.proposalSnapshot(id) + 1);
        vm.prank(voter);
        house.governor.castVote(id, support);
    }

    /// @notice Carries the proposal to the end of a successful vote.
    function succeed() internal returns (uint256 id) {
        id = propose();
        vote(id, FOR);
        passUntil(house.governor.proposalDeadline(id) + 1);
    }

    function queue() internal {
        house.governor.queue(targets, values, calls, descriptionHash());
    }

    function execute() internal {
        house.governor.execute(targets, values, calls, descriptionHash());
    }

    function descriptionHash() internal pure returns (bytes32) {
        return keccak256(bytes(DESCRIPTION));
    }

    function assertState(uint256 id, IGovernor.ProposalState expected) internal view {
        assertEq(uint8(house.governor.state(id)), uint8(expected));
    }

    function expectUnexpectedState(uint256 id, IGovernor.ProposalState actual, bytes32 expected)
        internal
    {
        vm.expectRevert(
            abi.encodeWithSelector(
                IGovernor.GovernorUnexpectedProposalState.selector, id, actual, expected
            )
        );
    }

    function bit(IGovernor.ProposalState state) internal pure returns (bytes32) {
        return bytes32(1 << uint8(state));
    }
}
