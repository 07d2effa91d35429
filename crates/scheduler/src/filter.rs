//! Who may not get a task, and why.
//!
//! Reasons that last come before reasons that pass. A candidate that is rejected for a passing
//! reason therefore meets the terms, which tells a caller whether waiting helps ([`Outlook`]).

use std::fmt;

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use tallystick_types::{Amount, EngineProfile, Privacy, Trust};

use crate::candidate::{Candidate, Quarantine, Tier, WorkKind};
use crate::index::Entry;
use crate::request::Request;
use crate::resources::Resource;

/// Why a candidate may not get a task: the first reason in the order of this list.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Rejection {
    /// The work is private and its client did not pair with the machine.
    NotPaired {
        /// The client.
        client: Address,
    },
    /// It does not do this kind of work.
    Kind {
        /// The kind.
        demanded: WorkKind,
    },
    /// It does this kind of work, without the engine or model.
    Engine {
        /// The engine or model.
        demanded: EngineProfile,
    },
    /// Its tier is too low.
    Tier {
        /// The least.
        demanded: Tier,
        /// What it has.
        actual: Tier,
    },
    /// It is trusted less than the job demands.
    Trust {
        /// The least.
        demanded: Trust,
        /// What it has.
        actual: Trust,
    },
    /// It asks for more than the client gives; both per unit of work, in base units.
    Price {
        /// The most.
        most: Amount,
        /// What it asks.
        asked: Amount,
    },
    /// It has less of something than the task takes, even when it has no other task.
    Capacity {
        /// Of what.
        resource: Resource,
        /// What the task takes, in the resource's unit.
        demanded: u64,
        /// All it has, in the same unit.
        capacity: u64,
    },
    /// It failed an earlier attempt or works on the task already.
    Excluded,
    /// It is not connected.
    Offline,
    /// It did not go through the benchmark of admission yet.
    NotAdmitted,
    /// It gets tests only.
    Quarantined {
        /// Tests that it still has to pass.
        tests_left: u32,
    },
    /// It was marked as busy.
    Busy,
    /// It has less of something free than the task takes.
    Free {
        /// Of what.
        resource: Resource,
        /// What the task takes, in the resource's unit.
        demanded: u64,
        /// What is free, in the same unit.
        free: u64,
    },
}

/// A [`Rejection`] without its values, to count by. The order is that of the filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// See [`Rejection::NotPaired`].
    NotPaired,
    /// See [`Rejection::Kind`].
    Kind,
    /// See [`Rejection::Engine`].
    Engine,
    /// See [`Rejection::Tier`].
    Tier,
    /// See [`Rejection::Trust`].
    Trust,
    /// See [`Rejection::Price`].
    Price,
    /// See [`Rejection::Capacity`].
    Capacity,
    /// See [`Rejection::Excluded`].
    Excluded,
    /// See [`Rejection::Offline`].
    Offline,
    /// See [`Rejection::NotAdmitted`].
    NotAdmitted,
    /// See [`Rejection::Quarantined`].
    Quarantined,
    /// See [`Rejection::Busy`].
    Busy,
    /// See [`Rejection::Free`].
    Free,
}

/// What a caller may expect of asking again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outlook {
    /// Somebody is suitable now.
    Suitable,
    /// Somebody meets the terms and cannot take the task now: ask again.
    Wait,
    /// Nobody who is known meets the terms: fail at once, or queue for machines yet to come.
    Unmet,
}

impl Reason {
    /// All of them, in the order of the filters.
    pub const ALL: [Self; 13] = [
        Self::NotPaired,
        Self::Kind,
        Self::Engine,
        Self::Tier,
        Self::Trust,
        Self::Price,
        Self::Capacity,
        Self::Excluded,
        Self::Offline,
        Self::NotAdmitted,
        Self::Quarantined,
        Self::Busy,
        Self::Free,
    ];

    /// Its name in messages, as it is serialised.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotPaired => "not_paired",
            Self::Kind => "kind",
            Self::Engine => "engine",
            Self::Tier => "tier",
            Self::Trust => "trust",
            Self::Price => "price",
            Self::Capacity => "capacity",
            Self::Excluded => "excluded",
            Self::Offline => "offline",
            Self::NotAdmitted => "not_admitted",
            Self::Quarantined => "quarantined",
            Self::Busy => "busy",
            Self::Free => "free",
        }
    }

    /// Whether it may pass without anybody changing the terms or the machine.
    pub const fn passes(self) -> bool {
        match self {
            Self::NotPaired
            | Self::Kind
            | Self::Engine
            | Self::Tier
            | Self::Trust
            | Self::Price
            | Self::Capacity => false,
            Self::Excluded
            | Self::Offline
            | Self::NotAdmitted
            | Self::Quarantined
            | Self::Busy
            | Self::Free => true,
        }
    }
}

impl Rejection {
    /// The reason without values.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::NotPaired { .. } => Reason::NotPaired,
            Self::Kind { .. } => Reason::Kind,
            Self::Engine { .. } => Reason::Engine,
            Self::Tier { .. } => Reason::Tier,
            Self::Trust { .. } => Reason::Trust,
            Self::Price { .. } => Reason::Price,
            Self::Capacity { .. } => Reason::Capacity,
            Self::Excluded => Reason::Excluded,
            Self::Offline => Reason::Offline,
            Self::NotAdmitted => Reason::NotAdmitted,
            Self::Quarantined { .. } => Reason::Quarantined,
            Self::Busy => Reason::Busy,
            Self::Free { .. } => Reason::Free,
        }
    }
}

/// Why this candidate may not get the task, or nothing where it may.
pub fn reject(entry: Entry<'_>, request: &Request) -> Option<Rejection> {
    let candidate = entry.candidate;
    lasting(candidate, request).or_else(|| passing(candidate, entry.busy, request))
}

fn lasting(candidate: &Candidate, request: &Request) -> Option<Rejection> {
    let client = request.client;
    if request.privacy == Privacy::Private && !candidate.paired.contains(&client) {
        return Some(Rejection::NotPaired { client });
    }
    let Some(engines) = candidate.capabilities.get(&request.kind) else {
        return Some(Rejection::Kind { demanded: request.kind });
    };
    if let Some(demanded) = &request.engine
        && !engines.contains(demanded)
    {
        return Some(Rejection::Engine { demanded: demanded.clone() });
    }
    if let Some(actual) = candidate.tier
        && actual < request.tier
    {
        return Some(Rejection::Tier { demanded: request.tier, actual });
    }
    if candidate.trust < request.trust {
        return Some(Rejection::Trust { demanded: request.trust, actual: candidate.trust });
    }
    if candidate.price > request.max_price {
        return Some(Rejection::Price { most: request.max_price, asked: candidate.price });
    }
    let (resource, demanded, capacity) = candidate.capacity.shortage(&request.resources)?;
    Some(Rejection::Capacity { resource, demanded, capacity })
}

fn passing(candidate: &Candidate, busy: bool, request: &Request) -> Option<Rejection> {
    if request.excluded.contains(&candidate.id()) {
        return Some(Rejection::Excluded);
    }
    if !candidate.online {
        return Some(Rejection::Offline);
    }
    if candidate.tier.is_none() {
        return Some(Rejection::NotAdmitted);
    }
    if let Quarantine::Until { tests_left } = candidate.quarantine {
        return Some(Rejection::Quarantined { tests_left });
    }
    if busy {
        return Some(Rejection::Busy);
    }
    let (resource, demanded, free) = candidate.free.shortage(&request.resources)?;
    Some(Rejection::Free { resource, demanded, free })
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPaired => "not paired with the client",
            Self::Kind => "another kind of work",
            Self::Engine => "engine or model missing",
            Self::Tier => "tier too low",
            Self::Trust => "not trusted enough",
            Self::Price => "too expensive",
            Self::Capacity => "machine too small",
            Self::Excluded => "excluded",
            Self::Offline => "offline",
            Self::NotAdmitted => "not admitted yet",
            Self::Quarantined => "in quarantine",
            Self::Busy => "busy",
            Self::Free => "too little free",
        })
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPaired { client } => write!(f, "not paired with {client}"),
            Self::Kind { demanded } => write!(f, "does no {demanded} work"),
            Self::Engine { demanded } => write!(f, "has no {demanded}"),
            Self::Tier { demanded, actual } => write!(f, "tier {actual}, needs {demanded}"),
            Self::Trust { demanded, actual } => {
                write!(f, "trust {}, needs {}", trust_name(*actual), trust_name(*demanded))
            }
            Self::Price { most, asked } => write!(f, "asks {asked}, at most {most}"),
            Self::Capacity { resource, demanded, capacity } => {
                let unit = resource.unit();
                write!(f, "owns {capacity} {unit} of {resource}, needs {demanded}")
            }
            Self::Excluded => f.write_str("failed before or works on it already"),
            Self::Offline => f.write_str("offline"),
            Self::NotAdmitted => f.write_str("benchmark not done yet"),
            Self::Quarantined { tests_left } => write!(f, "has {tests_left} tests to pass"),
            Self::Busy => f.write_str("busy"),
            Self::Free { resource, demanded, free } => {
                let unit = resource.unit();
                write!(f, "{free} {unit} of {resource} free, needs {demanded}")
            }
        }
    }
}

const fn trust_name(trust: Trust) -> &'static str {
    match trust {
        Trust::Any => "any",
        Trust::Staked => "staked",
        Trust::Vetted => "vetted",
    }
}
