//! A chain whose blocks a test makes, for tests of whoever reads a [`House`].

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, keccak256};
use tallystick_abi::deployment::{Deployed, Holders};
use tallystick_abi::{Contract, Deployment};
use tallystick_types::{BlockHash, ChainId, ChainTime, Seconds};

use super::{Change, Follower, House};
use crate::ingest::scripted::ScriptedIngest;
use crate::ingest::{BlockPlace, Delivery, IngestStatus};
use crate::view::{Block, EventContext, HouseContracts, HouseEvent};

/// Seconds between two blocks.
const BLOCK_TIME: Seconds = Seconds::new(12);

/// A chain that does what a test says. Whoever follows it is told in the same call.
#[derive(Debug)]
pub struct ScriptedChain {
    follower: Follower,
    ingest: ScriptedIngest,
    head: u64,
    time: ChainTime,
    /// Tells the blocks of one branch from those of another.
    branch: u8,
}

impl ScriptedChain {
    /// A chain without blocks; the first one will have this time.
    pub fn new(start: ChainTime) -> (Self, House) {
        let (ingest, handle) = ScriptedIngest::new();
        let contracts = HouseContracts::of(&Self::deployment());
        let (follower, house) = Follower::open(handle, contracts).expect("nothing is kept yet");
        (Self { follower, ingest, head: 0, time: start, branch: 0 }, house)
    }

    /// A deployment whose contracts live at addresses of their own.
    pub fn deployment() -> Deployment {
        let place = |byte| Deployed {
            address: Address::repeat_byte(byte),
            code_hash: B256::ZERO,
            implementation: None,
            implementation_code_hash: None,
        };
        let nobody = Address::ZERO;
        let (treasury, pauser, committee, reporter) = (nobody, nobody, nobody, nobody);
        Deployment {
            chain_id: ChainId::new(31_337),
            block: 0,
            deployer: nobody,
            parameters: "local".into(),
            holders: Holders { treasury, pauser, committee, reporter },
            contracts: Contract::ALL
                .into_iter()
                .zip((0x51..).map(place))
                .collect::<BTreeMap<_, _>>(),
        }
    }

    /// One more block with these events; gives its height.
    pub fn block(&mut self, events: impl IntoIterator<Item = HouseEvent>) -> u64 {
        self.head = self.head.saturating_add(1);
        self.time = self.time.checked_add(BLOCK_TIME).expect("tests are short");
        let hash = keccak256([&[self.branch][..], &self.head.to_be_bytes()].concat());
        let block = Block { number: self.head, hash: BlockHash::from(hash), time: self.time };
        self.ingest.read(BlockPlace { number: self.head, hash, time: self.time });
        let mut change = Change::default();
        for (event, log_index) in events.into_iter().zip(0..) {
            let at = EventContext { block, tx: hash, log_index };
            self.follower.tell(at, event, &mut change).expect("the contracts can have said this");
        }
        self.deliver(None, change);
        self.head
    }

    /// Blocks without events, until the chain shows this time.
    pub fn pass(&mut self, until: ChainTime) {
        while self.time < until {
            self.block([]);
        }
    }

    /// All blocks up to this one are final.
    pub fn finalise(&mut self, last: u64) {
        self.deliver(Some(Delivery::Levels { safe: last, last }), Change::default());
    }

    /// The blocks above this one are replaced; the next block is on another branch.
    pub fn roll_back(&mut self, to: u64) {
        (self.head, self.branch) = (to, self.branch.wrapping_add(1));
        self.deliver(Some(Delivery::Rollback { to, epoch: 1 }), Change::default());
    }

    /// Changes what ingest says of itself.
    pub fn status(&self, change: impl FnOnce(&mut IngestStatus)) {
        self.ingest.say(change);
    }

    /// The time of the last block.
    pub const fn time(&self) -> ChainTime {
        self.time
    }

    fn deliver(&mut self, delivery: Option<Delivery>, mut change: Change) {
        let mut heights = self.follower.house.heights();
        if let Some(delivery) = delivery {
            let taken = self.follower.take(&delivery, &mut change, &mut heights);
            taken.expect("the chain can have done this");
        }
        heights.head = self.head;
        self.follower.spread(heights, change);
    }
}
