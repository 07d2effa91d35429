use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Bytes, hex};
use tallystick_chain::endpoint::{Call, CallClass};

use super::genesis::key_of;
use super::*;

const WEALTH: u128 = 1_000_000_000_000_000_000;
const GWEI: u128 = 1_000_000_000;
const ID: u64 = 7;

fn people() -> [PrivateKeySigner; 3] {
    ["one", "two", "three"].map(key_of)
}

fn chain(persona: Persona) -> Chain {
    let funds = people().map(|key| (key.address(), U256::from(WEALTH)));
    Chain::new(ID, Settings { persona, ..Settings::default() }, 1_000, &funds)
}

/// A transfer of one wei.
fn transfer(key: &PrivateKeySigner, nonce: u64, fee_cap: u128, tip_cap: u128) -> Arc<Signed> {
    let (to, value) = (Address::repeat_byte(0xee).into(), U256::ONE);
    let wish = Wish { to, data: Bytes::new(), value, gas: 21_000, fee_cap, tip_cap };
    Signed::of_wish(&wish, ID, nonce, key)
}

fn hashes(block: &Block) -> Vec<B256> {
    block.transactions.iter().map(|mined| mined.tx.hash).collect()
}

#[test]
fn a_replacement_offers_a_tenth_more_in_both_fields() {
    let [key, ..] = people();
    let mut chain = chain(Persona::Geth);
    let first = transfer(&key, 0, 10 * GWEI, GWEI);
    chain.submit(&first).unwrap();
    for (fee_cap, tip_cap) in [(12, 1_099), (10, 1_200), (9, 2_000), (11, 1_099)] {
        let rival = transfer(&key, 0, fee_cap * GWEI, tip_cap * GWEI / 1_000);
        assert_eq!(chain.submit(&rival), Err(SendClass::Underpriced), "{fee_cap} {tip_cap}");
    }
    let rival = transfer(&key, 0, 11 * GWEI, GWEI * 11 / 10);
    chain.submit(&rival).unwrap();
    assert_eq!(hashes(&chain.mine(1_012, &Choice::ALL)), [rival.hash]);
    assert_eq!(chain.submit(&first), Err(SendClass::NonceTooLow));
}

#[test]
fn the_market_goes_by_tip_and_the_sequencer_by_arrival() {
    let [one, two, three] = people();
    let sent = [(&one, 1), (&two, 3), (&three, 2)];
    let sent = sent.map(|(key, tip)| transfer(key, 0, 20 * GWEI, tip * GWEI));
    let [first, second, third] = [0, 1, 2].map(|place: usize| sent[place].hash);
    for (persona, order) in
        [(Persona::Geth, [second, third, first]), (Persona::Nitro, [first, second, third])]
    {
        let mut chain = chain(persona);
        for tx in &sent {
            chain.submit(tx).unwrap();
        }
        assert_eq!(hashes(&chain.mine(1_012, &Choice::ALL)), order, "{persona:?}");
    }
}

#[test]
fn a_sequencer_takes_the_next_nonce_alone_and_only_what_pays_the_base_fee() {
    let [key, ..] = people();
    let mut chain = chain(Persona::Nitro);
    let gap = transfer(&key, 1, 20 * GWEI, 0);
    assert_eq!(chain.submit(&gap), Err(SendClass::NonceTooHigh));
    let cheap = transfer(&key, 0, GWEI / 10, 0);
    assert_eq!(chain.submit(&cheap), Err(SendClass::Underpriced));
    chain.submit(&transfer(&key, 0, 20 * GWEI, 0)).unwrap();
    let rival = transfer(&key, 0, 40 * GWEI, GWEI);
    assert_eq!(chain.submit(&rival), Err(SendClass::NonceTooLow));
    chain.submit(&gap).unwrap();
    assert_eq!(chain.mine(1_012, &Choice::ALL).transactions.len(), 2);
}

#[test]
fn what_cannot_pay_a_spike_waits_until_it_is_over() {
    let [key, ..] = people();
    let mut chain = chain(Persona::Geth);
    let tx = transfer(&key, 0, 3 * GWEI, 0);
    chain.submit(&tx).unwrap();
    chain.set_base_fee(u64::try_from(50 * GWEI).unwrap());
    assert!(chain.mine(1_012, &Choice::ALL).transactions.is_empty());
    let waited = (0..100).find(|_| !chain.mine(0, &Choice::ALL).transactions.is_empty());
    // Base fees fall by an eighth a block.
    assert!(waited.is_some_and(|blocks| blocks > 15), "{waited:?}");
}

#[test]
fn branches_differ_and_lost_transactions_stay_lost() {
    let [one, two, _] = people();
    let mut chain = chain(Persona::Geth);
    let txs = [transfer(&one, 0, 20 * GWEI, GWEI), transfer(&two, 0, 20 * GWEI, GWEI)];
    for tx in &txs {
        chain.submit(tx).unwrap();
    }
    let old = chain.mine(1_012, &Choice::ALL);
    let mut seen = vec![old.hash()];
    for returned in [Returned::All, Returned::All, Returned::None] {
        let blocks = vec![(1_012, Choice::ALL)];
        let branch = Branch { depth: 1, blocks, returned, breaks_finality: false };
        chain.reorganise(&branch).unwrap();
        let head = Arc::clone(chain.head());
        assert!(!seen.contains(&head.hash()));
        seen.push(head.hash());
        let expected = if returned == Returned::All { 2 } else { 0 };
        assert_eq!(head.transactions.len(), expected);
        let here = chain.receipt(&head, txs[0].hash).is_some();
        assert_eq!(here, returned == Returned::All);
        // Those who still speak of the old branch have it as it was.
        assert_eq!(chain.receipt(&old, txs[0].hash).unwrap().0.hash(), old.hash());
        assert_eq!(chain.nonce(&old, one.address()), 1);
    }
    assert_eq!(chain.nonce(chain.head(), one.address()), 0);
    assert_eq!(chain.waiting().count(), 0);
}

#[test]
fn final_blocks_are_replaced_only_where_that_is_asked_for() {
    let mut chain = chain(Persona::Geth);
    (0..20).for_each(|_| drop(chain.mine(0, &Choice::NONE)));
    assert_eq!((chain.safe_number(), chain.final_number()), (16, 12));
    let blocks = vec![(0, Choice::NONE); 10];
    let mut branch = Branch { depth: 9, blocks, returned: Returned::All, breaks_finality: false };
    let refused = chain.reorganise(&branch).unwrap_err();
    assert_eq!(refused, ReorganiseError::Final { fork: 11, last: 12 });
    branch.breaks_finality = true;
    assert_eq!(chain.reorganise(&branch).unwrap().number(), 11);
    assert_eq!((chain.head().number(), chain.final_number()), (21, 13));
    branch.depth = 22;
    let refused = chain.reorganise(&branch).unwrap_err();
    assert_eq!(refused, ReorganiseError::TooDeep { depth: 22, head: 21 });
}

#[test]
fn a_wild_choice_takes_another_part_in_another_order_and_the_same_one_again() {
    let keys: Vec<PrivateKeySigner> = (0..40).map(|place| key_of(&format!("{place}"))).collect();
    let funds: Vec<(Address, U256)> =
        keys.iter().map(|key| (key.address(), U256::from(WEALTH))).collect();
    let mut chain = Chain::new(ID, Settings::default(), 1_000, &funds);
    for key in &keys {
        chain.submit(&transfer(key, 0, 20 * GWEI, GWEI)).unwrap();
    }
    let [one, same, other] =
        [1, 1, 2].map(|seed| hashes(&chain.clone().mine(1_012, &Choice::wild(seed, 400_000))));
    assert_eq!(one, same);
    assert_ne!(one, other);
    assert!((10..=35).contains(&one.len()), "{}", one.len());
    let market = hashes(&chain.mine(1_012, &Choice::ALL));
    let as_market: Vec<B256> = market.into_iter().filter(|tx| one.contains(tx)).collect();
    assert_ne!(as_market, one);
}

#[test]
fn calls_and_estimates_speak_of_the_block_that_is_asked_about() {
    let [key, ..] = people();
    let mut chain = chain(Persona::Geth);
    // Stores the time of its block, then returns what it has stored.
    let runtime = hex!("425f555f545f5260205ff3");
    let creation = [&hex!("6a")[..], &runtime, &hex!("5f52600b6015f3")].concat();
    let wish = Wish {
        to: alloy_primitives::TxKind::Create,
        data: creation.into(),
        value: U256::ZERO,
        gas: 200_000,
        fee_cap: 20 * GWEI,
        tip_cap: 0,
    };
    chain.submit(&Signed::of_wish(&wish, ID, 0, &key)).unwrap();
    let before = Arc::clone(chain.head());
    let block = chain.mine(1_234, &Choice::ALL);
    assert!(block.transactions[0].outcome.is_done());
    let to = key.address().create(0);
    let call = Call { from: key.address(), to, data: Bytes::new(), value: U256::ZERO };
    assert_eq!(chain.call(&before, &call), Ok(Bytes::new()));
    let answer = chain.call(&block, &call).unwrap();
    assert_eq!(U256::from_be_slice(&answer), U256::from(1_234));
    // 21,000, a new slot, little else; what it finds is enough and little less is not.
    let gas = chain.estimate(&block, &call).unwrap();
    assert!((43_000..45_000).contains(&gas), "{gas}");
    let rich = Call { value: U256::from(2 * WEALTH), ..call };
    assert_eq!(chain.estimate(&block, &rich).unwrap_err().class, CallClass::Funds);
}

#[test]
fn forks_of_forks_keep_one_branch_that_counts() {
    let mut chain = chain(Persona::Geth);
    for turn in 0..1_000 {
        chain.mine(0, &Choice::NONE);
        if turn % 10 == 9 {
            let blocks = vec![(0, Choice::NONE); 6];
            let (depth, returned) = (5, Returned::All);
            let branch = Branch { depth, blocks, returned, breaks_finality: false };
            chain.reorganise(&branch).unwrap();
        }
    }
    assert_eq!(chain.abandoned().len(), 100);
    assert_eq!(chain.head().number(), 1_100);
}
