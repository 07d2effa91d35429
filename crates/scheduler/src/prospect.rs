//! Whether enough machines are there for a job, and what keeps the others from it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::filter::{Reason, reject};
use crate::index::Entry;
use crate::request::Request;

/// How many of the known machines a job could get, counted by the filter that rejects the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prospect {
    /// Different machines that every task needs.
    pub needed: u64,
    /// Machines that were looked at.
    pub known: u64,
    /// Those of them that were rejected, by the first reason.
    pub rejected: BTreeMap<Reason, u64>,
}

impl Prospect {
    /// Looks at every machine once.
    pub fn of<'a>(
        entries: impl IntoIterator<Item = Entry<'a>>,
        request: &Request,
        needed: u8,
    ) -> Self {
        let (mut known, mut rejected) = (0_u64, BTreeMap::<Reason, u64>::new());
        for entry in entries {
            known = known.saturating_add(1);
            if let Some(rejection) = reject(entry, request) {
                let count = rejected.entry(rejection.reason()).or_default();
                *count = count.saturating_add(1);
            }
        }
        Self { needed: needed.into(), known, rejected }
    }

    /// Machines that meet the terms, whether they can work now or not.
    pub fn capable(&self) -> u64 {
        self.known.saturating_sub(self.count(|reason| !reason.passes()))
    }

    /// Those of them that are connected and may work, whether they are busy or not.
    pub fn present(&self) -> u64 {
        let away = |reason| match reason {
            Reason::Offline | Reason::NotAdmitted | Reason::Quarantined => true,
            Reason::NotPaired
            | Reason::Kind
            | Reason::Engine
            | Reason::Tier
            | Reason::Trust
            | Reason::Price
            | Reason::Capacity
            | Reason::Excluded
            | Reason::Busy
            | Reason::Free => false,
        };
        self.capable().saturating_sub(self.count(away))
    }

    /// Those of them that could begin now.
    pub fn free(&self) -> u64 {
        self.known.saturating_sub(self.count(|_| true))
    }

    /// Whether no waiting helps: too few of the known machines meet the terms.
    pub fn is_impossible(&self) -> bool {
        self.capable() < self.needed
    }

    fn count(&self, counts: impl Fn(Reason) -> bool) -> u64 {
        let counted = self.rejected.iter().filter(|(reason, _)| counts(**reason));
        counted.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

/// A sentence that names every filter with its count and says what to do.
impl fmt::Display for Prospect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { needed, known, rejected } = self;
        let able = if self.is_impossible() {
            (self.capable(), "can ever do this work")
        } else if self.present() < *needed {
            (self.present(), "that can do this work are here")
        } else {
            (self.free(), "that can do this work are free")
        };
        write!(
            f,
            "each task needs {needed} nodes, and of the {known} known ones {} {}",
            able.0, able.1
        )?;
        let mut before = " (";
        for (reason, count) in rejected {
            write!(f, "{before}{count}: {reason}")?;
            before = ", ";
        }
        if !rejected.is_empty() {
            f.write_str(")")?;
        }
        f.write_str(if self.is_impossible() {
            "; ask for less of a node or for fewer replicas, or ask another coordinator"
        } else {
            "; it waits for them"
        })
    }
}
