use super::*;

use tallystick_ports::MemoryStore;

const FIRST_VERSION: u8 = 1;

fn wish(guard: Option<Guard>, least_gas: u64) -> WishRecord {
    let intent = Intent {
        key: IntentKey::from(B256::repeat_byte(7)),
        to: Address::repeat_byte(8),
        data: vec![1, 2, 3].into(),
        value: U256::from(9),
        deadline: Some(WallTime::new(1_750_000_000_000)),
        max_fee_per_gas: 200_000_000_000,
        least_gas,
        guard,
        purpose: "settle job 0x0909".to_owned(),
    };
    WishRecord { intent, arrival: 5, failures: 1 }
}

fn guard() -> Option<Guard> {
    let done = vec![B256::repeat_byte(1)];
    Some(Guard { to: Address::ZERO, data: vec![4].into(), mask: B256::repeat_byte(2), done })
}

fn first_layout(wish: &WishRecord) -> WishOfVersion1 {
    let it = wish.intent.clone();
    let intent = IntentOfVersion1 {
        key: it.key,
        to: it.to,
        data: it.data,
        value: it.value,
        deadline: it.deadline,
        max_fee_per_gas: it.max_fee_per_gas,
        guard: it.guard,
        purpose: it.purpose,
    };
    WishOfVersion1 { intent, arrival: wish.arrival, failures: wish.failures }
}

fn under(version: u8, value: &impl Serialize) -> Vec<u8> {
    postcard::to_extend(value, vec![version]).unwrap()
}

fn kept(bytes: Vec<u8>) -> Result<Vec<WishRecord>, RecordError> {
    let (store, table) = (MemoryStore::default(), Table::of(ChainId::new(1), Address::ZERO));
    let mut batch = Batch::default();
    batch.put(table.wish_key(&IntentKey::from(B256::repeat_byte(7))), bytes);
    store.commit(batch).unwrap();
    table.wishes(&store)
}

#[test]
fn a_wish_of_the_first_version_is_read_and_leaves_the_gas_to_the_endpoints() {
    for guard in [None, guard()] {
        let wish = wish(guard, 0);
        let read = kept(under(FIRST_VERSION, &first_layout(&wish))).unwrap();
        assert_eq!(read, [wish]);
    }
}

#[test]
fn a_wish_of_the_later_layout_under_the_first_number_is_read_as_it_was_meant() {
    for (guard, gas) in [(None, 0), (guard(), 0), (None, 1), (guard(), 4_000_000)] {
        let wish = wish(guard, gas);
        assert_eq!(kept(under(FIRST_VERSION, &wish)).unwrap(), [wish]);
    }
}

#[test]
fn a_wish_is_kept_with_its_gas_under_the_present_number() {
    let wish = wish(guard(), 4_000_000);
    let bytes = encode(&wish);
    assert_eq!(bytes.first(), Some(&2));
    assert_eq!(kept(bytes).unwrap(), [wish]);
}

#[test]
fn everything_else_of_the_first_version_is_read_as_before() {
    let header = Header { next: Some(3), arrivals: 4, outcomes: 2, ..Header::default() };
    assert_eq!(decode::<Header>(&under(FIRST_VERSION, &header)).unwrap(), header);
    assert_eq!(decode::<Header>(&encode(&header)).unwrap(), header);
}

#[test]
fn what_a_newer_program_wrote_is_refused_by_its_number() {
    let refused = kept(under(3, &wish(None, 0))).unwrap_err();
    assert!(matches!(refused, RecordError::Newer { found: 3 }), "{refused}");
    assert!(refused.to_string().contains("run the newer program"));
}

#[test]
fn what_is_cut_off_or_too_long_is_damaged() {
    let whole = encode(&wish(None, 5));
    let mut long = whole.clone();
    long.push(0);
    for bytes in [whole[..whole.len() - 1].to_vec(), long, vec![0], Vec::new()] {
        assert!(matches!(kept(bytes), Err(RecordError::Damaged)));
    }
}
