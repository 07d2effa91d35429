use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Bytes, U256};
use tallystick_chain::endpoint::{Call, SendClass};
use tallystick_chain::ingest::{Miss, Question, Reply};
use tallystick_chain::outbox::{Guard, SendAnswer, Trial};

use super::*;
use crate::chain::genesis::key_of;
use crate::chain::{Branch, Choice, Returned, Settings, Signed, Wish};

const ID: u64 = 7;

fn key() -> PrivateKeySigner {
    key_of("somebody")
}

fn chain() -> Chain {
    let funds = [(key().address(), U256::from(10_u128.pow(18)))];
    let mut chain = Chain::new(ID, Settings::default(), 1_000, &funds);
    (0..12).for_each(|_| drop(chain.mine(0, &Choice::ALL)));
    chain
}

fn endpoint() -> Endpoint {
    Endpoint::new(Vec::new(), Finality::Tags, 1)
}

fn transfer(nonce: u64) -> Arc<Signed> {
    let wish = Wish {
        to: Address::repeat_byte(0xee).into(),
        data: Bytes::new(),
        value: U256::ONE,
        gas: 21_000,
        fee_cap: 20_000_000_000,
        tip_cap: 1,
    };
    Signed::of_wish(&wish, ID, nonce, &key())
}

fn head_of(endpoint: &mut Endpoint, chain: &Chain) -> SealedHeader {
    match endpoint.answer(chain, Question::Heads) {
        Ok(Reply::Heads(heads)) => heads[0].clone().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_fault_of_the_head_shows_another_one_and_is_counted() {
    let mut chain = chain();
    let branch = Branch {
        depth: 1,
        blocks: vec![(0, Choice::NONE)],
        returned: Returned::All,
        breaks_finality: false,
    };
    chain.reorganise(&branch).unwrap();
    let honest = head_of(&mut endpoint(), &chain);
    assert_eq!(honest, chain.head().header);
    for fault in [Fault::LaggingHead, Fault::Flapping, Fault::LyingTip, Fault::ForgedHeader] {
        let mut endpoint = endpoint();
        endpoint.set_lag(2);
        endpoint.set(fault, ALWAYS);
        let head = head_of(&mut endpoint, &chain);
        assert_ne!(head, honest, "{fault:?}");
        assert_eq!(head.hash == head.hash_slow(), fault != Fault::ForgedHeader, "{fault:?}");
        assert_eq!(endpoint.census()[&fault], 1, "{fault:?}");
        endpoint.heal();
        assert_eq!(head_of(&mut endpoint, &chain), honest, "{fault:?}");
    }
}

#[test]
fn a_stale_endpoint_stays_where_it_was_and_does_not_know_later_blocks() {
    let mut chain = chain();
    let mut endpoint = endpoint();
    endpoint.set(Fault::StaleHead, ALWAYS);
    let before = head_of(&mut endpoint, &chain);
    let later = chain.mine(0, &Choice::ALL);
    assert_eq!(head_of(&mut endpoint, &chain), before);
    let asked = Question::HeaderOf(later.hash());
    assert_eq!(endpoint.answer(&chain, asked), Ok(Reply::Header(None)));
    assert_eq!(endpoint.answer(&chain, Question::Logs(later.hash())), Err(Miss::NoAnswer));
    endpoint.heal();
    assert_eq!(head_of(&mut endpoint, &chain), later.header);
}

#[test]
fn a_transaction_is_seen_where_it_is_and_final_when_its_block_is() {
    let mut chain = chain();
    let (mut endpoint, account) = (endpoint(), key().address());
    let tx = transfer(0);
    assert_eq!(endpoint.send(&mut chain, &tx.raw), SendAnswer::Taken);
    assert_eq!(endpoint.send(&mut chain, &tx.raw), SendAnswer::Taken);
    let asked = [(0, vec![tx.hash]), (1, vec![B256::ZERO])];
    let sight = endpoint.look(&chain, account, &asked).unwrap();
    assert_eq!((sight.latest_nonce, sight.pending_nonce, sight.receipts.len()), (0, 1, 0));
    let block = chain.mine(0, &Choice::ALL);
    let sight = endpoint.look(&chain, account, &asked).unwrap();
    assert_eq!((sight.latest_nonce, sight.final_nonce), (1, 0));
    let (nonce, seen) = sight.receipts[0];
    assert_eq!((nonce, seen.tx, seen.block_hash), (0, tx.hash, block.hash()));
    assert!(seen.success && !seen.is_final);
    assert_eq!(endpoint.send(&mut chain, &tx.raw), SendAnswer::Refused(SendClass::NonceTooLow));
    (0..8).for_each(|_| drop(chain.mine(0, &Choice::ALL)));
    let sight = endpoint.look(&chain, account, &asked).unwrap();
    assert_eq!(sight.final_nonce, 1);
    assert!(sight.receipts[0].1.is_final);
    endpoint.set(Fault::NullReceipt, ALWAYS);
    assert!(endpoint.look(&chain, account, &asked).unwrap().receipts.is_empty());
}

#[test]
fn sendings_are_lost_on_the_way_there_or_back() {
    let mut chain = chain();
    for (fault, answer, waits) in [
        (Fault::DroppedSend, SendAnswer::Taken, 0),
        (Fault::NoAnswer, SendAnswer::Unknown, 0),
        (Fault::TooManyRequests, SendAnswer::Unknown, 0),
        (Fault::LostAnswer, SendAnswer::Unknown, 1),
    ] {
        let mut endpoint = endpoint();
        endpoint.set(fault, ALWAYS);
        assert_eq!(endpoint.send(&mut chain, &transfer(0).raw), answer, "{fault:?}");
        assert_eq!(chain.waiting().count(), waits, "{fault:?}");
        assert_eq!(endpoint.census()[&fault], 1, "{fault:?}");
    }
}

#[test]
fn a_trial_says_gas_missing_coins_or_that_the_guard_is_satisfied() {
    let chain = chain();
    let mut endpoint = endpoint();
    let (from, to) = (key().address(), Address::repeat_byte(0xee));
    let call = Call { from, to, data: Bytes::new(), value: U256::ONE };
    // Nobody answers the guard's question, so it does not say "done".
    let mut guard =
        Guard { to, data: Bytes::new(), mask: B256::repeat_byte(0xff), done: vec![B256::ZERO] };
    assert_eq!(
        endpoint.attempt(&chain, &mut Asked::new(&call, Some(&guard))),
        Some(Trial::Gas(21_000))
    );
    let costly = Call { value: U256::MAX, ..call.clone() };
    assert_eq!(endpoint.attempt(&chain, &mut Asked::new(&costly, None)), Some(Trial::NoFunds));
    // The precompile that returns what it is given.
    guard.to = Address::with_last_byte(4);
    guard.data = vec![0; 32].into();
    let done = Some(Trial::GuardDone { is_final: true });
    assert_eq!(endpoint.attempt(&chain, &mut Asked::new(&call, Some(&guard))), done);
    endpoint.set(Fault::NoAnswer, ALWAYS);
    assert_eq!(endpoint.attempt(&chain, &mut Asked::new(&call, None)), None);
}

#[test]
fn half_of_the_answers_are_spoiled_where_half_is_asked_for() {
    let chain = chain();
    let mut endpoint = endpoint();
    endpoint.set(Fault::NoAnswer, ALWAYS / 2);
    let lost = (0..1_000).filter(|_| endpoint.answer(&chain, Question::Heads).is_err()).count();
    assert!((400..600).contains(&lost), "{lost}");
    assert_eq!(endpoint.census()[&Fault::NoAnswer], lost as u64);
}
