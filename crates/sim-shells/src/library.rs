//! What the archive of a simulation keeps, and whether it still has it after a loss of power.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tallystick_archive::{Archive, CollectorStatus, Number};
use tallystick_blobs::Disk;
use tallystick_chain::view::{HouseView, JobView, Outcome};
use tallystick_sdk::verify;
use tallystick_types::SignedReceipt;
use tokio::sync::watch;

use crate::files::Files;
use crate::node::End;

/// Where the archive writes its files.
pub(crate) const FOLDER: &str = "/node/receipts";

/// The archive as the world sees it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Library(Arc<Mutex<Shown>>);

/// What was seen of it.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// Its receipts, in their order.
    kept: Vec<SignedReceipt>,
    /// How often its machine began and had all that it was seen to have.
    pub(crate) checked: u64,
}

impl Library {
    pub(crate) fn shown(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks an archive that was just opened, on its machine.
    ///
    /// # Errors
    ///
    /// Where it lost a receipt, or one holds no longer or has no file.
    pub(crate) fn check(&self, archive: &Archive) -> Result<(), End> {
        let kept = archive.page(Number(0), usize::MAX)?;
        let kept: Vec<SignedReceipt> = kept.into_iter().map(|(_, signed)| signed).collect();
        for signed in &kept {
            let job = signed.receipt.job;
            let file = read(&Path::new(FOLDER).join(format!("{job}.json")))?;
            let file = verify::verify(&file)?;
            if !archive.of_job(job)?.contains(file.signed()) {
                return Err(format!("the file of job {job} holds none of its receipts").into());
            }
        }
        let mut shown = self.shown();
        if !kept.starts_with(&shown.kept) {
            let (now, before) = (kept.len(), shown.kept.len());
            return Err(format!("the archive has {now} receipts, others than the {before}").into());
        }
        shown.kept = kept;
        shown.checked += 1;
        Ok(())
    }

    /// Sees what the archive keeps as it comes in, for ever.
    ///
    /// # Errors
    ///
    /// Where the archive fails.
    pub(crate) async fn follow(
        &self,
        archive: &Archive,
        mut status: watch::Receiver<CollectorStatus>,
    ) -> Result<(), End> {
        while status.changed().await.is_ok() {
            let mut shown = self.shown();
            let last = Number(u64::try_from(shown.kept.len())?);
            let new = archive.page(last, usize::MAX)?;
            shown.kept.extend(new.into_iter().map(|(_, signed)| signed));
        }
        Ok(())
    }
}

impl Shown {
    /// Whether there is a receipt of what every settled job was paid for.
    pub(crate) fn has_all(&self, view: &HouseView) -> bool {
        view.jobs().all(|job| self.has(job))
    }

    fn has(&self, job: &JobView) -> bool {
        let Some(Outcome::Settled { output_root, .. }) = job.outcome else { return true };
        let result = (job.id, job.attempt, output_root);
        let mut receipts = self.kept.iter().map(|signed| &signed.receipt);
        receipts.any(|it| (it.job, it.attempt, it.output_root) == result)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, End> {
    let mut file = Files.open(path)?;
    let mut bytes = vec![0; usize::try_from(file.length()?)?];
    file.read_at(0, &mut bytes)?;
    Ok(bytes)
}
