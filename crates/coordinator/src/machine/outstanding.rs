//! What a node should be told now, read off the state: when it joins again it is told all of it.

use tallystick_planted::{Bug, planted};
use tallystick_protocol::claim::{SignedOpening, TaskProof};
use tallystick_protocol::commitment::TaskAssignment;
use tallystick_protocol::ledger::{Job, JobPhase, Replica, Stage, Task, TaskState};
use tallystick_types::{BeaconRound, JobId, Seat, TaskIndex};

use super::Machine;
use super::book::{Agreed, Book, ReceiptStage};
use super::wish::{NodeOrder, Wish};

impl Machine {
    /// Everything that a node is to do, for all jobs: what it is told when it joins.
    pub fn orders_of(&self, seat: Seat) -> Vec<Wish> {
        self.books.keys().flat_map(|job| self.orders(*job, seat)).collect()
    }

    /// Everything that is to be done again after a restart, apart from what nodes are told. What is
    /// asked of the chain to take a lease or to add nodes is asked again when patience ends.
    pub fn outstanding(&self) -> Vec<Wish> {
        let mut wishes = Vec::new();
        for (job, book) in self.books.iter().filter(|_| !planted(Bug::ForgetsWishes)) {
            if let Some(it) = self.ledger.job(*job) {
                wishes.extend(rounds(it).map(Wish::AwaitRound));
            }
            if let ReceiptStage::Joining(Agreed { output: None, .. }) = &book.receipt {
                wishes.extend(self.join_wish(*job));
            }
            let calls = [self.propose_call(*job), self.release_call(*job)];
            wishes.extend(calls.into_iter().flatten().map(|call| Wish::Chain(*job, call)));
            wishes.extend(book.reports.iter().map(|evidence| Wish::Report(Box::new(*evidence))));
        }
        wishes
    }

    /// What a node is to do for one job. Nothing before the chain shows the node in the attempt.
    pub(super) fn orders(&self, job: JobId, seat: Seat) -> Vec<Wish> {
        let Some(book) = self.books.get(&job).filter(|book| book.has(seat)) else {
            return Vec::new();
        };
        let node = self.ledger.state().nodes.get(seat);
        let first = (job, TaskIndex::new(0));
        let work = node.into_iter().flat_map(|node| node.work.range(first..));
        let tasks = work.map(|(key, _)| *key).take_while(|(of, _)| *of == job);
        let mut wishes: Vec<Wish> =
            tasks.filter_map(|(_, task)| self.task_order(job, task, seat)).collect();
        wishes.extend(self.attest_order(job, seat));
        let asked = book.asked.iter().filter(|(_, (asked, _))| *asked == seat);
        wishes.extend(asked.filter_map(|(task, _)| self.output_order(job, *task, seat)));
        if let ReceiptStage::Signing { receipt, .. } = &book.receipt
            && receipt.primary == seat
        {
            wishes.push(Wish::ToNode(seat, NodeOrder::Sign(receipt.clone())));
        }
        wishes
    }

    /// What a node is to do for one task.
    pub(super) fn task_order(&self, job: JobId, task: TaskIndex, seat: Seat) -> Option<Wish> {
        let (_, it) = self.shown(job, seat)?;
        let speed = self.ledger.state().nodes.get(seat).map_or(0, |node| node.profile.speed);
        let order = task_order(it, it.tasks.get(&task)?, seat, speed)?;
        Some(Wish::ToNode(seat, order))
    }

    /// That a node is to stop what it goes on with, where somebody else has its place. It was told
    /// when that began, and came back without having heard it: a place that it keeps for nothing is
    /// one that the next task is refused for.
    pub(super) fn stop_order(&self, given: TaskAssignment) -> Option<Wish> {
        let it = self.ledger.job(given.job)?;
        let task = it.tasks.get(&given.task)?;
        let same_try = it.head.attempt == given.attempt && task.attempt == given.task_attempt;
        let mut replicas = task.replicas.iter();
        let goes_on = replicas.any(|replica| replica.seat == given.seat && replica.is_live());
        let is_over = !(same_try && goes_on);
        is_over.then_some(Wish::ToNode(given.seat, NodeOrder::Cancel(given)))
    }

    /// That a node is to sign the claim, where it did not.
    pub(super) fn attest_order(&self, job: JobId, seat: Seat) -> Option<Wish> {
        let (book, it) = self.shown(job, seat)?;
        let JobPhase::Attesting { claim, signers, .. } = &it.phase else { return None };
        let signed = it.claims.get(&(claim.attempt, seat));
        let done = signed.is_some_and(|signed| signed.contradicted || signed.claim == *claim);
        // A signature for nothing would only be in the way of the next attempt.
        let of_use = !it.is_outnumbered() && book.lease_of(claim.attempt).is_some();
        let asked = signers.contains(&seat) && !done && of_use;
        let order = || NodeOrder::Attest { claim: *claim, proofs: proofs(it) };
        asked.then(|| Wish::ToNode(seat, order()))
    }

    /// That a node is to upload the verified output of a task.
    pub(super) fn output_order(&self, job: JobId, task: TaskIndex, seat: Seat) -> Option<Wish> {
        let (_, it) = self.shown(job, seat)?;
        let assignment = verified_assignment(it, task, seat)?;
        Some(Wish::ToNode(seat, NodeOrder::Output(assignment)))
    }

    /// A job with its book, where the chain shows a node in its attempt.
    fn shown(&self, job: JobId, seat: Seat) -> Option<(&Book, &Job)> {
        let book = self.books.get(&job).filter(|book| book.has(seat))?;
        Some((book, self.ledger.job(job)?))
    }
}

/// The rounds whose randomness tasks of a job wait for.
fn rounds(job: &Job) -> impl Iterator<Item = BeaconRound> {
    job.tasks.values().filter_map(|task| match task.state {
        TaskState::Committed { round, .. } => Some(round),
        _ => None,
    })
}

fn assignment_of(job: &Job, task: &Task, seat: Seat) -> TaskAssignment {
    TaskAssignment {
        job: job.head.id,
        attempt: job.head.attempt,
        task: task.index,
        task_attempt: task.attempt,
        seat,
    }
}

/// What a node of a speed, in work units per second, is to do for one task.
fn task_order(job: &Job, task: &Task, seat: Seat, speed: u64) -> Option<NodeOrder> {
    if task.is_over() {
        return None;
    }
    let replica = task.replicas.iter().find(|replica| replica.seat == seat)?;
    let assignment = assignment_of(job, task, seat);
    let request = &job.head.request;
    match replica.stage {
        Stage::Asked { acknowledge_by } | Stage::Working { commit_by: acknowledge_by, .. } => {
            Some(NodeOrder::Assign {
                assignment,
                role: replica.role,
                slices: task.slices,
                acknowledge_by,
                execution_limit: request.execution_limit(task.slices.count, speed),
                check: task.output_to_check(request, replica.role),
                specification: request.specification,
            })
        }
        Stage::Committed { asked: true } => Some(NodeOrder::Reveal(assignment)),
        Stage::Committed { asked: false } | Stage::Revealed { .. } | Stage::Gone { .. } => None,
    }
}

/// The assignment under which a node made the verified output of a task.
fn verified_assignment(job: &Job, task: TaskIndex, seat: Seat) -> Option<TaskAssignment> {
    let task = job.tasks.get(&task)?;
    let TaskState::Verified { attempt, .. } = task.state else { return None };
    task.pledges.get(&(attempt, seat)).map(|signed| signed.pledge.assignment)
}

/// That the nodes agree on every task: what each signer is shown.
fn proofs(job: &Job) -> Vec<TaskProof> {
    job.tasks.values().filter_map(proof).collect()
}

fn proof(task: &Task) -> Option<TaskProof> {
    let TaskState::Verified { output_root, attempt, .. } = &task.state else { return None };
    let opening = |replica: &Replica| {
        let Stage::Revealed { opening } = replica.stage else { return None };
        let signed = task.pledges.get(&(*attempt, replica.seat))?;
        (opening.output_root == *output_root).then_some(SignedOpening {
            pledge: signed.pledge,
            signature: signed.signature,
            opening,
        })
    };
    let openings = task.replicas.iter().filter_map(opening).collect();
    Some(TaskProof { task: task.index, output_root: *output_root, openings })
}
