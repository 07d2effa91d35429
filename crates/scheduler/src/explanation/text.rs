//! Decisions as text for people.

use std::fmt;

use tallystick_types::Ppm;

use super::{Decision, Explanation, Method, RejectionTally};
use crate::ranking::Scored;

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.chosen.is_empty() {
            writeln!(f, "chosen: nobody")?;
        }
        for scored in &self.chosen {
            writeln!(f, "chosen: {}", scored.id())?;
        }
        write!(f, "{}", self.explanation)?;
        let listed = |scored: &&Scored| !self.explanation.ranked.contains(scored);
        for scored in self.chosen.iter().filter(listed) {
            writeln!(f, "  also chosen: {scored}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "policy: {}, {}", self.policy, self.method)?;
        writeln!(f, "seed: {}", self.seed)?;
        let weights = &self.weights;
        writeln!(
            f,
            "score = {} resource fit + {} stake weight + {} locality + {} load balance",
            Fraction(weights.resource_fit()),
            Fraction(weights.stake_weight()),
            Fraction(weights.locality()),
            Fraction(weights.load_balance()),
        )?;
        writeln!(f, "candidates: {}, suitable: {}", self.candidates, self.suitable)?;
        for scored in &self.ranked {
            writeln!(f, "  {scored}")?;
        }
        write_more(f, self.suitable, self.ranked.len())?;
        for tally in &self.rejections {
            write!(f, "{tally}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BestScore => f.write_str("FAST: best score"),
            Self::LowestPrice { sufficient } => {
                write!(f, "CHEAP: lowest price among scores from {sufficient}")
            }
            Self::StakeDraw { primary, wanted } => {
                write!(f, "secondaries: {wanted} drawn by stake, without {primary}")
            }
        }
    }
}

impl fmt::Display for Scored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { terms, score, price, stake, .. } = self;
        write!(
            f,
            "{}: score {score} (fit {}, stake {}, locality {}, load {}), \
             asks {price}, stake {stake}",
            self.id(),
            Fraction(terms.resource_fit),
            Fraction(terms.stake_weight),
            Fraction(terms.locality),
            Fraction(terms.load_balance),
        )
    }
}

impl fmt::Display for RejectionTally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "rejected, {}: {}", self.reason, self.count)?;
        for (id, rejection) in &self.examples {
            writeln!(f, "  {id}: {rejection}")?;
        }
        write_more(f, self.count, self.examples.len())
    }
}

fn write_more(f: &mut fmt::Formatter<'_>, all: u64, listed: usize) -> fmt::Result {
    let listed = u64::try_from(listed).expect("lists are bounded");
    match all.saturating_sub(listed) {
        0 => Ok(()),
        more => writeln!(f, "  and {more} more"),
    }
}

/// A share as a decimal fraction with six places.
struct Fraction(Ppm);

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.0.get();
        let whole = Ppm::WHOLE.get();
        write!(f, "{}.{:06}", parts.div_euclid(whole), parts.rem_euclid(whole))
    }
}
