//! Bad input on a network that runs: each case gets its typed error and says what to do, takes no
//! money, and leaves a network that works, also after the coordinator's disk was full.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use alloy_primitives::U256;
use tallystick_chain::keys::{KeystoreError, Keystores, Password};
use tallystick_devnet::TLY;
use tallystick_sdk::blob::silent;
use tallystick_sdk::order::{Demand, OrderError};
use tallystick_sdk::specify::{Draft, DraftError, InputSource, Needed, Prepared, Source};
use tallystick_sdk::{CallError, verify};
use tallystick_types::{Amount, IdentityKey, JobId, JobPrice, Trust};
use tallystick_wire::blobs::v1 as blobs;
use tallystick_wire::client::{EventKind, Phase, Shortage, Waiting, v1 as client};
use tallystick_wire::worker::{AgentBody, AgentMessage, Capabilities, Hello, v1};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::network::{Town, picture};

/// A module without anything in it: no command.
const EMPTY_MODULE: [u8; 8] = *b"\0asm\x01\0\0\0";

impl Town {
    async fn refused(&self, prepared: &Prepared, replicas: u8, trust: Trust) -> CallError {
        let demand = Demand { trust, ..self.demand(replicas) };
        match self.client.quote(prepared, &demand).await {
            Err(OrderError::Call(refusal)) => refusal,
            other => unreachable!("it was not refused: {other:?}"),
        }
    }

    /// What the client has in the house.
    async fn purse(&self) -> u128 {
        let (ground, client) = (&self.network.ground, self.network.client);
        ground.free(client).await.unwrap() + ground.lane(client).await.unwrap()
    }

    async fn channel(&self) -> Channel {
        let url = self.network.coordinators[0].clone();
        Channel::from_shared(url).unwrap().connect().await.unwrap()
    }
}

fn prepared(draft: Draft) -> Prepared {
    draft.prepare().unwrap()
}

fn lines(program: &[u8]) -> Draft {
    Draft::new(Source::Bytes(program.to_vec()), InputSource::Bytes(b"one\ntwo\n".to_vec()))
}

/// (a) A module outside of the profile, and no module at all.
async fn foreign_modules(town: &Town) {
    assert!(matches!(lines(b"#!/bin/sh").prepare(), Err(DraftError::NotWasm)));
    let work = prepared(lines(&EMPTY_MODULE));
    town.client.upload(&work.needed, &silent()).await.unwrap();
    let refusal = town.refused(&work, 3, Trust::Staked).await;
    let CallError::Refused { code: Code::InvalidArgument, message, .. } = &refusal else {
        unreachable!("{refusal:?}")
    };
    assert!(message.contains("outside of the profile"), "{message}");
    assert!(message.contains("build a command, not a library"), "{message}");
}

/// (b) An input that is missing, and bytes that are not those of their digest.
async fn wrong_inputs(town: &Town) {
    let work = prepared(Draft {
        input: InputSource::Bytes(b"nobody has this\n".to_vec()),
        ..lines(&EMPTY_MODULE)
    });
    let refusal = town.refused(&work, 3, Trust::Staked).await;
    let CallError::NotNow { message, .. } = &refusal else { unreachable!("{refusal:?}") };
    assert!(message.contains("is not here; upload it"), "{message}");

    let honest = &work.needed[1];
    let header = blobs::PutHeader { digest: Some(honest.digest.as_bytes().to_vec()), size: 3 };
    let parts =
        [blobs::put_part::Body::Header(header), blobs::put_part::Body::Data(b"lie".to_vec())];
    let parts = parts.map(|body| blobs::PutPart { body: Some(body) });
    let mut service = blobs::blobs_client::BlobsClient::new(town.channel().await);
    let refusal = service.put(futures::stream::iter(parts)).await.unwrap_err();
    assert_eq!(refusal.code(), Code::InvalidArgument);
    assert!(refusal.message().contains("they are not kept"), "{refusal}");
    let changed = Needed { source: Source::Bytes(b"lie".to_vec()), ..honest.clone() };
    assert!(town.client.upload(&[changed], &silent()).await.is_err());
}

fn shortage(refusal: CallError) -> Shortage {
    let CallError::TermsUnmet { shortage, .. } = refusal else { unreachable!("{refusal:?}") };
    *shortage
}

fn counts(shortage: &Shortage) -> Vec<(String, u32)> {
    let count =
        |it: &tallystick_wire::client::RejectedNodes| (it.filter.to_string(), it.nodes.get());
    shortage.rejected.iter().map(count).collect()
}

/// (c) Terms that nobody can meet, before anything is uploaded for them.
async fn impossible_terms(town: &Town) {
    let more = shortage(town.refused(&picture("50"), 4, Trust::Staked).await);
    assert_eq!((more.needed, more.known, more.impossible), (4, 3, true));
    assert_eq!(counts(&more), []);
    assert!(more.sentence.contains("fewer replicas"), "{}", &*more.sentence);
    let large = prepared(Draft { memory_bytes: 1 << 40, ..lines(&EMPTY_MODULE) });
    let large = shortage(town.refused(&large, 3, Trust::Staked).await);
    assert_eq!(counts(&large), [("capacity".to_owned(), 3)]);
    assert!(large.sentence.contains("3: machine too small"), "{}", &*large.sentence);
    let vetted = shortage(town.refused(&picture("50"), 3, Trust::Vetted).await);
    assert_eq!(counts(&vetted), [("trust".to_owned(), 3)]);
}

/// (d) A worker of another version, and (e) frames that are broken, on the stream of workers.
async fn foreign_workers(town: &Town) {
    let seat = town.network.members[0].seat;
    let hello = Hello {
        versions: vec![9].try_into().unwrap(),
        seat,
        identity: IdentityKey::new([7; 32]),
        instance_epoch: 1,
        capabilities: Capabilities {
            kinds: Vec::new().try_into().unwrap(),
            cpu_millis: 1,
            memory_bytes: 1,
            disk_bytes: 1,
            architecture: "abacus".to_owned().try_into().unwrap(),
            accelerators: Vec::new().try_into().unwrap(),
            places: 1.try_into().unwrap(),
            region: 1,
            price: Amount::ZERO,
        },
        nonce: None,
        software: "abacus 9".to_owned().try_into().unwrap(),
    };
    let hello = v1::AgentMessage::from(AgentMessage { body: AgentBody::Hello(hello) });
    let said = answer_to(town.channel().await, hello).await;
    assert_eq!(said.code, i32::from(v1::RefusedCode::Version));
    assert!(said.sentence.contains("no version in common"), "{}", said.sentence);
    assert!(said.remedy.contains("update the older side"), "{}", said.remedy);

    // A number where a message has to stand, and a message that says nothing.
    let broken = answer_to(town.channel().await, v1::Admitted { tier: 3 }).await;
    let empty = answer_to(town.channel().await, v1::AgentMessage { body: None }).await;
    // (f) The agent's messages have an end as well.
    let long = v1::Payload { bytes: vec![1; 1 << 20] };
    let long = answer_to(town.channel().await, long).await;
    for said in [&broken, &empty, &long] {
        assert_eq!(said.code, i32::from(v1::RefusedCode::Protocol), "{said:?}");
        assert!(said.remedy.contains("update the agent"), "{said:?}");
    }
    assert!(long.sentence.contains("too large"), "{long:?}");
}

/// The refusal that follows the first message of a stream.
async fn answer_to<M: prost::Message + Default + 'static>(
    channel: Channel,
    message: M,
) -> v1::Refused {
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.unwrap();
    let path = PathAndQuery::from_static("/tallystick.worker.v1.Workers/Connect");
    // The stream stays open: it is not its end that is refused.
    let said =
        futures::StreamExt::chain(futures::stream::iter([message]), futures::stream::pending());
    let codec = ProstCodec::<M, v1::CoordinatorMessage>::default();
    let answer = grpc.streaming(Request::new(said), path, codec).await.unwrap();
    match answer.into_inner().message().await.unwrap().unwrap().body.unwrap() {
        v1::coordinator_message::Body::Refused(refused) => refused,
        other => unreachable!("it was not refused: {other:?}"),
    }
}

/// (e) and (f) from clients: broken frames, payloads that are too long, blobs without room.
async fn broken_and_oversized(town: &Town) {
    let quote = |specification: Vec<u8>| client::QuoteRequest {
        specification,
        replicas: 3,
        token: vec![0; 20],
        ..<_>::default()
    };
    let mut service = client::clients_client::ClientsClient::new(town.channel().await);
    let refusal = service.quote(quote(vec![1; 2 << 20])).await.unwrap_err();
    assert_eq!(refusal.code(), Code::OutOfRange, "{refusal}");
    let refusal = service.quote(quote(b"{}".to_vec())).await.unwrap_err();
    assert_eq!(refusal.code(), Code::InvalidArgument);
    assert!(refusal.message().contains("cannot be read"), "{refusal}");
    let refusal = service.status(client::StatusRequest { job: vec![1; 31] }).await.unwrap_err();
    assert!(refusal.message().contains("must be 32 bytes, but is 31 bytes"), "{refusal}");

    let mut grpc = Grpc::new(town.channel().await);
    grpc.ready().await.unwrap();
    let path = PathAndQuery::from_static("/tallystick.client.v1.Clients/Quote");
    let codec = ProstCodec::<v1::Admitted, client::QuoteResponse>::default();
    let broken: Result<_, Status> =
        grpc.unary(Request::new(v1::Admitted { tier: 3 }), path, codec).await;
    assert!(broken.unwrap_err().message().contains("wire type"));

    let header = blobs::PutHeader { digest: None, size: 1 << 60 };
    let header = blobs::PutPart { body: Some(blobs::put_part::Body::Header(header)) };
    let mut service = blobs::blobs_client::BlobsClient::new(town.channel().await);
    let refusal = service.put(futures::stream::iter([header])).await.unwrap_err();
    assert_eq!(refusal.code(), Code::InvalidArgument);
    assert!(refusal.message().contains("split the input into several"), "{refusal}");
    let many = Draft { arguments: vec!["x".repeat(2 << 20)], ..lines(&EMPTY_MODULE) };
    assert!(matches!(many.prepare(), Err(DraftError::TooLong { .. })));
}

/// (h) A password that is not that of the key.
fn wrong_password(town: &Town) {
    let store = Keystores::at(town.network.folder.join("client").join("keys"));
    let refusal = store.unlock(town.network.client, &Password::new("wrong".to_owned()));
    let Err(refusal @ KeystoreError::WrongPassword { .. }) = refusal else { unreachable!() };
    assert!(refusal.to_string().contains("give the right one"), "{refusal}");
}

/// What watchers of a job are told that it waits for.
async fn waits(town: &Town, job: JobId) -> Waiting {
    let told = async {
        while town.client.status(job).await.is_err() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let mut watch = town.client.watch(job, 0);
        loop {
            let event = watch.next().await.unwrap().unwrap();
            if let Some(EventKind::Waiting(waiting)) = event.kind {
                return waiting;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), told).await.unwrap()
}

/// Jobs by contract calls, of which the coordinator could not be asked before: one whose terms
/// nobody meets, and one that offers too little. Gives the first, and what both reserve.
async fn impossible_by_call(town: &Town) -> (JobId, u128) {
    let work = picture("60");
    town.client.upload(&work.needed, &silent()).await.unwrap();
    let offer = town.client.quote(&work, &town.demand(3)).await.unwrap();
    let mut terms = *offer.terms();
    (terms.rules.replicas, terms.rules.quorum) = (4, 3);
    let (tip, asked) = (terms.price.tip(), terms.price.max_price().get());
    let cheap = town.chain.create_job(U256::from(12), &terms, "").await.unwrap();
    terms.price = JobPrice::new(Amount::new(2 * asked), Amount::ZERO, tip).unwrap();
    let job = town.chain.create_job(U256::from(11), &terms, "").await.unwrap();

    let waiting = waits(town, cheap).await;
    assert!(waiting.reason.contains("order it again for that price"), "{}", &*waiting.reason);
    assert_eq!((waiting.shortage, waiting.refund_at_seconds), (None, terms.rules.assign_by));
    let waiting = waits(town, job).await;
    let shortage = waiting.shortage.clone().unwrap();
    assert_eq!((shortage.needed, shortage.known, shortage.impossible), (4, 3, true));
    assert_eq!(waiting.refund_at_seconds, terms.rules.assign_by);
    let status = town.client.status(job).await.unwrap();
    assert_eq!((status.phase, status.waiting), (Phase::Open, Some(waiting)));
    let why = town.client.why(job).await.unwrap();
    assert!(why.contains("fewer replicas"), "{why}");
    (job, 3 * asked + 2 * tip.get())
}

/// A coordinator that may not write any more from some moment on, as on a disk without room.
struct Limited {
    process: Child,
    log: std::thread::JoinHandle<String>,
}

impl Limited {
    /// Starts the process of a member. The limit on the size of its files is an error to it and
    /// no signal, as a full disk is.
    fn start(home: &Path) -> Self {
        let program = env!("CARGO_BIN_EXE_tallystick-devnet");
        let mut process = Command::new("bash")
            .args(["-c", "trap '' XFSZ; exec \"$@\"", "bash", program, "node", "--config"])
            .arg(home.join("node.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = process.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            log.read_to_string(&mut text).unwrap();
            text
        });
        Self { process, log }
    }

    fn fill_disk(&self) {
        let mut limit = Command::new("prlimit");
        limit.arg("--pid").arg(self.process.id().to_string()).arg("--fsize=1");
        assert!(limit.status().unwrap().success());
    }

    /// The code with which it ended by itself, and what it said.
    async fn ended(mut self, ready: &str) -> (Option<i32>, String) {
        let mut answers = Vec::new();
        for _ in 0..600 {
            if let Some(status) = self.process.try_wait().unwrap() {
                let stopped = answers.iter().skip_while(|ok| **ok);
                assert_eq!(stopped.filter(|ok| **ok).count(), 0, "{answers:?}");
                return (status.code(), self.log.join().unwrap());
            }
            answers.push(is_ready(ready).await);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.process.kill().unwrap();
        unreachable!("it goes on without a disk: {}", self.log.join().unwrap());
    }
}

async fn is_ready(url: &str) -> bool {
    reqwest::get(url).await.is_ok_and(|answer| answer.status().is_success())
}

/// (g) The coordinator's disk is full in the middle of a job.
async fn full_disk(town: &mut Town) {
    let member = town.network.members.iter().find(|it| it.name == "coordinator-1").unwrap();
    assert!(member.kill());
    let ready = format!("http://{}/readyz", member.observe);
    let home = town.network.folder.join("coordinator-1");
    let limited = Limited::start(&home);
    for _ in 0..600 {
        if is_ready(&ready).await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    limited.fill_disk();
    let (code, log) = limited.ended(&ready).await;
    assert_eq!(code, Some(75), "{log}");
    let said = log.contains("free some and start again, nothing was lost")
        || log.contains("the disk is full; free space and start again, nothing was lost");
    assert!(said, "{log}");
    assert!(!is_ready(&ready).await);
    let program = PathBuf::from(env!("CARGO_BIN_EXE_tallystick-devnet"));
    town.network.restart("coordinator-1", &program).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_in_plain_words_and_costs_nothing_and_good_work_goes_on() {
    let mut town = Town::build(3).await;
    let before = town.purse().await;
    foreign_modules(&town).await;
    wrong_inputs(&town).await;
    impossible_terms(&town).await;
    foreign_workers(&town).await;
    broken_and_oversized(&town).await;
    wrong_password(&town);
    assert_eq!(town.purse().await, before, "what was refused costs nothing");

    let (open, reserved) = impossible_by_call(&town).await;
    let job = town.order(&picture("150")).await;
    town.until(job, Phase::Working).await;
    full_disk(&mut town).await;
    town.until(job, Phase::Settled).await;

    let receipt = town.client.receipt(job).await.unwrap();
    let verified = verify::verify(&receipt).unwrap();
    let cost = verified.signed().receipt.cost.get();
    let paid = before - town.purse().await - reserved;
    // The settler had its tip as well.
    assert!((cost..=cost + TLY / 10).contains(&paid), "{paid} {cost}");
    assert!(town.client.status(open).await.unwrap().waiting.is_some());
}
