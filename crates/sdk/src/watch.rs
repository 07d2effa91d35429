//! What happens to a job, event by event, across broken connections.

use std::time::Duration;

use tallystick_types::JobId;
use tallystick_wire::client::{EventKind, Finality, JobEvent, Phase, WatchRequest, v1};
use tokio_stream::StreamExt;
use tonic::{Code, Streaming};

use crate::client::{CallError, Client};

/// Attempts to connect in a row without an event before watching is given up.
const MOST_SILENT: u32 = 8;

/// First pause between two attempts; it doubles up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The events of one job, in order, each once.
#[derive(Debug)]
pub struct Watch {
    client: Client,
    job: JobId,
    last: u64,
    stream: Option<Streaming<v1::JobEvent>>,
    over: bool,
    silent: u32,
}

impl Client {
    /// Watches a job. The events have larger sequences than `after`; zero begins at the first.
    pub fn watch(&self, job: JobId, after: u64) -> Watch {
        let client = self.clone();
        Watch { client, job, last: after, stream: None, over: false, silent: 0 }
    }
}

impl Watch {
    /// Sequence of the last event; [`Client::watch`] goes on after it.
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// The next event, or nothing once the job is closed and final. A connection that breaks is
    /// made again, with another coordinator where there is one.
    ///
    /// # Errors
    ///
    /// [`CallError`] once nobody answers for long, or a coordinator refuses. Calling again tries
    /// again.
    pub async fn next(&mut self) -> Result<Option<JobEvent>, CallError> {
        loop {
            if self.over {
                return Ok(None);
            }
            let came = match self.received().await {
                Ok(came) => came,
                Err(failure) => {
                    self.stream = None;
                    self.pause(failure).await?;
                    continue;
                }
            };
            match came {
                Some(event) if event.sequence > self.last => {
                    self.last = event.sequence;
                    self.silent = 0;
                    return Ok(Some(event));
                }
                // An event that came before the connection broke.
                Some(_) => {}
                None => self.ended().await?,
            }
        }
    }

    async fn received(&mut self) -> Result<Option<JobEvent>, CallError> {
        let url = self.client.coordinator().to_owned();
        let failed = |status: &tonic::Status| CallError::of("Watch", &url, status);
        if self.stream.is_none() {
            let limit = self.client.time_limit();
            let mut service = self.client.clients();
            let opened = async {
                let access = self.client.access(&mut service).await?;
                let request = WatchRequest { job: self.job, after_sequence: self.last, access };
                service.watch(v1::WatchRequest::from(request)).await
            };
            let opened = tokio::time::timeout(limit, opened).await;
            let opened = opened.map_err(|_| CallError::TimedOut {
                call: "Watch",
                url: url.clone(),
                limit,
            })?;
            self.stream = Some(opened.map_err(|status| failed(&status))?.into_inner());
        }
        let Some(stream) = self.stream.as_mut() else { return Ok(None) };
        match stream.next().await {
            Some(Ok(event)) => JobEvent::try_from(event)
                .map(Some)
                .map_err(|source| CallError::Malformed { call: "Watch", source }),
            Some(Err(status)) => Err(failed(&status)),
            None => Ok(None),
        }
    }

    /// The coordinator closed the stream: either the job is over, or the coordinator is.
    async fn ended(&mut self) -> Result<(), CallError> {
        self.stream = None;
        let status = self.client.status(self.job).await?;
        let closed = matches!(status.phase, Phase::Settled | Phase::Refunded | Phase::Closed);
        if closed && status.finality == Finality::Final {
            self.over = true;
            return Ok(());
        }
        let url = self.client.coordinator().to_owned();
        let message = "the stream ended before the job did".to_owned();
        self.pause(CallError::Unreachable { call: "Watch", url, message }).await
    }

    async fn pause(&mut self, failure: CallError) -> Result<(), CallError> {
        let worth_it = failure.is_silence()
            || matches!(&failure, CallError::Refused { code: Code::DeadlineExceeded, .. });
        self.silent += 1;
        if !worth_it || self.silent >= MOST_SILENT {
            self.silent = 0;
            return Err(failure);
        }
        self.client.switch();
        let pause = PAUSE.saturating_mul(1 << self.silent.min(10)).min(LONGEST_PAUSE);
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// Whether the output can be fetched after this event.
pub const fn brings_receipt(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Receipt(_))
}

/// Whether nothing more is going to be done after this event.
pub const fn ends_work(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Settled(_) | EventKind::Refunded(_) | EventKind::Closed(_))
}
