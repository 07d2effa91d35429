//! How fast the chain is.

use std::sync::Arc;
use std::time::Instant;

use tallystick_sim::chain::genesis::TLY;
use tallystick_sim::chain::{Chain, Settings, Signed};

use crate::job::{Ordered, Shop, mined};

/// Jobs of the measured run, and how many share a block.
const JOBS: u64 = 200;
const BATCH: u64 = 10;

/// Far below what it does, so that it fails only where something is wrong; the figure is printed.
const LEAST_JOBS_A_MINUTE: u128 = 1_000;

#[test]
fn jobs_run_from_order_to_payment_by_the_thousand_a_minute() {
    let shop = Shop::open();
    let mut chain = shop.genesis.chain(Settings::default());
    #[expect(clippy::disallowed_methods, reason = "it measures this machine")]
    let began = Instant::now();
    for round in 0..JOBS / BATCH {
        let now = chain.head().time() + 12;
        let mut ordered: Vec<Ordered> = Vec::new();
        for job in 0..BATCH {
            let (order, tx) = shop.create(&chain, (1 + round * BATCH + job) << 8);
            chain.send(&tx.raw).unwrap();
            ordered.push(order);
        }
        mined(&mut chain, now, ordered.len());
        mine_each(&mut chain, now + 12, &ordered, |chain, job| shop.assign(chain, job));
        let at = chain.head().time();
        mine_each(&mut chain, now + 24, &ordered, |chain, job| shop.propose(chain, job, at));
        mine_each(&mut chain, now + 60, &ordered, |chain, job| shop.settle(chain, job, at));
    }
    let took = began.elapsed();
    assert_eq!(shop.earned(&chain), u128::from(JOBS) * TLY / 20);
    let a_minute = u128::from(JOBS) * 60_000 / took.as_millis().max(1);
    println!("{JOBS} jobs of four transactions in {took:?}: {a_minute} jobs a minute");
    assert!(a_minute > LEAST_JOBS_A_MINUTE, "{a_minute}");
}

fn mine_each(
    chain: &mut Chain,
    now: u64,
    jobs: &[Ordered],
    tx: impl Fn(&Chain, &Ordered) -> Arc<Signed>,
) {
    for job in jobs {
        let tx = tx(chain, job);
        chain.send(&tx.raw).unwrap();
    }
    mined(chain, now, jobs.len());
}
