//! Lets things go wrong, and marks what that led to.

use tallystick_chain::view::JobEvent;
use tallystick_types::{Funding, JobState};

use super::{Role, World};
use crate::cast::ENDPOINTS;
use crate::chain::endpoint::{ALWAYS, Fault as Lie};
use crate::chain::{Branch, Choice};
use crate::disk::Disk;
use crate::event::Pid;
use crate::fault::Fault;
use crate::network::Weather;
use crate::oracles::Undone;
use crate::process::Process;
use crate::situations::Situation;

impl World {
    /// Something goes wrong, or right again.
    pub(super) fn fault(&mut self, fault: Fault) {
        if self.is_healed {
            return;
        }
        self.out.note(|| format!("* {fault:?}"));
        let tally = &mut self.out.tally;
        match fault {
            Fault::Crash { pid, effects, after } => self.crash(pid, effects, after),
            Fault::Vanish(pid) => self.vanish(pid),
            Fault::Cut(one, other, is_cut) => {
                if self.out.network.cut(one, other, is_cut) && is_cut {
                    tally.census.partitions += 1;
                    tally.situations.mark(Situation::NetworkCut);
                }
            }
            Fault::Weather(weather) => self.out.network.set_weather(weather),
            Fault::Reorganise { depth, more, returned, breaks_finality } => {
                let time = self.out.now() / 1_000;
                let blocks = depth.saturating_add(more);
                let each = (0..blocks).map(|number| {
                    let below = blocks.saturating_sub(number);
                    let choice = Choice { seed: self.choice.seed ^ number, ..self.choice };
                    (time.saturating_sub(below), choice)
                });
                let blocks = each.collect();
                self.reorganise(&Branch { depth, blocks, returned, breaks_finality });
            }
            Fault::FeeSpike(gwei) => {
                self.out.chain.set_base_fee(gwei.saturating_mul(1_000_000_000));
                tally.census.fee_spikes += 1;
                tally.situations.mark(Situation::FeeSpiked);
            }
            Fault::Stand(stands) => {
                self.stands = stands;
                if stands {
                    tally.situations.mark(Situation::MiningStood);
                }
            }
            Fault::Choose(choice) => self.choice = choice,
            Fault::Endpoint(index, lie, share) => self.spoil(index, lie, share),
            Fault::Blackout(is_dark) => {
                let share = if is_dark { ALWAYS } else { 0 };
                (0..ENDPOINTS.0).for_each(|index| self.spoil(index, Lie::NoAnswer, share));
            }
            Fault::Full(pid, is_full) => {
                self.disks(pid).into_iter().for_each(|disk| disk.set_full(is_full));
                if is_full {
                    self.out.tally.census.disk_errors += 1;
                    self.out.tally.situations.mark(Situation::DiskWasFull);
                }
            }
            Fault::DiskFails(pid) => {
                self.disks(pid).into_iter().for_each(|disk| disk.fail_next());
                self.out.tally.census.disk_errors += 1;
                self.out.tally.situations.mark(Situation::DiskFailed);
            }
            Fault::Whim(pid, whim) => {
                if let Some(life) = self.out.lives.get(pid).copied().flatten() {
                    self.step(life, |it, here| it.whim(whim, here));
                }
            }
            Fault::Heal => self.heal(),
        }
    }

    fn disks(&self, pid: Pid) -> Vec<Disk> {
        let machine = self.places.get(pid).map(|place| &place.machine);
        machine.map(|it| vec![it.disk.clone(), it.log.clone()]).unwrap_or_default()
    }

    fn crash(&mut self, pid: Pid, effects: u64, after: bool) {
        let Some(place) = self.places.get(pid).filter(|place| place.process.is_some()) else {
            return;
        };
        place.machine.fuse.arm(effects, after);
        let situation =
            if after { Situation::CrashAfterAnEffect } else { Situation::CrashBeforeAnEffect };
        self.out.tally.situations.mark(situation);
        self.out.tally.census.crashes += 1;
    }

    fn vanish(&mut self, pid: Pid) {
        self.lose(pid, None);
        let Some(place) = self.places.get_mut(pid) else { return };
        place.is_gone = true;
        let situation = match place.role {
            Role::Client(_) => Situation::ClientVanished,
            Role::Worker(_) | Role::Coordinator(_) | Role::Settler(_) => Situation::WorkerVanished,
        };
        self.out.tally.situations.mark(situation);
        self.out.tally.census.vanished += 1;
    }

    fn spoil(&mut self, index: usize, lie: Lie, share: u32) {
        if let Some(endpoint) = self.out.endpoints.get(index) {
            endpoint.set_lag(6);
            endpoint.set(lie, share);
        }
    }

    fn heal(&mut self) {
        self.out.network.heal();
        self.out.network.set_weather(Weather { slowest_ms: 50, ..Weather::default() });
        self.out.endpoints.heal();
        (self.stands, self.choice) = (false, Choice::ALL);
        self.out.misfortune = None;
        for place in &self.places {
            place.machine.disk.set_full(false);
            place.machine.log.set_full(false);
            if !place.machine.fuse.is_gone() {
                place.machine.fuse.mend();
            }
        }
        self.is_healed = true;
    }

    fn reorganise(&mut self, branch: &Branch) {
        if branch.breaks_finality {
            self.out.tally.oracles.finality_breaks(&self.out.chain);
        }
        let Ok(fork) = self.out.chain.reorganise(branch) else { return };
        let number = fork.number();
        if branch.breaks_finality {
            self.broke = Some(self.out.now());
        }
        self.out.note(|| format!("* the chain goes on from block {number}"));
        let census = &mut self.out.tally.census;
        census.reorganisations += 1;
        let deep = branch.depth > 3;
        census.deep_reorganisations += u64::from(branch.depth > 10);
        let forgotten = branch.depth > self.window;
        census.beyond_window += u64::from(forgotten);
        census.broken_finality += u64::from(branch.breaks_finality);
        let situation = if deep { Situation::ReorgDeep } else { Situation::ReorgShallow };
        self.out.tally.situations.mark(situation);
        if forgotten {
            self.out.tally.situations.mark(Situation::ReorgPastWindow);
        }
        if branch.depth > 10 {
            self.out.tally.situations.mark(Situation::ReorgPastTen);
        }
        if branch.breaks_finality {
            self.out.tally.situations.mark(Situation::ReorgBrokeFinality);
        }
        if branch.returned != crate::chain::Returned::All {
            self.out.tally.situations.mark(Situation::ReorgLostTransactions);
        }
        self.look_at_chain();
    }

    /// Everything that the chain's newest word means for the oracles.
    pub(super) fn look_at_chain(&mut self) {
        let (undone, new) = self.ground.follow(&self.out.chain);
        self.mark_undone(&undone);
        let paid = self.out.tally.oracles.follow(undone.from, self.ground.since(undone.from));
        for (job, event) in &new {
            self.out.note(|| format!("= job {job}: {}", title(event)));
        }
        let time = self.out.chain.head().time();
        self.out.tally.oracles.follow_leases(&new, time);
        self.check_prices(&new);
        let mut assigned_again = false;
        for (job, event) in &new {
            let situation = match event {
                JobEvent::Created { order, .. } => {
                    if order.terms.rules.funding != Funding::Allowance {
                        continue;
                    }
                    Situation::AllowanceNamed
                }
                JobEvent::Assigned { attempt, .. } => {
                    assigned_again |= attempt.get() > 1;
                    Situation::JobAssigned
                }
                JobEvent::Enlisted { .. } => Situation::JobEnlisted,
                JobEvent::Proposed { .. } => Situation::JobProposed,
                JobEvent::Settled { output_root, .. } => {
                    self.out.tally.oracles.paid(*job, *output_root);
                    Situation::JobSettled
                }
                JobEvent::Refunded { .. } => Situation::JobRefunded,
                JobEvent::NodeSeized { .. } => Situation::NodeSlashed,
                JobEvent::Reopened { .. } => Situation::JobReleased,
                _ => continue,
            };
            self.out.tally.situations.mark(situation);
        }
        if assigned_again {
            self.out.tally.situations.mark(Situation::JobAssignedAgain);
        }
        let moves = !undone.events.is_empty() || !new.is_empty();
        if moves {
            self.purses.check(&self.out.chain, &mut self.out.tally.oracles);
            self.check_assigned();
        }
        if paid {
            let oracles = &mut self.out.tally.oracles;
            self.purses.check_earned(&self.out.chain, &self.seats, oracles);
            self.check_stakes();
        }
    }

    fn mark_undone(&mut self, undone: &Undone) {
        for (_, event) in &undone.events {
            let situation = match event {
                JobEvent::Created { .. } => Situation::ReorgUndidCreation,
                JobEvent::Assigned { .. } => Situation::ReorgUndidAssignment,
                JobEvent::Enlisted { .. } => Situation::ReorgUndidEnlist,
                JobEvent::Proposed { .. } => Situation::ReorgUndidProposal,
                JobEvent::Settled { .. } => Situation::ReorgUndidSettlement,
                _ => continue,
            };
            self.out.tally.situations.mark(situation);
        }
    }

    fn check_assigned(&mut self) {
        let Some(view) = self.ground.view(u64::MAX) else { return };
        if view.jobs_in(JobState::Assigned).count() > 1 {
            self.out.tally.situations.mark(Situation::TwoJobsAtOnce);
        }
    }

    /// A process is gone: in the middle of what?
    pub(super) fn mark_loss(&mut self, process: &Process, is_power: bool) {
        let situations = &mut self.out.tally.situations;
        if !is_power {
            return;
        }
        match process {
            Process::Coordinator(it) => {
                situations.mark(Situation::CoordinatorCrashed);
                let rules = it.rules();
                if rules.books().any(|(_, book)| book.lease.is_some()) {
                    situations.mark(Situation::CoordinatorCrashedWhileAssigned);
                }
                let house = it.eyes().house().read();
                if house.latest().jobs_in(JobState::Proposed).next().is_some() {
                    situations.mark(Situation::CoordinatorCrashedWhileProposed);
                }
            }
            Process::Worker(it) => {
                situations.mark(Situation::WorkerCrashed);
                if !it.agent().running().is_empty() {
                    situations.mark(Situation::WorkerCrashedAtWork);
                }
            }
            Process::Settler(_) => situations.mark(Situation::SettlerCrashed),
            Process::Client(_) => {}
        }
    }

    /// Adds up what the endpoints did.
    pub(super) fn take_census(&mut self) {
        let counted: Vec<(Lie, u64)> = self.out.endpoints.census().collect();
        for (lie, count) in counted {
            let (census, situations) = (&mut self.out.tally.census, &mut self.out.tally.situations);
            match lie {
                Lie::NoAnswer | Lie::TooManyRequests | Lie::TooMuch => {
                    census.lost_answers += count;
                    situations.mark(Situation::EndpointDown);
                }
                Lie::LostAnswer => {
                    census.lost_answers += count;
                    situations.mark(Situation::AnswerToSendingLost);
                }
                Lie::LaggingHead | Lie::StaleHead | Lie::Flapping => {
                    census.lies += count;
                    situations.mark(Situation::EndpointBehind);
                }
                Lie::EmptyLogs | Lie::MissingLogs | Lie::ForeignLogs => {
                    census.lies += count;
                    situations.mark(Situation::EndpointHidLogs);
                }
                Lie::LyingTip | Lie::ForgedHeader | Lie::NullReceipt | Lie::DroppedSend => {
                    census.lies += count;
                }
            }
        }
    }
}

/// What happened, in a word.
const fn title(event: &JobEvent) -> &'static str {
    match event {
        JobEvent::Created { .. } => "created",
        JobEvent::Assigned { .. } => "assigned",
        JobEvent::Enlisted { .. } => "enlisted",
        JobEvent::Heartbeat { .. } => "lease renewed",
        JobEvent::Proposed { .. } => "proposed",
        JobEvent::Challenged { .. } => "challenged",
        JobEvent::NodeSeized { .. } => "a node was slashed",
        JobEvent::Reopened { .. } => "reopened",
        JobEvent::Settled { .. } => "settled",
        JobEvent::Refunded { .. } => "refunded",
        JobEvent::Unpaid { .. } => "unpaid",
        _ => "changed",
    }
}
