// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INetworkProfile } from "../contracts/interfaces/INetworkProfile.sol";
import { ISlashingManager } from "../contracts/interfaces/ISlashingManager.sol";
import { IStakingManager } from "../contracts/interfaces/IStakingManager.sol";
import { DevelopmentDollar } from "../test/tokens/DevelopmentDollar.sol";
import { DeploymentRecord } from "./DeploymentRecord.sol";
import { House, HouseConfig, HouseDeployer, TokenListing } from "./HouseDeployer.sol";
import { Script } from "forge-std/Script.sol";
import { stdJson } from "forge-std/StdJson.sol";

/// @title Deploy
/// @notice Deploys the whole house on any chain, behind proxies, and records it. Two steps, because
/// a script cannot see the chain after its own transactions:
///
///   forge script script/Deploy.s.sol --rpc-url URL --private-key KEY --broadcast --slow
///   forge script script/Deploy.s.sol --rpc-url URL --sig 'check()'
///
/// The first leaves `deployments/<chain id>.pending.json`, the second compares it with the chain
/// and makes it `deployments/<chain id>.json`. Environment:
///
///   TALLY_CHAIN_ID    the chain that is meant; required
///   TALLY_PARAMETERS  name of a file in script/parameters; "local" on chain 31337, else required
///   TALLY_DEPLOYER    address that is to send the transactions; optional, compared
///   TALLY_TREASURY, TALLY_PAUSER, TALLY_COMMITTEE, TALLY_REPORTER
///                     who gets supply and fees, may pause, rules on challenges, adds rewards;
///                     the deployer on chain 31337, else required
///
/// On chain 31337 a development dollar is deployed and accepted as well.
contract Deploy is Script, HouseDeployer, DeploymentRecord {
    using stdJson for string;

    uint256 private constant LOCAL_CHAIN_ID = 31_337;

    /// @notice The endpoint serves another chain than `TALLY_CHAIN_ID` names. Correct one of them.
    error DeployWrongChain(uint256 meant, uint256 actual);

    /// @notice The key is not that of `TALLY_DEPLOYER`. Give the right key.
    error DeployWrongKey(address meant, address actual);

    /// @notice The deployer cannot pay for a deployment. Send it funds first.
    error DeployNoFunds(address deployer, uint256 balance);

    /// @notice A deployment was begun on this chain and never checked. Run `check()`; if that says
    /// it is half done, remove the file and deploy again: nothing of it can be used.
    error DeployUnfinished(string file);

    /// @notice A deployment on this chain is recorded already. Remove the file to replace it.
    error DeployAlreadyThere(string file);

    /// @notice Deploys the house and writes the pending record.
    function run() external {
        _requireChain();
        string memory pending = pendingPath();
        require(!vm.exists(pending), DeployUnfinished(pending));
        bool isLocal = block.chainid == LOCAL_CHAIN_ID;
        require(isLocal || !vm.exists(recordPath()), DeployAlreadyThere(recordPath()));

        vm.startBroadcast();
        (, address deployer,) = vm.readCallers();
        address meant = vm.envOr("TALLY_DEPLOYER", deployer);
        require(meant == deployer, DeployWrongKey(meant, deployer));
        require(deployer.balance != 0, DeployNoFunds(deployer, deployer.balance));

        string memory parameters = isLocal
            ? vm.envOr("TALLY_PARAMETERS", string("local"))
            : vm.envString("TALLY_PARAMETERS");
        HouseConfig memory config = _configOf(parameters, deployer, isLocal);
        if (isLocal) config.listings = _developmentDollar();
        House memory house = _deployHouse(config);
        vm.stopBroadcast();

        writePending(house, config, parameters);
    }

    /// @notice Compares the record with the chain, and makes a pending record the record.
    function check() external {
        _requireChain();
        checkRecord();
    }

    function _requireChain() private view {
        uint256 meant = vm.envUint("TALLY_CHAIN_ID");
        require(meant == block.chainid, DeployWrongChain(meant, block.chainid));
    }

    /// @dev Six decimals against TLY's eighteen; a dollar counts as one TLY.
    function _developmentDollar() private returns (TokenListing[] memory listings) {
        listings = new TokenListing[](1);
        listings[0] = TokenListing({
            token: address(new DevelopmentDollar()),
            terms: INetworkProfile.TokenTerms({ lockPpm: 500_000, lockShift: 12 })
        });
    }

    function _configOf(string memory name, address deployer, bool isLocal)
        private
        view
        returns (HouseConfig memory config)
    {
        string memory json = vm.readFile(string.concat("script/parameters/", name, ".json"));
        config.deployer = deployer;
        config.treasury = _person("TALLY_TREASURY", deployer, isLocal);
        config.pauser = _person("TALLY_PAUSER", deployer, isLocal);
        config.committee = _person("TALLY_COMMITTEE", deployer, isLocal);
        config.reporter = _person("TALLY_REPORTER", deployer, isLocal);
        config.timelockSeconds = json.readUint(".governance.timelockSeconds");
        config.votingDelaySeconds = uint48(json.readUint(".governance.votingDelaySeconds"));
        config.votingPeriodSeconds = uint32(json.readUint(".governance.votingPeriodSeconds"));
        config.proposalThreshold = json.readUint(".governance.proposalThreshold");
        config.tokenTerms.lockPpm = uint32(json.readUint(".network.tokenLockPpm"));
        config.parameters = _networkOf(json);
        config.parameters.treasury = config.treasury;
    }

    function _person(string memory variable, address deployer, bool isLocal)
        private
        view
        returns (address)
    {
        return isLocal ? vm.envOr(variable, deployer) : vm.envAddress(variable);
    }

    function _networkOf(string memory json)
        private
        pure
        returns (INetworkProfile.Parameters memory p)
    {
        p.coordinatorPpm = uint24(json.readUint(".network.coordinatorPpm"));
        p.secondariesPpm = uint24(json.readUint(".network.secondariesPpm"));
        p.protocolPpm = uint24(json.readUint(".network.protocolPpm"));
        p.challengeBondPpm = uint24(json.readUint(".network.challengeBondPpm"));
        p.challengeWindowSeconds = uint24(json.readUint(".network.challengeWindowSeconds"));
        p.verdictWindowSeconds = uint24(json.readUint(".network.verdictWindowSeconds"));
        p.leaseSeconds = uint24(json.readUint(".network.leaseSeconds"));
        p.maxJobSeconds = uint24(json.readUint(".network.maxJobSeconds"));
        p.maxAttempts = uint8(json.readUint(".network.maxAttempts"));
        p.laneThawSeconds = uint40(json.readUint(".network.laneThawSeconds"));
        p.staking = IStakingManager.StakingRules({
            minStake: uint128(json.readUint(".network.minStake")),
            minStakeSeconds: uint40(json.readUint(".network.minStakeSeconds")),
            thawSeconds: uint40(json.readUint(".network.thawSeconds"))
        });
        p.slashing = _slashingOf(json);
    }

    function _slashingOf(string memory json)
        private
        pure
        returns (ISlashingManager.SlashingRules memory rules)
    {
        rules.victimPpm = uint32(json.readUint(".network.victimPpm"));
        rules.reporterPpm = uint32(json.readUint(".network.reporterPpm"));
        rules.committeeCap = uint128(json.readUint(".network.committeeCap"));
        rules.committeeEpochSeconds = uint40(json.readUint(".network.committeeEpochSeconds"));
        rules.committeeDelaySeconds = uint40(json.readUint(".network.committeeDelaySeconds"));
        rules.jailSeconds = uint40(json.readUint(".network.jailSeconds"));
    }
}
