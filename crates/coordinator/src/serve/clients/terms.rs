//! Terms at the door: what nobody can ever do is refused before money is reserved for it.

use std::error::Error;

use alloy_primitives::Address;
use tallystick_protocol::specification::{Input, Specification};
use tallystick_sandbox::wasm::{self, Profile};
use tallystick_types::{Amount, Attempt, BlobDigest, JobRules, Trust};
use tallystick_wire::client::{QuoteRequest, QuoteResponse};
use tonic::Status;

use crate::machine::{Offer, Terms};
use crate::orders;
use crate::serve::stopped;
use crate::shared::Shared;
use crate::watch;

/// Terms that are compared with the nodes.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    specification: Specification,
    slices: u64,
    client: Option<Address>,
    trust: Trust,
    price: Amount,
    replicas: u8,
}

impl Asked {
    const fn terms(&self) -> Terms<'_> {
        Terms {
            specification: &self.specification,
            slices: self.slices,
            client: self.client,
            trust: self.trust,
            price: self.price,
            replicas: self.replicas,
        }
    }
}

/// What a quote asks for, at any price while there is none. Nothing where the specification cannot
/// be read: whoever reads it next says why.
pub(super) fn of_quote(asked: &QuoteRequest, quote: Option<&QuoteResponse>) -> Option<Asked> {
    Some(Asked {
        specification: Specification::from_bytes(&asked.specification).ok()?,
        slices: quote.map_or(u64::MAX, |quote| quote.slices),
        client: None,
        trust: asked.trust.unwrap_or(Trust::Staked),
        price: quote.map_or(Amount::MAX, |quote| quote.max_price),
        replicas: asked.replicas,
    })
}

/// What an order asks for, where it can be worked on at all.
pub(super) fn of_order(
    (specification, slices): (Specification, u64),
    client: Address,
    (rules, price): (JobRules, Amount),
) -> Result<Asked, Status> {
    let attempt = Attempt::new(1);
    let offer = Offer { client, rules, price, attempt, specification, slices };
    offer.request().tasks().map_err(|error| Status::invalid_argument(words(&error)))?;
    let Offer { specification, .. } = offer;
    let (trust, replicas) = (rules.trust, rules.replicas);
    Ok(Asked { specification, slices, client: Some(client), trust, price, replicas })
}

/// Refuses terms that too few of the nodes can ever meet, and says what keeps the others from it.
pub(super) async fn require_nodes(shared: &Shared, asked: Option<Asked>) -> Result<(), Status> {
    let Some(asked) = asked else { return Ok(()) };
    let inner = shared.clone();
    let prospect = shared.desk.ask(move |machine, _| {
        machine.prospect(&asked.terms(), |seat| watch::standing(&inner, seat).is_some())
    });
    let prospect = prospect.await.map_err(stopped)?;
    if prospect.is_impossible() { Err(orders::shortage(&prospect).refusal()) } else { Ok(()) }
}

/// Refuses a program outside of the profile of the network.
pub(super) fn require_profile(
    shared: &Shared,
    specification: &Specification,
) -> Result<(), Status> {
    if specification.engine.as_str() != Profile::NAME {
        return Ok(());
    }
    let blob = BlobDigest::from(specification.program());
    let refused = |reason: &dyn std::fmt::Display| {
        Status::invalid_argument(format!("the program is outside of the profile: {reason}"))
    };
    let (size, most) = (shared.blobs.size(blob), Profile::MAXIMUM_MODULE_BYTES);
    if size.is_some_and(|size| size > most as u64) {
        let words = format!("it has more than {most} bytes; make the module smaller");
        return Err(refused(&words));
    }
    let program = shared.blobs.get(blob).map_err(|error| Status::unavailable(words(&error)))?;
    wasm::check(&program).map_err(|error| refused(&error))
}

/// Refuses sizes that are not those of the blobs.
pub(super) fn require_sizes(shared: &Shared, specification: &Specification) -> Result<(), Status> {
    let Input::Blobs(blobs) = &specification.input else { return Ok(()) };
    for blob in blobs {
        let found = shared.blobs.size(BlobDigest::from(blob.digest)).unwrap_or(0);
        if found != blob.size {
            return Err(Status::invalid_argument(format!(
                "input blob {} has {found} bytes, the specification says {}; specify it anew",
                blob.digest, blob.size
            )));
        }
    }
    Ok(())
}

/// An error with its causes.
pub(super) fn words(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |words, cause| format!("{words}: {cause}"))
}
