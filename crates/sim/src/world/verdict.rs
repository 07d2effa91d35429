//! What is checked when nothing moves any more, and on the way there.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tallystick_chain::view::JobEvent;
use tallystick_types::JobId;

use super::{Mode, World};
use crate::cast::Scene;
use crate::process::{Mouth, Process};

/// What is said of a simulation that did not end by itself.
pub const PANIC: &str = "a process panics";

impl World {
    /// What was paid is what the client agreed to.
    pub(super) fn check_prices(&mut self, events: &[(JobId, JobEvent)]) {
        for (job, event) in events {
            let JobEvent::Settled { paid, .. } = event else { continue };
            let view = self.ground.view(u64::MAX).unwrap_or_default();
            let price = view.job(*job).map(|it| it.order.terms.price.max_price());
            self.out.tally.oracles.check_price(*job, *paid, price);
        }
    }

    /// Lets every disk say that it synced what it did not: a fault that must be noticed.
    pub fn let_disks_lie(&self) {
        for place in &self.places {
            place.machine.disk.lie();
            place.machine.log.lie();
        }
    }

    /// Whether everything that was begun has ended.
    pub(super) fn is_over(&self) -> bool {
        if self.mode == Mode::Safety {
            return false;
        }
        let content = |place: &super::Place| match &place.process {
            Some(Process::Client(client)) => client.is_content(),
            Some(_) => true,
            None => place.is_gone,
        };
        let waits_for_fault = !self.is_healed && self.places.iter().any(|it| it.generation > 1);
        if waits_for_fault || !self.places.iter().all(content) {
            return false;
        }
        let Some(view) = self.ground.view(self.out.chain.final_number()) else { return false };
        let Some(latest) = self.ground.view(u64::MAX) else { return false };
        let over = view.jobs().all(|job| job.state.is_final());
        over && view.jobs().count() == latest.jobs().count() && self.are_quiet()
    }

    /// Whether nobody wishes for anything from the chain, and all have read it: what happened to
    /// jobs as final, too.
    fn are_quiet(&self) -> bool {
        let head = self.out.chain.head().number();
        self.places.iter().filter_map(|place| place.process.as_ref()).all(|process| {
            let quiet = mouth(process).is_none_or(|mouth| mouth.open_wishes().is_empty());
            let heights = process.eyes().house().heights();
            let near = heights.head.saturating_add(3) >= head;
            quiet && near && heights.last >= self.out.tally.oracles.history().newest()
        })
    }

    /// The last word on a simulation.
    pub(super) fn judge(&mut self, is_over: bool) {
        if self.out.tally.oracles.failure().is_some() {
            return;
        }
        if self.mode == Mode::Liveness {
            let words = self.unfinished();
            self.out.tally.oracles.check("everything ends once all is well", is_over, || words);
        }
        self.check_views();
        self.check_anew();
        self.check_lapses();
        self.check_halts();
        if is_over {
            self.check_reasons();
            self.purses.check_at_rest(&self.out.chain, &mut self.out.tally.oracles);
            let view = self.ground.view(u64::MAX).unwrap_or_default();
            self.out.tally.oracles.check_ends(&view);
        }
    }

    fn unfinished(&self) -> String {
        let view = self.ground.view(u64::MAX).unwrap_or_default();
        let jobs = view.jobs().filter(|job| !job.state.is_final());
        let jobs: Vec<String> =
            jobs.map(|job| format!("job {} is {:?}", job.id, job.state)).collect();
        let wishes = self.places.iter().filter_map(|place| {
            let mouth = mouth(place.process.as_ref()?)?;
            let (state, open) = (mouth.state(), mouth.open_wishes().len());
            (open > 0).then(|| format!("{} has {open} wishes, {state:?}", place.name))
        });
        let wishes: Vec<String> = wishes.collect();
        let heads = self.places.iter().filter_map(|place| {
            let eyes = place.process.as_ref()?.eyes();
            Some(format!(
                "{} at {} {:?}",
                place.name,
                eyes.house().heights().head,
                eyes.status().phase
            ))
        });
        let heads: Vec<String> = heads.collect();
        let head = self.out.chain.head().number();
        format!("{jobs:?}; {wishes:?}; head {head}, {heads:?}")
    }
}

const fn mouth(process: &Process) -> Option<&Mouth> {
    match process {
        Process::Coordinator(it) => Some(it.mouth()),
        Process::Settler(it) => Some(it.mouth()),
        Process::Client(it) => Some(it.mouth()),
        Process::Worker(_) => None,
    }
}

/// A scene and a mode to its end.
pub fn simulate(
    scene: &Scene,
    mode: Mode,
    traced: bool,
) -> Result<super::Outcome, crate::chain::genesis::GenesisError> {
    Ok(World::new(scene, mode, traced)?.run(scene.seed))
}

/// The same; nothing where it panics, which is a finding like any other.
pub fn attempt(
    scene: &Scene,
    mode: Mode,
    traced: bool,
) -> Option<Result<super::Outcome, crate::chain::genesis::GenesisError>> {
    // Whatever a run leaves behind in the middle, nobody looks at it again.
    catch_unwind(AssertUnwindSafe(|| simulate(scene, mode, traced))).ok()
}
