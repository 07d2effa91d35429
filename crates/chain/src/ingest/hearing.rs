//! What the machine makes of single answers, and of those who gave them.

use super::RawLog;
use super::check::Block;
use super::kept::Filled;
use super::machine::{Machine, Round};
use super::peer::{Miss, Reply, Standing};
use crate::endpoint::Header;

impl Machine {
    /// Takes the logs out of an answer, where it is one and is right.
    pub(super) fn said_logs(
        &mut self,
        round: &Round,
        block: &Block,
        said: Vec<Result<Reply, Miss>>,
    ) -> Option<Vec<RawLog>> {
        let peer = *round.agreed.members.get(round.turn)?;
        let logs = match self.heard(peer, said.into_iter().next()?)? {
            Reply::Receipts(receipts) => block.logs_of(receipts, &self.addresses),
            // The filter in the header says that there are none.
            Reply::Logs(logs) => logs.is_empty().then_some(logs),
            _ => None,
        };
        if logs.is_none() {
            self.peers[peer].lied();
        }
        logs
    }

    /// Takes a sound header out of the answer of the member whose turn it is.
    pub(super) fn said_block(
        &mut self,
        round: &Round,
        said: Vec<Result<Reply, Miss>>,
    ) -> Option<Block> {
        let peer = *round.agreed.members.get(round.turn)?;
        self.heard_block(peer, said.into_iter().next()?)
    }

    /// Puts aside what nobody understands.
    pub(super) fn sorted(&self, block: Block, mut logs: Vec<RawLog>) -> Filled {
        let all = logs.len();
        logs.retain(|log| self.reader.understands(log));
        let strange = u64::try_from(all.saturating_sub(logs.len())).unwrap_or(u64::MAX);
        Filled { block, logs, strange }
    }

    pub(super) fn peers_that(&self, stands: impl Fn(Standing) -> bool) -> Vec<usize> {
        let all = self.peers.iter().enumerate();
        let due = all.filter(|(_, peer)| peer.is_due(self.now) && stands(peer.standing));
        due.map(|(index, _)| index).collect()
    }

    pub(super) fn heard(&mut self, peer: usize, said: Result<Reply, Miss>) -> Option<Reply> {
        match &said {
            Ok(_) => self.peers[peer].answered(),
            Err(_) => self.peers[peer].missed(self.now),
        }
        said.ok()
    }

    pub(super) fn heard_block(&mut self, peer: usize, said: Result<Reply, Miss>) -> Option<Block> {
        match self.heard(peer, said)? {
            Reply::Header(Some(header)) => self.sound(peer, &header),
            _ => None,
        }
    }

    pub(super) fn sound(&mut self, peer: usize, header: &Header) -> Option<Block> {
        let block = self.proofs.block(header);
        if block.is_none() {
            self.peers[peer].lied();
        }
        block
    }
}
