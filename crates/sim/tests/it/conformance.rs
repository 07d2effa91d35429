//! One script on the simulated chain and on Anvil: what both answer is compared.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use serde_json::json;
use tallystick_abi::Contract;
use tallystick_chain::endpoint::{BlockRef, Call, Endpoint, NonceAt, SendClass};
use tallystick_sim::chain::genesis::{CHAIN, EPOCH, key_of};
use tallystick_sim::chain::{Block, Branch, Chain, Choice, Returned, Settings, Signed, Wish};

use crate::anvil::Anvil;
use crate::job::{Ordered, Shop};

/// As in the block that deploys the house, so that base fees follow the same way.
const GAS_LIMIT: u64 = 1_000_000_000;

/// The same chain twice.
struct Twins {
    shop: Shop,
    ours: Chain,
    theirs: Anvil,
    endpoint: Endpoint,
    now: u64,
}

impl Twins {
    /// Plays the genesis on Anvil, and compares every block.
    async fn new() -> Self {
        let shop = Shop::open();
        let settings = Settings { gas_limit: GAS_LIMIT, ..Settings::default() };
        let ours = shop.genesis.chain(settings);
        let theirs = Anvil::start(CHAIN, EPOCH, GAS_LIMIT);
        let endpoint = Endpoint::new(&theirs.url, Duration::from_secs(20)).unwrap();
        let treasury = shop.genesis.treasury.address();
        let wealth = U256::MAX >> 8;
        theirs.ask("anvil_setBalance", json!([treasury, wealth])).await;
        // Anvil lets the block after the first have the first one's base fee.
        let first = ours.block_at(ours.head(), 1).unwrap().header.base_fee_per_gas;
        theirs.ask("anvil_setNextBlockBaseFeePerGas", json!([first])).await;
        let now = ours.head().time();
        let twins = Self { shop, ours, theirs, endpoint, now };
        for number in 1..=twins.ours.head().number() {
            let block = twins.ours.block_at(twins.ours.head(), number).unwrap();
            for mined in &block.transactions {
                twins.endpoint.send_raw(&mined.tx.raw).await.unwrap().unwrap();
            }
            twins.theirs.mine(block.time()).await;
            twins.compare(block).await;
        }
        twins
    }

    /// Sends to both; what both say against it.
    async fn send(&mut self, tx: &Signed) -> Option<SendClass> {
        let ours = self.ours.send(&tx.raw).err();
        let theirs = self.endpoint.send_raw(&tx.raw).await.unwrap();
        assert_eq!(ours, theirs.err().map(|refusal| refusal.class));
        ours
    }

    async fn mine(&mut self, seconds: u64) -> Arc<Block> {
        self.now += seconds;
        let block = self.ours.mine(self.now, &Choice::ALL);
        self.theirs.mine(self.now).await;
        self.compare(&block).await;
        block
    }

    /// Everything in which blocks of different chains can be equal.
    async fn compare(&self, block: &Block) {
        let number = block.number();
        let header = self.endpoint.header(BlockRef::Number(number)).await.unwrap().unwrap();
        assert_eq!(header.timestamp, block.header.timestamp, "block {number}");
        assert_eq!(header.gas_used, block.header.gas_used, "block {number}");
        assert_eq!(header.base_fee_per_gas, block.header.base_fee_per_gas, "block {number}");
        assert_eq!(header.transactions_root, block.header.transactions_root, "block {number}");
        assert_eq!(header.receipts_root, block.header.receipts_root, "block {number}");
        assert_eq!(header.logs_bloom, block.header.logs_bloom, "block {number}");
        let receipts = self.endpoint.receipts(header.hash).await.unwrap();
        assert_eq!(receipts, block.receipts.to_vec(), "block {number}");
        for mined in &block.transactions {
            let receipt = self.endpoint.receipt(mined.tx.hash).await.unwrap().unwrap();
            assert_eq!(receipt.success, mined.outcome.is_done());
            assert_eq!(receipt.gas_used, mined.gas_used);
            assert_eq!(receipt.gas_price, mined.gas_price);
        }
        let fees = self.endpoint.fees().await.unwrap();
        assert_eq!(fees.base_fee, u128::from(block.next_base_fee().max(7)), "after {number}");
    }

    /// Nonces and coins of an account.
    async fn compare_account(&self, account: Address) {
        let head = self.ours.head();
        let latest = self.endpoint.nonce(account, NonceAt::Latest).await.unwrap();
        assert_eq!(latest, self.ours.nonce(head, account));
        let pending = self.endpoint.nonce(account, NonceAt::Pending).await.unwrap();
        assert_eq!(pending, self.ours.pending_nonce(head, account));
        let coins = self.endpoint.balance(account).await.unwrap();
        assert_eq!(coins, self.ours.balance(head, account));
    }

    /// Estimates and call results of both. Estimates differ by the steps of the search, and for
    /// them Anvil's clock goes on after the newest block, so that only the kind of a refusal is
    /// the same.
    async fn compare_call(&self, call: &Call) {
        let head = self.ours.head();
        let at = BlockRef::Number(head.number());
        let theirs = self.endpoint.call_at(call, at).await.unwrap();
        match (self.ours.call(head, call), theirs) {
            (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs),
            (Err(ours), Err(theirs)) => {
                assert_eq!((ours.class, ours.data), (theirs.class, theirs.data));
            }
            (ours, theirs) => panic!("{ours:?} {theirs:?}"),
        }
        let theirs = self.endpoint.estimate_gas(call).await.unwrap();
        match (self.ours.estimate(head, call), theirs) {
            (Ok(ours), Ok(theirs)) => {
                assert!(ours.abs_diff(theirs) <= theirs / 20, "{ours} {theirs}");
            }
            (Err(ours), Err(theirs)) => {
                assert_eq!((ours.class, &ours.data[..4]), (theirs.class, &theirs.data[..4]));
            }
            (ours, theirs) => panic!("{ours:?} {theirs:?}"),
        }
    }

    fn settling(&self, ordered: &Ordered, at: u64) -> Call {
        Call {
            from: key_of("settler").address(),
            to: self.shop.genesis.deployment.address(Contract::JobManager),
            data: Shop::settle_call(ordered, at).abi_encode().into(),
            value: U256::ZERO,
        }
    }

    /// A transfer of one wei from the client to nobody.
    fn transfer(&self, nonce: u64, change: impl FnOnce(&mut Wish)) -> Arc<Signed> {
        let mut wish = Wish {
            to: Address::repeat_byte(0xee).into(),
            data: Bytes::new(),
            value: U256::ONE,
            gas: 21_000,
            fee_cap: 40_000_000_000,
            tip_cap: 1_000_000_000,
        };
        change(&mut wish);
        Signed::of_wish(&wish, CHAIN, nonce, &self.shop.client)
    }
}

#[tokio::test]
async fn a_job_runs_on_anvil_as_on_the_simulated_chain_to_the_last_unit_of_gas() {
    let mut twins = Twins::new().await;
    let (ordered, tx) = twins.shop.create(&twins.ours, 1);
    assert_eq!(twins.send(&tx).await, None);
    twins.mine(12).await;
    let tx = twins.shop.assign(&twins.ours, &ordered);
    assert_eq!(twins.send(&tx).await, None);
    let at = twins.mine(12).await.time();
    let tx = twins.shop.propose(&twins.ours, &ordered, at);
    assert_eq!(twins.send(&tx).await, None);
    twins.mine(12).await;
    // Too early: both say so, in the contract's words, and it fails in a block of both.
    twins.compare_call(&twins.settling(&ordered, at)).await;
    let early = twins.shop.settle(&twins.ours, &ordered, at);
    assert_eq!(twins.send(&early).await, None);
    let block = twins.mine(1).await;
    assert!(!block.transactions[0].outcome.is_done());
    twins.mine(60).await;
    twins.compare_call(&twins.settling(&ordered, at)).await;
    let tx = twins.shop.settle(&twins.ours, &ordered, at);
    assert_eq!(twins.send(&tx).await, None);
    let block = twins.mine(1).await;
    assert!(block.transactions[0].outcome.is_done());
    assert!(twins.shop.earned(&twins.ours) > 0);
    twins.compare_account(key_of("settler").address()).await;
}

#[tokio::test]
async fn pools_of_both_take_replace_refuse_and_keep_waiting_the_same() {
    let mut twins = Twins::new().await;
    let client = twins.shop.client.address();
    let next = twins.ours.nonce(twins.ours.head(), client);
    let first = twins.transfer(next, |_| {});
    assert_eq!(twins.send(&first).await, None);
    assert_eq!(twins.send(&first).await, Some(SendClass::AlreadyKnown));
    let little = twins.transfer(next, |wish| wish.fee_cap -= 1);
    assert_eq!(twins.send(&little).await, Some(SendClass::Underpriced));
    let enough = twins.transfer(next, |wish| {
        wish.fee_cap += wish.fee_cap / 8;
        wish.tip_cap += wish.tip_cap / 8;
    });
    assert_eq!(twins.send(&enough).await, None);
    let gap = twins.transfer(next + 2, |_| {});
    assert_eq!(twins.send(&gap).await, None);
    twins.compare_account(client).await;
    let block = twins.mine(12).await;
    assert_eq!(block.transactions.len(), 1);
    assert_eq!(block.transactions[0].tx.hash, enough.hash);
    let filling = twins.transfer(next + 1, |_| {});
    assert_eq!(twins.send(&filling).await, None);
    twins.compare_account(client).await;
    assert_eq!(twins.mine(12).await.transactions.len(), 2);
    assert_eq!(twins.send(&first).await, Some(SendClass::NonceTooLow));

    let costly = twins.transfer(next + 3, |wish| wish.value = U256::MAX >> 4);
    assert_eq!(twins.send(&costly).await, Some(SendClass::Funds));
    let short = twins.transfer(next + 3, |wish| wish.gas = 20_000);
    assert_eq!(twins.send(&short).await, Some(SendClass::Gas));
    let endless = twins.transfer(next + 3, |wish| wish.gas = GAS_LIMIT + 1);
    assert_eq!(twins.send(&endless).await, Some(SendClass::Gas));
    let foreign = Signed::of_wish(
        &Wish {
            to: Address::ZERO.into(),
            data: Bytes::new(),
            value: U256::ZERO,
            gas: 21_000,
            fee_cap: 40_000_000_000,
            tip_cap: 0,
        },
        CHAIN + 1,
        next + 3,
        &twins.shop.client,
    );
    assert_eq!(twins.send(&foreign).await, Some(SendClass::Identity));
    twins.compare_account(client).await;
}

#[tokio::test]
async fn after_a_reorganisation_both_have_forgotten_what_was_taken_back() {
    let mut twins = Twins::new().await;
    let client = twins.shop.client.address();
    for _ in 0..10 {
        twins.mine(12).await;
    }
    let next = twins.ours.nonce(twins.ours.head(), client);
    let tx = twins.transfer(next, |_| {});
    twins.send(&tx).await;
    twins.mine(12).await;
    let old = twins.mine(12).await;
    for (level, number) in [
        (BlockRef::Safe, twins.ours.safe_number()),
        (BlockRef::Finalized, twins.ours.final_number()),
    ] {
        let header = twins.endpoint.header(level).await.unwrap().unwrap();
        assert_eq!(header.number, number, "{level:?}");
    }
    // Anvil's tool for this never lets the transactions wait again.
    let blocks = vec![(0, Choice::NONE); 2];
    let (depth, returned) = (2, Returned::None);
    let branch = Branch { depth, blocks, returned, breaks_finality: false };
    twins.ours.reorganise(&branch).unwrap();
    twins.theirs.ask("anvil_reorg", json!([depth, []])).await;
    let head = Arc::clone(twins.ours.head());
    assert_eq!(twins.endpoint.block_number().await.unwrap(), head.number());
    assert!(twins.ours.receipt(&head, tx.hash).is_none());
    assert_eq!(twins.endpoint.receipt(tx.hash).await.unwrap(), None);
    twins.compare_account(client).await;
    assert_ne!(old.hash(), head.hash());
    assert_eq!(twins.send(&tx).await, None);
    twins.compare_account(client).await;
}
