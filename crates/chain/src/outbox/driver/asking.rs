//! The questions to one endpoint. A question without an answer leaves nothing, but for the receipts
//! of a look: each counts by itself.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, U256};
use futures::try_join;

use super::super::answer::{SeenReceipt, SendAnswer, Sight, Trial};
use super::super::intent::Guard;
use crate::endpoint::{Answer, BlockRef, Call, Endpoint, NonceAt};
use crate::ingest::Finality;

/// After so many questions without an answer a look asks an endpoint for no more receipts.
const MOST_UNREAD: usize = 3;

/// What an endpoint sees of an account and of the transactions that compete for its nonces.
pub(super) async fn look(
    endpoint: &Endpoint,
    account: Address,
    finality: Finality,
    nonces: &[(u64, Vec<B256>)],
) -> Option<Sight> {
    let general =
        async { try_join!(endpoint.chain_id(), endpoint.block_number(), endpoint.fees()) };
    let (chain, head, fees) = general.await.ok()?;
    let last_final = final_block(endpoint, finality, head).await.ok()?;
    let final_nonce = match last_final {
        Some(number) => endpoint.nonce(account, NonceAt::Number(number)).await.ok()?,
        None => 0,
    };
    let (latest_nonce, pending_nonce, balance) = try_join!(
        endpoint.nonce(account, NonceAt::Latest),
        endpoint.nonce(account, NonceAt::Pending),
        endpoint.balance(account),
    )
    .ok()?;
    let (mut receipts, mut unread) = (Vec::new(), BTreeSet::new());
    for (nonce, hashes) in nonces.iter().filter(|(nonce, _)| *nonce < latest_nonce) {
        // The others of the look wait for an endpoint, so it is not asked for ever.
        if unread.len() >= MOST_UNREAD {
            unread.insert(*nonce);
            continue;
        }
        match receipt_among(endpoint, hashes, last_final).await {
            Ok(seen) => receipts.extend(seen.map(|receipt| (*nonce, receipt))),
            Err(_) => {
                unread.insert(*nonce);
            }
        }
    }
    let (base_fee, tip) = (fees.base_fee, fees.suggested_tip);
    let chain = chain.get();
    Some(Sight {
        chain,
        head,
        base_fee,
        tip,
        final_nonce,
        latest_nonce,
        pending_nonce,
        balance,
        receipts,
        unread,
    })
}

/// The newest final block; nothing on a chain that is too young to have one.
async fn final_block(endpoint: &Endpoint, finality: Finality, head: u64) -> Answer<Option<u64>> {
    match finality {
        Finality::Depth { last, .. } => Ok(head.checked_sub(last)),
        Finality::Tags => {
            let header = endpoint.header(BlockRef::Finalized).await?;
            Ok(header.map(|header| header.number))
        }
    }
}

/// The receipt of the one among the variants of a transaction that is in a block.
async fn receipt_among(
    endpoint: &Endpoint,
    variants: &[B256],
    last_final: Option<u64>,
) -> Answer<Option<SeenReceipt>> {
    // The newest variant is the likeliest.
    for tx in variants.iter().rev() {
        let seen = seen_receipt(endpoint, *tx, last_final).await?;
        if seen.is_some() {
            return Ok(seen);
        }
    }
    Ok(None)
}

/// A receipt whose block is still in the endpoint's chain.
async fn seen_receipt(
    endpoint: &Endpoint,
    tx: B256,
    last_final: Option<u64>,
) -> Answer<Option<SeenReceipt>> {
    let Some(receipt) = endpoint.receipt(tx).await? else { return Ok(None) };
    let block = receipt.block_number;
    let header = endpoint.header(BlockRef::Number(block)).await?;
    Ok(header.filter(|header| header.hash == receipt.block_hash).map(|_| SeenReceipt {
        tx,
        block,
        block_hash: receipt.block_hash,
        success: receipt.success,
        is_final: last_final.is_some_and(|last| block <= last),
    }))
}

/// Asks the guard, and then for the gas that a call needs.
pub(super) async fn attempt(
    endpoint: &Endpoint,
    call: &Call,
    guard: Option<&Guard>,
    finality: Finality,
) -> Option<Trial> {
    if let Some(guard) = guard
        && says_done(endpoint, call.from, guard, BlockRef::Latest).await.ok()?
    {
        let head = endpoint.block_number().await.ok()?;
        let last_final = final_block(endpoint, finality, head).await.ok()?;
        let is_final = match last_final {
            Some(last) => {
                let at = BlockRef::Number(last);
                says_done(endpoint, call.from, guard, at).await.ok()?
            }
            None => false,
        };
        return Some(Trial::GuardDone { is_final });
    }
    endpoint.estimate_gas(call).await.ok().map(Trial::of_estimate)
}

async fn says_done(
    endpoint: &Endpoint,
    from: Address,
    guard: &Guard,
    at: BlockRef,
) -> Answer<bool> {
    let call = Call { from, to: guard.to, data: guard.data.clone(), value: U256::ZERO };
    Ok(guard.is_done_by(endpoint.call_at(&call, at).await?))
}

/// Sends signed bytes.
pub(super) async fn send(endpoint: &Endpoint, raw: &[u8]) -> SendAnswer {
    match endpoint.send_raw(raw).await {
        Ok(said) => SendAnswer::of_refusal(said.err().map(|refusal| refusal.class)),
        Err(_) => SendAnswer::Unknown,
    }
}
