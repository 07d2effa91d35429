//! The messages of a transfer in the words of the schema, both ways.

use tallystick_wire::blobs as wire;

use super::{Descriptor, Part, ProvedChunk, Refusal, Request};

impl From<Request> for wire::GetRequest {
    fn from(Request { digest, first, count }: Request) -> Self {
        Self { digest, first, count }
    }
}

impl From<Descriptor> for wire::Descriptor {
    fn from(Descriptor { digest, size, root }: Descriptor) -> Self {
        Self { digest, size, root }
    }
}

impl From<Part> for wire::Part {
    fn from(part: Part) -> Self {
        let body = match part {
            Part::Descriptor(it) => wire::PartBody::Descriptor(it.into()),
            Part::Chunk(chunk) => wire::PartBody::Chunk(wire::ProvedChunk {
                index: chunk.index,
                bytes: chunk.bytes.try_into().expect("a chunk has at most 64 KiB"),
                proof: chunk.proof.try_into().expect("a path has at most 24 nodes"),
            }),
            Part::End => wire::PartBody::End(wire::End {}),
            Part::Refused(refusal) => {
                wire::PartBody::Refused(wire::Refused { reason: refusal.into() })
            }
        };
        Self { body }
    }
}

impl From<wire::Part> for Part {
    fn from(part: wire::Part) -> Self {
        match part.body {
            wire::PartBody::Descriptor(it) => {
                Self::Descriptor(Descriptor { digest: it.digest, size: it.size, root: it.root })
            }
            wire::PartBody::Chunk(chunk) => Self::Chunk(ProvedChunk {
                index: chunk.index,
                bytes: chunk.bytes.into_vec(),
                proof: chunk.proof.into_vec(),
            }),
            wire::PartBody::End(_) => Self::End,
            wire::PartBody::Refused(refused) => Self::Refused(refused.reason.into()),
        }
    }
}

impl From<Refusal> for wire::Refusal {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Missing => Self::Missing(wire::Missing {}),
            Refusal::NoSuchChunk { chunks } => Self::NoSuchChunk(wire::NoSuchChunk { chunks }),
            Refusal::Count { most } => Self::Count(wire::Count { most }),
            Refusal::Unavailable => Self::Unavailable(wire::Unavailable {}),
        }
    }
}

impl From<wire::Refusal> for Refusal {
    fn from(refusal: wire::Refusal) -> Self {
        match refusal {
            wire::Refusal::Missing(_) => Self::Missing,
            wire::Refusal::NoSuchChunk(none) => Self::NoSuchChunk { chunks: none.chunks },
            wire::Refusal::Count(count) => Self::Count { most: count.most },
            wire::Refusal::Unavailable(_) => Self::Unavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::B256;
    use tallystick_types::{BlobDigest, ChunkRoot};

    #[test]
    fn every_message_survives_the_wire() {
        let chunk = ProvedChunk { index: 3, bytes: vec![1, 2], proof: vec![B256::repeat_byte(4)] };
        let (digest, root) = (BlobDigest::new([5; 32]), ChunkRoot::new([6; 32]));
        let parts = [
            Part::Descriptor(Descriptor { digest, size: 7, root }),
            Part::Chunk(chunk),
            Part::End,
            Part::Refused(Refusal::Missing),
            Part::Refused(Refusal::NoSuchChunk { chunks: 8 }),
            Part::Refused(Refusal::Count { most: 9 }),
            Part::Refused(Refusal::Unavailable),
        ];
        for part in parts {
            assert_eq!(Part::from(wire::Part::from(part.clone())), part);
        }
    }
}
