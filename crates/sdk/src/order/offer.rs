//! A quote that was compared with what was asked for.

use alloy_primitives::Address;
use tallystick_types::{
    Amount, Funding, JobTerms, ParametersVersion, Policy, Seconds, SpecificationDigest, Trust,
    Verification, WallTime,
};
use tallystick_wire::client::QuoteResponse;

use crate::specify::Prepared;

/// What a client asks for beside the specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Token of payment.
    pub token: Address,
    /// Nodes that are to execute each task, 1 to 16.
    pub replicas: u8,
    /// Equal results that make one; zero for the least majority.
    pub quorum: u8,
    /// Who may execute.
    pub trust: Trust,
    /// How results are checked.
    pub verification: Verification,
    /// Number of the preferred region.
    pub region: Option<u16>,
    /// Most that work and tip may cost together, in base units of the token.
    pub most: Option<Amount>,
    /// Version of the parameters that the chain has, where somebody asked it.
    pub parameters_version: Option<ParametersVersion>,
    /// Longest time until the job is over, from now. Until then the money may be held.
    pub within: Seconds,
}

/// A quote that is what was asked for. Only offers are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    quote: QuoteResponse,
    region: Option<u16>,
}

/// How a quote differs from what was asked for. Nothing is signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lie {
    /// Other work.
    #[error("it is for the specification {given}, asked was {asked}; ask another coordinator")]
    Specification {
        /// What was asked for.
        asked: SpecificationDigest,
        /// What the terms say.
        given: SpecificationDigest,
    },
    /// Another token.
    #[error("it is to be paid in {given}, asked was {asked}; ask another coordinator")]
    Token {
        /// What was asked for.
        asked: Address,
        /// What the terms say.
        given: Address,
    },
    /// The terms cost more, or something else, than is shown.
    #[error("{what} is {signed} in what would be signed and {shown} in what is shown")]
    Price {
        /// Which amount.
        what: &'static str,
        /// In the answer.
        shown: Amount,
        /// In the terms.
        signed: Amount,
    },
    /// Dearer than the client allows.
    #[error("it costs {cost} base units, at most {most} were allowed; raise --max-price")]
    TooDear {
        /// Price and tip.
        cost: Amount,
        /// What was allowed.
        most: Amount,
    },
    /// A number or rule is another one.
    #[error("{what} is {given}, asked was {asked}; ask another coordinator")]
    Rule {
        /// Which.
        what: &'static str,
        /// What was asked for.
        asked: String,
        /// What the terms say.
        given: String,
    },
    /// A moment makes no sense.
    #[error("{what} is {given} s after 1970, now it is {now} s; check this machine's clock")]
    Time {
        /// Which moment.
        what: &'static str,
        /// What the terms say, in Unix seconds.
        given: u64,
        /// This machine's clock, in Unix seconds.
        now: u64,
    },
}

impl Offer {
    /// Compares a quote with what was asked for.
    ///
    /// # Errors
    ///
    /// The first [`Lie`].
    pub fn check(
        prepared: &Prepared,
        demand: &Demand,
        quote: QuoteResponse,
        now: WallTime,
    ) -> Result<Self, Lie> {
        check_work(prepared, demand, &quote)?;
        check_price(demand, &quote)?;
        check_rules(demand, &quote.terms)?;
        check_times(demand, &quote, now)?;
        Ok(Self { quote, region: demand.region })
    }

    /// What is signed.
    pub const fn terms(&self) -> &JobTerms {
        &self.quote.terms
    }

    /// Most that the work may cost, without the tip.
    pub const fn max_price(&self) -> Amount {
        self.quote.max_price
    }

    /// For whoever submits the settlement.
    pub const fn tip(&self) -> Amount {
        self.quote.tip
    }

    /// Most that is taken: the price and the tip.
    pub fn total(&self) -> Amount {
        self.max_price().checked_add(self.tip()).unwrap_or(Amount::MAX)
    }

    /// What an automatic policy became.
    pub const fn policy(&self) -> Policy {
        self.quote.policy
    }

    /// Until when the coordinator takes an order with these terms.
    pub const fn expires_at(&self) -> WallTime {
        self.quote.expires_at_ms
    }

    pub(super) const fn region(&self) -> Option<u16> {
        self.region
    }
}

fn rule<T: PartialEq + std::fmt::Debug>(what: &'static str, asked: T, given: T) -> Result<(), Lie> {
    if asked == given {
        return Ok(());
    }
    Err(Lie::Rule { what, asked: format!("{asked:?}"), given: format!("{given:?}") })
}

fn check_work(prepared: &Prepared, demand: &Demand, quote: &QuoteResponse) -> Result<(), Lie> {
    let (asked, given) = (prepared.specification.digest(), quote.terms.specification);
    if asked != given {
        return Err(Lie::Specification { asked, given });
    }
    let (asked, given) = (demand.token, quote.terms.token);
    if asked != given {
        return Err(Lie::Token { asked, given });
    }
    rule("the number of slices", prepared.slices, quote.slices)?;
    rule("the number of tasks", prepared.tasks, u64::from(quote.tasks))?;
    let (asked, given) = (prepared.specification.policy, quote.policy);
    if given == Policy::Auto || (asked != Policy::Auto && asked != given) {
        let (what, asked) = ("the policy", format!("{asked:?} made Fast or Cheap"));
        return Err(Lie::Rule { what, asked, given: format!("{given:?}") });
    }
    Ok(())
}

fn check_price(demand: &Demand, quote: &QuoteResponse) -> Result<(), Lie> {
    let signed = quote.terms.price;
    let amounts = [
        ("the price", quote.max_price, signed.max_price()),
        ("the tip", quote.tip, signed.tip()),
        ("the price of a second", Amount::ZERO, signed.rate_per_second()),
    ];
    for (what, shown, signed) in amounts {
        if shown != signed {
            return Err(Lie::Price { what, shown, signed });
        }
    }
    let cost = quote.max_price.checked_add(quote.tip).unwrap_or(Amount::MAX);
    match demand.most {
        Some(most) if cost > most => Err(Lie::TooDear { cost, most }),
        Some(_) | None => Ok(()),
    }
}

fn check_rules(demand: &Demand, terms: &JobTerms) -> Result<(), Lie> {
    let rules = &terms.rules;
    let quorum = if demand.quorum == 0 { demand.replicas / 2 + 1 } else { demand.quorum };
    rule("the number of replicas", demand.replicas, rules.replicas)?;
    rule("the quorum", quorum, rules.quorum)?;
    rule("who may execute", demand.trust, rules.trust)?;
    rule("the verification", demand.verification, rules.verification)?;
    rule("the service level", 0, rules.service_level.get())?;
    if rules.funding == Funding::PullAtSettlement {
        rule("the funding", Funding::Allowance, rules.funding)?;
    }
    match demand.parameters_version {
        Some(asked) => rule("the version of the parameters", asked, rules.parameters_version),
        None => Ok(()),
    }
}

fn check_times(demand: &Demand, quote: &QuoteResponse, now: WallTime) -> Result<(), Lie> {
    let rules = &quote.terms.rules;
    let now = now.get() / 1_000;
    let late = |what, given| Err(Lie::Time { what, given, now });
    if quote.expires_at_ms.get() / 1_000 < now {
        return late("the end of the offer", quote.expires_at_ms.get() / 1_000);
    }
    if rules.assign_by.get() <= now {
        return late("the last moment to begin", rules.assign_by.get());
    }
    let last = now.saturating_add(demand.within.get());
    if rules.complete_by <= rules.assign_by || rules.complete_by.get() > last {
        return late("the last moment to end", rules.complete_by.get());
    }
    Ok(())
}
