//! The pure machine: no clock, no network, no disk.
//!
//! It is stepped with one input and asks for one thing: answers, a commit, or rest. Each round
//! begins with a survey of all endpoints and is abandoned at the first doubt; whatever it
//! committed until then was proved, so that the next round begins from there.

use std::fmt;
use std::sync::Arc;

use alloy_primitives::{Address, B256, keccak256};
use tallystick_planted::{Bug, planted};
use tallystick_ports::{Batch, Store};
use tallystick_types::WallTime;

use super::check::{Block, Proofs};
use super::kept::{Kept, KeptError};
use super::peer::{Miss, PeerStatus, Question, Reply, Standing};
use super::range::RangeRead;
use super::survey::{Agreed, Heads, Level, Survey, most_stated};
use super::{Halt, IngestConfig, IngestStatus, LogReader, Phase, Place, Seq};

/// What the machine is given.
#[derive(Debug)]
pub enum Input {
    /// It is time to look at the chain.
    Wake(WallTime),
    /// What was answered, in the order of the questions.
    Answers(Vec<Result<Reply, Miss>>),
    /// The batch is on the disk.
    Committed,
}

/// What the machine wants.
#[derive(Debug)]
pub enum Output {
    /// Ask these endpoints, all at once, and come back with `Answers`.
    Ask(Vec<(usize, Question)>),
    /// Keep this and come back with `Committed`. Where that fails the machine must be dropped.
    Commit(Batch),
    /// Come back with `Wake`: at once where there is more to read, else after a while.
    Rest {
        /// Whether there is more to read.
        more: bool,
    },
}

/// The state machine of ingest.
pub struct Machine {
    pub(super) config: IngestConfig,
    pub(super) addresses: Vec<Address>,
    /// Their hashes, as the blooms of blocks have them.
    hashes: Vec<B256>,
    pub(super) reader: Arc<dyn LogReader>,
    pub(super) kept: Kept,
    pub(super) peers: Vec<PeerStatus>,
    pub(super) proofs: Proofs,
    stage: Stage,
    phase: Phase,
    /// Width of the next range of old blocks.
    pub(super) width: u64,
    /// Up to this height blocks are read one by one, because a range could not be.
    singly_to: u64,
    head: Option<u64>,
    pub(super) now: WallTime,
    healthy: Option<WallTime>,
    progress: Option<WallTime>,
}

/// What the machine waits for.
#[derive(Debug)]
enum Stage {
    Resting,
    Identifying(Vec<usize>),
    Surveying(Vec<usize>),
    Comparing(Survey, Vec<(usize, u64)>),
    Anchoring(Round, u64),
    Walking(Round, Path),
    Rewound(Round, Path),
    Fetching(Round, Path),
    Stored(Round, Path),
    Ranging(Round, Box<RangeRead>),
    Jumped(Round, Place),
    Levelled { more: bool },
}

/// What one round rests on.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) agreed: Agreed,
    /// Which member is asked next; all were asked when it is their number.
    pub(super) turn: usize,
    aim: Aim,
}

/// What a round is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aim {
    /// Reading block by block, each proved by the next one.
    Blocks,
    /// Making sure that the chain of the agreed head still has the cursor: ranges are not linked.
    Cursor,
    /// Reading a range of old blocks.
    Range,
}

/// Headers from an agreed block down, each the parent of the one before it.
#[derive(Debug)]
struct Path {
    anchor: Place,
    blocks: Vec<Block>,
}

/// Where a path leads.
enum Lead {
    Parent(B256),
    Ancestor(Place),
    /// Deeper than headers are kept.
    TooDeep(Place),
    Below(Halt),
}

impl Machine {
    /// Takes up what is kept. `peers` is how many endpoints there are.
    pub fn load(
        config: IngestConfig,
        peers: usize,
        reader: Arc<dyn LogReader>,
        store: &dyn Store,
    ) -> Result<Self, KeptError> {
        let kept = Kept::load(store, config.chain, config.window)?;
        Ok(Self {
            hashes: config.addresses().iter().map(keccak256).collect(),
            addresses: config.addresses(),
            width: config.range.max(1),
            singly_to: 0,
            config,
            reader,
            kept,
            peers: vec![PeerStatus::NEW; peers],
            proofs: Proofs::default(),
            stage: Stage::Resting,
            phase: Phase::Boot,
            head: None,
            now: WallTime::default(),
            healthy: None,
            progress: None,
        })
    }

    /// Number of the last delivery.
    pub fn seq(&self) -> Seq {
        self.kept.position().map_or(Seq(0), |position| position.seq)
    }

    /// Where the machine stands.
    pub fn status(&self) -> IngestStatus {
        let position = self.kept.position();
        IngestStatus {
            phase: self.phase,
            cursor: position.map(|position| position.cursor),
            head: self.head,
            safe: position.map(|position| position.safe),
            last: position.map(|position| position.last.number),
            epoch: position.map_or(0, |position| position.epoch),
            strange: position.map_or(0, |position| position.strange),
            progress: self.progress,
            peers: self.peers.clone(),
        }
    }

    /// One step. An input that does not fit what was asked for ends the round.
    pub fn step(&mut self, input: Input) -> Output {
        let stage = std::mem::replace(&mut self.stage, Stage::Resting);
        match (stage, input) {
            (Stage::Resting, Input::Wake(now)) => self.wake(now),
            (Stage::Identifying(asked), Input::Answers(said)) => self.identified(&asked, said),
            (Stage::Surveying(asked), Input::Answers(said)) => self.surveyed(&asked, said),
            (Stage::Comparing(survey, asked), Input::Answers(said)) => {
                self.compared(survey, &asked, said)
            }
            (Stage::Anchoring(round, height), Input::Answers(said)) => {
                self.anchored(round, height, said)
            }
            (Stage::Walking(round, path), Input::Answers(said)) => self.walked(round, path, said),
            (Stage::Fetching(round, path), Input::Answers(said)) => self.fetched(round, path, said),
            (Stage::Ranging(round, read), Input::Answers(said)) => self.ranged(round, *read, said),
            (Stage::Rewound(round, path), Input::Committed) => self.fetch(round, path),
            (Stage::Stored(round, path), Input::Committed) => self.stored(round, path),
            (Stage::Jumped(round, anchor), Input::Committed) => {
                self.progress = Some(self.now);
                self.finish(&round.agreed, anchor)
            }
            (Stage::Levelled { more }, Input::Committed) => Output::Rest { more },
            _ => Output::Rest { more: false },
        }
    }

    fn wake(&mut self, now: WallTime) -> Output {
        self.now = now;
        if matches!(self.phase, Phase::Halted(_)) {
            return Output::Rest { more: false };
        }
        // Patience begins with the first look.
        self.healthy.get_or_insert(now);
        let unknown: Vec<usize> = self.peers_that(|standing| standing != Standing::Fit);
        if unknown.is_empty() { self.survey() } else { self.ask(unknown, Question::Identity) }
    }

    fn ask(&mut self, peers: Vec<usize>, question: Question) -> Output {
        let questions = peers.iter().map(|peer| (*peer, question)).collect();
        self.stage = match question {
            Question::Identity => Stage::Identifying(peers),
            _ => Stage::Surveying(peers),
        };
        Output::Ask(questions)
    }

    fn identified(&mut self, asked: &[usize], said: Vec<Result<Reply, Miss>>) -> Output {
        for (peer, reply) in asked.iter().zip(said) {
            let Some(Reply::Identity(chain, codes)) = self.heard(*peer, reply) else { continue };
            let wanted = self.config.contracts.iter().map(|contract| contract.code_hash);
            let fit = chain == self.config.chain && wanted.eq(codes);
            let status = &mut self.peers[*peer];
            status.standing = if fit { Standing::Fit } else { Standing::Foreign };
            if !fit {
                status.leave_alone(self.now);
            }
        }
        self.survey()
    }

    fn survey(&mut self) -> Output {
        match self.peers_that(|standing| standing == Standing::Fit) {
            fit if fit.is_empty() => self.no_agreement(),
            fit => self.ask(fit, Question::Heads),
        }
    }

    fn surveyed(&mut self, asked: &[usize], said: Vec<Result<Reply, Miss>>) -> Output {
        let mut survey = Survey::default();
        for (peer, reply) in asked.iter().zip(said) {
            let Some(Reply::Heads(heads)) = self.heard(*peer, reply) else { continue };
            let [Some(latest), safe, last] = *heads else { continue };
            let Some(latest) = self.sound(*peer, &latest) else { continue };
            let place = |header: alloy::rpc::types::Header| Place {
                number: header.number,
                hash: header.hash,
            };
            let (safe, last) = (safe.map(place), last.map(place));
            let status = &mut self.peers[*peer];
            status.head = Some(latest.number);
            // What is final once stays final.
            let stated = last.map_or(0, |last| last.number);
            if last.is_some() && stated < status.last.unwrap_or(0) {
                status.lied();
            }
            status.last = last.map(|last| last.number);
            survey.add(Heads { peer: *peer, latest, safe, last });
        }
        match survey.open_questions() {
            questions if questions.is_empty() => self.decide(&survey),
            questions => {
                let at = |(peer, height): &(usize, u64)| (*peer, Question::HeaderAt(*height));
                let asks = questions.iter().map(at).collect();
                self.stage = Stage::Comparing(survey, questions);
                Output::Ask(asks)
            }
        }
    }

    fn compared(
        &mut self,
        mut survey: Survey,
        asked: &[(usize, u64)],
        said: Vec<Result<Reply, Miss>>,
    ) -> Output {
        for ((peer, height), reply) in asked.iter().zip(said) {
            let block = self.heard_block(*peer, reply);
            if let Some(block) = block.filter(|block| block.number == *height) {
                survey.know(*peer, block);
            }
        }
        self.decide(&survey)
    }

    /// Chooses what this round reads: up to the agreed head, or a block on the way to it.
    fn decide(&mut self, survey: &Survey) -> Output {
        let finality = self.config.finality;
        let Some(mut agreed) = survey.agreed(self.config.agreement, finality) else {
            return self.no_agreement();
        };
        self.healthy = Some(self.now);
        agreed.members.sort_by_key(|peer| self.peers[*peer].strikes);
        let head = agreed.block.number;
        self.head = Some(head);
        self.phase = Phase::Follow;
        let mut round = Round { agreed, turn: 0, aim: Aim::Blocks };
        let Some(cursor) = self.kept.position().map(|position| position.cursor.number) else {
            return if head < self.config.start {
                Output::Rest { more: false }
            } else {
                self.anchor(round, self.config.start)
            };
        };
        if head <= cursor {
            return self.compare_with_kept(round);
        }
        let last = round.agreed.last.map_or(0, |level| level.number);
        let stride = cursor.saturating_add(self.config.stride.max(1));
        if last > stride && cursor >= self.singly_to {
            self.phase = Phase::BackFill;
            round.aim = Aim::Cursor;
            return self.anchor(round, cursor);
        }
        if head > stride {
            return self.anchor(round, stride);
        }
        let blocks = vec![round.agreed.block.clone()];
        let path = Path { anchor: round.agreed.block.place(), blocks };
        self.walk(round, path)
    }

    /// The agreed head is not above ours. Equal hashes: the endpoints lag. Others: they moved on.
    fn compare_with_kept(&mut self, round: Round) -> Output {
        let place = round.agreed.block.place();
        match self.kept.hash_at(place.number) {
            Some(hash) if hash == place.hash => self.finish(&round.agreed, place),
            Some(_) => {
                let path = Path { anchor: place, blocks: vec![round.agreed.block.clone()] };
                self.walk(round, path)
            }
            // So far behind that it says nothing about what we know.
            None => self.no_agreement(),
        }
    }

    fn anchor(&mut self, round: Round, height: u64) -> Output {
        let ask = |peer: &usize| (*peer, Question::HeaderAt(height));
        let asks = round.agreed.members.iter().map(ask).collect();
        self.stage = Stage::Anchoring(round, height);
        Output::Ask(asks)
    }

    fn anchored(
        &mut self,
        mut round: Round,
        height: u64,
        said: Vec<Result<Reply, Miss>>,
    ) -> Output {
        let members = round.agreed.members.clone();
        let heard = members.iter().zip(said).filter_map(|(peer, reply)| {
            let block = self.heard_block(*peer, reply)?;
            (block.number == height).then_some((*peer, block))
        });
        let stated: Vec<(usize, Block)> = heard.collect();
        let stated = stated.iter().map(|(peer, block)| (*peer, block));
        let Some((anchor, members)) = most_stated(stated, self.config.agreement) else {
            return self.no_agreement();
        };
        round.agreed.members = members;
        if self.kept.position().is_none() {
            let batch = self.kept.begin(&anchor);
            self.stage = Stage::Jumped(round, anchor.place());
            return Output::Commit(batch);
        }
        match round.aim {
            Aim::Cursor if self.kept.hash_at(anchor.number) == Some(anchor.hash) => {
                let last = round.agreed.last.map_or(0, |level| level.number);
                let width = anchor.number.saturating_add(self.width);
                round.aim = Aim::Range;
                return self.anchor(round, last.min(width));
            }
            // Endpoints can state the same orphan at a height that the chain calls final.
            Aim::Range if round.agreed.contradicts(&anchor) => return self.no_agreement(),
            Aim::Range => return self.range(round, anchor),
            Aim::Blocks | Aim::Cursor => {}
        }
        let path = Path { anchor: anchor.place(), blocks: vec![anchor] };
        self.walk(round, path)
    }

    /// Follows parents until a block that we have.
    fn walk(&mut self, mut round: Round, path: Path) -> Output {
        match self.lead(&path) {
            None => Output::Rest { more: false },
            Some(Lead::Parent(hash)) => self
                .ask_member(round, Question::HeaderOf(hash), |round| Stage::Walking(round, path)),
            // Endpoints that fell behind on an abandoned branch do not call that block final.
            Some(Lead::Below(halt)) if round.agreed.reaches_final(halt.number) => {
                self.phase = Phase::Halted(halt);
                Output::Rest { more: false }
            }
            Some(Lead::Below(_)) => self.no_agreement(),
            Some(Lead::Ancestor(place)) => {
                round.turn = 0;
                let cursor = self.kept.position().map(|position| position.cursor);
                if cursor == Some(place) {
                    return self.fetch(round, path);
                }
                let batch = self.kept.rewind(place);
                self.stage = Stage::Rewound(round, path);
                Output::Commit(batch)
            }
            Some(Lead::TooDeep(last)) => {
                // From here on the last final block is the cursor, and the next round reads on.
                let batch = self.kept.rewind(last);
                self.stage = Stage::Levelled { more: true };
                Output::Commit(batch)
            }
        }
    }

    fn lead(&self, path: &Path) -> Option<Lead> {
        let position = self.kept.position()?;
        let lowest = path.blocks.last()?;
        let last = position.last;
        if lowest.number <= last.number {
            // Only a block that differs from ours is walked from.
            let (number, theirs) = (lowest.number, lowest.hash);
            let ours = self.kept.hash_at(number)?;
            return Some(Lead::Below(Halt { number, ours, theirs }));
        }
        let parent = Place { number: lowest.number.saturating_sub(1), hash: lowest.parent };
        if parent.number == last.number && parent.hash != last.hash {
            let (number, ours, theirs) = (last.number, last.hash, parent.hash);
            return Some(Lead::Below(Halt { number, ours, theirs }));
        }
        Some(match self.kept.hash_at(parent.number) {
            Some(hash) if hash == parent.hash || planted(Bug::TrustsParents) => {
                Lead::Ancestor(parent)
            }
            None if parent.number <= position.cursor.number => Lead::TooDeep(last),
            _ => Lead::Parent(parent.hash),
        })
    }

    fn walked(
        &mut self,
        mut round: Round,
        mut path: Path,
        said: Vec<Result<Reply, Miss>>,
    ) -> Output {
        let Some(wanted) = path
            .blocks
            .last()
            .map(|lowest| Place { number: lowest.number.saturating_sub(1), hash: lowest.parent })
        else {
            return Output::Rest { more: false };
        };
        match self.said_block(&round, said) {
            Some(block) if block.place() == wanted => path.blocks.push(block),
            said => {
                if let (Some(_), Some(peer)) = (said, round.agreed.members.get(round.turn)) {
                    self.peers[*peer].lied();
                }
                round.turn = round.turn.saturating_add(1);
            }
        }
        self.walk(round, path)
    }

    /// Reads the lowest block of the path.
    fn fetch(&mut self, round: Round, path: Path) -> Output {
        let Some(block) = path.blocks.last() else {
            return self.finish(&round.agreed, path.anchor);
        };
        let question = if block.needs_receipts(&self.hashes) && !planted(Bug::BelievesNoLogs) {
            Question::Receipts(block.hash)
        } else {
            Question::Logs(block.hash)
        };
        self.ask_member(round, question, |round| Stage::Fetching(round, path))
    }

    fn fetched(
        &mut self,
        mut round: Round,
        mut path: Path,
        said: Vec<Result<Reply, Miss>>,
    ) -> Output {
        let Some(block) = path.blocks.pop() else { return Output::Rest { more: false } };
        let logs = self.said_logs(&round, &block, said);
        let Some(logs) = logs.or_else(|| planted(Bug::SkipsUnreadBlock).then(Vec::new)) else {
            path.blocks.push(block);
            round.turn = round.turn.saturating_add(1);
            return self.fetch(round, path);
        };
        round.turn = 0;
        let batch = self.kept.extend(&[self.sorted(block, logs)]);
        self.stage = Stage::Stored(round, path);
        Output::Commit(batch)
    }

    fn stored(&mut self, round: Round, path: Path) -> Output {
        self.progress = Some(self.now);
        self.fetch(round, path)
    }

    /// Asks the member whose turn it is; abandons the round when all had theirs.
    fn ask_member(
        &mut self,
        round: Round,
        question: Question,
        next: impl FnOnce(Round) -> Stage,
    ) -> Output {
        let Some(peer) = round.agreed.members.get(round.turn) else {
            return Output::Rest { more: false };
        };
        let asks = vec![(*peer, question)];
        self.stage = next(round);
        Output::Ask(asks)
    }

    fn range(&mut self, round: Round, anchor: Block) -> Output {
        let Some(position) = self.kept.position() else { return Output::Rest { more: false } };
        let first = position.cursor.number.saturating_add(1);
        let read = RangeRead::new(first, anchor);
        match read.next(self, &round) {
            Some(asks) => {
                self.stage = Stage::Ranging(round, Box::new(read));
                Output::Ask(asks)
            }
            None => Output::Rest { more: false },
        }
    }

    fn ranged(
        &mut self,
        mut round: Round,
        mut read: RangeRead,
        said: Vec<Result<Reply, Miss>>,
    ) -> Output {
        match read.take(self, &mut round, said) {
            Ok(()) => {}
            Err(Miss::TooMuch) => return Output::Rest { more: true },
            Err(Miss::NoAnswer) => {
                self.singly_to = read.last();
                return Output::Rest { more: true };
            }
        }
        if let Some(asks) = read.next(self, &round) {
            self.stage = Stage::Ranging(round, Box::new(read));
            return Output::Ask(asks);
        }
        match read.done() {
            Some((anchor, filled)) => {
                let batch = self.kept.extend(&filled);
                self.stage = Stage::Jumped(round, anchor.place());
                Output::Commit(batch)
            }
            None => Output::Rest { more: false },
        }
    }

    /// Ends a round that came to `reached`, a block that enough endpoints state.
    fn finish(&mut self, agreed: &Agreed, reached: Place) -> Output {
        let more = reached.number < agreed.block.number;
        let safe = agreed.safe.and_then(|level| self.proved(level, reached, more));
        let last = agreed.last.and_then(|level| self.proved(level, reached, more));
        match self.kept.raise(safe, last) {
            Some(batch) => {
                self.stage = Stage::Levelled { more };
                Output::Commit(batch)
            }
            None => Output::Rest { more },
        }
    }

    /// A level whose block is ours. Where the round ended below the agreed block, what was reached
    /// is linked to nothing but the word of those who were asked for its height: then the level
    /// must have been stated with its hash.
    fn proved(&self, level: Level, reached: Place, more: bool) -> Option<Place> {
        let number = level.number;
        let hash = self.kept.hash_at(number).filter(|_| number <= reached.number)?;
        let ours = level.hash.map_or(!more, |stated| stated == hash);
        let reached = self.kept.hash_at(reached.number) == Some(reached.hash);
        (ours && reached).then_some(Place { number, hash })
    }

    fn no_agreement(&mut self) -> Output {
        let patience = u64::try_from(self.config.patience.as_millis()).unwrap_or(u64::MAX);
        let since = self.healthy.map_or(0, |at| self.now.get().saturating_sub(at.get()));
        if since >= patience {
            self.phase = Phase::Degraded;
        } else if self.phase != Phase::Boot && self.phase != Phase::Degraded {
            self.phase = Phase::Verify;
        }
        Output::Rest { more: false }
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").field("phase", &self.phase).finish_non_exhaustive()
    }
}
