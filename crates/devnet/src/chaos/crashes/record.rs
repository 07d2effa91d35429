//! What came of strikes, in a file to which each is added, so that a long sweep can go on.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use crate::chaos::ChaosError;
use crate::chaos::death::{Blow, CALLS, Death, End};
use crate::chaos::points::Victim;

/// Whom, in which call, how.
type Row = (Victim, &'static str, Blow);

/// What came of strikes.
#[derive(Debug, Default)]
pub struct Record {
    ends: BTreeMap<Row, BTreeMap<u64, End>>,
    file: Option<File>,
}

impl Record {
    /// Reads what earlier sweeps added; without a file there were none.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, ChaosError> {
        let Some(path) = path else { return Ok(Self::default()) };
        Self::read(path).map_err(|source| ChaosError::files(path, source))
    }

    fn read(path: &Path) -> io::Result<Self> {
        let file = File::options().create(true).read(true).append(true).open(path)?;
        let mut ends: BTreeMap<Row, BTreeMap<u64, End>> = BTreeMap::new();
        for line in BufReader::new(&file).lines() {
            if let Some((row, number, end)) = parse(&line?) {
                ends.entry(row).or_default().insert(number, end);
            }
        }
        Ok(Self { ends, file: Some(file) })
    }

    /// Adds what came of a strike.
    pub(super) fn add(&mut self, victim: Victim, death: Death, end: End) -> Result<(), ChaosError> {
        let Death::Strike { call, blow, number } = death else { return Ok(()) };
        self.ends.entry((victim, call, blow)).or_default().insert(number, end);
        if let Some(file) = &mut self.file {
            let line = format!("{victim} {call} {} {number} {}\n", blow.name(), end.name());
            let written = file.write_all(line.as_bytes());
            written.map_err(|source| ChaosError::files(Path::new("the record"), source))?;
        }
        Ok(())
    }

    /// Whether a strike needs not be tried: it was, or nobody came so far in this call.
    pub(super) fn is_done(&self, victim: Victim, death: Death) -> bool {
        let Death::Strike { call, blow, number } = death else { return false };
        let known = |blow| self.ends.get(&(victim, call, blow));
        let missed = |ends: &BTreeMap<u64, End>| {
            ends.iter().any(|(before, end)| *before <= number && *end == End::Unreached)
        };
        known(blow).is_some_and(|ends| ends.contains_key(&number))
            || Blow::ALL.into_iter().filter_map(known).any(missed)
    }

    /// How many strikes came about.
    pub fn reached(&self) -> usize {
        let ends = self.ends.values().flat_map(BTreeMap::values);
        ends.filter(|end| **end != End::Unreached).count()
    }
}

fn parse(line: &str) -> Option<(Row, u64, End)> {
    let mut words = line.splitn(5, ' ');
    let word = words.next()?;
    let victim = [Victim::Coordinator, Victim::Worker, Victim::Settler, Victim::Archive]
        .into_iter()
        .find(|victim| victim.name() == word)?;
    let word = words.next()?;
    let call = CALLS.into_iter().find(|call| *call == word)?;
    let word = words.next()?;
    let blow = Blow::ALL.into_iter().find(|blow| blow.name() == word)?;
    let number = words.next()?.parse().ok()?;
    let word = words.next()?;
    let end = End::ALL.into_iter().find(|end| end.name() == word)?;
    Some(((victim, call, blow), number, end))
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ends.is_empty() {
            return Ok(());
        }
        writeln!(f, "struck           {}", self.reached())?;
        writeln!(f, "  role         call       strike   reached  last  died  ended  went on")?;
        for ((victim, call, blow), ends) in &self.ends {
            let count = |wanted| ends.values().filter(|end| **end == wanted).count();
            let reached = ends.iter().filter(|(_, end)| **end != End::Unreached);
            let last = reached.clone().map(|(number, _)| *number).max().unwrap_or(0);
            let (died, ended, on) = (count(End::Died), count(End::Ended), count(End::WentOn));
            let (role, blow, reached) = (victim.name(), blow.name(), reached.count());
            write!(f, "  {role:<12} {call:<10} {blow:<8} {reached:>7} {last:>5} {died:>5}")?;
            writeln!(f, " {ended:>6} {on:>8}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_sweep_leaves_out_what_was_done_and_what_is_beyond_the_last_call() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        let strike = |number| Death::Strike { call: "fsync", blow: Blow::Eio, number };
        let mut first = Record::open(Some(&path)).unwrap();
        assert!(!first.is_done(Victim::Worker, strike(1)));
        first.add(Victim::Worker, strike(1), End::Ended).unwrap();
        first.add(Victim::Worker, strike(3), End::Unreached).unwrap();
        let later = Record::open(Some(&path)).unwrap();
        let done = |number| later.is_done(Victim::Worker, strike(number));
        assert_eq!([1, 2, 3, 4].map(done), [true, false, true, true]);
        assert!(!later.is_done(Victim::Archive, strike(1)));
        assert_eq!(later.reached(), 1);
        assert!(later.to_string().contains("worker       fsync      EIO            1     1"));
    }
}
