//! A settler between a chain and an outbox that a test plays.

use alloy_primitives::B256;
use tallystick_chain::follow::ScriptedChain;
use tallystick_chain::outbox::{Intent, OutcomeResult, ScriptedOutbox};
use tallystick_chain::view::{HouseEvent, JobEvent};
use tallystick_ports::{ManualClock, MemoryStore};
use tallystick_types::{JobId, WallTime};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::desk::tests::{assigned, config, created, proposed, settled, time};

struct Scene {
    chain: ScriptedChain,
    house: House,
    outbox: ScriptedOutbox,
    handle: OutboxHandle,
    store: MemoryStore,
    clock: Arc<ManualClock>,
}

type Running = JoinHandle<Result<(), SettlementError>>;

impl Scene {
    fn new() -> Self {
        let (chain, house) = ScriptedChain::new(time(0));
        let (outbox, handle) = ScriptedOutbox::new(config().domain.chain);
        let clock = Arc::new(ManualClock::at(WallTime::new(1_000)));
        Self { chain, house, outbox, handle, store: MemoryStore::default(), clock }
    }

    /// A result whose time to be challenged is over.
    fn due(&mut self, id: u8) {
        self.job(id, [created(0), assigned(1), proposed()]);
        self.chain.pass(time(300));
    }

    fn job(&mut self, id: u8, events: impl IntoIterator<Item = JobEvent>) {
        let told = |event| HouseEvent::Job(JobId::new([id; 32]), event);
        self.chain.block(events.into_iter().map(told));
    }

    #[expect(clippy::disallowed_methods, reason = "the test waits for what it starts")]
    fn start(&self) -> (watch::Receiver<SettlerStatus>, Running) {
        let parts = Parts {
            house: self.house.clone(),
            outbox: self.handle.clone(),
            store: Arc::new(self.store.clone()),
            clock: self.clock.clone(),
        };
        let settler = Settler::open(config(), parts).unwrap();
        let status = settler.status();
        (status, tokio::spawn(settler.run(std::future::pending())))
    }

    async fn wish(&mut self) -> Intent {
        timeout(Duration::from_secs(60), self.outbox.next()).await.unwrap().unwrap()
    }

    /// Nothing is handed in, although the settler looks several times.
    async fn silent(&mut self) {
        tokio::time::sleep(5 * TICK).await;
        assert!(self.outbox.try_next().is_none());
    }
}

async fn ended(running: Running) {
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_result_is_paid_once_it_is_due_and_tried_again_only_after_a_wait() {
    let mut scene = Scene::new();
    scene.job(1, [created(0), assigned(1), proposed()]);
    let (mut status, running) = scene.start();
    scene.silent().await;
    scene.chain.pass(time(300));
    let first = scene.wish().await;
    assert!(first.purpose.starts_with("settle"), "{}", first.purpose);
    status.wait_for(|it| it.current && it.handed_in == 1 && it.under_way == 1).await.unwrap();

    scene.outbox.end(first.key, OutcomeResult::Included { tx: B256::ZERO, block: 9 });
    scene.silent().await;
    scene.outbox.end(first.key, OutcomeResult::GaveUp { reason: "no".into() });
    status.wait_for(|it| it.ended == 1 && it.under_way == 0).await.unwrap();
    scene.silent().await;
    scene.clock.pass_ms(60_000);
    let second = scene.wish().await;
    assert_eq!((&second.data, second.to), (&first.data, first.to));
    assert_ne!(second.key, first.key, "a key that is over counts once");

    scene.job(1, [settled()]);
    scene.outbox.end(second.key, OutcomeResult::Superseded);
    status.wait_for(|it| it.ended == 2).await.unwrap();
    scene.clock.pass_ms(86_400_000);
    scene.silent().await;
    ended(running).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_begun_while_the_view_is_behind_the_chain_or_does_not_follow_it() {
    let mut scene = Scene::new();
    scene.due(1);
    let head = scene.house.heights().head;
    scene.chain.status(|it| it.head = Some(head + 3));
    let (mut status, running) = scene.start();
    scene.silent().await;
    scene.chain.status(|it| (it.phase, it.head) = (Phase::Degraded, Some(head)));
    scene.silent().await;
    assert!(!status.borrow().current);
    scene.chain.status(|it| (it.phase, it.head) = (Phase::Follow, Some(head + 2)));
    scene.wish().await;
    status.wait_for(|it| it.current).await.unwrap();
    ended(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_wish_that_could_not_be_kept_is_not_handed_in_and_ends_the_settler() {
    let mut scene = Scene::new();
    scene.due(1);
    scene.store.fail_after(0);
    let (_, running) = scene.start();
    let failed = running.await.unwrap();
    assert!(matches!(failed, Err(SettlementError::Store(StoreError::NoSpace(_)))), "{failed:?}");
    assert!(scene.outbox.try_next().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_the_outbox_had_a_wish_hands_the_same_one_in_again() {
    let mut scene = Scene::new();
    scene.due(1);
    let (_, running) = scene.start();
    // Nobody takes the wish: it is kept, and waits to be handed in.
    tokio::time::sleep(TICK).await;
    ended(running).await;
    let lost = scene.wish().await;
    let (_, running) = scene.start();
    let again = scene.wish().await;
    assert_eq!(again, lost);
    scene.silent().await;
    ended(running).await;

    // What ended while the settler was away is over when it comes back.
    scene.outbox.end(again.key, OutcomeResult::Done { tx: B256::ZERO });
    scene.job(1, [settled()]);
    let (mut status, running) = scene.start();
    assert_eq!(scene.wish().await.key, again.key, "a wish counts once, so saying it is safe");
    status.wait_for(|it| it.ended == 1 && it.under_way == 0).await.unwrap();
    scene.silent().await;
    ended(running).await;
}
