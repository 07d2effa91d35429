//! What has to happen sometimes, in sentences. A sweep in which one of them never happens tests
//! less than it seems to.

use std::collections::BTreeMap;

macro_rules! situations {
    ($($(#[$doc:meta])* $name:ident = $sentence:literal,)*) => {
        /// One situation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Situation {
            $(#[doc = $sentence] $name,)*
        }

        impl Situation {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// What it says.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)* }
            }
        }
    };
}

situations! {
    JobSettled = "a job was settled",
    JobRefunded = "a job was refunded",
    JobProposed = "a result was proposed",
    JobAssigned = "a lease was taken",
    JobAssignedAgain = "a job was assigned a second time",
    JobEnlisted = "nodes joined a running attempt",
    JobReleased = "a lease was given back",
    NodeSlashed = "a node lost stake",
    TwoJobsAtOnce = "two jobs were assigned at the same time",
    BlockWithTwoOfOurs = "one block had two transactions of ours",
    TransactionFailedInBlock = "a transaction was in a block without effect",
    ReorgShallow = "the chain replaced up to three blocks",
    ReorgDeep = "the chain replaced more than three blocks",
    ReorgUndidCreation = "a reorganisation took the creation of a job back",
    ReorgUndidAssignment = "a reorganisation took a lease back",
    ReorgUndidEnlist = "a reorganisation took joined nodes back",
    ReorgUndidProposal = "a reorganisation took a proposal back",
    ReorgUndidSettlement = "a reorganisation took a settlement back",
    ReorgLostTransactions = "a reorganisation lost transactions for good",
    ReorgPastTen = "the chain replaced more than ten blocks",
    ReorgPastWindow = "the chain replaced more blocks than machines had headers of",
    ReorgBrokeFinality = "the chain went back on a final block",
    ViewRolledBack = "a view was rolled back",
    IngestDegraded = "a process had no agreed head for too long",
    IngestHalted = "a process halted because a final block went",
    IngestBackFilled = "a process read old blocks in ranges",
    LaneWithoutChain = "a lane had no endpoints that agree",
    LaneAtFeeCap = "a lane waited because gas was above its cap",
    FeeSpiked = "the base fee rose fiftyfold",
    MiningStood = "the chain made no block for a minute",
    EndpointDown = "an endpoint was silent",
    EndpointBehind = "an endpoint was behind the others",
    EndpointHidLogs = "an endpoint left logs out",
    AnswerToSendingLost = "bytes arrived and the answer was lost",
    CoordinatorCrashed = "a coordinator lost its power",
    CoordinatorCrashedWhileAssigned = "a coordinator lost its power while it held a lease",
    CoordinatorCrashedWhileProposed = "a coordinator lost its power while its result waited",
    WorkerCrashed = "a worker lost its power",
    WorkerCrashedAtWork = "a worker lost its power while it worked",
    SettlerCrashed = "the settler lost its power",
    ClientVanished = "a client vanished while its job ran",
    WorkerVanished = "a worker vanished for good",
    CrashBeforeAnEffect = "the power went right before an effect",
    CrashAfterAnEffect = "the power went right after an effect",
    DiskWasFull = "a disk was full",
    DiskFailed = "a disk failed",
    WriteTorn = "a loss of power left a part of a write",
    NetworkCut = "two processes could not reach each other",
    SessionBroke = "a session broke with words under way",
    NodeFellSilent = "a node was silent until it counted as gone",
    NodeToldAgain = "a node that came back was told again what to do",
    TwinRefused = "a second session of a node was refused",
    NodeLostItsStanding = "a connected node lost its standing on the chain",
    WishesOutstandingAfterRestart = "a coordinator had wishes left after a restart",
    WorkerGoesOnAfterRestart = "a worker went on with a task after a restart",
    SettlerHandsInAgain = "a settler handed its wishes in again after a restart",
    LeaseRenewed = "a lease was renewed",
    WishCalledBack = "a transaction that was out was called back because its time was over",
    ChainCallFailed = "a call to the chain ended without effect",
    AllowanceRevoked = "a client took its allowance back",
    BalanceDrained = "a client took its deposit away",
    AllowanceGiven = "a client gave an allowance again",
    AllowanceNamed = "a job came that may be paid from an allowance",
    PullPromised = "a client put a job on the chain that it promised to pay at its settlement",
    OrderLost = "an order never became a job because its client could not pay",
    ClientCancelled = "a client cancelled its job",
    OrderSaidAgain = "a client handed the same order in again",
    OrderRefused = "an order was refused",
    TaskVerified = "enough nodes agreed on a task",
    TaskEscalated = "results differed and another node was drawn",
    TaskReassigned = "a task went to somebody else",
    TaskQueued = "a task waited for a node",
    JobWaited = "a job waited because too few nodes were there or free",
    TaskDeadLettered = "a task was given up",
    NodeQuarantined = "a node was caught lying",
    SecondariesDrawn = "secondaries were drawn by the hash of a final block",
    ReceiptMade = "a receipt was signed",
    ReceiptSignerReplaced = "the next node was asked to sign a receipt",
    TwoClaimsReported = "evidence of two claims was handed in",
    TwoClaimsSigned = "a node signed two claims",
    FalseOpeningHeard = "a node opened something else than it committed to",
    CommitmentCopied = "a node had another node's commitment for its own",
    OpeningCopied = "a node opened a commitment with another node's opening",
    OutputWithheld = "a node did not hand its output over",
    WrongOutputUploaded = "what came in was not the output that was named",
    ClaimRefused = "a node refused to sign a claim",
    SignedAgain = "a node was asked for the same signature twice",
    SettledInABatch = "several jobs were moved by one transaction",
    RoomMade = "a worker forgot a job that was over to make room for another",
    RunStoppedByChain = "a worker stopped a run because its attempt was over by the chain",
    AdvanceWished = "the settler moved a job on whose time was over",
}

/// How often each was there.
#[derive(Clone, Debug, Default)]
pub struct Situations(BTreeMap<Situation, u64>);

impl Situations {
    /// One more.
    pub fn mark(&mut self, situation: Situation) {
        *self.0.entry(situation).or_default() += 1;
    }

    /// How often one was there.
    pub fn count(&self, situation: Situation) -> u64 {
        self.0.get(&situation).copied().unwrap_or_default()
    }

    /// Adds those of another simulation.
    pub fn add(&mut self, other: &Self) {
        for (situation, count) in &other.0 {
            *self.0.entry(*situation).or_default() += count;
        }
    }

    /// Those that were never there.
    pub fn missing(&self) -> Vec<Situation> {
        Situation::ALL.iter().copied().filter(|it| self.count(*it) == 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_at_least_sixty_and_no_sentence_comes_twice() {
        let sentences: std::collections::BTreeSet<_> =
            Situation::ALL.iter().map(|it| it.sentence()).collect();
        assert_eq!(sentences.len(), Situation::ALL.len());
        assert!(sentences.len() >= 60);
    }

    #[test]
    fn what_was_never_there_is_missing() {
        let mut situations = Situations::default();
        situations.mark(Situation::JobSettled);
        assert!(!situations.missing().contains(&Situation::JobSettled));
        assert_eq!(situations.missing().len(), Situation::ALL.len() - 1);
    }
}
