//! What is checked when nothing moves any more, and on the way there.

use tallystick_types::Amount;

use super::{Mode, Role, World};
use crate::cast::Scene;
use crate::disk::StoreLog;
use crate::process::{Mouth, Process};
use tallystick_coordinator::shell::Keeper;
use tallystick_protocol::ledger::Settings as Rules;
use tallystick_scheduler::SchedulingParameters;

impl World {
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

    /// Whether nobody wishes for anything from the chain, and all have read it.
    fn are_quiet(&self) -> bool {
        let head = self.out.chain.head().number();
        self.places.iter().filter_map(|place| place.process.as_ref()).all(|process| {
            let quiet = mouth(process).is_none_or(|mouth| mouth.open_wishes().is_empty());
            let near = process.eyes().house().heights().head.saturating_add(3) >= head;
            quiet && near
        })
    }

    /// Stake of nodes that follow the protocol stays.
    pub(super) fn check_stakes(&mut self) {
        let Some(view) = self.ground.view(u64::MAX) else { return };
        let whole = Amount::new(50_000 * crate::chain::genesis::TLY);
        for place in &self.places {
            let Role::Worker(plan) = &place.role else { continue };
            if !plan.character.is_honest() {
                continue;
            }
            let stake = view.node(plan.seat.node).map(|node| node.stake.active);
            let words = || format!("{} has {stake:?} of {whole}", place.name);
            let kept = stake == Some(whole);
            self.out.tally.oracles.check("no honest node loses stake", kept, words);
        }
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
        self.check_journals();
        if is_over {
            self.purses.check_at_rest(&self.out.chain, &mut self.out.tally.oracles);
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

    /// What every process believes is what the chain says, read anew.
    fn check_views(&mut self) {
        for place in &self.places {
            let Some(process) = &place.process else { continue };
            let house = process.eyes().house();
            let heights = house.heights();
            let block = house.block(heights.head).ok().flatten();
            let known = block.map(|block| tallystick_types::BlockHash::from(block.hash));
            // Who is on a branch that went has to catch up first.
            if known.is_none() || known != self.ground.hash_at(heights.head) {
                continue;
            }
            let fresh = self.ground.view(heights.head);
            let same = fresh.as_deref() == Some(house.read().latest());
            let words = || format!("{} differs at block {}", place.name, heights.head);
            self.out.tally.oracles.check("a view is what a fresh reading says", same, words);
        }
    }

    /// What a coordinator is follows from what it kept.
    fn check_journals(&mut self) {
        for place in &self.places {
            let Some(Process::Coordinator(it)) = &place.process else { continue };
            let log = StoreLog::open(place.machine.log.copy());
            let node_lease = tallystick_types::Seconds::new(30);
            let rules = (Rules { node_lease, ..Rules::default() }, SchedulingParameters::default());
            let again = log.and_then(|log| Keeper::open(log, rules));
            let same = again.is_ok_and(|again| {
                again.machine().ledger().state().digest() == it.rules().ledger().state().digest()
            });
            let words = || format!("{} is not what its journal says", place.name);
            self.out.tally.oracles.check("a machine is what its journal says", same, words);
        }
    }
}

const fn mouth(process: &Process) -> Option<&Mouth> {
    match process {
        Process::Coordinator(it) => Some(it.mouth()),
        Process::Settler(it) => Some(it.mouth()),
        Process::Worker(_) | Process::Client(_) => None,
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
