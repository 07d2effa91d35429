//! What a decision says about itself.

use alloy_primitives::{B256, U256, keccak256};
use proptest::prelude::*;
use tallystick_scheduler::{
    CandidateIndex, Decision, Explanation, Method, Outlook, Quarantine, Reason, Request, ScanIndex,
    Score, WorkKind,
};
use tallystick_types::{Amount, Policy, Privacy};

use crate::formula;
use crate::sample::{self, CLIENT, candidate, node, ppm, request, seed};

fn index_of(numbers: std::ops::RangeInclusive<u64>) -> ScanIndex {
    let mut index = ScanIndex::default();
    for number in numbers {
        index.upsert(candidate(number));
    }
    index
}

#[test]
fn a_decision_reads_as_text() {
    let mut index = index_of(1..=1);
    let mut dear = candidate(2);
    dear.price = Amount::new(12);
    index.upsert(dear);
    let mut out = candidate(3);
    out.quarantine = Quarantine::Until { tests_left: 4 };
    index.upsert(out);
    let request = Request { policy: Policy::Auto, ..request() };
    let text = index.decide_primary(&request, &seed(1)).to_string();
    let expected = "\
chosen: node 1
policy: AUTO, CHEAP: lowest price among scores from 0.500000000000
seed: 0x0100000000000000000000000000000000000000000000000000000000000000
score = 0.400000 resource fit + 0.300000 stake weight + 0.200000 locality + 0.100000 load balance
candidates: 3, suitable: 1
  node 1: score 0.775000000000 (fit 0.812500, stake 0.500000, locality 1.000000, \
load 1.000000), asks 10, stake 50000000000000000000000
rejected, too expensive: 1
  node 2: asks 12, at most 10
rejected, in quarantine: 1
  node 3: has 4 tests to pass
";
    assert_eq!(text, expected);
}

#[test]
fn the_method_says_how_the_policy_was_resolved() {
    let index = index_of(1..=1);
    let method = |policy, kind| {
        let request = Request { policy, kind, ..request() };
        index.decide_primary(&request, &seed(1)).explanation.method
    };
    let cheap = Method::LowestPrice { sufficient: Score::of_share(ppm(500_000)) };
    assert_eq!(method(Policy::Auto, WorkKind::Inference), Method::BestScore);
    assert_eq!(method(Policy::Fast, WorkKind::Wasm), Method::BestScore);
    assert_eq!(method(Policy::Auto, WorkKind::Wasm), cheap);
    let secondaries = index.decide_secondaries(&request(), node(1), &seed(1), 2);
    assert_eq!(secondaries.explanation.method, Method::StakeDraw { primary: node(1), wanted: 2 });
    assert_eq!(secondaries.explanation.rejections[0].reason, Reason::Excluded);
}

#[test]
fn a_private_task_without_a_paired_machine_is_unmet_and_a_busy_network_is_worth_waiting_for() {
    let mut index = ScanIndex::default();
    let outlook =
        |index: &ScanIndex| index.decide_primary(&request(), &seed(1)).explanation.outlook();
    assert_eq!(outlook(&index), Outlook::Unmet);
    let mut stranger = candidate(1);
    stranger.paired.clear();
    stranger.online = false;
    index.upsert(stranger);
    assert_eq!((request().client, request().privacy), (CLIENT, Privacy::Private));
    assert_eq!(outlook(&index), Outlook::Unmet);
    index.upsert(candidate(2));
    assert_eq!(outlook(&index), Outlook::Suitable);
    index.mark_busy(node(2)).unwrap();
    assert_eq!(outlook(&index), Outlook::Wait);
}

#[test]
fn claiming_marks_all_that_were_chosen() {
    let mut index = index_of(1..=4);
    let primary = index.claim_primary(&request(), &seed(1));
    let id = primary.first().unwrap().id();
    assert!(index.get(id).unwrap().busy);
    let secondaries = index.claim_secondaries(&request(), id, &seed(2), 2);
    assert!(secondaries.chosen.iter().all(|scored| index.get(scored.id()).unwrap().busy));
    let last = index.claim_secondaries(&request(), id, &seed(3), 2);
    assert_eq!((last.chosen.len(), last.explanation.suitable), (1, 1));
    assert!(index.claim_primary(&request(), &seed(4)).chosen.is_empty());
}

#[test]
fn an_index_behind_a_pointer_decides_as_well() {
    let mut index: Box<dyn CandidateIndex> = Box::new(index_of(1..=2));
    let chosen = index.claim_primary(&request(), &seed(1)).chosen;
    assert_eq!((chosen.len(), index.len()), (1, 2));
}

#[test]
fn an_explanation_stays_small_for_many_candidates_and_counts_them_all() {
    let mut index = index_of(1..=3_000);
    for number in 2_001..=3_000 {
        let mut offline = candidate(number);
        offline.online = false;
        index.upsert(offline);
    }
    let decision = index.decide_secondaries(&request(), node(7), &seed(1), 255);
    let explanation = &decision.explanation;
    assert_eq!((explanation.candidates, explanation.suitable), (3_000, 1_999));
    assert_eq!(explanation.ranked.len(), Explanation::MOST_RANKED);
    let counts: Vec<_> =
        explanation.rejections.iter().map(|it| (it.reason, it.count, it.examples.len())).collect();
    let expected = [(Reason::Excluded, 1, 1), (Reason::Offline, 1_000, Explanation::MOST_EXAMPLES)];
    assert_eq!(counts, expected);
    assert!(serde_json::to_string(explanation).unwrap().len() < 20_000);
    let text = explanation.to_string();
    assert!(text.contains("  and 1967 more\n") && text.contains("  and 992 more\n"), "{text}");
}

#[test]
fn the_digest_names_the_set_that_was_drawn_from() {
    let mut index = index_of(1..=2);
    let digest = |index: &ScanIndex| {
        let decision = index.decide_secondaries(&request(), node(9), &seed(1), 1);
        decision.explanation.suitable_digest
    };
    let before = digest(&index);
    let stake = U256::from(candidate(1).stake.get()).to_be_bytes::<32>();
    let words = [node(1).word().0, stake, node(2).word().0, stake];
    assert_eq!(before, keccak256(words.as_flattened()));
    let mut richer = candidate(2);
    richer.stake = sample::tly(50_001);
    index.upsert(richer);
    assert_ne!(digest(&index), before);
    assert_eq!(digest(&ScanIndex::default()), B256::from(keccak256([])));
}

proptest! {
    #[test]
    fn a_decision_adds_up_and_survives_json(
        candidates in prop::collection::vec(sample::candidates(), 0..12),
        request in sample::requests(), parameters in sample::parameters(),
        seed in sample::seeds()
    ) {
        let mut index = ScanIndex::new(parameters);
        for candidate in candidates {
            index.upsert(candidate);
        }
        let decision = index.decide_primary(&request, &seed);
        let why = &decision.explanation;
        prop_assert_eq!(why.ranked.first(), decision.first());
        let rejected: u64 = why.rejections.iter().map(|tally| tally.count).sum();
        prop_assert_eq!(why.suitable + rejected, why.candidates);
        prop_assert_eq!(usize::try_from(why.candidates).unwrap(), index.len());
        let mut suitable = 0;
        index.visit(&mut |entry| {
            let known = (entry.candidate.clone(), entry.busy);
            suitable += u64::from(formula::suits(&known, &request));
        });
        prop_assert_eq!(why.suitable, suitable);
        prop_assert_eq!(why.outlook() == Outlook::Suitable, !decision.chosen.is_empty());
        let text = serde_json::to_string(&decision).unwrap();
        prop_assert_eq!(serde_json::from_str::<Decision>(&text).unwrap(), decision);
    }
}
