//! Carrying blobs to and from coordinators.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tallystick_blobs::transfer::{Blame, Fetch, FetchError, Step};
use tallystick_types::BlobDigest;
use tallystick_wire::MalformedError;
use tallystick_wire::blobs::{
    GetRequest, HasRequest, HasResponse, Part, PutHeader, PutPart, PutPartBody, Stored, v1,
};
use tokio_stream::StreamExt;

use crate::client::{CallError, Client};
use crate::specify::{Needed, Source};

/// Bytes of one message of an upload.
const PUT_BYTES: usize = 256 << 10;

/// Chunks of one request of a download: 16 MiB.
const CHUNKS: u32 = 256;

/// Addresses of one question.
const ADDRESSES: usize = 1_024;

/// Failures in a row after which a download is given up.
const MOST_FAILURES: u32 = 5;

/// The slowest way on which an upload still ends within its time limit, in bytes per second.
const SLOWEST: u64 = 32 << 10;

/// What is told while blobs are carried.
pub type Report = Arc<dyn Fn(Carried) + Send + Sync>;

/// How far carrying got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// So many bytes were sent or came since the last report.
    Bytes(u64),
    /// A blob of so many bytes was there already.
    Skipped(u64),
}

/// Why a blob did not get to the coordinator.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The bytes cannot be read here.
    #[error("blob {digest} cannot be read here; check the file it comes from")]
    Read {
        /// The blob.
        digest: BlobDigest,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not what it was.
    #[error("the file of blob {digest} changed since it was hashed; start anew")]
    Changed {
        /// The blob as it was.
        digest: BlobDigest,
    },
    /// The coordinator did not take it.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Why a blob did not come.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// It cannot be kept here.
    #[error("blob {digest} cannot be written here; check space and permissions")]
    Write {
        /// The blob.
        digest: BlobDigest,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What came is not the blob.
    #[error("blob {digest} did not come; ask another coordinator")]
    Fetch {
        /// The blob.
        digest: BlobDigest,
        /// What was wrong.
        #[source]
        source: FetchError,
    },
    /// The coordinator did not send it.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl Client {
    /// Uploads blobs that the coordinator does not have. Repeating it is harmless.
    ///
    /// # Errors
    ///
    /// [`UploadError`].
    pub async fn upload(&self, needed: &[Needed], report: &Report) -> Result<(), UploadError> {
        for batch in needed.chunks(ADDRESSES) {
            let present = self.has(batch).await?;
            for blob in batch {
                if present.contains(&blob.digest) {
                    report(Carried::Skipped(blob.size));
                } else {
                    self.put(blob, report).await?;
                }
            }
        }
        Ok(())
    }

    /// Which of these blobs the coordinator has.
    async fn has(&self, blobs: &[Needed]) -> Result<Vec<BlobDigest>, CallError> {
        let digests: Vec<_> = blobs.iter().map(|blob| blob.digest).collect();
        let malformed = |source| CallError::Malformed { call: "Has", source };
        let digests = digests.try_into().map_err(malformed)?;
        let request = v1::HasRequest::from(HasRequest { digests });
        let answer = self.within("Has", self.time_limit(), self.blobs().has(request)).await?;
        let answer = HasResponse::try_from(answer).map_err(malformed)?;
        Ok(answer.present.iter().map(|descriptor| descriptor.digest).collect())
    }

    async fn put(&self, blob: &Needed, report: &Report) -> Result<(), UploadError> {
        let digest = blob.digest;
        let failed = Failed::default();
        let pieces = Pieces::open(blob, report.clone(), failed.clone())
            .map_err(|source| UploadError::Read { digest, source })?;
        let limit = self.time_limit() + Duration::from_secs(blob.size / SLOWEST);
        let mut service = self.blobs();
        let sent = service.put(tokio_stream::iter(pieces));
        let answer = self.within("Put", limit, sent).await;
        if let Some(source) = failed.take() {
            return Err(UploadError::Read { digest, source });
        }
        let malformed = |source| CallError::Malformed { call: "Put", source };
        let stored = Stored::try_from(answer?).map_err(malformed)?;
        if stored.descriptor.digest == digest {
            Ok(())
        } else {
            Err(UploadError::Changed { digest })
        }
    }

    /// Fetches a blob of at most `limit` bytes and verifies it chunk by chunk. Only after `Ok` is
    /// what was written the blob. A broken connection goes on where it broke.
    ///
    /// # Errors
    ///
    /// [`DownloadError`].
    pub async fn download(
        &self,
        digest: BlobDigest,
        limit: u64,
        output: &mut (dyn Write + Send),
        report: &Report,
    ) -> Result<u64, DownloadError> {
        let mut fetch = Fetch::new(digest, limit);
        let mut failures = 0;
        while let Some(request) = fetch.request(CHUNKS) {
            let before = fetch.next_chunk();
            let failure = match self.answer(&mut fetch, request, output, report).await {
                Ok(()) => continue,
                Err(failure) => failure,
            };
            let moved = fetch.next_chunk() > before;
            failures = if moved { 1 } else { failures + 1 };
            if failures >= MOST_FAILURES || !is_worth_another(&failure) {
                return Err(failure);
            }
            self.switch();
            tokio::time::sleep(Duration::from_millis(100 << failures.min(6))).await;
        }
        match fetch.finish() {
            Some(Ok(blob)) => Ok(blob.size),
            Some(Err(source)) => Err(DownloadError::Fetch { digest, source }),
            None => Ok(0),
        }
    }

    /// A whole blob in memory.
    ///
    /// # Errors
    ///
    /// [`DownloadError`].
    pub async fn blob(&self, digest: BlobDigest, limit: u64) -> Result<Vec<u8>, DownloadError> {
        let mut bytes = Vec::new();
        self.download(digest, limit, &mut bytes, &silent()).await?;
        Ok(bytes)
    }

    async fn answer(
        &self,
        fetch: &mut Fetch,
        request: tallystick_blobs::transfer::Request,
        output: &mut (dyn Write + Send),
        report: &Report,
    ) -> Result<(), DownloadError> {
        let digest = request.digest;
        let malformed = |source: MalformedError| CallError::Malformed { call: "Get", source };
        let mut service = self.blobs();
        let opened = service.get(v1::GetRequest::from(GetRequest::from(request)));
        let mut parts = self.within("Get", self.time_limit(), opened).await?;
        loop {
            let url = self.coordinator();
            let limit = self.time_limit();
            let part = tokio::time::timeout(limit, parts.next()).await;
            let part =
                part.map_err(|_| CallError::TimedOut { call: "Get", url: url.to_owned(), limit })?;
            let part = match part {
                Some(Ok(part)) => Part::try_from(part).map_err(malformed)?,
                Some(Err(status)) => return Err(CallError::of("Get", url, &status).into()),
                None => {
                    let message = "the answer ended early".to_owned();
                    let url = url.to_owned();
                    return Err(CallError::Unreachable { call: "Get", url, message }.into());
                }
            };
            let step = fetch
                .accept(part.into())
                .map_err(|source| DownloadError::Fetch { digest, source })?;
            match step {
                Step::Described(_) | Step::Confirmed => {}
                Step::Chunk { bytes, .. } => {
                    let write = |source| DownloadError::Write { digest, source };
                    output.write_all(&bytes).map_err(write)?;
                    report(Carried::Bytes(length(&bytes)));
                }
                Step::Answered => return Ok(()),
            }
        }
    }

    /// One call to the store of blobs.
    async fn within<A>(
        &self,
        call: &'static str,
        limit: Duration,
        answer: impl Future<Output = Result<tonic::Response<A>, tonic::Status>>,
    ) -> Result<A, CallError> {
        let url = self.coordinator().to_owned();
        match tokio::time::timeout(limit, answer).await {
            Ok(Ok(answer)) => Ok(answer.into_inner()),
            Ok(Err(status)) => Err(CallError::of(call, &url, &status)),
            Err(_) => Err(CallError::TimedOut { call, url, limit }),
        }
    }
}

/// Whether another coordinator, or a second attempt, may bring what this one did not.
fn is_worth_another(failure: &DownloadError) -> bool {
    match failure {
        DownloadError::Write { .. } => false,
        DownloadError::Fetch { source, .. } => {
            matches!(source, FetchError::Refused(_) | FetchError::Conflict { .. })
                || source.blame() == Blame::Sender
        }
        DownloadError::Call(call) => {
            call.is_silence()
                || matches!(call, CallError::NotNow { .. } | CallError::NotFound { .. })
        }
    }
}

/// Tells nobody.
pub fn silent() -> Report {
    Arc::new(|_| {})
}

pub(crate) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("a length in memory fits 64 bits")
}

/// Why reading a source failed while the transport was reading it.
#[derive(Clone, Debug, Default)]
struct Failed(Arc<Mutex<Option<io::Error>>>);

impl Failed {
    fn set(&self, error: io::Error) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The messages of one upload. Reads of a local file are short, so they happen in place.
struct Pieces {
    header: Option<v1::PutPart>,
    bytes: Box<dyn Read + Send>,
    report: Report,
    failed: Failed,
}

impl Pieces {
    fn open(blob: &Needed, report: Report, failed: Failed) -> io::Result<Self> {
        let bytes: Box<dyn Read + Send> = match &blob.source {
            Source::File(path) => Box::new(std::fs::File::open(path)?),
            Source::Bytes(bytes) => Box::new(io::Cursor::new(bytes.clone())),
        };
        let header = header(blob.digest, blob.size);
        // Never more than was announced, however the file has grown.
        Ok(Self { header: Some(header), bytes: Box::new(bytes.take(blob.size)), report, failed })
    }
}

impl Iterator for Pieces {
    type Item = v1::PutPart;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(header) = self.header.take() {
            return Some(header);
        }
        let mut piece = vec![0; PUT_BYTES];
        let mut held = 0;
        while held < piece.len() {
            match self.bytes.read(&mut piece[held..]) {
                Ok(0) => break,
                Ok(count) => held += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed.set(error);
                    return None;
                }
            }
        }
        if held == 0 {
            return None;
        }
        piece.truncate(held);
        (self.report)(Carried::Bytes(length(&piece)));
        Some(v1::PutPart { body: Some(v1::put_part::Body::Data(piece)) })
    }
}

/// The first message of an upload.
fn header(digest: BlobDigest, size: u64) -> v1::PutPart {
    PutPart { body: PutPartBody::Header(PutHeader { digest: Some(digest), size }) }.into()
}
