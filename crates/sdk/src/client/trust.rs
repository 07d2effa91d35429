//! What a client or node signs beside orders: cancelling, retrying, pairing, reading.

use alloy_primitives::{Address, B256};
use ed25519_dalek::SigningKey;
use tallystick_chain::keys::SignError;
use tallystick_types::{EvmSignature, JobId, Seat, Seconds, TaskIndex, WallTime};
use tallystick_wire::authentication::{ClientRequest, PairingClaim};
use tallystick_wire::client::v1::clients_client::ClientsClient;
use tallystick_wire::client::{
    Access, CancelRequest, CancelResponse, ClaimPairingRequest, ClaimPairingResponse,
    CreatePairingRequest, CreatePairingResponse, ListPairingsResponse, NetworkResponse,
    RetryRequest, RetryResponse, v1,
};
use tallystick_wire::{Label, MalformedError};
use tonic::Status;
use tonic::transport::Channel;

use super::{CallError, Client, Listing, Repeat};

/// How long what is signed for one call counts, on the coordinator's clock.
const SIGNED_FOR: Seconds = Seconds::new(300);

/// Why a signed request did not get through.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// There is no key to sign with.
    #[error("this needs a signature; name a key with --key or --key-file")]
    NoKey,
    /// The key does not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The code is longer than any.
    #[error("this is no pairing code; ask the client for the code that it was shown")]
    Code(#[source] MalformedError),
    /// The coordinator did not take it.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl Client {
    /// Cancels a job of this client. Cancelling twice is cancelling once.
    ///
    /// # Errors
    ///
    /// [`TrustError`].
    pub async fn cancel(&self, job: JobId) -> Result<(), TrustError> {
        let (_, signature) = self.sign(|_| ClientRequest::Cancel { job })?;
        let request = v1::CancelRequest::from(CancelRequest { job, signature });
        let _: CancelResponse = self
            .ask("Cancel", Repeat::Harmless, |mut service| {
                let request = request.clone();
                async move { service.cancel(request).await }
            })
            .await?;
        Ok(())
    }

    /// Sends a dead letter out again. `tries` are those that it had, so that nothing happens twice.
    ///
    /// # Errors
    ///
    /// [`TrustError`].
    pub async fn retry(&self, job: JobId, task: TaskIndex, tries: u32) -> Result<(), TrustError> {
        let (_, signature) = self.sign(|_| ClientRequest::Retry { job, task, tries })?;
        let request = v1::RetryRequest::from(RetryRequest { job, task, tries, signature });
        let _: RetryResponse = self
            .ask("Retry", Repeat::Harmless, |mut service| {
                let request = request.clone();
                async move { service.retry(request).await }
            })
            .await?;
        Ok(())
    }

    /// Makes a code by which one node pairs with this client at the coordinator that is asked now.
    ///
    /// # Errors
    ///
    /// [`TrustError`]. When nobody answered, a code may exist; it expires unused.
    pub async fn create_pairing(&self) -> Result<CreatePairingResponse, TrustError> {
        let nonce = B256::random();
        if self.signer().is_none() {
            return Err(TrustError::NoKey);
        }
        let answer = self
            .ask("CreatePairing", Repeat::Never, |mut service| async move {
                let (coordinator, until_ms) = stated(&mut service).await?;
                let (client, signature) = self
                    .sign(|client| {
                        let until = until_ms;
                        ClientRequest::CreatePairing { client, nonce, coordinator, until }
                    })
                    .map_err(|error| unsigned(&error))?;
                let request = CreatePairingRequest { client, nonce, signature, until_ms };
                service.create_pairing(v1::CreatePairingRequest::from(request)).await
            })
            .await?;
        Ok(answer)
    }

    /// Pairs a node with the client that made a code. Says who that client is.
    ///
    /// # Errors
    ///
    /// [`TrustError`].
    pub async fn claim_pairing(
        &self,
        code: &str,
        seat: Seat,
        identity: &SigningKey,
    ) -> Result<Address, TrustError> {
        let code = code.trim().to_ascii_uppercase();
        let code = Label::try_from(code).map_err(TrustError::Code)?;
        let claim = PairingClaim { seat, code: code.clone() };
        let identity_signature = claim.sign(self.names(), identity);
        let request = ClaimPairingRequest { code, seat, identity_signature };
        let request = v1::ClaimPairingRequest::from(request);
        let answer: ClaimPairingResponse = self
            .ask("ClaimPairing", Repeat::Never, |mut service| {
                let request = request.clone();
                async move { service.claim_pairing(request).await }
            })
            .await?;
        Ok(answer.client)
    }

    /// The pairings of this client, oldest first.
    ///
    /// # Errors
    ///
    /// [`TrustError`].
    pub async fn pairings(&self, page: Listing) -> Result<ListPairingsResponse, TrustError> {
        if self.signer().is_none() {
            return Err(TrustError::NoKey);
        }
        let answer = self
            .ask("ListPairings", Repeat::Harmless, |mut service| {
                let page = page.clone();
                async move {
                    let access = self.access(&mut service).await?.map(v1::Access::from);
                    let page = page.map(v1::Page::from);
                    service.list_pairings(v1::ListPairingsRequest { access, page }).await
                }
            })
            .await?;
        Ok(answer)
    }

    /// The right to read what only this client may read at the coordinator behind `service`;
    /// nothing without a key.
    pub(crate) async fn access(
        &self,
        service: &mut ClientsClient<Channel>,
    ) -> Result<Option<Access>, Status> {
        if self.signer().is_none() {
            return Ok(None);
        }
        let (coordinator, until_ms) = stated(service).await?;
        let request = ClientRequest::Read { coordinator, until: until_ms };
        let (_, signature) = self.sign(|_| request).map_err(|error| unsigned(&error))?;
        Ok(Some(Access { until_ms, signature }))
    }

    fn sign(
        &self,
        request: impl FnOnce(Address) -> ClientRequest,
    ) -> Result<(Address, EvmSignature), TrustError> {
        let signer = self.signer().ok_or(TrustError::NoKey)?;
        let client = signer.address();
        let digest = request(client).digest(self.names());
        Ok((client, signer.sign_digest(digest)?))
    }
}

/// Who is asked, and until when what is signed now shall count there.
async fn stated(service: &mut ClientsClient<Channel>) -> Result<(Seat, WallTime), Status> {
    let answer = service.network(v1::NetworkRequest {}).await?.into_inner();
    let network =
        NetworkResponse::try_from(answer).map_err(|error| Status::data_loss(error.to_string()))?;
    Ok((network.coordinator, network.server_time_ms.after(SIGNED_FOR)))
}

fn unsigned(error: &TrustError) -> Status {
    Status::unauthenticated(error.to_string())
}
