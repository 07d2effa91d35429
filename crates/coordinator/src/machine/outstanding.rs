//! What a node should be told now, read off the state: when it joins again it is told all of it.

use tallystick_protocol::claim::{SignedOpening, TaskProof};
use tallystick_protocol::commitment::TaskAssignment;
use tallystick_protocol::ledger::{Job, JobPhase, Stage, Task, TaskState};
use tallystick_types::{BeaconRound, JobId, Seat, SpecificationDigest};

use super::Machine;
use super::book::ReceiptStage;
use super::wish::{ChainCall, NodeOrder, Wish};

impl Machine {
    /// Everything that a node is to do, for all jobs: what it is told when it joins.
    pub fn orders_of(&self, seat: Seat) -> Vec<Wish> {
        self.books.keys().flat_map(|job| self.orders(*job, seat)).collect()
    }

    /// Everything that is to be done again after a restart, apart from what nodes are told.
    pub fn outstanding(&self) -> Vec<Wish> {
        let mut wishes = Vec::new();
        for (job, book) in &self.books {
            if let Some(it) = self.ledger.job(*job) {
                wishes.extend(rounds(it).map(Wish::AwaitRound));
            }
            match &book.receipt {
                ReceiptStage::Joining(_) => wishes.extend(self.join_wish(*job)),
                ReceiptStage::Signed { agreed, .. } => {
                    let (claim, attestations) = (agreed.claim, agreed.attestations.clone());
                    let call = ChainCall::Propose { claim, attestations };
                    wishes.push(Wish::Chain(*job, call));
                }
                ReceiptStage::None | ReceiptStage::Gathering(_) | ReceiptStage::Signing { .. } => {}
            }
        }
        wishes
    }

    /// What a node is to do for one job. Nothing before the chain shows the node in the attempt.
    pub(super) fn orders(&self, job: JobId, seat: Seat) -> Vec<Wish> {
        let (Some(book), Some(it)) = (self.books.get(&job), self.ledger.job(job)) else {
            return Vec::new();
        };
        if !book.has(seat) {
            return Vec::new();
        }
        let specification = it.head.request.specification;
        let mut orders: Vec<NodeOrder> = it
            .tasks
            .values()
            .filter_map(|task| task_order(it, task, seat, specification))
            .collect();
        if let JobPhase::Attesting { claim, signers, .. } = &it.phase
            && signers.contains(&seat)
            && !it.claims.contains_key(&(claim.attempt, seat))
        {
            orders.push(NodeOrder::Attest { claim: *claim, proofs: proofs(it) });
        }
        for (task, (asked, _)) in &book.asked {
            if *asked == seat
                && let Some(assignment) = verified_assignment(it, *task, seat)
            {
                orders.push(NodeOrder::Output(assignment));
            }
        }
        if let ReceiptStage::Signing { receipt, .. } = &book.receipt
            && receipt.primary == seat
        {
            orders.push(NodeOrder::Sign(receipt.clone()));
        }
        orders.into_iter().map(|order| Wish::ToNode(seat, order)).collect()
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

/// What a node is to do for one task.
fn task_order(
    job: &Job,
    task: &Task,
    seat: Seat,
    specification: SpecificationDigest,
) -> Option<NodeOrder> {
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
                execution_limit: request.limits.execution,
                check: None,
                specification,
            })
        }
        Stage::Committed { asked: true } => Some(NodeOrder::Reveal(assignment)),
        Stage::Committed { asked: false } | Stage::Revealed { .. } | Stage::Gone { .. } => None,
    }
}

/// The assignment under which a node made the verified output of a task.
pub(super) fn verified_assignment(
    job: &Job,
    task: tallystick_types::TaskIndex,
    seat: Seat,
) -> Option<TaskAssignment> {
    let task = job.tasks.get(&task)?;
    let TaskState::Verified { attempt, .. } = task.state else { return None };
    let (signed, _) = task.pledges.get_key_value(&(attempt, seat))?;
    task.pledges.get(signed).map(|signed| signed.pledge.assignment)
}

/// That the nodes agree on every task: what each signer is shown.
fn proofs(job: &Job) -> Vec<TaskProof> {
    job.tasks.values().filter_map(proof).collect()
}

fn proof(task: &Task) -> Option<TaskProof> {
    let TaskState::Verified { output_root, attempt, .. } = &task.state else { return None };
    let opening = |replica: &tallystick_protocol::ledger::Replica| {
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
