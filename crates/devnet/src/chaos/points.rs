//! Every point at which a process can be made to die: between what it writes, does and says.
//!
//! A point is a line `fail::fail_point!("name")`, which is nothing unless a program is built with
//! the feature `failpoints`. That this list and the sources name the same points is tested.

use std::fmt;

/// A process that dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Victim {
    /// The coordinator.
    Coordinator,
    /// A worker.
    Worker,
    /// The settler.
    Settler,
    /// The archive.
    Archive,
    /// The client that orders work.
    Client,
    /// The command line, for one command.
    Tally,
}

/// What leads a process to a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Work comes in.
    Working,
    /// It is asked to end.
    Stopping,
    /// A result is fetched.
    Fetching,
    /// A key is made.
    MakingKeys,
}

/// The points of a file that the same processes come by.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The file.
    pub file: &'static str,
    /// Who comes by; a short run takes the first one.
    pub victims: &'static [Victim],
    /// What for.
    pub when: When,
    /// Names, and what a death there means.
    pub points: &'static [(&'static str, &'static str)],
}

use Victim::{Archive, Client, Coordinator, Settler, Tally, Worker};
use When::{Fetching, MakingKeys, Stopping, Working};

/// All of them.
pub const PLACES: &[Place] = &[
    Place {
        file: "crates/journal/src/step.rs",
        victims: &[Coordinator],
        when: Working,
        points: &[
            ("journal.step.before", "A step is complete in memory; nothing of it is written."),
            ("journal.step.kept", "A step is on the disk; nobody was told."),
        ],
    },
    Place {
        file: "crates/journal/src/shelf.rs",
        victims: &[Settler, Coordinator, Worker, Archive],
        when: Working,
        points: &[
            ("shelf.batch.before", "A batch is complete in memory; nothing of it is written."),
            ("shelf.batch.kept", "A batch is on the disk; its owner does not know it."),
        ],
    },
    Place {
        file: "crates/blobs/src/store/write.rs",
        victims: &[Worker, Coordinator],
        when: Working,
        points: &[
            ("blobs.file.written", "A blob is written aside and not synced."),
            ("blobs.file.synced", "A blob is on the disk without its name."),
            ("blobs.folder.made", "The folder for a blob is new, its own name is not synced."),
            ("blobs.file.renamed", "A blob has its name, which is not synced."),
            ("blobs.file.named", "A blob has its name on the disk; the store does not know it."),
        ],
    },
    Place {
        file: "crates/blobs/src/store/write.rs",
        victims: &[Worker],
        when: Working,
        points: &[
            ("blobs.pin.added", "A blob is pinned that is not there yet."),
            ("blobs.pin.written", "A record of pins is written aside and not synced."),
            ("blobs.pin.synced", "A record of pins is on the disk without its name."),
            ("blobs.pin.renamed", "A record of pins has its name, which is not synced."),
        ],
    },
    Place {
        file: "crates/blobs/src/transfer/partial.rs",
        victims: &[Worker],
        when: Working,
        points: &[("blobs.chunk.written", "A chunk was fetched; its digest is not in the log.")],
    },
    Place {
        file: "crates/blobs/src/transfer/download.rs",
        victims: &[Worker],
        when: Working,
        points: &[
            ("blobs.download.synced", "All chunks are there and synced; the blob has no name."),
            ("blobs.download.placed", "The blob is there, and the log of its chunks still is."),
        ],
    },
    Place {
        file: "crates/blobs/src/service.rs",
        victims: &[Coordinator],
        when: Working,
        points: &[("blobs.upload.stored", "An upload is kept and not acknowledged.")],
    },
    Place {
        file: "crates/chain/src/outbox/kept.rs",
        victims: &[Settler, Coordinator],
        when: Working,
        points: &[
            ("outbox.step.before", "The lane took a step; nothing of it is written."),
            ("outbox.step.kept", "The lane's step is on the disk; nothing follows from it yet."),
        ],
    },
    Place {
        file: "crates/chain/src/outbox/driver.rs",
        victims: &[Settler, Coordinator],
        when: Working,
        points: &[
            ("outbox.wish.before", "A wish was handed in and is not kept."),
            ("outbox.wish.kept", "A wish is kept; whoever handed it in was not told."),
            ("outbox.transaction.before", "A transaction has its nonce in memory, no signature."),
            ("outbox.transaction.signed", "A transaction is signed and not recorded."),
            ("outbox.send.before", "A transaction is recorded and not broadcast."),
            ("outbox.send.answered", "A transaction is broadcast; the answers are not noted."),
        ],
    },
    Place {
        file: "crates/chain/src/keys/protection.rs",
        victims: &[Worker],
        when: Working,
        points: &[
            ("protection.signature.before", "The slot is free; nothing is signed."),
            ("protection.signature.made", "A signature exists in memory and is not recorded."),
            ("protection.signature.kept", "A signature is recorded; nobody has it."),
        ],
    },
    Place {
        file: "crates/chain/src/keys/file.rs",
        victims: &[Tally],
        when: MakingKeys,
        points: &[
            ("keys.file.synced", "A key is on the disk under the name of a draft."),
            ("keys.file.linked", "A key has its name beside that of the draft."),
        ],
    },
    Place {
        file: "crates/chain/src/ingest/runner.rs",
        victims: &[Archive, Coordinator, Worker, Settler],
        when: Working,
        points: &[
            ("ingest.batch.before", "Blocks were read; cursor and deliveries are not written."),
            ("ingest.batch.kept", "Cursor and deliveries are on the disk; nobody was told."),
        ],
    },
    Place {
        file: "crates/chain/src/follow.rs",
        victims: &[Archive, Coordinator, Worker, Settler],
        when: Working,
        points: &[("follow.batch.folded", "The view has the deliveries; nobody was told.")],
    },
    Place {
        file: "crates/coordinator/src/desk/keeper.rs",
        victims: &[Coordinator],
        when: Working,
        points: &[
            ("desk.batch.applied", "Inputs changed the machine in memory; none is written."),
            ("desk.batch.kept", "Inputs are on the disk; nobody was told, nothing is wished."),
        ],
    },
    Place {
        file: "crates/coordinator/src/desk/keeper.rs",
        victims: &[Coordinator],
        when: Stopping,
        points: &[
            ("desk.snapshot.before", "The state is taken and not written."),
            ("desk.snapshot.kept", "The state is written; the inputs before it are still there."),
            ("desk.snapshot.pruned", "The inputs before the state are gone."),
        ],
    },
    Place {
        file: "crates/coordinator/src/desk.rs",
        victims: &[Coordinator],
        when: Working,
        points: &[
            ("desk.batch.told", "Whoever waited was told; the wishes are not handed over."),
            ("desk.change.kept", "Rows were changed; whoever asked for it was not told."),
        ],
    },
    Place {
        file: "crates/coordinator/src/hands.rs",
        victims: &[Coordinator],
        when: Working,
        points: &[
            ("hands.wish.before", "A wish follows from kept inputs; nothing is done."),
            ("hands.node.told", "A message for a node waits for its stream."),
            ("hands.intent.before", "A call is wished for and not handed to the outbox."),
            ("hands.intent.kept", "The outbox has the call."),
            ("hands.output.checked", "An output was compared; the machine does not know it."),
            ("hands.output.joined", "A result is stored; the machine does not know it."),
            ("hands.seed.read", "Randomness is final on the chain; the machine does not know it."),
        ],
    },
    Place {
        file: "crates/coordinator/src/chores.rs",
        victims: &[Coordinator],
        when: Working,
        points: &[("chores.outcome.read", "A call ended; the machine does not know it.")],
    },
    Place {
        file: "crates/coordinator/src/serve/clients.rs",
        victims: &[Coordinator],
        when: Working,
        points: &[
            ("clients.order.taken", "An order is good and not kept."),
            ("clients.order.kept", "An order is kept; its client was not told."),
        ],
    },
    Place {
        file: "crates/coordinator/src/serve/workers.rs",
        victims: &[Coordinator],
        when: Working,
        points: &[
            ("workers.session.entered", "A node is let in; it was not told what it has to do."),
            ("workers.message.heard", "A node said something that is not kept."),
            ("workers.message.kept", "What a node said is kept and not acknowledged."),
            ("workers.signature.acknowledged", "A node's signature is kept and acknowledged."),
        ],
    },
    Place {
        file: "crates/worker/src/worker.rs",
        victims: &[Worker],
        when: Working,
        points: &[
            ("worker.message.heard", "The coordinator said something that is not recorded."),
            ("worker.record.before", "The agent took a step; its record is not written."),
            ("worker.record.kept", "A record is on the disk; nothing follows from it yet."),
            ("worker.input.fetched", "An input is stored; the agent does not know it."),
            ("worker.run.before", "A task is accepted and not begun."),
            ("worker.run.over", "A task was executed; its output is not recorded."),
            ("worker.signature.given", "A signature is recorded; the agent does not know it."),
            ("worker.message.sent", "A message is on its way; no answer came."),
            ("worker.upload.before", "An output was asked for and is not sent."),
            ("worker.upload.over", "The coordinator has an output; the agent does not know it."),
        ],
    },
    Place {
        file: "crates/worker/src/execute.rs",
        victims: &[Worker],
        when: Working,
        points: &[("worker.output.stored", "An output is stored; its root is not recorded.")],
    },
    Place {
        file: "crates/worker/src/translate.rs",
        victims: &[Worker],
        when: Working,
        points: &[
            ("worker.acceptance.before", "A task is recorded as accepted; nobody was told."),
            ("worker.commitment.before", "A commitment is recorded and signed, and not sent."),
            ("worker.opening.before", "A commitment may be opened and is not."),
            ("worker.attestation.before", "A claim is recorded and signed, and not sent."),
            ("worker.receipt.before", "A receipt is recorded and signed, and not sent."),
        ],
    },
    Place {
        file: "crates/archive/src/shelves.rs",
        victims: &[Archive],
        when: Working,
        points: &[
            ("archive.receipt.checked", "A receipt holds and is not kept."),
            ("archive.receipt.kept", "A receipt is kept, with a note that its file is missing."),
            ("archive.file.written", "The file of a receipt is written aside and not synced."),
            ("archive.file.synced", "The file of a receipt is on the disk without its name."),
            ("archive.file.renamed", "The file of a receipt has its name, which is not synced."),
            ("archive.file.named", "The file has its name on the disk, and the note is there."),
            ("archive.note.deleted", "The note is gone; the collector does not know it."),
        ],
    },
    Place {
        file: "crates/settlement/src/settler.rs",
        victims: &[Settler],
        when: Working,
        points: &[
            ("settler.plan.before", "Something is due; the plan is not written."),
            ("settler.plan.kept", "The plan is written; the outbox does not have it."),
            ("settler.wish.handed", "The outbox has the plan's wish."),
            ("settler.outcome.before", "A wish ended; that is not written."),
            ("settler.outcome.kept", "That a wish ended is written."),
        ],
    },
    Place {
        file: "crates/sdk/src/order.rs",
        victims: &[Client],
        when: Working,
        points: &[
            ("client.order.signed", "An order is signed and not sent."),
            ("client.order.answered", "An order was taken; the client did not note it."),
        ],
    },
    Place {
        file: "crates/sdk/src/chain/job.rs",
        victims: &[Client],
        when: Working,
        points: &[
            ("client.job.before", "A job is about to be created by a call."),
            ("client.job.created", "A job is on the chain; the client did not note it."),
        ],
    },
    Place {
        file: "crates/sdk/src/chain.rs",
        victims: &[Client],
        when: Working,
        points: &[("client.transaction.sent", "The client's call is on its way; no block has it.")],
    },
    Place {
        file: "crates/cli/src/commands/job/fetch.rs",
        victims: &[Tally],
        when: Fetching,
        points: &[
            ("tally.output.written", "A result is there and verified, without its name."),
            ("tally.output.renamed", "A result has its name; its receipt is not there."),
            ("tally.receipt.written", "Result and receipt are there; nothing was printed."),
        ],
    },
];

impl Victim {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Coordinator => "coordinator",
            Worker => "worker",
            Settler => "settler",
            Archive => "archive",
            Client => "client",
            Tally => "tally",
        }
    }
}

impl fmt::Display for Victim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Names of points in the sources below a folder, with their files.
    fn collect(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let file = path.strip_prefix(crate::repository()).unwrap().display().to_string();
                let points = text.split(concat!("fail_point", "!(\"")).skip(1);
                found.extend(points.map(|rest| {
                    (rest.split('"').next().unwrap_or_default().to_owned(), file.clone())
                }));
            }
        }
    }

    #[test]
    fn every_point_of_the_sources_is_in_the_list_where_it_stands_and_every_other_way_round() {
        let mut found = Vec::new();
        for package in fs::read_dir(crate::repository().join("crates")).unwrap() {
            let sources = package.unwrap().path().join("src");
            if sources.is_dir() && !sources.starts_with(crate::repository().join("crates/devnet")) {
                collect(&sources, &mut found);
            }
        }
        let listed = PLACES.iter().flat_map(|place| {
            place.points.iter().map(|(name, _)| ((*name).to_owned(), place.file.to_owned()))
        });
        let mut listed: Vec<_> = listed.collect();
        found.sort();
        listed.sort();
        assert_eq!(found, listed);
        let names: BTreeSet<_> = listed.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), listed.len(), "a name stands for one point");
    }
}
