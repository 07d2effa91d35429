//! The serving side: chunks of a stored blob with their proofs.

use tallystick_types::BlobDigest;

use super::message::{Descriptor, MOST_CHUNKS, Part, ProvedChunk, Refusal, Request};
use crate::chunk::{ChunkTree, chunks_of};
use crate::error::BlobError;
use crate::store::{BlobReader, BlobStore};

/// One blob that is being served to one peer. It is not collected meanwhile.
///
/// Holds the tree: 64 bytes per chunk and more, 1 MiB for a blob of 1 GiB.
#[derive(Debug)]
pub struct Serving {
    reader: BlobReader,
    tree: ChunkTree,
    descriptor: Descriptor,
}

impl BlobStore {
    /// Opens a blob for serving any number of requests.
    ///
    /// # Errors
    ///
    /// As [`BlobStore::reader`]. A damaged blob is not served.
    pub fn serve(&self, digest: BlobDigest) -> Result<Serving, BlobError> {
        let reader = self.reader(digest)?;
        let tree = reader.tree().ok_or(BlobError::Missing { digest })?;
        let descriptor = Descriptor { digest, size: reader.size(), root: tree.root() };
        Ok(Serving { reader, tree, descriptor })
    }
}

impl Serving {
    /// What the blob is.
    pub const fn descriptor(&self) -> Descriptor {
        self.descriptor
    }

    /// Answers one request, message by message as the caller pulls them: the pull is the
    /// back-pressure.
    pub fn answer(&mut self, request: Request) -> Answer<'_> {
        let chunks = chunks_of(self.descriptor.size);
        let refusal = if request.digest != self.descriptor.digest {
            Some(Refusal::Missing)
        } else if request.count == 0 || request.count > MOST_CHUNKS {
            Some(Refusal::Count { most: MOST_CHUNKS })
        } else if request.first >= chunks {
            Some(Refusal::NoSuchChunk { chunks })
        } else {
            None
        };
        let next = refusal.map_or(Next::Descriptor, Next::Refuse);
        let end = request.first.saturating_add(u64::from(request.count)).min(chunks);
        Answer { serving: self, next, first: request.first, end }
    }

    fn chunk(&mut self, index: u64) -> Result<ProvedChunk, BlobError> {
        let digest = self.descriptor.digest;
        let proof = self.tree.proof(index).ok_or(BlobError::Missing { digest })?;
        let bytes = self.reader.chunk(index)?.to_vec();
        Ok(ProvedChunk { index, bytes, proof })
    }
}

#[derive(Clone, Copy, Debug)]
enum Next {
    Descriptor,
    Chunk(u64),
    Refuse(Refusal),
    Over,
}

/// The messages of one answer. An error is for the server's own eyes and ends the answer; the
/// peer is told [`Refusal::Unavailable`] with the next message.
#[derive(Debug)]
pub struct Answer<'a> {
    serving: &'a mut Serving,
    next: Next,
    first: u64,
    end: u64,
}

impl Iterator for Answer<'_> {
    type Item = Result<Part, BlobError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next {
            Next::Over => None,
            Next::Refuse(refusal) => {
                self.next = Next::Over;
                Some(Ok(Part::Refused(refusal)))
            }
            Next::Descriptor => {
                self.next = Next::Chunk(self.first);
                Some(Ok(Part::Descriptor(self.serving.descriptor)))
            }
            Next::Chunk(index) if index == self.end => {
                self.next = Next::Over;
                Some(Ok(Part::End))
            }
            Next::Chunk(index) => match self.serving.chunk(index) {
                Ok(chunk) => {
                    self.next = Next::Chunk(index + 1);
                    Some(Ok(Part::Chunk(chunk)))
                }
                Err(error) => {
                    self.next = Next::Refuse(Refusal::Unavailable);
                    Some(Err(error))
                }
            },
        }
    }
}
