//! The one place where Rust says what the contracts say.
//!
//! Written by hand after `contracts/interfaces`; the drift test compares it with what compiles. The
//! prose of every call, event and error stands in the interfaces. Structs that several contracts
//! share stand first; `IHouseContract` is what every upgradeable contract has beside its interface,
//! with the errors of the libraries that the contracts use.
#![expect(missing_docs, reason = "the prose stands in contracts/interfaces")]

use alloy_sol_types::sol;

sol! {
    #![sol(abi, extra_derives(Debug, PartialEq, Eq))]

    type JobId is bytes32;
    type JobParameters is uint256;
    type JobPrice is uint256;
    type JobRules is uint256;
    type NodeId is uint64;
    type Seat is uint256;

    enum Funding { Balance, Allowance, PullAtSettlement }
    enum Verification { Attested, Deterministic, Fingerprint }
    enum Trust { Any, Staked, Vetted }
    enum JobState { None, Open, Assigned, Proposed, Challenged, Settled, Refunded, Closed }
    struct JobTerms { bytes32 specification; address token; JobPrice price; JobRules rules; }
    struct Job {
        address client;
        address token;
        JobPrice price;
        JobRules rules;
        JobParameters parameters;
    }
    struct Assignment { uint40 startedAt; Seat coordinator; Seat[] nodes; }
    struct Proposal { bytes32 outputRoot; uint128 price; uint16 signers; }
    struct Receipt { bytes32 outputRoot; uint128 cost; uint16 signers; bytes signatures; }

    struct JobOrder {
        address client;
        uint256 nonce;
        bytes32 specification;
        address token;
        uint128 maxPrice;
        uint128 tip;
        uint128 ratePerSecond;
        uint8 funding;
        uint8 verification;
        uint8 trust;
        uint8 replicas;
        uint8 quorum;
        uint40 assignBy;
        uint40 completeBy;
        uint64 serviceLevel;
        uint24 parametersVersion;
    }
    struct ReceiptClaim { bytes32 jobId; uint8 attempt; bytes32 outputRoot; uint128 cost; }
    struct SignerConsent { address operator; }

    interface INodeRegistry {
        enum NodeStatus { None, Registered, Active, Jailed, Retired }

        struct NodeProfile {
            bytes peerId;
            bytes32 identityKey;
            uint8 roles;
            uint16 region;
            string metadataUri;
        }
        struct Node {
            address signer;
            NodeStatus status;
            uint8 roles;
            bool vetted;
            bool frozen;
            uint16 region;
            address operator;
            address successor;
            bytes32 identityKey;
            bytes peerId;
            string metadataUri;
        }

        event NodeRegistered(
            NodeId indexed node, address indexed operator, address indexed signer, NodeProfile
            profile
        );
        event NodeProfileUpdated(NodeId indexed node, NodeProfile profile);
        event NodeSignerRotated(NodeId indexed node, address indexed signer);
        event NodeSignerFrozen(NodeId indexed node, address indexed signer);
        event NodeOffered(NodeId indexed node, address indexed successor);
        event NodeTransferred(NodeId indexed node, address indexed operator);
        event NodeStatusChanged(NodeId indexed node, NodeStatus status);
        event NodeVetted(NodeId indexed node, bool vetted);

        error NodeRegistryUnknownNode(NodeId node);
        error NodeRegistryNotOperator(NodeId node, address caller, address expected);
        error NodeRegistryNotStaking(address caller);
        error NodeRegistrySignerTaken(address signer, NodeId node);
        error NodeRegistryNoConsent(address signer, address operator);
        error NodeRegistryInvalidProfile(uint8 roles, uint256 peerIdBytes, uint256 metadataBytes);
        error NodeRegistryUnexpectedStatus(NodeId node, NodeStatus actual, bytes32 expected);
        error NodeRegistryUnfit(
            NodeId node, NodeStatus status, uint8 roles, bool vetted, bool frozen
        );
        error NodeRegistryNotSigner(NodeId node, address given, address signer);

        function register(
            address signer, bytes consent, NodeProfile profile
        ) external returns (NodeId node);
        function updateProfile(NodeId node, NodeProfile profile) external;
        function rotateSigner(NodeId node, address signer, bytes consent) external;
        function freezeSigner(NodeId node) external;
        function offerNode(NodeId node, address successor) external;
        function acceptNode(NodeId node) external;
        function retire(NodeId node) external;
        function activate(NodeId node) external;
        function deactivate(NodeId node) external;
        function jail(NodeId node) external;
        function unjail(NodeId node) external;
        function vet(NodeId node, bool vetted) external;
        function muster(
            NodeId coordinator, address scheduler, Seat[] workers, Trust trust
        ) external view;
        function musterWorkers(Seat[] workers, Trust trust) external view;
        function nodeOf(NodeId node) external view returns (Node);
        function statusOf(NodeId node) external view returns (NodeStatus);
        function operatorOf(NodeId node) external view returns (address);
        function nodeOfSigner(address signer) external view returns (NodeId);
        function nodeCount() external view returns (uint64);
        function consentDigest(address operator) external view returns (bytes32);
    }

    interface IPaymentManager {
        struct Lane { uint128 reserved; uint128 thawing; uint40 thawedAt; }

        event Deposited(
            address indexed token, address indexed account, address indexed from, uint128 amount
        );
        event Withdrawn(
            address indexed token, address indexed account, address indexed to, uint128 amount
        );
        event LaneFunded(
            address indexed token, address indexed client, NodeId indexed coordinator, uint128
            amount
        );
        event LaneThawing(
            address indexed token, address indexed client, NodeId indexed coordinator, uint128
            amount, uint40 thawedAt
        );
        event LaneReleased(
            address indexed token, address indexed client, NodeId indexed coordinator, uint128
            amount
        );
        event TokenAccepted(address indexed token, bool accepted);
        event PaymentRulesSet(uint40 laneThawSeconds, address treasury);

        error PaymentManagerTokenNotAccepted(address token);
        error PaymentManagerWrongAmountReceived(address token, uint256 asked, uint256 received);
        error PaymentManagerInsufficientBalance(
            address token, address account, uint256 available, uint256 needed
        );
        error PaymentManagerZero();
        error PaymentManagerNotYet(uint40 from, uint256 timestamp);
        error PaymentManagerNotJobs(address caller);
        error PaymentManagerTooLittleGas(uint256 given, uint256 needed);

        function deposit(address token, address account, uint128 amount) external;
        function depositWithPermit(
            address token, uint128 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s
        ) external;
        function withdraw(address token, uint128 amount, address to) external;
        function fundLane(address token, NodeId coordinator, uint128 amount) external;
        function thawLane(address token, NodeId coordinator, uint128 amount) external;
        function releaseLane(address token, NodeId coordinator) external;
        function take(address client, address token, uint128 amount, Funding funding) external;
        function tryPull(
            address client, address token, uint128 amount
        ) external returns (bool done);
        function give(address owner, address token, uint128 amount) external;
        function setToken(address token, bool accepted) external;
        function setRules(uint40 laneThawSeconds, address treasury) external;
        function freeOf(address owner, address token) external view returns (uint128);
        function chainLaneOf(address token) external view returns (uint128);
        function laneOf(
            address client, address token, NodeId coordinator
        ) external view returns (Lane);
        function totalOf(address token) external view returns (uint256);
        function isAccepted(address token) external view returns (bool);
        function rules() external view returns (uint40 laneThawSeconds, address treasury);
    }

    interface IStakingManager {
        struct Pool {
            uint128 stake;
            uint128 locked;
            uint128 shares;
            uint128 thawing;
            uint128 thawShares;
            uint64 epoch;
        }
        struct Position {
            uint128 pending;
            uint40 pendingUntil;
            uint40 thawedAt;
            uint48 epoch;
            uint128 shares;
            uint128 thawShares;
        }
        struct StakingRules { uint128 minStake; uint40 minStakeSeconds; uint40 thawSeconds; }
        struct SlashShare { address to; uint32 ppm; }

        event StakeDeposited(
            NodeId indexed node, address indexed staker, uint128 amount, uint40 pendingUntil
        );
        event StakeDepositCancelled(NodeId indexed node, address indexed staker, uint128 amount);
        event StakeActivated(
            NodeId indexed node, address indexed staker, uint128 amount, uint128 shares
        );
        event UnstakeRequested(
            NodeId indexed node, address indexed staker, uint128 amount, uint40 thawedAt
        );
        event UnstakeCancelled(NodeId indexed node, address indexed staker, uint128 amount);
        event StakeWithdrawn(NodeId indexed node, address indexed staker, uint128 amount);
        event StakeRewarded(NodeId indexed node, address indexed from, uint128 amount);
        event StakeSlashed(NodeId indexed node, uint128 amount, uint128 burned);
        event StakingRulesSet(StakingRules rules, address insurance);

        error StakingManagerInvalidAmount(uint256 given, uint256 available);
        error StakingManagerNotYet(uint40 from, uint256 timestamp);
        error StakingManagerInsufficientStake(NodeId node, uint256 free, uint256 needed);
        error StakingManagerLocked(NodeId node, uint256 remaining, uint256 locked);
        error StakingManagerNotJobs(address caller);
        error StakingManagerUnknownNode(NodeId node);

        function stake(NodeId node, uint128 amount) external;
        function stakeWithPermit(
            NodeId node, uint128 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s
        ) external;
        function cancelDeposit(NodeId node) external;
        function activate(NodeId node, address staker) external;
        function requestUnstake(NodeId node, uint128 shares) external;
        function cancelUnstake(NodeId node) external;
        function withdraw(NodeId node) external returns (uint128 amount);
        function reward(NodeId node, uint128 amount) external;
        function lock(Seat coordinator, Seat[] nodes, uint128 amount) external;
        function lockWorkers(Seat[] nodes, uint128 amount) external;
        function unlock(Seat coordinator, Seat[] nodes, uint128 amount, uint16 except) external;
        function forfeit(NodeId coordinator, uint128 penalty, address tipTo) external;
        function slash(
            NodeId node, uint128 amount, uint128 release, SlashShare[] cuts
        ) external returns (uint128 slashed);
        function setRules(StakingRules rules, address insurance) external;
        function poolOf(NodeId node) external view returns (Pool);
        function positionOf(NodeId node, address staker) external view returns (Position);
        function valueOf(
            NodeId node, address staker
        ) external view returns (uint128 active, uint128 thawing);
        function rules() external view returns (StakingRules, address insurance);
    }

    interface IJobManager {
        event JobCreated(
            JobId indexed id, address indexed client, uint256 nonce, JobTerms terms,
            JobParameters parameters
        );
        event JobSpecification(JobId indexed id, string uri);
        event JobAssigned(
            JobId indexed id, uint8 indexed attempt, Seat coordinator, Seat[] nodes, uint40 deadline
        );
        event JobEnlisted(JobId indexed id, uint8 indexed attempt, Seat[] nodes);
        event JobHeartbeat(JobId indexed id, uint8 indexed attempt, uint40 deadline);
        event JobToppedUp(JobId indexed id, uint128 amount, uint128 toppedUp);
        event JobStopped(JobId indexed id, uint40 stoppedAt);
        event JobProposed(
            JobId indexed id, uint8 indexed attempt, Proposal proposal, uint40 deadline
        );
        event JobChallenged(
            JobId indexed id, address indexed challenger, uint128 bond, uint40 deadline
        );
        event JobResolved(JobId indexed id, bool upheld, uint16 liars);
        event JobNodeSeized(JobId indexed id, uint8 indexed attempt, Seat seat);
        event JobReopened(JobId indexed id, uint8 indexed attempt, uint40 deadline);
        event JobSettled(
            JobId indexed id, bytes32 outputRoot, uint128 paid, address indexed settler
        );
        event JobRefunded(JobId indexed id, uint128 returned);
        event JobUnpaid(JobId indexed id, address indexed client, uint128 owed);
        event BatchItemFailed(uint256 index, bytes4 selector);
        event LaneFunded(address indexed owner, address indexed token, uint128 amount);
        event LaneWithdrawn(
            address indexed owner, address indexed token, address indexed to, uint128 amount
        );
        event FeesCollected(address indexed token, uint128 amount);
        event JobParametersAdopted(address indexed token, JobParameters parameters);

        error JobManagerUnexpectedState(JobId id, JobState actual, bytes32 expected);
        error JobManagerSlotBusy(JobId id, uint24 sequence, JobState state);
        error JobManagerWrongCommitment(JobId id);
        error JobManagerInvalidTerm(bytes32 term, uint256 given, uint256 bound);
        error JobManagerStaleParameters(address token, uint24 given, uint24 current);
        error JobManagerInvalidOrderSignature(JobId id, address client);
        error JobManagerTooLate(JobId id, uint40 deadline, uint256 timestamp);
        error JobManagerTooEarly(JobId id, uint40 deadline, uint256 timestamp);
        error JobManagerUnauthorized(JobId id, address caller, address expected);
        error JobManagerInvalidNodes(JobId id, uint256 given, uint256 most);
        error JobManagerNoQuorum(JobId id, uint256 given, uint256 needed);
        error JobManagerInvalidAttestation(
            JobId id, uint256 index, address expected, address actual
        );
        error JobManagerInvalidSigners(JobId id, uint16 given, uint16 accepted);
        error JobManagerExcessiveCost(JobId id, uint256 cost, uint256 most);
        error JobManagerWrongPricing(JobId id, uint128 ratePerSecond);
        error JobManagerPullFailed(JobId id, address client, uint256 owed);
        error JobManagerInsufficientBalance(
            address owner, address token, uint256 available, uint256 needed
        );
        error JobManagerNotOperator(NodeId node, address caller);
        error JobManagerTooMany(uint256 given, uint256 most);

        function create(
            uint256 nonce, JobTerms terms, string specificationUri
        ) external returns (JobId id);
        function createFor(
            address client, uint256 nonce, JobTerms terms, string specificationUri, bytes signature
        ) external returns (JobId id);
        function batch(bytes[] calls) external returns (bool[] done);
        function assign(JobId id, Job job, NodeId coordinator, Seat[] nodes) external;
        function propose(JobId id, Job job, Assignment assignment, Receipt receipt) external;
        function settle(JobId id, Job job, Assignment assignment, Proposal proposal) external;
        function enlist(JobId id, Job job, Assignment assignment, Seat[] nodes) external;
        function heartbeat(JobId id, Job job, Assignment assignment) external;
        function release(JobId id, Job job, Assignment assignment) external;
        function topUp(JobId id, Job job, Assignment assignment, uint128 amount) external;
        function stop(JobId id, Job job, Assignment assignment) external;
        function challenge(JobId id, Job job, Assignment assignment, Proposal proposal) external;
        function voidOrder(uint256 nonce, JobTerms terms) external;
        function cancel(JobId id, Job job) external;
        function advance(
            JobId id, Job job, Assignment assignment, Proposal proposal, address challenger
        ) external;
        function resolve(
            JobId id, Job job, Assignment assignment, Proposal proposal, address challenger, bool
            upheld, uint16 liars
        ) external returns (uint128 amount);
        function seize(
            JobId id, Job job, Assignment assignment, bytes32 rest, uint256 index
        ) external returns (uint128 amount, bool held);
        function adoptParameters(address token, JobParameters parameters) external;
        function meterOf(
            JobId id
        ) external view returns (uint128 toppedUp, uint40 lastBeat, uint40 stoppedAt);
        function lockOf(Job job) external pure returns (uint128);
        function restOf(Proposal proposal, address challenger) external pure returns (bytes32);
        function idOf(address client, uint256 nonce, JobTerms terms) external view returns (JobId);
        function orderDigest(
            address client, uint256 nonce, JobTerms terms
        ) external view returns (bytes32);
        function claimDigest(
            JobId id, uint8 attempt, bytes32 outputRoot, uint128 cost
        ) external view returns (bytes32);
        function statusOf(
            JobId id
        ) external view returns (JobState state, uint8 attempt, uint40 deadline, uint16 seized);
        function parametersOf(address token) external view returns (JobParameters);
        function fund(address token, uint128 amount) external;
        function withdraw(address token, uint128 amount) external;
        function withdrawNode(NodeId node, address token, uint128 amount) external;
        function collectFees(address token, NodeId[] coordinators) external;
        function accountOf(
            address owner, address token
        ) external view returns (uint128 balance, uint128 fees);
    }

    interface ISlashingManager {
        struct SignedClaim { bytes32 outputRoot; uint128 cost; bytes signature; }
        struct Ruling {
            JobId id;
            Job job;
            Assignment assignment;
            Proposal proposal;
            address challenger;
            bool upheld;
            uint16 liars;
        }
        struct SlashingRules {
            uint32 victimPpm;
            uint32 reporterPpm;
            uint128 committeeCap;
            uint40 committeeEpochSeconds;
            uint40 committeeDelaySeconds;
            uint40 jailSeconds;
            address jury;
        }

        event NodeSlashed(
            NodeId indexed node, JobId indexed job, address indexed reporter, uint128 amount
        );
        event RulingProposed(
            bytes32 indexed ruling, JobId indexed job, bool upheld, uint16 liars, uint40
            executableAt
        );
        event RulingVetoed(bytes32 indexed ruling);
        event RulingExecuted(bytes32 indexed ruling, JobId indexed job);
        event SlashingRulesSet(SlashingRules rules);

        error SlashingManagerSameOutput(bytes32 outputRoot);
        error SlashingManagerNotSignedBy(address expected, address actual);
        error SlashingManagerNotJury(address caller, address jury);
        error SlashingManagerUnknownRuling(bytes32 ruling);
        error SlashingManagerRulingExists(bytes32 ruling);
        error SlashingManagerNotYet(uint40 from, uint256 timestamp);
        error SlashingManagerInvalidLiars(uint16 liars, uint16 signers);
        error SlashingManagerNotJailed(NodeId node);

        function reportEquivocation(
            JobId id, Job job, Assignment assignment, bytes32 rest, uint256 index, SignedClaim
            first, SignedClaim second
        ) external;
        function deliverVerdict(Ruling ruling) external;
        function proposeRuling(Ruling ruling) external returns (bytes32 id);
        function vetoRuling(bytes32 id) external;
        function executeRuling(Ruling ruling) external;
        function release(NodeId node) external;
        function setRules(SlashingRules rules) external;
        function rules() external view returns (SlashingRules);
        function executableAt(bytes32 ruling) external view returns (uint40);
        function committeeSlashed() external view returns (uint128);
        function jailedUntil(NodeId node) external view returns (uint40);
    }

    interface INetworkProfile {
        struct Parameters {
            uint24 coordinatorPpm;
            uint24 secondariesPpm;
            uint24 protocolPpm;
            uint24 challengeBondPpm;
            uint24 challengeWindowSeconds;
            uint24 verdictWindowSeconds;
            uint24 leaseSeconds;
            uint24 maxJobSeconds;
            uint8 maxAttempts;
            uint40 laneThawSeconds;
            address treasury;
            address insurance;
            IStakingManager.StakingRules staking;
            ISlashingManager.SlashingRules slashing;
        }
        struct TokenTerms { uint32 lockPpm; uint8 lockShift; }

        event ParametersSet(uint24 indexed version, Parameters parameters);
        event TokenAllowed(address indexed token, TokenTerms terms);
        event TokenDisallowed(address indexed token);
        event ProgramAllowed(bytes32 indexed program, bool allowed);
        event KindAllowed(bytes32 indexed kind, bool allowed);

        error NetworkProfileOutOfBounds(
            bytes32 parameter, uint256 given, uint256 least, uint256 most
        );
        error NetworkProfileThawTooShort(uint256 given, uint256 least);
        error NetworkProfileTooManyTokens(uint256 most);
        error NetworkProfileTokenNotAllowed(address token);

        function setParameters(Parameters parameters) external;
        function allowToken(address token, TokenTerms terms) external;
        function disallowToken(address token) external;
        function setPrograms(bytes32[] programs, bool allowed) external;
        function setKinds(bytes32[] kinds, bool allowed) external;
        function permits(bytes32 program, bytes32 kind) external view returns (bool);
        function currentVersion() external view returns (uint24);
        function parameters() external view returns (Parameters);
        function tokens() external view returns (address[]);
        function termsOf(address token) external view returns (TokenTerms);
    }

    interface IHouseContract {
        event EIP712DomainChanged();
        event Initialized(uint64 version);
        event Paused(address account);
        event RoleAdminChanged(
            bytes32 indexed role, bytes32 indexed previousAdminRole, bytes32 indexed newAdminRole
        );
        event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender);
        event RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender);
        event Unpaused(address account);
        event Upgraded(address indexed implementation);

        error AccessControlBadConfirmation();
        error AccessControlUnauthorizedAccount(address account, bytes32 neededRole);
        error AddressEmptyCode(address target);
        error EnforcedPause();
        error ERC1967InvalidImplementation(address implementation);
        error ERC1967NonPayable();
        error ExpectedPause();
        error FailedCall();
        error InvalidInitialization();
        error InvalidShortString();
        error NotInitializing();
        error ReentrancyGuardReentrantCall();
        error SafeCastOverflowedUintDowncast(uint8 bits, uint256 value);
        error SafeERC20FailedOperation(address token);
        error StringTooLong(string str);
        error UUPSUnauthorizedCallContext();
        error UUPSUnsupportedProxiableUUID(bytes32 slot);

        function DEFAULT_ADMIN_ROLE() external view returns (bytes32);
        function eip712Domain() external view returns (
            bytes1 fields, string name, string version, uint256 chainId, address verifyingContract,
            bytes32 salt, uint256[] extensions
        );
        function getRoleAdmin(bytes32 role) external view returns (bytes32);
        function grantRole(bytes32 role, address account) external;
        function hasRole(bytes32 role, address account) external view returns (bool);
        function initialize(address admin) external;
        function pause() external;
        function paused() external view returns (bool);
        function proxiableUUID() external view returns (bytes32);
        function renounceRole(bytes32 role, address callerConfirmation) external;
        function revokeRole(bytes32 role, address account) external;
        function supportsInterface(bytes4 interfaceId) external view returns (bool);
        function unpause() external;
        function UPGRADE_INTERFACE_VERSION() external view returns (string);
        function upgradeToAndCall(address newImplementation, bytes data) external payable;
        function version() external pure returns (string);
    }

    interface ITallyToken {
        struct Checkpoint208 { uint48 _key; uint208 _value; }

        event Approval(address indexed owner, address indexed spender, uint256 value);
        event DelegateChanged(
            address indexed delegator, address indexed fromDelegate, address indexed toDelegate
        );
        event DelegateVotesChanged(
            address indexed delegate, uint256 previousVotes, uint256 newVotes
        );
        event EIP712DomainChanged();
        event Transfer(address indexed from, address indexed to, uint256 value);

        error CheckpointUnorderedInsertion();
        error ECDSAInvalidSignature();
        error ECDSAInvalidSignatureLength(uint256 length);
        error ECDSAInvalidSignatureS(bytes32 s);
        error ERC20ExceededSafeSupply(uint256 increasedSupply, uint256 cap);
        error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed);
        error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed);
        error ERC20InvalidApprover(address approver);
        error ERC20InvalidReceiver(address receiver);
        error ERC20InvalidSender(address sender);
        error ERC20InvalidSpender(address spender);
        error ERC2612ExpiredSignature(uint256 deadline);
        error ERC2612InvalidSigner(address signer, address owner);
        error ERC5805FutureLookup(uint256 timepoint, uint48 clock);
        error InvalidAccountNonce(address account, uint256 currentNonce);
        error VotesExpiredSignature(uint256 expiry);

        function CLOCK_MODE() external pure returns (string);
        function DOMAIN_SEPARATOR() external view returns (bytes32);
        function INITIAL_SUPPLY() external view returns (uint256);
        function allowance(address owner, address spender) external view returns (uint256);
        function approve(address spender, uint256 value) external returns (bool);
        function balanceOf(address account) external view returns (uint256);
        function burn(uint256 value) external;
        function burnFrom(address account, uint256 value) external;
        function checkpoints(address account, uint32 pos) external view returns (Checkpoint208);
        function clock() external view returns (uint48);
        function decimals() external view returns (uint8);
        function delegate(address delegatee) external;
        function delegateBySig(
            address delegatee, uint256 nonce, uint256 expiry, uint8 v, bytes32 r, bytes32 s
        ) external;
        function delegates(address account) external view returns (address);
        function eip712Domain() external view returns (
            bytes1 fields, string name, string version, uint256 chainId, address verifyingContract,
            bytes32 salt, uint256[] extensions
        );
        function getPastTotalSupply(uint256 timepoint) external view returns (uint256);
        function getPastVotes(address account, uint256 timepoint) external view returns (uint256);
        function getVotes(address account) external view returns (uint256);
        function name() external view returns (string);
        function nonces(address owner) external view returns (uint256);
        function numCheckpoints(address account) external view returns (uint32);
        function permit(
            address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r,
            bytes32 s
        ) external;
        function symbol() external view returns (string);
        function totalSupply() external view returns (uint256);
        function transfer(address to, uint256 value) external returns (bool);
        function transferFrom(address from, address to, uint256 value) external returns (bool);
    }
}
