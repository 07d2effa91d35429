//! Where receipts lie, and how they are found.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use alloy_primitives::Address;
use tallystick_abi::JobDomain;
use tallystick_blobs::{Disk, LocalDisk};
use tallystick_chain::view::HouseView;
use tallystick_ports::{Batch, Store, StoreError};
use tallystick_types::{
    Attempt, Canonical, JobId, OutputRoot, ReceiptDigest, SignedReceipt, WallTime,
};

use crate::check::{Refusal, check};

#[cfg(test)]
pub(crate) mod tests;

/// Milliseconds of a day.
const DAY: u64 = 86_400_000;

const COUNT: &[u8] = b"archive/count";
const BY_NUMBER: &[u8] = b"archive/number/";
const BY_DIGEST: &[u8] = b"archive/receipt/";
const BY_JOB: &[u8] = b"archive/job/";
const BY_CLIENT: &[u8] = b"archive/client/";
const BY_DAY: &[u8] = b"archive/day/";
const TO_WRITE: &[u8] = b"archive/write/";

/// Place of a receipt in the order of arrival, from 1 without gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(pub u64);

/// What became of a receipt that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is new.
    New(Number),
    /// It is there already.
    Known,
}

/// Why the archive cannot answer or keep something.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The receipt does not hold.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The storage failed; nothing was kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be written. The receipt is kept, and the file is tried at the next start.
    #[error("{} cannot be written; look at the folder and its owner", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// What was kept is no receipt.
    #[error("the archive holds a damaged entry; restore a backup, or collect the receipts anew")]
    Damaged,
}

/// The receipts of one network. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Archive {
    disk: Arc<dyn Disk>,
    store: Arc<dyn Store>,
    folder: Arc<Path>,
    domain: JobDomain,
    /// How many there are. Held while one is added.
    count: Arc<Mutex<u64>>,
}

impl Archive {
    /// Opens the archive: the store is its alone, as far as keys begin with `archive/`; each
    /// receipt is also written to `<job>.json` in the folder.
    pub fn open(
        store: Arc<dyn Store>,
        folder: impl Into<PathBuf>,
        domain: JobDomain,
    ) -> Result<Self, ArchiveError> {
        Self::open_on(Arc::new(LocalDisk), store, folder, domain)
    }

    /// The same, with its files on a given disk.
    pub fn open_on(
        disk: Arc<dyn Disk>,
        store: Arc<dyn Store>,
        folder: impl Into<PathBuf>,
        domain: JobDomain,
    ) -> Result<Self, ArchiveError> {
        let folder: PathBuf = folder.into();
        disk.create_folder(&folder)
            .map_err(|source| ArchiveError::File { path: folder.clone(), source })?;
        let count = store.get(COUNT)?.map_or(Ok(0), |bytes| number_of(&bytes))?;
        let count = Arc::new(Mutex::new(count));
        let archive = Self { disk, store, folder: folder.into(), domain, count };
        for (_, digest) in archive.store.scan(TO_WRITE)? {
            let signed = archive.receipt_at(&digest)?;
            archive.write(&signed)?;
        }
        Ok(archive)
    }

    /// The network.
    pub const fn domain(&self) -> JobDomain {
        self.domain
    }

    /// How many receipts there are.
    pub fn count(&self) -> u64 {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks a receipt and keeps it. Blocks on the disk: where others wait for the view, see
    /// [`Self::check`].
    pub fn accept(&self, view: &HouseView, signed: &SignedReceipt) -> Result<Kept, ArchiveError> {
        self.keep(self.check(view, signed)?, signed)
    }

    /// Checks a receipt and gives the client of its job, for [`Self::keep`].
    pub(crate) fn check(
        &self,
        view: &HouseView,
        signed: &SignedReceipt,
    ) -> Result<Address, Refusal> {
        check(view, self.domain, signed)?;
        Ok(view.job(signed.receipt.job).map(|job| job.order.client).unwrap_or_default())
    }

    /// Keeps a receipt that was checked. Blocks on the disk.
    pub(crate) fn keep(
        &self,
        client: Address,
        signed: &SignedReceipt,
    ) -> Result<Kept, ArchiveError> {
        let (receipt, digest) = (&signed.receipt, signed.receipt.digest());
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        if self.store.get(&key(BY_DIGEST, &[digest.as_bytes()]))?.is_some() {
            return Ok(Kept::Known);
        }
        let number = count.saturating_add(1);
        let (place, name) = (number.to_be_bytes(), digest.as_bytes().to_vec());
        let day = (receipt.issued_at.get() / DAY).to_be_bytes();
        let mut batch = Batch::default();
        batch.put(key(BY_DIGEST, &[&name]), signed.to_bytes());
        batch.put(key(BY_NUMBER, &[&place]), name.clone());
        batch.put(key(BY_JOB, &[receipt.job.as_bytes(), &place]), name.clone());
        batch.put(key(BY_CLIENT, &[client.as_slice(), &place]), name.clone());
        batch.put(key(BY_DAY, &[&day, &place]), name.clone());
        batch.put(key(TO_WRITE, &[&name]), name);
        batch.put(COUNT, place);
        fail::fail_point!("archive.receipt.checked");
        self.store.commit(batch)?;
        fail::fail_point!("archive.receipt.kept");
        *count = number;
        drop(count);
        self.write(signed)?;
        Ok(Kept::New(Number(number)))
    }

    /// Writes the file of a receipt, whole or not at all.
    fn write(&self, signed: &SignedReceipt) -> Result<(), ArchiveError> {
        let job = signed.receipt.job;
        let path = self.folder.join(format!("{job}.json"));
        let partial = self.folder.join(format!(".{job}.partial"));
        let written = || -> io::Result<()> {
            let mut text = serde_json::to_vec_pretty(signed)?;
            text.push(b'\n');
            let mut file = self.disk.create(&partial)?;
            file.append(&text)?;
            fail::fail_point!("archive.file.written");
            file.sync()?;
            fail::fail_point!("archive.file.synced");
            self.disk.rename(&partial, &path)?;
            fail::fail_point!("archive.file.renamed");
            // A power cut may take a name back whose folder is not on the disk, and nothing writes
            // the file again once the note below is gone.
            self.disk.sync_folder(&self.folder)
        };
        written().map_err(|source| ArchiveError::File { path: path.clone(), source })?;
        let mut batch = Batch::default();
        batch.delete(key(TO_WRITE, &[signed.receipt.digest().as_bytes()]));
        fail::fail_point!("archive.file.named");
        self.store.commit(batch)?;
        fail::fail_point!("archive.note.deleted");
        Ok(())
    }

    /// The receipt with a digest.
    pub fn by_digest(&self, digest: ReceiptDigest) -> Result<Option<SignedReceipt>, ArchiveError> {
        let found = self.store.get(&key(BY_DIGEST, &[digest.as_bytes()]))?;
        found.map(|bytes| decode(&bytes)).transpose()
    }

    /// The receipts of a job, in the order of arrival. More than one where the same result was
    /// attested by different nodes.
    pub fn of_job(&self, job: JobId) -> Result<Vec<SignedReceipt>, ArchiveError> {
        self.listed(&key(BY_JOB, &[job.as_bytes()]), Number(0), usize::MAX)
            .map(|found| found.into_iter().map(|(_, signed)| signed).collect())
    }

    /// The receipts of a client after a number, at most so many, in the order of arrival.
    pub fn of_client(
        &self,
        client: Address,
        after: Number,
        most: usize,
    ) -> Result<Vec<(Number, SignedReceipt)>, ArchiveError> {
        self.listed(&key(BY_CLIENT, &[client.as_slice()]), after, most)
    }

    /// The receipts that were issued on the day (UTC) of a moment, in the order of arrival.
    pub fn of_day(
        &self,
        moment: WallTime,
        after: Number,
        most: usize,
    ) -> Result<Vec<(Number, SignedReceipt)>, ArchiveError> {
        let day = (moment.get() / DAY).to_be_bytes();
        self.listed(&key(BY_DAY, &[&day]), after, most)
    }

    /// All receipts after a number, at most so many, in the order of arrival.
    pub fn page(
        &self,
        after: Number,
        most: usize,
    ) -> Result<Vec<(Number, SignedReceipt)>, ArchiveError> {
        let mut found = Vec::new();
        let mut number = after.0;
        while found.len() < most {
            number = number.saturating_add(1);
            let place = key(BY_NUMBER, &[&number.to_be_bytes()]);
            let Some(digest) = self.store.get(&place)? else { break };
            found.push((Number(number), self.receipt_at(&digest)?));
        }
        Ok(found)
    }

    /// Whether a receipt of this result of a job is there.
    pub fn has(
        &self,
        job: JobId,
        attempt: Attempt,
        output_root: OutputRoot,
    ) -> Result<bool, ArchiveError> {
        let mut receipts = self.of_job(job)?.into_iter().map(|signed| signed.receipt);
        Ok(receipts.any(|it| (it.attempt, it.output_root) == (attempt, output_root)))
    }

    /// The receipts that an index names; its keys end in their numbers.
    fn listed(
        &self,
        prefix: &[u8],
        after: Number,
        most: usize,
    ) -> Result<Vec<(Number, SignedReceipt)>, ArchiveError> {
        let mut found = Vec::new();
        for (key, digest) in self.store.scan(prefix)? {
            let number = key.last_chunk::<8>().ok_or(ArchiveError::Damaged)?;
            let number = Number(u64::from_be_bytes(*number));
            if number > after && found.len() < most {
                found.push((number, self.receipt_at(&digest)?));
            }
        }
        Ok(found)
    }

    fn receipt_at(&self, digest: &[u8]) -> Result<SignedReceipt, ArchiveError> {
        let found = self.store.get(&key(BY_DIGEST, &[digest]))?;
        decode(&found.ok_or(ArchiveError::Damaged)?)
    }
}

fn key(kind: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    [&[kind], parts].concat().concat()
}

fn number_of(bytes: &[u8]) -> Result<u64, ArchiveError> {
    bytes.try_into().map(u64::from_be_bytes).map_err(|_| ArchiveError::Damaged)
}

fn decode(bytes: &[u8]) -> Result<SignedReceipt, ArchiveError> {
    SignedReceipt::from_bytes(bytes).map_err(|_| ArchiveError::Damaged)
}
