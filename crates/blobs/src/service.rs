//! Serves a store over gRPC: `tallystick.blobs.v1`.

use std::pin::Pin;

use futures::Stream;
use tallystick_ports::blocking;
use tallystick_types::BlobDigest;
use tallystick_wire::blobs::v1;
use tallystick_wire::blobs::v1::blobs_server::{Blobs, BlobsServer};
use tallystick_wire::{blobs as message, limits};
use tokio::sync::mpsc;
use tonic::{Request, Response, Status, Streaming};

use crate::error::BlobError;
use crate::store::{BlobStore, BlobWriter, PutOptions};
use crate::transfer;

/// Messages of one answer that wait for the network.
const QUEUE: usize = 4;

/// Says whether a blob is not for everybody.
pub type Withheld = fn(&BlobStore, BlobDigest) -> bool;

/// A store that anybody who reaches it may read and, within the quota, write.
#[derive(Clone, Debug)]
pub struct BlobService {
    store: BlobStore,
    withheld: Withheld,
}

type Parts = Pin<Box<dyn Stream<Item = Result<v1::Part, Status>> + Send>>;

impl BlobService {
    /// Serves this store, with the limits of the schema.
    pub fn server(store: BlobStore) -> BlobsServer<Self> {
        Self::withholding(store, |_, _| false)
    }

    /// The same, but some blobs are sent to nobody: asked for, they are missing. That they are here
    /// is no secret.
    pub fn withholding(store: BlobStore, withheld: Withheld) -> BlobsServer<Self> {
        BlobsServer::new(Self { store, withheld })
            .max_decoding_message_size(limits::BLOBS_REQUEST_BYTES)
            .max_encoding_message_size(limits::BLOBS_RESPONSE_BYTES)
    }

    fn present(&self, digest: BlobDigest) -> Option<v1::Descriptor> {
        let serving = self.store.serve(digest).ok()?;
        Some(message::Descriptor::from(serving.descriptor()).into())
    }
}

#[tonic::async_trait]
impl Blobs for BlobService {
    type GetStream = Parts;

    async fn put(
        &self,
        request: Request<Streaming<v1::PutPart>>,
    ) -> Result<Response<v1::Stored>, Status> {
        let mut parts = request.into_inner();
        let first = parts.message().await?.ok_or_else(|| refuse("the upload is empty"))?;
        let message::PutPartBody::Header(header) = checked::<_, message::PutPart>(first)?.body
        else {
            return Err(refuse("an upload begins with its header"));
        };
        let options = PutOptions { expected: header.digest, size: Some(header.size), pin: None };
        let mut writer = self.store.writer(options).map_err(failed)?;
        while let Some(part) = parts.message().await? {
            let message::PutPartBody::Data(data) = checked::<_, message::PutPart>(part)?.body
            else {
                return Err(refuse("an upload has one header"));
            };
            writer = write(writer, data.into_vec()).await?;
        }
        let stored = off_thread(move || writer.finish()).await?;
        fail::fail_point!("blobs.upload.stored");
        let existed = stored.existed;
        let descriptor = self.present(stored.digest);
        Ok(Response::new(v1::Stored { descriptor, existed }))
    }

    async fn get(
        &self,
        request: Request<v1::GetRequest>,
    ) -> Result<Response<Self::GetStream>, Status> {
        let asked: message::GetRequest = checked(request.into_inner())?;
        let Self { store, withheld } = self.clone();
        let (sender, receiver) = mpsc::channel(QUEUE);
        // Ends with the blob, or as soon as nobody reads.
        drop(blocking::drive(answer(store, withheld, asked, sender)));
        let parts = futures::stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|part| (Ok(part), receiver))
        });
        Ok(Response::new(Box::pin(parts)))
    }

    async fn has(
        &self,
        request: Request<v1::HasRequest>,
    ) -> Result<Response<v1::HasResponse>, Status> {
        let asked: message::HasRequest = checked(request.into_inner())?;
        let service = self.clone();
        let present = move || {
            let digests = asked.digests.into_vec().into_iter();
            Ok(digests.filter_map(|digest| service.present(digest)).collect())
        };
        let present = off_thread(present).await?;
        Ok(Response::new(v1::HasResponse { present }))
    }
}

/// Sends an answer for as long as somebody reads it.
async fn answer(
    store: BlobStore,
    withheld: Withheld,
    asked: message::GetRequest,
    to: mpsc::Sender<v1::Part>,
) {
    let message::GetRequest { digest, first, count } = asked;
    let refused = |refusal| v1::Part::from(message::Part::from(transfer::Part::Refused(refusal)));
    if withheld(&store, digest) {
        // Nobody reads any more where this fails, here and below.
        let _nobody = to.send(refused(transfer::Refusal::Missing)).await;
        return;
    }
    let mut serving = match store.serve(digest) {
        Ok(serving) => serving,
        Err(error) => {
            let missing = matches!(error, BlobError::Missing { .. });
            let why =
                if missing { transfer::Refusal::Missing } else { transfer::Refusal::Unavailable };
            let _nobody = to.send(refused(why)).await;
            return;
        }
    };
    for next in serving.answer(transfer::Request { digest, first, count }) {
        // An error is followed by the refusal that tells the peer.
        let Ok(next) = next else { continue };
        if to.send(message::Part::from(next).into()).await.is_err() {
            return;
        }
    }
}

async fn write(mut writer: BlobWriter, data: Vec<u8>) -> Result<BlobWriter, Status> {
    off_thread(move || writer.write(&data).map(|()| writer)).await
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, Status> {
    match blocking::run(work).await {
        Ok(result) => result.map_err(failed),
        Err(_) => Err(Status::internal("the store failed; look into its log")),
    }
}

fn checked<W, T: TryFrom<W, Error = tallystick_wire::MalformedError>>(
    wire: W,
) -> Result<T, Status> {
    T::try_from(wire).map_err(|error| Status::invalid_argument(error.to_string()))
}

fn refuse(why: &'static str) -> Status {
    Status::invalid_argument(why)
}

fn failed(error: BlobError) -> Status {
    let words = error.to_string();
    match error {
        BlobError::Missing { .. } => Status::not_found(words),
        BlobError::NoSpace { .. } | BlobError::DiskFull { .. } => Status::resource_exhausted(words),
        BlobError::TooLarge { size, limit } => Status::invalid_argument(format!(
            "{size} bytes are more than the {limit} that were announced or one blob may have here; \
             split the input into several"
        )),
        BlobError::TooShort { .. } | BlobError::DigestMismatch { .. } => {
            Status::invalid_argument(words)
        }
        _ => Status::unavailable(words),
    }
}
