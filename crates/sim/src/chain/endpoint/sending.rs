//! What an endpoint says to those who send transactions: as the outbox asks real ones.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256};
use tallystick_chain::endpoint::{Call, CallRefusal};
use tallystick_chain::outbox::{Guard, SeenReceipt, SendAnswer, Sight, Trial};

use super::{Endpoint, Fault, View};
use crate::chain::{Block, Chain};

/// A call that several endpoints are asked to try. Those that see the same block find the same, so
/// it is run once for each block.
#[derive(Debug)]
pub struct Asked<'a> {
    call: &'a Call,
    guard: Option<&'a Guard>,
    estimates: BTreeMap<B256, Result<u64, CallRefusal>>,
}

impl<'a> Asked<'a> {
    /// Of a call, and of what says that it was done already.
    pub const fn new(call: &'a Call, guard: Option<&'a Guard>) -> Self {
        Self { call, guard, estimates: BTreeMap::new() }
    }
}

impl Endpoint {
    /// What it sees of an account and of the transactions that compete for its nonces.
    pub fn look(
        &mut self,
        chain: &Chain,
        account: Address,
        nonces: &[(u64, Vec<B256>)],
    ) -> Option<Sight> {
        if self.is_mute() {
            return None;
        }
        let view = self.view(chain);
        let last_final = view.last_final(self.finality);
        let settled = last_final.and_then(|last| chain.block_at(&view.head, last));
        let latest_nonce = chain.nonce(&view.head, account);
        let (mut receipts, mut unread) = (Vec::new(), BTreeSet::new());
        for (nonce, hashes) in nonces.iter().filter(|(nonce, _)| *nonce < latest_nonce) {
            if self.is_mute() {
                unread.insert(*nonce);
                continue;
            }
            // The newest variant is the likeliest.
            let seen =
                hashes.iter().rev().find_map(|tx| seen_receipt(chain, &view, *tx, last_final));
            if let Some(receipt) = seen.filter(|_| !self.faults.hits(Fault::NullReceipt)) {
                receipts.push((*nonce, receipt));
            }
        }
        Some(Sight {
            chain: chain.id(),
            head: view.number(),
            base_fee: base_fee(chain, &view.head).into(),
            tip: chain.settings().suggested_tip,
            final_nonce: settled.map_or(0, |block| chain.nonce(block, account)),
            latest_nonce,
            pending_nonce: chain.pending_nonce(&view.head, account),
            balance: chain.balance(&view.head, account),
            receipts,
            unread,
        })
    }

    /// Asks the guard, and then for the gas that a call needs.
    pub fn attempt(&mut self, chain: &Chain, asked: &mut Asked<'_>) -> Option<Trial> {
        if self.is_mute() {
            return None;
        }
        let view = self.view(chain);
        let last = view.last_final(self.finality);
        let last = last.and_then(|last| chain.block_at(&view.head, last));
        if let Some(guard) = asked.guard
            && says_done(chain, &view.head, asked.call.from, guard)
        {
            let is_final = last.is_some_and(|it| says_done(chain, it, asked.call.from, guard));
            return Some(Trial::GuardDone { is_final });
        }
        let call = asked.call;
        let estimated = asked.estimates.entry(view.head.hash());
        let estimated = estimated.or_insert_with(|| chain.estimate(&view.head, call));
        Some(Trial::of_estimate(estimated.clone()))
    }

    /// Takes signed bytes.
    pub fn send(&mut self, chain: &mut Chain, raw: &[u8]) -> SendAnswer {
        if self.is_mute() {
            return SendAnswer::Unknown;
        }
        if self.faults.hits(Fault::DroppedSend) {
            return SendAnswer::Taken;
        }
        let answer = SendAnswer::of_refusal(chain.send(raw).err());
        if self.faults.hits(Fault::LostAnswer) { SendAnswer::Unknown } else { answer }
    }
}

/// A receipt in a block that is still in the endpoint's chain.
fn seen_receipt(chain: &Chain, view: &View, tx: B256, last: Option<u64>) -> Option<SeenReceipt> {
    let (block, mined) = chain.receipt(&view.head, tx)?;
    Some(SeenReceipt {
        tx,
        block: block.number(),
        block_hash: block.hash(),
        success: mined.outcome.is_done(),
        is_final: last.is_some_and(|last| block.number() <= last),
    })
}

fn says_done(chain: &Chain, at: &Block, from: Address, guard: &Guard) -> bool {
    let call = Call { from, to: guard.to, data: guard.data.clone(), value: U256::ZERO };
    guard.is_done_by(chain.call(at, &call))
}

/// Base fee of the block after one.
fn base_fee(chain: &Chain, head: &Block) -> u64 {
    if head.hash() == chain.head().hash() { chain.base_fee() } else { head.next_base_fee() }
}
