//! The service of blobs over a real store.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use tallystick_blobs::PutOptions;
use tallystick_blobs::transfer::{self, Request as Asked};
use tallystick_wire::blobs::v1;
use tallystick_wire::blobs::v1::blobs_server::Blobs;
use tallystick_wire::blobs::{
    Descriptor, End, GetRequest, HasRequest, HasResponse, Missing, PartBody, ProvedChunk,
    PutPartBody, Refusal, Refused, Stored,
};
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use crate::coordinator::{State, all, answer, read};

#[derive(Clone)]
pub(crate) struct Store(pub(crate) Arc<Mutex<State>>);

type Parts = Pin<Box<dyn Stream<Item = Result<v1::Part, Status>> + Send>>;

fn part(part: transfer::Part) -> v1::Part {
    let body = match part {
        transfer::Part::Descriptor(it) => PartBody::Descriptor(described(it)),
        transfer::Part::Chunk(chunk) => PartBody::Chunk(ProvedChunk {
            index: chunk.index,
            bytes: chunk.bytes.try_into().unwrap(),
            proof: chunk.proof.try_into().unwrap(),
        }),
        transfer::Part::End => PartBody::End(End {}),
        transfer::Part::Refused(_) => missing(),
    };
    tallystick_wire::blobs::Part { body }.into()
}

fn missing() -> PartBody {
    PartBody::Refused(Refused { reason: Refusal::Missing(Missing {}) })
}

fn described(it: transfer::Descriptor) -> Descriptor {
    Descriptor { digest: it.digest, size: it.size, root: it.root }
}

#[tonic::async_trait]
impl Blobs for Store {
    async fn put(
        &self,
        request: Request<Streaming<v1::PutPart>>,
    ) -> Result<Response<v1::Stored>, Status> {
        let mut bytes = Vec::new();
        let mut announced = None;
        for message in all(request.into_inner()).await? {
            let message: tallystick_wire::blobs::PutPart = read(Request::new(message))?;
            match message.body {
                PutPartBody::Header(header) => announced = Some(header),
                PutPartBody::Data(data) => bytes.extend_from_slice(&data),
            }
        }
        let header = announced.ok_or_else(|| Status::invalid_argument("no header"))?;
        if header.size != u64::try_from(bytes.len()).unwrap() {
            return Err(Status::invalid_argument("another size than announced"));
        }
        let mut state = self.0.lock().unwrap();
        let options = PutOptions { expected: header.digest, ..PutOptions::default() };
        let stored = state.store.put_with(bytes.as_slice(), options);
        let stored = stored.map_err(|error| Status::invalid_argument(error.to_string()))?;
        state.puts.push(stored.digest);
        let descriptor = state.store.serve(stored.digest).unwrap().descriptor();
        answer(Stored { descriptor: described(descriptor), existed: false })
    }

    type GetStream = Parts;

    async fn get(&self, request: Request<v1::GetRequest>) -> Result<Response<Parts>, Status> {
        let GetRequest { digest, first, count } = read(request)?;
        let state = self.0.lock().unwrap();
        let parts: Vec<_> = match state.store.serve(digest) {
            Ok(mut serving) => serving
                .answer(Asked { digest, first, count })
                .map(|one| Ok(part(one.unwrap())))
                .collect(),
            Err(_) => vec![Ok(tallystick_wire::blobs::Part { body: missing() }.into())],
        };
        Ok(Response::new(Box::pin(tokio_stream::iter(parts))))
    }

    async fn has(
        &self,
        request: Request<v1::HasRequest>,
    ) -> Result<Response<v1::HasResponse>, Status> {
        let HasRequest { digests } = read(request)?;
        let state = self.0.lock().unwrap();
        let here = digests.iter().filter_map(|digest| state.store.serve(*digest).ok());
        let present: Vec<_> = here.map(|serving| described(serving.descriptor())).collect();
        answer(HasResponse { present: present.try_into().unwrap() })
    }
}
