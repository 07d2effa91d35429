//! Shares of amounts and their rounding.

use serde_json::{Value, json};
use tallystick_types::{Amount, Ppm, Ratio};

use super::sample::{CASES, Sample};

pub(super) fn cases() -> Value {
    let edges = [0, 1, 999_999, 1_000_000, 1_000_001, u128::MAX].map(Amount::new);
    let shares = [0, 1, 333_333, 999_999, 1_000_000].map(share);
    let mut pairs: Vec<(Amount, Ppm)> = Vec::new();
    for amount in edges {
        pairs.extend(shares.map(|share| (amount, share)));
    }
    for case in 0..CASES {
        let mut sample = Sample::new("shares", case);
        pairs.push((sample.amount(128), sample.share()));
    }
    let shares: Vec<Value> = pairs
        .into_iter()
        .map(|(amount, share)| {
            json!({
                "amount": amount,
                "ppm": share.get(),
                "down": amount.share_down(share),
                "up": amount.share_up(share),
            })
        })
        .collect();
    json!({ "shares": shares, "ratios": ratios() })
}

/// Ratios above the whole, which only ever round up.
fn ratios() -> Vec<Value> {
    (0..CASES)
        .map(|case| {
            let mut sample = Sample::new("ratios", case);
            let amount = sample.amount(96);
            let ppm = u32::try_from(sample.number(32)).expect("32 bits fit");
            let up = amount.scale_up(Ratio::new(ppm)).expect("96 and 32 bits fit 128");
            json!({ "amount": amount, "ppm": ppm, "up": up })
        })
        .collect()
}

fn share(parts: u32) -> Ppm {
    Ppm::new(parts).expect("the list holds shares only")
}
