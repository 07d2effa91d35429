//! Carrying blobs between the local store and the blob service of a coordinator.

use std::time::Duration;

use tallystick_blobs::transfer::{self, Download, DownloadError, FetchError};
use tallystick_blobs::{BlobError, BlobStore, Pin};
use tallystick_ports::blocking;
use tallystick_types::BlobDigest;
use tallystick_wire::blobs::{GetRequest, Part, PutHeader, PutPart, PutPartBody, Stored, v1};
use tallystick_wire::limits::{BLOBS_REQUEST_BYTES, BLOBS_RESPONSE_BYTES, PUT_DATA_BYTES};
use tokio::sync::mpsc;
use tokio::task::JoinError;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use v1::blobs_client::BlobsClient;

use crate::agent::FetchFailure;

/// Chunks of one request: 4 MiB, which wait in memory before they are judged and kept.
const CHUNKS_AT_ONCE: u32 = 64;
/// Parts of an upload that wait to be sent.
const PARTS_AHEAD: usize = 2;

/// One message of an answer that did not come, or made no sense.
enum Gap {
    Silent,
    Malformed,
}

/// Gets a blob of at most `most_bytes` into the store and pins it. What is here is not fetched.
pub(crate) async fn fetch(
    store: BlobStore,
    channel: Option<Channel>,
    digest: BlobDigest,
    most_bytes: u64,
    pin: Pin,
    silence: Duration,
) -> Result<(), FetchFailure> {
    let local = store.clone();
    let begun = blocking::run(move || begin(&local, digest, most_bytes, pin)).await;
    let Some(mut download) = begun.map_err(lost)?? else { return Ok(()) };
    let Some(channel) = channel else { return Err(FetchFailure::Unreachable) };
    let mut client = BlobsClient::new(channel).max_decoding_message_size(BLOBS_RESPONSE_BYTES);
    while let Some(request) = download.request(CHUNKS_AT_ONCE) {
        let parts = match answer(&mut client, request, silence).await {
            Ok(parts) => parts,
            Err(Gap::Silent) => return Err(FetchFailure::Unreachable),
            Err(Gap::Malformed) => return Err(FetchFailure::Unavailable),
        };
        let kept = blocking::run(move || keep(download, parts)).await.map_err(lost)?;
        download = kept.map_err(|error| judged(&store, digest, &error))?;
    }
    let finished = blocking::run(move || download.finish(Some(pin))).await.map_err(lost)?;
    finished.map(|_| ()).map_err(|error| judged(&store, digest, &error))
}

/// Pins the blob; a download where it is not here.
fn begin(
    store: &BlobStore,
    digest: BlobDigest,
    most_bytes: u64,
    pin: Pin,
) -> Result<Option<Download>, FetchFailure> {
    if store.has(digest) {
        return store.pin(digest, pin).map(|()| None).map_err(|_| FetchFailure::Machine);
    }
    match store.download(digest, most_bytes) {
        Ok(download) => Ok(Some(download)),
        // Another task fetches it at this moment.
        Err(BlobError::InUse { .. }) => Err(FetchFailure::Unreachable),
        Err(BlobError::TooLarge { .. }) => Err(FetchFailure::Unavailable),
        Err(_) => Err(FetchFailure::Machine),
    }
}

/// All messages of one answer, as many as the request allows.
async fn answer(
    client: &mut BlobsClient<Channel>,
    request: transfer::Request,
    silence: Duration,
) -> Result<Vec<transfer::Part>, Gap> {
    let count = request.count;
    let request = v1::GetRequest::from(GetRequest::from(request));
    let opened = timeout(silence, client.get(request)).await.map_err(|_| Gap::Silent)?;
    let mut stream = opened.map_err(|_| Gap::Silent)?.into_inner();
    let most = usize::try_from(count).unwrap_or(usize::MAX).saturating_add(2);
    let mut parts = Vec::new();
    loop {
        let next = timeout(silence, stream.message()).await.map_err(|_| Gap::Silent)?;
        let Some(part) = next.map_err(|_| Gap::Silent)? else { return Ok(parts) };
        let part = Part::try_from(part).map_err(|_| Gap::Malformed)?;
        parts.push(part.into());
        if parts.len() > most {
            return Err(Gap::Malformed);
        }
    }
}

fn keep(mut download: Download, parts: Vec<transfer::Part>) -> Result<Download, DownloadError> {
    for part in parts {
        download.receive(part)?;
    }
    Ok(download)
}

/// What a failed download means for the task. A descriptor that turned out false is dropped.
fn judged(store: &BlobStore, digest: BlobDigest, error: &DownloadError) -> FetchFailure {
    match error {
        DownloadError::Fetch(FetchError::Refused(transfer::Refusal::Unavailable)) => {
            FetchFailure::Unreachable
        }
        DownloadError::Fetch(FetchError::Conflict { .. }) => {
            let _fetched_anew = store.discard_partial(digest);
            FetchFailure::Unreachable
        }
        DownloadError::Fetch(_) | DownloadError::Store(BlobError::TooShort { .. }) => {
            FetchFailure::Unavailable
        }
        DownloadError::Store(_) => FetchFailure::Machine,
    }
}

fn lost(_panicked: JoinError) -> FetchFailure {
    FetchFailure::Machine
}

/// Uploads a blob; whether the service stored exactly it.
pub(crate) async fn upload(
    store: BlobStore,
    channel: Option<Channel>,
    digest: BlobDigest,
    silence: Duration,
) -> bool {
    let (Some(channel), Some(size)) = (channel, store.size(digest)) else { return false };
    let (parts, sent) = mpsc::channel(PARTS_AHEAD);
    let reading = blocking::drive(read_parts(store, digest, size, parts));
    let mut client = BlobsClient::new(channel).max_encoding_message_size(BLOBS_REQUEST_BYTES);
    // A slow line of 64 KiB a second is waited for.
    let limit = silence.saturating_add(Duration::from_secs(size >> 16));
    let stored = timeout(limit, client.put(ReceiverStream::new(sent))).await;
    let whole = reading.await.unwrap_or(false);
    let Ok(Ok(stored)) = stored else { return false };
    let stored = Stored::try_from(stored.into_inner());
    whole && stored.is_ok_and(|stored| stored.descriptor.digest == digest)
}

/// Hands the parts of an upload on, as fast as they are taken; whether all of them were.
async fn read_parts(
    store: BlobStore,
    digest: BlobDigest,
    size: u64,
    parts: mpsc::Sender<v1::PutPart>,
) -> bool {
    let header = PutPartBody::Header(PutHeader { digest: Some(digest), size });
    let send = async |body| parts.send(v1::PutPart::from(PutPart { body })).await.is_ok();
    let Ok(mut reader) = store.reader(digest) else { return false };
    if !send(header).await {
        return false;
    }
    let mut start = 0;
    while start < size {
        let length = (size - start).min(PUT_DATA_BYTES as u64);
        let Ok(bytes) = reader.range(start, length) else { return false };
        let Ok(data) = bytes.try_into() else { return false };
        if !send(PutPartBody::Data(data)).await {
            return false;
        }
        start += length;
    }
    true
}
