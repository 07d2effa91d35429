//! Machines that are cut off from all others, or do not reach one of them.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::storm::Census;
use super::town::{CLIENT, Town, WORKERS};
use super::{ChaosError, Finding};
use crate::dice::Dice;
use crate::machines::Machines;

/// Between two cuts.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_millis(3_000));
/// How long a cut lasts.
const CUT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(20));

/// One line that is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cut {
    /// The machine has no cable.
    Cable(String),
    /// Its packets to another one vanish, or those to the chain; the way back is open.
    Route(String, Option<String>),
}

/// A machine for each process of a town.
pub(super) fn machines(folder: &Path) -> Result<Arc<Machines>, ChaosError> {
    let folder = folder.with_file_name("machines");
    fs::create_dir_all(&folder).map_err(|source| ChaosError::files(&folder, source))?;
    let workers = (1..=WORKERS).map(|number| format!("worker-{number}"));
    let others = ["coordinator-1", "archive", "settler", CLIENT].map(str::to_owned);
    let names: Vec<String> = others.into_iter().chain(workers).collect();
    Ok(Arc::new(Machines::make(&names, &folder)?))
}

/// Cuts so many lines, and mends all of them in the end.
pub(super) async fn cut(
    (seed, cuts): (u64, u64),
    town: &Town,
    machines: &Machines,
    say: &dyn Fn(&str),
) -> Result<(Census, Vec<Finding>), ChaosError> {
    let (mut dice, began) = (Dice::of(seed, "partitions"), Instant::now());
    let (mut census, names) = (Census::default(), town.names());
    let mut open: Vec<(Instant, Cut)> = Vec::new();
    let mut next = Instant::now();
    while census.unplugged + census.vanished < cuts || !open.is_empty() {
        let now = Instant::now();
        let (due, later): (Vec<_>, Vec<_>) = open.into_iter().partition(|(at, _)| *at <= now);
        open = later;
        for (_, cut) in due {
            cut.set(machines, false)?;
        }
        if now >= next && census.unplugged + census.vanished < cuts {
            next = now + dice.between(PAUSE.0, PAUSE.1);
            let cut = draw(&mut dice, &names);
            if !open.iter().any(|(_, other)| *other == cut) {
                cut.set(machines, true)?;
                let seconds = began.elapsed().as_secs();
                match &cut {
                    Cut::Cable(name) => {
                        say(&format!("{seconds:>5} s  pull the cable of {name}"));
                        census.unplugged += 1;
                    }
                    Cut::Route(name, other) => {
                        let other = other.as_deref().unwrap_or("the chain");
                        say(&format!("{seconds:>5} s  nothing from {name} to {other}"));
                        census.vanished += 1;
                    }
                }
                open.push((now + dice.between(CUT.0, CUT.1), cut));
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok((census, Vec::new()))
}

fn draw(dice: &mut Dice, names: &[String]) -> Cut {
    let name = dice.one(names).cloned().unwrap_or_default();
    if dice.below(2) == 0 {
        return Cut::Cable(name);
    }
    let other = dice.one(names).filter(|other| **other != name).cloned();
    Cut::Route(name, other)
}

impl Cut {
    fn set(&self, machines: &Machines, is_cut: bool) -> Result<(), ChaosError> {
        match self {
            Self::Cable(name) => machines.set_plugged(name, !is_cut)?,
            Self::Route(name, other) => machines.set_blackhole(name, other.as_deref(), is_cut)?,
        }
        Ok(())
    }
}
