//! Who asks, and what only the client of a private job may know.

use alloy_primitives::Address;
use tallystick_abi::signer_of;
use tallystick_journal::JobRecord;
use tallystick_protocol::ledger::Node;
use tallystick_types::{EvmSignature, JobId, Privacy, WallTime};
use tallystick_wire::authentication::{ClientRequest, LONGEST_REQUEST, Network};
use tallystick_wire::client::{Access, NotPaired};
use tonic::Status;

use super::{disk, stopped};
use crate::shared::Shared;

/// Whose key signed a request.
pub(super) fn signer(
    shared: &Shared,
    request: ClientRequest,
    signature: &EvmSignature,
) -> Result<Address, Status> {
    let (chain, job_manager) = (shared.domain.chain, shared.domain.job_manager);
    signer_of(request.digest(Network { chain, job_manager }), signature)
        .map_err(|error| Status::unauthenticated(error.to_string()))
}

/// Refuses a signed request whose time is over, or that would count for too long.
pub(super) fn require_in_time(until: WallTime, now: WallTime) -> Result<(), Status> {
    if until > now && until <= now.after(LONGEST_REQUEST) {
        return Ok(());
    }
    Err(Status::unauthenticated(format!(
        "the request may be taken until {until}, it is {now} here; sign one that ends within {} s",
        LONGEST_REQUEST.get()
    )))
}

/// Who proved to be asking, where anybody did.
pub(super) fn reader(shared: &Shared, access: Option<&Access>) -> Result<Option<Address>, Status> {
    let Some(Access { until_ms: until, signature }) = access else { return Ok(None) };
    require_in_time(*until, shared.clock.now())?;
    let request = ClientRequest::Read { coordinator: shared.me, until: *until };
    signer(shared, request, signature).map(Some)
}

/// What was kept of a job when its order came, or when it began.
pub(super) async fn record(shared: &Shared, job: JobId) -> Result<Option<JobRecord>, Status> {
    let found = shared.desk.ask(move |_, reader| reader.get(JobRecord::TABLE, &job));
    found.await.map_err(stopped)?.map_err(disk)
}

/// What a private job is about is told to its client alone.
pub(super) async fn require_reader(
    shared: &Shared,
    job: JobId,
    access: Option<&Access>,
) -> Result<(), Status> {
    let Some(record) = record(shared, job).await? else { return Ok(()) };
    may_read(&record, reader(shared, access)?)
}

fn may_read(record: &JobRecord, who: Option<Address>) -> Result<(), Status> {
    let client = record.user;
    match (record.privacy, who) {
        (Privacy::Public, _) => Ok(()),
        (Privacy::Private, Some(who)) if who == client => Ok(()),
        (Privacy::Private, Some(who)) => Err(Status::permission_denied(format!(
            "the job is private and {who} asks; only its client {client} may read it"
        ))),
        (Privacy::Private, None) => {
            let words = "the job is private; ask with the key of its client";
            Err(Status::unauthenticated(words))
        }
    }
}

/// A private job needs as many paired nodes that could begin now as it has replicas.
pub(super) async fn require_paired(
    shared: &Shared,
    client: Address,
    replicas: u8,
) -> Result<(), Status> {
    let counts = shared.desk.ask(move |machine, _| {
        let state = machine.ledger().state();
        let paired = state.pairings.of(client).into_iter().flatten();
        let ready = |seat| state.nodes.get(seat).is_some_and(Node::is_usable);
        (state.pairings.count(client), paired.filter(|seat| ready(**seat)).count())
    });
    let (paired, ready) = counts.await.map_err(stopped)?;
    if ready >= usize::from(replicas) {
        return Ok(());
    }
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let refused =
        NotPaired { replicas: replicas.into(), paired: count(paired), ready: count(ready) };
    Err(refused.into())
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;
    use crate::scene::pending_record;

    #[test]
    fn a_private_job_is_read_by_its_client_and_a_public_one_by_anybody() {
        let record = pending_record();
        let (client, other) = (record.user, Address::repeat_byte(2));
        let code = |privacy, who| {
            may_read(&JobRecord { privacy, ..record.clone() }, who).map_err(|it| it.code())
        };
        for who in [None, Some(client), Some(other)] {
            assert_eq!(code(Privacy::Public, who), Ok(()));
        }
        assert_eq!(code(Privacy::Private, Some(client)), Ok(()));
        assert_eq!(code(Privacy::Private, Some(other)), Err(Code::PermissionDenied));
        assert_eq!(code(Privacy::Private, None), Err(Code::Unauthenticated));
    }

    #[test]
    fn a_request_is_taken_before_its_end_and_its_end_is_near() {
        let now = WallTime::new(1_000_000);
        let longest = now.after(LONGEST_REQUEST);
        assert!(require_in_time(now, now).is_err());
        assert!(require_in_time(WallTime::new(now.get() + 1), now).is_ok());
        assert!(require_in_time(longest, now).is_ok());
        assert!(require_in_time(WallTime::new(longest.get() + 1), now).is_err());
    }
}
