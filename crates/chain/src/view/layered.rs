//! Two views, one of what is final and one of what was seen.

use std::collections::VecDeque;
use tallystick_planted::{Bug, planted};

use super::event::{EventContext, HouseEvent};
use super::house::{FoldError, HouseView};

/// What the chain says to its last block, beside what it says finally.
///
/// One view is folded to the final block, the other to the last event; the events between them are
/// kept. A reorganisation makes the second one afresh from the first and the events that survive,
/// so there is nothing to undo and nothing to undo wrongly. Both share the jobs and nodes in which
/// they agree.
#[derive(Clone, Debug, Default)]
pub struct LayeredView {
    final_block: Option<u64>,
    settled: HouseView,
    latest: HouseView,
    later: VecDeque<(EventContext, HouseEvent)>,
}

/// Final blocks cannot be rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "block {final_block} is final, and the chain goes back to {to_block}; ask another endpoint"
)]
pub struct RollBackError {
    /// The last final block.
    pub final_block: u64,
    /// The last block that was to stay.
    pub to_block: u64,
}

impl LayeredView {
    /// Folds the next event. On an error nothing changed.
    pub fn observe(&mut self, at: EventContext, event: HouseEvent) -> Result<(), FoldError> {
        let block = at.block.number;
        if let Some(final_block) = self.final_block.filter(|last| block <= *last) {
            return Err(FoldError::Final { block, final_block });
        }
        self.latest.apply(&at, &event)?;
        self.later.push_back((at, event));
        Ok(())
    }

    /// Takes back the events of every block behind this one.
    pub fn roll_back(&mut self, to_block: u64) -> Result<(), RollBackError> {
        if let Some(final_block) = self.final_block.filter(|last| to_block < *last) {
            return Err(RollBackError { final_block, to_block });
        }
        let to_block = to_block.saturating_add(u64::from(planted(Bug::KeepsUndoneBlock)));
        let kept = self.later.partition_point(|(at, _)| at.block.number <= to_block);
        if kept == self.later.len() {
            return Ok(());
        }
        self.later.truncate(kept);
        let mut latest = self.settled.clone();
        for (at, event) in &self.later {
            refold(&mut latest, at, event);
        }
        self.latest = latest;
        Ok(())
    }

    /// Makes this block and all before it final. One that is final already changes nothing.
    pub fn finalise(&mut self, block: u64) {
        self.final_block = self.final_block.max(Some(block));
        while let Some((at, event)) = self.later.pop_front_if(|(at, _)| at.block.number <= block) {
            refold(&mut self.settled, &at, &event);
        }
    }

    /// What the chain says to its last block; a reorganisation may change it.
    pub const fn latest(&self) -> &HouseView {
        &self.latest
    }

    /// What the chain says finally.
    pub const fn final_(&self) -> &HouseView {
        &self.settled
    }

    /// The last final block, once there is one.
    pub const fn final_block(&self) -> Option<u64> {
        self.final_block
    }
}

/// Folds an event once more behind the same events as before.
fn refold(view: &mut HouseView, at: &EventContext, event: &HouseEvent) {
    view.apply(at, event).expect("the same events were folded in this order before");
}
