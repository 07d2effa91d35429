//! Who speaks for the chain: endpoints that may be silent, behind, or forgetful.

use alloy_primitives::{Address, B256, U256};
use tallystick_abi::decode_error;
use tallystick_chain::endpoint::{Call, CallClass};
use tallystick_chain::ingest::{Miss, Question, Reply};
use tallystick_chain::outbox::{Guard, SeenReceipt, SendAnswer, Sight, Trial};
use tallystick_types::ChainId;

use crate::chain::{Block, Chain};
use crate::event::{Answer, Ask};
use crate::random::Dice;
use crate::tally::Tally;

/// The endpoints of a simulation.
#[derive(Debug)]
pub struct Endpoints {
    moods: Vec<Mood>,
    contracts: Vec<Address>,
    dice: Dice,
}

/// How an endpoint is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mood {
    /// It answers nothing.
    pub is_down: bool,
    /// Blocks that it is behind.
    pub behind: u64,
    /// Millionths of its answers that are lost.
    pub lost_ppm: u64,
    /// It leaves logs out, in one of two ways.
    pub hides_logs: bool,
}

impl Endpoints {
    /// So many well ones, for these contracts.
    pub fn new(count: usize, contracts: Vec<Address>, dice: Dice) -> Self {
        Self { moods: vec![Mood::default(); count], contracts, dice }
    }

    /// How many there are.
    pub const fn count(&self) -> usize {
        self.moods.len()
    }

    /// Changes how one is.
    pub fn set(&mut self, index: usize, mood: Mood) {
        if let Some(known) = self.moods.get_mut(index) {
            *known = mood;
        }
    }

    /// All are well.
    pub fn mend(&mut self) {
        self.moods.fill(Mood::default());
    }

    /// What all of them say.
    pub fn answer(&mut self, chain: &mut Chain, ask: Ask, tally: &mut Tally) -> Answer {
        match ask {
            Ask::Ingest(asks) => {
                let said = asks.into_iter().map(|(peer, question)| {
                    let mood = self.heard(peer, tally).ok_or(Miss::NoAnswer)?;
                    if mood.hides_logs && matches!(question, Question::Logs(_)) {
                        tally.census.lies += 1;
                    }
                    reply(chain, &self.contracts, mood, question).ok_or(Miss::NoAnswer)
                });
                Answer::Ingest(said.collect())
            }
            Ask::Look { account, nonces } => {
                let each = 0..self.moods.len();
                let looks = each.map(|peer| {
                    let mood = self.heard(peer, tally)?;
                    Some(look(chain, &head(chain, mood), account, &nonces))
                });
                Answer::Looked(looks.collect())
            }
            Ask::Try { account, key, to, data, value, guard } => {
                let call = Call { from: account, to, data, value };
                let each = 0..self.moods.len();
                let trials = each.map(|peer| {
                    let mood = self.heard(peer, tally)?;
                    Some(attempt(chain, &head(chain, mood), &call, guard.as_ref()))
                });
                Answer::Tried(key, trials.collect())
            }
            Ask::Send { nonce, tx, raw } => {
                let each = 0..self.moods.len();
                let answers = each.map(|peer| {
                    let mood = self.moods.get(peer).copied().unwrap_or_default();
                    if mood.is_down {
                        return SendAnswer::Unknown;
                    }
                    let taken = match chain.send(&raw) {
                        Ok(_) => SendAnswer::Taken,
                        Err(tallystick_chain::endpoint::SendClass::AlreadyKnown) => {
                            SendAnswer::Taken
                        }
                        Err(class) => SendAnswer::Refused(class),
                    };
                    // The bytes arrived; the answer may not.
                    if self.dice.falls(mood.lost_ppm) {
                        tally.census.lost_answers += 1;
                        return SendAnswer::Unknown;
                    }
                    taken
                });
                let answers = answers.collect();
                Answer::Sent { nonce, tx, answers }
            }
        }
    }

    fn heard(&mut self, peer: usize, tally: &mut Tally) -> Option<Mood> {
        let mood = self.moods.get(peer).copied().filter(|mood| !mood.is_down)?;
        if self.dice.falls(mood.lost_ppm) {
            tally.census.lost_answers += 1;
            return None;
        }
        Some(mood)
    }
}

/// The newest block that an endpoint knows.
fn head(chain: &Chain, mood: Mood) -> std::sync::Arc<Block> {
    let newest = chain.head();
    let number = newest.number().saturating_sub(mood.behind);
    chain.block_at(newest, number).unwrap_or(newest).clone()
}

fn reply(chain: &Chain, contracts: &[Address], mood: Mood, question: Question) -> Option<Reply> {
    let head = head(chain, mood);
    let at = |number| chain.block_at(&head, number).filter(|block| block.number() <= head.number());
    let ours = |block: &Block| {
        let logs = block.receipts.iter().flat_map(|receipt| &receipt.logs);
        logs.filter(|log| contracts.contains(&log.address)).cloned().collect::<Vec<_>>()
    };
    Some(match question {
        Question::Identity => {
            let codes = contracts.iter().map(|address| chain.code_hash(&head, *address));
            Reply::Identity(ChainId::new(chain.id()), codes.collect())
        }
        Question::Heads => {
            let below = |number: u64| at(number.min(head.number())).map(|it| it.header.clone());
            let (safe, last) = (below(chain.safe_number()), below(chain.final_number()));
            Reply::Heads(Box::new([Some(head.header.clone()), safe, last]))
        }
        Question::HeaderAt(number) => {
            Reply::Header(at(number).map(|block| Box::new(block.header.clone())))
        }
        Question::HeaderOf(hash) => {
            Reply::Header(chain.block(hash).map(|block| Box::new(block.header.clone())))
        }
        Question::Logs(_) if mood.hides_logs => Reply::Logs(Vec::new()),
        Question::Logs(hash) => Reply::Logs(ours(chain.block(hash)?)),
        Question::Receipts(hash) => Reply::Receipts(chain.block(hash)?.receipts.to_vec()),
        Question::Range(first, last) => {
            let mut found = Vec::new();
            for number in first..=last {
                let block = at(number)?;
                let logs = ours(block).into_iter();
                found.extend(logs.map(|log| (block.hash(), block.number(), log)));
            }
            Reply::Range(found)
        }
    })
}

fn look(chain: &Chain, head: &Block, account: Address, nonces: &[(u64, Vec<B256>)]) -> Sight {
    let last = chain.block_at(head, chain.final_number().min(head.number()));
    let mut receipts = Vec::new();
    for (nonce, hashes) in nonces {
        for tx in hashes.iter().rev() {
            if let Some((block, mined)) = chain.receipt(head, *tx) {
                let seen = SeenReceipt {
                    tx: *tx,
                    block: block.number(),
                    block_hash: block.hash(),
                    success: mined.outcome.is_done(),
                    is_final: block.number() <= chain.final_number(),
                };
                receipts.push((*nonce, seen));
                break;
            }
        }
    }
    Sight {
        chain: chain.id(),
        head: head.number(),
        base_fee: chain.base_fee().into(),
        tip: chain.settings().suggested_tip,
        final_nonce: last.map_or(0, |last| chain.nonce(last, account)),
        latest_nonce: chain.nonce(head, account),
        pending_nonce: chain.pending_nonce(head, account),
        balance: chain.balance(head, account),
        receipts,
    }
}

fn attempt(chain: &Chain, head: &Block, call: &Call, guard: Option<&Guard>) -> Trial {
    if let Some(guard) = guard
        && says_done(chain, head, call.from, guard)
    {
        let last = chain.block_at(head, chain.final_number().min(head.number()));
        let is_final = last.is_some_and(|last| says_done(chain, last, call.from, guard));
        return Trial::GuardDone { is_final };
    }
    match chain.estimate(head, call) {
        Ok(gas) => Trial::Gas(gas),
        Err(refusal) if refusal.class == CallClass::Funds => Trial::NoFunds,
        Err(refusal) if refusal.data.is_empty() => Trial::Refused(refusal.text),
        Err(refusal) => Trial::Refused(decode_error(&refusal.data).to_string()),
    }
}

fn says_done(chain: &Chain, at: &Block, from: Address, guard: &Guard) -> bool {
    let call = Call { from, to: guard.to, data: guard.data.clone(), value: U256::ZERO };
    let answer = chain.call(at, &call).unwrap_or_default();
    answer.first_chunk().is_some_and(|word| guard.says_done(B256::new(*word)))
}
