//! Between the messages of the wire and those of the fetch.

use tallystick_blobs::transfer;
use tallystick_types::BlobDigest;
use tallystick_wire::blobs::{GetRequest, Part, PartBody, PutHeader, PutPartBody, Refusal, v1};

pub(super) fn request(request: transfer::Request) -> v1::GetRequest {
    let transfer::Request { digest, first, count } = request;
    GetRequest { digest, first, count }.into()
}

pub(super) fn header(digest: BlobDigest, size: u64) -> v1::PutPart {
    let header = PutPartBody::Header(PutHeader { digest: Some(digest), size });
    tallystick_wire::blobs::PutPart { body: header }.into()
}

pub(super) fn part(part: Part) -> transfer::Part {
    match part.body {
        PartBody::Descriptor(descriptor) => transfer::Part::Descriptor(transfer::Descriptor {
            digest: descriptor.digest,
            size: descriptor.size,
            root: descriptor.root,
        }),
        PartBody::Chunk(chunk) => transfer::Part::Chunk(transfer::ProvedChunk {
            index: chunk.index,
            bytes: chunk.bytes.into_vec(),
            proof: chunk.proof.into_vec(),
        }),
        PartBody::End(_) => transfer::Part::End,
        PartBody::Refused(refused) => transfer::Part::Refused(match refused.reason {
            Refusal::Missing(_) => transfer::Refusal::Missing,
            Refusal::NoSuchChunk(no) => transfer::Refusal::NoSuchChunk { chunks: no.chunks },
            Refusal::Count(count) => transfer::Refusal::Count { most: count.most },
            Refusal::Unavailable(_) => transfer::Refusal::Unavailable,
        }),
    }
}
