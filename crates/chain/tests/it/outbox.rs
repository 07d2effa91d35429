//! Wishes on a real chain: each takes effect once.

use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use alloy::consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use serde_json::json;
use tallystick_chain::endpoint::{Endpoint, NonceAt};
use tallystick_chain::ingest::Finality;
use tallystick_chain::keys::{EvmSigner, LocalKey};
use tallystick_chain::outbox::{
    Halt, Intent, IntentKey, IntentStatus, LaneState, Outbox, OutboxHandle, OutcomeResult, Parts,
    Seq, Settings,
};
use tallystick_ports::{ManualClock, MemoryStore};
use tallystick_types::{ChainId, WallTime};

use crate::anvil::Anvil;

const CHAIN: u64 = 31_337;
const GWEI: u128 = 1_000_000_000;

/// A chain, an account with funds, and what the account's outbox keeps.
struct House {
    anvil: Anvil,
    key: LocalKey,
    store: MemoryStore,
    clock: Arc<ManualClock>,
}

impl House {
    async fn new() -> Self {
        let (anvil, key) = (Anvil::start(), LocalKey::random());
        // Blocks come when a test wants them, and no sooner.
        anvil.ask("evm_setAutomine", json!([false])).await;
        let funds = U256::from(10).pow(U256::from(20));
        anvil.ask("anvil_setBalance", json!([key.address(), funds])).await;
        let clock = Arc::new(ManualClock::at(WallTime::new(1_750_000_000_000)));
        Self { anvil, key, store: MemoryStore::default(), clock }
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::new(&self.anvil.url, Duration::from_secs(10)).unwrap()
    }

    /// Opens the outbox and runs it for as long as a scene takes.
    async fn run<F: Future<Output = ()>>(&self, scene: impl FnOnce(OutboxHandle) -> F) {
        let settings = Settings {
            in_flight: 4,
            look_every_ms: 100,
            raise_after_ms: 1_000,
            resend_after_ms: 1_000,
            ..Settings::new(ChainId::new(CHAIN), self.key.address())
        };
        let parts = Parts {
            store: Arc::new(self.store.clone()),
            clock: self.clock.clone(),
            signer: Arc::new(self.key.clone()),
            endpoints: vec![self.endpoint()],
            finality: Finality::Depth { safe: 1, last: 2 },
        };
        let (outbox, handle) = Outbox::open(settings, parts).unwrap();
        let scene = tokio::time::timeout(Duration::from_secs(50), scene(handle));
        tokio::select! {
            stopped = outbox.run(pending()) => panic!("it stopped: {stopped:?}"),
            scene = scene => scene.expect("the scene ends in time"),
        }
    }

    /// Blocks come until something holds.
    async fn mine_until(&self, base_fee: u128, holds: impl Fn() -> bool) {
        while !holds() {
            let fee = json!([format!("{base_fee:#x}")]);
            self.anvil.ask("anvil_setNextBlockBaseFeePerGas", fee).await;
            self.anvil.ask("evm_mine", json!([])).await;
            self.clock.pass_ms(200);
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    }
}

/// To give so many wei to an account that nobody else gives to.
fn gift(number: u64) -> Intent {
    let to = Address::left_padding_from(&(0xbeef_0000 + number).to_be_bytes());
    Intent {
        key: IntentKey::of(ChainId::new(CHAIN), to, "gift", &number.to_be_bytes()),
        to,
        data: Bytes::new(),
        value: U256::from(number + 1),
        deadline: None,
        max_fee_per_gas: 500 * GWEI,
        guard: None,
        purpose: format!("gift {number}"),
    }
}

fn done(handle: &OutboxHandle) -> Vec<(IntentKey, B256)> {
    let outcomes = handle.outcomes(Seq(0), usize::MAX).unwrap();
    let done = outcomes.into_iter().filter_map(|(_, outcome)| match outcome.result {
        OutcomeResult::Done { tx } => Some((outcome.key, tx)),
        OutcomeResult::Included { .. } => None,
        other => panic!("{other:?}"),
    });
    done.collect()
}

#[tokio::test]
async fn twenty_wishes_take_effect_once_across_restarts() {
    let house = House::new().await;
    house
        .run(|handle| {
            let house = &house;
            async move {
                for number in 0..20 {
                    handle.enqueue(gift(number)).await.unwrap();
                    handle.enqueue(gift(number)).await.unwrap();
                }
                house.mine_until(GWEI, || done(&handle).len() >= 5).await;
                // What is under way now is cut off.
                assert!(done(&handle).len() < 20);
            }
        })
        .await;
    house
        .run(|handle| {
            let house = &house;
            async move {
                handle.enqueue(gift(0)).await.unwrap();
                house.mine_until(GWEI, || done(&handle).len() >= 12).await;
            }
        })
        .await;
    house
        .run(|handle| {
            let house = &house;
            async move {
                house.mine_until(GWEI, || done(&handle).len() >= 20).await;
                let first = handle.status(gift(0).key).unwrap();
                assert!(matches!(first, Some(IntentStatus::Ended(_))), "{first:?}");
                assert_eq!(handle.watch().borrow().wishes.len(), 0);
            }
        })
        .await;
    let endpoint = house.endpoint();
    for number in 0..20 {
        let given = endpoint.balance(gift(number).to).await.unwrap();
        assert_eq!(given, gift(number).value, "gift {number}");
    }
    let account = house.key.address();
    assert_eq!(endpoint.nonce(account, NonceAt::Pending).await.unwrap(), 20);
}

#[tokio::test]
async fn a_price_that_is_too_low_is_raised() {
    let house = House::new().await;
    house
        .run(|handle| {
            let house = &house;
            async move {
                handle.enqueue(gift(0)).await.unwrap();
                let key = gift(0).key;
                let sent = |handle: &OutboxHandle| {
                    let status = handle.status(key).unwrap();
                    matches!(status, Some(IntentStatus::Broadcast { .. }))
                };
                // Signed for about one gwei; then a hundred are asked.
                while !sent(&handle) {
                    house.clock.pass_ms(200);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                house.mine_until(100 * GWEI, || !done(&handle).is_empty()).await;
                let (_, tx) = done(&handle)[0];
                let receipt = house.endpoint().receipt(tx).await.unwrap().unwrap();
                assert!(receipt.gas_price >= 100 * GWEI, "{receipt:?}");
            }
        })
        .await;
    let endpoint = house.endpoint();
    assert_eq!(endpoint.balance(gift(0).to).await.unwrap(), gift(0).value);
    assert_eq!(endpoint.nonce(house.key.address(), NonceAt::Pending).await.unwrap(), 1);
}

#[tokio::test]
async fn somebody_else_at_the_account_halts_the_lane() {
    let house = House::new().await;
    house
        .run(|handle| {
            let house = &house;
            async move {
                handle.enqueue(gift(0)).await.unwrap();
                house.mine_until(GWEI, || !done(&handle).is_empty()).await;
                let foreign = house.key.sign_transaction(TxEip1559 {
                    chain_id: CHAIN,
                    nonce: 1,
                    gas_limit: 21_000,
                    max_fee_per_gas: 10 * GWEI,
                    max_priority_fee_per_gas: GWEI,
                    to: TxKind::Call(Address::ZERO),
                    ..TxEip1559::default()
                });
                let raw = foreign.unwrap().raw;
                house.endpoint().send_raw(&raw).await.unwrap().unwrap();
                handle.enqueue(gift(1)).await.unwrap();
                let halted = LaneState::Halted(Halt::ForeignNonce { nonce: 1 });
                let board = handle.watch();
                house.mine_until(GWEI, || board.borrow().lane == halted).await;
            }
        })
        .await;
}
