//! Calls through the generated stubs, without a socket.

use std::pin::Pin;

use tallystick_wire::blobs::v1::blobs_client::BlobsClient;
use tallystick_wire::blobs::v1::blobs_server::{Blobs, BlobsServer};
use tallystick_wire::blobs::v1::{
    Descriptor, End, GetRequest, HasRequest, HasResponse, Part, PutPart, Stored, part, put_part,
};
use tallystick_wire::limits::{BLOBS_REQUEST_BYTES, PUT_DATA_BYTES};
use tonic::codegen::tokio_stream::{self, Stream};
use tonic::{Code, Request, Response, Status, Streaming};

/// Counts what is put; has nothing.
#[derive(Debug)]
struct Counter;

#[tonic::async_trait]
impl Blobs for Counter {
    type GetStream = Pin<Box<dyn Stream<Item = Result<Part, Status>> + Send>>;

    async fn put(&self, request: Request<Streaming<PutPart>>) -> Result<Response<Stored>, Status> {
        let mut parts = request.into_inner();
        let mut size = 0;
        while let Some(part) = parts.message().await? {
            if let Some(put_part::Body::Data(data)) = part.body {
                size += data.len() as u64;
            }
        }
        let descriptor = Some(Descriptor { size, ..Descriptor::default() });
        Ok(Response::new(Stored { descriptor, existed: false }))
    }

    async fn get(&self, _: Request<GetRequest>) -> Result<Response<Self::GetStream>, Status> {
        let end = Part { body: Some(part::Body::End(End {})) };
        Ok(Response::new(Box::pin(tokio_stream::once(Ok(end)))))
    }

    async fn has(&self, _: Request<HasRequest>) -> Result<Response<HasResponse>, Status> {
        Ok(Response::new(HasResponse::default()))
    }
}

fn client() -> BlobsClient<BlobsServer<Counter>> {
    let server = BlobsServer::new(Counter).max_decoding_message_size(BLOBS_REQUEST_BYTES);
    BlobsClient::new(server)
}

fn data(length: usize) -> PutPart {
    PutPart { body: Some(put_part::Body::Data(vec![1; length])) }
}

#[tokio::test]
async fn streams_go_both_ways() {
    let parts = tokio_stream::iter([data(PUT_DATA_BYTES), data(5)]);
    let stored = client().put(parts).await.unwrap().into_inner();
    assert_eq!(stored.descriptor.unwrap().size, PUT_DATA_BYTES as u64 + 5);
    let mut answer = client().get(GetRequest::default()).await.unwrap().into_inner();
    assert_eq!(answer.message().await.unwrap().unwrap().body, Some(part::Body::End(End {})));
    assert_eq!(answer.message().await.unwrap(), None);
}

#[tokio::test]
async fn a_message_above_its_limit_is_refused() {
    let parts = tokio_stream::iter([data(BLOBS_REQUEST_BYTES)]);
    assert_eq!(client().put(parts).await.unwrap_err().code(), Code::OutOfRange);
}
