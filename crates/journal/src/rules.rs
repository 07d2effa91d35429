//! The rules between tables, checked before anything of a step is kept.

use alloy_primitives::Address;
use tallystick_types::{IdentityKey, JobId, Seconds, WallTime};

use crate::error::{JournalError, RuleError};
use crate::key::Key;
use crate::open::Reader;
use crate::records::{
    JobRecord, PairingClaimed, PairingId, ReceiptKey, ReceiptRecord, TrustPairing,
};
use crate::step::Step;
use crate::table::{Family, Stored, Table};

/// How long an expired code that nobody claimed stays, so that whoever comes too late learns why.
const EXPIRED_FOR: Seconds = Seconds::new(86_400);

/// Which pairing has a code.
const CODES: Table<String, PairingId> = Table::new(Family::PairingCodes);

/// Which pairing joins a client and a node: the newest where there are several.
const PAIRED: Table<PairedKey, PairingId> = Table::new(Family::PairedNodes);

impl Stored for PairingId {
    const VERSION: u8 = 1;
    const NAME: &'static str = "pairing id";
}

struct PairedKey {
    user: Address,
    provider: IdentityKey,
}

impl Key for PairedKey {
    fn to_bytes(&self) -> Vec<u8> {
        [self.user.as_slice(), self.provider.as_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (user, provider) = bytes.split_at_checked(Address::len_bytes())?;
        let provider = IdentityKey::new(provider.try_into().ok()?);
        Some(Self { user: Address::from_slice(user), provider })
    }
}

impl Step<'_> {
    /// Keeps a job as it is now.
    pub fn put_job(&mut self, job: JobId, record: &JobRecord) -> Result<(), JournalError> {
        if record.status.is_over() != record.completed_at.is_some() {
            return Err(RuleError::Completion { job }.into());
        }
        self.set(JobRecord::TABLE, &job, record)
    }

    /// Keeps a receipt of a job that is there. The same receipt again replaces it.
    pub fn put_receipt(
        &mut self,
        key: &ReceiptKey,
        record: &ReceiptRecord,
    ) -> Result<(), JournalError> {
        if self.get(JobRecord::TABLE, &key.job)?.is_none() {
            return Err(RuleError::NoSuchJob { job: key.job }.into());
        }
        self.set(ReceiptRecord::TABLE, key, record)
    }

    /// Keeps a pairing that nobody claimed yet.
    pub fn add_pairing(
        &mut self,
        id: PairingId,
        user: Address,
        code: &str,
        created_at: WallTime,
        expires_at: WallTime,
    ) -> Result<(), JournalError> {
        let code = code.to_owned();
        if self.get(TrustPairing::TABLE, &id)?.is_some() {
            return Err(RuleError::PairingExists { id }.into());
        }
        if self.get(CODES, &code)?.is_some() {
            return Err(RuleError::CodeTaken { code }.into());
        }
        self.set(CODES, &code, &id)?;
        let pairing = TrustPairing { user, claimed: None, code, expires_at, created_at };
        self.set(TrustPairing::TABLE, &id, &pairing)
    }

    /// A node claims a code: from now on it may see the client's private work. A code serves once,
    /// and only before it expires.
    pub fn claim_pairing(
        &mut self,
        code: &str,
        by: PairingClaimed,
    ) -> Result<TrustPairing, JournalError> {
        let code = code.to_owned();
        let id = self.get(CODES, &code)?;
        let pairing = id.map(|id| self.get(TrustPairing::TABLE, &id)).transpose()?.flatten();
        let (Some(id), Some(mut pairing)) = (id, pairing) else {
            return Err(RuleError::UnknownCode { code }.into());
        };
        if pairing.is_claimed() {
            return Err(RuleError::Claimed { code }.into());
        }
        if by.at >= pairing.expires_at {
            return Err(RuleError::Expired { code, expired_at: pairing.expires_at }.into());
        }
        pairing.claimed = Some(by);
        self.set(TrustPairing::TABLE, &id, &pairing)?;
        self.set(PAIRED, &PairedKey { user: pairing.user, provider: by.provider }, &id)?;
        Ok(pairing)
    }

    /// Forgets codes that expired a day ago without being claimed. Reads all pairings.
    pub fn forget_pairings(&mut self, now: WallTime) -> Result<(), JournalError> {
        for (id, pairing) in self.reader().scan(TrustPairing::TABLE, &[])? {
            if !pairing.is_claimed() && pairing.expires_at.after(EXPIRED_FOR) <= now {
                self.unset(CODES, &pairing.code);
                self.unset(TrustPairing::TABLE, &id);
            }
        }
        Ok(())
    }
}

impl Reader {
    /// Whether a node may see the private work of a client.
    pub fn is_paired(&self, user: Address, provider: IdentityKey) -> Result<bool, JournalError> {
        Ok(self.get(PAIRED, &PairedKey { user, provider })?.is_some())
    }

    /// The nodes that a client paired with, the oldest pairing first; of several with one node the
    /// newest.
    pub fn pairings_of(
        &self,
        user: Address,
    ) -> Result<Vec<(PairingId, TrustPairing)>, JournalError> {
        let mut found = Vec::new();
        for (_, id) in self.scan(PAIRED, user.as_slice())? {
            found.extend(self.get(TrustPairing::TABLE, &id)?.map(|pairing| (id, pairing)));
        }
        found.sort_by_key(|(id, pairing)| (pairing.claimed.map(|claimed| claimed.at), *id));
        Ok(found)
    }

    /// Receipts of a job.
    pub fn receipts_of(
        &self,
        job: JobId,
    ) -> Result<Vec<(ReceiptKey, ReceiptRecord)>, JournalError> {
        self.scan(ReceiptRecord::TABLE, job.as_bytes())
    }
}
