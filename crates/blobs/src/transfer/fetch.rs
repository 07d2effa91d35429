//! The fetching side, pure: messages in, verified chunks out. Knows no disk and no network.

use tallystick_types::merkle::{self, MerkleTree};
use tallystick_types::{BlobDigest, ChunkRoot};

use super::message::{Descriptor, MOST_CHUNKS, Part, ProvedChunk, Refusal, Request};
use crate::chunk::{
    ChunkHasher, ChunkTree, Hashed, LARGEST_BLOB, chunk_digest, chunk_leaf, chunk_length, chunks_of,
};

/// Steps of the longest proof.
const LONGEST_PROOF: usize = MerkleTree::MOST.trailing_zeros() as usize;

/// What the sender of an answer did wrong. Honest senders never do any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SenderFault {
    /// A message that nobody asked for, or more than was asked for.
    #[error("a message came that no request allows")]
    Unrequested,
    /// The answer did not begin with a descriptor.
    #[error("the answer began without a descriptor")]
    NoDescriptor,
    /// A second descriptor in one answer.
    #[error("the answer had a second descriptor")]
    SecondDescriptor,
    /// The descriptor is of another blob.
    #[error("the answer is about blob {actual}")]
    OtherBlob {
        /// The blob it is about.
        actual: BlobDigest,
    },
    /// The descriptor has another root than the one that the caller trusts.
    #[error("the answer describes a tree with the root {actual}")]
    OtherRoot {
        /// The root it has.
        actual: ChunkRoot,
    },
    /// A chunk came before its turn or again.
    #[error("chunk {actual} came in the place of chunk {expected}")]
    OutOfOrder {
        /// The chunk whose turn it was.
        expected: u64,
        /// The chunk that came.
        actual: u64,
    },
    /// A chunk has a length that its place does not allow.
    #[error("chunk {index} has {actual} bytes instead of {expected}")]
    ChunkLength {
        /// The chunk.
        index: u64,
        /// Bytes it must have.
        expected: usize,
        /// Bytes it has.
        actual: usize,
    },
    /// The bytes and the proof of a chunk do not lead to the root.
    #[error("the bytes and the proof of chunk {index} do not lead to the root")]
    NotInTree {
        /// The chunk.
        index: u64,
    },
    /// The answer ended before everything was sent.
    #[error("the answer ended after {received} of {expected} chunks")]
    TooFew {
        /// Chunks that were due.
        expected: u64,
        /// Chunks that came.
        received: u64,
    },
}

/// Who is to blame for an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// Nobody is proved to be wrong.
    Nobody,
    /// The sender of the message at hand.
    Sender,
    /// The sender of the descriptor that was accepted first.
    Announcer,
}

/// Why a message was not accepted. Nothing of it is kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The sender broke the protocol or sent wrong bytes; ask another one.
    #[error("the sender is at fault: {0}")]
    Fault(#[from] SenderFault),
    /// The sender does not serve this request; ask another one.
    #[error("the sender refused: {0}")]
    Refused(Refusal),
    /// The blob is announced with more bytes than the caller takes.
    #[error("the blob is announced with {size} bytes, {limit} are allowed")]
    TooLarge {
        /// Bytes announced.
        size: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// Two senders describe the blob differently, and which is right only the end shows.
    #[error("two senders describe the blob differently; go on with the first or start anew")]
    Conflict {
        /// What was accepted first.
        first: Box<Descriptor>,
        /// What this sender says.
        other: Box<Descriptor>,
    },
    /// Everything came and is not the blob: the accepted descriptor was false. Start anew.
    #[error("the announced blob has the digest {digest} and the root {root}: a false descriptor")]
    FalseDescriptor {
        /// Digest of what came.
        digest: BlobDigest,
        /// Root of what came.
        root: ChunkRoot,
    },
}

impl FetchError {
    /// Who is to blame.
    pub const fn blame(&self) -> Blame {
        match self {
            Self::Fault(_) => Blame::Sender,
            Self::FalseDescriptor { .. } => Blame::Announcer,
            Self::Refused(_) | Self::TooLarge { .. } | Self::Conflict { .. } => Blame::Nobody,
        }
    }
}

/// What an accepted message brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The blob is described for the first time.
    Described(Descriptor),
    /// The sender knows the blob as it was described before.
    Confirmed,
    /// A verified chunk, the next one in order.
    Chunk {
        /// Its number, from 0.
        index: u64,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// The answer is over. Send the next request, or finish when there is none.
    Answered,
}

/// One request that is being answered.
#[derive(Clone, Copy, Debug)]
struct Running {
    first: u64,
    count: u32,
    described: bool,
}

/// A fetch of one blob: one request at a time, chunks in order, from any number of senders.
#[derive(Clone, Debug)]
pub struct Fetch {
    digest: BlobDigest,
    limit: u64,
    root: Option<ChunkRoot>,
    descriptor: Option<Descriptor>,
    running: Option<Running>,
    next: u64,
    hasher: ChunkHasher,
}

impl Fetch {
    /// Begins to fetch a blob of at most `limit` bytes.
    pub fn new(digest: BlobDigest, limit: u64) -> Self {
        let hasher = ChunkHasher::default();
        let limit = limit.min(LARGEST_BLOB);
        Self { digest, limit, root: None, descriptor: None, running: None, next: 0, hasher }
    }

    /// Accepts only descriptors with this root, which the caller has from somebody it trusts.
    #[must_use]
    pub const fn expecting(mut self, root: ChunkRoot) -> Self {
        self.root = Some(root);
        self
    }

    /// Goes on with chunks that were verified before, and whose hashes are in `hasher`.
    pub(crate) const fn resumed(
        descriptor: Descriptor,
        limit: u64,
        hasher: ChunkHasher,
        next: u64,
    ) -> Self {
        let (digest, root) = (descriptor.digest, None);
        Self { digest, limit, root, descriptor: Some(descriptor), running: None, next, hasher }
    }

    /// The accepted descriptor.
    pub const fn descriptor(&self) -> Option<Descriptor> {
        self.descriptor
    }

    /// Number of the next chunk; all before it are verified.
    pub const fn next_chunk(&self) -> u64 {
        self.next
    }

    /// Whether all chunks are there.
    pub const fn is_complete(&self) -> bool {
        match self.descriptor {
            Some(descriptor) => self.next == chunks_of(descriptor.size),
            None => false,
        }
    }

    /// The next request, for at most `most` chunks, or nothing when all are there. A request
    /// that was not answered to its end is given up; late messages of its answer are faults, so
    /// the transport drops them.
    pub fn request(&mut self, most: u32) -> Option<Request> {
        if self.is_complete() {
            return None;
        }
        let mut count = most.clamp(1, MOST_CHUNKS);
        if let Some(descriptor) = self.descriptor {
            let left = chunks_of(descriptor.size) - self.next;
            count = u32::try_from(left).map_or(count, |left| count.min(left));
        }
        self.running = Some(Running { first: self.next, count, described: false });
        Some(Request { digest: self.digest, first: self.next, count })
    }

    /// Takes the next message of the answer.
    ///
    /// # Errors
    ///
    /// A [`FetchError`]; its answer is then over, and the next request may go to another sender.
    pub fn accept(&mut self, part: Part) -> Result<Step, FetchError> {
        let step = self.judge(part);
        if !matches!(step, Ok(Step::Described(_) | Step::Confirmed | Step::Chunk { .. })) {
            self.running = None;
        }
        step
    }

    fn judge(&mut self, part: Part) -> Result<Step, FetchError> {
        let running = self.running.ok_or(SenderFault::Unrequested)?;
        match part {
            Part::Refused(refusal) => Err(FetchError::Refused(refusal)),
            Part::Descriptor(descriptor) => self.describe(running, descriptor),
            Part::Chunk(chunk) => self.keep(running, chunk),
            Part::End => {
                let expected = self.due(running)?;
                let received = self.next - running.first;
                if received == expected {
                    Ok(Step::Answered)
                } else {
                    Err(SenderFault::TooFew { expected, received }.into())
                }
            }
        }
    }

    /// How many chunks the running answer has.
    fn due(&self, running: Running) -> Result<u64, SenderFault> {
        let descriptor =
            self.descriptor.filter(|_| running.described).ok_or(SenderFault::NoDescriptor)?;
        let left = chunks_of(descriptor.size).saturating_sub(running.first);
        Ok(left.min(u64::from(running.count)))
    }

    fn describe(&mut self, running: Running, other: Descriptor) -> Result<Step, FetchError> {
        if running.described {
            return Err(SenderFault::SecondDescriptor.into());
        }
        if other.digest != self.digest {
            return Err(SenderFault::OtherBlob { actual: other.digest }.into());
        }
        let step = match self.descriptor {
            Some(first) if first == other => Step::Confirmed,
            Some(first) => {
                let (first, other) = (Box::new(first), Box::new(other));
                return Err(FetchError::Conflict { first, other });
            }
            None => {
                self.check_first(other)?;
                self.descriptor = Some(other);
                Step::Described(other)
            }
        };
        self.running = Some(Running { described: true, ..running });
        Ok(step)
    }

    fn check_first(&self, other: Descriptor) -> Result<(), FetchError> {
        if self.root.is_some_and(|root| root != other.root) {
            return Err(SenderFault::OtherRoot { actual: other.root }.into());
        }
        let (size, limit) = (other.size, self.limit);
        if size > limit { Err(FetchError::TooLarge { size, limit }) } else { Ok(()) }
    }

    fn keep(&mut self, running: Running, chunk: ProvedChunk) -> Result<Step, FetchError> {
        let due = self.due(running)?;
        let descriptor = self.descriptor.ok_or(SenderFault::NoDescriptor)?;
        let ProvedChunk { index, bytes, proof } = chunk;
        if self.next >= running.first + due {
            return Err(SenderFault::Unrequested.into());
        }
        if index != self.next {
            return Err(SenderFault::OutOfOrder { expected: self.next, actual: index }.into());
        }
        let (expected, actual) = (chunk_length(descriptor.size, index), bytes.len());
        if actual != expected {
            return Err(SenderFault::ChunkLength { index, expected, actual }.into());
        }
        let leaf = chunk_leaf(descriptor.size, index, &chunk_digest(&bytes));
        let proved =
            proof.len() <= LONGEST_PROOF && merkle::verify(descriptor.root.into(), leaf, &proof);
        if !proved {
            return Err(SenderFault::NotInTree { index }.into());
        }
        self.hasher.update(&bytes);
        self.next += 1;
        Ok(Step::Chunk { index, bytes })
    }

    /// What the chunks together are, or nothing while some are missing.
    ///
    /// # Errors
    ///
    /// [`FetchError::FalseDescriptor`]: the bytes are not the blob, though every chunk had its
    /// proof.
    pub fn finish(&self) -> Option<Result<Hashed, FetchError>> {
        let descriptor = self.descriptor.filter(|_| self.is_complete())?;
        let blob = self.hasher.clone().finish();
        let root = ChunkTree::new(blob.size, &blob.chunks)?.root();
        // A tree may hold two chunks for one place; the root of what came then is another.
        if blob.digest == self.digest && root == descriptor.root {
            Some(Ok(blob))
        } else {
            Some(Err(FetchError::FalseDescriptor { digest: blob.digest, root }))
        }
    }
}
