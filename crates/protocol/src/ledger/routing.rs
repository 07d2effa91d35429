//! Which event goes where.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use tallystick_types::{BeaconRound, JobId, Ppm, Privacy, Seat, Seed, TaskIndex, WallTime};

use super::effect::{Action, Notice};
use super::event::Event;
use super::job::{Head, Job, JobPhase, Settlement};
use super::node::{Node, NodeProfile, same_node};
use super::reason::{CloseReason, ReplicaEnd};
use super::refusal::Refusal;
use super::request::{JobRequest, RequestError};
use super::state::Step;
use super::task::{Task, TaskState};
use super::turn::Turn;

impl Step<'_> {
    /// Applies one event.
    pub(super) fn apply(&mut self, event: Event) -> Result<(), Refusal> {
        match event {
            Event::Tick { now } => self.tick(now),
            Event::JobSubmitted { job, request, nodes } => {
                return self.submit(job, &request, nodes);
            }
            Event::Enlisted { job, attempt, nodes } => return self.enlist(job, attempt, nodes),
            Event::JobCancelled { job } => return self.cancel(job),
            Event::TaskRetried { job, task } => return self.retry(job, task),
            Event::JobArchived { job } => return self.archive(job),
            Event::NodeJoined { seat, profile } => return self.join(seat, profile),
            Event::NodeHeartbeat { seat, load } => return self.heartbeat(seat, load),
            Event::NodeDraining { seat } => self.connected(seat)?.draining = true,
            Event::NodeLeft { seat } => {
                self.connected(seat)?;
                self.part(seat);
            }
            Event::NodeReinstated { seat } => self.reinstate(seat),
            Event::Paired { client, seat } => {
                self.state.pairings.add(client, seat);
                self.freed = true;
            }
            Event::Unpaired { client, seat } => self.unpair(client, seat),
            Event::SeedKnown { round, seed } => return self.seed(round, seed),
            Event::Attested { claim, attestation } => return self.attest(claim, &attestation),
            Event::ChainObserved { job, fact, finality } => {
                return self.observe(job, fact, finality);
            }
            Event::ChainRolledBack { job } => return self.roll_back(job),
            Event::Acknowledged { .. }
            | Event::Progressed { .. }
            | Event::Committed { .. }
            | Event::Revealed { .. }
            | Event::Failed { .. } => return self.work(event),
        }
        Ok(())
    }

    /// What nodes say of their work.
    fn work(&mut self, event: Event) -> Result<(), Refusal> {
        match event {
            Event::Acknowledged { assignment: it } => {
                self.on(it.job, it.task, |head, task, turn| task.acknowledge(head, &it, turn))
            }
            Event::Progressed { assignment: it, done } => {
                self.on(it.job, it.task, |head, task, _| task.progress(head, &it, done))
            }
            Event::Committed { pledge, signature } => {
                let it = pledge.assignment;
                self.on(it.job, it.task, |head, task, turn| {
                    task.commit(head, &pledge, signature, turn)
                })
            }
            Event::Revealed { assignment: it, opening } => {
                self.on(it.job, it.task, |head, task, turn| task.reveal(head, &it, &opening, turn))
            }
            Event::Failed { assignment: it, failure } => {
                self.on(it.job, it.task, |head, task, turn| task.fail(head, &it, failure, turn))
            }
            Event::Tick { .. }
            | Event::JobSubmitted { .. }
            | Event::JobCancelled { .. }
            | Event::Enlisted { .. }
            | Event::TaskRetried { .. }
            | Event::JobArchived { .. }
            | Event::NodeJoined { .. }
            | Event::NodeHeartbeat { .. }
            | Event::NodeDraining { .. }
            | Event::NodeLeft { .. }
            | Event::NodeReinstated { .. }
            | Event::Paired { .. }
            | Event::Unpaired { .. }
            | Event::SeedKnown { .. }
            | Event::Attested { .. }
            | Event::ChainObserved { .. }
            | Event::ChainRolledBack { .. } => Ok(()),
        }
    }

    fn on(
        &mut self,
        job: JobId,
        task: TaskIndex,
        change: impl FnOnce(&Head, &mut Task, &mut Turn<'_>) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        if !self.state.jobs.contains_key(&job) {
            return Err(Refusal::UnknownJob { job });
        }
        self.with_task(job, task, change).unwrap_or(Err(Refusal::UnknownTask { job, task }))
    }

    /// Time passes: leases of nodes end, then limits of tasks and jobs.
    fn tick(&mut self, now: WallTime) {
        self.state.now = self.state.now.max(now);
        let now = self.state.now;
        let silent = |node: &Node| node.online && node.lease_until <= now;
        let gone: Vec<Seat> = self
            .state
            .nodes
            .iter()
            .filter(|(_, node)| silent(node))
            .map(|(seat, _)| seat)
            .collect();
        for seat in gone {
            self.part(seat);
        }
        let due: Vec<_> = self.state.timers.iter().take_while(|it| it.0 <= now).copied().collect();
        for (at, job, task) in due {
            // An earlier one may have moved it.
            if !self.state.timers.contains(&(at, job, task)) {
                continue;
            }
            match task {
                Some(task) => {
                    self.with_task(job, task, |head, task, turn| task.expire(head, turn));
                }
                None => self.expire_job(job),
            }
        }
    }

    fn expire_job(&mut self, job: JobId) {
        let now = self.state.now;
        let Some(it) = self.state.jobs.get(&job) else { return };
        match it.phase {
            JobPhase::Working if it.head.deadline <= now => self.close(job, CloseReason::TimedOut),
            JobPhase::Working => {
                let dead = it.dead_letters().map(|task| task.index).next();
                if let Some(task) = dead {
                    self.close(job, CloseReason::DeadLetter { task });
                }
            }
            JobPhase::Attesting { .. } => self.finalise_when_signed(job, true),
            JobPhase::Closed { .. } => {}
        }
    }

    /// A coordinator takes a job on; a closed one again only with a later attempt.
    fn submit(
        &mut self,
        job: JobId,
        request: &JobRequest,
        nodes: Vec<Seat>,
    ) -> Result<(), Refusal> {
        let refuse = |source| Refusal::Request { job, source };
        if let Some(known) = self.state.jobs.get(&job) {
            let again = known.close_reason().is_some_and(|why| why != CloseReason::Completed)
                && known.settlement == Settlement::Open
                && request.attempt > known.head.attempt;
            if !again {
                return Err(Refusal::JobExists { job, attempt: known.head.attempt });
            }
        }
        if let Some(known) = self.state.archived.get(&job)
            && (known.over || request.attempt <= known.attempt)
        {
            return Err(Refusal::JobExists { job, attempt: known.attempt });
        }
        let ranges = request.tasks().map_err(refuse)?;
        let (replicas, paired) = (request.replicas, self.state.pairings.count(request.client));
        if request.privacy == Privacy::Private && paired < usize::from(replicas) {
            return Err(refuse(RequestError::NotPaired { replicas, paired }));
        }
        let now = self.state.now;
        let before = Head::tries_before(request.attempt);
        let tasks: BTreeMap<_, _> = (0_u32..)
            .map(TaskIndex::new)
            .zip(ranges)
            .map(|(index, slices)| (index, Task::new(index, slices, before, now)))
            .collect();
        let indexes: Vec<TaskIndex> = tasks.keys().copied().collect();
        let head = Head {
            id: job,
            request: *request,
            attempt: request.attempt,
            submitted_at: now,
            deadline: now.after(request.limits.job),
            retry_by: None,
            busy_at: now,
            active: 0,
            verified: 0,
            dead: 0,
        };
        self.insert(head, tasks, nodes);
        for task in indexes {
            // Only enters the indexes: the search follows in the order of the queue.
            self.with_task(job, task, |_, _, _| {});
        }
        self.freed = true;
        Ok(())
    }

    fn insert(&mut self, head: Head, tasks: BTreeMap<TaskIndex, Task>, nodes: Vec<Seat>) {
        let (job, attempt, count) = (head.id, head.attempt, tasks.len());
        let enlisted: BTreeSet<Seat> = nodes.into_iter().collect();
        let it = Job {
            head,
            tasks,
            phase: JobPhase::Working,
            seats: BTreeSet::new(),
            members: enlisted.clone(),
            enlisted,
            claims: BTreeMap::new(),
            observed: None,
            settlement: Settlement::Open,
        };
        self.state.exhume(job);
        self.state.jobs.insert(job, it);
        self.retime(job, None);
        let tasks = u32::try_from(count).expect("a job has at most 2^16 tasks");
        self.emit(job, attempt, Action::Notify(Notice::Accepted { tasks }));
    }

    /// The client stops a job; the parts that are verified stay visible.
    fn cancel(&mut self, job: JobId) -> Result<(), Refusal> {
        self.open_job(job)?;
        self.close(job, CloseReason::Cancelled);
        Ok(())
    }

    /// Dead letter to pending, by hand.
    fn retry(&mut self, job: JobId, task: TaskIndex) -> Result<(), Refusal> {
        let it = self.open_job(job)?;
        let head = it.head;
        let found = it.tasks.get(&task).ok_or(Refusal::UnknownTask { job, task })?;
        if !matches!(found.state, TaskState::DeadLetter { .. }) {
            return Err(Refusal::NotDeadLetter { job, task });
        }
        if head.next_try(found.attempt).is_none() {
            return Err(Refusal::TriesUsedUp { job, task });
        }
        self.with_task(job, task, |head, task, turn| {
            task.deliveries = 0;
            task.avoided.clear();
            task.wait_anew(turn);
            task.search(head, turn);
        });
        Ok(())
    }

    /// Forgets a job that is over here and on the chain.
    fn archive(&mut self, job: JobId) -> Result<(), Refusal> {
        let it = self.state.jobs.get(&job).ok_or(Refusal::UnknownJob { job })?;
        let lost = matches!(it.close_reason(), Some(CloseReason::LeaseLost { .. }));
        if it.close_reason().is_none() || (it.settlement == Settlement::Open && !lost) {
            return Err(Refusal::NotOver { job });
        }
        let (attempt, over) = (it.head.attempt, it.settlement != Settlement::Open);
        self.state.bury(job, attempt, over);
        Ok(())
    }

    fn open_job(&self, job: JobId) -> Result<&Job, Refusal> {
        let it = self.state.jobs.get(&job).ok_or(Refusal::UnknownJob { job })?;
        match it.close_reason() {
            Some(reason) => Err(Refusal::JobClosed { job, reason }),
            None => Ok(it),
        }
    }

    /// A node joins. A registered node that comes with another key is another seat: the old one is
    /// gone.
    fn join(&mut self, seat: Seat, profile: NodeProfile) -> Result<(), Refusal> {
        if profile.places == 0 {
            return Err(Refusal::NoPlace { seat });
        }
        let twin = |other: &Seat| *other != seat && same_node(*other, seat);
        let old: Vec<Seat> = self.state.nodes.iter().map(|(other, _)| other).filter(twin).collect();
        let mut quarantined = false;
        for other in old {
            quarantined |= self.state.nodes.get(other).is_some_and(|node| node.quarantined);
            self.part(other);
        }
        let lease_until = self.state.now.after(self.state.settings.node_lease);
        let known = self.state.nodes.get(seat);
        let node = Node {
            profile,
            load: Ppm::ZERO,
            online: true,
            draining: false,
            quarantined: quarantined || known.is_some_and(|node| node.quarantined),
            lease_until,
            work: known.map(|node| node.work.clone()).unwrap_or_default(),
        };
        self.state.nodes.insert(seat, node);
        self.freed = true;
        Ok(())
    }

    fn heartbeat(&mut self, seat: Seat, load: Ppm) -> Result<(), Refusal> {
        let lease_until = self.state.now.after(self.state.settings.node_lease);
        let node = self.connected(seat)?;
        node.lease_until = lease_until;
        node.load = load;
        Ok(())
    }

    fn connected(&mut self, seat: Seat) -> Result<&mut Node, Refusal> {
        let node = self.state.nodes.get_mut(seat).filter(|node| node.online);
        node.ok_or(Refusal::UnknownNode { seat })
    }

    /// A node is away: everything it was to do goes to somebody else.
    fn part(&mut self, seat: Seat) {
        let Some(node) = self.state.nodes.get_mut(seat) else { return };
        node.online = false;
        let work: Vec<_> = node.work.keys().copied().collect();
        for (job, task) in work {
            self.with_task(job, task, |head, task, turn| {
                task.lose(head, seat, ReplicaEnd::Offline, turn);
            });
        }
        self.state.nodes.forget_idle(seat);
    }

    /// A quarantine ends, for every key of the node.
    fn reinstate(&mut self, seat: Seat) {
        let seats: Vec<Seat> = self.state.nodes.iter().map(|(other, _)| other).collect();
        for other in seats.into_iter().filter(|other| same_node(*other, seat)) {
            if let Some(node) = self.state.nodes.get_mut(other) {
                node.quarantined = false;
            }
            self.state.nodes.forget_idle(other);
        }
        self.freed = true;
    }

    /// A client trusts a node no longer: its private work moves away at once.
    fn unpair(&mut self, client: Address, seat: Seat) {
        if !self.state.pairings.remove(client, seat) {
            return;
        }
        let Some(node) = self.state.nodes.get(seat) else { return };
        let work: Vec<_> = node.work.keys().copied().collect();
        for (job, task) in work {
            let private = self.state.jobs.get(&job).is_some_and(|job| {
                let request = &job.head.request;
                request.privacy == Privacy::Private && request.client == client
            });
            if private {
                self.with_task(job, task, |head, task, turn| {
                    task.lose(head, seat, ReplicaEnd::Unpaired, turn);
                });
            }
        }
    }

    /// The randomness of a round is known: who waited for it draws.
    fn seed(&mut self, round: BeaconRound, seed: Seed) -> Result<(), Refusal> {
        match self.state.seeds.get(&round) {
            Some(known) if *known == seed => return Ok(()),
            Some(_) => return Err(Refusal::SeedContradicts { round }),
            None => {}
        }
        self.state.seeds.insert(round, seed);
        let waiting = self.state.awaiting.iter().filter(|(awaited, _, _)| *awaited == round);
        let waiting: Vec<_> = waiting.map(|(_, job, task)| (*job, *task)).collect();
        for (job, task) in waiting {
            self.with_task(job, task, |head, task, turn| task.advance(head, turn));
        }
        while self.state.seeds.len() > usize::from(self.state.settings.rounds.max(1)) {
            self.state.seeds.pop_first();
        }
        Ok(())
    }
}
