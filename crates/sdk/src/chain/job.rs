//! Jobs on the chain: creating one directly, and pushing a result to its settlement.

use alloy::providers::Provider;
use alloy::rpc::types::{Filter, Log};
use alloy_primitives::{B256, U256};
use alloy_sol_types::SolEvent;
use tallystick_abi::contracts::{self, IJobManager, INetworkProfile};
use tallystick_abi::{Assignment, Contract, ConvertError, Job};
use tallystick_types::{
    ChainTime, EvmSignature, JobId, JobOrder, JobParameters, JobState, JobTerms, ParametersVersion,
    Seat,
};

use super::{Chain, ChainError, done};
use crate::verify::Verified;

/// What one push did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settling {
    /// The receipt is on the chain; the job settles after its challenge window.
    Proposed(B256),
    /// The job is paid.
    Settled(B256),
    /// The challenge window is open until then; come back.
    Waits {
        /// End of the window.
        until: ChainTime,
    },
    /// Nothing moves for this job any more.
    Over(JobState),
}

/// Why a job was not pushed on.
#[derive(Debug, thiserror::Error)]
pub enum SettlingError {
    /// The chain refuses or is silent.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The chain does not know the job.
    #[error("the chain has no job {job}; check the id and the network")]
    Unknown {
        /// The job.
        job: JobId,
    },
    /// Something else has to happen first.
    #[error("job {job} is {state:?}; only an assigned or proposed job can be pushed on")]
    NotYet {
        /// The job.
        job: JobId,
        /// Where it stands.
        state: JobState,
    },
    /// A receipt is needed.
    #[error("job {job} is not proposed yet; give its receipt with --receipt")]
    NoReceipt {
        /// The job.
        job: JobId,
    },
    /// A signer of the receipt is not assigned.
    #[error("the receipt is signed by {}, which is not assigned to the job", .seat.signer)]
    NotAssigned {
        /// Who signed.
        seat: Seat,
    },
    /// An event cannot be read.
    #[error("an event of job {job} cannot be read; this program or the contract is newer")]
    Event {
        /// The job.
        job: JobId,
    },
    /// A word of an event has no meaning.
    #[error("an event of the job has no meaning")]
    Meaning(#[from] ConvertError),
}

/// What the events of a job tell.
struct Told {
    job: contracts::Job,
    assignment: contracts::Assignment,
    proposal: Option<contracts::Proposal>,
}

impl Chain {
    /// The version of the parameters that new jobs get.
    ///
    /// # Errors
    ///
    /// [`ChainError`].
    pub async fn parameters_version(&self) -> Result<ParametersVersion, ChainError> {
        let profile = self.at(Contract::NetworkProfile);
        let version = self.call(profile, INetworkProfile::currentVersionCall {}).await?;
        Ok(ParametersVersion::new(version.to()).expect("24 bits are a version"))
    }

    /// Creates a job on the chain without any coordinator. The specification has to be found
    /// where `uri` says.
    ///
    /// # Errors
    ///
    /// [`ChainError`].
    pub async fn create_job(
        &self,
        nonce: U256,
        terms: &JobTerms,
        uri: &str,
    ) -> Result<JobId, ChainError> {
        let order = JobOrder { client: self.account()?, nonce, terms: *terms };
        let call = IJobManager::createCall {
            nonce,
            terms: terms.into(),
            specificationUri: uri.to_owned(),
        };
        fail::fail_point!("client.job.before");
        self.send(self.at(Contract::JobManager), call).await?;
        fail::fail_point!("client.job.created");
        Ok(self.deployment.job_domain().job_id(&order))
    }

    /// Pushes a job one step towards its payment: proposes its receipt, or settles what was
    /// proposed once nobody objected. Anyone may; the tip goes to whoever settles.
    ///
    /// # Errors
    ///
    /// [`SettlingError`].
    pub async fn settle_once(
        &self,
        job: JobId,
        receipt: Option<&Verified>,
    ) -> Result<Settling, SettlingError> {
        let manager = self.at(Contract::JobManager);
        let status = self.call(manager, IJobManager::statusOfCall { id: job.into() }).await?;
        let state = Option::<JobState>::from(status.state).unwrap_or(JobState::None);
        match state {
            JobState::None => Err(SettlingError::Unknown { job }),
            JobState::Assigned => {
                let receipt = receipt.ok_or(SettlingError::NoReceipt { job })?;
                let told = self.told(job, status.attempt).await?;
                let receipt = proposed(receipt, &told.assignment)?;
                let (id, Told { job, assignment, .. }) = (job.into(), told);
                let call = IJobManager::proposeCall { id, job, assignment, receipt };
                Ok(Settling::Proposed(done(&self.send(manager, call).await?)))
            }
            JobState::Proposed => {
                let until = ChainTime::new(status.deadline.to()).unwrap_or(ChainTime::MAX);
                if self.time().await? < until {
                    return Ok(Settling::Waits { until });
                }
                let told = self.told(job, status.attempt).await?;
                let (id, Told { job: parts, assignment, proposal }) = (job.into(), told);
                let proposal = proposal.ok_or(SettlingError::Event { job })?;
                let job = parts;
                let call = IJobManager::settleCall { id, job, assignment, proposal };
                Ok(Settling::Settled(done(&self.send(manager, call).await?)))
            }
            JobState::Settled | JobState::Refunded | JobState::Closed => Ok(Settling::Over(state)),
            JobState::Open | JobState::Challenged => Err(SettlingError::NotYet { job, state }),
        }
    }

    /// The time of the latest block.
    async fn time(&self) -> Result<ChainTime, ChainError> {
        let block = self.provider.get_block_by_number(Default::default()).await?;
        let seconds = block.map_or(0, |block| block.header.timestamp);
        Ok(ChainTime::new(seconds).unwrap_or(ChainTime::MAX))
    }

    /// What the events of a job tell about its present attempt.
    async fn told(&self, job: JobId, attempt: u8) -> Result<Told, SettlingError> {
        let filter = Filter::new()
            .address(self.at(Contract::JobManager))
            .topic1(B256::from(job))
            .from_block(self.deployment.block);
        let logs = self.provider.get_logs(&filter).await.map_err(ChainError::from)?;
        let unread = || SettlingError::Event { job };
        let (mut created, mut assignment, mut proposal) = (None, None, None);
        for log in &logs {
            match log.topic0().copied() {
                Some(IJobManager::JobCreated::SIGNATURE_HASH) => {
                    let event = event::<IJobManager::JobCreated>(log).ok_or_else(unread)?;
                    created = Some(job_of(&event)?);
                }
                Some(IJobManager::JobAssigned::SIGNATURE_HASH) => {
                    let event = event::<IJobManager::JobAssigned>(log).ok_or_else(unread)?;
                    if event.attempt == attempt {
                        let started_at = self.time_of(log).await?;
                        assignment = Some(assignment_of(&event, started_at)?);
                    }
                }
                Some(IJobManager::JobEnlisted::SIGNATURE_HASH) => {
                    let event = event::<IJobManager::JobEnlisted>(log).ok_or_else(unread)?;
                    if let Some(assignment) = assignment.as_mut()
                        && event.attempt == attempt
                    {
                        assignment.nodes.extend(event.nodes);
                    }
                }
                Some(IJobManager::JobProposed::SIGNATURE_HASH) => {
                    let event = event::<IJobManager::JobProposed>(log).ok_or_else(unread)?;
                    proposal = (event.attempt == attempt).then_some(event.proposal);
                }
                _ => {}
            }
        }
        let (job, assignment) = created.zip(assignment).ok_or_else(unread)?;
        Ok(Told { job, assignment, proposal })
    }

    /// The time of the block that an event is in.
    async fn time_of(&self, log: &Log) -> Result<ChainTime, ChainError> {
        let seconds = match (log.block_timestamp, log.block_number) {
            (Some(seconds), _) => seconds,
            (None, Some(number)) => {
                let block = self.provider.get_block_by_number(number.into()).await?;
                block.map_or(0, |block| block.header.timestamp)
            }
            (None, None) => 0,
        };
        Ok(ChainTime::new(seconds).unwrap_or(ChainTime::MAX))
    }
}

fn event<E: SolEvent>(log: &Log) -> Option<E> {
    E::decode_log(&log.inner).ok().map(|event| event.data)
}

fn job_of(event: &IJobManager::JobCreated) -> Result<contracts::Job, ConvertError> {
    let terms = JobTerms::try_from(&event.terms)?;
    let order = JobOrder { client: event.client, nonce: event.nonce, terms };
    Ok(Job::of(&order, JobParameters::unpack(event.parameters)?).to_contract()?)
}

fn assignment_of(
    event: &IJobManager::JobAssigned,
    started_at: ChainTime,
) -> Result<contracts::Assignment, ConvertError> {
    let nodes = event.nodes.iter().map(|word| Seat::unpack(*word));
    let assignment = Assignment {
        started_at,
        coordinator: Seat::unpack(event.coordinator)?,
        nodes: nodes.collect::<Result<_, _>>()?,
    };
    Ok((&assignment).into())
}

/// The receipt as the contract takes it: which of the assigned signed, lowest first.
fn proposed(
    receipt: &Verified,
    assignment: &contracts::Assignment,
) -> Result<contracts::Receipt, SettlingError> {
    let receipt = &receipt.signed().receipt;
    let mut signed: Vec<(usize, EvmSignature)> = Vec::new();
    for attestation in receipt.attestations.as_slice() {
        let seat = attestation.seat();
        let place = assignment.nodes.iter().position(|word| *word == seat.pack());
        let place = place.filter(|place| *place < 16).ok_or(SettlingError::NotAssigned { seat })?;
        signed.push((place, attestation.signature));
    }
    signed.sort_unstable_by_key(|(place, _)| *place);
    let signers = signed.iter().fold(0_u16, |bits, (place, _)| bits | 1 << place);
    let signatures: Vec<u8> = signed.iter().flat_map(|(_, one)| *one.as_bytes()).collect();
    let (output, cost) = (receipt.output_root, receipt.cost);
    Ok(contracts::Receipt::of(output, cost, signers, signatures.into()))
}
