//! Old blocks, read many at a time.
//!
//! Allowed below the last final block only. The logs of a range are taken where enough endpoints
//! state the same ones; every block that has some is then proved by its header and its receipts.

use alloy_primitives::B256;

use super::RawLog;
use super::check::Block;
use super::kept::Filled;
use super::machine::{Machine, Round};
use super::peer::{Miss, Question, Reply};

/// A range on its way.
#[derive(Debug)]
pub(super) struct RangeRead {
    first: u64,
    /// The last block of the range, stated by enough endpoints.
    anchor: Block,
    stage: RangeStage,
    filled: Vec<Filled>,
}

#[derive(Debug)]
enum RangeStage {
    /// All logs of the range.
    Logs,
    /// Blocks whose logs are to be proved, the next one last; its header once it is known.
    Blocks(Vec<Stated>, Option<Box<Block>>),
}

/// What endpoints state about one block.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stated {
    number: u64,
    hash: B256,
    logs: Vec<RawLog>,
}

impl RangeRead {
    pub(super) const fn new(first: u64, anchor: Block) -> Self {
        Self { first, anchor, stage: RangeStage::Logs, filled: Vec::new() }
    }

    /// What has to be asked; nothing when all is in, or nobody is left to be asked.
    pub(super) fn next(&self, machine: &Machine, round: &Round) -> Option<Vec<(usize, Question)>> {
        let members = &round.agreed.members;
        match &self.stage {
            RangeStage::Logs => {
                let question = Question::Range(self.first, self.anchor.number);
                let asked = members.iter().take(machine.config.agreement);
                Some(asked.map(|peer| (*peer, question)).collect())
            }
            RangeStage::Blocks(stated, header) => {
                let (next, peer) = (stated.last()?, members.get(round.turn)?);
                let question = match header {
                    None => Question::HeaderOf(next.hash),
                    Some(header) => Question::Receipts(header.hash),
                };
                Some(vec![(*peer, question)])
            }
        }
    }

    /// The last block of the range.
    pub(super) const fn last(&self) -> u64 {
        self.anchor.number
    }

    /// Takes what was said. `TooMuch` where a smaller range is to be tried, `NoAnswer` where this
    /// one cannot be read as a whole, because the endpoints contradict each other or fall silent.
    pub(super) fn take(
        &mut self,
        machine: &mut Machine,
        round: &mut Round,
        said: Vec<Result<Reply, Miss>>,
    ) -> Result<(), Miss> {
        match &mut self.stage {
            RangeStage::Logs => {
                let stated = agreed_logs(machine, round, said)?;
                self.stage = RangeStage::Blocks(stated, None);
                Ok(())
            }
            RangeStage::Blocks(stated, header) => {
                let Some(next) = stated.last() else { return Err(Miss::NoAnswer) };
                let proved = match header.take() {
                    None => {
                        let block = machine.said_block(round, said);
                        let anchor = self.anchor.place();
                        let fits = |block: &Block| {
                            let place = block.place();
                            (place.number, place.hash) == (next.number, next.hash)
                                && (place.number < anchor.number || place == anchor)
                        };
                        *header = block.filter(fits).map(Box::new);
                        header.is_some()
                    }
                    Some(block) => match machine.said_logs(round, &block, said) {
                        Some(logs) if logs == next.logs => {
                            self.filled.push(machine.sorted(*block, logs));
                            stated.pop();
                            true
                        }
                        // Proved, and not what they agreed on.
                        Some(_) => return Err(Miss::NoAnswer),
                        None => {
                            *header = Some(block);
                            false
                        }
                    },
                };
                round.turn = if proved { 0 } else { round.turn.saturating_add(1) };
                let left = round.turn < round.agreed.members.len();
                left.then_some(()).ok_or(Miss::NoAnswer)
            }
        }
    }

    /// All blocks with logs and the last one of the range, when they are in.
    pub(super) fn done(mut self) -> Option<(Block, Vec<Filled>)> {
        match self.stage {
            RangeStage::Blocks(stated, _) if stated.is_empty() => {
                if self.filled.last().is_none_or(|it| it.block.number < self.anchor.number) {
                    let block = self.anchor.clone();
                    self.filled.push(Filled { block, logs: Vec::new(), strange: 0 });
                }
                Some((self.anchor, self.filled))
            }
            _ => None,
        }
    }
}

/// The logs that all who were asked state, by block, the first block last.
fn agreed_logs(
    machine: &mut Machine,
    round: &Round,
    said: Vec<Result<Reply, Miss>>,
) -> Result<Vec<Stated>, Miss> {
    if said.contains(&Err(Miss::TooMuch)) && machine.width > 1 {
        machine.width = machine.width.div_ceil(2);
        return Err(Miss::TooMuch);
    }
    let grown = machine.width.saturating_add(machine.width.div_ceil(4));
    machine.width = grown.min(machine.config.range);
    let mut agreed: Option<Vec<(B256, u64, RawLog)>> = None;
    for (peer, reply) in round.agreed.members.iter().zip(said) {
        let Some(Reply::Range(logs)) = machine.heard(*peer, reply) else {
            return Err(Miss::NoAnswer);
        };
        match &agreed {
            Some(known) if *known != logs => return Err(Miss::NoAnswer),
            _ => agreed = Some(logs),
        }
    }
    let mut stated: Vec<Stated> = Vec::new();
    for (hash, number, log) in agreed.ok_or(Miss::NoAnswer)? {
        match stated.last_mut() {
            Some(last) if last.number == number && last.hash == hash => last.logs.push(log),
            _ => stated.push(Stated { number, hash, logs: vec![log] }),
        }
    }
    stated.reverse();
    Ok(stated)
}
