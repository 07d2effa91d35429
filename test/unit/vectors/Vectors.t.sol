// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobManager } from "../../../contracts/interfaces/IJobManager.sol";
import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { JobCodec } from "../../../contracts/libraries/JobCodec.sol";
import { PpmMath } from "../../../contracts/libraries/PpmMath.sol";
import { Assignment, Job, JobState, JobTerms, Proposal } from "../../../contracts/types/Job.sol";
import { JobId } from "../../../contracts/types/JobId.sol";
import { JobParameters, JobParametersLibrary } from "../../../contracts/types/JobParameters.sol";
import { JobPrice, JobPriceLibrary } from "../../../contracts/types/JobPrice.sol";
import {
    Funding,
    JobRules,
    JobRulesLibrary,
    Trust,
    Verification
} from "../../../contracts/types/JobRules.sol";
import { JobWord, JobWordLibrary } from "../../../contracts/types/JobWord.sol";
import { NodeId } from "../../../contracts/types/NodeId.sol";
import { Seat, SeatLibrary } from "../../../contracts/types/Seat.sol";
import { HouseTest } from "../../base/HouseTest.sol";
import { MerkleProof } from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import { stdJson } from "forge-std/StdJson.sol";

/// @title Vectors
/// @notice Solidity agrees with `test/vectors`, which Rust wrote (`cargo xtask vectors`).
contract VectorsTest is HouseTest {
    using stdJson for string;
    using PpmMath for uint256;

    /// @dev keccak256("eip1967.proxy.implementation") - 1
    bytes32 private constant IMPLEMENTATION_SLOT =
        0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;

    string private json;
    string private at;

    function test_OrdersHaveTheirIdsAndDigests() public {
        IJobManager jobs = IJobManager(_load("eip712", ".domain.jobManager", address(house.jobs)));
        uint256 count;
        for (; _case("orders", count); ++count) {
            address client_ = json.readAddress(_key("client"));
            uint256 nonce = _number("nonce");
            JobTerms memory terms = JobTerms({
                specification: _word("specification"),
                token: json.readAddress(_key("token")),
                price: JobPriceLibrary.pack(
                    uint96(_number("maxPrice")),
                    uint96(_number("ratePerSecond")),
                    uint64(_number("tip"))
                ),
                rules: _rules("rules.")
            });
            assertEq(JobPrice.unwrap(terms.price), _number("priceWord"));
            assertEq(JobRules.unwrap(terms.rules), _number("rulesWord"));
            assertEq(jobs.orderDigest(client_, nonce, terms), _word("digest"));
            assertEq(JobId.unwrap(jobs.idOf(client_, nonce, terms)), _word("jobId"));
        }
        assertGt(count, 5);
    }

    function test_ClaimsHaveTheirDigests() public {
        IJobManager jobs = IJobManager(_load("eip712", ".domain.jobManager", address(house.jobs)));
        uint256 count;
        for (; _case("claims", count); ++count) {
            bytes32 digest = jobs.claimDigest(
                JobId.wrap(_word("jobId")),
                uint8(_number("attempt")),
                _word("outputRoot"),
                uint128(_number("cost"))
            );
            assertEq(digest, _word("digest"));
        }
        assertGt(count, 5);
    }

    function test_ConsentsHaveTheirDigests() public {
        address registry = _load("eip712", ".domain.nodeRegistry", address(house.registry));
        uint256 count;
        for (; _case("consents", count); ++count) {
            address operator = json.readAddress(_key("operator"));
            assertEq(INodeRegistry(registry).consentDigest(operator), _word("digest"));
        }
        assertGt(count, 5);
    }

    function test_PricesAndRulesPackToTheirWords() public {
        _load("packing");
        uint256 count;
        for (; _case("prices", count); ++count) {
            JobPrice price = JobPrice.wrap(_number("word"));
            assertEq(price.maxPrice(), _number("maxPrice"));
            assertEq(price.ratePerSecond(), _number("ratePerSecond"));
            assertEq(price.tip(), _number("tip"));
            JobPrice packed = JobPriceLibrary.pack(
                uint96(price.maxPrice()), uint96(price.ratePerSecond()), uint64(price.tip())
            );
            assertEq(JobPrice.unwrap(packed), _number("word"));
        }
        assertGt(count, 5);
        for (count = 0; _case("rules", count); ++count) {
            assertEq(JobRules.unwrap(_rules("")), _number("word"));
            assertTrue(_rules("").isWellFormed());
        }
        assertGt(count, 5);
    }

    function test_ParametersPackToTheirWords() public {
        _load("packing");
        uint256 count;
        for (; _case("parameters", count); ++count) {
            JobParameters packed = JobParametersLibrary.pack(
                JobParametersLibrary.Fields({
                    version: uint24(_number("version")),
                    coordinatorPpm: uint24(_number("coordinatorPpm")),
                    secondariesPpm: uint24(_number("secondariesPpm")),
                    protocolPpm: uint24(_number("protocolPpm")),
                    challengeBondPpm: uint24(_number("challengeBondPpm")),
                    lockPpm: uint32(_number("lockPpm")),
                    lockShift: uint8(_number("lockShift")),
                    challengeWindowSeconds: uint24(_number("challengeWindowSeconds")),
                    verdictWindowSeconds: uint24(_number("verdictWindowSeconds")),
                    leaseSeconds: uint24(_number("leaseSeconds")),
                    maxJobSeconds: uint24(_number("maxJobSeconds")),
                    maxAttempts: uint8(_number("maxAttempts"))
                })
            );
            assertEq(JobParameters.unwrap(packed), _number("word"));
        }
        assertGt(count, 5);
    }

    function test_SeatsAndJobWordsPackToTheirWords() public {
        _load("packing");
        uint256 count;
        for (; _case("seats", count); ++count) {
            NodeId node = NodeId.wrap(uint64(_number("node")));
            Seat seat = SeatLibrary.seatOf(node, json.readAddress(_key("signer")));
            assertEq(Seat.unwrap(seat), _number("word"));
            assertEq(seat.accountOf(), json.readAddress(_key("account")));
        }
        assertGt(count, 5);
        for (count = 0; _case("words", count); ++count) {
            JobWord word = JobWordLibrary.make(
                    JobState(_number("state")),
                    uint8(_number("attempt")),
                    uint40(_number("deadline")),
                    uint24(_number("sequence")),
                    _word("hash")
                ).convicted(uint16(_number("seized")));
            assertEq(JobWord.unwrap(word), _number("word"));
            assertTrue(word.commitsTo(_word("hash")));
        }
        assertGt(count, 5);
    }

    function test_CommitmentsAreThoseOfTheCodec() public {
        _load("commitments");
        uint256 count;
        for (; _case("commitments", count); ++count) {
            Job memory job = Job({
                client: json.readAddress(_key("client")),
                token: json.readAddress(_key("token")),
                price: JobPrice.wrap(_number("priceWord")),
                rules: JobRules.wrap(_number("rulesWord")),
                parameters: JobParameters.wrap(_number("parametersWord"))
            });
            bytes32 assigned = this.assignmentHash(_assignment());
            Proposal memory proposal = Proposal({
                outputRoot: _word("outputRoot"),
                price: uint128(_number("price")),
                signers: uint16(_number("signers"))
            });
            bytes32 rest = JobCodec.restHash(proposal, json.readAddress(_key("challenger")));
            assertEq(this.jobHash(job), _word("jobHash"));
            assertEq(assigned, _word("assignmentHash"));
            assertEq(rest, _word("restHash"));
            JobId id = JobId.wrap(_word("id"));
            bytes32 hash = _word("jobHash");
            assertEq(JobCodec.commitment(id, hash, 0, 0), _word("openCommitment"));
            assertEq(JobCodec.commitment(id, hash, assigned, 0), _word("assignedCommitment"));
            assertEq(JobCodec.commitment(id, hash, assigned, rest), _word("proposedCommitment"));
        }
        assertGt(count, 5);
    }

    function test_MerkleProofsVerify() public {
        _load("merkle");
        uint256 count;
        for (; _case("trees", count); ++count) {
            bytes[] memory data = json.readBytesArray(_key("data"));
            bytes32[] memory leaves = json.readBytes32Array(_key("leaves"));
            bytes32 root = _word("root");
            for (uint256 i; i < leaves.length; ++i) {
                bytes32 leaf = keccak256(bytes.concat(keccak256(data[i])));
                assertEq(leaf, leaves[i]);
                string memory path = string.concat(_key("proofs"), "[", vm.toString(i), "]");
                bytes32[] memory proof = json.readBytes32Array(path);
                assertTrue(MerkleProof.verify(proof, root, leaf));
                assertFalse(MerkleProof.verify(proof, root, keccak256("another leaf")));
            }
        }
        assertGt(count, 5);
        for (count = 0; _case("slices", count); ++count) {
            bytes32 inner = keccak256(abi.encode(_number("index"), _word("digest")));
            assertEq(keccak256(bytes.concat(inner)), _word("leaf"));
        }
        assertGt(count, 4);
    }

    function test_SharesRoundAsTheirNamesSay() public {
        _load("shares");
        uint256 count;
        for (; _case("shares", count); ++count) {
            uint256 amount = _number("amount");
            assertEq(amount.shareDown(_number("ppm")), _number("down"));
            assertEq(amount.shareUp(_number("ppm")), _number("up"));
        }
        assertGt(count, 30);
        for (count = 0; _case("ratios", count); ++count) {
            assertEq(_number("amount").shareUp(_number("ppm")), _number("up"));
        }
        assertGt(count, 5);
    }

    /// @notice The codec takes a job from calldata.
    function jobHash(Job calldata job) external pure returns (bytes32) {
        return JobCodec.jobHash(job);
    }

    /// @notice The codec takes an assignment from calldata.
    function assignmentHash(Assignment calldata assignment) external pure returns (bytes32) {
        return JobCodec.assignmentHash(assignment);
    }

    function _assignment() private view returns (Assignment memory assignment) {
        assignment.startedAt = uint40(_number("startedAt"));
        assignment.coordinator = Seat.wrap(_number("coordinator"));
        uint256[] memory words = json.readUintArray(_key("nodes"));
        assignment.nodes = new Seat[](words.length);
        for (uint256 i; i < words.length; ++i) {
            assignment.nodes[i] = Seat.wrap(words[i]);
        }
    }

    function _rules(string memory prefix) private view returns (JobRules) {
        return JobRulesLibrary.pack(
            JobRulesLibrary.Fields({
                funding: Funding(_number(string.concat(prefix, "funding"))),
                verification: Verification(_number(string.concat(prefix, "verification"))),
                trust: Trust(_number(string.concat(prefix, "trust"))),
                replicas: uint8(_number(string.concat(prefix, "replicas"))),
                quorum: uint8(_number(string.concat(prefix, "quorum"))),
                assignBy: uint40(_number(string.concat(prefix, "assignBy"))),
                completeBy: uint40(_number(string.concat(prefix, "completeBy"))),
                serviceLevel: uint64(_number(string.concat(prefix, "serviceLevel"))),
                parametersVersion: uint24(_number(string.concat(prefix, "parametersVersion")))
            })
        );
    }

    /// @dev Reads a file.
    function _load(string memory name) private {
        json = vm.readFile(string.concat("test/vectors/", name, ".json"));
    }

    /// @dev Reads a file and puts a proxy of the house where its domain says.
    function _load(string memory name, string memory domain, address proxy)
        private
        returns (address there)
    {
        _load(name);
        vm.chainId(json.readUint(".domain.chainId"));
        there = json.readAddress(domain);
        vm.etch(there, proxy.code);
        vm.store(there, IMPLEMENTATION_SLOT, vm.load(proxy, IMPLEMENTATION_SLOT));
    }

    /// @dev Turns to a case of a list; false past the last one.
    function _case(string memory list, uint256 index) private returns (bool) {
        at = string.concat(".", list, "[", vm.toString(index), "]");
        return vm.keyExistsJson(json, at);
    }

    function _key(string memory field) private view returns (string memory) {
        return string.concat(at, ".", field);
    }

    function _number(string memory field) private view returns (uint256) {
        return json.readUint(_key(field));
    }

    function _word(string memory field) private view returns (bytes32) {
        return json.readBytes32(_key(field));
    }
}
