// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INetworkProfile } from "../contracts/interfaces/INetworkProfile.sol";
import { ISlashingManager } from "../contracts/interfaces/ISlashingManager.sol";
import { IStakingManager } from "../contracts/interfaces/IStakingManager.sol";
import { House, HouseConfig, HouseDeployer } from "./HouseDeployer.sol";
import { Script } from "forge-std/Script.sol";

/// @title Deploy
/// @notice Deploys the house and writes `<chain id>.pending.json`. Whoever started it then asks the chain whether
/// everything is there and makes that file the record.
/// @dev Environment: `TALLY_DEPLOYER_KEY`; `TALLY_PARAMETERS`, a file of `script/parameters`; `TALLY_RECORDS`, a folder
/// below `deployments`; `TALLY_TREASURY`, `TALLY_PAUSER`, `TALLY_COMMITTEE`, `TALLY_REPORTER`, by default the deployer.
contract Deploy is Script, HouseDeployer {
    string private json;

    function run() external {
        uint256 key = vm.envUint("TALLY_DEPLOYER_KEY");
        json = vm.readFile(
            string.concat(
                "script/parameters/", vm.envOr("TALLY_PARAMETERS", string("local")), ".json"
            )
        );
        HouseConfig memory config = _config(vm.addr(key));
        uint256 from = block.number;
        vm.startBroadcast(key);
        House memory house = _deployHouse(config);
        vm.stopBroadcast();
        _write(house, from);
    }

    function _config(address deployer) private view returns (HouseConfig memory config) {
        config.deployer = deployer;
        config.treasury = vm.envOr("TALLY_TREASURY", deployer);
        config.pauser = vm.envOr("TALLY_PAUSER", deployer);
        config.committee = vm.envOr("TALLY_COMMITTEE", deployer);
        config.reporter = vm.envOr("TALLY_REPORTER", deployer);
        config.timelockSeconds = _number(".governance.timelockSeconds");
        config.votingDelaySeconds = uint48(_number(".governance.votingDelaySeconds"));
        config.votingPeriodSeconds = uint32(_number(".governance.votingPeriodSeconds"));
        config.proposalThreshold = _number(".governance.proposalThreshold");
        config.parameters = _parameters(config.treasury);
        config.tokenTerms = INetworkProfile.TokenTerms({
            lockPpm: uint32(_number(".network.tokenLockPpm")), lockShift: 0
        });
    }

    function _parameters(address treasury)
        private
        view
        returns (INetworkProfile.Parameters memory parameters)
    {
        parameters.coordinatorPpm = uint24(_number(".network.coordinatorPpm"));
        parameters.secondariesPpm = uint24(_number(".network.secondariesPpm"));
        parameters.protocolPpm = uint24(_number(".network.protocolPpm"));
        parameters.challengeBondPpm = uint24(_number(".network.challengeBondPpm"));
        parameters.challengeWindowSeconds = uint24(_number(".network.challengeWindowSeconds"));
        parameters.verdictWindowSeconds = uint24(_number(".network.verdictWindowSeconds"));
        parameters.leaseSeconds = uint24(_number(".network.leaseSeconds"));
        parameters.maxJobSeconds = uint24(_number(".network.maxJobSeconds"));
        parameters.maxAttempts = uint8(_number(".network.maxAttempts"));
        parameters.laneThawSeconds = uint40(_number(".network.laneThawSeconds"));
        parameters.treasury = treasury;
        parameters.staking = IStakingManager.StakingRules({
            minStake: uint128(_number(".network.minStake")),
            minStakeSeconds: uint40(_number(".network.minStakeSeconds")),
            thawSeconds: uint40(_number(".network.thawSeconds"))
        });
        parameters.slashing = ISlashingManager.SlashingRules({
            victimPpm: uint32(_number(".network.victimPpm")),
            reporterPpm: uint32(_number(".network.reporterPpm")),
            committeeCap: uint128(_number(".network.committeeCap")),
            committeeEpochSeconds: uint40(_number(".network.committeeEpochSeconds")),
            committeeDelaySeconds: uint40(_number(".network.committeeDelaySeconds")),
            jailSeconds: uint40(_number(".network.jailSeconds")),
            jury: address(0)
        });
    }

    function _write(House memory house, uint256 from) private {
        _contract("TallyToken", address(house.token));
        _contract("TimelockController", address(house.timelock));
        _contract("TallyGovernor", address(house.governor));
        _contract("NodeRegistry", address(house.registry));
        _contract("PaymentManager", address(house.payments));
        _contract("StakingManager", address(house.staking));
        _contract("JobManager", address(house.jobs));
        _contract("SlashingManager", address(house.slashing));
        string memory contracts = _contract("NetworkProfile", address(house.profile));
        vm.serializeUint("record", "chainId", block.chainid);
        vm.serializeUint("record", "block", from);
        string memory record = vm.serializeString("record", "contracts", contracts);
        string memory folder = vm.envOr("TALLY_RECORDS", string("deployments"));
        vm.createDir(folder, true);
        vm.writeJson(
            record, string.concat(folder, "/", vm.toString(block.chainid), ".pending.json")
        );
    }

    function _contract(string memory name, address at) private returns (string memory) {
        vm.serializeAddress(name, "address", at);
        string memory one = vm.serializeBytes32(name, "codeHash", at.codehash);
        return vm.serializeString("contracts", name, one);
    }

    function _number(string memory path) private view returns (uint256) {
        return vm.parseJsonUint(json, path);
    }
}
