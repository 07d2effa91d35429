//! The line to a coordinator: connect, prove who we are, carry messages, connect again.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::B256;
use sha2::{Digest, Sha256};
use tallystick_ports::{Clock, JobFacts, SigningError, WorkerKeys, blocking};
use tallystick_protocol::admission::MOST_ROUNDS;
use tallystick_tls::{Dial, Trouble};
use tallystick_types::Seat;
use tallystick_wire::MalformedError;
use tallystick_wire::authentication::{Network, SessionChallenge};
use tallystick_wire::limits::COORDINATOR_MESSAGE_BYTES;
use tallystick_wire::version::SUPPORTED;
use tallystick_wire::worker::{
    AgentBody, Challenge, CoordinatorBody, CoordinatorMessage, Hello, Proof, Refused, Welcome, v1,
};
use tokio::sync::mpsc;
use tokio::task::JoinError;
use tokio::time::{error::Elapsed, sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};
use v1::workers_client::WorkersClient;

use crate::agent::CoordinatorSays;
use crate::benchmark::profile;
use crate::config::Times;
use crate::translate::{Assembly, TurnError, message};

/// Messages that wait to be sent.
const OUTBOUND: usize = 256;

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The coordinator cannot be reached.
    #[error("the coordinator cannot be reached; the next one is tried")]
    Unreachable(#[source] tonic::transport::Error),
    /// There is no line that can be trusted to lead to it.
    #[error("the coordinator cannot be reached: {0}")]
    Insecure(Trouble),
    /// The call failed, or a message was too large.
    #[error("the session broke: {0}")]
    Broken(#[from] Box<Status>),
    /// Nothing came for longer than the lease, or an answer did not come in time.
    #[error("the coordinator fell silent")]
    Silent(#[from] Elapsed),
    /// The coordinator ended the session.
    #[error("the coordinator ended the session")]
    Ended,
    /// The coordinator refuses this node.
    #[error("the coordinator refuses this node: {sentence}; {remedy}")]
    Refused {
        /// Why, by its code.
        code: Option<tallystick_wire::worker::RefusedCode>,
        /// Why.
        sentence: String,
        /// What to do.
        remedy: String,
    },
    /// The challenge names another network, a version that was not offered, or an identity that
    /// is not the coordinator's.
    #[error("the challenge is not for this network, version and coordinator; nothing was signed")]
    WrongChallenge,
    /// Whoever answers does not prove with the registered key that it is that coordinator.
    #[error(
        "what answers does not prove that it is node {}, a coordinator; nothing was signed. \
         Check worker.coordinators, and tell its operator", coordinator.node
    )]
    Impostor {
        /// Who it says it is.
        coordinator: Seat,
    },
    /// The benchmark is larger than any that is allowed.
    #[error("a benchmark of {rounds} rounds was asked for, {MOST_ROUNDS} are the most")]
    Benchmark {
        /// What was asked for.
        rounds: u64,
    },
    /// A message breaks the protocol.
    #[error(transparent)]
    Malformed(#[from] MalformedError),
    /// Messages make no sense together.
    #[error(transparent)]
    Turn(#[from] TurnError),
    /// The keys did not sign the challenge.
    #[error("the challenge could not be signed")]
    Keys(#[from] SigningError),
    /// A part of this program failed.
    #[error("a part of the session failed")]
    Lost(#[from] JoinError),
}

/// What happens on the line.
#[derive(Debug)]
pub(crate) enum LinkEvent {
    /// This node is admitted.
    Opened(Opened),
    /// The coordinator says something.
    Says(CoordinatorSays),
    /// There is no session any more, or none came about.
    Closed(LinkError),
}

/// An admitted session.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) coordinator: Seat,
    pub(crate) heartbeat: Duration,
    pub(crate) channel: Channel,
    pub(crate) outbound: mpsc::Sender<v1::AgentMessage>,
}

/// What it takes to connect.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) coordinators: Vec<Endpoint>,
    pub(crate) dial: Dial,
    pub(crate) hello: Hello,
    pub(crate) network: Network,
    pub(crate) benchmark_bytes: u64,
    pub(crate) times: Times,
    pub(crate) keys: Arc<dyn WorkerKeys>,
    pub(crate) facts: Arc<dyn JobFacts>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// A session before it is admitted.
struct Greeting {
    hello: Hello,
    outbound: mpsc::Sender<v1::AgentMessage>,
    inbound: Streaming<v1::CoordinatorMessage>,
}

/// A session from its admission on.
struct Session {
    opened: Opened,
    inbound: Streaming<v1::CoordinatorMessage>,
    /// After how much silence it counts as broken.
    silence: Duration,
}

impl Line {
    /// Connects for ever, to one coordinator after the other, until nobody listens.
    pub(crate) async fn keep(self: Arc<Self>, events: mpsc::Sender<LinkEvent>) {
        let mut failures = 0_u32;
        for endpoint in self.coordinators.iter().cycle() {
            let error = match self.greet(endpoint).await {
                Ok(session) => {
                    failures = 0;
                    session.carry(&events).await
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    error
                }
            };
            if events.send(LinkEvent::Closed(error)).await.is_err() {
                return;
            }
            sleep(self.pause(failures)).await;
        }
    }

    /// The pause before the next try: doubled with each failure, between half of it and all.
    fn pause(&self, failures: u32) -> Duration {
        let factor = 1_u32.checked_shl(failures.min(16)).unwrap_or(u32::MAX);
        let longest = self.times.longest_pause;
        let pause = self.times.shortest_pause.saturating_mul(factor).min(longest);
        let mut hasher = Sha256::new();
        hasher.update(self.hello.seat.signer);
        hasher.update(self.clock.now().get().to_be_bytes());
        let [share, ..]: [u8; 32] = hasher.finalize().into();
        pause.mul_f64(0.5 + f64::from(share) / 512.0)
    }

    /// Everything up to the admission.
    async fn greet(&self, endpoint: &Endpoint) -> Result<Session, LinkError> {
        let endpoint = endpoint.clone().connect_timeout(self.times.answer);
        let connected = timeout(self.times.answer, self.dial.connect(&endpoint)).await?;
        let channel = connected.map_err(|error| match Trouble::of(&error) {
            Some(trouble) => LinkError::Insecure(trouble),
            None => LinkError::Unreachable(error),
        })?;
        let mut greeting = self.call(&channel).await?;
        let challenge = self.challenged(&mut greeting).await?;
        let welcome = self.welcomed(&mut greeting, &challenge).await?;
        self.admitted(&mut greeting, &welcome).await?;
        let Greeting { outbound, inbound, .. } = greeting;
        let coordinator = challenge.coordinator;
        let heartbeat = Duration::from_secs(welcome.heartbeat_seconds.get().into());
        let lease = Duration::from_secs(welcome.lease_seconds.get().into());
        let silence = lease.max(heartbeat.saturating_mul(3));
        let opened = Opened { coordinator, heartbeat, channel, outbound };
        Ok(Session { opened, inbound, silence })
    }

    /// Opens the stream, with Hello as its first message.
    async fn call(&self, channel: &Channel) -> Result<Greeting, LinkError> {
        let (outbound, messages) = mpsc::channel(OUTBOUND);
        let hello = Hello { nonce: Some(B256::random()), ..self.hello.clone() };
        let first = message(AgentBody::Hello(hello.clone()));
        outbound.send(first).await.map_err(|_| LinkError::Ended)?;
        let mut client = WorkersClient::new(channel.clone())
            .max_decoding_message_size(COORDINATOR_MESSAGE_BYTES);
        let call = client.connect(ReceiverStream::new(messages));
        let answer = timeout(self.times.answer, call).await?;
        let answer = answer.map_err(|status| match Trouble::of(&status) {
            Some(trouble) => LinkError::Insecure(trouble),
            None => LinkError::Broken(Box::new(status)),
        })?;
        Ok(Greeting { hello, outbound, inbound: answer.into_inner() })
    }

    /// The challenge, if it is one that this node may sign.
    async fn challenged(&self, greeting: &mut Greeting) -> Result<Challenge, LinkError> {
        let body = greeting.next(self.times.answer).await?;
        let CoordinatorBody::Challenge(challenge) = body else { return Err(out_of_turn(body)) };
        let network = Network { chain: challenge.chain_id, job_manager: challenge.job_manager };
        let registered = self.facts.identity_of(challenge.coordinator);
        let identity = challenge.coordinator_identity;
        if network != self.network
            || !SUPPORTED.contains(&challenge.chosen_version)
            || registered.is_some_and(|registered| registered != identity)
        {
            return Err(LinkError::WrongChallenge);
        }
        if is_proved(&greeting.hello, &challenge, registered.is_some()) {
            Ok(challenge)
        } else {
            Err(LinkError::Impostor { coordinator: challenge.coordinator })
        }
    }

    async fn welcomed(
        &self,
        greeting: &mut Greeting,
        challenge: &Challenge,
    ) -> Result<Welcome, LinkError> {
        let bytes = SessionChallenge::new(&greeting.hello, challenge).bytes();
        let keys = Arc::clone(&self.keys);
        let proof = blocking::run(move || keys.sign_challenge(&bytes)).await??;
        greeting.say(AgentBody::Proof(Proof {
            identity_signature: proof.identity,
            signer_signature: proof.signer,
        }))?;
        match greeting.next(self.times.answer).await? {
            CoordinatorBody::Welcome(welcome) => Ok(welcome),
            body => Err(out_of_turn(body)),
        }
    }

    /// Does the benchmark where one is asked for, and waits until this node is admitted.
    async fn admitted(&self, greeting: &mut Greeting, welcome: &Welcome) -> Result<(), LinkError> {
        let rounds = welcome.profile_rounds;
        if rounds > MOST_ROUNDS {
            return Err(LinkError::Benchmark { rounds });
        }
        if rounds > 0 {
            let (welcome, clock) = (welcome.clone(), Arc::clone(&self.clock));
            let memory_bytes = self.benchmark_bytes;
            let measured = blocking::run(move || profile(&welcome, memory_bytes, &*clock));
            greeting.say(AgentBody::Profile(measured.await?))?;
        }
        match greeting.next(self.times.admission).await? {
            CoordinatorBody::Admitted(_) => Ok(()),
            body => Err(out_of_turn(body)),
        }
    }
}

impl Session {
    /// Carries what the coordinator says, until the session ends.
    async fn carry(self, events: &mpsc::Sender<LinkEvent>) -> LinkError {
        let Self { opened, mut inbound, silence } = self;
        let mut event = LinkEvent::Opened(opened);
        let mut assembly = Assembly::default();
        loop {
            if events.send(event).await.is_err() {
                return LinkError::Ended;
            }
            event = loop {
                let heard = match hear(&mut inbound, silence).await {
                    Ok(Some(body)) => assembly.take(body),
                    Ok(None) => Ok(None),
                    Err(error) => return error,
                };
                match heard {
                    Ok(Some(says)) => break LinkEvent::Says(says),
                    Ok(None) => {}
                    Err(error) => return error.into(),
                }
            };
        }
    }
}

impl Greeting {
    fn say(&self, body: AgentBody) -> Result<(), LinkError> {
        self.outbound.try_send(message(body)).map_err(|_| LinkError::Ended)
    }

    /// The next message that this version knows.
    async fn next(&mut self, within: Duration) -> Result<CoordinatorBody, LinkError> {
        loop {
            if let Some(body) = hear(&mut self.inbound, within).await? {
                return Ok(body);
            }
        }
    }
}

/// The next message; nothing inside it where this version does not know what it says.
async fn hear(
    inbound: &mut Streaming<v1::CoordinatorMessage>,
    within: Duration,
) -> Result<Option<CoordinatorBody>, LinkError> {
    let heard = timeout(within, inbound.message()).await?.map_err(Box::new)?;
    let body = CoordinatorMessage::try_from(heard.ok_or(LinkError::Ended)?)?.body;
    match body {
        Some(CoordinatorBody::Refused(Refused { code, sentence, remedy })) => {
            let (sentence, remedy) = (sentence.into_string(), remedy.into_string());
            Err(LinkError::Refused { code, sentence, remedy })
        }
        body => Ok(body),
    }
}

/// Whether a coordinator is who it says. One whose key nobody knows can prove nothing; versions
/// before this proof came without.
fn is_proved(hello: &Hello, challenge: &Challenge, registered: bool) -> bool {
    match (hello.nonce, challenge.coordinator_signature) {
        (Some(nonce), Some(signature)) => {
            SessionChallenge::new(hello, challenge).verify_answer(nonce, &signature).is_ok()
        }
        _ => !registered,
    }
}

fn out_of_turn(_body: CoordinatorBody) -> LinkError {
    LinkError::Turn(TurnError::OutOfTurn)
}
