//! Pairings: a client makes a code, the operator of a node claims it.

use std::sync::{Arc, Mutex, PoisonError};

use alloy_primitives::{Address, B256, keccak256};
use tallystick_journal::{PairingClaimed, PairingId, RuleError};
use tallystick_protocol::ledger::Event;
use tallystick_types::{IdentityKey, NodeId, Seat, Seconds, WallTime};
use tallystick_wire::authentication::{ClientRequest, Network, PairingClaim};
use tallystick_wire::client::{
    ClaimPairingRequest, ClaimPairingResponse, CreatePairingRequest, CreatePairingResponse,
    ListPairingsRequest, ListPairingsResponse, Page, Pairing,
};
use tallystick_wire::{Cursor, limits};
use tonic::Status;

use super::{access, disk, label, stopped};
use crate::limit::Limiter;
use crate::machine::Input;
use crate::shared::Shared;
use crate::watch::standing;

/// How long a code can be claimed: long enough to tell it to a person.
const CODE_LIFE: Seconds = Seconds::new(3_600);
/// The most codes that a client, and all clients, make in that time.
const CODES: (usize, usize) = (16, 4_096);
/// The most claims of a node, and of all nodes, in [`CLAIMS_WITHIN`]. With 80 bits in a code nobody
/// guesses one; the limit keeps the desk free.
const CLAIMS: (usize, usize) = (16, 4_096);
const CLAIMS_WITHIN: Seconds = Seconds::new(900);

/// Crockford's digits: no letter is taken for another.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Digits of a code, five bits each, in groups of four.
const LENGTH: usize = 16;

/// Makes and keeps pairings. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct PairingDesk {
    made: Arc<Mutex<Limiter<Address>>>,
    claims: Arc<Mutex<Limiter<NodeId>>>,
}

impl Default for PairingDesk {
    fn default() -> Self {
        let made = Limiter::new(CODE_LIFE, CODES.0, CODES.1);
        let claims = Limiter::new(CLAIMS_WITHIN, CLAIMS.0, CLAIMS.1);
        Self { made: Arc::new(Mutex::new(made)), claims: Arc::new(Mutex::new(claims)) }
    }
}

impl PairingDesk {
    /// A code for the client that signed. The same request again is refused: whoever overheard it
    /// gets no code.
    pub(super) async fn create(
        &self,
        shared: &Shared,
        asked: CreatePairingRequest,
    ) -> Result<CreatePairingResponse, Status> {
        let CreatePairingRequest { client, nonce, signature, until_ms: until } = asked;
        let now = shared.clock.now();
        access::require_in_time(until, now)?;
        let coordinator = shared.me;
        let request = ClientRequest::CreatePairing { client, nonce, coordinator, until };
        let signer = access::signer(shared, request, &signature)?;
        if signer != client {
            let words = format!("{signer} signed the request of {client}; let the client sign");
            return Err(Status::permission_denied(words));
        }
        require(&self.made, client, now, "codes were made")?;
        let (id, code, expires_at_ms) = (id_of(client, nonce), draw(), now.after(CODE_LIFE));
        let kept = code.clone();
        let made = shared.desk.change(move |step| {
            step.add_pairing(id, client, &kept, now, expires_at_ms)?;
            Ok(((), Vec::new()))
        });
        made.await.map_err(stopped)?.map_err(|rule| refused(&rule))?;
        Ok(CreatePairingResponse { code: label(&code), expires_at_ms })
    }

    /// Pairs a registered node, whose identity key signed, with the client that made the code.
    pub(super) async fn claim(
        &self,
        shared: &Shared,
        asked: ClaimPairingRequest,
    ) -> Result<ClaimPairingResponse, Status> {
        let ClaimPairingRequest { code, seat, identity_signature } = asked;
        let provider = identity_of(shared, seat)?;
        let (chain, job_manager) = (shared.domain.chain, shared.domain.job_manager);
        let claim = PairingClaim { seat, code: code.clone() };
        claim
            .verify(Network { chain, job_manager }, provider, &identity_signature)
            .map_err(|error| Status::unauthenticated(error.to_string()))?;
        let at = shared.clock.now();
        require(&self.claims, seat.node, at, "codes were claimed")?;
        let claimed = shared.desk.change(move |step| {
            let by = PairingClaimed { provider, seat, at };
            let client = step.claim_pairing(&code, by)?.user;
            Ok((client, vec![Input::Ledger(Event::Paired { client, seat })]))
        });
        let client = claimed.await.map_err(stopped)?.map_err(|rule| refused(&rule))?;
        tracing::info!(node = %seat.node, %client, "pairing.claimed");
        Ok(ClaimPairingResponse { client })
    }
}

/// The nodes with which the client that asks paired.
pub(super) async fn list(
    shared: &Shared,
    asked: ListPairingsRequest,
) -> Result<ListPairingsResponse, Status> {
    let ListPairingsRequest { access, page } = asked;
    let client = access::reader(shared, Some(&access))?
        .ok_or_else(|| Status::unauthenticated("sign the request with the client's key"))?;
    let found = shared.desk.ask(move |_, reader| reader.pairings_of(client));
    let found = found.await.map_err(stopped)?.map_err(disk)?;
    let claimed = found.into_iter().filter_map(|(id, pairing)| Some((id, pairing.claimed?)));
    Ok(page_of(claimed, page.as_ref()))
}

fn page_of(
    claimed: impl Iterator<Item = (PairingId, PairingClaimed)>,
    page: Option<&Page>,
) -> ListPairingsResponse {
    let after = page.and_then(|page| <[u8; 16]>::try_from(&page.after[..]).ok());
    let limit = page.map_or(limits::USUAL_PAGE_ENTRIES, Page::entries);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let place = |id: PairingId, at: WallTime| {
        let (at, id) = (at.get().to_be_bytes(), id.0.to_be_bytes());
        [at, id].concat()
    };
    let fits = |(id, claimed): &(PairingId, PairingClaimed)| {
        after.is_none_or(|after| place(*id, claimed.at).as_slice() > after.as_slice())
    };
    let found: Vec<_> = claimed.filter(fits).take(limit).collect();
    let next = found.last().filter(|_| found.len() == limit);
    let next = next.and_then(|(id, claimed)| Cursor::try_from(place(*id, claimed.at)).ok());
    let pairing = |(_, claimed): &(PairingId, PairingClaimed)| Pairing {
        seat: claimed.seat,
        since_ms: claimed.at,
    };
    let pairings: Vec<_> = found.iter().map(pairing).collect();
    ListPairingsResponse {
        pairings: pairings.try_into().unwrap_or_default(),
        next: next.unwrap_or_default(),
    }
}

/// The identity key that the registry has for a node that may work.
fn identity_of(shared: &Shared, seat: Seat) -> Result<IdentityKey, Status> {
    if seat.node == NodeId::UNREGISTERED || standing(shared, seat).is_none() {
        return Err(Status::permission_denied(format!(
            "node {} with signer {} is not registered, or may not work now; register it, and look \
             at its status on the chain",
            seat.node, seat.signer
        )));
    }
    let house = shared.house.read();
    let node = house.latest().node(seat.node);
    node.map(|node| node.profile.identity_key)
        .ok_or_else(|| Status::unavailable("the chain moved; ask again"))
}

fn require<K: PartialEq>(
    limiter: &Mutex<Limiter<K>>,
    who: K,
    now: WallTime,
    what: &str,
) -> Result<(), Status> {
    if limiter.lock().unwrap_or_else(PoisonError::into_inner).admits(who, now) {
        return Ok(());
    }
    Err(Status::resource_exhausted(format!(
        "too many {what} within the hour; wait, then ask again"
    )))
}

/// One request, one pairing: it has the name that follows from client and nonce.
fn id_of(client: Address, nonce: B256) -> PairingId {
    let digest = keccak256([client.as_slice(), nonce.as_slice()].concat());
    let first = digest.first_chunk().expect("32 bytes have a first 8");
    PairingId(u64::from_be_bytes(*first))
}

/// A code of 80 random bits.
fn draw() -> String {
    let random = B256::random();
    let digits = random.iter().take(LENGTH).map(|byte| DIGITS[usize::from(byte % 32)]);
    let digits: Vec<u8> = digits.collect();
    let groups = digits.chunks(4).map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join("-")
}

fn refused(rule: &RuleError) -> Status {
    match rule {
        RuleError::PairingExists { .. } => {
            Status::already_exists("this request was used before; sign a new one")
        }
        RuleError::CodeTaken { .. } => Status::aborted("the code was taken; ask again"),
        RuleError::UnknownCode { .. } | RuleError::Claimed { .. } | RuleError::Expired { .. } => {
            Status::permission_denied(rule.to_string())
        }
        RuleError::HasRules { .. } | RuleError::NoSuchJob { .. } | RuleError::Completion { .. } => {
            Status::internal(rule.to_string())
        }
    }
}

#[cfg(test)]
mod tests;
