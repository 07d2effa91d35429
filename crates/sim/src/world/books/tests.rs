//! Books that were cooked: each check has to notice what it is there for.

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use tallystick_abi::contracts::ITallyToken;
use tallystick_abi::{Contract, Deployment};
use tallystick_chain::view::HouseContracts;
use tallystick_types::OutputRoot;

use super::super::Mode;
use super::*;
use crate::cast::{Cast, Scene};
use crate::chain::genesis::{House, key_of};
use crate::chain::{Choice, Signed, Wish};
use crate::lies::Character;
use crate::oracles::{Ground, Oracles, Purses, Returned};

/// A network that did a job, was paid, and rests.
struct Rest {
    world: World,
    deployment: Deployment,
    owners: Vec<Address>,
}

impl Rest {
    fn new() -> Self {
        let scene = Scene::fair(1);
        let cast = Cast::of(&scene).unwrap();
        let mut world = World::new(&scene, Mode::Liveness, false).unwrap();
        assert!(world.play().1, "the job did not end");
        Self { world, deployment: cast.genesis.deployment, owners: cast.owners }
    }

    fn purses_without(&self, owner: Address) -> Purses {
        let owners = self.owners.iter().copied().filter(|it| *it != owner).collect();
        Purses::new(self.deployment.clone(), owners)
    }

    /// The lane of a node.
    fn lane_of(&self, place: usize) -> Address {
        Address::left_padding_from(&self.world.seats[place].node.get().to_be_bytes())
    }

    /// The treasury gives a contract a TLY that nobody books.
    fn give(&mut self, to: Contract) {
        let (chain, house) = (&mut self.world.out.chain, House::shared().unwrap());
        let call = ITallyToken::transferCall { to: self.deployment.address(to), value: U256::ONE };
        let wish = Wish {
            to: self.deployment.address(Contract::TallyToken).into(),
            data: call.abi_encode().into(),
            value: U256::ZERO,
            gas: 200_000,
            fee_cap: u128::from(chain.base_fee()) * 2,
            tip_cap: 0,
        };
        let key = house.treasury();
        let nonce = chain.pending_nonce(chain.head(), key.address());
        chain.submit(&Signed::of_wish(&wish, chain.id(), nonce, key)).unwrap();
        let block = chain.mine(chain.head().time() + 2, &Choice::ALL);
        assert!(block.transactions.iter().all(|mined| mined.outcome.is_done()));
    }

    /// What the chain would have told had nobody listened to a contract.
    fn be_deaf_to(&mut self, contract: Contract) {
        let mut deployment = self.deployment.clone();
        deployment.contracts.get_mut(&contract).unwrap().address = Address::repeat_byte(1);
        self.world.ground = Ground::new(HouseContracts::of(&deployment));
        self.world.ground.follow(&self.world.out.chain);
    }

    /// What failed first is the check of this name.
    fn broke(&self, name: &str) {
        broke(&self.world.out.tally.oracles, name);
    }
}

fn broke(oracles: &Oracles, name: &str) {
    let failure = oracles.failure().unwrap_or_default();
    assert!(failure.starts_with(name), "{name}: {failure}");
}

/// A check of money breaks the rule of this name.
fn breaks(name: &str, check: impl FnOnce(&mut Oracles)) {
    let mut oracles = Oracles::default();
    check(&mut oracles);
    broke(&oracles, name);
}

#[test]
fn honest_books_are_in_order() {
    let mut rest = Rest::new();
    rest.world.judge(true);
    rest.world.check_stakes();
    let World { purses, seats, out, .. } = &mut rest.world;
    purses.check(&out.chain, &mut out.tally.oracles);
    purses.check_earned(&out.chain, seats, &mut out.tally.oracles);
    assert_eq!(rest.world.out.tally.oracles.failure(), None);
}

#[test]
fn money_that_nobody_has_is_missed() {
    let rest = Rest::new();
    let chain = &rest.world.out.chain;
    let purses = rest.purses_without(key_of("the client").address());
    breaks("free balances and the chain lane add up", |oracles| purses.check(chain, oracles));
    let purses = rest.purses_without(rest.lane_of(1));
    breaks("at rest the chain lane is its owners'", |oracles| purses.check_at_rest(chain, oracles));
}

#[test]
fn money_in_no_book_is_seen() {
    let mut rest = Rest::new();
    rest.give(Contract::PaymentManager);
    let (chain, purses) = (&rest.world.out.chain, &rest.world.purses);
    breaks("the house holds what its books say", |oracles| purses.check(chain, oracles));

    rest.give(Contract::StakingManager);
    let (chain, purses) = (&rest.world.out.chain, &rest.world.purses);
    let view = rest.world.ground.view(u64::MAX).unwrap();
    breaks("the stake in a view is the stake there is", |oracles| {
        purses.check_view(chain, chain.head(), &view, oracles)
    });
}

#[test]
fn who_earned_what_no_job_owed_is_seen() {
    let mut rest = Rest::new();
    let World { purses, seats, out, .. } = &mut rest.world;
    breaks("a node earns what settled jobs owe it", |oracles| {
        purses.check_earned(&out.chain, seats, oracles)
    });

    for seat in seats.iter() {
        out.tally.oracles.liars.insert(*seat, Character::Copies);
    }
    purses.check_earned(&out.chain, seats, &mut out.tally.oracles);
    rest.broke("who only copies earns nothing");
}

#[test]
fn stake_that_went_for_no_reason_is_missed() {
    let mut rest = Rest::new();
    rest.be_deaf_to(Contract::StakingManager);
    rest.world.check_stakes();
    rest.broke("a node has its stake");
}

#[test]
fn a_view_that_is_not_what_the_chain_says_is_seen() {
    let mut rest = Rest::new();
    rest.be_deaf_to(Contract::JobManager);
    rest.world.check_views();
    rest.broke("a view is what a fresh reading says");
}

#[test]
fn who_would_be_another_after_a_restart_is_seen() {
    let mut rest = Rest::new();
    let empty = World::new(&Scene::fair(1), Mode::Liveness, false).unwrap();
    for (place, empty) in rest.world.places.iter_mut().zip(empty.places) {
        place.machine = empty.machine;
    }
    rest.world.check_anew();
    rest.broke("a process is what it would be from what it kept");
}

#[test]
fn who_goes_on_after_the_end_of_the_world_is_seen() {
    let mut rest = Rest::new();
    let mut other = World::new(&Scene::fair(2), Mode::Liveness, false).unwrap();
    other.play();
    (rest.world.ground, rest.world.broke) = (other.ground, Some(0));
    rest.world.check_halts();
    rest.broke("who took for final what is not halts");
}

#[test]
fn a_coordinator_explains_the_end_that_the_chain_has() {
    use {CloseReason as Why, Settlement as Kept};
    let settled = Some(JobEnd::Settled(OutputRoot::new([7; 32])));
    let refunded = Some(JobEnd::Refunded(Some(Returned::NotTaken)));
    assert!(agrees(settled, Kept::Settled, Some(Why::SettledOnChain)));
    assert!(agrees(refunded, Kept::Refunded, Some(Why::RefundedOnChain)));
    assert!(!agrees(settled, Kept::Refunded, Some(Why::SettledOnChain)));
    assert!(!agrees(settled, Kept::Settled, Some(Why::RefundedOnChain)));
    assert!(!agrees(refunded, Kept::Settled, Some(Why::RefundedOnChain)));
    assert!(!agrees(refunded, Kept::Refunded, Some(Why::SettledOnChain)));
    assert!(!agrees(settled, Kept::Settled, None));
    assert!(!agrees(None, Kept::Settled, Some(Why::SettledOnChain)));
}
