//! Whether the books of every process, of the chain and of the simulation say the same.

#[cfg(test)]
mod tests;

use tallystick_chain::ingest::Phase;
use tallystick_protocol::ledger::{CloseReason, Settlement, check_invariants};
use tallystick_types::{BlockHash, JobId};

use super::{Milliseconds, Role, STORM, World};
use crate::cast::STAKE;
use crate::oracles::{JobEnd, Lapse};
use crate::process::Process;

/// Time after which whoever could see that the chain went back on a final block has halted.
const NOTICE: Milliseconds = 60_000;

impl World {
    /// Each node has the stake it brought, less what its lies and its lapsed leases cost.
    pub(super) fn check_stakes(&mut self) {
        let Some(view) = self.ground.view(u64::MAX) else { return };
        let accounts = self.out.tally.oracles.history().accounts();
        for place in &self.places {
            let (seat, honest) = match &place.role {
                Role::Worker(plan) => (plan.seat, plan.character.is_honest()),
                Role::Coordinator(plan) => (plan.seat, false),
                Role::Settler(_) | Role::Client(_) => continue,
            };
            let lost = accounts.get(&seat.node).map_or(0, |account| account.lost);
            let stake = view.node(seat.node).map(|node| {
                let it = &node.stake;
                it.active.get().saturating_add(it.pending.get()).saturating_add(it.thawing.get())
            });
            let oracles = &mut self.out.tally.oracles;
            let whole = stake == Some(STAKE.saturating_sub(lost));
            oracles.check("a node has its stake, less what it forfeited", whole, || {
                format!("{} has {stake:?} of {STAKE} and forfeited {lost}", place.name)
            });
            if honest {
                let words = || format!("{} lost {lost}", place.name);
                oracles.check("no honest node loses stake", lost == 0, words);
            }
        }
    }

    /// What every process believes is what the chain says, read anew, and its money adds up.
    pub(super) fn check_views(&mut self) {
        for place in &self.places {
            let Some(process) = &place.process else { continue };
            let house = process.eyes().house();
            let heights = house.heights();
            let block = house.block(heights.head).ok().flatten();
            let known = block.map(|block| BlockHash::from(block.hash));
            // Who is on a branch that went has to catch up first.
            if known.is_none() || known != self.ground.hash_at(heights.head) {
                continue;
            }
            let (views, oracles) = (house.read(), &mut self.out.tally.oracles);
            let fresh = self.ground.view(heights.head);
            let same = fresh.as_deref() == Some(views.latest());
            let words = || format!("{} differs at block {}", place.name, heights.head);
            oracles.check("a view is what a fresh reading says", same, words);
            let fresh = self.ground.view(heights.last);
            let same = fresh.as_deref() == Some(views.final_()) || oracles.finality_broke;
            let words = || format!("{} differs at block {}, final", place.name, heights.last);
            oracles.check("a final view is what a fresh reading says", same, words);
            let block = block.and_then(|block| self.out.chain.block(block.hash)).cloned();
            if let Some(block) = block {
                self.purses.check_view(&self.out.chain, &block, views.latest(), oracles);
            }
        }
    }

    /// Whoever begins on a copy of what a process kept is that process.
    pub(super) fn check_anew(&mut self) {
        for place in &self.places {
            let Some(process) = &place.process else { continue };
            let oracles = &mut self.out.tally.oracles;
            let difference = match place.open(&place.machine.copy()) {
                Ok(again) => process.differs(&again).map(str::to_owned),
                Err(end) => Some(end.to_string()),
            };
            let words = || format!("{}: {}", place.name, difference.as_deref().unwrap_or_default());
            let name = "a process is what it would be from what it kept";
            oracles.check(name, difference.is_none(), words);
            if let Process::Coordinator(it) = process {
                let broken = check_invariants(it.rules().ledger().state()).err();
                oracles.check(
                    "the ledger of a coordinator keeps its rules",
                    broken.is_none(),
                    || format!("{}: {broken:?}", place.name),
                );
            }
        }
    }

    /// A coordinator that was there, and could reach the chain, lost no lease.
    pub(super) fn check_lapses(&mut self) {
        let lapses: Vec<Lapse> = self.out.tally.oracles.history().lapses().collect();
        for lapse in lapses {
            let excused = self.is_excused(&lapse);
            self.out.tally.oracles.check("a lease lapses for a reason alone", excused, || {
                format!("coordinator {} let {lapse:?} lapse", lapse.coordinator.node)
            });
        }
    }

    fn is_excused(&self, lapse: &Lapse) -> bool {
        let (taken, over) = (lapse.taken.get() * 1_000, lapse.over.get() * 1_000);
        let stormy = self.climate.chain || self.climate.endpoints;
        if stormy && taken < self.began.saturating_add(STORM) {
            return true;
        }
        let holds = |pid: usize| match self.places.get(pid).map(|place| &place.role) {
            Some(Role::Coordinator(plan)) => plan.seat.node == lapse.coordinator.node,
            _ => false,
        };
        let mut away = self.away.iter().filter(|(pid, _, _)| holds(*pid));
        away.any(|(_, from, to)| *from < over && to.is_none_or(|to| to > taken))
    }

    /// Where the chain went back on what a process took for final, it halted.
    pub(super) fn check_halts(&mut self) {
        let Some(broke) = self.broke else { return };
        for (pid, place) in self.places.iter().enumerate() {
            let Some(process) = &place.process else { continue };
            let back = self.away.iter().filter(|(away, ..)| *away == pid);
            let since = back.filter_map(|(.., until)| *until).fold(broke, Milliseconds::max);
            if self.out.now() < since.saturating_add(NOTICE) {
                continue;
            }
            let (house, status) = (process.eyes().house(), process.eyes().status());
            let last = house.heights().last;
            let known = house.block(last).ok().flatten().map(|it| BlockHash::from(it.hash));
            // Who could not see it goes on until then.
            let saw = status.phase != Phase::Degraded && known.is_some();
            if !saw || known == self.ground.hash_at(last) {
                continue;
            }
            let halted = matches!(status.phase, Phase::Halted(_));
            let words = || format!("{} is {:?}", place.name, status.phase);
            let name = "who took for final what is not halts";
            self.out.tally.oracles.check(name, halted, words);
        }
    }

    /// Every job ended with a reason, and every coordinator that knows it says the same.
    pub(super) fn check_reasons(&mut self) {
        let jobs: Vec<JobId> = self.out.tally.oracles.history().jobs().collect();
        for job in jobs {
            let end = self.out.tally.oracles.end_of(job);
            let told = !matches!(end, None | Some(JobEnd::Refunded(None)));
            self.out.tally.oracles.check(
                "a job is settled, or refunded for a reason",
                told,
                || format!("job {job} ended as {end:?}"),
            );
            for place in &self.places {
                let Some(Process::Coordinator(it)) = &place.process else { continue };
                let Some(known) = it.rules().ledger().job(job) else { continue };
                let why = known.why().closed.map(|(reason, _)| reason);
                let agrees = agrees(end, known.settlement, why);
                let name = "a coordinator explains the end of a job as the chain does";
                self.out.tally.oracles.check(name, agrees, || {
                    let settlement = known.settlement;
                    format!("{}: job {job} is {settlement:?} for {why:?}, {end:?}", place.name)
                });
            }
        }
    }
}

fn agrees(end: Option<JobEnd>, settlement: Settlement, why: Option<CloseReason>) -> bool {
    let Some(why) = why else { return false };
    match end {
        Some(JobEnd::Settled(_)) => {
            settlement == Settlement::Settled && why != CloseReason::RefundedOnChain
        }
        Some(JobEnd::Refunded(_)) => {
            settlement == Settlement::Refunded && why != CloseReason::SettledOnChain
        }
        None => false,
    }
}
