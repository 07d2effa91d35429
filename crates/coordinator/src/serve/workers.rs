//! The service that nodes connect to: admission, then what both sides say about tasks.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use alloy_primitives::{B256, FixedBytes};
use tallystick_abi::signer_of;
use tallystick_ports::blocking;
use tallystick_protocol::admission::{self, Demand, Measured};
use tallystick_protocol::ledger::{Event, NodeProfile};
use tallystick_scheduler::Tier;
use tallystick_types::{NodeId, Seat, Seconds, WallTime};
use tallystick_wire::authentication::SessionChallenge;
use tallystick_wire::worker::v1;
use tallystick_wire::worker::v1::workers_server::Workers;
use tallystick_wire::worker::{
    Admitted, AgentBody, AgentMessage, Challenge, CoordinatorBody, CoordinatorMessage,
    HeartbeatAck, Hello, Refused, RefusedCode, Welcome,
};
use tallystick_wire::{Sentence, version};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tonic::{Request, Response, Status, Streaming};

use super::Answers;
use crate::hear::{Heard, Speaker, signed_of};
use crate::machine::{Input, Wish};
use crate::orders;
use crate::sessions::{Facts, QUEUE, Session};
use crate::shared::Shared;
use crate::spawn::Spawner;

/// How long each step of a handshake may take, the benchmark included.
const HANDSHAKE: Duration = Duration::from_secs(60);
/// Heartbeats that may be missing until a node counts as gone.
const MISSED: u64 = 3;

/// Lets nodes in and talks to them.
#[derive(Clone, Debug)]
pub(crate) struct WorkerService {
    shared: Shared,
    spawner: Spawner,
    numbers: Arc<AtomicU64>,
}

/// A session that ended before it began, in words for the node.
struct Refusal {
    code: RefusedCode,
    sentence: String,
    remedy: &'static str,
}

/// Changes when a session ends.
type Presence = watch::Receiver<()>;

/// One node's stream.
struct Talk {
    shared: Shared,
    number: u64,
    inward: Streaming<v1::AgentMessage>,
    outward: mpsc::Sender<CoordinatorBody>,
}

impl From<Refusal> for CoordinatorBody {
    fn from(Refusal { code, sentence, remedy }: Refusal) -> Self {
        let (sentence, remedy) = (Sentence::cut(&sentence), Sentence::cut(remedy));
        Self::Refused(Refused { code: Some(code), sentence, remedy })
    }
}

impl WorkerService {
    pub(crate) fn new(shared: Shared, spawner: Spawner) -> Self {
        Self { shared, spawner, numbers: Arc::default() }
    }
}

#[tonic::async_trait]
impl Workers for WorkerService {
    type ConnectStream = Answers<v1::CoordinatorMessage>;

    async fn connect(
        &self,
        request: Request<Streaming<v1::AgentMessage>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let (outward, queue) = mpsc::channel(QUEUE);
        let talk = Talk {
            shared: self.shared.clone(),
            number: self.numbers.fetch_add(1, Ordering::Relaxed),
            inward: request.into_inner(),
            outward,
        };
        self.spawner.spawn(talk.run()).await.map_err(super::stopped)?;
        let answers = futures::stream::unfold(queue, |mut queue| async move {
            let body = queue.recv().await?;
            let message = CoordinatorMessage { body: Some(body) };
            Some((Ok(v1::CoordinatorMessage::from(message)), queue))
        });
        Ok(Response::new(Box::pin(answers)))
    }
}

impl Talk {
    async fn run(mut self) {
        let (seat, hello, present) = match self.handshake().await {
            Ok(Some(entered)) => entered,
            Ok(None) => return,
            Err(refusal) => {
                let Refusal { code, sentence, .. } = &refusal;
                tracing::info!(?code, sentence, "session.refused");
                // A node that is gone needs no words.
                let _gone = self.outward.send(refusal.into()).await;
                return;
            }
        };
        tracing::info!(node = %seat.node, "session.began");
        self.listen(seat, &hello, present).await;
        if self.shared.sessions.leave(seat, self.number) {
            let left = Input::Ledger(Event::NodeLeft { seat });
            // The desk is gone only when everything stops.
            let _stopped = self.shared.desk.tell(left).await;
        }
        tracing::info!(node = %seat.node, "session.ended");
    }

    /// From the first word to work; nothing where the node went away.
    async fn handshake(&mut self) -> Result<Option<(Seat, Hello, Presence)>, Refusal> {
        let Some(AgentBody::Hello(hello)) = self.next().await? else { return Ok(None) };
        let chosen = version::negotiate(&hello.versions, version::SUPPORTED)
            .map_err(|error| refusal(RefusedCode::Version, error, "update the older side"))?;
        let seat = hello.seat;
        self.check_registered(&hello)?;
        let mut challenge = Challenge {
            nonce: B256::random(),
            chain_id: self.shared.domain.chain,
            job_manager: self.shared.domain.job_manager,
            chosen_version: chosen,
            coordinator: self.shared.me,
            coordinator_identity: self.shared.identity_key(),
            coordinator_signature: None,
        };
        let asked = SessionChallenge::new(&hello, &challenge);
        let identity = &self.shared.identity;
        challenge.coordinator_signature = hello.nonce.map(|nonce| asked.answer(nonce, identity));
        if !self.say(CoordinatorBody::Challenge(challenge)).await {
            return Ok(None);
        }
        let Some(AgentBody::Proof(proof)) = self.next().await? else { return Ok(None) };
        asked.verify(&proof.identity_signature).map_err(bad_signature)?;
        let signer = signer_of(asked.digest(), &proof.signer_signature).map_err(bad_signature)?;
        if signer != seat.signer {
            let sentence = format!("{signer} signed, the seat's signer is {}", seat.signer);
            return Err(refusal(RefusedCode::BadSignature, sentence, "unlock the node's key"));
        }
        let Some((tier, speed)) = self.admit().await? else { return Ok(None) };
        let present = self.enter(seat, &hello, (tier, speed)).await?;
        Ok(present.map(|present| (seat, hello, present)))
    }

    fn check_registered(&self, hello: &Hello) -> Result<(), Refusal> {
        let seat = hello.seat;
        let remedy = "register the node, or correct its keys in the registry";
        if seat.node == NodeId::UNREGISTERED {
            return Ok(());
        }
        let house = self.shared.house.read();
        let Some(node) = house.latest().node(seat.node) else {
            let sentence = format!("the registry has no node {}", seat.node);
            return Err(refusal(RefusedCode::UnknownNode, sentence, remedy));
        };
        if node.signer != seat.signer || node.profile.identity_key != hello.identity {
            let sentence = format!("the registry has other keys for node {}", seat.node);
            return Err(refusal(RefusedCode::WrongIdentity, sentence, remedy));
        }
        drop(house);
        if self.shared.outlook().standing(seat).is_none() {
            let sentence =
                format!("node {} may not work now: jailed, frozen or retired", seat.node);
            let remedy = "look at its status on the chain";
            return Err(refusal(RefusedCode::NotAdmitted, sentence, remedy));
        }
        Ok(())
    }

    /// The benchmark: what it says must be what the work leads to.
    async fn admit(&mut self) -> Result<Option<(Tier, u64)>, Refusal> {
        let config = Arc::clone(&self.shared.config);
        let (seed, asked_at) = (B256::random(), self.shared.clock.now());
        let seconds = |seconds: Seconds, times: u64| {
            let whole = seconds.get().saturating_mul(times);
            u32::try_from(whole).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN)
        };
        let welcome = Welcome {
            session: FixedBytes::random(),
            heartbeat_seconds: seconds(config.heartbeat, 1),
            lease_seconds: seconds(config.heartbeat, MISSED),
            profile_seed: seed,
            profile_rounds: config.profile_rounds,
            server_time_ms: asked_at,
        };
        if !self.say(CoordinatorBody::Welcome(welcome)).await {
            return Ok(None);
        }
        let Some(AgentBody::Profile(profile)) = self.next().await? else { return Ok(None) };
        let observed_ms = self.shared.clock.now().get().saturating_sub(asked_at.get());
        let measured = Measured {
            checksum: profile.checksum,
            work_units: profile.work_units,
            stated_ms: profile.elapsed_ms,
            observed_ms,
            memory_bytes: profile.largest_allocation_bytes,
        };
        let demand = Demand {
            seed,
            rounds: config.profile_rounds,
            speed: config.least_speed,
            memory_bytes: config.least_memory_bytes,
        };
        let speed = measured.speed();
        let judged = blocking::run(move || admission::judge(&measured, &demand));
        let Ok(judged) = judged.await else { return Ok(None) };
        let remedy = "run the agent unchanged on a machine that meets the minimum";
        let tier =
            judged.map_err(|rejection| refusal(RefusedCode::NotAdmitted, rejection, remedy))?;
        let number = tier.number();
        if !self.say(CoordinatorBody::Admitted(Admitted { tier: number })).await {
            return Ok(None);
        }
        let tier = match tier {
            admission::Tier::One => Tier::One,
            admission::Tier::Two => Tier::Two,
            admission::Tier::Three => Tier::Three,
        };
        Ok(Some((tier, speed)))
    }

    /// The node is in: the machine knows it, and it is told everything that it is to do.
    async fn enter(
        &mut self,
        seat: Seat,
        hello: &Hello,
        (tier, speed): (Tier, u64),
    ) -> Result<Option<Presence>, Refusal> {
        if self.shared.sessions.seats().len() >= self.shared.config.most_nodes {
            let sentence = "the coordinator has as many nodes as it can serve";
            return Err(refusal(RefusedCode::Full, sentence, "try another coordinator"));
        }
        let facts = Facts {
            capabilities: hello.capabilities.clone(),
            software: hello.software.as_str().to_owned(),
            tier,
            load: tallystick_types::Ppm::ZERO,
            inputs: Vec::new(),
        };
        let Some(standing) = self.shared.outlook().standing(seat) else { return Ok(None) };
        let candidate = Box::new(facts.candidate(seat, standing));
        let (presence, present) = watch::channel(());
        let session = Session {
            number: self.number,
            sender: self.outward.clone(),
            presence,
            facts,
            last_seen: self.shared.clock.now(),
        };
        if !self.shared.sessions.enter(seat, session) {
            let sentence = format!("node {} is connected already", seat.node);
            let remedy = "run one process per identity; a crashed one is forgotten within seconds";
            return Err(refusal(RefusedCode::Twin, sentence, remedy));
        }
        let places = hello.capabilities.places.get();
        let profile = NodeProfile { places, speed };
        let desk = &self.shared.desk;
        let known = desk.tell(Input::Candidate(candidate)).await.is_ok()
            && desk.tell(Input::Ledger(Event::NodeJoined { seat, profile })).await.is_ok();
        fail::fail_point!("workers.session.entered");
        let orders = desk.ask(move |machine, _| machine.orders_of(seat)).await;
        for wish in orders.into_iter().flatten() {
            if let Wish::ToNode(seat, order) = wish {
                let bodies = orders::bodies(order, &self.shared.blobs);
                self.shared.sessions.tell(seat, bodies);
            }
        }
        Ok(known.then_some(present))
    }

    /// Takes what the node says until it leaves, is cut off or is silent for too long.
    async fn listen(&mut self, seat: Seat, hello: &Hello, mut present: Presence) {
        let silence = Duration::from_secs(self.shared.config.heartbeat.get() * MISSED);
        loop {
            let message = tokio::select! {
                message = timeout(silence, self.inward.message()) => message,
                () = self.outward.closed() => return,
                _ = present.changed() => return,
            };
            let Ok(message) = message else { return };
            let body = match read(message) {
                Ok(Some(body)) => body,
                Ok(None) => return,
                Err(refusal) => {
                    let error = &refusal.sentence;
                    tracing::warn!(node = %seat.node, error, "session.malformed");
                    let _gone = self.outward.try_send(refusal.into());
                    return;
                }
            };
            if matches!(body, AgentBody::Leaving(_)) {
                return;
            }
            let signed = signed_of(&body);
            let Some(input) = self.heard(seat, hello, body).await else { continue };
            fail::fail_point!("workers.message.heard");
            if self.shared.desk.apply(input).await.is_err() {
                return;
            }
            fail::fail_point!("workers.message.kept");
            if let Some(outcome) = signed {
                // The signature is on the disk: a node that leaves may forget that it owes it.
                let _full = self.outward.try_send(CoordinatorBody::SignOutcome(outcome));
                fail::fail_point!("workers.signature.acknowledged");
            }
        }
    }

    /// What a message means; a heartbeat is answered.
    async fn heard(&mut self, seat: Seat, hello: &Hello, body: AgentBody) -> Option<Input> {
        if let AgentBody::Heartbeat(beat) = &body {
            let now = self.shared.clock.now();
            self.answer(now, beat.sent_at_ms);
            let said = (beat.load_ppm, beat.inputs.clone().into_vec());
            if let Some(facts) = self.shared.sessions.heard(seat, now, said) {
                let candidate = facts.candidate(seat, self.shared.outlook().standing(seat)?);
                let _stopped = self.shared.desk.tell(Input::Candidate(Box::new(candidate))).await;
            }
        }
        let head = self.shared.house.heights().head;
        let speaker = Speaker { seat, identity: hello.identity, domain: self.shared.domain, head };
        match speaker.says(body)? {
            Heard::Input(input) => Some(*input),
            Heard::Ask(question) => {
                self.shared.desk.ask(move |machine, _| question(machine)).await.ok().flatten()
            }
        }
    }

    fn answer(&self, now: WallTime, sent_at_ms: WallTime) {
        let min_block = self.shared.house.heights().head;
        let ack = HeartbeatAck { server_time_ms: now, min_block, sent_at_ms };
        // A queue that is full tells the node nothing that it waits for.
        let _full = self.outward.try_send(CoordinatorBody::HeartbeatAck(ack));
    }

    async fn say(&self, body: CoordinatorBody) -> bool {
        self.outward.send(body).await.is_ok()
    }

    /// The next message of a handshake; nothing where the node went away.
    async fn next(&mut self) -> Result<Option<AgentBody>, Refusal> {
        match timeout(HANDSHAKE, self.inward.message()).await {
            Ok(message) => read(message),
            Err(_) => Ok(None),
        }
    }
}

fn refusal(code: RefusedCode, sentence: impl std::fmt::Display, remedy: &'static str) -> Refusal {
    Refusal { code, sentence: sentence.to_string(), remedy }
}

/// What came on a node's stream; nothing where the stream ended. A frame that cannot be decoded or
/// is too long, and a message that means nothing, break the protocol.
fn read(message: Result<Option<v1::AgentMessage>, Status>) -> Result<Option<AgentBody>, Refusal> {
    let broken = |error: &dyn std::fmt::Display| {
        refusal(RefusedCode::Protocol, error, "update the agent to the coordinator's version")
    };
    let message = message.map_err(|status| broken(&status.message()))?;
    let Some(message) = message else { return Ok(None) };
    AgentMessage::try_from(message).map(|it| Some(it.body)).map_err(|error| broken(&error))
}

fn bad_signature(error: impl std::fmt::Display) -> Refusal {
    refusal(RefusedCode::BadSignature, error, "sign the challenge with the node's own keys")
}
