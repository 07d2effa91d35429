//! From a demand to an order: what the coordinator offers is compared with what was asked, and
//! only that is signed.

mod offer;

use alloy_primitives::{B256, U256};
use tallystick_chain::keys::SignError;
use tallystick_protocol::ledger;
use tallystick_protocol::specification::Specification;
use tallystick_types::{JobId, JobOrder, Privacy};
use tallystick_wire::MalformedError;
use tallystick_wire::client::{
    Placement, Queueing, QuoteRequest, QuoteResponse, SubmitRequest, SubmitResponse, v1,
};

pub use offer::{Demand, Lie, Offer};

use crate::client::{CallError, Client, Repeat};
use crate::specify::Prepared;

/// Why there is no offer or no job.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// There is no key to sign with.
    #[error("an order needs a signature; name a key with --key or --key-file")]
    NoKey,
    /// The key does not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The specification or what goes with it does not fit a message.
    #[error("the specification does not fit a message; give fewer inputs")]
    Unsendable(#[source] MalformedError),
    /// The coordinator did not answer or refused.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The coordinator offers something else than was asked for.
    #[error("the coordinator's offer is not what was asked for, nothing is signed: {0}")]
    Lie(#[from] Lie),
    /// The offer is over.
    #[error("the offer ended before it was taken; ask for the price again")]
    Expired,
    /// The coordinator took the order under another name.
    #[error(
        "the coordinator calls the job {stated}, the order is {expected}; cancel it and ask \
         another coordinator"
    )]
    OtherJob {
        /// The name that follows from the order.
        expected: JobId,
        /// What the coordinator said.
        stated: JobId,
    },
}

impl Client {
    /// Asks what a job costs, and takes the answer only where it is what was demanded. A private
    /// job is refused here already where too few paired nodes could begin.
    ///
    /// # Errors
    ///
    /// [`OrderError`]; [`OrderError::Lie`] names what differs, [`CallError::NotPaired`] how many
    /// nodes are missing.
    pub async fn quote(&self, prepared: &Prepared, demand: &Demand) -> Result<Offer, OrderError> {
        let private = prepared.specification.privacy == Privacy::Private;
        if private && self.signer().is_none() {
            return Err(OrderError::NoKey);
        }
        let request = v1::QuoteRequest::from(QuoteRequest {
            specification: sendable(prepared)?,
            replicas: demand.replicas,
            quorum: demand.quorum,
            token: demand.token,
            trust: Some(demand.trust),
            verification: Some(demand.verification),
            placement: Some(placement(&prepared.specification, demand.region)),
            access: None,
        });
        let quote: QuoteResponse = self
            .ask("Quote", Repeat::Harmless, |mut service| {
                let mut request = request.clone();
                async move {
                    if private {
                        request.access = self.access(&mut service).await?.map(v1::Access::from);
                    }
                    service.quote(request).await
                }
            })
            .await?;
        Ok(Offer::check(prepared, demand, quote, self.now())?)
    }

    /// Signs an offer and hands the order in. The blobs must have been uploaded before.
    ///
    /// # Errors
    ///
    /// [`OrderError`]. When nobody answered, [`Client::submit`] of the same order is harmless.
    pub async fn order(&self, prepared: &Prepared, offer: &Offer) -> Result<JobId, OrderError> {
        let client = self.account().ok_or(OrderError::NoKey)?;
        let order = JobOrder { client, nonce: fresh_nonce(), terms: *offer.terms() };
        if self.now() >= offer.expires_at() {
            return Err(OrderError::Expired);
        }
        self.submit(prepared, offer, &order).await
    }

    /// Hands in an order. The same order again is the same job.
    ///
    /// # Errors
    ///
    /// [`OrderError`].
    pub async fn submit(
        &self,
        prepared: &Prepared,
        offer: &Offer,
        order: &JobOrder,
    ) -> Result<JobId, OrderError> {
        let signer = self.signer().ok_or(OrderError::NoKey)?;
        let domain = self.job_domain();
        let signature = signer.sign_digest(domain.order_digest(order))?;
        let request = v1::SubmitRequest::from(SubmitRequest {
            client: order.client,
            nonce: order.nonce,
            terms: order.terms,
            signature,
            specification: sendable(prepared)?,
            placement: Some(placement(&prepared.specification, offer.region())),
        });
        fail::fail_point!("client.order.signed");
        let answer: SubmitResponse = self
            .ask("Submit", Repeat::Harmless, |mut service| {
                let request = request.clone();
                async move { service.submit(request).await }
            })
            .await?;
        fail::fail_point!("client.order.answered");
        let (expected, stated) = (domain.job_id(order), answer.job);
        if stated == expected { Ok(stated) } else { Err(OrderError::OtherJob { expected, stated }) }
    }
}

/// A number that nobody used: the low 232 bits are random, the sequence in the high 24 is zero.
pub fn fresh_nonce() -> U256 {
    U256::from_be_bytes(B256::random().0) >> 24
}

fn sendable(prepared: &Prepared) -> Result<tallystick_wire::Specification, OrderError> {
    prepared.bytes.clone().try_into().map_err(OrderError::Unsendable)
}

/// What the specification says of where the work goes, in the words of the messages.
fn placement(specification: &Specification, region: Option<u16>) -> Placement {
    Placement {
        policy: Some(specification.policy),
        privacy: Some(specification.privacy),
        queueing: Some(match specification.queueing {
            ledger::Queueing::Queue => Queueing::Queue,
            ledger::Queueing::FailFast => Queueing::FailFast,
        }),
        region,
    }
}
