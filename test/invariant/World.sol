// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INetworkProfile } from "../../contracts/interfaces/INetworkProfile.sol";
import { NodeId } from "../../contracts/types/NodeId.sol";
import { Seat, SeatLibrary } from "../../contracts/types/Seat.sol";
import { HouseConfig } from "../../script/HouseDeployer.sol";
import { HouseTest, TestNode } from "../base/HouseTest.sol";
import { DevelopmentDollar } from "../tokens/DevelopmentDollar.sol";

/// @notice A person with a key.
struct Person {
    address at;
    uint256 key;
}

/// @title World
/// @notice Who acts in the invariant tests, the one door through which every call goes, and what
/// was seen.
abstract contract World is HouseTest {
    /// @dev The expectation that a call succeeds.
    bytes4 internal constant FINE = 0;
    uint256 internal constant NODES = 10;
    uint256 internal constant FIRST_WORKER = 2;
    uint256 internal constant SPARE = 9;
    uint128 internal constant BOND = 4500e18;

    /// @notice A call ended otherwise than the model said.
    error WorldUnexpectedOutcome(bytes32 act, bytes4 expected, bytes4 actual);

    struct Tally {
        uint64 done;
        uint64 refused;
    }

    Person[] internal clients;
    Person[] internal loners;
    TestNode[] internal nodes;
    address[] internal stakers;
    address[2] internal tokens;
    DevelopmentDollar internal foreign;
    address internal settler = makeAddr("settler");
    address internal thief = makeAddr("thief");
    address internal jury = makeAddr("jury");
    address internal insurance = makeAddr("insurance");

    mapping(address signer => uint256) internal keyOf;
    mapping(bytes32 act => Tally) internal tallies;
    bytes32[] internal acts;
    mapping(bytes32 situation => uint256) internal seen;

    /// @notice What the next draw follows from.
    uint256 public randomness;

    /// @notice The most gas that a single call used.
    uint256 public dearest;

    bytes32 private act;
    mapping(bytes32 name => bool) private isAct;

    function setUp() public virtual override {
        super.setUp();
        foreign = new DevelopmentDollar();
        tokens = [address(dollar), address(house.token)];
        for (uint256 i; i < 4; ++i) {
            clients.push(_person(string.concat("client ", vm.toString(i))));
        }
        for (uint256 i; i < 3; ++i) {
            loners.push(_person(string.concat("loner ", vm.toString(i))));
            stakers.push(makeAddr(string.concat("staker ", vm.toString(i))));
        }
    }

    /// @notice How often a situation occurred.
    function occurrences(bytes32 situation) external view returns (uint256) {
        return seen[situation];
    }

    /// @notice Every act with its successes and refusals.
    function record()
        external
        view
        returns (bytes32[] memory names, uint64[] memory done, uint64[] memory refused)
    {
        names = acts;
        (done, refused) = (new uint64[](names.length), new uint64[](names.length));
        for (uint256 i; i < names.length; ++i) {
            (done[i], refused[i]) = (tallies[names[i]].done, tallies[names[i]].refused);
        }
    }

    function houseConfig() internal view override returns (HouseConfig memory config) {
        config = super.houseConfig();
        config.parameters.slashing.committeeCap = 1500e18;
        config.parameters.slashing.jailSeconds = 60;
    }

    function _seed(uint256 seed) internal {
        randomness = seed;
    }

    function _draw(uint256 bound) internal returns (uint256) {
        randomness = uint256(keccak256(abi.encode(randomness)));
        return randomness % bound;
    }

    function _chance(uint256 percent) internal returns (bool) {
        return _draw(100) < percent;
    }

    function _begin(bytes32 name) internal {
        act = name;
        if (isAct[name]) return;
        isAct[name] = true;
        acts.push(name);
    }

    function _saw(bytes32 situation) internal {
        ++seen[situation];
    }

    /// @dev The one door: makes a call and compares its outcome with what the model expects.
    function _expect(address caller, address target, bytes memory data, bytes4 expected)
        internal
        returns (bytes memory answer)
    {
        bool done;
        vm.prank(caller);
        uint256 used = gasleft();
        (done, answer) = target.call(data);
        used -= gasleft();
        bytes4 actual = done ? FINE : bytes4(answer);
        require(
            actual == expected && done == (expected == FINE),
            WorldUnexpectedOutcome(act, expected, actual)
        );
        if (used > dearest) dearest = used;
        if (done) ++tallies[act].done;
        else ++tallies[act].refused;
    }

    function _anyClient() internal returns (Person memory) {
        return clients[_draw(clients.length)];
    }

    function _anyToken() internal returns (address) {
        return tokens[_draw(2)];
    }

    function _seatOf(uint256 node) internal view returns (Seat) {
        return SeatLibrary.seatOf(nodes[node].id, nodes[node].signer);
    }

    function _loneSeat(uint256 loner) internal view returns (Seat) {
        return SeatLibrary.seatOf(NodeId.wrap(0), loners[loner].at);
    }

    function _indexOf(NodeId node) internal pure returns (uint256) {
        return NodeId.unwrap(node) - 1;
    }

    function _now() internal view returns (uint40) {
        return uint40(block.timestamp);
    }

    function _person(string memory name) private returns (Person memory person) {
        (person.at, person.key) = makeAddrAndKey(name);
        keyOf[person.at] = person.key;
    }
}
