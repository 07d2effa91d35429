//! Who speaks for the chain: several endpoints, asked all at once.

use alloy_primitives::Address;
use tallystick_chain::endpoint::Call;
use tallystick_chain::ingest::Miss;

use crate::chain::Chain;
use crate::chain::endpoint::{Asked, Endpoint, Fault};
use crate::event::{Answer, Ask};
use crate::outside::FINALITY;

/// The endpoints of a simulation.
#[derive(Debug)]
pub struct Endpoints(Vec<Endpoint>);

impl Endpoints {
    /// So many well ones, for these contracts.
    pub fn new(count: usize, contracts: &[Address], seed: u64) -> Self {
        let each = (0..count).zip(seed..);
        Self(each.map(|(_, seed)| Endpoint::new(contracts.to_vec(), FINALITY, seed)).collect())
    }

    /// One of them.
    pub fn get(&mut self, index: usize) -> Option<&mut Endpoint> {
        self.0.get_mut(index)
    }

    /// All are well.
    pub fn heal(&mut self) {
        self.0.iter_mut().for_each(Endpoint::heal);
    }

    /// How many answers each fault spoiled.
    pub fn census(&self) -> impl Iterator<Item = (Fault, u64)> {
        self.0.iter().flat_map(|endpoint| endpoint.census()).map(|(fault, count)| (*fault, *count))
    }

    /// What all of them say.
    pub fn answer(&mut self, chain: &mut Chain, ask: Ask) -> Answer {
        let each = self.0.iter_mut();
        match ask {
            Ask::Ingest(asks) => {
                let said = asks.into_iter().map(|(peer, question)| {
                    let endpoint = self.0.get_mut(peer).ok_or(Miss::NoAnswer)?;
                    endpoint.answer(chain, question)
                });
                Answer::Ingest(said.collect())
            }
            Ask::Look { account, nonces } => {
                Answer::Looked(each.map(|it| it.look(chain, account, &nonces)).collect())
            }
            Ask::Try { account, key, to, data, value, guard } => {
                let call = Call { from: account, to, data, value };
                let mut asked = Asked::new(&call, guard.as_ref());
                let trials = each.map(|it| it.attempt(chain, &mut asked));
                Answer::Tried(key, trials.collect())
            }
            Ask::Send { nonce, tx, raw } => {
                let answers = each.map(|it| it.send(chain, &raw)).collect();
                Answer::Sent { nonce, tx, answers }
            }
        }
    }
}
