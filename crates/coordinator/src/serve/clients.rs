//! The service of clients: quotes, orders, and everything that can be asked about jobs.

mod access;
mod describe;
pub(crate) mod order;
mod pairing;
pub(crate) mod terms;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alloy_primitives::Address;
use tallystick_chain::view::JobView;
use tallystick_journal::{JobRecord, ReceiptRecord};
use tallystick_ports::blocking;
use tallystick_protocol::ledger::{Event, TaskState};
use tallystick_protocol::specification::Specification;
use tallystick_types::{EvmSignature, JobId, JobOrder};
use tallystick_wire::authentication::ClientRequest;
use tallystick_wire::client as message;
use tallystick_wire::client::v1;
use tallystick_wire::client::v1::clients_server::Clients;
use tallystick_wire::{Label, Sentence, Software, Text};
use tokio::time::timeout;
use tonic::{Request, Response, Status};

use self::pairing::PairingDesk;
use super::{Answers, checked, stopped};
use crate::machine::{Input, UnknownJob};
use crate::shared::Shared;

/// How long a watcher hears nothing until the stream is looked at again.
const SILENCE: Duration = Duration::from_secs(15);
/// The most orders that are remembered until the chain shows their jobs.
const TAKEN: usize = 4_096;

/// Serves clients.
#[derive(Clone, Debug)]
pub(crate) struct ClientService {
    shared: Shared,
    /// Orders that were taken and are not on the chain yet, the oldest first.
    taken: Arc<Mutex<VecDeque<JobId>>>,
    pairings: PairingDesk,
}

#[tonic::async_trait]
impl Clients for ClientService {
    type WatchStream = Answers<v1::JobEvent>;

    async fn network(
        &self,
        _: Request<v1::NetworkRequest>,
    ) -> Result<Response<v1::NetworkResponse>, Status> {
        Ok(Response::new(describe::network(&self.shared).into()))
    }

    async fn quote(
        &self,
        request: Request<v1::QuoteRequest>,
    ) -> Result<Response<v1::QuoteResponse>, Status> {
        let asked: message::QuoteRequest = checked(request.into_inner())?;
        if order::private(asked.specification.clone()).await?.is_some() {
            let who = access::reader(&self.shared, asked.access.as_ref())?.ok_or_else(|| {
                Status::unauthenticated("a private job is priced for its client; sign the request")
            })?;
            access::require_paired(&self.shared, who, asked.replicas).await?;
        }
        // Nothing has to be uploaded for terms that no price makes possible.
        terms::require_nodes(&self.shared, terms::of_quote(&asked, None)).await?;
        let (shared, again) = (self.shared.clone(), asked.clone());
        let quote =
            blocking::run(move || order::quote(&shared.outlook(), &asked, shared.clock.now()));
        let quote = joined(quote.await)??;
        terms::require_nodes(&self.shared, terms::of_quote(&again, Some(&quote))).await?;
        Ok(Response::new(quote.into()))
    }

    async fn submit(
        &self,
        request: Request<v1::SubmitRequest>,
    ) -> Result<Response<v1::SubmitResponse>, Status> {
        let asked: message::SubmitRequest = checked(request.into_inner())?;
        let (order, specification) = (asked.order(), asked.specification.clone());
        let shared = self.shared.clone();
        let judged = blocking::run(move || order::judge(&shared.outlook(), &asked));
        let (job, intent, terms) = joined(judged.await)??;
        terms::require_nodes(&self.shared, Some(terms)).await?;
        if let Some(specification) = order::private(specification).await? {
            self.take_private(job, &order, specification).await?;
        }
        self.take(job)?;
        fail::fail_point!("clients.order.taken");
        let kept = self.shared.outbox.enqueue(intent).await;
        fail::fail_point!("clients.order.kept");
        kept.map_err(|error| Status::unavailable(error.to_string()))?;
        Ok(Response::new(message::SubmitResponse { job }.into()))
    }

    async fn status(
        &self,
        request: Request<v1::StatusRequest>,
    ) -> Result<Response<v1::JobStatus>, Status> {
        let message::StatusRequest { job } = checked(request.into_inner())?;
        let status = self.describe(job).await?;
        Ok(Response::new(status.into()))
    }

    async fn watch(
        &self,
        request: Request<v1::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let message::WatchRequest { job, after_sequence, access } = checked(request.into_inner())?;
        access::require_reader(&self.shared, job, access.as_ref()).await?;
        self.describe(job).await?;
        let (feed, mut news) = (self.shared.feed.clone(), self.shared.feed.watch());
        news.mark_changed();
        let start = (feed, news, after_sequence, VecDeque::new(), false);
        let events =
            futures::stream::unfold(start, move |(feed, mut news, mut last, mut held, over)| {
                async move {
                    loop {
                        if over {
                            return None;
                        }
                        let event: Option<message::JobEvent> = held.pop_front();
                        if let Some(event) = event {
                            last = event.sequence;
                            // Nothing follows once the money went for good.
                            let over = event.kind.as_ref().is_some_and(is_last);
                            return Some((Ok(event.into()), (feed, news, last, held, over)));
                        }
                        // A stream that nobody reads any more is noticed by its transport.
                        match timeout(SILENCE, news.changed()).await {
                            Ok(Err(_)) => return None,
                            Ok(Ok(())) | Err(_) => held.extend(feed.after(job, last)),
                        }
                    }
                }
            });
        Ok(Response::new(Box::pin(events)))
    }

    async fn result(
        &self,
        request: Request<v1::ResultRequest>,
    ) -> Result<Response<v1::ResultResponse>, Status> {
        let message::ResultRequest { job, first_task, access } = checked(request.into_inner())?;
        access::require_reader(&self.shared, job, access.as_ref()).await?;
        let found = self.shared.desk.ask(move |machine, reader| {
            let record = reader.get(JobRecord::TABLE, &job)?;
            Ok(describe::result(machine, record.as_ref(), (job, first_task)))
        });
        let found = found.await.map_err(stopped)?.map_err(disk)?;
        Ok(Response::new(found.ok_or_else(|| unknown(job))?.into()))
    }

    async fn receipt(
        &self,
        request: Request<v1::ReceiptRequest>,
    ) -> Result<Response<v1::ReceiptResponse>, Status> {
        let message::ReceiptRequest { job, access } = checked(request.into_inner())?;
        access::require_reader(&self.shared, job, access.as_ref()).await?;
        let kept = self.shared.desk.ask(move |_, reader| reader.receipts_of(job));
        let kept = kept.await.map_err(stopped)?.map_err(disk)?;
        let Some((_, ReceiptRecord { receipt, .. })) = kept.into_iter().last() else {
            self.describe(job).await?;
            let words = "the job has no receipt yet; watch it, then ask again";
            return Err(Status::failed_precondition(words));
        };
        let receipt =
            receipt.try_into().map_err(|_| Status::internal("the receipt is too long"))?;
        Ok(Response::new(message::ReceiptResponse { receipt }.into()))
    }

    async fn why(
        &self,
        request: Request<v1::WhyRequest>,
    ) -> Result<Response<v1::WhyResponse>, Status> {
        let message::WhyRequest { job, access } = checked(request.into_inner())?;
        access::require_reader(&self.shared, job, access.as_ref()).await?;
        let shared = self.shared.clone();
        let json = self.shared.desk.ask(move |machine, _| describe::why(&shared, machine, job));
        let json = json.await.map_err(stopped)?.ok_or_else(|| unknown(job))?;
        Ok(Response::new(message::WhyResponse { json: Text::cut(&json) }.into()))
    }

    async fn jobs(
        &self,
        request: Request<v1::JobsRequest>,
    ) -> Result<Response<v1::JobsResponse>, Status> {
        let asked: message::JobsRequest = checked(request.into_inner())?;
        let answer = describe::jobs(&self.shared, &asked).await.map_err(stopped)?;
        Ok(Response::new(answer.into()))
    }

    async fn cancel(
        &self,
        request: Request<v1::CancelRequest>,
    ) -> Result<Response<v1::CancelResponse>, Status> {
        let message::CancelRequest { job, signature } = checked(request.into_inner())?;
        self.require_client(job, ClientRequest::Cancel { job }, &signature)?;
        self.apply(Event::JobCancelled { job }).await?;
        Ok(Response::new(v1::CancelResponse {}))
    }

    async fn nodes(
        &self,
        request: Request<v1::NodesRequest>,
    ) -> Result<Response<v1::NodesResponse>, Status> {
        let asked: message::NodesRequest = checked(request.into_inner())?;
        let answer = describe::nodes(&self.shared, asked.page).await.map_err(stopped)?;
        Ok(Response::new(answer.into()))
    }

    async fn dead_letters(
        &self,
        request: Request<v1::DeadLettersRequest>,
    ) -> Result<Response<v1::DeadLettersResponse>, Status> {
        let asked: message::DeadLettersRequest = checked(request.into_inner())?;
        let who = access::reader(&self.shared, asked.access.as_ref())?;
        let look = move |machine: &crate::machine::Machine, _: &tallystick_journal::Reader| {
            describe::letters(machine, &asked, who)
        };
        let letters = self.shared.desk.ask(look);
        Ok(Response::new(letters.await.map_err(stopped)?.into()))
    }

    async fn retry(
        &self,
        request: Request<v1::RetryRequest>,
    ) -> Result<Response<v1::RetryResponse>, Status> {
        let message::RetryRequest { job, task, tries, signature } = checked(request.into_inner())?;
        self.require_client(job, ClientRequest::Retry { job, task, tries }, &signature)?;
        let had = self.shared.desk.ask(move |machine, _| {
            let task = machine.ledger().job(job)?.tasks.get(&task)?;
            let dead = matches!(task.state, TaskState::DeadLetter { .. });
            dead.then_some(u32::try_from(task.history.len()).unwrap_or(u32::MAX))
        });
        if had.await.map_err(stopped)? != Some(tries) {
            let words = "the task is no dead letter with so many tries; list the dead letters";
            return Err(Status::failed_precondition(words));
        }
        self.apply(Event::TaskRetried { job, task }).await?;
        Ok(Response::new(v1::RetryResponse {}))
    }

    async fn create_pairing(
        &self,
        request: Request<v1::CreatePairingRequest>,
    ) -> Result<Response<v1::CreatePairingResponse>, Status> {
        let made = self.pairings.create(&self.shared, checked(request.into_inner())?).await?;
        Ok(Response::new(made.into()))
    }

    async fn claim_pairing(
        &self,
        request: Request<v1::ClaimPairingRequest>,
    ) -> Result<Response<v1::ClaimPairingResponse>, Status> {
        let claimed = self.pairings.claim(&self.shared, checked(request.into_inner())?).await?;
        Ok(Response::new(claimed.into()))
    }

    async fn list_pairings(
        &self,
        request: Request<v1::ListPairingsRequest>,
    ) -> Result<Response<v1::ListPairingsResponse>, Status> {
        let found = pairing::list(&self.shared, checked(request.into_inner())?).await?;
        Ok(Response::new(found.into()))
    }
}

impl ClientService {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared, taken: Arc::default(), pairings: PairingDesk::default() }
    }

    /// Remembers an order until the chain shows its job. The contract takes one live job at a time
    /// in a slot, and later ones with a higher sequence: an order that cannot become a job is
    /// refused here, where its client hears of it.
    fn take(&self, job: JobId) -> Result<(), Status> {
        let busy = |other: JobId| {
            let words = format!("job {other} uses the nonce of job {job}; order with another one");
            Status::failed_precondition(words)
        };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let house = self.shared.house.read();
        let rivals = |other: &JobId| *other != job && other.slot() == job.slot();
        let told = house.latest().jobs().filter(|view| rivals(&view.id));
        let late = |view: &&JobView| !view.state.is_final() || view.id.sequence() >= job.sequence();
        if let Some(other) = told.into_iter().find(late) {
            return Err(busy(other.id));
        }
        // What the chain shows is no longer on its way.
        let waits = |other: &&JobId| house.latest().job(**other).is_none();
        if let Some(other) = taken.iter().filter(|other| rivals(other)).find(waits) {
            return Err(busy(*other));
        }
        if !taken.contains(&job) {
            taken.push_back(job);
        }
        if taken.len() > TAKEN {
            taken.pop_front();
        }
        Ok(())
    }

    fn has_taken(&self, job: JobId) -> bool {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).contains(&job)
    }

    /// Takes the order of a private job, or refuses it at once. That its client handed it in is
    /// kept: the chain shows the digest of its specification to everybody, and work on what that
    /// names is not done for anybody else.
    async fn take_private(
        &self,
        job: JobId,
        order: &JobOrder,
        specification: Specification,
    ) -> Result<(), Status> {
        if access::record(&self.shared, job).await?.is_some() {
            return Ok(());
        }
        let (client, replicas) = (order.client, order.terms.rules.replicas);
        access::require_paired(&self.shared, client, replicas).await?;
        let now = self.shared.clock.now();
        let kept = self.shared.desk.change(move |step| {
            if step.get(JobRecord::TABLE, &job)?.is_none() {
                step.put_job(job, &order::pending(client, &specification, now))?;
            }
            Ok(((), Vec::new()))
        });
        let kept = kept.await.map_err(stopped)?;
        kept.map_err(|rule| Status::internal(rule.to_string()))
    }

    /// What is known of a job, on the chain and here.
    async fn describe(&self, job: JobId) -> Result<message::JobStatus, Status> {
        let shared = self.shared.clone();
        let look = move |machine: &crate::machine::Machine, reader: &tallystick_journal::Reader| {
            let record = reader.get(JobRecord::TABLE, &job).ok().flatten();
            describe::status(&shared, machine, record.as_ref(), job)
        };
        let found = self.shared.desk.ask(look).await.map_err(stopped)?;
        let pending = || self.has_taken(job).then(|| describe::pending(job));
        found.or_else(pending).ok_or_else(|| unknown(job))
    }

    /// Only a job's client may ask for this.
    fn require_client(
        &self,
        job: JobId,
        request: ClientRequest,
        signature: &EvmSignature,
    ) -> Result<(), Status> {
        let client: Address = {
            let house = self.shared.house.read();
            house.latest().job(job).map(|view| view.order.client).ok_or_else(|| unknown(job))?
        };
        let signer = access::signer(&self.shared, request, signature)?;
        if signer == client {
            return Ok(());
        }
        Err(Status::permission_denied(format!("{signer} signed, the job's client is {client}")))
    }

    async fn apply(&self, event: Event) -> Result<(), Status> {
        match self.shared.desk.apply(Input::Ledger(event)).await.map_err(stopped)? {
            None => Ok(()),
            Some(refusal) => Err(Status::failed_precondition(refusal.to_string())),
        }
    }
}

/// Whether nothing happens to a job any more.
fn is_last(kind: &message::EventKind) -> bool {
    let finality = match kind {
        message::EventKind::Settled(it) => it.finality,
        message::EventKind::Refunded(it) => it.finality,
        _ => return false,
    };
    finality == message::Finality::Final
}

fn unknown(job: JobId) -> Status {
    Status::not_found(UnknownJob(job).to_string())
}

fn disk(error: tallystick_journal::JournalError) -> Status {
    tracing::error!(%error, "journal.read.failed");
    Status::internal("the journal cannot be read; the operator has to look at it")
}

fn joined<T>(result: Result<T, tokio::task::JoinError>) -> Result<T, Status> {
    result.map_err(|_| Status::internal("the answer could not be made; ask again"))
}

/// Name and version of this program.
pub(crate) fn software() -> Software {
    Software::cut(concat!("tallystick/", env!("CARGO_PKG_VERSION")))
}

/// A short name.
pub(crate) fn label(text: &str) -> Label {
    Label::cut(text)
}

/// A sentence.
pub(crate) fn sentence(words: &dyn std::fmt::Display) -> Sentence {
    Sentence::cut(&words.to_string())
}

#[cfg(test)]
mod tests;
