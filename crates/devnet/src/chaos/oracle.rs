//! What must be so when the faults are over, read from the chain and the disk, not from the nodes.

mod books;
mod views;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy_sol_types::SolEvent;
use tallystick_abi::Contract;
use tallystick_abi::contracts::{IJobManager, IStakingManager};
use tallystick_node::Role;
use tallystick_sdk::{Client, ClientConfig, verify};
use tallystick_types::JobId;
use tokio::time::Instant;

use super::load::{self, Word};
use super::town::Town;
use super::{ChaosError, Finding};
use crate::chain::CallError;
use crate::ground::Ground;
use crate::network::{MARK, STAKE};

use books::books;
pub(super) use views::views;

/// How long jobs may take to end when no fault happens any more.
const JOBS: Duration = Duration::from_secs(300);
/// How long receipts may take to be archived, and nodes to be ready.
const NODES: Duration = Duration::from_secs(120);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// What the chain says of the jobs.
#[derive(Clone, Debug, Default)]
pub(super) struct Jobs {
    created: BTreeSet<JobId>,
    /// What was paid, one for each settlement.
    settled: BTreeMap<JobId, Vec<u128>>,
    /// What went back, one for each refund.
    refunded: BTreeMap<JobId, Vec<u128>>,
    /// The one that was paid last.
    newest: Option<JobId>,
}

impl Jobs {
    pub(super) async fn read(ground: &Ground) -> Result<Self, CallError> {
        let mut jobs = Self::default();
        for log in ground.chain.logs(ground.at(Contract::JobManager)).await? {
            if let Ok(event) = IJobManager::JobCreated::decode_log(&log.inner) {
                jobs.created.insert(event.id.into());
            } else if let Ok(event) = IJobManager::JobSettled::decode_log(&log.inner) {
                jobs.newest = Some(event.id.into());
                jobs.settled.entry(event.id.into()).or_default().push(event.paid);
            } else if let Ok(event) = IJobManager::JobRefunded::decode_log(&log.inner) {
                jobs.refunded.entry(event.id.into()).or_default().push(event.returned);
            }
        }
        Ok(jobs)
    }

    pub(super) fn settled(&self) -> u64 {
        self.settled.len() as u64
    }

    pub(super) fn refunded(&self) -> u64 {
        self.refunded.len() as u64
    }

    /// The job that was paid last: a coordinator forgets older ones after an hour.
    pub(super) const fn newest_settled(&self) -> Option<JobId> {
        self.newest
    }

    pub(super) fn ended(&self) -> usize {
        self.settled.len() + self.refunded.len()
    }

    fn is_over(&self, job: &JobId) -> bool {
        self.settled.contains_key(job) || self.refunded.contains_key(job)
    }
}

/// Waits until everything is over and reads all books but the nodes' views.
pub(super) async fn settle(town: &Town, findings: &mut Vec<Finding>) -> Result<Jobs, ChaosError> {
    readiness(town, findings).await;
    let jobs = jobs(town, findings).await?;
    receipts(town, &jobs, findings).await;
    stakes(town, findings).await?;
    // What open jobs hold is in no account.
    if !findings.iter().any(|finding| matches!(finding, Finding::Open { .. })) {
        books(town, findings).await?;
    }
    readiness(town, findings).await;
    if jobs.settled() == 0 {
        findings.push(Finding::Quiet);
    }
    Ok(jobs)
}

/// Whether the chain has all of its blocks: where it has not, nothing else that was found counts.
pub(super) async fn whole_chain(town: &Town) -> Result<(), ChaosError> {
    let chain = &town.network.ground.chain;
    let mut blocks = Vec::new();
    for number in 0..=chain.head().await? {
        if !chain.has_block(number).await? {
            blocks.push(number);
        }
    }
    if blocks.is_empty() { Ok(()) } else { Err(ChaosError::Hole { blocks }) }
}

/// Waits until every job is over that there must be, and says which are not.
async fn jobs(town: &Town, findings: &mut Vec<Finding>) -> Result<Jobs, ChaosError> {
    let folder = &town.network.folder;
    let words = load::read(folder).map_err(|source| ChaosError::files(folder, source))?;
    let taken = words.iter().filter(|(word, _)| *word == Word::Taken).map(|(_, job)| *job);
    let taken: BTreeSet<JobId> = taken.collect();
    let began = Instant::now();
    loop {
        let jobs = Jobs::read(&town.network.ground).await?;
        let must = || jobs.created.iter().chain(&taken);
        if must().all(|job| jobs.is_over(job)) {
            findings.extend(twice(&jobs));
            return Ok(jobs);
        }
        if began.elapsed() > JOBS {
            let open: BTreeSet<JobId> = must().filter(|job| !jobs.is_over(job)).copied().collect();
            explain(town, &open).await;
            findings.extend(open.into_iter().map(|job| match jobs.created.contains(&job) {
                true => Finding::Open { job },
                false => Finding::Lost { job },
            }));
            findings.extend(twice(&jobs));
            return Ok(jobs);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Keeps what the coordinator says of jobs that do not end, for whoever looks for the reason.
async fn explain(town: &Town, jobs: &BTreeSet<JobId>) {
    let Some(url) = town.network.coordinators.first() else { return };
    let Ok(client) = Client::connect(&ClientConfig::new(url.clone()), None).await else { return };
    for job in jobs {
        let why = match client.why(*job).await {
            Ok(why) => why,
            Err(error) => error.to_string(),
        };
        // The finding stands without it.
        let _unwritten = fs::write(town.network.folder.join(format!("why-{job}.json")), why);
    }
}

/// Jobs that ended more than once.
fn twice(jobs: &Jobs) -> Vec<Finding> {
    let count = |of: &BTreeMap<JobId, Vec<u128>>, job| of.get(job).map_or(0, Vec::len);
    let ends = jobs.created.iter().map(|job| {
        let (settled, refunded) = (count(&jobs.settled, job), count(&jobs.refunded, job));
        (*job, settled, refunded)
    });
    ends.filter(|(_, settled, refunded)| settled + refunded > 1)
        .map(|(job, settled, refunded)| Finding::EndedTwice { job, settled, refunded })
        .collect()
}

/// Every settled job has its receipt in the archive's folder, it holds, and states what was paid.
async fn receipts(town: &Town, jobs: &Jobs, findings: &mut Vec<Finding>) {
    let archives = town.network.members.iter().filter(|member| member.role == Role::Archive);
    let folders: Vec<PathBuf> =
        archives.map(|member| town.network.folder.join(&member.name).join("receipts")).collect();
    let began = Instant::now();
    for folder in folders {
        for (job, paid) in &jobs.settled {
            let file = folder.join(format!("{job}.json"));
            while !file.exists() && began.elapsed() < NODES {
                tokio::time::sleep(LOOK).await;
            }
            findings.extend(receipt(&file, *job, paid.iter().sum()));
        }
    }
}

fn receipt(file: &Path, job: JobId, paid: u128) -> Option<Finding> {
    let Ok(bytes) = fs::read(file) else { return Some(Finding::NotArchived { job }) };
    match verify::verify(&bytes) {
        Err(source) => Some(Finding::Receipt { job, source: Box::new(source) }),
        Ok(verified) => {
            let receipt = &verified.signed().receipt;
            let stated = receipt.cost.get();
            let fits = receipt.job == job && stated == paid;
            (!fits).then_some(Finding::OtherCost { job, stated, paid })
        }
    }
}

/// All stake is where it was, and nobody was ever slashed.
async fn stakes(town: &Town, findings: &mut Vec<Finding>) -> Result<(), CallError> {
    let ground = &town.network.ground;
    for member in &town.network.members {
        let stake = ground.stake_of(member.seat.node).await?;
        if stake != STAKE {
            findings.push(Finding::Slashed { name: member.name.clone(), stake });
        }
    }
    for log in ground.chain.logs(ground.at(Contract::StakingManager)).await? {
        if let Ok(event) = IStakingManager::StakeSlashed::decode_log(&log.inner) {
            let name = format!("node {}", event.node);
            findings.push(Finding::Slashed { name, stake: STAKE.saturating_sub(event.amount) });
        }
    }
    Ok(())
}

/// Every node is ready, which a halted lane or a chain that is not followed forbids.
async fn readiness(town: &Town, findings: &mut Vec<Finding>) {
    let began = Instant::now();
    for member in &town.network.members {
        let url = format!("http://{}/readyz", member.observe);
        loop {
            let told = match reqwest::get(&url).await {
                Ok(answer) if answer.status().is_success() => break,
                Ok(answer) => answer.text().await.unwrap_or_default(),
                Err(_) => "no answer".to_owned(),
            };
            if began.elapsed() > NODES {
                let reasons = told.trim().replace('\n', "; ");
                findings.push(Finding::NotReady { name: member.name.clone(), reasons });
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Processes that a network left behind: those with its mark in their environment.
pub(super) async fn orphans(folder: &Path) -> Vec<Finding> {
    let mark = format!("{MARK}={}", folder.display());
    let began = Instant::now();
    loop {
        let left = marked(&mark);
        if left.is_empty() || began.elapsed() > Duration::from_secs(10) {
            return left;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Nothing on systems without `/proc`.
fn marked(mark: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()) {
            let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            found.push(Finding::Orphan { process, command });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_that_end_twice_are_found_and_others_are_not() {
        let [once, paid_twice, both] = [1, 2, 3].map(|byte| JobId::new([byte; 32]));
        let jobs = Jobs {
            created: [once, paid_twice, both].into(),
            settled: [(once, vec![5]), (paid_twice, vec![5, 5]), (both, vec![5])].into(),
            refunded: [(both, vec![7])].into(),
            ..Jobs::default()
        };
        let found: Vec<_> = twice(&jobs)
            .into_iter()
            .map(|finding| match finding {
                Finding::EndedTwice { job, settled, refunded } => (job, settled, refunded),
                other => panic!("{other}"),
            })
            .collect();
        assert_eq!(found, [(paid_twice, 2, 0), (both, 1, 1)]);
    }

    #[test]
    fn a_receipt_that_is_missing_or_damaged_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let (file, job) = (folder.path().join("one.json"), JobId::new([1; 32]));
        assert!(matches!(receipt(&file, job, 5), Some(Finding::NotArchived { .. })));
        fs::write(&file, "{}").unwrap();
        assert!(matches!(receipt(&file, job, 5), Some(Finding::Receipt { .. })));
    }

    #[test]
    fn a_process_that_was_left_behind_is_found_by_its_mark() {
        let folder = tempfile::tempdir().unwrap();
        let mark = format!("{MARK}={}", folder.path().display());
        assert!(marked(&mark).is_empty());
        let mut sleeper = std::process::Command::new("sleep");
        let mut left = sleeper.arg("30").env(MARK, folder.path()).spawn().unwrap();
        let process = left.id();
        // The mark is there once the child runs its program.
        let found = (0..200).find_map(|_| {
            std::thread::sleep(Duration::from_millis(10));
            marked(&mark).pop()
        });
        left.kill().unwrap();
        left.wait().unwrap();
        assert!(matches!(found, Some(Finding::Orphan { process: it, .. }) if it == process));
    }
}
