//! What can happen in a simulation, and what its processes say to each other.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256};
use tallystick_chain::ingest::{Miss, Question, Reply};
use tallystick_chain::outbox::{Guard, IntentKey, SendAnswer, Sight, Trial};
use tallystick_protocol::commitment::TaskAssignment;
use tallystick_types::{BlobDigest, JobId, Seat};
use tallystick_wire::client::{QuoteRequest, QuoteResponse, SubmitRequest};
use tallystick_wire::worker::{Hello, v1};

use crate::fault::Fault;

/// Number of a process.
pub type Pid = usize;

/// One life of a process: what was meant for an earlier one does not reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life {
    /// The process.
    pub pid: Pid,
    /// How often it was started before.
    pub generation: u32,
}

/// Number of a session between two processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Session(pub u64);

/// One thing that happens.
#[derive(Debug)]
pub enum Event {
    /// The chain makes a block.
    Mine,
    /// A process wanted to be woken.
    Timer(Life, Timer),
    /// A question arrives at the endpoints of the chain.
    Ask(Life, Box<Ask>),
    /// Their answers arrive.
    Answer(Life, Box<Answer>),
    /// A message of a session arrives.
    Deliver(Session, Life, Box<Message>),
    /// A process notices that a session is over.
    Closed(Session, Life),
    /// A request or an answer outside of sessions arrives.
    Letter {
        /// Who sent it.
        from: Pid,
        /// Who gets it.
        to: Pid,
        /// What it says.
        letter: Letter,
    },
    /// A process is started again.
    Start(Pid),
    /// Something goes wrong, or right again.
    Fault(Fault),
}

/// Why a process wanted to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// To look at the chain.
    Ingest,
    /// To let time act on its lane.
    Lane,
    /// To look after what is under way.
    Look,
    /// To follow the chain for what changed without a word from it.
    Watch,
    /// To let time act on its agent.
    Agent,
    /// To say that it lives.
    Beat,
    /// To connect.
    Connect,
    /// A run came to its end.
    Ran(TaskAssignment),
    /// To see what is due.
    Settle,
    /// To do the next thing that a client does.
    Client,
}

/// What is asked of the endpoints of the chain.
#[derive(Debug)]
pub enum Ask {
    /// By ingest.
    Ingest(Vec<(usize, Question)>),
    /// A look of a lane.
    Look {
        /// Its account.
        account: Address,
        /// Nonces and the transactions that compete for each.
        nonces: Vec<(u64, Vec<B256>)>,
    },
    /// A call that is tried.
    Try {
        /// Who would send it.
        account: Address,
        /// The wish.
        key: IntentKey,
        /// The contract.
        to: Address,
        /// The call.
        data: Bytes,
        /// Wei that go along.
        value: U256,
        /// What to ask first.
        guard: Option<Guard>,
    },
    /// Signed bytes.
    Send {
        /// The nonce.
        nonce: u64,
        /// The transaction.
        tx: B256,
        /// The bytes.
        raw: Bytes,
    },
}

/// What the endpoints answer.
#[derive(Debug)]
pub enum Answer {
    /// To ingest.
    Ingest(Vec<Result<Reply, Miss>>),
    /// To a look.
    Looked(Vec<Option<Sight>>),
    /// To a call.
    Tried(IntentKey, Vec<Option<Trial>>),
    /// To bytes.
    Sent {
        /// The nonce.
        nonce: u64,
        /// The transaction.
        tx: B256,
        /// What each said.
        answers: Vec<SendAnswer>,
    },
}

/// What is said in a session of a node.
#[derive(Clone, Debug)]
pub enum Message {
    /// The node says who it is.
    Hello(Box<Hello>),
    /// The coordinator lets it in.
    Admitted(Seat),
    /// The coordinator does not.
    Refused,
    /// Words of the node.
    Agent(Box<v1::AgentMessage>),
    /// Words of the coordinator.
    Coordinator(Box<v1::CoordinatorMessage>),
    /// The node wants a blob.
    Want(BlobDigest),
    /// Here it is, or it is not.
    Blob(BlobDigest, Option<Arc<[u8]>>),
    /// The node brings a blob.
    Put(BlobDigest, Arc<[u8]>),
    /// Whether it was kept.
    Stored(BlobDigest, bool),
}

/// What is said outside of sessions: each may be lost, come twice or late.
#[derive(Clone, Debug)]
pub enum Letter {
    /// A client brings blobs.
    Upload(Vec<Arc<[u8]>>),
    /// They are kept.
    Uploaded,
    /// A client asks for a price.
    Quote(Box<QuoteRequest>),
    /// The price, or a refusal.
    Quoted(Option<Box<QuoteResponse>>),
    /// A client orders.
    Submit(Box<SubmitRequest>),
    /// The order is kept, or refused.
    Submitted(Option<JobId>),
    /// A client wants its job cancelled.
    Cancel(JobId),
}

impl Event {
    /// What it is and whom it is about, for the hash over everything.
    pub fn numbers(&self) -> [u64; 3] {
        let life = |kind: u64, life: &Life| [kind, number(life.pid), life.generation.into()];
        match self {
            Self::Mine => [1, 0, 0],
            Self::Timer(who, timer) => {
                let [kind, pid, generation] = life(2, who);
                [kind.wrapping_add(timer.number() << 8), pid, generation]
            }
            Self::Ask(who, _) => life(3, who),
            Self::Answer(who, _) => life(4, who),
            Self::Deliver(session, who, _) => [5, number(who.pid), session.0],
            Self::Closed(session, who) => [6, number(who.pid), session.0],
            Self::Letter { from, to, .. } => [7, number(*from), number(*to)],
            Self::Start(pid) => [8, number(*pid), 0],
            Self::Fault(_) => [9, 0, 0],
        }
    }
}

impl Timer {
    const fn number(self) -> u64 {
        match self {
            Self::Ingest => 1,
            Self::Lane => 2,
            Self::Look => 3,
            Self::Watch => 4,
            Self::Agent => 5,
            Self::Beat => 6,
            Self::Connect => 7,
            Self::Ran(_) => 8,
            Self::Settle => 9,
            Self::Client => 10,
        }
    }
}

fn number(pid: Pid) -> u64 {
    u64::try_from(pid).unwrap_or(u64::MAX)
}
