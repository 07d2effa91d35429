use std::collections::BTreeSet;

use super::*;

#[test]
fn a_code_has_eighty_random_bits_that_people_can_read() {
    let codes: BTreeSet<String> = (0..100).map(|_| draw()).collect();
    assert_eq!(codes.len(), 100);
    let mut seen = BTreeSet::new();
    for code in &codes {
        assert_eq!(code.len(), 19);
        let groups: Vec<_> = code.split('-').collect();
        assert!(groups.iter().all(|group| group.len() == 4), "{code}");
        seen.extend(groups.concat().into_bytes());
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), DIGITS, "every digit is drawn");
}

#[test]
fn a_request_names_its_pairing() {
    let (client, nonce) = (Address::repeat_byte(1), B256::repeat_byte(2));
    assert_eq!(id_of(client, nonce), id_of(client, nonce));
    assert_ne!(id_of(client, nonce), id_of(client, B256::repeat_byte(3)));
    assert_ne!(id_of(client, nonce), id_of(Address::repeat_byte(3), nonce));
}

#[test]
fn pages_go_through_all_pairings_in_their_order_once() {
    let claimed = |number: u64| {
        let seat = Seat { node: NodeId::new(number), signer: Address::ZERO };
        // Two were claimed in the same moment.
        let at = WallTime::new(number / 2);
        (PairingId(number), PairingClaimed { provider: IdentityKey::new([1; 32]), seat, at })
    };
    let (mut after, mut found) = (Cursor::default(), Vec::new());
    loop {
        let page = Page { after, limit: 2 };
        let ListPairingsResponse { pairings, next } = page_of((1..=5).map(claimed), Some(&page));
        found.extend(pairings.iter().map(|pairing| pairing.seat.node.get()));
        after = next;
        if after.is_empty() {
            break;
        }
    }
    assert_eq!(found, [1, 2, 3, 4, 5]);
}
