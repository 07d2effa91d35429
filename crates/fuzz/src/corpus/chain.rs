//! What the chain says, and what is kept of talking to it.

use alloy_primitives::{Address, B256, Bytes, LogData, U256, aliases};
use alloy_sol_types::{Panic, SolError, SolEvent, SolInterface};
use tallystick_abi::Contract;
use tallystick_abi::contracts::{
    IHouseContract, IJobManager, INetworkProfile, INodeRegistry, IPaymentManager, ISlashingManager,
    IStakingManager, ITallyToken,
};
use tallystick_abi::{Revert, decode_error};
use tallystick_chain::outbox::{Intent, IntentKey, Lane, Settings};
use tallystick_chain::view::{HouseContracts, HouseEvent};
use tallystick_ports::{MemoryStore, Store};
use tallystick_settlement::{Action, Subject};
use tallystick_types::{Attempt, ChainId, JobId};

use super::{Seed, of_kind};
use crate::house_event::house;

const NODE: u64 = 7;

/// Two events with lists and texts, and the least one of every other kind.
pub(super) fn house_event() -> Vec<Seed> {
    let place = |contract| house().address(contract).first().copied().unwrap_or_default();
    let assigned = IJobManager::JobAssigned {
        id: B256::repeat_byte(1),
        attempt: 1,
        coordinator: U256::from(5),
        nodes: vec![U256::from(6), U256::from(7)],
        deadline: aliases::U40::from(1_750_000_000),
    };
    let registered = INodeRegistry::NodeRegistered {
        node: NODE,
        operator: Address::repeat_byte(1),
        signer: Address::repeat_byte(2),
        profile: INodeRegistry::NodeProfile {
            peerId: vec![1; 38].into(),
            identityKey: B256::repeat_byte(3),
            roles: 1,
            region: 49,
            metadataUri: "ipfs://node".to_owned(),
        },
    };
    let mut seeds = vec![
        logged("assigned", place(Contract::JobManager), &assigned.encode_log_data()),
        logged("registered", place(Contract::NodeRegistry), &registered.encode_log_data()),
    ];
    let house = |contract| (contract, IHouseContract::IHouseContractEvents::SELECTORS);
    for (contract, selectors) in [
        (Contract::JobManager, IJobManager::IJobManagerEvents::SELECTORS),
        (Contract::NodeRegistry, INodeRegistry::INodeRegistryEvents::SELECTORS),
        (Contract::StakingManager, IStakingManager::IStakingManagerEvents::SELECTORS),
        (Contract::PaymentManager, IPaymentManager::IPaymentManagerEvents::SELECTORS),
        (Contract::SlashingManager, ISlashingManager::ISlashingManagerEvents::SELECTORS),
        (Contract::NetworkProfile, INetworkProfile::INetworkProfileEvents::SELECTORS),
        house(Contract::NetworkProfile),
    ] {
        seeds.extend(selectors.iter().filter_map(|topic| least(contract, B256::from(*topic))));
    }
    seeds
}

/// An input of the target: who emitted it, how many topics, the topics, the data.
fn logged(name: &str, contract: u8, log: &LogData) -> Seed {
    let topics: Vec<u8> = log.topics().iter().flat_map(|topic| topic.0).collect();
    let count = u8::try_from(log.topics().len()).expect("a log has at most four topics");
    (name.to_owned(), [&[contract, count][..], &topics, &log.data[..]].concat())
}

/// The event with the fewest topics and words, all of them small, that is read; nothing where it
/// needs more than zeros.
fn least(contract: Contract, topic: B256) -> Option<Seed> {
    let (contracts, address) = (HouseContracts::of(&house()), house().address(contract));
    let (topics, words) = (1..=4_usize, 0..24_usize);
    let shapes = topics.flat_map(|topics| words.clone().map(move |words| (topics, words)));
    shapes.map(|(topics, words)| (topics, vec![0; words.saturating_mul(32)])).find_map(
        |(count, data)| {
            let mut topics = vec![topic];
            topics.resize(count, B256::ZERO);
            HouseEvent::decode(&contracts, address, &topics, &data).ok()?;
            let name = format!("{contract:?}-{}", topic.to_string().get(2..10)?).to_lowercase();
            let log = LogData::new(topics, data.into())?;
            Some(logged(&name, address.first().copied()?, &log))
        },
    )
}

/// The least data of every error of ours, and what others say.
pub(super) fn revert() -> Vec<Seed> {
    let mut seeds = vec![
        ("silent".to_owned(), Vec::new()),
        ("reason".to_owned(), alloy_sol_types::Revert::from("not enough").abi_encode()),
        ("panic".to_owned(), Panic { code: U256::from(0x11) }.abi_encode()),
    ];
    let mut all: Vec<[u8; 4]> = Vec::new();
    all.extend(IJobManager::IJobManagerErrors::selectors());
    all.extend(INodeRegistry::INodeRegistryErrors::selectors());
    all.extend(IPaymentManager::IPaymentManagerErrors::selectors());
    all.extend(IStakingManager::IStakingManagerErrors::selectors());
    all.extend(ISlashingManager::ISlashingManagerErrors::selectors());
    all.extend(INetworkProfile::INetworkProfileErrors::selectors());
    all.extend(IHouseContract::IHouseContractErrors::selectors());
    all.extend(ITallyToken::ITallyTokenErrors::selectors());
    for selector in all {
        let data = (0..8_usize)
            .map(|words| [selector.as_slice(), &vec![0; words.saturating_mul(32)]].concat());
        let read = data.into_iter().find(|data| !matches!(decode_error(data), Revert::Unknown(_)));
        if let Some((name, data)) =
            read.and_then(|data| Some((decode_error(&data).name()?.to_lowercase(), data)))
        {
            seeds.push((name, data));
        }
    }
    seeds
}

/// Answers as endpoints give them, one for each question of the target.
pub(super) fn endpoint() -> Vec<Seed> {
    let (hash, zero) = (B256::repeat_byte(0x22), B256::ZERO);
    let (contract, bloom) = (Address::repeat_byte(0x11), format!("0x{}", "00".repeat(256)));
    let log = format!(
        r#"{{"address":"{contract}","topics":["{hash}"],"data":"0x01","blockHash":"{hash}",
        "blockNumber":"0x5","transactionHash":"{hash}","transactionIndex":"0x0","logIndex":"0x0",
        "removed":false}}"#
    );
    let header = format!(
        r#"{{"hash":"{hash}","parentHash":"{zero}","sha3Uncles":"{zero}","miner":"{contract}",
        "stateRoot":"{zero}","transactionsRoot":"{zero}","receiptsRoot":"{zero}",
        "logsBloom":"{bloom}","difficulty":"0x0","number":"0x5","gasLimit":"0x1c9c380",
        "gasUsed":"0x5208","timestamp":"0x684ee180","extraData":"0x","mixHash":"{zero}",
        "nonce":"0x0000000000000000","baseFeePerGas":"0x7"}}"#
    );
    let receipt = format!(
        r#"{{"type":"0x2","status":"0x1","cumulativeGasUsed":"0x5208","logs":[{log}],
        "logsBloom":"{bloom}","transactionHash":"{hash}","transactionIndex":"0x0",
        "blockHash":"{hash}","blockNumber":"0x5","gasUsed":"0x5208","effectiveGasPrice":"0x8",
        "from":"{contract}","to":"{contract}","contractAddress":null}}"#
    );
    let transaction = format!(
        r#"{{"type":"0x2","hash":"{hash}","chainId":"0x7a69","nonce":"0x1","gas":"0x5208",
        "maxFeePerGas":"0x9","maxPriorityFeePerGas":"0x1","to":"{contract}","value":"0x0",
        "accessList":[],"input":"0x","r":"0x1","s":"0x1","yParity":"0x0","v":"0x0",
        "from":"{contract}","blockHash":"{hash}","blockNumber":"0x5","transactionIndex":"0x0",
        "gasPrice":"0x8"}}"#
    );
    let fees = r#"{"oldestBlock":"0x4","baseFeePerGas":["0x7","0x8"],"gasUsedRatio":[0.5]}"#;
    let reverted = r#"{"code":3,"message":"execution reverted","data":"0x01020304"}"#;
    let too_low = r#"{"code":-32000,"message":"nonce too low: next nonce 5, tx nonce 4"}"#;
    let whole = r#"{"jsonrpc":"2.0","id":1,"result":"0x5"}"#;
    let answers = [
        ("header", 0, 0, header.clone()),
        ("header-by-hash", 1, 0, header),
        ("logs", 2, 0, format!("[{log}]")),
        ("logs-between", 3, 0, format!("[{log}]")),
        ("receipts", 4, 0, format!("[{receipt}]")),
        ("receipt", 5, 0, receipt),
        ("transaction", 6, 0, transaction),
        ("call", 7, 0, "\"0x0102\"".to_owned()),
        ("call-refused", 7, 2, reverted.to_owned()),
        ("gas", 8, 0, "\"0x5208\"".to_owned()),
        ("gas-refused", 8, 2 | (2 << 2), reverted.to_owned()),
        ("fees", 9, 0, fees.to_owned()),
        ("sent", 10, 0, format!("\"{hash}\"")),
        ("send-refused", 10, 2, too_low.to_owned()),
        ("nonce", 11, 0, "\"0x1\"".to_owned()),
        ("balance", 12, 0, "\"0xde0b6b3a7640000\"".to_owned()),
        ("code", 13, 0, "\"0x6001\"".to_owned()),
        ("chain", 14, 0, "\"0x7a69\"".to_owned()),
        ("block", 15, 0, "\"0x5\"".to_owned()),
        ("null", 5, 0, "null".to_owned()),
        ("other-id", 15, 3, whole.to_owned()),
        ("too-many", 15, 2 | (1 << 2), too_low.to_owned()),
    ];
    answers
        .map(|(name, question, kind, body): (&str, u8, u8, String)| {
            (name.to_owned(), [&[question, kind][..], body.as_bytes()].concat())
        })
        .to_vec()
}

/// A note in the form of the target: lengths, key, value.
fn note(key: &[u8], value: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&length(key)[..], &length(value), key, value].concat()
}

fn intent() -> Intent {
    let contract = house().address(Contract::JobManager);
    Intent {
        key: IntentKey::of(house().chain_id, contract, "settle", &[1; 33]),
        to: contract,
        data: Bytes::from_static(&[1, 2, 3, 4]),
        value: U256::ZERO,
        deadline: None,
        max_fee_per_gas: 100,
        least_gas: 0,
        guard: None,
        purpose: "settle a job".to_owned(),
    }
}

/// What settler, outbox and ingest keep, in the order of the target's readers.
pub(super) fn stored_notes() -> Vec<Seed> {
    let (chain, account) = (ChainId::new(31_337), Address::repeat_byte(1));
    let subject =
        Subject { job: JobId::new([1; 32]), attempt: Attempt::new(1), action: Action::Settle };
    let wish = postcard::to_extend(&(vec![subject], intent()), vec![1]);
    let wish = note(intent().key.as_bytes(), &wish.expect("a wish is stored"));

    let store = MemoryStore::default();
    let mut lane = Lane::load(Settings::new(chain, account), &store).expect("nothing is kept yet");
    store.commit(lane.enqueue(intent()).batch).expect("memory takes every batch");
    let prefix = [&b"outbox/"[..], &chain.get().to_be_bytes()[..], account.as_slice()].concat();
    let queued: Vec<u8> = store
        .scan(&prefix)
        .expect("memory is read")
        .iter()
        .flat_map(|(key, value)| note(key.strip_prefix(&*prefix).unwrap_or(key), value))
        .collect();

    // Chain, cursor, epoch, last, safe, number of the last delivery, strange logs.
    let place = (5_u64, B256::repeat_byte(2));
    let position = (chain, place, 0_u64, place, 5_u64, 9_u64, 0_u64);
    let position = postcard::to_extend(&position, vec![1]).expect("a position is stored");
    let header = (B256::repeat_byte(2), B256::repeat_byte(1), 1_750_000_000_u64);
    let header = postcard::to_extend(&header, vec![1]).expect("a header is stored");
    let header = note(&[&b"header/"[..], &5_u64.to_be_bytes()[..]].concat(), &header);

    let stored = (B256::repeat_byte(3), vec![4_u8; 65]);
    let signature = postcard::to_allocvec(&stored).expect("a signature is stored");
    let ended = postcard::to_allocvec(&1_750_000_000_123_u64).expect("a moment is stored");
    let ended = note(&[&[1; 32][..], b"e"].concat(), &ended);
    vec![
        of_kind(0, "wish", wish),
        of_kind(1, "queued", queued),
        of_kind(2, "position", [note(b"position", &position), header].concat()),
        of_kind(3, "ended", ended),
        of_kind(4, "signature", signature),
    ]
}
