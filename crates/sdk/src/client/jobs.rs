//! What can be asked about jobs and nodes. What a private job is about is told to its client alone:
//! with a key, a client proves who it is wherever that may matter.

use alloy_primitives::Address;
use tallystick_types::JobId;
use tallystick_wire::Cursor;
use tallystick_wire::client::{
    DeadLettersRequest, DeadLettersResponse, JobStatus, JobsRequest, JobsResponse, NodesRequest,
    NodesResponse, Page, ReceiptRequest, ReceiptResponse, StatusRequest, WhyRequest, WhyResponse,
    v1,
};

use super::{CallError, Client, Repeat};

/// Entries of one page, the most that a coordinator sends.
const MOST_ENTRIES: u32 = 256;

/// Which part of a list is asked for.
pub type Listing = Option<Page>;

/// The page that follows another one, or the first for an empty cursor.
pub const fn page(after: Cursor) -> Listing {
    Some(Page { after, limit: MOST_ENTRIES })
}

impl Client {
    /// Where a job stands.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn status(&self, job: JobId) -> Result<JobStatus, CallError> {
        self.ask("Status", Repeat::Harmless, |mut service| async move {
            service.status(v1::StatusRequest::from(StatusRequest { job })).await
        })
        .await
    }

    /// The canonical bytes of a job's receipt, as the coordinator gave them: nothing of it is
    /// believed before [`crate::verify::verify`].
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn receipt(&self, job: JobId) -> Result<Vec<u8>, CallError> {
        let answer: ReceiptResponse = self
            .ask("Receipt", Repeat::Harmless, |mut service| async move {
                let access = self.access(&mut service).await?;
                service.receipt(v1::ReceiptRequest::from(ReceiptRequest { job, access })).await
            })
            .await?;
        Ok(answer.receipt.into_vec())
    }

    /// How a job came to where it stands, as JSON for people.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn why(&self, job: JobId) -> Result<String, CallError> {
        let answer: WhyResponse = self
            .ask("Why", Repeat::Harmless, |mut service| async move {
                let access = self.access(&mut service).await?;
                service.why(v1::WhyRequest::from(WhyRequest { job, access })).await
            })
            .await?;
        Ok(answer.json.into_string())
    }

    /// Jobs, newest first; of one client only where it is named.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn jobs(
        &self,
        page: Listing,
        client: Option<Address>,
    ) -> Result<JobsResponse, CallError> {
        let request = v1::JobsRequest::from(JobsRequest { page, client });
        self.ask("Jobs", Repeat::Harmless, |mut service| {
            let request = request.clone();
            async move { service.jobs(request).await }
        })
        .await
    }

    /// Nodes, ascending by seat.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn nodes(&self, page: Listing) -> Result<NodesResponse, CallError> {
        let request = v1::NodesRequest::from(NodesRequest { page });
        self.ask("Nodes", Repeat::Harmless, |mut service| {
            let request = request.clone();
            async move { service.nodes(request).await }
        })
        .await
    }

    /// Tasks whose tries are used up, oldest first. Of private jobs only those of this client.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn dead_letters(&self, page: Listing) -> Result<DeadLettersResponse, CallError> {
        self.ask("DeadLetters", Repeat::Harmless, |mut service| {
            let page = page.clone();
            async move {
                let access = self.access(&mut service).await?;
                let request = v1::DeadLettersRequest::from(DeadLettersRequest { page, access });
                service.dead_letters(request).await
            }
        })
        .await
    }
}
