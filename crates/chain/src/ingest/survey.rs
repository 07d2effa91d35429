//! What endpoints agree on.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;
use tallystick_planted::{Bug, planted};

use super::check::Block;
use super::{Finality, Place};

/// What one endpoint says about its newest blocks.
#[derive(Clone, Debug)]
pub(super) struct Heads {
    pub(super) peer: usize,
    pub(super) latest: Block,
    pub(super) safe: Option<Place>,
    pub(super) last: Option<Place>,
}

/// What all endpoints said, at the heights of all their heads.
#[derive(Clone, Debug, Default)]
pub(super) struct Survey {
    pub(super) heads: Vec<Heads>,
    /// By endpoint and height.
    blocks: BTreeMap<(usize, u64), Block>,
}

/// The highest block that enough endpoints have, and what they say of older ones.
#[derive(Clone, Debug)]
pub(super) struct Agreed {
    pub(super) block: Block,
    /// Those that have it.
    pub(super) members: Vec<usize>,
    pub(super) safe: Option<Level>,
    pub(super) last: Option<Level>,
}

/// A height that is said to be settled, with its hash where it was stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) number: u64,
    pub(super) hash: Option<B256>,
}

impl Agreed {
    /// Whether the final block of those who agree is at this height or above it.
    pub(super) fn reaches_final(&self, height: u64) -> bool {
        self.last.is_some_and(|last| last.number >= height)
    }

    /// Whether a block stands where they state another one as final.
    pub(super) fn contradicts(&self, block: &Block) -> bool {
        self.last.is_some_and(|last| {
            last.number == block.number && last.hash.is_some_and(|hash| hash != block.hash)
        })
    }
}

impl Survey {
    pub(super) fn add(&mut self, heads: Heads) {
        self.know(heads.peer, heads.latest.clone());
        self.heads.push(heads);
    }

    pub(super) fn know(&mut self, peer: usize, block: Block) {
        self.blocks.insert((peer, block.number), block);
    }

    /// Which heights have to be asked of whom, so that all heads can be compared.
    pub(super) fn open_questions(&self) -> Vec<(usize, u64)> {
        let heights: BTreeSet<u64> = self.heads.iter().map(|heads| heads.latest.number).collect();
        let of_one = |heads: &Heads| {
            let (peer, latest) = (heads.peer, heads.latest.number);
            heights.range(..latest).map(move |height| (peer, *height)).collect::<Vec<_>>()
        };
        self.heads.iter().flat_map(of_one).collect()
    }

    /// The highest block that enough endpoints state.
    pub(super) fn agreed(&self, enough: usize, finality: Finality) -> Option<Agreed> {
        let heights: BTreeSet<u64> = self.blocks.keys().map(|(_, height)| *height).collect();
        let found = heights.into_iter().rev().find_map(|height| {
            let at = self.blocks.iter().filter(|((_, number), _)| *number == height);
            most_stated(at.map(|((peer, _), block)| (*peer, block)), enough)
        });
        let (block, members) = found?;
        let said = |level: fn(&Heads) -> Option<Place>| {
            let heads = self.heads.iter().filter(|heads| members.contains(&heads.peer));
            nth_highest(heads.filter_map(level).collect(), enough)
        };
        let (safe, last) = match finality {
            Finality::Tags if planted(Bug::SafeIsFinal) => (said(|it| it.safe), said(|it| it.safe)),
            Finality::Tags => (said(|heads| heads.safe), said(|heads| heads.last)),
            Finality::Depth { safe, last } => {
                let below = |depth| block.number.checked_sub(depth);
                let level = |number| Level { number, hash: None };
                (below(safe).map(level), below(last).map(level))
            }
        };
        Some(Agreed { block, members, safe, last })
    }
}

/// The block that most endpoints state and who they are, where they are enough.
pub(super) fn most_stated<'a>(
    stated: impl Iterator<Item = (usize, &'a Block)>,
    enough: usize,
) -> Option<(Block, Vec<usize>)> {
    let mut groups: Vec<(&Block, Vec<usize>)> = Vec::new();
    for (peer, block) in stated {
        match groups.iter_mut().find(|(known, _)| known.hash == block.hash) {
            Some((_, members)) => members.push(peer),
            None => groups.push((block, vec![peer])),
        }
    }
    // Among equals the first, so that two looks at the same answers choose the same.
    let largest = groups.iter().map(|(_, members)| members.len()).max()?;
    let found = groups.into_iter().find(|(_, members)| members.len() == largest)?;
    (largest >= enough || planted(Bug::AgreesWithOne)).then(|| (found.0.clone(), found.1))
}

/// The height that so many endpoints reach.
fn nth_highest(mut places: Vec<Place>, enough: usize) -> Option<Level> {
    places.sort_by_key(|place| std::cmp::Reverse(place.number));
    let enough = if planted(Bug::FinalByOne) { 1 } else { enough };
    let place = places.get(enough.checked_sub(1)?)?;
    Some(Level { number: place.number, hash: Some(place.hash) })
}
