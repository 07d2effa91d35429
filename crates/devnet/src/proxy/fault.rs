//! What can go wrong between a node and an endpoint of its chain.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::dice::Dice;

/// One thing that goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The answer comes late.
    Delay,
    /// The connection ends before the request reached the chain.
    Drop,
    /// The chain did what was asked, and the answer is lost.
    LoseAnswer,
    /// The connection ends in the middle of the answer.
    Truncate,
    /// Status 503 in place of an answer.
    ServerError,
    /// Status 429 in place of an answer.
    TooMany,
    /// The head is said to be some blocks lower than it is.
    StaleHead,
    /// There are said to be no logs.
    EmptyLogs,
    /// There is said to be no receipt.
    NullReceipt,
    /// The answer is to another question.
    WrongId,
    /// Nothing is said until the endpoint is lit again; then the connection ends.
    BlackHole,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Delay,
        Self::Drop,
        Self::LoseAnswer,
        Self::Truncate,
        Self::ServerError,
        Self::TooMany,
        Self::StaleHead,
        Self::EmptyLogs,
        Self::NullReceipt,
        Self::WrongId,
        Self::BlackHole,
    ];

    /// As a report has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delay => "delay",
            Self::Drop => "drop",
            Self::LoseAnswer => "lost answer",
            Self::Truncate => "truncated",
            Self::ServerError => "503",
            Self::TooMany => "429",
            Self::StaleHead => "stale head",
            Self::EmptyLogs => "empty logs",
            Self::NullReceipt => "null receipt",
            Self::WrongId => "wrong id",
            Self::BlackHole => "black hole",
        }
    }

    /// Whether it can happen to a request for this method.
    fn fits(self, method: &str) -> bool {
        match self {
            Self::EmptyLogs => method == "eth_getLogs",
            Self::NullReceipt => {
                matches!(method, "eth_getTransactionReceipt" | "eth_getBlockReceipts")
            }
            Self::StaleHead => matches!(method, "eth_getBlockByNumber" | "eth_blockNumber"),
            Self::BlackHole => false,
            _ => true,
        }
    }
}

/// How likely each fault is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// In a million requests that the fault fits.
    chances: BTreeMap<Fault, u32>,
    /// The longest delay.
    pub longest_delay: Duration,
}

impl Weather {
    /// Nothing goes wrong.
    pub fn calm() -> Self {
        Self::default()
    }

    /// An honest endpoint on a bad day: it is late, silent or cut off, behind the others, and
    /// never says what is not so.
    pub fn rough(parts_per_million: u32) -> Self {
        use Fault::{Delay, Drop, LoseAnswer, ServerError, StaleHead, TooMany, Truncate};
        let faults = [Delay, Drop, LoseAnswer, Truncate, ServerError, TooMany, StaleHead];
        let chances = faults.map(|fault| (fault, parts_per_million)).into();
        Self { chances, longest_delay: Duration::from_millis(400) }
    }

    /// An endpoint that lies whenever it can say something false, on a bad day too.
    pub fn lying(parts_per_million: u32) -> Self {
        let mut weather = Self::rough(parts_per_million);
        for lie in [Fault::EmptyLogs, Fault::NullReceipt] {
            weather.chances.insert(lie, 1_000_000);
        }
        weather.chances.insert(Fault::StaleHead, 300_000);
        weather.chances.insert(Fault::WrongId, 100_000);
        weather
    }

    /// The same with another chance for one fault.
    #[must_use]
    pub fn with(mut self, fault: Fault, parts_per_million: u32) -> Self {
        self.chances.insert(fault, parts_per_million);
        self
    }

    /// What goes wrong with a request, if anything.
    pub(super) fn draw(&self, method: &str, dice: &mut Dice) -> Option<Fault> {
        // Lies come first: they fit few requests, and are the rarer for it.
        let mut fitting = self.chances.iter().rev().filter(|(fault, _)| fault.fits(method));
        fitting.find(|(_, chance)| dice.below(1_000_000) < u64::from(**chance)).map(|it| *it.0)
    }
}

/// Makes a question about the head one about a lower block. `head` is the true one.
pub(super) fn lower(question: &mut Value, head: u64, by: u64) -> bool {
    let Some(block) = question.get_mut("params").and_then(|params| params.get_mut(0)) else {
        return false;
    };
    if block != "latest" {
        return false;
    }
    *block = Value::String(format!("{:#x}", head.saturating_sub(by)));
    true
}

/// Makes an answer a false one.
pub(super) fn falsify(fault: Fault, answer: &mut Value) {
    let (name, value) = match fault {
        Fault::EmptyLogs => ("result", Value::Array(Vec::new())),
        Fault::NullReceipt => ("result", Value::Null),
        Fault::WrongId => {
            let id = answer.get("id").and_then(Value::as_u64).unwrap_or(0);
            ("id", Value::from(id.wrapping_add(1)))
        }
        _ => return,
    };
    if let Some(fields) = answer.as_object_mut() {
        fields.remove("error");
        fields.insert(name.to_owned(), value);
    }
}
