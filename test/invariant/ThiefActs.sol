// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../contracts/interfaces/IJobMachine.sol";
import { INodeRegistry } from "../../contracts/interfaces/INodeRegistry.sol";
import { IPaymentManager } from "../../contracts/interfaces/IPaymentManager.sol";
import { ISlashingManager } from "../../contracts/interfaces/ISlashingManager.sol";
import { IStakingManager } from "../../contracts/interfaces/IStakingManager.sol";
import { Assignment, Job, JobState, Proposal } from "../../contracts/types/Job.sol";
import { JobParameters } from "../../contracts/types/JobParameters.sol";
import { Funding } from "../../contracts/types/JobRules.sol";
import { Seat } from "../../contracts/types/Seat.sol";
import { GovernanceActs } from "./GovernanceActs.sol";
import { IAccessControl } from "@openzeppelin/contracts/access/IAccessControl.sol";
import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";

/// @title Thief acts
/// @notice Every call that needs a right, by somebody who has none.
abstract contract ThiefActs is GovernanceActs {
    uint256 internal constant THEFTS = 34;

    /// @dev Tries one call; each has its own act, so that the record shows them all.
    function _steal(uint256 kind) internal {
        _begin(bytes32(bytes(string.concat("theft ", vm.toString(kind)))));
        if (kind < 6) _stealMoney(kind);
        else if (kind < 12) _stealStake(kind);
        else if (kind < 17) _stealRegistry(kind);
        else if (kind < 25) _stealPower(kind);
        else _stealHouse(kind);
    }

    function _stealMoney(uint256 kind) private {
        IPaymentManager p = house.payments;
        address from = clients[0].at;
        address token = tokens[0];
        bytes memory data;
        if (kind == 0) {
            data = abi.encodeCall(p.take, (from, token, 1, Funding.Balance));
        } else if (kind == 1) {
            data = abi.encodeCall(p.tryPull, (from, token, 1));
        } else if (kind == 2) {
            data = abi.encodeCall(p.give, (thief, token, 1));
        } else if (kind == 3) {
            data = abi.encodeWithSignature(
                "pullExactly(address,address,uint128)", from, token, uint128(1)
            );
        } else if (kind == 4) {
            data = abi.encodeCall(p.setToken, (address(foreign), true));
        } else {
            data = abi.encodeCall(p.setRules, (1, thief));
        }
        bytes4 expected = kind < 4
            ? IPaymentManager.PaymentManagerNotJobs.selector
            : IAccessControl.AccessControlUnauthorizedAccount.selector;
        _expect(thief, address(p), data, expected);
    }

    function _stealStake(uint256 kind) private {
        IStakingManager s = house.staking;
        Seat[] memory seats = new Seat[](1);
        seats[0] = _seatOf(3);
        bytes memory data;
        if (kind == 6) {
            data = abi.encodeCall(s.lock, (_seatOf(0), seats, 1));
        } else if (kind == 7) {
            data = abi.encodeCall(s.lockWorkers, (seats, 1));
        } else if (kind == 8) {
            data = abi.encodeCall(s.unlock, (_seatOf(0), seats, 0, 0));
        } else if (kind == 9) {
            data = abi.encodeCall(s.forfeit, (nodes[0].id, 1e18, thief));
        } else if (kind == 10) {
            data = abi.encodeCall(
                s.slash, (nodes[3].id, 1e18, 0, new IStakingManager.SlashShare[](0))
            );
        } else {
            data = abi.encodeCall(s.setRules, (parameters.staking, thief));
        }
        bytes4 expected = kind < 10
            ? IStakingManager.StakingManagerNotJobs.selector
            : IAccessControl.AccessControlUnauthorizedAccount.selector;
        _expect(thief, address(s), data, expected);
    }

    function _stealRegistry(uint256 kind) private {
        INodeRegistry r = house.registry;
        bytes memory data;
        bytes4 expected = IAccessControl.AccessControlUnauthorizedAccount.selector;
        if (kind == 12) data = abi.encodeCall(r.activate, (nodes[SPARE].id));
        else if (kind == 13) data = abi.encodeCall(r.deactivate, (nodes[3].id));
        else if (kind == 14) data = abi.encodeCall(r.jail, (nodes[3].id));
        else if (kind == 15) data = abi.encodeCall(r.unjail, (nodes[3].id));
        else data = abi.encodeCall(r.vet, (nodes[3].id, true));
        if (kind < 14) expected = INodeRegistry.NodeRegistryNotStaking.selector;
        _expect(thief, address(r), data, expected);
    }

    function _stealPower(uint256 kind) private {
        bytes4 expected = IAccessControl.AccessControlUnauthorizedAccount.selector;
        uint256 i = live[_draw(live.length)];
        (Job memory job, Assignment memory assignment, Proposal memory proposal) = _papers(i);
        address c = jobs[i].challenger;
        ISlashingManager.Ruling memory ruling =
            ISlashingManager.Ruling(jobs[i].id, job, assignment, proposal, c, false, 0);
        address target = address(house.slashing);
        bytes memory data;
        if (kind == 17) data = abi.encodeCall(house.slashing.proposeRuling, (ruling));
        else if (kind == 18) data = abi.encodeCall(house.slashing.vetoRuling, (bytes32(0)));
        else if (kind == 19) data = abi.encodeCall(house.slashing.deliverVerdict, (ruling));
        else if (kind == 20) data = abi.encodeCall(house.slashing.setRules, (parameters.slashing));
        else target = address(house.profile);
        if (kind == 19) expected = ISlashingManager.SlashingManagerNotJury.selector;
        if (kind == 21) {
            data = abi.encodeCall(house.profile.setParameters, (parameters));
        } else if (kind == 22) {
            data = abi.encodeCall(house.profile.disallowToken, (tokens[0]));
        } else if (kind == 23) {
            data =
                abi.encodeCall(house.profile.allowToken, (address(foreign), tokenTerms[tokens[0]]));
        } else if (kind == 24) {
            target = address(house.jobs);
            data = abi.encodeCall(
                house.jobs.resolve, (jobs[i].id, job, assignment, proposal, c, false, 0)
            );
        }
        _expect(thief, target, data, expected);
    }

    function _stealHouse(uint256 kind) private {
        address[6] memory all = [
            address(house.jobs),
            address(house.payments),
            address(house.staking),
            address(house.registry),
            address(house.slashing),
            address(house.profile)
        ];
        address target = all[_draw(6)];
        bytes4 expected = IAccessControl.AccessControlUnauthorizedAccount.selector;
        bytes memory data;
        if (kind == 25) {
            data = abi.encodeWithSignature("pause()");
        } else if (kind == 26) {
            data = abi.encodeWithSignature("unpause()");
        } else if (kind == 27) {
            data = abi.encodeCall(IAccessControl.grantRole, (bytes32(0), thief));
        } else if (kind == 28) {
            data = abi.encodeWithSignature("upgradeToAndCall(address,bytes)", target, "");
        } else if (kind == 29) {
            data = abi.encodeWithSignature("initialize(address)", thief);
            expected = Initializable.InvalidInitialization.selector;
        } else {
            (target, data, expected) = _stealJob(kind);
        }
        _expect(thief, target, data, expected);
    }

    function _stealJob(uint256 kind)
        private
        returns (address target, bytes memory data, bytes4 expected)
    {
        target = address(house.jobs);
        expected = IAccessControl.AccessControlUnauthorizedAccount.selector;
        if (kind == 30) {
            data = abi.encodeCall(house.jobs.adoptParameters, (tokens[0], JobParameters.wrap(0)));
        } else if (kind == 31) {
            uint256 i = live[_draw(live.length)];
            (Job memory job, Assignment memory assignment,) = _papers(i);
            data = abi.encodeCall(house.jobs.seize, (jobs[i].id, job, assignment, _restOf(i), 0));
        } else if (kind == 32) {
            target = address(house.registry);
            data = abi.encodeCall(house.registry.acceptNode, (nodes[3].id));
            expected = INodeRegistry.NodeRegistryNotOperator.selector;
        } else {
            uint128 tooMuch = uint128(balances[tokens[0]][thief] + 1);
            data = abi.encodeCall(house.jobs.withdraw, (tokens[0], tooMuch));
            expected = IJobMachine.JobManagerInsufficientBalance.selector;
        }
    }
}
