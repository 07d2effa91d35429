// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../../contracts/base/HouseContract.sol";
import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { IPaymentManager } from "../../../contracts/interfaces/IPaymentManager.sol";
import { JobState, JobTerms } from "../../../contracts/types/Job.sol";
import { JobId } from "../../../contracts/types/JobId.sol";
import { JobParameters } from "../../../contracts/types/JobParameters.sol";
import { JobPriceLibrary } from "../../../contracts/types/JobPrice.sol";
import {
    Funding,
    JobRules,
    JobRulesLibrary,
    Trust,
    Verification
} from "../../../contracts/types/JobRules.sol";
import { JobStage, JobStageTest } from "../../base/JobStageTest.sol";
import { TestWallet } from "../../wallets/TestWallet.sol";
import {
    PausableUpgradeable
} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";

/// @notice Somebody brings the signed order of a client.
contract JobManagerCreateFor is JobStageTest {
    uint256 private constant CURVE_ORDER =
        0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    uint256 private constant WALLET_GAS = 200_000;

    TestWallet private wallet;

    function setUp() public override {
        super.setUp();
        wallet = new TestWallet(client);
        giveBalance(address(wallet), 1000e6);
        giveBalance(stranger, 1000e6);
    }

    function test_CreatesTheJobOfAKey() public {
        JobTerms memory terms = quorumTerms();
        bytes memory signature = _sign(client, terms);
        JobId id = house.jobs.idOf(client, 1, terms);
        JobParameters parameters = house.jobs.parametersOf(address(dollar));
        uint128 free = house.payments.freeOf(client, address(dollar));

        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobCreated(id, client, 1, terms, parameters);
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.JobSpecification(id, "uri");
        vm.prank(stranger);
        JobId made = house.jobs.createFor(client, 1, terms, "uri", signature);

        assertEq(JobId.unwrap(made), JobId.unwrap(id));
        assertEq(uint8(stateOf(id)), uint8(JobState.Open));
        assertEq(free - house.payments.freeOf(client, address(dollar)), uint128(PRICE) + TIP);
        assertEq(house.payments.freeOf(stranger, address(dollar)), 1000e6);
    }

    function test_CreatesTheJobOfAWallet() public {
        JobTerms memory terms = quorumTerms();
        bytes memory signature = _sign(address(wallet), terms);
        vm.prank(stranger);
        JobId id = house.jobs.createFor(address(wallet), 1, terms, "", signature);
        assertEq(uint8(stateOf(id)), uint8(JobState.Open));
    }

    function test_CreatesTheVeryJobThatTheClientWouldCreateItself() public {
        JobTerms memory terms = quorumTerms();
        bytes memory signature = _sign(client, terms);
        vm.prank(stranger);
        JobId id = house.jobs.createFor(client, 1, terms, "", signature);

        JobStage memory stage;
        (stage.id, stage.state) = (id, JobState.Open);
        expectUnexpectedState(stage, JobState.None);
        vm.prank(client);
        house.jobs.create(1, terms, "");
    }

    function test_RevertGiven_TheOrderWasUsedAlready() public {
        JobTerms memory terms = quorumTerms();
        bytes memory signature = _sign(client, terms);
        for (uint256 i = 1; i < STATES; ++i) {
            uint256 snapshot = vm.snapshotState();
            JobStage memory stage = stageOf(terms, JobState(i), 1);
            expectUnexpectedState(stage, JobState.None);
            house.jobs.createFor(client, 1, terms, "", signature);
            vm.revertToState(snapshot);
        }
    }

    function test_RevertWhen_AnotherKeySigned() public {
        JobTerms memory terms = quorumTerms();
        (, uint256 key) = makeAddrAndKey("forger");
        bytes32 digest = house.jobs.orderDigest(client, 1, terms);
        _refuse(client, 1, terms, signatureOf(key, digest));
    }

    function test_RevertWhen_TheSignatureIsMalleable() public {
        JobTerms memory terms = quorumTerms();
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(clientKey, house.jobs.orderDigest(client, 1, terms));
        bytes32 high = bytes32(CURVE_ORDER - uint256(s));
        bytes memory twin = abi.encodePacked(r, high, v == 27 ? uint8(28) : uint8(27));
        _refuse(client, 1, terms, twin);
    }

    function test_RevertWhen_TheSignatureHasAnotherLength() public {
        JobTerms memory terms = quorumTerms();
        bytes memory signature = _sign(client, terms);
        _refuse(client, 1, terms, "");
        _refuse(client, 1, terms, bytes.concat(signature, hex"00"));
        (bytes32 r, bytes32 vs) =
            vm.signCompact(clientKey, house.jobs.orderDigest(client, 1, terms));
        _refuse(client, 1, terms, abi.encodePacked(r, vs));
    }

    function test_RevertWhen_TheClientIsNobody() public {
        JobTerms memory terms = quorumTerms();
        JobRulesLibrary.Fields memory rules = quorumRules();
        rules.funding = Funding.PullAtSettlement;
        JobTerms memory pulled = termsOf(rules);
        _refuse(address(0), 1, pulled, new bytes(65));

        vm.expectRevert(
            abi.encodeWithSelector(
                IPaymentManager.PaymentManagerInsufficientBalance.selector,
                address(dollar),
                address(0),
                0,
                uint128(PRICE) + TIP
            )
        );
        house.jobs.createFor(address(0), 1, terms, "", new bytes(65));
    }

    function test_RevertWhen_ClientNonceSpecificationOrTokenDiffer() public {
        JobTerms memory terms = quorumTerms();
        bytes memory signature = _sign(client, terms);
        _refuse(stranger, 1, terms, signature);
        _refuse(client, 2, terms, signature);

        terms.specification = keccak256("another specification");
        _refuse(client, 1, terms, signature);

        terms = quorumTerms();
        terms.token = address(house.token);
        _giveClientTally();
        _refuse(client, 1, terms, signature);
    }

    function test_RevertWhen_AnAmountDiffers() public {
        JobTerms memory terms = quorumTerms();
        bytes memory signature = _sign(client, terms);
        terms.price = JobPriceLibrary.pack(PRICE + 1, 0, TIP);
        _refuse(client, 1, terms, signature);
        terms.price = JobPriceLibrary.pack(PRICE, 1, TIP);
        _refuse(client, 1, terms, signature);
        terms.price = JobPriceLibrary.pack(PRICE, 0, TIP - 1);
        _refuse(client, 1, terms, signature);
    }

    function test_RevertWhen_ARuleDiffers() public {
        JobTerms memory terms = quorumTerms();
        bytes memory signature = _sign(client, terms);
        for (uint256 field; field < 8; ++field) {
            JobRulesLibrary.Fields memory rules = quorumRules();
            if (field == 0) rules.funding = Funding.PullAtSettlement;
            if (field == 1) rules.verification = Verification.Fingerprint;
            if (field == 2) rules.trust = Trust.Vetted;
            if (field == 3) rules.replicas = 2;
            if (field == 4) rules.quorum = 3;
            if (field == 5) rules.assignBy += 1;
            if (field == 6) rules.completeBy += 1;
            if (field == 7) rules.serviceLevel = 1;
            terms.rules = JobRulesLibrary.pack(rules);
            _refuse(client, 1, terms, signature);
        }
    }

    function test_RevertWhen_TheAgreedVersionIsReplacedByTheCurrentOne() public {
        JobTerms memory terms = quorumTerms();
        bytes memory signature = _sign(client, terms);
        vm.prank(address(house.timelock));
        house.profile.setParameters(networkParameters());

        uint24 agreed = terms.rules.parametersVersion();
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobMachine.JobManagerStaleParameters.selector, address(dollar), agreed, agreed + 1
            )
        );
        house.jobs.createFor(client, 1, terms, "", signature);
        _refuse(client, 1, quorumTerms(), signature);
    }

    function test_RevertWhen_TheChainIsAnother() public {
        JobTerms memory terms = quorumTerms();
        bytes memory signature = _sign(client, terms);
        vm.chainId(block.chainid + 1);
        _refuse(client, 1, terms, signature);
    }

    function test_RevertWhen_AnEnumerationHasNoSuchMember() public {
        JobTerms memory terms = quorumTerms();
        uint256 bad = JobRules.unwrap(terms.rules) | 0xff;
        terms.rules = JobRules.wrap(bad);
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobMachine.JobManagerInvalidTerm.selector, bytes32("rules"), bad, 0
            )
        );
        house.jobs.createFor(client, 1, terms, "", new bytes(65));
    }

    function test_RevertWhen_TheWalletDoesNotAgree() public {
        JobTerms memory terms = quorumTerms();
        bytes memory signature = _sign(address(wallet), terms);
        for (uint256 i = 1; i <= uint8(type(TestWallet.Mood).max); ++i) {
            wallet.feel(TestWallet.Mood(i));
            _refuse(address(wallet), 1, terms, signature);
        }
    }

    function test_RevertWhen_TheOwnerOfAWalletSignedSomethingElse() public {
        JobTerms memory terms = quorumTerms();
        bytes32 digest = house.jobs.orderDigest(address(wallet), 2, terms);
        _refuse(address(wallet), 1, terms, signatureOf(clientKey, digest));
    }

    function test_RevertWhen_TheClientIsAContractThatJudgesNothing() public {
        JobTerms memory terms = quorumTerms();
        giveBalance(address(dollar), 100e6);
        _refuse(address(dollar), 1, terms, _sign(address(dollar), terms));
    }

    function test_AHostileWalletCostsBoundedGas() public {
        JobTerms memory terms = quorumTerms();
        bytes memory signature = _sign(address(wallet), terms);
        bytes memory data =
            abi.encodeCall(house.jobs.createFor, (address(wallet), 1, terms, "", signature));
        for (uint256 i = 1; i <= uint8(type(TestWallet.Mood).max); ++i) {
            wallet.feel(TestWallet.Mood(i));
            uint256 gas = gasleft();
            (bool ok,) = address(house.jobs).call(data);
            assertFalse(ok);
            assertLt(gas - gasleft(), 2 * WALLET_GAS + 200_000);
        }
    }

    function test_AWalletThatChangesItsMindLaterChangesNothing() public {
        JobTerms memory terms = quorumTerms();
        bytes memory signature = _sign(address(wallet), terms);
        JobId id = house.jobs.createFor(address(wallet), 1, terms, "", signature);
        wallet.feel(TestWallet.Mood.Reverts);

        JobStage memory stage;
        (stage.id, stage.job) = (id, jobOf(terms));
        stage.job.client = address(wallet);
        stage.assignment = assign(id, stage.job, 3);
        stage.proposal = propose(id, stage.job, stage.assignment, ALL_SIGN);
        pass(CHALLENGE_WINDOW);
        settle(stage);
        assertEq(uint8(stateOf(id)), uint8(JobState.Settled));
    }

    function test_RevertGiven_NewJobsArePaused() public {
        JobTerms memory terms = quorumTerms();
        bytes memory signature = _sign(client, terms);
        vm.prank(pauser);
        HouseContract(address(house.jobs)).pause();
        vm.expectRevert(PausableUpgradeable.EnforcedPause.selector);
        house.jobs.createFor(client, 1, terms, "", signature);
    }

    function _sign(address account, JobTerms memory terms) private view returns (bytes memory) {
        return signatureOf(clientKey, house.jobs.orderDigest(account, 1, terms));
    }

    function _refuse(address account, uint256 nonce, JobTerms memory terms, bytes memory signature)
        private
    {
        JobId id = house.jobs.idOf(account, nonce, terms);
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobMachine.JobManagerInvalidOrderSignature.selector, id, account
            )
        );
        house.jobs.createFor(account, nonce, terms, "", signature);
        assertEq(uint8(stateOf(id)), uint8(JobState.None));
    }

    function _giveClientTally() private {
        giveTally(client, 100e18);
        vm.startPrank(client);
        house.token.approve(address(house.payments), 100e18);
        house.payments.deposit(address(house.token), client, 100e18);
        vm.stopPrank();
    }
}
