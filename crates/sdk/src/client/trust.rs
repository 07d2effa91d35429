//! What a client or node signs beside orders: cancelling, retrying, pairing.

use alloy_primitives::{Address, B256};
use ed25519_dalek::SigningKey;
use tallystick_chain::keys::SignError;
use tallystick_types::{EvmSignature, JobId, Seat, TaskIndex};
use tallystick_wire::authentication::{ClientRequest, PairingClaim};
use tallystick_wire::client::{
    CancelRequest, CancelResponse, ClaimPairingRequest, ClaimPairingResponse, CreatePairingRequest,
    CreatePairingResponse, ListPairingsRequest, ListPairingsResponse, RetryRequest, RetryResponse,
    v1,
};
use tallystick_wire::{Label, MalformedError};

use super::{CallError, Client, Listing, Repeat};

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

    /// Makes a code by which one node pairs with this client.
    ///
    /// # Errors
    ///
    /// [`TrustError`]. When nobody answered, a code may exist; it expires unused.
    pub async fn create_pairing(&self) -> Result<CreatePairingResponse, TrustError> {
        let nonce = B256::random();
        let (client, signature) =
            self.sign(|client| ClientRequest::CreatePairing { client, nonce })?;
        let request = CreatePairingRequest { client, nonce, signature };
        let request = v1::CreatePairingRequest::from(request);
        let answer = self
            .ask("CreatePairing", Repeat::Never, |mut service| {
                let request = request.clone();
                async move { service.create_pairing(request).await }
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
        let code = Label::try_from(code.to_owned()).map_err(TrustError::Code)?;
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

    /// The pairings of a client, oldest first.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn pairings(
        &self,
        client: Address,
        page: Listing,
    ) -> Result<ListPairingsResponse, CallError> {
        let request = v1::ListPairingsRequest::from(ListPairingsRequest { client, page });
        self.ask("ListPairings", Repeat::Harmless, |mut service| {
            let request = request.clone();
            async move { service.list_pairings(request).await }
        })
        .await
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
