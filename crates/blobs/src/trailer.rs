//! What follows the bytes of a blob in its file: the digests of its chunks, and what it is.
//!
//! ```text
//! bytes of the blob | 32 bytes per chunk | TALLYBLB | version 2 | size 8 | address 32 | check 32
//! ```
//!
//! The check is SHA-256 over the trailer before it. One file holds everything, so one rename
//! makes a blob visible and one removal takes it away.

use sha2::{Digest, Sha256};
use tallystick_types::BlobDigest;

use crate::chunk::{CHUNK_BYTES, ChunkDigest, Hashed, chunks_of};
use crate::error::Damage;

const MAGIC: &[u8; 8] = b"TALLYBLB";
const VERSION: u16 = 1;
const DIGEST: u64 = 32;
/// Magic, version, size, address, check.
const FOOTER: u64 = 8 + 2 + 8 + 32 + 32;

/// Bytes of the trailer of a blob of `size` bytes.
pub(crate) const fn trailer_length(size: u64) -> u64 {
    chunks_of(size).saturating_mul(DIGEST).saturating_add(FOOTER)
}

/// Bytes of the file of a blob of `size` bytes.
pub(crate) const fn stored_length(size: u64) -> u64 {
    size.saturating_add(trailer_length(size))
}

/// The size of the blob whose file has `length` bytes, where there is one.
pub(crate) fn size_of_stored(length: u64) -> Option<u64> {
    let inner = length.checked_sub(FOOTER)?;
    let chunks = inner.div_ceil(CHUNK_BYTES as u64 + DIGEST).max(1);
    let size = inner.checked_sub(chunks * DIGEST)?;
    (stored_length(size) == length).then_some(size)
}

/// The trailer of a blob.
pub(crate) fn encode(blob: &Hashed) -> Vec<u8> {
    let mut bytes = blob.chunks.concat();
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_be_bytes());
    bytes.extend_from_slice(&blob.size.to_be_bytes());
    bytes.extend_from_slice(blob.digest.as_bytes());
    let check = Sha256::digest(&bytes);
    bytes.extend_from_slice(&check);
    bytes
}

/// The chunk digests of a trailer that is whole and belongs to this blob.
pub(crate) fn decode(
    bytes: &[u8],
    digest: BlobDigest,
    size: u64,
) -> Result<Vec<ChunkDigest>, Damage> {
    let digests = usize::try_from(chunks_of(size) * DIGEST).map_err(|_| Damage::Trailer)?;
    let (digests, _) = bytes.split_at_checked(digests).ok_or(Damage::Trailer)?;
    let (chunks, _) = digests.as_chunks();
    let blob = Hashed { digest, size, chunks: chunks.to_vec() };
    if encode(&blob) == bytes { Ok(blob.chunks) } else { Err(Damage::Trailer) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_file_tells_the_size_of_its_blob() {
        let chunk = CHUNK_BYTES as u64;
        for near in [0, chunk, 2 * chunk, 1_000 * chunk] {
            for size in near.saturating_sub(70)..near + 70 {
                assert_eq!(size_of_stored(stored_length(size)), Some(size));
            }
        }
        assert_eq!(size_of_stored(FOOTER), None);
        assert_eq!(size_of_stored(0), None);
        assert_eq!(size_of_stored(stored_length(chunk) + 1), None);
    }

    #[test]
    fn any_flipped_bit_of_a_trailer_is_noticed() {
        let (digest, size) = (BlobDigest::new([3; 32]), CHUNK_BYTES as u64 + 1);
        let blob = Hashed { digest, size, chunks: vec![[1; 32], [2; 32]] };
        let bytes = encode(&blob);
        assert_eq!(bytes.len() as u64, trailer_length(size));
        assert_eq!(decode(&bytes, digest, size), Ok(blob.chunks));
        for bit in 0..bytes.len() * 8 {
            let mut other = bytes.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&other, digest, size), Err(Damage::Trailer));
        }
        assert!(decode(&bytes[1..], digest, size).is_err());
        assert!(decode(&bytes, BlobDigest::new([4; 32]), size).is_err());
    }
}
